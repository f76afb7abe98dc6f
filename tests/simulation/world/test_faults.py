"""What goes wrong: how often, and until when."""

from __future__ import annotations

import attrs
import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from grantcore.events import LeaseLapsed
from grantcore.simulation.job import Job
from grantcore.simulation.record import Record
from grantcore.simulation.run import run
from grantcore.simulation.scenario.model import Faults, Scenario, Synthetic
from grantcore.simulation.world.faults import Hazards
from tests.simulation.world.worlds import HARSH, NO_FAULTS, QUIET, World

DAY_MS = 86_400_000


def hazards(env: simpy.Environment, faults: Faults) -> Hazards:
    return Hazards(env, faults, Record(scenario=QUIET), 1)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.floats(0, 1, exclude_max=True))
def test_a_lease_is_struck_by_one_thing_at_most(rates: list[float], fate: float) -> None:
    crash, pause, slow_heartbeat, fail = rates
    faults = attrs.evolve(NO_FAULTS, crash=crash, pause=pause, slow_heartbeat=slow_heartbeat, fail=fail)
    strike = hazards(simpy.Environment(), faults).strike(fate)
    assert strike is None or getattr(faults, strike) > 0
    if sum(rates) == 0:
        assert strike is None


def test_rates_that_sum_up_to_more_than_one_share_it_out() -> None:
    some = hazards(simpy.Environment(), attrs.evolve(NO_FAULTS, crash=1, pause=1, fail=2))
    assert [some.strike(share) for share in (0, 0.24, 0.26, 0.49, 0.51, 0.99)] == [
        "crash", "crash", "pause", "pause", "fail", "fail"
    ]  # fmt: skip


@pytest.mark.parametrize("per_day", [24.0, 5e-324, 1e-295, 1e-3, 1e300])
def test_what_comes_now_and_then_comes_so_often(per_day: float) -> None:
    env = simpy.Environment()
    some = hazards(env, attrs.evolve(NO_FAULTS, stalls_per_day=per_day, until_ms=2**53))
    began: list[int] = []
    env.process(some.stalls(lambda _ms: began.append(int(env.now))))
    for _ in range(401):
        env.step()
    gaps = [later - before for before, later in zip([0, *began], began, strict=False)]
    mean_ms = min(max(DAY_MS / per_day, 1), 36_525 * DAY_MS / 2)
    assert 0.85 < sum(gaps) / len(gaps) / mean_ms < 1.15
    assert min(gaps) >= 1
    assert max(gaps) <= 36_525 * DAY_MS


def _idle(engine: object, worker: object, *, lanes: object, grant_ttl_ms: int) -> None:
    """A scheduler that hands out nothing."""


def test_a_tiny_rate_does_not_break_the_clock() -> None:
    faults = attrs.evolve(NO_FAULTS, stalls_per_day=1e-295, clock_jumps_per_day=5e-324)
    scenario = Scenario(workload=Synthetic(jobs=9), faults=faults)
    assert run(scenario).violations == []
    stuck = run(scenario, schedule=_idle)
    assert {violation.split()[0] for violation in stuck.violations} == {"I-57"}


def test_no_fault_begins_after_the_last_submission_or_an_instant() -> None:
    always = attrs.evolve(NO_FAULTS, fail=1.0)
    jobs = [Job(0, 1_000), Job(5_000, 1_000)]
    world = World(jobs, attrs.evolve(QUIET, faults=always)).play()
    assert (world.record.faults, world.record.ends) == ({"fail": 4}, {"failed": 1, "succeeded": 1})
    short = World(jobs, attrs.evolve(QUIET, faults=attrs.evolve(always, until_ms=0))).play()
    assert not short.record.faults
    longer = World(jobs, attrs.evolve(QUIET, faults=attrs.evolve(always, until_ms=10**9))).play()
    assert longer.record.ends == {"failed": 2}


def test_jobs_submitted_after_that_instant_are_not_poisoned() -> None:
    faults = attrs.evolve(NO_FAULTS, poison=1.0, until_ms=5_000)
    world = World([Job(5_000, 1_000), Job(5_001, 1_000)], attrs.evolve(QUIET, faults=faults)).play()
    assert world.record.ends == {"failed": 1, "succeeded": 1}


@pytest.mark.parametrize(("now", "begins"), [(7, True), (8, False)])
def test_a_fault_may_begin_at_that_instant(now: int, begins: bool) -> None:
    some = hazards(simpy.Environment(initial_time=now), attrs.evolve(NO_FAULTS, until_ms=7))
    assert some.begins("crash") == begins


def test_a_clock_that_jumps_past_the_end_of_a_lease_ends_it_at_once() -> None:
    world = World([Job(0, 900_000)])
    world.site.env.run(until=500)
    world.site._jump(300_000)
    world.site.env.run(until=501)
    assert world.instants(LeaseLapsed) == [300_000]


def test_a_clock_that_jumps_and_a_scheduler_that_stalls_all_the_time() -> None:
    faults = attrs.evolve(NO_FAULTS, clock_jumps_per_day=50_000, stalls_per_day=50_000, stall_ms=2_000)
    record = run(attrs.evolve(HARSH, workload=Synthetic(jobs=60, mean_gap_ms=4_000), faults=faults))
    assert record.violations == []
    assert record.faults["clock_jumps_per_day"] > 90
    assert record.faults["stalls_per_day"] > 90
