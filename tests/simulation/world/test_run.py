"""Whole runs: all ends, all holds, every fault happens, and one seed is one record."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import attrs
import pytest

from grantcore import Scheduler, Worker
from grantcore.simulation.run import run
from grantcore.simulation.scenario.model import (
    CsvTable,
    Dispatch,
    Faults,
    Group,
    Policy,
    Scenario,
    Synthetic,
)
from tests.simulation.world.worlds import HARSH, NO_FAULTS, rules, run_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from grantcore import GrantEngine
    from grantcore.simulation.record import Record
    from grantcore.simulation.world.terms import Grant

OTHERWISE = attrs.evolve(
    HARSH,
    policy=Policy(attempt_timeout_ms=600_000, max_reclaim_count=2),
    scheduler=Dispatch(interval_ms=1_500, delivery_ms=9_500),
)


@pytest.fixture(scope="module")
def record() -> Record:
    return run(HARSH)


def test_all_ends_and_all_holds_and_every_fault_happens(record: Record) -> None:
    assert record.violations == []
    assert record.submitted == 120 == sum(record.ends.values()) == len(record.turnarounds_ms)
    rates = {field.name for field in attrs.fields(Faults)} - {
        "restart_ms", "pause_ttls", "slow_factor", "retry_call_ms", "clock_jump_ms", "stall_ms", "until_ms"
    }  # fmt: skip
    assert set(record.faults) == rates
    assert all(record.faults.values())
    assert {"stale_lease", "lease_expired", "execution_not_active"} <= set(record.refused)
    assert record.effects_refused > 0
    assert record.leases == 120 + record.reclaims + record.retries
    assert record.busy_ms >= record.useful_ms + record.wasted_ms + record.failed_ms
    assert record.capacity_ms >= record.busy_ms
    assert len(record.recoveries_ms) == record.reclaims
    assert len(record.points) <= 2_000
    assert len(record.timeline) <= 400


def test_the_same_scenario_gives_the_same_record(record: Record) -> None:
    assert run(HARSH) == record
    assert run(attrs.evolve(HARSH, seed=6)).event_digest != record.event_digest


AT_ONCE = attrs.evolve(HARSH, policy=Policy(retry_delay_ms=0), retention_ms=0)


@pytest.mark.uncovered
@pytest.mark.parametrize("scenario", [HARSH, OTHERWISE, AT_ONCE])
def test_answers_tell_the_same_as_events(scenario: Scenario) -> None:
    told = run_of(scenario)
    assert told == run_of(scenario, observed=True)
    assert told.violations == []


def test_answers_tell_the_same_as_events_where_jobs_wait_for_others(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    lines = [f"{number * 500},{number * 977 % 40_000},{number},{number * 7 // 8}" for number in range(60)]
    path.write_text("\n".join(["submit_ms,run_ms,number,after", *lines]))
    scenario = attrs.evolve(HARSH, workload=CsvTable(path=path), policy=Policy(max_reclaim_count=1))
    told = run_of(scenario)
    assert told == run_of(scenario, observed=True)
    assert (told.violations, told.submitted) == ([], 60)


def test_hash_seeds_change_nothing(record: Record) -> None:
    code = "from tests.simulation.world.worlds import *; print(run_of(HARSH).event_digest)"
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == record.event_digest


def test_without_faults_nobody_is_refused() -> None:
    record = run(attrs.evolve(HARSH, faults=NO_FAULTS))
    assert (record.refused, record.faults, record.reclaims, record.violations) == ({}, {}, 0, [])
    assert record.ends == {"succeeded": 120}


def test_a_scheduler_of_ones_own() -> None:
    def schedule(
        engine: GrantEngine, worker: Worker, *, lanes: Sequence[str], grant_ttl_ms: int
    ) -> Grant | None:
        return Scheduler(engine).claim_for_worker(worker, lanes=lanes, grant_ttl_ms=grant_ttl_ms)

    record = run(HARSH, schedule=schedule)
    assert record.violations == []
    assert sum(record.ends.values()) == 120


def test_progress_rises_to_the_end() -> None:
    shares: list[float] = []
    run(attrs.evolve(HARSH, faults=NO_FAULTS), progress=shares.append)
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_checks_of_the_whole_state_lose_no_facts() -> None:
    record = run(Scenario(workload=Synthetic(jobs=150), check_every=50))
    assert record.violations == []
    assert record.checks > record.steps // 50


def _without_gpu(
    engine: GrantEngine, worker: Worker, *, lanes: Sequence[str], grant_ttl_ms: int
) -> Grant | None:
    """A scheduler that takes every worker for one that has nothing."""
    poor = Worker(worker.worker_id, worker.worker_instance_id, capabilities=())
    return Scheduler(engine).claim_for_worker(poor, lanes=lanes, grant_ttl_ms=grant_ttl_ms)


def test_a_run_ends_though_a_job_waits_for_one_that_cannot_end(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("submit_ms,run_ms,capabilities,number,after\n0,5,gpu,1,\n0,5,,2,1\n0,5,,3,\n")
    scenario = Scenario(workload=CsvTable(path=path), workers=(Group(count=1, capabilities=("gpu",)),))
    record = run_of(scenario, schedule=_without_gpu)
    assert rules(record) == {"I-57"}
    assert (record.submitted, record.ends) == (2, {"succeeded": 1})
    assert record.faults["stalls_per_day"] >= 365
    assert rules(run_of(attrs.evolve(scenario, faults=NO_FAULTS), schedule=_without_gpu)) == {"I-57"}


def test_a_worker_is_one_row_of_the_timeline(record: Record) -> None:
    assert record.faults["crash"] > 0
    names = {tenure.worker_id for tenure in record.timeline}
    assert names <= {f"worker-{number}" for number in range(16)}
