"""Where the time of a lifecycle goes: the cost of what each of its five calls cannot do without.

Each part is what the bodies in ``grantcore/engine/inner.py`` do, and nothing else, five times or as often as
a lifecycle does it, less the loop around it. What is left of a lifecycle after all of them is looking,
judging, and moving the indexes.
"""

from __future__ import annotations

from functools import partial
from threading import RLock
from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import INSTANCE_ID, LANE_ID, LEASE_TTL_MS, REQUEST, WORKER_ID, warm
from benchmarks.rows import Group, Row
from benchmarks.timing import interleaved
from grantcore import ClaimGrant, Completed, Created, ExecutionPolicy, Lease, ManualClock
from grantcore.model.grants import OpenClaimGrant
from grantcore.model.ids import MintedIds
from grantcore.model.leases import OpenLease
from grantcore.model.outcomes import OpenCompleted, OpenCreated
from grantcore.model.records import NO_TAGS, Spec, Store, new_execution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.sizes import Sizes

SAYS: Final = (
    "Of one lifecycle with the lock on, measured in the same run; the ratio is to the whole of it. What "
    "remains of it: looking up, judging, storing the change, moving the indexes."
)
CALLS: Final = 5


def measure(sizes: Sizes) -> Group:
    """Let the whole and its parts take turns."""
    rig, count = warm(), sizes.lifecycles
    parts: dict[str, Callable[[int], None]] = {
        "calls": _calls,
        "lock": _lock,
        "clock": _clock,
        "slot": _slot,
        "record": _record,
        "answers": _answers,
    }
    sources: dict[str, Callable[[], float]] = {"whole": lambda: rig.lifecycles_ns(count)}
    sources |= {name: partial(_spent_ns, part, count) for name, part in parts.items()}
    sources["loop"] = partial(_spent_ns, _loop, count)
    medians = interleaved(sources, sizes.samples)
    costs = {name: medians[name] - medians["loop"] for name in parts}

    def row(name: str, says: str, cost_us: float) -> Row:
        return Row(name, says, (cost_us,), "us", cost_us / medians["whole"], base="whole")

    rows = [row("the whole", "one lifecycle", medians["whole"])]
    rows += [row(name, _says(part), costs[name]) for name, part in parts.items()]
    rows.append(row("the rest", "what remains", medians["whole"] - sum(costs.values())))
    return Group("parts", SAYS, tuple(rows))


def _says(part: Callable[[int], None]) -> str:
    """The sentence of a part, as a row has it."""
    sentence = (part.__doc__ or "").rstrip(".")
    return sentence[:1].lower() + sentence[1:]


def _spent_ns(part: Callable[[int], None], count: int) -> float:
    began_ns = process_time_ns()
    part(count)
    return (process_time_ns() - began_ns) / count


def _loop(count: int) -> None:
    """The loop around each of these."""
    for _ in range(CALLS * count):
        pass


class Still:
    """The five calls as an engine has them, which do nothing."""

    def create_execution(
        self,
        *,
        lane_id: str,
        execution_id: str | None = None,
        priority: int = 0,
        required_capabilities: Iterable[str] = (),
        delay_until_ms: int | None = None,
        deadline_at_ms: int | None = None,
        policy: ExecutionPolicy | None = None,
        payload: bytes | None = None,
        tags: Mapping[str, str] = NO_TAGS,
        namespace: str = "default",
        execution_kind: str = "",
        creator_identity: str = "",
        idempotency_key: str | None = None,
        quota_policy_id: str | None = None,
        budget_ids: Iterable[str] = (),
    ) -> None:
        """Create nothing."""

    def issue_claim_grant(self, execution_id: str, request: object) -> None:
        """Issue nothing."""

    def claim_execution(
        self,
        grant: object,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
        lane_id: str | None = None,
    ) -> None:
        """Claim nothing."""

    def renew_lease(self, lease: object, *, lease_ttl_ms: int) -> None:
        """Renew nothing."""

    def complete_execution(self, lease: object, *, result: bytes | None = None) -> None:
        """Complete nothing."""


def _calls(count: int) -> None:
    """Five calls with their arguments, of methods that do nothing."""
    still = Still()
    for _ in range(count):
        still.create_execution(lane_id=LANE_ID)
        still.issue_claim_grant(LANE_ID, REQUEST)
        still.claim_execution(
            None, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
        )
        still.renew_lease(None, lease_ttl_ms=LEASE_TTL_MS)
        still.complete_execution(None)
    for _ in range((CALLS - 1) * count):
        pass


def _lock(count: int) -> None:
    """Five times asking for the owner of a re-entrant lock, taking it and giving it back."""
    lock = RLock()
    for _ in range(CALLS * count):
        if lock._is_owned():  # type: ignore[attr-defined]  # noqa: SLF001 - as the engine asks
            raise AssertionError
        lock.acquire()
        try:
            pass
        finally:
            lock.release()


def _clock(count: int) -> None:
    """Five readings of a clock that stands still, compared with the last and with the next deadline."""
    clock = ManualClock().__call__
    last_ms, next_ms, pending = clock(), 1 << 53, None
    for _ in range(CALLS * count):
        try:
            now = clock()
        except Exception as error:
            raise AssertionError from error
        if now is not last_ms or now >= next_ms or pending is not None:
            raise AssertionError


def _slot(count: int) -> None:
    """Five times the change in hand and the event's number: what makes a call atomic."""
    keeper, store = _Keeper(), Store()
    for _ in range(CALLS * count):
        sequence = store.sequence + 1
        keeper.pending = (_slot, sequence, keeper, None)
        store.sequence = sequence
        keeper.pending = None


class _Keeper:
    """Has a slot."""

    pending: object = None


def _record(count: int) -> None:
    """Once an id, a record with its fields, its place in the store, and the lease's number."""
    ids, store = MintedIds("0" * 20), Store()
    spec = Spec(LANE_ID, (), "default", "", "", ExecutionPolicy(), None, ())
    for now in range(count):
        execution_id = ids.execution_id(LANE_ID)
        record = new_execution(execution_id, spec, 0, now)
        store.records[execution_id] = record
        record.taking = _TAKING
        record.lease_id = record.attempt_id = ids.number()
    for _ in range((CALLS - 1) * count):
        pass


def _answers(count: int) -> None:
    """Five frozen values: Created, ClaimGrant, Lease twice, Completed."""
    for now in range(count):
        created = OpenCreated()
        created.execution_id = LANE_ID
        created.public_state = "waiting"
        created.__class__ = Created  # type: ignore[assignment]
        granted = OpenClaimGrant()
        granted.execution_id = LANE_ID
        granted.expires_at_ms = now
        granted.__class__ = ClaimGrant  # type: ignore[assignment]
        for _ in range(2):
            lease = OpenLease()
            lease.tenure = _TENURE
            lease.expires_at_ms = now
            lease.basis_ms = now
            lease.__class__ = Lease  # type: ignore[assignment]
        completed = OpenCompleted()
        completed.execution_id = LANE_ID
        completed.__class__ = Completed  # type: ignore[assignment]
    for _ in range((CALLS - 3) * count):
        pass


_TAKING: Final = ("", 1, 0, "initial", "fresh", "", "", "")
_TENURE: Final = ("", 0, 0, 0, _TAKING)
