"""Made-up workloads: of the shape and the mean that was asked for, from the seed alone."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any, get_args

import attrs
import pytest

from grantcore.simulation.job import Job
from grantcore.simulation.scenario.model import Arrivals, Durations, Requirement, Synthetic
from grantcore.simulation.workloads.synthetic import synthetic
from tests.simulation.test_chance import lognormal, pareto

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = 3_000
LOAD = Synthetic(jobs=JOBS)
DAY_MS = LOAD.day_ms


def jobs(seed: int = 1, **fields: Any) -> list[Job]:
    return list(synthetic(attrs.evolve(LOAD, **fields), seed))


def gaps(made: list[Job]) -> list[int]:
    return [later.submit_ms - sooner.submit_ms for sooner, later in pairwise(made)]


def distance(drawn: list[int], below: Callable[[float], float]) -> float:
    """Give the Kolmogorov-Smirnov distance times the root of the number; 1.95 is one in a thousand."""
    drawn = sorted(drawn)
    number = len(drawn)
    apart = max(
        max(abs(below(x) - n / number), abs(below(x) - (n + 1) / number)) for n, x in enumerate(drawn)
    )
    return apart * math.sqrt(number)


def exponential(mean: float) -> Callable[[float], float]:
    return lambda x: 1 - math.exp(-x / mean)


@pytest.mark.parametrize("arrivals", get_args(Arrivals))
@pytest.mark.parametrize("durations", get_args(Durations))
def test_the_same_seed_makes_the_same_jobs_in_order(arrivals: Arrivals, durations: Durations) -> None:
    made = jobs(5, jobs=300, arrivals=arrivals, durations=durations)
    assert made == jobs(5, jobs=300, arrivals=arrivals, durations=durations)
    assert made != jobs(6, jobs=300, arrivals=arrivals, durations=durations)
    assert len(made) == 300
    assert all(gap >= 0 for gap in gaps(made))
    assert {type(part) for job in made for part in (job.submit_ms, job.run_ms, job.priority)} == {int}
    assert {(job.number, job.after, job.think_ms) for job in made} == {(None, None, 0)}


def test_a_workload_is_the_same_everywhere() -> None:
    made = [(job.submit_ms, job.run_ms, job.lane_id, job.priority) for job in jobs(jobs=3)]
    assert made == [(23285, 7265, "q0", 0), (26716, 48662, "q2", 0), (69170, 59454, "q1", 0)]


def test_fewer_jobs_are_the_first_of_more() -> None:
    assert jobs(jobs=100) == jobs(jobs=200)[:100]


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"durations": "pareto"}, {"submit_ms", "lane_id", "priority", "required_capabilities"}),
        ({"arrivals": "bursty"}, {"run_ms", "lane_id", "priority", "required_capabilities"}),
        ({"arrivals": "diurnal"}, {"run_ms", "lane_id", "priority", "required_capabilities"}),
        ({"lanes": (("a", 1.0),)}, {"submit_ms", "run_ms", "priority", "required_capabilities"}),
        ({"priorities": ((5, 1.0),)}, {"submit_ms", "run_ms", "lane_id", "required_capabilities"}),
        (
            {"requirements": (Requirement(weight=1.0, capabilities=("x",)),)},
            {"submit_ms", "run_ms", "lane_id"},
        ),
    ],
)
def test_one_setting_changes_one_thing(changed: dict[str, Any], same: set[str]) -> None:
    before, after = jobs(jobs=200), jobs(jobs=200, **changed)
    assert before != after
    for field in same:
        assert [getattr(job, field) for job in before] == [getattr(job, field) for job in after]


# -- arrivals ------------------------------------------------------------------------------------


def test_gaps_of_poisson_arrivals_are_exponential() -> None:
    between = gaps(jobs())
    assert fmean(between) == pytest.approx(20_000, rel=0.05)
    assert distance(between, exponential(20_000)) < 1.95 < distance(between, exponential(18_000))


@pytest.mark.uncovered
def test_the_mean_holds_where_gaps_are_shorter_than_the_clock_tells_apart() -> None:
    assert fmean(gaps(jobs(mean_gap_ms=1, jobs=20_000))) == pytest.approx(1, rel=0.03)


@pytest.mark.uncovered
def test_bursts_are_of_their_size_and_as_far_apart() -> None:
    made = jobs(arrivals="bursty", burst_jobs=10, jobs=20_005)
    bursts = Counter(job.submit_ms for job in made)
    *whole, last = bursts.values()
    assert (set(whole), last) == ({10}, 5)
    between = [later - sooner for sooner, later in pairwise(bursts)]
    assert fmean(between) == pytest.approx(200_000, rel=0.05)
    assert distance(between, exponential(200_000)) < 1.95 < distance(between, exponential(150_000))


@pytest.mark.uncovered
def test_diurnal_arrivals_follow_the_day() -> None:
    """Over whole days, the arrivals up to each hour are as the integral of the rate says."""
    made = jobs(arrivals="diurnal", swing=0.8, day_ms=2_000_000, jobs=10_000)
    days = made[-1].submit_ms // 2_000_000
    hours = [job.submit_ms % 2_000_000 for job in made if job.submit_ms < days * 2_000_000]

    def below(swing: float) -> Callable[[float], float]:
        return lambda x: x / 2e6 + swing * (1 - math.cos(math.tau * x / 2e6)) / math.tau

    assert distance(hours, below(0.8)) < 1.95 < distance(hours, below(0.7))
    assert len(hours) / days == pytest.approx(100, rel=0.05)


def test_a_swing_of_one_leaves_the_depth_of_night_empty() -> None:
    made = jobs(arrivals="diurnal", swing=1.0, day_ms=2_000_000, jobs=5_000)
    turn = Counter(job.submit_ms % 2_000_000 // 100_000 for job in made)
    assert turn[14] + turn[15] < 0.02 * turn[4] + 25
    assert max(turn, key=lambda hour: turn[hour]) in range(2, 8)


def test_without_a_swing_the_day_does_not_matter() -> None:
    between = gaps(jobs(arrivals="diurnal", swing=0.0))
    assert distance(between, exponential(20_000)) < 1.95


# -- run times -----------------------------------------------------------------------------------


def run_times(**fields: Any) -> list[int]:
    return [job.run_ms for job in jobs(**fields)]


def test_fixed_run_times_are_fixed() -> None:
    assert set(run_times(durations="fixed", mean_run_ms=7)) == {7}


@pytest.mark.uncovered
def test_run_times_are_of_their_distribution() -> None:
    drawn = run_times(sigma=1.0)
    assert distance(drawn, lognormal(240_000, 1.0)) < 1.95 < distance(drawn, lognormal(220_000, 1.0))
    drawn = run_times(durations="pareto", alpha=2.5)
    assert distance(drawn, pareto(240_000, 2.5)) < 1.95 < distance(drawn, pareto(220_000, 2.5))


@pytest.mark.uncovered
@pytest.mark.parametrize(("durations", "rel"), [("lognormal", 0.03), ("pareto", 0.03)])
def test_the_mean_is_the_one_stated(durations: Durations, rel: float) -> None:
    drawn = run_times(durations=durations, sigma=0.8, alpha=4.0, jobs=20_000)
    assert fmean(drawn) == pytest.approx(240_000, rel=rel)


@pytest.mark.parametrize("durations", ["lognormal", "pareto"])
def test_longer_run_times_are_cut(durations: Durations) -> None:
    whole = run_times(durations=durations, alpha=1.2)
    cut = run_times(durations=durations, alpha=1.2, max_run_ms=300_000)
    assert max(whole) > 300_000 == max(cut)
    assert [min(run_ms, 300_000) for run_ms in whole] == cut


# -- lanes, priorities, requirements -----------------------------------------------------------------


def test_lanes_priorities_and_requirements_are_shared_out_by_weight() -> None:
    made = jobs(jobs=5_000)
    for shares, of in (
        ({"q0": 1 / 3, "q1": 1 / 3, "q2": 1 / 3}, [job.lane_id for job in made]),
        ({0: 0.9, 100: 0.1}, [job.priority for job in made]),
        ({(): 0.6, ("gpu",): 0.3, ("gpu", "ssd"): 0.1}, [job.required_capabilities for job in made]),
    ):
        found = Counter[object](of)
        assert set(found) == set(shares)
        for thing, share in shares.items():
            assert found[thing] / 5_000 == pytest.approx(share, abs=0.02)
