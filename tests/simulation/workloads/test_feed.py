"""One way to read every workload, in the memory of one line; and a first look at it."""

from __future__ import annotations

import gc
import gzip
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from benchmarks import grid_log
from grantcore.simulation.job import Job
from grantcore.simulation.scenario.model import CsvTable, SwfLog, Synthetic
from grantcore.simulation.workloads import LogError, Survey, open_workload, survey

if TYPE_CHECKING:
    from pathlib import Path

    from grantcore.simulation.scenario.model import Workload

SWF = """\
; Computer: none
1 10 -1  60  1 -1 -1 -1 -1 -1 1 1 1 1  0 -1 -1 -1
oh
2  5 -1 900 16 -1 -1 -1 -1 -1 1 1 1 1 -1 -1  1  5
3 20 -1   5  1 -1 -1 -1 -1 -1 1 1 1 1  2 -1 -1 -1
"""
CSV = "submit_ms,run_ms,lane\n5,7,a\nx,y,z\n6,8,b\n"


@pytest.fixture
def swf(tmp_path: Path) -> Path:
    """Make a log of three jobs and a malformed line."""
    path = tmp_path / "a.swf"
    path.write_text(SWF)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Make a table of two jobs and a malformed line."""
    path = tmp_path / "a.csv"
    path.write_text(CSV)
    return path


def test_every_workload_is_read_as_jobs(swf: Path, table: Path) -> None:
    assert list(open_workload(SwfLog(path=swf, lenient=True), 1)) == [
        Job(10_000, 60_000, "q0", 0, ("procs-1",), 1),
        Job(5_000, 900_000, "default", 0, ("procs-16",), 2, 1, 5_000),
        Job(20_000, 5_000, "q2", 0, ("procs-1",), 3),
    ]
    assert list(open_workload(CsvTable(path=table, lenient=True), 1)) == [Job(5, 7, "a"), Job(6, 8, "b")]
    assert len(list(open_workload(Synthetic(jobs=7), 1))) == 7


def test_a_feed_begins_again_each_time(swf: Path) -> None:
    feed = open_workload(SwfLog(path=swf, lenient=True), 1)
    assert feed.skipped_lines == 0
    for _ in range(2):
        jobs = iter(feed)
        next(jobs)
        assert feed.skipped_lines == 0
        assert len(list(jobs)) == 2
        assert feed.skipped_lines == 1
    made = open_workload(Synthetic(jobs=7), 1)
    assert list(made) == list(made) != list(open_workload(Synthetic(jobs=7), 2))


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_limit_takes_the_first_jobs(swf: Path, limit: int) -> None:
    feed = open_workload(SwfLog(path=swf, lenient=True, limit=limit), 1)
    assert [job.number for job in feed] == [1, 2, 3][:limit]
    assert feed.skipped_lines == (limit > 1)


def test_what_is_past_the_limit_is_not_looked_at(swf: Path, table: Path) -> None:
    assert len(list(open_workload(SwfLog(path=swf, limit=1), 1))) == 1
    assert len(list(open_workload(CsvTable(path=table, limit=1), 1))) == 1


def test_malformed_lines_are_an_error_unless_lenient(swf: Path, table: Path) -> None:
    for log in (SwfLog(path=swf), CsvTable(path=table)):
        with pytest.raises(LogError) as caught:
            list(open_workload(log, 1))
        assert caught.value.line == 3
        with pytest.raises(LogError):
            survey(log, 1)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    feed = open_workload(SwfLog(path=tmp_path / "none.swf"), 1)
    with pytest.raises(FileNotFoundError):
        next(iter(feed))


def test_a_survey_adds_up_what_comes(swf: Path) -> None:
    assert survey(SwfLog(path=swf, lenient=True), 1) == Survey(
        jobs=3,
        lanes=("default", "q0", "q2"),
        work_ms={("procs-1",): 65_000, ("procs-16",): 900_000},
        first_submit_ms=5_000,
        last_submit_ms=20_000,
        late_jobs=1,
        dependent_jobs=1,
        skipped_lines=1,
    )


def test_a_survey_of_a_made_up_workload_is_of_the_same_jobs() -> None:
    jobs = list(open_workload(Synthetic(jobs=200), 3))
    found = survey(Synthetic(jobs=200), 3)
    assert (found.first_submit_ms, found.last_submit_ms) == (jobs[0].submit_ms, jobs[-1].submit_ms)
    assert sum(found.work_ms.values()) == sum(job.run_ms for job in jobs)
    assert list(found.work_ms) == sorted(found.work_ms)
    assert (found.late_jobs, found.dependent_jobs, found.skipped_lines) == (0, 0, 0)


# -- memory ----------------------------------------------------------------------------------------


SLACK_BYTES = 50_000
"""What else may happen meanwhile; 1,200 jobs take some five times as much."""


def peak_bytes(workload: Workload) -> int:
    """Give the most that a look over a workload holds at once."""
    gc.collect()
    tracemalloc.start()
    try:
        survey(workload, 1)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def written(path: Path, jobs: int) -> Path:
    grid_log.write(path, jobs, sites=20)
    return path


@pytest.mark.uncovered
@pytest.mark.parametrize("name", ["a.swf", "a.swf.gz"])
def test_the_memory_is_that_of_one_line(tmp_path: Path, name: str) -> None:
    short = SwfLog(path=written(tmp_path / f"short-{name}", 200), lane="single")
    long = SwfLog(path=written(tmp_path / f"long-{name}", 1_200), lane="single")
    survey(long, 1)
    assert peak_bytes(long) < peak_bytes(short) + SLACK_BYTES
    tracemalloc.start()
    held = list(open_workload(long, 1))
    grown = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(held) == 1_200
    assert grown > peak_bytes(short) + SLACK_BYTES  # what keeps the jobs would be seen


@pytest.mark.uncovered
def test_a_made_up_workload_is_not_kept_either() -> None:
    survey(Synthetic(jobs=100), 1)
    assert peak_bytes(Synthetic(jobs=2_000)) < peak_bytes(Synthetic(jobs=200)) + SLACK_BYTES


# -- the log of a grid --------------------------------------------------------------------------------


def test_the_grid_log_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    one, other = tmp_path / "a.swf", tmp_path / "b.swf.gz"
    for path in (one, other):
        grid_log.write(path, 500, sites=20)
    assert gzip.decompress(other.read_bytes()) == one.read_bytes()
    grid_log.write(other, 500, sites=20, seed=2)
    assert gzip.decompress(other.read_bytes()) != one.read_bytes()


@pytest.mark.uncovered
def test_the_grid_log_has_its_jobs_sites_and_dependencies(tmp_path: Path) -> None:
    path = written(tmp_path / "a.swf.gz", 2_000)
    found = survey(SwfLog(path=path, lane="partition", capabilities=("processors", "partition")), 1)
    assert found.jobs == 2_000
    assert set(found.lanes) == {f"partition-{site}" for site in range(1, 21)}
    assert 10 < found.dependent_jobs < 100
    assert found.late_jobs == 0


@pytest.mark.proof
def test_a_log_of_188_041_jobs_over_170_sites_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "grid.swf.gz"
    grid_log.write(path)
    log = SwfLog(path=path, lane="partition")
    found = survey(log, 1)
    assert (found.jobs, len(found.lanes)) == (188_041, 170)
    assert peak_bytes(log) < 1_000_000
