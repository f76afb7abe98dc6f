"""What an event says of a lease: that it begins, that it ends, and whether its holder lost it."""

from __future__ import annotations

from typing import Final

import attrs

from grantcore.events import (
    AttemptTimedOut,
    DeadlinePassed,
    Event,
    ExecutionEvent,
    LeaseAcquired,
    LeaseLapsed,
    LeaseReclaimed,
    LeaseRevoked,
)
from grantcore.model.leases import Lease

Key = tuple[str, int]
"""Execution and epoch: no two leases of an engine have the same (I-02)."""

TAKEN: Final = (LeaseLapsed, LeaseRevoked, AttemptTimedOut, DeadlinePassed)
"""Events that end a lease whether its holder likes it or not; so does every event of an operator."""


@attrs.frozen
class Interval:
    """One lease: from ``began_at_ms`` to ``ended_at_ms`` (None: it goes on), and the event that ended it."""

    execution_id: str
    lane_id: str
    worker_id: str
    worker_instance_id: str
    lease_epoch: int
    began_at_ms: int
    ended_at_ms: int | None
    end: str | None


def key(lease: Lease) -> Key:
    """What names a lease, whichever of its renewals is at hand. O(1)."""
    return lease.execution_id, lease.lease_epoch


def begun(event: Event) -> Lease | None:
    """The lease that begins with this event. O(1)."""
    return event.lease if isinstance(event, (LeaseAcquired, LeaseReclaimed)) else None


def ended(event: Event) -> Lease | None:
    """The lease that ends with this event, or had ended and is let go of with it. O(1)."""
    if isinstance(event, (LeaseLapsed, LeaseRevoked)):
        return event.lease
    return event.released_lease if isinstance(event, ExecutionEvent) else None


def was_taken(event: Event) -> bool:
    """Whether the event that ends a lease is not of its holder's own making. O(1)."""
    return isinstance(event, TAKEN) or event.operator is not None
