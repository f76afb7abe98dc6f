"""A run from outside: what it looks over, what it refuses, and when it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from grantcore import GrantEngine, Worker
from grantcore.simulation.fleet import muster
from grantcore.simulation.measures import measure
from grantcore.simulation.report.data import as_json
from grantcore.simulation.run import Run, look_over, run
from grantcore.simulation.scenario.model import (
    CsvTable,
    Group,
    Policy,
    Requirement,
    Scenario,
    SwfLog,
    Synthetic,
)
from grantcore.simulation.scenario.reading import ScenarioError, check

SMALL = Scenario(workload=Synthetic(jobs=40, mean_gap_ms=2_000))
LOG = """\
1  0 -1  60  1 -1 -1 -1 -1 -1 1 1 1 1 1 -1 -1 -1
2 10 -1 900 16 -1 -1 -1 -1 -1 1 1 1 1 1 -1 -1 -1
3 20 -1   5  4 -1 -1 -1 -1 -1 1 1 1 1 1 -1 -1 -1
"""


@pytest.fixture
def log(tmp_path: Path) -> SwfLog:
    path = tmp_path / "a.swf"
    path.write_text(LOG)
    return SwfLog(path=path)


# -- looking over ----------------------------------------------------------------------------------


def test_a_log_is_looked_over(log: SwfLog) -> None:
    work = {("procs-1",): 60_000, ("procs-16",): 900_000, ("procs-4",): 5_000}
    assert look_over(Scenario(workload=log)) == (3, work)


def test_a_mix_says_what_its_jobs_require() -> None:
    mix = (
        Requirement(weight=1, capabilities=("b", "a")),
        Requirement(weight=0.5, capabilities=("a", "b")),
        Requirement(weight=2),
        Requirement(weight=0, capabilities=("never",)),
    )
    scenario = check(Scenario(workload=Synthetic(jobs=9, requirements=mix)))
    assert look_over(scenario) == (9, {("a", "b"): 1_500_000, (): 2_000_000})


def test_what_nobody_can_run_is_refused_before_anything_runs(log: SwfLog, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("submit_ms,run_ms,capabilities\n0,5,\n1,5,gpu\n")
    mix = Synthetic(requirements=(Requirement(weight=1, capabilities=("gpu",)),))
    workers = (Group(capabilities=("procs-8",)), Group(name="b", capabilities=("ssd",)))
    for workload, required in ((log, "procs-16"), (CsvTable(path=table), "gpu"), (mix, "gpu")):
        with pytest.raises(ScenarioError, match=f"carries whatever a job requires, not '{required}'"):
            run(Scenario(workload=workload, workers=workers))


def test_a_worker_of_a_size_runs_what_is_smaller(log: SwfLog) -> None:
    record = run(Scenario(workload=log, workers=(Group(count=1, capabilities=("procs-32",)),)))
    assert sum(record.ends.values()) == 3
    assert record.violations == []


# -- the end ---------------------------------------------------------------------------------------


def steps_through(scenario: Scenario) -> Run:
    jobs, work = look_over(scenario)
    return Run(scenario, muster(scenario.workers, work), jobs)


def test_what_has_not_ended_in_time_is_lost() -> None:
    slow = Synthetic(jobs=3, durations="fixed", mean_run_ms=10**9, max_run_ms=10**9)
    record = run(Scenario(workload=slow, drain_ms=10**6))
    assert {violation.split()[0] for violation in record.violations} == {"I-57"}
    assert record.ends == {}


def test_a_run_that_is_late_ends_at_the_next_step() -> None:
    slow = Synthetic(jobs=3, durations="fixed", mean_run_ms=10**9, max_run_ms=10**9)
    late = steps_through(Scenario(workload=slow, drain_ms=10**6))
    record = late.to_the_end()
    beat_ms = record.scenario.leases.renews_after_ms
    assert 0 < late.site.env.now - late.site.recorder.last_submit_ms - 10**6 <= beat_ms


def grants_nothing(_engine: GrantEngine, _worker: Worker, *, lanes: object, grant_ttl_ms: int) -> None:
    """Not one grant."""


def test_a_run_ends_when_nothing_can_happen_any_more() -> None:
    record = run(SMALL, schedule=grants_nothing)  # type: ignore[arg-type]
    assert len(record.violations) == 40
    assert all(violation.startswith("I-57") for violation in record.violations)
    assert (record.leases, record.submitted) == (0, 40)


def test_without_jobs_it_is_over_at_once() -> None:
    record = run(Scenario(workload=Synthetic(jobs=0)))
    assert (record.submitted, record.violations) == (0, [])


def test_progress_is_the_share_of_what_has_ended() -> None:
    shares: list[float] = []
    run(Scenario(workload=Synthetic(jobs=120)), progress=shares.append)
    assert shares == sorted(shares)
    assert 0 == shares[0] < shares[-1] <= 1


def test_lines_that_were_skipped_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.swf"
    path.write_text("no line\n" + LOG)
    record = run(Scenario(workload=SwfLog(path=path, lenient=True)))
    assert (record.submitted, record.skipped_lines) == (3, 1)


@pytest.mark.parametrize("every", [9, 100])
def test_the_whole_state_is_checked_as_often_as_is_asked(every: int) -> None:
    record = run(attrs.evolve(SMALL, check_every=every))
    assert record.checks == record.steps // every + 1
    assert attrs.evolve(record, checks=0, scenario=SMALL) == attrs.evolve(run(SMALL), checks=0)


def test_more_is_held_fewer_steps_are_checked() -> None:
    first = steps_through(SMALL)
    assert first._check_after(7) == 10_007
    assert steps_through(attrs.evolve(SMALL, check_every=5))._check_after(7) == 12


# -- the same anywhere ------------------------------------------------------------------------------

CODE = """
import sys
from grantcore.simulation.measures import measure
from grantcore.simulation.report.data import as_json
from grantcore.simulation.run import run
from grantcore.simulation.scenario.model import Scenario, Synthetic
record = run(Scenario(workload=Synthetic(jobs=300)))
sys.stdout.write(as_json(record, measure(record)))
"""
NEEDS = "import attrs, click, rich, simpy, sortedcontainers"


def pythons() -> list[str]:
    """The other interpreters of this machine that have what a run needs."""
    found = (shutil.which(f"python3.{minor}") for minor in range(11, 20))
    return [
        python
        for python in found
        if python and subprocess.run([python, "-c", NEEDS], capture_output=True, check=False).returncode == 0
    ]


@pytest.mark.proof
def test_the_report_is_the_same_on_every_python_and_hash_seed() -> None:
    here = run(Scenario(workload=Synthetic(jobs=300)))
    report = as_json(here, measure(here))
    assert json.loads(report)["violations"] == []
    others = pythons()
    if not others:
        pytest.skip("no other Python here has SimPy")
    for number, python in enumerate([sys.executable, *others]):
        told = subprocess.run(
            [python, "-c", CODE],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": str(number)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout == report, python


def test_a_policy_without_retries_ends_what_fails() -> None:
    record = run(attrs.evolve(SMALL, policy=Policy(max_retries=0)))
    assert record.retries == 0
    assert sum(record.ends.values()) == 40
