"""What callers gave before is judged once, by identity, and answers as if judged each time (SPEC 5, 7)."""

from __future__ import annotations

from typing import Any

import pytest

from grantcore import EngineConfig, GrantEngine, InvalidInput, ManualClock, Scheduler, Worker
from grantcore import scheduler as scheduling
from grantcore.engine import executions

ANN = Worker("ann", "ann-1", capabilities=())


def built() -> GrantEngine:
    return GrantEngine(clock=ManualClock(), config=EngineConfig(threadsafe=False))


def test_lanes_that_take_turns_are_each_judged_once() -> None:
    engine = built()
    scheduler = Scheduler(engine)
    turns = [(f"lane-{number}",) for number in range(scheduling.MAX_REMEMBERED + 2)]
    for _ in range(2):
        for turn in turns:
            engine.create_execution(lane_id=turn[0])
            grant = scheduler.claim_for_worker(ANN, lanes=turn, grant_ttl_ms=9)
            assert grant is not None
        assert len(scheduler._lanes) <= scheduling.MAX_REMEMBERED


@pytest.mark.parametrize("lanes", [None, ("",), (1,), "main", 7])
def test_lanes_that_are_none_are_refused_each_time(lanes: Any) -> None:
    scheduler = Scheduler(built())
    for _ in range(2):
        with pytest.raises(InvalidInput):
            scheduler.claim_for_worker(ANN, lanes=lanes, grant_ttl_ms=9)


def test_executions_created_alike_share_their_spec_whatever_comes_between() -> None:
    engine = built()
    lanes = [f"lane-{number}" for number in range(executions.MAX_REMEMBERED + 2)]
    needs = ("gpu",)
    for _ in range(3):
        for lane_id in lanes:
            engine.create_execution(lane_id=lane_id, required_capabilities=needs)
        assert len(engine._alikes) <= executions.MAX_REMEMBERED
    for lane_id in lanes[:3] * 2:
        engine.create_execution(lane_id=lane_id, required_capabilities=needs)
    records = engine._records.values()
    assert len({id(record.spec) for record in records}) == len(lanes)
    assert {(record.spec.lane_id, record.spec.required) for record in records} == {
        (lane_id, needs) for lane_id in lanes
    }
    engine.check()


def test_what_may_change_is_judged_each_time() -> None:
    engine = built()
    needs = ["gpu"]
    first = engine.create_execution(lane_id="main", required_capabilities=needs).execution_id
    needs.append("ssd")
    second = engine.create_execution(lane_id="main", required_capabilities=needs).execution_id
    assert [engine._records[name].spec.required for name in (first, second)] == [("gpu",), ("gpu", "ssd")]
    for budget_id in ("cpu-hours", "dollars"):
        engine.create_budget(budget_id, hard_limits={"units": 9})
    drawn = ["cpu-hours"]
    third = engine.create_execution(lane_id="main", budget_ids=drawn).execution_id
    drawn.append("dollars")
    fourth = engine.create_execution(lane_id="main", budget_ids=drawn).execution_id
    assert [len(engine._records[name].spec.budget_ids) for name in (third, fourth)] == [1, 2]
