"""What a run has visited is counted by phase, call and outcome; what is missing is named."""

from __future__ import annotations

import pytest

from grantcore import (
    ExecutionPolicy,
    Fence,
    Fixed,
    Granted,
    GrantEngine,
    GrantError,
    InvalidClaimGrant,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    LeaseExpired,
    LeaseLost,
    ManualClock,
    NewExecution,
    NotReclaimable,
    Phase,
    Refused,
    RetryPolicy,
    Scheduler,
    Worker,
    events,
)
from grantcore.testing import SeededIds, Visits, Watched
from grantcore.testing.visits import CODES, EDGES, codes_below, outcome

ANN = Worker("ann", "ann-1", ["gpu"])


def watched(visits: Visits | None = None) -> tuple[Watched, ManualClock]:
    clock = ManualClock()
    return Watched(GrantEngine(clock=clock, ids=SeededIds()), visits), clock


def lease(watched: Watched, name: str = "job-1", ttl: int = 10) -> Fence:
    held = watched.engine.operator("root").issue_grant_and_claim(
        name, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=ttl
    )
    return Fence(name, held.lease_id, held.lease_epoch, held.attempt_id)


def test_the_phase_is_what_the_call_found_after_the_lapses() -> None:
    """SPEC 3: every call first applies what is due."""
    watching, clock = watched()
    engine, visits = watching.engine, watching.visits
    engine.create_execution(lane_id="main", execution_id="job-1")
    held = lease(watching)
    clock.set(10)
    with pytest.raises(GrantError, match="lease_expired"):
        engine.complete_execution(held)
    assert visits.triples[Phase.LEASE_EXPIRED, "complete_execution", "lease_expired"] == 1
    clock.set(20)
    watching.engine.operator("root").revoke_lease("job-1", reason="")
    assert (
        visits.triples[Phase.LEASE_EXPIRED, "operator.revoke_lease", "AlreadySatisfied:already_expired"] == 1
    )


def test_a_lapse_within_an_idle_call_is_not_its_own() -> None:
    """The first call after the lapse finds what it has left, also when it changes nothing itself."""
    watching, clock = watched()
    watching.engine.create_execution(lane_id="main", execution_id="job-1")
    lease(watching)
    clock.set(10)
    watching.engine.operator("root").revoke_lease("job-1", reason="")
    found = [phase for phase, call, _ in watching.visits.triples if call == "operator.revoke_lease"]
    assert found == [Phase.LEASE_EXPIRED]


def test_nothing_is_asked_of_the_engine_but_what_the_run_asks() -> None:
    """A watched run ends in the same state, after as many readings of the clock."""

    def play(engine: GrantEngine) -> str:
        engine.create_execution(lane_id="main", execution_id="job-1", deadline_at_ms=5)
        engine.describe_execution("job-1")
        engine.operator("root").block("job-1")
        return engine.digest()

    readings: list[int] = []

    def clock() -> int:
        readings.append(0)
        return 0

    plain = play(GrantEngine(clock=clock, ids=SeededIds()))
    alone = len(readings)
    watching = Watched(GrantEngine(clock=clock, ids=SeededIds()))
    begun = len(readings)
    assert play(watching.engine) == plain
    assert len(readings) - begun == alone


def test_executions_of_before_are_known() -> None:
    engine = GrantEngine(clock=ManualClock(), ids=SeededIds())
    for number in range(1_001):
        engine.create_execution(lane_id="main", execution_id=f"job-{number}")
    watching = Watched(engine)
    watching.engine.operator("root").cancel("job-1000", reason="")
    assert watching.visits.triples == {(Phase.ELIGIBLE, "operator.cancel", "Cancelled"): 1}
    assert watching.visits.edges == {(Phase.ELIGIBLE, "Cancelled", Phase.CANCELLED): 1}


def test_each_part_of_an_answer_about_many_is_counted() -> None:
    watching, clock = watched()
    engine, visits = watching.engine, watching.visits
    policy = ExecutionPolicy(max_reclaim_count=0)
    for name in ("job-1", "job-2", "job-3"):
        engine.create_execution(lane_id="main", execution_id=name, policy=policy)
    held = [lease(watching, "job-1", 10), lease(watching, "job-2", 20), Fence("nobody", "l", 1, "a")]
    clock.set(10)
    engine.renew_leases(held, lease_ttl_ms=50)
    assert visits.triples[Phase.LEASE_EXPIRED, "renew_leases", "lease_expired"] == 1
    assert visits.triples[Phase.LEASED, "renew_leases", "Lease"] == 1
    assert visits.triples[None, "renew_leases", "execution_not_found"] == 1
    assert visits.refusals == {"lease_expired": 1, "execution_not_found": 1}
    engine.operator("root").revoke_leases_of("ann-1", reason="")
    assert visits.triples[Phase.LEASED, "operator.revoke_leases_of", "Revoked"] == 1
    watching.scheduler.claim_many_for_worker(ANN, lanes=["main"], grant_ttl_ms=5, n=3)
    assert visits.triples[Phase.ELIGIBLE, "scheduler.claim_many_for_worker", "ClaimGrant"] == 1
    capped = [
        visits.triples[phase, "scheduler.claim_many_for_worker", "ReclaimCapReached"]
        for phase in (Phase.LEASE_EXPIRED, Phase.LEASE_REVOKED)
    ]
    assert capped == [1, 1]
    assert watching.scheduler.claim_for_worker(ANN, lanes=["main"], grant_ttl_ms=5) is None
    assert visits.triples[None, "scheduler.claim_for_worker", "None"] == 1


def test_each_item_of_a_batch_is_counted() -> None:
    """With the phase that it found, which a later lapse of the same call does not hide."""
    watching, _ = watched()
    engine, visits = watching.engine, watching.visits
    at_once = ExecutionPolicy(retry=RetryPolicy(1, Fixed(0)))
    executions: list[NewExecution] = [
        {"execution_id": "job-1"},
        {"execution_id": "job-2"},
        {"priority": True},
    ]
    engine.create_executions(iter(executions), lane_id="main", policy=at_once)
    assert visits.triples[None, "create_executions", "Created"] == 2
    assert visits.triples[None, "create_executions", "invalid_input"] == 1
    asking = IssueClaimGrantRequest(
        worker_id="ann", worker_instance_id="ann-1", lane_id="main", grant_ttl_ms=5
    )
    engine.issue_claim_grants(["job-1", "nobody"], asking)
    assert visits.triples[Phase.ELIGIBLE, "issue_claim_grants", "ClaimGrant"] == 1
    assert visits.triples[None, "issue_claim_grants", "execution_not_found"] == 1
    held = [lease(watching, "job-2", 10), Fence("nobody", "l", 1, "a")]
    engine.fail_many(leases=iter(held), reason="no")
    assert visits.triples[Phase.LEASED, "fail_many", "RetryScheduled"] == 1
    assert visits.triples[None, "fail_many", "execution_not_found"] == 1
    with pytest.raises(GrantError, match="invalid_input"):
        engine.fail_many(5, reason="no")  # type: ignore[arg-type]
    assert visits.triples[None, "fail_many", "invalid_input"] == 1


def test_of_what_stands_in_a_batch_twice_nothing_is_counted() -> None:
    """Nobody can tell which phase each of them found; refusals count all the same."""
    watching, _ = watched()
    watching.engine.create_execution(lane_id="main", execution_id="job-1")
    one = lease(watching, "job-1", 10)
    watching.engine.complete_many([one, one])
    assert not [triple for triple in watching.visits.triples if triple[1] == "complete_many"]
    assert watching.visits.refusals == {"execution_not_active": 1}


def test_a_call_is_about_the_execution_in_its_grant() -> None:
    watching, clock = watched()
    engine, visits = watching.engine, watching.visits
    engine.create_execution(lane_id="main", execution_id="job-1")
    terms = {"worker_id": "ann", "worker_instance_id": "ann-1"}
    claim = IssueClaimGrantRequest(**terms, lane_id="main", grant_ttl_ms=5)
    reclaim = IssueReclaimGrantRequest(**terms, lane_id="main", grant_ttl_ms=5)
    engine.take(
        engine.issue_claim_grant("job-1", claim), worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=5
    )
    clock.set(5)
    granted = engine.issue_reclaim_grant("job-1", reclaim)
    assert isinstance(granted, Granted)
    engine.reclaim_execution(granted.grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=5)
    assert engine.explain("job-1").phase is Phase.LEASED
    assert set(visits.triples) == {
        (None, "create_execution", "Created"),
        (Phase.ELIGIBLE, "issue_claim_grant", "ClaimGrant"),
        (Phase.ELIGIBLE, "take", "Lease"),
        (Phase.LEASE_EXPIRED, "issue_reclaim_grant", "Granted"),
        (Phase.LEASE_EXPIRED, "reclaim_execution", "Reclaimed"),
        (Phase.LEASED, "explain", "Explanation"),
    }


def test_other_calls_and_attributes_pass_through() -> None:
    watching, _ = watched()
    watching.engine.register_worker("ann", "ann-1", lanes=["main"], capabilities=[], liveness_ttl_ms=5)
    assert watching.engine.operator("ida").identity == "ida"
    assert watching.scheduler.peek("main", []) == ()
    assert not watching.visits.triples
    assert not watching.visits.edges


def test_a_forgotten_execution_has_no_phase() -> None:
    watching, _ = watched()
    engine, visits = watching.engine, watching.visits
    engine.create_execution(lane_id="main", execution_id="job-1")
    engine.operator("root").cancel("job-1", reason="")
    engine.purge_execution("job-1")
    with pytest.raises(GrantError, match="not_found"):
        engine.purge_execution("job-1")
    assert visits.triples[Phase.CANCELLED, "purge_execution", "None"] == 1
    assert visits.triples[None, "purge_execution", "execution_not_found"] == 1
    assert visits.edges[Phase.CANCELLED, "Purged", None] == 1


# -- report and assertion --------------------------------------------------------------------------


def test_what_is_missing_is_named() -> None:
    visits = Visits()
    watching, _ = watched(visits)
    watching.engine.create_execution(lane_id="main", execution_id="job-1")
    created = (None, "create_execution", "Created")
    visits.assert_visited(edges=[(None, "Created", Phase.ELIGIBLE)], triples=[created])
    with pytest.raises(AssertionError) as told:
        visits.assert_visited(
            edges=[(Phase.CANCELLED, "Purged", None), (None, "Created", Phase.DELAYED)],
            triples=[created, (Phase.LEASED, "take", "execution_not_leaseable")],
            codes=["stale_lease", "lease_expired"],
        )
    assert str(told.value).splitlines() == [
        "not visited: 5",
        "edge none Created delayed",
        "edge cancelled Purged none",
        "triple leased take execution_not_leaseable",
        "refusal lease_expired",
        "refusal stale_lease",
    ]
    assert len(visits.missing_edges()) == len(EDGES) - 1
    assert visits.strange_triples([]) == [created]


def test_the_report_has_every_edge_and_what_was_seen() -> None:
    watching, _ = watched()
    watching.engine.create_execution(lane_id="main", execution_id="job-1")
    with pytest.raises(GrantError, match="not_terminal"):
        watching.engine.purge_execution("job-1")
    lines = watching.visits.report().splitlines()
    assert lines[0] == f"edges: 1 of {len(EDGES)}"
    assert lines[-2:] == ["refusals: 1", "          1 execution_not_terminal"]
    assert "          1 none Created eligible" in lines
    assert "          0 none Created delayed" in lines
    assert "          1 eligible purge_execution execution_not_terminal" in lines


def test_the_codes_are_those_of_our_own_errors() -> None:
    """SPEC 11."""
    assert len(CODES) == 40
    assert {"stale_lease", "reentrant", "snapshot_invalid"} <= CODES
    assert not {"retryable_error", "missing_error"} & CODES

    class SomebodyElses(GrantError):
        pass

    assert SomebodyElses.code not in set(codes_below(GrantError)) == CODES


def test_visits_add_up_over_engines() -> None:
    visits = Visits()
    for _ in range(2):
        watching, _ = watched(visits)
        watching.engine.create_execution(lane_id="main", execution_id="job-1")
    assert visits.edges[None, "Created", Phase.ELIGIBLE] == 2


def test_the_scheduler_in_front_is_not_needed() -> None:
    """A scheduler of one's own on the engine itself is seen by its events."""
    engine = GrantEngine(clock=ManualClock(), ids=SeededIds())
    watching = Watched(engine)
    engine.create_execution(lane_id="main", execution_id="job-1")
    Scheduler(engine).claim_for_worker(ANN, lanes=["main"], grant_ttl_ms=5)
    assert watching.visits.edges[Phase.ELIGIBLE, events.GrantIssued.__name__, Phase.ELIGIBLE] == 1
    assert not watching.visits.triples


def test_a_lost_lease_is_told_by_the_code_of_its_error() -> None:
    assert outcome(Refused(LeaseExpired("late", expired_at_ms=7))) == "lease_expired"
    assert outcome(LeaseLost("job", LeaseExpired("late", expired_at_ms=7))) == "lease_expired"


def test_a_refused_grant_is_told_with_the_reason() -> None:
    assert outcome(InvalidClaimGrant("no", reason="lapsed")) == "invalid_claim_grant:lapsed"


def test_what_cannot_be_reclaimed_is_told_with_the_code() -> None:
    assert outcome(NotReclaimable("job", "capability_mismatch: gpu")) == "NotReclaimable:capability_mismatch"
