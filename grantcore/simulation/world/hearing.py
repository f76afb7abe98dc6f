"""Hears the engine's events and makes facts of them (``chronicle``)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from grantcore.events import (
    AttemptTimedOut,
    BecameDue,
    Cancelled,
    Completed,
    Created,
    DeadlinePassed,
    Event,
    ExecutionEvent,
    Failed,
    GrantIssued,
    GrantLapsed,
    GrantWithdrawn,
    LeaseAcquired,
    LeaseLapsed,
    LeaseReclaimed,
    LeaseRenewed,
    LeaseRevoked,
    Purged,
    ReclaimCapReached,
    RetryScheduled,
)
from grantcore.model.phases import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from grantcore import GrantEngine, Lease
    from grantcore.simulation.world.chronicle import Chronicle


class Hearing:
    """A subscription to the engine's events, open all the time or only when it is wanted.

    Attributes:
        always: whether it is open all the time: then every fact is an event, else only those of the calls
            made inside :meth:`open`.
    """

    def __init__(self, engine: GrantEngine, chronicle: Chronicle, *, always: bool) -> None:
        """Begin with nothing heard."""
        self.always = always
        self._engine = engine
        self._chronicle = chronicle
        self._heard: list[Event] = []
        if always:
            engine.subscribe(self._heard.append)

    @contextmanager
    def open(self) -> Generator[None, None, None]:
        """Hear the calls made inside, and make facts of what they did."""
        if self.always:
            yield
        else:
            with self._engine.subscribe(self._heard.append):
                yield
        self.take_in()

    def take_in(self) -> None:
        """Make facts of what was heard, in order."""
        for event in self._heard:
            _HANDLERS.get(type(event), _other)(self._chronicle, event)
        self._heard.clear()


def _created(to: Chronicle, event: Created) -> None:
    to.created(event.at_ms, event.execution_id)


def _granted(to: Chronicle, event: GrantIssued) -> None:
    grant = event.grant
    to.granted(event.at_ms, event.execution_id, grant.worker_instance_id, grant.expires_at_ms)


def _grant_gone(to: Chronicle, event: GrantLapsed | GrantWithdrawn) -> None:
    to.grant_gone(event.at_ms, event.execution_id)


def _leased(to: Chronicle, event: LeaseAcquired | LeaseReclaimed) -> None:
    to.leased(event.at_ms, event.lease, reclaimed=type(event) is LeaseReclaimed)


def _renewed(to: Chronicle, event: LeaseRenewed) -> None:
    to.renewed(event.at_ms, event.execution_id, event.lease.lease_epoch, event.lease.expires_at_ms)


def _lapsed(to: Chronicle, event: LeaseLapsed) -> None:
    to.lapsed(event.at_ms, event.execution_id, event.lease.lease_epoch)


def _revoked(to: Chronicle, event: LeaseRevoked) -> None:
    to.revoked(event.at_ms, event.execution_id, event.lease.lease_epoch)


def _released(event: ExecutionEvent) -> int:
    """Epoch of the lease that ended with this event."""
    lease: Lease | None = event.released_lease
    return 0 if lease is None else lease.lease_epoch


def _completed(to: Chronicle, event: Completed) -> None:
    to.completed(event.at_ms, event.execution_id, _released(event))


def _failed(to: Chronicle, event: Failed) -> None:
    to.failed(event.at_ms, event.execution_id, _released(event))


def _retried(to: Chronicle, event: RetryScheduled) -> None:
    to.retried(event.at_ms, event.execution_id, _released(event), event.delay_until_ms)


def _due(to: Chronicle, event: BecameDue) -> None:
    to.due(event.at_ms, event.execution_id)


def _stopped(to: Chronicle, event: ExecutionEvent) -> None:
    ended = event.phase in TERMINAL
    to.stopped(event.at_ms, event.execution_id, _STOPS[type(event)], str(event.phase) if ended else None)


def _purged(to: Chronicle, event: Purged) -> None:
    to.purged(event.at_ms, event.execution_id)


def _other(to: Chronicle, event: Event) -> None:
    execution_id = event.execution_id if isinstance(event, ExecutionEvent) else "-"
    to.moved_nobody(event.at_ms, type(event).__name__, execution_id)


_STOPS: Final[dict[type[Event], str]] = {
    AttemptTimedOut: "timed out",
    Cancelled: "cancelled",
    DeadlinePassed: "expired",
    ReclaimCapReached: "given up",
}

_HANDLERS: Final = cast(
    "dict[type[Event], Callable[[Chronicle, Event], None]]",
    {
        Created: _created,
        GrantIssued: _granted,
        GrantLapsed: _grant_gone,
        GrantWithdrawn: _grant_gone,
        LeaseAcquired: _leased,
        LeaseReclaimed: _leased,
        LeaseRenewed: _renewed,
        LeaseLapsed: _lapsed,
        LeaseRevoked: _revoked,
        Completed: _completed,
        Failed: _failed,
        RetryScheduled: _retried,
        BecameDue: _due,
        Purged: _purged,
        **dict.fromkeys(_STOPS, _stopped),
    },
)
