"""Reads an engine through its public views and writes what it shows in the form of the trace."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Final

import attrs

import grantcore
from grantcore import ExecutionSnapshot, GrantEngine, Phase
from tests.conformance.recorded_views import Shelf
from tests.conformance.trace_reader import Indexes, Record

Snapshots = dict[str, ExecutionSnapshot]

ACTIVE: Final = frozenset({Phase.LEASED, Phase.LEASE_EXPIRED, Phase.LEASE_REVOKED})
TERMINAL: Final = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED})
BLOCKED_INDEX: Final = {
    "blocked_by_dependencies": "blocked:dependencies",
    "blocked_by_budget": "blocked:budget",
    "blocked_by_quota": "blocked:quota",
    "blocked_by_route": "blocked:route",
    "blocked_by_operator": "blocked:operator",
    # The reference has no index for it.
    "blocked_by_lane_state": None,
}
PRIORITY_WEIGHT: Final = 10**12


def snapshots_of(engine: GrantEngine) -> Snapshots:
    """List every execution."""
    found: Snapshots = {}
    page = engine.list_executions()
    while True:
        found.update((entry.execution_id, entry) for entry in page.entries)
        if page.next is None:
            return found
        page = engine.list_executions(after=page.next)


# -- one execution -----------------------------------------------------------------------------


def state_of(engine: GrantEngine, execution_id: str) -> Record:
    """Build the complete record of one execution; empty when there is none."""
    snapshot = engine.describe_execution(execution_id)
    if snapshot is None:
        return {}
    return {
        "core": _core(snapshot),
        "grant": _grant(engine.describe_grant(execution_id)),
        "lease": _lease(engine, snapshot),
        "attempts": {str(a.attempt_index): _recorded(a) for a in engine.attempts(execution_id)},
        "payload": _text(engine.read_payload(execution_id)),
        "result": _text(engine.read_result(execution_id)),
        "tags": dict(snapshot.tags),
    }


def _recorded(view: attrs.AttrsInstance, *without: str, **renamed: str) -> Record:
    """Write a view's fields under the names of the trace: instants lose their ``_ms``."""
    record: Record = {}
    for name, recorded_name in _names(type(view)):
        value = getattr(view, name)
        if value is not None and name not in without:
            record[renamed.get(name, recorded_name)] = _value(value)
    return record


@cache
def _names(view: type[attrs.AttrsInstance]) -> list[tuple[str, str]]:
    return [(field.name, field.name.removesuffix("_ms")) for field in attrs.fields(view)]


def _value(value: object) -> object:
    """The trace writes sets of texts as one text."""
    if isinstance(value, Enum):
        return value.value
    return ",".join(value) if isinstance(value, tuple) else value


def _core(snapshot: ExecutionSnapshot) -> Record:
    """Phase and deadline are not part of the reference's record; tags stand beside it."""
    return _recorded(snapshot, "phase", "deadline_at_ms", "tags")


def _grant(grant: grantcore.GrantRecord | None) -> Record | None:
    """The reference's grants carry no kind (D-03)."""
    if grant is None:
        return None
    return _recorded(grant, "execution_id", "kind", expires_at_ms="grant_expires_at")


def _lease(engine: GrantEngine, snapshot: ExecutionSnapshot) -> Record | None:
    if snapshot.phase is not Phase.LEASED:
        return None
    (lease,) = [lease for lease in engine.leases() if lease.execution_id == snapshot.execution_id]
    unknown_there = ("lane_id", "attempt_index", "attempt_type", "kind")
    return _recorded(lease, *unknown_there) | {"last_renewed_at": snapshot.lease_last_renewed_at_ms}


def _text(payload: bytes | None) -> str | None:
    return None if payload is None else payload.decode()


def history_of(engine: GrantEngine, execution_id: str, since: int) -> list[Record]:
    """Give the lease history of one execution from an event on, oldest first."""
    return [_recorded(event, at_ms="ts") for event in engine.lease_history(execution_id)[since:]]


# -- indexes -----------------------------------------------------------------------------------


def indexes_of(engine: GrantEngine, snapshots: Snapshots, instances: list[str]) -> Indexes:
    """Derive FlowFabric's indexes: those of the lanes from the records, those of leases from ``leases()``."""
    indexes: Indexes = {}
    for name, execution_id, score in _entries(engine, snapshots, instances):
        indexes.setdefault(name, {})[execution_id] = score
    return indexes


def _entries(
    engine: GrantEngine, snapshots: Snapshots, instances: list[str]
) -> Iterator[tuple[str, str, int | None]]:
    for execution_id, snapshot in snapshots.items():
        name, score = _lane_index(snapshot)
        if name is not None:
            yield f"{name}:{snapshot.lane_id}", execution_id, score
        if snapshot.deadline_at_ms is not None and snapshot.phase not in TERMINAL:
            yield "execution_deadline", execution_id, snapshot.deadline_at_ms
        # The end of an attempt's time has no public view of its own.
        timeout = engine._attempt_deadline_ms(execution_id)
        if timeout is not None:
            yield "attempt_timeout", execution_id, timeout
        timeout = _suspension_deadline_ms(engine, execution_id)
        if timeout is not None:
            yield "suspension_timeout", execution_id, timeout
    for lease in engine.leases():
        yield "lease_expiry", lease.execution_id, lease.expires_at_ms
    for instance in instances:
        for lease in engine.leases(worker_instance_id=instance):
            yield f"worker_leases:{instance}", lease.execution_id, None


def _suspension_deadline_ms(engine: GrantEngine, execution_id: str) -> int | None:
    """When the suspension times out: no public view shows it."""
    rare = engine._store.records[execution_id].rare
    return None if rare is None else rare.suspension_timeout_at_ms


def _lane_index(snapshot: ExecutionSnapshot) -> tuple[str | None, int | None]:
    """Name the one index of its lane an execution stands in, and its score there."""
    phase = snapshot.phase
    if phase is Phase.ELIGIBLE:
        return "eligible", snapshot.created_at_ms - snapshot.priority * PRIORITY_WEIGHT
    if phase is Phase.DELAYED:
        return "delayed", snapshot.delay_until_ms
    if phase in TERMINAL:
        return "terminal", snapshot.completed_at_ms
    if phase is Phase.BLOCKED:
        return BLOCKED_INDEX[snapshot.eligibility_state], None
    assert phase in ACTIVE or phase is Phase.SUSPENDED, phase
    return ("suspended" if phase is Phase.SUSPENDED else "active"), None


# -- views that follow from the trace, though it has none --------------------------------------


def views_of(engine: GrantEngine, snapshots: Snapshots, shelves: list[Shelf]) -> dict[str, object]:
    """Ask what schedulers ask: who is next, which leases end when, which are lost, when to wake."""
    scheduler = grantcore.Scheduler(engine)
    limit = max(1, len(snapshots))
    return {
        "leases": [lease.execution_id for lease in engine.leases()],
        "lost": _lost(engine),
        "next_deadline_ms": engine.next_deadline_ms(),
        "next": {shelf: list(scheduler.peek(*shelf, limit)) for shelf in shelves},
        "listed": list(snapshots),
    }


def _lost(engine: GrantEngine) -> list[tuple[int, str, str]]:
    """Page through what waits for reclaim; at one instant the order is that of the calls, here the id's."""
    found: list[tuple[int, str, str]] = []
    page = engine.list_expired_leases()
    while True:
        found += [(lost.ended_at_ms, lost.execution_id, lost.cause) for lost in page.entries]
        if page.next is None:
            break
        page = engine.list_expired_leases(after=page.next)
    instants = [ended_at_ms for ended_at_ms, _, _ in found]
    return sorted(found) if instants == sorted(instants) else found
