"""A made-up log of a grid, as large as the largest that must run: 188,041 jobs over 170 sites.

``python -m benchmarks.grid_log PATH`` writes it (a name that ends in ``.gz`` is compressed), reads it back,
and prints what both took. The same seed gives the same lines everywhere.
"""

from __future__ import annotations

import argparse
import gzip
import tracemalloc
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from grantcore.simulation.chance import Chance, Pick
from grantcore.simulation.scenario.model import SwfLog, Synthetic
from grantcore.simulation.workloads import survey
from grantcore.simulation.workloads.synthetic import synthetic

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS: Final = 188_041
SITES: Final = 170
USERS: Final = 216
GROUPS: Final = 28
EXECUTABLES: Final = 60
QUEUES: Final = 6
FOLLOWING: Final = 0.02
"""The share of jobs that wait for an earlier one."""

MEAN_GAP_MS: Final = 5_000
MEAN_RUN_MS: Final = 9_000_000

PROCESSORS: Final = Pick([(1, 88.0), (2, 5.0), (4, 4.0), (8, 2.0), (16, 0.7), (32, 0.3)])


def lines(jobs: int = JOBS, sites: int = SITES, seed: int = 1) -> Iterator[str]:
    """Make up the lines; the first sites, users and executables have the most jobs, by Zipf's law."""
    yield "; Version: 2.2"
    yield f"; Computer: a made-up grid of {sites} sites"
    yield f"; MaxJobs: {jobs}"
    yield f"; MaxPartitions: {sites}"
    load = Synthetic(
        jobs=jobs, arrivals="diurnal", mean_gap_ms=MEAN_GAP_MS, mean_run_ms=MEAN_RUN_MS, swing=0.5
    )
    chance = Chance(seed, "grid")
    site, user, executable = _zipf(sites), _zipf(USERS), _zipf(EXECUTABLES)
    for number, job in enumerate(synthetic(load, seed), start=1):
        processors = PROCESSORS.at(chance.share())
        who = user.at(chance.share())
        what = executable.at(chance.share())
        where = site.at(chance.share())
        before, think_s = -1, -1
        if number > 1 and chance.happens(FOLLOWING):
            before, think_s = max(number - 1 - chance.below(50), 1), chance.below(600)
        run_s = max(job.run_ms // 1000, 1)
        yield (
            f"{number} {job.submit_ms // 1000} -1 {run_s} {processors} -1 -1 {processors}"
            f" -1 -1 1 {who} {who % GROUPS + 1} {what} {who % QUEUES} {where} {before} {think_s}"
        )


def _zipf(number: int) -> Pick[int]:
    return Pick([(rank, 1.0 / rank) for rank in range(1, number + 1)])


def write(path: Path, jobs: int = JOBS, sites: int = SITES, seed: int = 1) -> None:
    """Write the log; one whose name ends in ``.gz`` is compressed."""
    text = (f"{line}\n".encode() for line in lines(jobs, sites, seed))
    with path.open("wb") as stream:
        if path.suffix != ".gz":
            stream.writelines(text)
            return
        with gzip.GzipFile("", "wb", fileobj=stream, compresslevel=6, mtime=0) as packed:
            packed.writelines(text)


def main() -> None:
    """Write, look over, look over again with every allocation watched."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grid_log", description="A log of a grid.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--sites", type=int, default=SITES)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began_s = perf_counter()
    write(options.path, options.jobs, options.sites, options.seed)
    print(f"written in {perf_counter() - began_s:.1f} s: {options.path.stat().st_size:,} bytes")
    log = SwfLog(path=options.path, lane="partition")
    began_s = perf_counter()
    found = survey(log, options.seed)
    print(f"read in {perf_counter() - began_s:.1f} s: {found.jobs:,} jobs, {len(found.lanes)} lanes")
    tracemalloc.start()
    survey(log, options.seed)
    print(f"memory, at most: {tracemalloc.get_traced_memory()[1]:,} bytes")


if __name__ == "__main__":
    main()
