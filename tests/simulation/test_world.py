"""Whole runs: every job ends, late workers are refused, one seed is one digest, planted defects are found."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import pytest

from grantcore import (
    Completed,
    GrantEngine,
    GrantError,
    InvariantBroken,
    IssueReclaimGrantRequest,
    Lease,
    ManualClock,
    NotReclaimable,
    Phase,
    StaleLease,
)
from grantcore.model.ids import MintedIds
from grantcore.simulation import world
from grantcore.simulation.chance import Chance
from grantcore.simulation.job import Job
from grantcore.simulation.workload import synthetic
from grantcore.simulation.world import CONFIG, Settings, World, simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantcore.simulation.outcome import Outcome

SMALL = Settings(seed=3, workers=12, lease_ttl_ms=60_000, crash_rate=0.1, late_rate=0.2, check_every=200)
JOBS = tuple(synthetic(Chance(3), 300))


def outcome_of(settings: Settings = SMALL, jobs: Sequence[Job] = JOBS) -> Outcome:
    return simulate(jobs, settings, Chance(settings.seed))


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return outcome_of()


def test_every_job_ends_and_everything_holds(outcome: Outcome) -> None:
    assert outcome.violations == ()
    assert outcome.jobs == 300 == outcome.succeeded + outcome.failed == len(outcome.waits_ms)
    assert outcome.checks > 5
    assert outcome.leases == 300 + outcome.reclaims + outcome.retries
    assert outcome.reclaims == outcome.crashes + outcome.stalls


def test_late_workers_are_refused_in_all_three_ways(outcome: Outcome) -> None:
    assert sum(outcome.refused.values()) == outcome.stalls > 0
    assert list(outcome.refused) == ["execution_not_active", "lease_expired", "stale_lease"]


def test_a_seed_gives_one_digest(outcome: Outcome) -> None:
    assert outcome_of() == outcome
    assert outcome_of(attrs.evolve(SMALL, seed=4)).digest != outcome.digest


def test_checking_changes_nothing(outcome: Outcome) -> None:
    often = outcome_of(attrs.evolve(SMALL, check_every=50))
    assert often.checks > outcome.checks
    assert attrs.evolve(often, checks=outcome.checks) == outcome


def test_without_faults_nobody_is_refused() -> None:
    outcome = outcome_of(attrs.evolve(SMALL, crash_rate=0.0, late_rate=0.0))
    assert (outcome.crashes, outcome.stalls, outcome.reclaims, outcome.refused) == (0, 0, 0, {})
    assert outcome.succeeded == 300


def test_makespan_and_waits_of_two_jobs_and_one_worker() -> None:
    quiet = Settings(workers=1, crash_rate=0.0, late_rate=0.0, check_every=100)
    outcome = outcome_of(quiet, [Job(5_000, 10_000), Job(6_000, 400_000)])
    assert outcome.waits_ms == (0, 9_000)
    assert outcome.makespan_ms == 410_000
    assert (outcome.leases, outcome.renewals, outcome.checks) == (2, 1, 1)


def test_jobs_may_come_in_any_order_and_take_no_time() -> None:
    outcome = outcome_of(SMALL, [Job(2_000, 0), Job(0, 0), Job(0, 0)])
    assert outcome.violations == ()
    assert outcome.jobs == 3


def test_no_jobs_are_no_trouble() -> None:
    outcome = outcome_of(SMALL, [])
    assert (outcome.jobs, outcome.makespan_ms, outcome.waits_ms, outcome.checks) == (0, 0, (), 1)


@pytest.mark.parametrize(("crash_rate", "late_rate"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_a_job_that_no_worker_survives_fails_at_the_reclaim_cap(crash_rate: float, late_rate: float) -> None:
    outcome = outcome_of(attrs.evolve(SMALL, crash_rate=crash_rate, late_rate=late_rate), JOBS[:20])
    assert outcome.violations == ()
    assert outcome.failed == 20
    assert outcome.reclaims == 20 * world.POLICY.max_reclaim_count


def test_failures_are_retried_until_the_policy_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "FAIL_SHARE", 1.0)
    outcome = outcome_of(attrs.evolve(SMALL, crash_rate=0.0, late_rate=0.0), JOBS[:20])
    assert outcome.violations == ()
    assert (outcome.failed, outcome.retries, outcome.leases) == (20, 60, 80)


def test_more_lost_leases_than_a_page_holds_are_all_reclaimed() -> None:
    jobs = [Job(0, 1_000)] * 250
    outcome = outcome_of(Settings(workers=250, crash_rate=0.9, late_rate=0.0), jobs)
    assert outcome.violations == ()
    assert outcome.crashes == outcome.reclaims + outcome.failed


def test_the_engine_agrees_about_the_ends() -> None:
    clock = ManualClock()
    engine = GrantEngine(clock=clock, ids=MintedIds("0" * 20), config=CONFIG)
    outcome = World(engine, clock, JOBS, SMALL, Chance(3)).run()
    phases = engine.stats().executions_by_phase
    assert {phase: number for phase, number in phases.items() if number} == {
        Phase.SUCCEEDED: outcome.succeeded
    }


# -- planted defects -----------------------------------------------------------------------


# Each takes the real method and gives a defective one.

Method = Callable[..., object]


def accepts_stale_completes(complete: Method) -> Method:
    def defective(engine: GrantEngine, lease: Lease) -> object:
        try:
            return complete(engine, lease)
        except GrantError:
            return Completed(lease.execution_id)

    return defective


def renews_lapsed_leases(renew: Method) -> Method:
    def defective(engine: GrantEngine, lease: Lease, *, lease_ttl_ms: int) -> object:
        try:
            return renew(engine, lease, lease_ttl_ms=lease_ttl_ms)
        except GrantError:
            return lease

    return defective


def refuses_holders(_call: Method) -> Method:
    def defective(_engine: GrantEngine, _lease: Lease, **_options: object) -> object:
        raise StaleLease

    return defective


def lets_nobody_reclaim(_issue: Method) -> Method:
    def defective(_engine: GrantEngine, execution_id: str, _request: IssueReclaimGrantRequest) -> object:
        return NotReclaimable(execution_id, "execution_not_reclaimable")

    return defective


def finds_itself_impossible(_check: Method) -> Method:
    def defective(_engine: GrantEngine) -> None:
        raise InvariantBroken("I-34")

    return defective


@pytest.mark.parametrize(
    ("method", "plant", "found"),
    [
        ("complete_execution", accepts_stale_completes, {"I-04", "I-38", "I-11", "I-39"}),
        ("renew_lease", renews_lapsed_leases, {"I-04", "I-08", "I-11", "I-38"}),
        ("renew_lease", refuses_holders, {"I-55"}),
        ("fail_execution", refuses_holders, {"I-55"}),
        ("issue_reclaim_grant", lets_nobody_reclaim, {"I-58", "I-39"}),
        ("check", finds_itself_impossible, {"invariant_broken:"}),
    ],
)
def test_a_planted_defect_is_found(
    monkeypatch: pytest.MonkeyPatch, method: str, plant: Callable[[Method], Method], found: set[str]
) -> None:
    monkeypatch.setattr(world, "FAIL_SHARE", 0.2)
    monkeypatch.setattr(GrantEngine, method, plant(getattr(GrantEngine, method)))
    assert {violation.split()[0] for violation in outcome_of().violations} == found
