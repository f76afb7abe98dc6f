"""Grants: the right of one worker to take the next lease (SPEC 2, 9)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs

from grantcore.model.ids import partition_index


class GrantKind(StrEnum):
    """What a grant may be used for; the type of a grant is its kind (D-03)."""

    CLAIM = "claim"
    RESUME = "resume"
    RECLAIM = "reclaim"

    __hash__ = str.__hash__


@attrs.frozen
class Partition:
    """FlowFabric's partition of an execution; carried, never consulted here."""

    index: int
    family: str = "flow"

    @property
    def partition_key(self) -> str:
        """The key as FlowFabric writes it.

        >>> Partition(7).partition_key
        '{fp:7}'
        """
        return f"{{fp:{self.index}}}"


class _Addressed:
    """What follows from the execution id alone."""

    __slots__ = ()

    execution_id: str

    @property
    def partition(self) -> Partition:
        """The execution's partition."""
        return Partition(partition_index(self.execution_id))

    @property
    def grant_key(self) -> str:
        """FlowFabric's key of the grant record."""
        return f"ff:exec:{self.partition.partition_key}:{self.execution_id}:claim_grant"


class ClaimGrantLayout(_Addressed):
    """The slots of :class:`ClaimGrant` (``model/values.py``)."""

    __slots__ = ("execution_id", "expires_at_ms")

    execution_id: str
    expires_at_ms: int


@attrs.frozen(weakref_slot=False)
class ClaimGrant(ClaimGrantLayout):
    """The right to take a fresh attempt. A value: a lookup key, the engine believes its own record."""

    execution_id: str
    expires_at_ms: int


class OpenClaimGrant(ClaimGrantLayout):
    """Becomes a :class:`ClaimGrant`."""

    __slots__ = ()


@attrs.frozen(weakref_slot=False)
class ResumeGrant(_Addressed):
    """The right to go on with an interrupted attempt."""

    execution_id: str
    expires_at_ms: int
    lane_id: str


@attrs.frozen(weakref_slot=False)
class ReclaimGrant(_Addressed):
    """The right to take over a lost lease."""

    execution_id: str
    expires_at_ms: int
    lane_id: str


Grant = ClaimGrant | ResumeGrant | ReclaimGrant

KIND_OF: Final = {
    ClaimGrant: GrantKind.CLAIM,
    ResumeGrant: GrantKind.RESUME,
    ReclaimGrant: GrantKind.RECLAIM,
}


@attrs.frozen(weakref_slot=False)
class GrantRecord:
    """A grant as the engine keeps it: whom it is for, until when, and the audit texts."""

    execution_id: str
    kind: GrantKind
    worker_id: str
    worker_instance_id: str
    lane_id: str
    capability_hash: str | None
    route_snapshot_json: str | None
    admission_summary: str | None
    created_at_ms: int
    expires_at_ms: int


Terms = tuple[str, str, "str | None", "str | None", "str | None"]
"""worker_id, worker_instance_id, capability_hash, route_snapshot_json, admission_summary of a request."""


HeldGrant = tuple[GrantKind, int, int, Terms]
"""The one live grant of an execution, as the engine keeps it: kind, instant of issue, end, terms.

A plain tuple, as a tenure is: one allocation, and the garbage collector stops looking at it.
"""

KIND: Final = 0
ISSUED_AT_MS: Final = 1
EXPIRES_AT_MS: Final = 2
TERMS: Final = 3

WORKER_ID: Final = 0
