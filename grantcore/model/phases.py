"""The phases of an execution (SPEC 4)."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where an execution is in its life: exactly one of these at any time."""

    DELAYED = "delayed"
    ELIGIBLE = "eligible"
    BLOCKED = "blocked"
    LEASED = "leased"
    LEASE_EXPIRED = "lease_expired"
    LEASE_REVOKED = "lease_revoked"
    SUSPENDED = "suspended"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    # Enum hashes through Python; the tables keyed by phase are read in every call.
    __hash__ = str.__hash__


# Members bound to module names: a global is read several times faster than an enum attribute.
DELAYED = Phase.DELAYED
ELIGIBLE = Phase.ELIGIBLE
BLOCKED = Phase.BLOCKED
LEASED = Phase.LEASED
LEASE_EXPIRED = Phase.LEASE_EXPIRED
LEASE_REVOKED = Phase.LEASE_REVOKED
SUSPENDED = Phase.SUSPENDED
SUCCEEDED = Phase.SUCCEEDED
FAILED = Phase.FAILED
CANCELLED = Phase.CANCELLED
EXPIRED = Phase.EXPIRED

LOST = frozenset({LEASE_EXPIRED, LEASE_REVOKED})
"""The lease has ended, the attempt waits for somebody to reclaim it."""

OFFERED = LOST | {ELIGIBLE}
"""A grant is all that is missing: it stands on a shelf while none is out."""

ACTIVE = LOST | {LEASED}
"""The attempt clock runs (SPEC 5) and FlowFabric calls the execution active."""

IN_ATTEMPT = ACTIVE | {SUSPENDED}
"""What ends the execution ends its attempt too; a waiting one has none, or leaves it interrupted."""

RUNNABLE = frozenset({DELAYED, ELIGIBLE, BLOCKED})
"""Nobody has it, and nothing but time, an order or a worker is missing."""

TERMINAL = frozenset({SUCCEEDED, FAILED, CANCELLED, EXPIRED})
"""The end, unless somebody replays it (I-38)."""
