"""Leases and fences: the right to work on an execution, and the triple that proves it (SPEC 2)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol, cast

import attrs

from grantcore.model import checks
from grantcore.model.errors import FenceRequired, PartialFenceTriple, invalid
from grantcore.model.ids import Minted, attempt_rendered, rendered
from grantcore.model.time import MAX_MS


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


Taking = tuple[
    str,  # lane_id
    int,  # lease_epoch
    int,  # attempt_index
    str,  # value of its AttemptType
    str,  # value of its LeaseKind
    str,  # worker_id
    str,  # worker_instance_id
    str,  # prefix of minted ids
]
"""How a lease was taken: what leases that were taken alike have in common, and share.

An execution has each epoch once, so of all its leases only the last has the very object that the record
has: in LEASED who hands that in holds the lease (``rules/fencing.py``).
"""

Tenure = tuple[
    str,  # execution_id
    Minted,  # lease_id
    Minted,  # attempt_id
    int,  # acquired_at_ms
    Taking,
]
"""All that was fixed when a lease was taken; the values of its renewals share it.

Both are plain tuples, on purpose: one allocation, nothing in them can change, and the garbage collector
stops looking at them.
"""

MAX_EPOCH: Final = 2**52
"""A floor or a restored epoch may be this high: no engine lives to issue as many more."""

LANE_ID: Final = 0
LEASE_EPOCH: Final = 1
ATTEMPT_INDEX: Final = 2
ATTEMPT_TYPE: Final = 3
KIND: Final = 4
WORKER_ID: Final = 5
WORKER_INSTANCE_ID: Final = 6
PREFIX: Final = 7
"""Places in a taking."""

EXECUTION_ID: Final = 0
LEASE_ID: Final = 1
ATTEMPT_ID: Final = 2
ACQUIRED_AT_MS: Final = 3
TAKING: Final = 4
"""Places in a tenure."""

_FIELDS: Final = (
    "execution_id",
    "lane_id",
    "lease_id",
    "lease_epoch",
    "attempt_id",
    "attempt_index",
    "attempt_type",
    "kind",
    "worker_id",
    "worker_instance_id",
    "acquired_at_ms",
    "expires_at_ms",
    "renewal_deadline_ms",
)


class LeaseLayout:
    """The slots of :class:`Lease` (``model/values.py``)."""

    __slots__ = ("basis_ms", "expires_at_ms", "tenure")

    basis_ms: int
    """When it was taken or last renewed: the renewal deadline lies two thirds of the way from here."""

    expires_at_ms: int
    tenure: Tenure


def two_thirds(basis_ms: int, expires_at_ms: int) -> int:
    """When the holder had better renew (SPEC 5)."""
    return basis_ms + (expires_at_ms - basis_ms) * 2 // 3


@attrs.frozen(these={name: attrs.field() for name in _FIELDS}, init=False, slots=False)
class Lease(LeaseLayout):
    """The exclusive right to work on an execution while ``now < expires_at_ms``.

    A value of thirteen fields: keeping or copying it grants nothing, and a renewal leaves the fence as
    it is, so the lease of before a renewal still completes (SPEC 5). ``lease_epoch`` is for the resource
    you protect: refuse whoever comes with a lower one than you have seen.
    """

    __slots__ = ()

    def __init__(
        self,
        execution_id: str,
        lane_id: str,
        lease_id: str,
        lease_epoch: int,
        attempt_id: str,
        attempt_index: int,
        attempt_type: AttemptType,
        kind: LeaseKind,
        worker_id: str,
        worker_instance_id: str,
        acquired_at_ms: int,
        expires_at_ms: int,
        renewal_deadline_ms: int,
    ) -> None:
        """Make a lease from its fields; the engine uses :func:`new_lease`."""
        tenure: Tenure = (
            checks.execution_id(execution_id),
            checks.identity("lease_id", lease_id),
            checks.identity("attempt_id", attempt_id),
            checks.instant("acquired_at_ms", acquired_at_ms),
            (
                checks.lane_id(lane_id),
                checks.integer("lease_epoch", lease_epoch, 0, MAX_MS),
                checks.integer("attempt_index", attempt_index, 0, MAX_MS),
                AttemptType(attempt_type).value,
                LeaseKind(kind).value,
                checks.identity("worker_id", worker_id),
                checks.identity("worker_instance_id", worker_instance_id),
                "",
            ),
        )
        object.__setattr__(self, "tenure", tenure)
        object.__setattr__(self, "expires_at_ms", checks.instant("expires_at_ms", expires_at_ms))
        deadline = checks.instant("renewal_deadline_ms", renewal_deadline_ms)
        # The basis from which two thirds of the way are this very deadline.
        object.__setattr__(self, "basis_ms", 3 * deadline - 2 * expires_at_ms)

    @property
    def execution_id(self) -> str:
        """What it is a lease of."""
        return self.tenure[EXECUTION_ID]

    @property
    def lane_id(self) -> str:
        """The execution's lane."""
        return self.tenure[TAKING][LANE_ID]

    @property
    def lease_id(self) -> str:
        """Part of the fence."""
        return rendered(self.tenure[TAKING][PREFIX], self.tenure[LEASE_ID])

    @property
    def lease_epoch(self) -> int:
        """Part of the fence; one higher with every lease of the execution."""
        return self.tenure[TAKING][LEASE_EPOCH]

    @property
    def attempt_id(self) -> str:
        """Part of the fence."""
        return attempt_rendered(self.tenure[TAKING][PREFIX], self.tenure[ATTEMPT_ID])

    @property
    def attempt_index(self) -> int:
        """Which try it is, from 0."""
        return self.tenure[TAKING][ATTEMPT_INDEX]

    @property
    def attempt_type(self) -> AttemptType:
        """Why the attempt began."""
        return AttemptType(self.tenure[TAKING][ATTEMPT_TYPE])

    @property
    def kind(self) -> LeaseKind:
        """How the lease was taken."""
        return LeaseKind(self.tenure[TAKING][KIND])

    @property
    def worker_id(self) -> str:
        """Whose it is."""
        return self.tenure[TAKING][WORKER_ID]

    @property
    def worker_instance_id(self) -> str:
        """Which process has it; informational."""
        return self.tenure[TAKING][WORKER_INSTANCE_ID]

    @property
    def acquired_at_ms(self) -> int:
        """When it was taken."""
        return self.tenure[ACQUIRED_AT_MS]

    @property
    def renewal_deadline_ms(self) -> int:
        """When the holder had better renew."""
        return two_thirds(self.basis_ms, self.expires_at_ms)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as the thirteen fields."""
        return (Lease, attrs.astuple(self, recurse=False))


class OpenLease(LeaseLayout):
    """Becomes a :class:`Lease`."""

    __slots__ = ()


def new_lease(tenure: Tenure, expires_at_ms: int, basis_ms: int) -> Lease:
    """Make a lease from its tenure and its two instants."""
    lease = OpenLease()
    lease.tenure = tenure
    lease.expires_at_ms = expires_at_ms
    lease.basis_ms = basis_ms
    lease.__class__ = Lease  # type: ignore[assignment]
    return lease  # type: ignore[return-value]


def is_whole(lease: Lease) -> bool:
    """Whether a lease has all its parts: one that was made by ``__new__`` alone has none."""
    tenure = _tuple_of(TAKING + 1, getattr(lease, "tenure", None))
    return bool(tenure) and type(tenure[0]) is str and bool(_tuple_of(PREFIX + 1, tenure[TAKING]))


def _tuple_of(count: int, value: object) -> tuple[object, ...]:
    """A tuple of so many parts; the empty one if it is none."""
    given = cast("tuple[object, ...]", value) if type(value) is tuple else ()
    return given if len(given) == count else ()


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

Held = Lease | FenceParts
"""A holder's fence, read: one of our own leases as it is, or the parts of something else."""


def read_fence(lease: object, field: str = "lease") -> Held:
    """Read a holder's fence, once, before anything is looked at: it may be a foreign object.

    Raises:
        InvalidInput: a part has a wrong type; a missing part is judged after existence.
    """
    if type(lease) is Lease:
        if not is_whole(lease):
            raise invalid(field, "a lease with all its fields")
        return lease
    return (
        checks.execution_id(getattr(lease, "execution_id", None), f"{field}.execution_id"),
        _part(f"{field}.lease_id", getattr(lease, "lease_id", None)),
        _epoch(f"{field}.lease_epoch", getattr(lease, "lease_epoch", None)),
        _part(f"{field}.attempt_id", getattr(lease, "attempt_id", None)),
    )


def named(fence: Held) -> str:
    """The execution a fence is for."""
    return fence.tenure[EXECUTION_ID] if type(fence) is Lease else fence[0]  # type: ignore[index]  # a tuple then


def parts(fence: Held) -> FenceParts:
    """The parts of a fence."""
    if type(fence) is Lease:
        return (fence.execution_id, fence.lease_id, fence.lease_epoch, fence.attempt_id)
    return cast("FenceParts", fence)


def _part(field: str, value: object) -> str | None:
    if value is None or type(value) is str:
        return value
    raise invalid(field, "a str or None")


def _epoch(field: str, value: object) -> int | None:
    return (
        None
        if value is None or (type(value) is str and not value)
        else checks.integer(field, value, 0, MAX_MS)
    )


def complete_fence(fence: FenceParts) -> None:
    """Refuse a fence that is absent or incomplete (I-06)."""
    _, lease_id, epoch, attempt_id = fence
    if lease_id and epoch is not None and attempt_id:
        return
    if lease_id or epoch is not None or attempt_id:
        raise PartialFenceTriple("lease_id, lease_epoch and attempt_id go together")
    raise FenceRequired("lease_id, lease_epoch and attempt_id are needed")
