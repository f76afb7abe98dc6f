"""Nothing is blocked one by one (SPEC 7): what it costs does not depend on how many wait.

Counted in bytecodes and calls, not in time: an equal number of steps is the claim, and it is exact.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import pytest

from grantcore import Worker
from tests.scheduling.stage import ANN, LANE, Stage

pytestmark = pytest.mark.uncovered

MANY: Final = 1_000
VERY_MANY: Final = 100_000


def steps(call: Callable[[], object]) -> int:
    """How many bytecodes and calls into C a call takes.

    From CPython 3.13 on, the bytecodes of a function are told only when it has been traced before: what is
    compared is run once for nothing.
    """
    count = 0

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        count += 1
        return trace

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "c_call"

    traced, profiled = sys.gettrace(), sys.getprofile()
    gc.collect()
    gc.disable()  # what others hang on a collection is none of these steps
    sys.settrace(trace)
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(profiled)
        sys.settrace(traced)
        gc.enable()
    return count


def crowd(number: int) -> Stage:
    """So many wait for one quota and one budget; somebody works."""
    stage = Stage(observed=False)
    stage.engine.create_quota_policy("q", max_concurrent=2, max_requests_per_window=3, window_ms=500)
    stage.engine.create_budget("b", hard_limits={"usd": 5}, reset_interval_ms=700)
    for i in range(number):
        stage.create(f"e{i:06}", quota_policy_id="q", budget_ids=["b"])
    stage.engine.register_worker("w", "w-1", lanes=[LANE], capabilities=[], liveness_ttl_ms=10**6)
    assert stage.next() == "e000000"
    return stage


def story(stage: Stage) -> dict[str, int]:
    """Close and open the shelf in every way; tell what each step cost."""
    engine, cost = stage.engine, {}

    def costs(what: str, call: Callable[[], object]) -> None:
        cost[what] = steps(call)

    leases = [stage.take(engine_grant) for engine_grant in [stage.claim()]]
    costs(
        "fill",
        lambda: leases.append(
            stage.operator.issue_grant_and_claim(
                "e000002", worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=1_000
            )
        ),
    )
    assert stage.reason("e000003")[1] == "waiting_for_quota"
    costs("refuse", stage.claim)
    costs("look", lambda: stage.reason("e000003"))
    costs("free", lambda: engine.complete_execution(leases.pop()))
    costs("use up", lambda: engine.report_usage("b", {"usd": 5}))
    assert stage.reason("e000003")[1] == "waiting_for_budget"
    costs("next deadline", engine.next_deadline_ms)
    costs("explain", lambda: str(engine.explain("e000003")))
    costs("reset", lambda: engine.reset_budget("b"))
    costs("pause", lambda: stage.operator.pause_lane(LANE))
    assert stage.reason("e000003")[1] == "paused_by_policy"
    costs("resume", lambda: stage.operator.resume_lane(LANE))
    costs("lose the only worker", lambda: engine.mark_worker_dead("w-1", reason="r"))
    costs("claim", stage.claim)
    return cost


@pytest.mark.parametrize("number", [MANY, pytest.param(VERY_MANY, marks=pytest.mark.nightly)])
def test_closing_and_opening_costs_the_same_for_few_and_for_many(number: int) -> None:
    """Filling and freeing a quota, using up and resetting a budget, pausing and resuming a lane."""
    _, few, many = (story(crowd(number)) for number in (5, 5, number))
    assert few == many
    assert min(few.values()) > 20


def test_the_count_can_tell_a_difference() -> None:
    """A scan of those that wait would be seen."""
    looks = [steps(crowd(number).engine.list_executions) for number in (5, 5, 50)]
    assert looks[2] > 5 * looks[1]


@pytest.mark.parametrize("sets", [16])
def test_finding_work_does_not_grow_with_what_is_in_front(sets: int) -> None:
    """I-61: incompatible executions of 16 requirement sets, one that fits behind them all."""
    counts = []
    for number in (1, 1, 1_000):
        stage = Stage(observed=False)
        for i in range(number * sets):
            stage.create(f"x{i}", needs=[f"t{i % sets}"], priority=9)
        stage.create("fits")
        stage.create("too")
        bob = Worker("bob", "bob-1", [])
        assert stage.scheduler.peek(LANE, ()) == ("fits", "too")
        assert stage.next(bob) == "fits"
        counts.append(steps(lambda stage=stage, bob=bob: stage.claim(bob)))  # type: ignore[misc]
    assert counts[1] == counts[2]


def test_shelves_of_others_cost_nothing_either() -> None:
    """SPEC 7: which shelves fit is remembered."""
    counts = []
    for sets in (1, 1, 1_000):
        stage = Stage(observed=False)
        for i in range(sets):
            stage.create(f"x{i}", needs=[f"t{i}"])
        for name in ("fits", "too"):
            stage.create(name)
        assert stage.next(Worker("bob", "bob-1", [])) == "fits"
        counts.append(steps(lambda stage=stage: stage.claim(Worker("bob", "bob-1", []))))  # type: ignore[misc]
    assert counts[1] == counts[2]
    assert ANN.capabilities
