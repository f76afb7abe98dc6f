"""A made-up workload: when jobs come, how long they run, what they require.

Each of these draws from a stream of its own, so that another distribution of the run times leaves the
arrivals, lanes and requirements of the same seed as they were.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from grantcore.simulation.chance import Chance, Pick
from grantcore.simulation.job import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from grantcore.simulation.scenario.model import Synthetic

T = TypeVar("T")


def synthetic(load: Synthetic, seed: int) -> Iterator[Job]:
    """Make up the jobs, in the order of their submission; O(1) memory.

    The mean of the run times is that before the long ones are cut to ``max_run_ms``.
    """
    run_ms = _run_ms(load, Chance(seed, "durations"))
    lane_id = _picked(load.lanes, Chance(seed, "lanes"))
    priority = _picked(load.priorities, Chance(seed, "priorities"))
    mix = [(row.capabilities, row.weight) for row in load.requirements]
    required = _picked(mix, Chance(seed, "requirements"))
    for submit_ms in islice(_arrivals_ms(load, seed), load.jobs):
        yield Job(submit_ms, run_ms(), lane_id(), priority(), required())


def _picked(weights: Sequence[tuple[T, float]], chance: Chance) -> Callable[[], T]:
    """Give what draws one of these."""
    pick = Pick(weights)
    return lambda: pick.at(chance.share())


def _arrivals_ms(load: Synthetic, seed: int) -> Iterator[int]:
    """Give the instants of submission, without end.

    Gaps are added up in microseconds: in milliseconds, what is rounded off would show where gaps are short.
    """
    at_us = 0
    burst = load.burst_jobs if load.arrivals == "bursty" else 1
    gap_us = _gap_us(load, Chance(seed, "arrivals"))
    while True:
        at_us += gap_us(at_us)
        for _ in range(burst):
            yield at_us // 1000


def _gap_us(load: Synthetic, chance: Chance) -> Callable[[int], int]:
    """Give what draws the time to the next arrival, or burst, after an instant."""
    mean_us = load.mean_gap_ms * 1000
    if load.arrivals == "diurnal":
        return lambda at_us: _thinned_us(load, chance, at_us)
    if load.arrivals == "bursty":
        mean_us *= load.burst_jobs
    return lambda _at_us: round(chance.exponential(mean_us))


def _thinned_us(load: Synthetic, chance: Chance, at_us: int) -> int:
    """Draw by thinning: candidates come as at the busiest hour, and are kept as often as the hour is busy."""
    then_us = at_us
    while True:
        then_us += round(chance.exponential(load.mean_gap_ms * 1000 / (1 + load.swing)))
        turn = math.tau * (then_us % (load.day_ms * 1000)) / (load.day_ms * 1000)
        if chance.happens((1 + load.swing * math.sin(turn)) / (1 + load.swing)):
            return then_us - at_us


def _run_ms(load: Synthetic, chance: Chance) -> Callable[[], int]:
    """Give what draws a run time."""
    longest_ms = load.max_run_ms
    if load.durations == "fixed":
        return lambda: load.mean_run_ms
    if load.durations == "pareto":
        return lambda: round(min(chance.pareto(load.mean_run_ms, load.alpha), longest_ms))
    return lambda: round(min(chance.lognormal(load.mean_run_ms, load.sigma), longest_ms))
