"""What was run, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grantcore.simulation.report import words
from grantcore.simulation.scenario.model import CsvTable, Group, Synthetic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantcore.simulation.scenario.model import Leases, Scenario, Workload

LONGEST_NAME: Final = 60


def lines(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Name what decides most about a run; the JSON has all of it."""
    yield "workload", workload(scenario.workload)
    yield "workers", fleet(scenario.workers)
    yield "leases", leases(scenario.leases)
    yield "seed", str(scenario.seed)


def workload(source: Workload) -> str:
    """Name the workload: a file by its name, never by its folder.

    >>> workload(Synthetic(jobs=2_000))
    '2,000 made-up jobs: poisson arrivals, lognormal durations'
    """
    if isinstance(source, Synthetic):
        jobs = words.counted(source.jobs, "made-up job")
        return f"{jobs}: {source.arrivals} arrivals, {source.durations} durations"
    kind = "table" if isinstance(source, CsvTable) else "log"
    jobs = "the jobs" if source.limit is None else f"the first {words.counted(source.limit, 'job')}"
    return f"{jobs} of the {kind} {words.safe(source.path.name, LONGEST_NAME)}"


def fleet(groups: tuple[Group, ...]) -> str:
    """Count and name the groups of workers, with their speed where it is not 1.

    >>> fleet((Group(name="old", count=1), Group(name="new", count=30, speed=2.5)))
    '1 worker "old", 30 workers "new" of speed 2.5'
    """
    return ", ".join(
        f'{words.counted(group.count, "worker")} "{words.safe(group.name, LONGEST_NAME)}"'
        + ("" if group.speed == 1 else f" of speed {group.speed:g}")
        for group in groups
    )


def leases(times: Leases) -> str:
    """Name how long leases live, and how often they are renewed."""
    return (
        f"ttl {words.duration(times.lease_ttl_ms)}, renewed every {words.duration(times.renews_after_ms)}; "
        f"grants {words.duration(times.grant_ttl_ms)}"
    )
