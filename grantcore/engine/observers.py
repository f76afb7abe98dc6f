"""Telling observers what was committed (SPEC 10, I-65, I-66)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self
from weakref import WeakMethod

from grantcore.model.events import Created, Event, ExecutionEvent, GrantIssued
from grantcore.model.grants import GrantRecord, HeldGrant
from grantcore.model.leases import Lease
from grantcore.model.past import first_attempt, lease_of
from grantcore.model.records import Execution, shown_policy, shown_tags
from grantcore.model.views import AttemptInfo, frozen, shown_attempt
from grantcore.rules.change import Arguments, Change, Step

Observer = Callable[[Event], None]

_log: Final = logging.getLogger("grantcore")


class Subscription:
    """An observer's registration; closing it twice, or from the observer itself, is fine.

    >>> from grantcore import GrantEngine
    >>> with GrantEngine().subscribe(print) as subscription:
    ...     subscription.closed
    False
    >>> subscription.closed
    True
    """

    __slots__ = ("_notice", "closed", "observer", "told")

    def __init__(self, observer: Observer, told: int, notice: Callable[[], None]) -> None:
        """Begin after event number ``told``; ``notice``, a method of the engine, hears of the closing."""
        self.observer = observer
        self.told = told
        self.closed = False
        # Not to hold the engine, which holds this: it goes when its user lets go of it.
        self._notice = WeakMethod(notice)

    def close(self) -> None:
        """Hear no more; idempotent."""
        self.closed = True
        notice = self._notice()
        if notice is not None:
            notice()

    def __enter__(self) -> Self:
        """Use as a context that closes it."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()


Before = tuple["HeldGrant | None", "Lease | None", "int | None"]
"""What an event must tell of the record as it was: grant, lease that ends, index of the attempt that may."""


def before(step: Step, record: Execution) -> Before:
    """Keep what the change will overwrite."""
    lease = lease_of(record) if step.releases else None
    return (record.grant, lease, record.attempt_count - 1 if step.leaves else None)


def event_of(change: Change, sequence: int, operator: str | None, was: Before) -> ExecutionEvent:
    """Build the event of a change that has been written.

    Nothing in it is copied again: what a change tells was copied when it was read from the caller, and cannot
    change. Only what the engine goes on reading itself is told as a copy, policies and tags.
    """
    step, _, record, at_ms, arguments, _ = change
    grant, lease, attempt_index = was
    build: Callable[..., ExecutionEvent] = step.event
    return build(
        sequence,
        at_ms,
        operator,
        record.execution_id,
        record.spec.lane_id,
        step.target,
        shown_grant(record, grant) if record.grant is None else None,
        lease,
        None if attempt_index is None else _closed_attempt(record, attempt_index),
        *_own_fields(step, record, arguments),
    )


def _own_fields(step: Step, record: Execution, arguments: Arguments) -> Arguments:
    """The fields that only this kind of event has."""
    if step.event is Created:
        return _creation(record, arguments)
    if step.event is GrantIssued:
        return (shown_grant(record, arguments[0]), arguments[1])
    return arguments[: step.told]


def _creation(record: Execution, arguments: Arguments) -> Arguments:
    """All the arguments of a creation."""
    payload, tags, delay_until_ms, deadline_at_ms, new_key, _ = arguments
    spec = record.spec
    return (
        record.priority,
        spec.required,
        spec.namespace,
        spec.execution_kind,
        spec.creator_identity,
        shown_policy(spec),
        spec.quota_policy_id,
        spec.budget_ids,
        payload,
        shown_tags(tags),
        delay_until_ms,
        deadline_at_ms,
        None if new_key is None else new_key[0][1],
        None if new_key is None else new_key[1].expires_at_ms,
    )


def _closed_attempt(record: Execution, index: int) -> AttemptInfo | None:
    """The attempt, if it has ended."""
    past = record.past
    attempt = first_attempt(record) if past is None else past.attempts[index]
    if attempt.ended_at_ms is None:
        return None
    return frozen(attempt) if past is None else shown_attempt(attempt)


def shown_grant(record: Execution, grant: HeldGrant | None) -> GrantRecord | None:
    """A grant as the engine shows it."""
    if grant is None:
        return None
    kind, issued_at_ms, expires_at_ms, terms = grant
    worker_id, worker_instance_id, capability_hash, route_snapshot_json, admission_summary = terms
    return GrantRecord(
        record.execution_id,
        kind,
        worker_id,
        worker_instance_id,
        record.spec.lane_id,
        capability_hash,
        route_snapshot_json,
        admission_summary,
        issued_at_ms,
        expires_at_ms,
    )


def tell(subscriptions: tuple[Subscription, ...], event: Event) -> BaseException | None:
    """Call every observer once, in order of subscription.

    An ``Exception`` is logged and changes nothing; the first ``BaseException`` is the answer, to be
    raised when the state is whole. ``told`` is stored before the call, so an interrupted delivery is
    taken up where it stopped and never repeated to anyone.
    """
    raised: BaseException | None = None
    for subscription in subscriptions:
        if subscription.closed or subscription.told >= event.sequence:
            continue
        subscription.told = event.sequence
        try:
            subscription.observer(event)
        except Exception:  # noqa: BLE001 - an observer's failure changes nothing
            _log.exception("an observer failed on %s %d", type(event).__name__, event.sequence)
        except BaseException as error:  # noqa: BLE001 - handed on, when all have run
            raised = raised or error
    return raised
