"""``python -m benchmarks.simulation``: lifecycles a second of processor time, SimPy's share, and growth.

A lifecycle is a job from its submission to its end, with the default faults and everything that goes with it:
auditor, digests, report. SimPy's share is what as many of its events cost in as many processes that do
nothing else. ``--record`` prints the table of
``docs/simulation/README.md``, *Speed*.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Final, NamedTuple

import simpy

from grantcore.simulation.run import run
from grantcore.simulation.scenario.model import Group, Scenario, Synthetic

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

FLEETS: Final = (16, 1_000, 10_000, 100_000)
GOAL: Final = 8_000
"""Lifecycles a second, with 16 workers."""


class Timed(NamedTuple):
    """One setting: medians over its repeats."""

    workers: int
    per_second: float
    simpys_share: float
    steps_per_job: float


def scenario_for(jobs: int, workers: int) -> Scenario:
    """So many jobs, three quarters of the workers busy."""
    workload = Synthetic(jobs=jobs, mean_gap_ms=max(320_000 // workers, 1))
    return Scenario(workload=workload, workers=(Group(count=workers),))


def simulated(scenario: Scenario, *, observed: bool = False) -> int:
    """Run it; answer SimPy's events."""
    record = run(scenario, observed=observed)
    assert not record.found, record.violations
    return record.steps


def seconds_of_nothing(processes: int, steps: int) -> float:
    """How long SimPy itself needs for so many events of processes that do nothing, one at each instant."""
    env = simpy.Environment()

    def idle(first: int) -> Generator[simpy.Event, object, None]:
        yield env.timeout(first)
        while True:
            yield env.timeout(processes)

    for number in range(processes):
        env.process(idle(number))
    for _ in range(processes):
        env.step()
    gc.collect()
    began = process_time()
    for _ in range(steps):
        env.step()
    return process_time() - began


def timed(jobs: int, workers: int, repeats: int, *, observed: bool = False) -> Timed:
    """Measure one setting, and SimPy's own work beside it each time."""
    scenario = scenario_for(jobs, workers)
    steps = 0
    whole: list[float] = []
    shares: list[float] = []
    for _ in range(repeats):
        gc.collect()
        began = process_time()
        steps = simulated(scenario, observed=observed)
        whole.append(process_time() - began)
        shares.append(seconds_of_nothing(workers, steps) / whole[-1])
    return Timed(workers, jobs / median(whole), median(shares), steps / jobs)


def measured(jobs: int, repeats: int) -> Iterator[tuple[str, Timed]]:
    """Measure every size of the fleet, and the smallest once more with all facts from events."""
    for workers in FLEETS:
        yield f"{workers:,}", timed(max(jobs, 2 * workers), workers, repeats)
    yield f"{FLEETS[0]}, all from events (`observed`)", timed(jobs, FLEETS[0], repeats, observed=True)


def table(jobs: int, repeats: int) -> Iterator[str]:
    """Write the table, line by line, as it is measured."""
    yield (
        f"`python -m benchmarks.simulation --record` on CPython {platform.python_version()},"
        f" {platform.system()} {platform.machine()}, {os.cpu_count()} processors, one used;"
        f" median of {repeats}, processor time; the goal is {GOAL:,} with {FLEETS[0]} workers.\n"
    )
    yield "| workers | lifecycles/s | µs each | against 16 workers | SimPy's share | its events each |"
    yield "|---|---|---|---|---|---|"
    first: float | None = None
    for name, row in measured(jobs, repeats):
        first = first or row.per_second
        yield (
            f"| {name} | {row.per_second:,.0f} | {1e6 / row.per_second:,.0f}"
            f" | {first / row.per_second:.2f} \u00d7 | {row.simpys_share:.0%} | {row.steps_per_job:.1f} |"
        )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description="Speed and growth.")
    parser.add_argument("jobs", type=int, nargs="?", default=20_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="the table of the docs: five repeats")
    options = parser.parse_args()
    for line in table(options.jobs, 5 if options.record else options.repeats):
        print(line, flush=True)


if __name__ == "__main__":
    main()
