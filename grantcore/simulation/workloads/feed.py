"""One way to read a workload, whatever it comes from: :func:`open_workload`; and to look it over first."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

import attrs

from grantcore.simulation.scenario.model import SwfLog, Synthetic
from grantcore.simulation.workloads.mapping import mapped
from grantcore.simulation.workloads.swf import read_swf
from grantcore.simulation.workloads.synthetic import synthetic
from grantcore.simulation.workloads.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantcore.simulation.job import Job
    from grantcore.simulation.scenario.model import CsvTable, Workload


class Feed:
    """The jobs of a workload, one after the other; every iteration begins again.

    They come in the order of submission, but for the lines of a log that are not in order. The memory is
    that of one line.

    Attributes:
        skipped_lines: malformed ones that the last iteration has passed over so far (``lenient``).
    """

    def __init__(self, workload: Workload, seed: int) -> None:
        """Open nothing yet."""
        self.skipped_lines = 0
        self._workload = workload
        self._seed = seed

    def __iter__(self) -> Iterator[Job]:
        """Begin.

        Raises:
            LogError: a line is malformed (:class:`SwfError`, :class:`CsvError`).
            OSError: the file cannot be read.
        """
        self.skipped_lines = 0
        if isinstance(self._workload, Synthetic):
            return synthetic(self._workload, self._seed)
        return islice(self._logged(self._workload), self._workload.limit)

    def _logged(self, log: SwfLog | CsvTable) -> Iterator[Job]:
        skip = self._skip if log.lenient else None
        if isinstance(log, SwfLog):
            return map(mapped(log), read_swf(log.path, skip=skip))
        return read_table(log.path, skip=skip)

    def _skip(self) -> None:
        self.skipped_lines += 1


def open_workload(workload: Workload, seed: int) -> Feed:
    """Give the jobs of a workload; ``seed`` decides what is made up, and nothing in a log."""
    return Feed(workload, seed)


@attrs.frozen(kw_only=True)
class Survey:
    """What a first pass over a workload finds.

    Attributes:
        jobs: how many.
        lanes: their names, sorted.
        work_ms: the sum of the run times, by what the jobs require; sorted.
        first_submit_ms: the earliest submission.
        last_submit_ms: the latest; of jobs that wait for others, the earliest they may come.
        late_jobs: of a log, submitted before the line above.
        dependent_jobs: that wait for another to end.
        skipped_lines: of a log, malformed (``lenient``).
    """

    jobs: int
    lanes: tuple[str, ...]
    work_ms: dict[tuple[str, ...], int]
    first_submit_ms: int
    last_submit_ms: int
    late_jobs: int
    dependent_jobs: int
    skipped_lines: int


def survey(workload: Workload, seed: int) -> Survey:
    """Read a workload once, to the end: O(jobs) time, the memory of its lanes and requirement sets.

    Raises:
        LogError: a line is malformed.
        OSError: the file cannot be read.
    """
    feed = open_workload(workload, seed)
    work_ms: Counter[tuple[str, ...]] = Counter()
    lanes: set[str] = set()
    jobs = late = dependent = last_ms = 0
    first_ms: int | None = None
    for job in feed:
        jobs += 1
        lanes.add(job.lane_id)
        work_ms[job.required_capabilities] += job.run_ms
        dependent += job.after is not None
        first_ms = job.submit_ms if first_ms is None else min(first_ms, job.submit_ms)
        late += job.submit_ms < last_ms
        last_ms = max(last_ms, job.submit_ms)
    return Survey(
        jobs=jobs,
        lanes=tuple(sorted(lanes)),
        work_ms=dict(sorted(work_ms.items())),
        first_submit_ms=first_ms or 0,
        last_submit_ms=last_ms,
        late_jobs=late,
        dependent_jobs=dependent,
        skipped_lines=feed.skipped_lines,
    )
