"""Leases and fences: the right to work on an execution, and the triple that proves it (SPEC 2)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol

import attrs

from grantcore.model import checks
from grantcore.model.errors import FenceRequired, PartialFenceTriple, invalid
from grantcore.model.time import MAX_MS
from grantcore.model.values import thawed


class AttemptType(StrEnum):
    """Why an attempt began."""

    INITIAL = "initial"
    RETRY = "retry"
    RECLAIM = "reclaim"
    REPLAY = "replay"


class LeaseKind(StrEnum):
    """How a lease was taken."""

    FRESH = "fresh"
    RESUMED = "resumed"
    RECLAIMED = "reclaimed"


@attrs.frozen(weakref_slot=False)
class Lease:
    """The exclusive right to work on an execution while ``now < expires_at_ms``.

    A value: keeping or copying it grants nothing, and a renewal leaves the fence as it is, so the
    lease of before a renewal still completes (SPEC 5). ``lease_epoch`` is for the resource you
    protect: refuse whoever comes with a lower one than you have seen.
    """

    execution_id: str
    lane_id: str
    lease_id: str
    lease_epoch: int
    attempt_id: str
    attempt_index: int
    attempt_type: AttemptType
    kind: LeaseKind
    worker_id: str
    worker_instance_id: str
    acquired_at_ms: int
    expires_at_ms: int
    renewal_deadline_ms: int


new_lease: Final = thawed(Lease)


class Fenced(Protocol):
    """Anything that names an execution and carries the three parts of a fence."""

    @property
    def execution_id(self) -> str:
        """The execution."""
        ...

    @property
    def lease_id(self) -> str | None:
        """The lease, or None or "" when not given."""
        ...

    @property
    def lease_epoch(self) -> int | None:
        """The epoch, or None when not given."""
        ...

    @property
    def attempt_id(self) -> str | None:
        """The attempt, or None or "" when not given."""
        ...


@attrs.frozen
class Fence:
    """The triple every holder's call must match, and the execution it is for."""

    execution_id: str
    lease_id: str | None = None
    lease_epoch: int | None = None
    attempt_id: str | None = None


FenceParts = tuple[str, "str | None", "int | None", "str | None"]


def read_fence(lease: object, field: str = "lease") -> FenceParts:
    """Read a holder's fence, once, before anything is looked at: it may be a foreign object.

    Raises:
        InvalidInput: a part has a wrong type; a missing part is judged after existence.
    """
    parts = (
        getattr(lease, "execution_id", None),
        getattr(lease, "lease_id", None),
        getattr(lease, "lease_epoch", None),
        getattr(lease, "attempt_id", None),
    )
    execution_id, lease_id, epoch, attempt_id = parts
    if type(lease_id) is str and type(epoch) is int and type(attempt_id) is str and type(execution_id) is str:
        return parts
    return (
        checks.execution_id(execution_id, f"{field}.execution_id"),
        _part(f"{field}.lease_id", lease_id),
        _epoch(f"{field}.lease_epoch", epoch),
        _part(f"{field}.attempt_id", attempt_id),
    )


def _part(field: str, value: object) -> str | None:
    if value is None or type(value) is str:
        return value
    raise invalid(field, "a str or None")


def _epoch(field: str, value: object) -> int | None:
    return None if value is None or value == "" else checks.integer(field, value, 0, MAX_MS)


def complete_fence(fence: FenceParts) -> None:
    """Refuse a fence that is absent or incomplete (I-06)."""
    _, lease_id, epoch, attempt_id = fence
    if lease_id and epoch is not None and attempt_id:
        return
    if lease_id or epoch is not None or attempt_id:
        raise PartialFenceTriple("lease_id, lease_epoch and attempt_id go together")
    raise FenceRequired("lease_id, lease_epoch and attempt_id are needed")
