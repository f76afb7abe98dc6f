"""Telling observers what was committed (SPEC 10, I-65, I-66)."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Self

import attrs

from grantcore.model.events import Created, Event, ExecutionEvent, GrantIssued
from grantcore.model.grants import GrantRecord, HeldGrant
from grantcore.model.leases import Lease
from grantcore.model.past import lease_of, past_of
from grantcore.model.phases import ACTIVE, IN_ATTEMPT
from grantcore.model.records import Execution, spec_fields
from grantcore.model.views import Attempt, AttemptInfo
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

    __slots__ = ("closed", "observer", "told")

    def __init__(self, observer: Observer, told: int) -> None:
        """Begin after event number ``told``."""
        self.observer = observer
        self.told = told
        self.closed = False

    def close(self) -> None:
        """Hear no more; idempotent."""
        self.closed = True

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


@attrs.frozen
class Before:
    """What an event must tell of the record as it was."""

    in_attempt: bool
    attempt_index: int
    grant: HeldGrant | None
    lease: Lease | None


def before(record: Execution) -> Before:
    """Keep what the change will overwrite."""
    lease = lease_of(record) if record.phase in ACTIVE else None
    return Before(record.phase in IN_ATTEMPT, record.attempt_count - 1, record.grant, lease)


def event_of(change: Change, sequence: int, operator: str | None, was: Before) -> ExecutionEvent:
    """Build the event of a change that has been written."""
    step, _, record, at_ms, arguments, _ = change
    build: Callable[..., ExecutionEvent] = step.event
    return build(
        sequence,
        at_ms,
        operator,
        record.execution_id,
        record.spec.lane_id,
        step.target,
        shown_grant(record, was.grant) if record.grant is None else None,
        was.lease if step.target not in ACTIVE else None,
        _closed_attempt(record, was),
        *_own_fields(step, record, arguments),
    )


def _own_fields(step: Step, record: Execution, arguments: Arguments) -> Iterator[object]:
    """The fields that only this kind of event has."""
    if step.event is Created:
        *told, new_key, _ = arguments
        yield from (record.priority, *copy.deepcopy(spec_fields(record.spec)[1:]), *copy.deepcopy(told))
        yield from (None, None) if new_key is None else (new_key[0][1], new_key[1].expires_at_ms)
        return
    if step.event is GrantIssued:
        grant, credited, *_ = arguments
        yield from (shown_grant(record, grant), credited)
        return
    yield from arguments[: step.told]


def _closed_attempt(record: Execution, was: Before) -> AttemptInfo | None:
    attempt = past_of(record).attempts[was.attempt_index] if was.in_attempt else None
    return shown_attempt(attempt) if attempt is not None and attempt.ended_at_ms is not None else None


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


def shown_attempt(attempt: Attempt) -> AttemptInfo:
    """An attempt as the engine shows it."""
    return AttemptInfo(**attrs.asdict(attempt, recurse=False))


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
