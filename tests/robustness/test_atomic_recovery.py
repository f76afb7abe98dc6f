"""I-41 for the recovery itself: interrupted while it repairs, it repairs again, and tells nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import pytest

from tests.marks import one_in
from tests.robustness import inside
from tests.robustness.calls import Scenario, named
from tests.robustness.injection import Plan, Tally, Tracer, judge, planned, traced
from tests.robustness.worlds import World

pytestmark = [pytest.mark.uncovered, pytest.mark.every_python]

CHOSEN: Final = (
    named("create_execution", "rich"),
    named("take", "granted"),
    named("reclaim_execution", "reclaimable"),
    named("complete_execution", "retried"),
    named("fail_execution", "held"),
    named("purge_execution", "done"),
    named("operator.revoke_leases_of", "two_held"),
    named("advance", "retention_over"),
    named("scheduler.peek", "gone_from_the_front"),
)


def _halfway(plan: Plan, at: int) -> tuple[World, str]:
    """The world after an interruption at a point."""
    world, first = plan.world(), Tracer(at)
    traced(first, partial(plan.scenario.make, world))
    return world, first.where


def _points_halfway(plan: Plan, stride: int) -> Iterator[int]:
    """Points at which an interruption leaves work to be recovered."""
    for at in range(1, plan.points(Tracer()) + 1):
        if inside.is_halfway(_halfway(plan, at)[0].engine) and at % stride == 0:
            yield at


def _inject_twice(plan: Plan, at: int, stride: int) -> Tally:
    tally, counter = Tally(), Tracer()
    traced(counter, _halfway(plan, at)[0].engine.now_ms)
    for again in range(1 + at % stride, counter.count + 1, stride):
        world, where = _halfway(plan, at)
        second = Tracer(again, MemoryError if again % 2 else KeyboardInterrupt)
        raised = traced(second, world.engine.now_ms)
        tally.note(world.engine, raised, second.error)
        wrong = judge(plan, world, again, where, second.where)
        if wrong:
            tally.wrong.append(f"{plan.scenario} at {at} in {where}, then {again} in {second.where}: {wrong}")
    return tally


@pytest.mark.parametrize("scenario", one_in(4, CHOSEN), ids=str)
def test_recovery_interrupted(scenario: Scenario) -> None:
    """I-41, I-65: two interruptions, one after the other."""
    plan = planned(scenario, observers=1)
    total = Tally()
    for at in _points_halfway(plan, stride=11):
        tally = _inject_twice(plan, at, stride=13)
        total.points += tally.points
        total.halfway += tally.halfway
        total.wrong += tally.wrong
    assert total.wrong == []
    assert total.points >= 20
    assert total.halfway >= total.points // 4


def test_recovery_interrupted_at_every_line() -> None:
    """I-41: from one interrupted commit, every line of the recovery."""
    plan = planned(named("take", "granted"), observers=2)
    at = list(_points_halfway(plan, stride=1))[10]
    tally = _inject_twice(plan, at, stride=1)
    assert tally.wrong == []
    assert tally.points > 100


def test_recovery_interrupted_again_and_again() -> None:
    """I-41: one interruption after the other, each a little further on, and at last none."""
    plan = planned(named("fail_execution", "held"), observers=1)
    at = next(_points_halfway(plan, stride=1))
    world, first = _halfway(plan, at)
    where, again = [first], 0
    for again in range(1, 10_000):
        tracer = Tracer(again)
        if not isinstance(traced(tracer, world.engine.now_ms), KeyboardInterrupt):
            break
        where.append(tracer.where)
    assert again > 100
    assert judge(plan, world, 0, *where) is None
