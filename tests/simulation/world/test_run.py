"""Whole runs: all ends, all holds, every fault happens, one seed is one record, planted defects are found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import attrs
import pytest

from grantcore import Completed, GrantEngine, GrantError, InvariantBroken, Scheduler, StaleLease, Worker
from grantcore.simulation.fleet import muster
from grantcore.simulation.record import Record
from grantcore.simulation.run import Run, look_over, run
from grantcore.simulation.scenario.model import Dispatch, Faults, Policy, Scenario, Synthetic
from grantcore.simulation.world.resource import Resource

NO_FAULTS = Faults(
    crash=0,
    pause=0,
    slow_heartbeat=0,
    lost_answer=0,
    fail=0,
    poison=0,
    clock_jumps_per_day=0,
    stalls_per_day=0,
)
HARSH = Scenario(
    seed=5,
    workload=Synthetic(jobs=300, mean_gap_ms=4_000),
    faults=Faults(
        crash=0.1,
        pause=0.2,
        slow_heartbeat=0.2,
        lost_answer=0.05,
        fail=0.1,
        poison=0.01,
        clock_jumps_per_day=200,
        stalls_per_day=200,
    ),
)


def observed(scenario: Scenario, *, by_events: bool) -> Record:
    jobs, work = look_over(scenario)
    return Run(scenario, muster(scenario.workers, work), jobs, observed=by_events).to_the_end()


@pytest.fixture(scope="module")
def record() -> Record:
    return run(HARSH)


def test_all_ends_and_all_holds_and_every_fault_happens(record: Record) -> None:
    assert record.violations == []
    assert record.submitted == 300 == sum(record.ends.values()) == len(record.turnarounds_ms)
    rates = {field.name for field in attrs.fields(Faults)} - {
        "restart_ms", "pause_ttls", "slow_factor", "retry_call_ms", "clock_jump_ms", "stall_ms", "until_ms"
    }  # fmt: skip
    assert set(record.faults) == rates
    assert all(record.faults.values())
    assert {"stale_lease", "lease_expired", "execution_not_active"} <= set(record.refused)
    assert record.effects_refused > 0
    assert record.leases == 300 + record.reclaims + record.retries
    assert record.busy_ms >= record.useful_ms + record.wasted_ms + record.failed_ms
    assert record.capacity_ms >= record.busy_ms
    assert len(record.recoveries_ms) == record.reclaims
    assert len(record.points) <= 2_000
    assert len(record.timeline) <= 400


def test_the_same_scenario_gives_the_same_record(record: Record) -> None:
    assert run(HARSH) == record
    assert run(attrs.evolve(HARSH, seed=6)).event_digest != record.event_digest


@pytest.mark.parametrize(
    "scenario",
    [
        HARSH,
        attrs.evolve(
            HARSH,
            policy=Policy(attempt_timeout_ms=600_000, max_reclaim_count=2),
            scheduler=Dispatch(interval_ms=1_500, delivery_ms=9_500),
        ),
    ],
)
def test_answers_tell_the_same_as_events(scenario: Scenario) -> None:
    told = observed(scenario, by_events=False)
    assert told == observed(scenario, by_events=True)
    assert told.violations == []


def test_hash_seeds_change_nothing(record: Record) -> None:
    code = "from tests.simulation.world.test_run import *; print(run(HARSH).event_digest)"
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == record.event_digest


def test_without_faults_nobody_is_refused() -> None:
    record = run(attrs.evolve(HARSH, faults=NO_FAULTS))
    assert (record.refused, record.faults, record.reclaims, record.violations) == ({}, {}, 0, [])
    assert record.ends == {"succeeded": 300}


def by_priority(engine: GrantEngine, worker: Worker, *, lanes: tuple[str, ...], grant_ttl_ms: int) -> object:
    return Scheduler(engine).claim_for_worker(worker, lanes=lanes, grant_ttl_ms=grant_ttl_ms)


def test_a_scheduler_of_ones_own() -> None:
    record = run(HARSH, schedule=by_priority)  # type: ignore[arg-type]
    assert record.violations == []
    assert sum(record.ends.values()) == 300


def test_progress_rises_to_the_end() -> None:
    shares: list[float] = []
    run(attrs.evolve(HARSH, faults=NO_FAULTS), progress=shares.append)
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


# -- planted defects: each takes the real method and gives a defective one -------------------------------

Method = Callable[..., object]


def accepts_stale_completes(complete: Method) -> Method:
    def defective(engine: GrantEngine, lease: object) -> object:
        try:
            return complete(engine, lease)
        except GrantError:
            return Completed("any")

    return defective


def refuses_holders(_call: Method) -> Method:
    def defective(_engine: GrantEngine, _lease: object, **_options: object) -> object:
        raise StaleLease

    return defective


def finds_itself_impossible(_check: Method) -> Method:
    def defective(_engine: GrantEngine) -> None:
        raise InvariantBroken("I-34")

    return defective


def lets_all_in(_write: Method) -> Method:
    def defective(resource: Resource, execution_id: str, epoch: int) -> bool:
        resource._auditor.effect(execution_id, epoch, accepted=True)
        return True

    return defective


@pytest.mark.parametrize(
    ("kind", "method", "plant", "found"),
    [
        (GrantEngine, "complete_execution", accepts_stale_completes, {"I-38", "I-11", "I-65"}),
        (GrantEngine, "renew_lease", refuses_holders, {"I-55"}),
        (GrantEngine, "check", finds_itself_impossible, {"invariant_broken"}),
        (Resource, "write", lets_all_in, {"I-11"}),
    ],
)
def test_a_planted_defect_is_found(
    monkeypatch: pytest.MonkeyPatch,
    kind: type,
    method: str,
    plant: Callable[[Method], Method],
    found: set[str],
) -> None:
    monkeypatch.setattr(kind, method, plant(getattr(kind, method)))
    violations = run(HARSH).violations
    assert found <= {violation.split()[0] for violation in violations}
