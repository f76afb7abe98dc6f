"""Explaining: why an execution is not running now, and what will change next (SPEC 7).

What closes a shelf is never written into its members; it is looked up here, for whoever asks. The reasons of
admission come from ``rules/admission.py``, in its order; that no live worker can run an execution is added
here, because it only explains: an issue whose own tokens suffice is granted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from grantcore.engine.core import TIDYING, Core
from grantcore.engine.observers import shown_grant
from grantcore.model import capabilities
from grantcore.model.deadlines import (
    ATTEMPT,
    DELAY,
    EXECUTION,
    GRANT,
    LEASE,
    RETENTION,
    SUSPENSION,
    delay_due_ms,
    due_of,
    suspension_due_ms,
)
from grantcore.model.explanations import Explanation, Obstacle
from grantcore.model.grants import EXPIRES_AT_MS, TERMS, GrantKind
from grantcore.model.past import lease_of
from grantcore.model.phases import ACTIVE, DELAYED, LEASED, SUSPENDED, TERMINAL
from grantcore.model.records import Execution, Spec
from grantcore.model.time import NEVER
from grantcore.model.values import FrozenDict
from grantcore.model.vector import Vector, vector_of
from grantcore.model.workers import Registration
from grantcore.rules import admission

NO_WORKER: Final = "waiting_for_capable_worker"
LANE_CEILING: Final = "lane_ceiling"

_WHAT_HAPPENS: Final = {
    EXECUTION: "its deadline passes",
    ATTEMPT: "its attempt times out",
    SUSPENSION: "its suspension times out",
    LEASE: "its lease lapses",
    GRANT: "its grant lapses",
    DELAY: "it becomes due",
    RETENTION: "it is purged",
}


# -- workers -----------------------------------------------------------------------------------


def workers_of(core: Core, lane_id: str) -> list[Registration]:
    """The live workers registered for a lane, by namespace and instance. O(w log w) of the workers."""
    return [worker for _, worker in sorted(core._store.workers.items()) if lane_id in worker.lanes]


def _matched(spec: Spec, workers: list[Registration]) -> bool:
    """Whether one of them can, alone, run it; it is not asked where none is registered."""
    return not workers or any(_covers(worker, spec) for worker in workers)


def _covers(worker: Registration, spec: Spec) -> bool:
    return not capabilities.missing(spec.required, frozenset(worker.capabilities))


def unmatched(core: Core, lane_id: str) -> Iterator[Execution]:
    """Everything on the shelves of a lane that no live worker can, alone, run, best first.

    To be called, and gone through, while :data:`TIDYING` is pending.
    """
    workers = workers_of(core, lane_id)
    shelves = core._indexes.waiting.of_lane(lane_id)
    return core._indexes.waiting.in_order([shelf for shelf in shelves if not _matched(shelf.spec, workers)])


# -- closed shelves ----------------------------------------------------------------------------


def closed(core: Core, kind: GrantKind, spec: Spec, now: int) -> Obstacle | None:
    """What closes a shelf, first of all; None: it is open. A lane's ceiling closes none. O(workers)."""
    closing = _closing(core, kind, spec, now)
    return next((obstacle for obstacle in closing if obstacle.reason != LANE_CEILING), None)


def next_opening_ms(core: Core, now: int) -> int:
    """When the first closed shelf that somebody stands on opens by time alone. O(metered shelves)."""
    core._pending = TIDYING
    waiting = core._indexes.waiting
    waiting.settle()
    occupied = [shelf for shelf in waiting.metered if shelf.head() is not None]
    core._pending = None
    return min((_opens_at_ms(core, shelf.kind, shelf.spec, now) for shelf in occupied), default=NEVER)


def _opens_at_ms(core: Core, kind: GrantKind, spec: Spec, now: int) -> int:
    """When time alone opens a shelf, for a worker that is there; NEVER if it is open, or stays closed."""
    at_ms = admission.opens_at_ms(kind, spec, now, core._store, core._indexes.tallies)
    if at_ms is None or not _matched(spec, workers_of(core, spec.lane_id)):
        return NEVER
    return at_ms


# -- one execution -----------------------------------------------------------------------------


def vectors(core: Core, now: int) -> Callable[[Execution], Vector]:
    """Gives the state vector of records, with what closes their shelves: each shelf is asked once."""
    asked: dict[tuple[Spec, GrantKind], Obstacle | None] = {}

    def vector(record: Execution) -> Vector:
        if not record.offered:
            return vector_of(record)
        shelf = (record.spec, record.next_kind)
        if shelf not in asked:
            asked[shelf] = closed(core, record.next_kind, record.spec, now)
        shut = asked[shelf]
        return vector_of(record, None if shut is None else (shut.reason, shut.detail))

    return vector


def explain(core: Core, record: Execution, now: int) -> Explanation:
    """Everything there is to say about an execution that is not running, or is."""
    assert record.phase is not None
    workers = workers_of(core, record.spec.lane_id) if record.phase not in TERMINAL else []
    at_ms, what = _next(core, record, now)
    return Explanation(
        execution_id=record.execution_id,
        lane_id=record.spec.lane_id,
        phase=record.phase,
        public_state=vectors(core, now)(record).public_state,
        at_ms=now,
        obstacles=tuple(_obstacles(core, record, now)),
        lease=lease_of(record) if record.phase in ACTIVE else None,
        grant=shown_grant(record, record.grant),
        missing=FrozenDict({worker.worker_instance_id: _lacks(worker, record) for worker in workers}),
        next_change=what,
        next_change_at_ms=at_ms,
    )


def _lacks(worker: Registration, record: Execution) -> tuple[str, ...]:
    return capabilities.missing(record.spec.required, frozenset(worker.capabilities))


def _next(core: Core, record: Execution, now: int) -> tuple[int | None, str | None]:
    """What time does next to an execution, and when."""
    due_ms, kind = due_of(record, core._retention_ms)
    next_ms, change = due_ms, _WHAT_HAPPENS.get(kind, "")
    opens_at_ms = _opens_at_ms(core, record.next_kind, record.spec, now) if record.offered else NEVER
    if opens_at_ms < due_ms:
        next_ms, change = opens_at_ms, "its shelf opens"
    return (None, None) if next_ms == NEVER else (next_ms, change)


def _obstacles(core: Core, record: Execution, now: int) -> Iterator[Obstacle]:
    vector = vectors(core, now)(record)
    if record.phase in TERMINAL:
        yield Obstacle("ended", f"it has ended: {vector.terminal_outcome}")
    elif record.phase is LEASED:
        lease = lease_of(record)
        yield Obstacle(
            "leased", f"{_who(lease.worker_id, lease.worker_instance_id)} works on it", lease.expires_at_ms
        )
    elif record.grant is not None:
        terms = record.grant[TERMS]
        yield Obstacle("granted", f"{_who(terms[0], terms[1])} may take it", record.grant[EXPIRES_AT_MS])
    elif not record.offered:
        detail = vector.blocking_detail or vector.blocking_reason
        yield Obstacle(vector.blocking_reason, detail, _waits_until_ms(record))
    else:
        yield from _closing(core, record.next_kind, record.spec, now)


def _waits_until_ms(record: Execution) -> int | None:
    """When time alone ends what an execution waits for that nobody can be granted."""
    if record.phase is DELAYED:
        return delay_due_ms(record)
    due_ms = suspension_due_ms(record) if record.phase is SUSPENDED else NEVER
    return None if due_ms == NEVER else due_ms


def _who(worker_id: str, worker_instance_id: str) -> str:
    return f"worker {worker_id} ({worker_instance_id})"


def _closing(core: Core, kind: GrantKind, spec: Spec, now: int) -> Iterator[Obstacle]:
    """All that keeps a shelf back."""
    store, tallies = core._store, core._indexes.tallies
    for closer, ends_at_ms in admission.closers(kind, spec, now, store, tallies):
        reason, detail = _CLOSERS[closer]
        yield Obstacle(reason, detail(core, spec, now), ends_at_ms)
    if not _matched(spec, workers_of(core, spec.lane_id)):
        yield Obstacle(NO_WORKER, f"no live worker of the lane has all of {', '.join(spec.required)}")


def _paused(_core: Core, spec: Spec, _now: int) -> str:
    return f"lane {spec.lane_id} is paused"


def _used_up(core: Core, spec: Spec, now: int) -> str:
    used_up = [name for name in spec.budget_ids if core._store.budgets[name].is_used_up(now)]
    return f"used up: budget {', '.join(used_up)}"


def _rate(core: Core, spec: Spec, _now: int) -> str:
    quota = core._store.quotas[spec.quota_policy_id or ""]
    most = quota.max_requests_per_window
    return f"quota {quota.quota_policy_id}: {most} of {most} grants in {quota.window_ms} ms are out"


def _slots(core: Core, spec: Spec, _now: int) -> str:
    quota = core._store.quotas[spec.quota_policy_id or ""]
    return f"quota {quota.quota_policy_id}: {quota.max_concurrent} of {quota.max_concurrent} slots are taken"


def _ceiling(_core: Core, spec: Spec, _now: int) -> str:
    return f"lane {spec.lane_id} has {spec.lane.max_leases} of {spec.lane.max_leases} leases out"


_CLOSERS: Final[Mapping[str, tuple[str, Callable[[Core, Spec, int], str]]]] = MappingProxyType(
    {
        "paused": ("paused_by_policy", _paused),
        "budget": ("waiting_for_budget", _used_up),
        "rate": ("waiting_for_quota", _rate),
        "slots": ("waiting_for_quota", _slots),
        admission.LANE: (LANE_CEILING, _ceiling),
    }
)
"""By what ``admission.closers`` names: FlowFabric's reason, and a sentence."""
