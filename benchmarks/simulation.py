"""``python -m benchmarks.simulation``: lifecycles a second of processor time, SimPy's share, and growth.

A lifecycle is a job from its submission to its end, with the default faults. SimPy's share is what as many
of its events cost in processes that do nothing else.
"""

from __future__ import annotations

import sys
from time import process_time
from typing import TYPE_CHECKING

import simpy

from grantcore.simulation.run import run
from grantcore.simulation.scenario.model import Group, Scenario, Synthetic

if TYPE_CHECKING:
    from collections.abc import Generator


def simulated(jobs: int, workers: int) -> tuple[float, int]:
    """Run so many jobs, three quarters of the workers busy; answer the seconds and SimPy's events."""
    workload = Synthetic(jobs=jobs, mean_gap_ms=max(320_000 // workers, 1))
    scenario = Scenario(workload=workload, workers=(Group(count=workers),))
    began = process_time()
    record = run(scenario)
    assert not record.violations, record.violations
    return process_time() - began, record.steps


def empty(steps: int, processes: int = 16) -> float:
    """Let SimPy go through so many events and do nothing; answer the seconds."""
    env = simpy.Environment()

    def idle() -> Generator[simpy.Event, object, None]:
        while True:
            yield env.timeout(processes)

    for _ in range(processes):
        env.process(idle())
    began = process_time()
    for _ in range(steps):
        env.step()
    return process_time() - began


def main() -> None:
    """Print the figures; an argument says how many jobs."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seconds, steps = simulated(jobs, 16)
    print(f"{jobs / seconds:,.0f} lifecycles/s, {steps / jobs:.1f} events each")
    print(f"SimPy's share: {100 * empty(steps) / seconds:.0f} %")
    for workers in (1_000, 10_000, 100_000):
        many = max(jobs, 2 * workers)
        seconds, _ = simulated(many, workers)
        print(f"{workers:,} workers: {many / seconds:,.0f} lifecycles/s")


if __name__ == "__main__":
    main()
