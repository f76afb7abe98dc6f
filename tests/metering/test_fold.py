"""Folding the events of workers, lanes, quota policies and budgets gives back every record (I-65)."""

from __future__ import annotations

import random
from typing import Any

import pytest

import grantcore as gc
from grantcore import events
from tests.metering.conftest import LANE, Rig

DAY_MS = 86_400_000


class Book:
    """What the events alone tell."""

    def __init__(self) -> None:
        self.workers: dict[tuple[str, str], tuple[Any, ...]] = {}
        self.lanes: dict[str, list[Any]] = {}
        self.quotas: dict[str, tuple[int, int, int]] = {}
        self.budgets: dict[str, dict[str, Any]] = {}

    def note(self, event: events.Event) -> None:
        """Fold one event."""
        match event:
            case events.WorkerAlive():
                self.workers[event.namespace, event.worker_instance_id] = (
                    event.worker_id,
                    event.lanes,
                    event.capabilities,
                    event.liveness_ttl_ms,
                    event.max_leases,
                    event.expires_at_ms,
                    event.at_ms,
                )
            case events.WorkerEvent():
                del self.workers[event.namespace, event.worker_instance_id]
            case events.LaneConfigured():
                self._lane(event.lane_id)[1:] = [event.max_leases, event.aging_ms_per_point]
            case events.LaneEvent():
                states = {"LanePaused": "paused", "LaneDrained": "draining", "LaneResumed": "open"}
                self._lane(event.lane_id)[0] = states[type(event).__name__]
            case events.QuotaPolicyCreated():
                limits = (event.window_ms, event.max_requests_per_window, event.max_concurrent)
                self.quotas[event.quota_policy_id] = limits
            case events.BudgetEvent():
                self._budget(event)

    def _lane(self, lane_id: str) -> list[Any]:
        return self.lanes.setdefault(lane_id, ["open", None, None])

    def _budget(self, event: events.BudgetEvent) -> None:
        if isinstance(event, events.BudgetCreated):
            limits = (dict(event.hard_limits), dict(event.soft_limits), event.reset_interval_ms)
            self.budgets[event.budget_id] = {
                "limits": limits,
                "began": event.at_ms,
                "usage": {},
                "used": 0,
                "ledgers": {},
            }
            return
        book = self.budgets[event.budget_id]
        period = book["limits"][2]
        if period and (event.at_ms - book["began"]) // period != (book["used"] - book["began"]) // period:
            book["usage"] = dict.fromkeys(book["usage"], 0)
        match event:
            case events.BudgetReset():
                book["usage"] = dict.fromkeys(book["usage"], 0)
                book["began"] = event.at_ms
            case events.BudgetReleased():
                spent = book["ledgers"].pop(event.execution_id)
                book["usage"] = {n: max(0, a - spent.get(n, 0)) for n, a in book["usage"].items()}
            case events.UsageReported() | events.SpendRecorded():
                _add(book["usage"], event.deltas)
                if isinstance(event, events.SpendRecorded):
                    _add(book["ledgers"].setdefault(event.execution_id, {}), event.deltas)
        book["used"] = event.at_ms


def _add(total: dict[str, int], deltas: Any) -> None:
    for name, amount in deltas.items():
        total[name] = total.get(name, 0) + amount


def shown(engine: gc.GrantEngine) -> tuple[Any, ...]:
    """The same of the engine's records."""
    store = engine._store
    return (
        {
            key: (
                w.worker_id,
                w.lanes,
                w.capabilities,
                w.liveness_ttl_ms,
                w.max_leases,
                w.expires_at_ms,
                w.last_heartbeat_ms,
            )
            for key, w in store.workers.items()
        },
        {
            lane.lane_id: [lane.state.value, lane.max_leases, lane.aging_ms_per_point]
            for lane in store.lanes.values()
            if lane.is_set_up
        },
        {
            q.quota_policy_id: (q.window_ms, q.max_requests_per_window, q.max_concurrent)
            for q in store.quotas.values()
        },
        {
            b.budget_id: {
                "limits": (dict(b.hard_limits), dict(b.soft_limits), b.reset_interval_ms),
                "began": b.counted_from_ms,
                "usage": dict(b.usage),
                "used": b.used_at_ms,
                "ledgers": {name: dict(ledger) for name, ledger in b.by_execution.items()},
            }
            for b in store.budgets.values()
        },
    )


def step(rig: Rig, chance: random.Random) -> None:
    """One random call."""
    engine, pick = rig.engine, chance.choice
    instance, name = pick(["i", "j"]), pick(["b", "c"])
    lane_id = pick([LANE, "other"])
    calls = (
        lambda: engine.register_worker(
            pick(["w", "v"]),
            instance,
            lanes=[lane_id],
            capabilities=pick([[], ["gpu"]]),
            liveness_ttl_ms=pick([5, 50]),
            namespace=pick(["default", "n"]),
            max_leases=pick([None, 3]),
        ),
        lambda: engine.heartbeat_worker(instance),
        lambda: engine.mark_worker_dead(instance, reason="r"),
        lambda: engine.configure_lane(
            lane_id, max_leases=pick([None, 4]), aging_ms_per_point=pick([None, 9])
        ),
        lambda: pick([rig.operator.pause_lane, rig.operator.drain_lane, rig.operator.resume_lane])(lane_id),
        lambda: engine.create_quota_policy(name, max_concurrent=chance.randrange(3)),
        lambda: engine.create_budget(name, hard_limits={"x": 20}, reset_interval_ms=pick([None, 7, 30])),
        lambda: engine.report_usage(name, {"x": chance.randrange(4), "y": 1}, dedup_key=pick([None, "k"])),
        lambda: engine.record_spend(name, pick(["e", "f"]), {"x": chance.randrange(4)}),
        lambda: engine.release_budget(name, pick(["e", "f"])),
        lambda: engine.reset_budget(name),
        lambda: rig.clock.advance(pick([0, 1, 5, 40])),
    )
    try:
        pick(calls)()
    except gc.GrantError as refusal:
        assert refusal.code in {"instance_reassigned", "budget_not_found"}


@pytest.mark.uncovered
@pytest.mark.parametrize("seed", range(10))
def test_folding_gives_back_every_record(seed: int) -> None:
    rig, chance, book = Rig(), random.Random(seed), Book()
    rig.engine.subscribe(book.note)
    for _ in range(300):
        step(rig, chance)
        rig.engine.check()
    rig.engine.now_ms()
    assert shown(rig.engine)[:3] == (
        book.workers,
        {name: lane for name, lane in book.lanes.items() if lane != ["open", None, None]},
        book.quotas,
    )
    assert shown(rig.engine)[3] == book.budgets
    again = gc.GrantEngine.restore(rig.engine.snapshot(), clock=rig.clock)
    assert again.digest() == rig.engine.digest()


def test_the_fold_can_fail() -> None:
    """A forgotten event is seen."""
    rig, book = Rig(), Book()
    rig.engine.create_budget("b", hard_limits={"x": 1})
    rig.engine.subscribe(book.note)
    rig.engine.create_quota_policy("q")
    assert shown(rig.engine)[2] == book.quotas
    assert shown(rig.engine)[3] != book.budgets
