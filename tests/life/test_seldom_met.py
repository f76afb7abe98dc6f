"""What chance seldom meets: the last instant, the second call, the engine's own ids, its plain way, order."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

import grantcore as gc
from grantcore.events import Event
from grantcore.index.waiting import Waiting
from grantcore.model.ids import MintedIds, crc_partition, partition_index
from grantcore.model.time import MAX_MS
from tests.inner_rig import CALLS, REQUEST, Rig
from tests.robustness.injection import Tracer
from tests.robustness.test_atomic_inner import interrupted

PERIOD_MS: Final = 50
NONCE: Final = "0" * 20


def _engine(clock: gc.ManualClock, config: gc.EngineConfig = gc.EngineConfig()) -> gc.GrantEngine:  # noqa: B008 - frozen
    return gc.GrantEngine(clock=clock, ids=MintedIds(NONCE), config=config)


def _state(engine: gc.GrantEngine) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(engine.snapshot().partition(b"\n")[2])["state"]
    return state


def _take(engine: gc.GrantEngine, execution_id: str, ttl_ms: int = 500) -> gc.Lease:
    grant = engine.issue_claim_grant(execution_id, REQUEST)
    return engine.claim_execution(grant, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=ttl_ms)


# -- ids, operators, events ------------------------------------------------------------------------


@pytest.mark.parametrize("lane_id", ["main", "other"])
def test_a_minted_id_carries_the_partition_of_its_lane(lane_id: str) -> None:
    """SPEC 9."""
    created = gc.GrantEngine().create_execution(lane_id=lane_id)
    assert partition_index(created.execution_id) == crc_partition(lane_id)


def test_an_operator_is_named_in_the_events_of_its_calls() -> None:
    """SPEC 10."""
    rig = Rig()
    events: list[Event] = []
    operator = rig.engine.operator("olga")
    with rig.engine.subscribe(events.append):
        operator.block(rig.waiting)
        operator.unblock(rig.waiting)
        operator.pause_lane("main")
        operator.resume_lane("main")
        operator.cancel(rig.waiting, reason="")
        rig.engine.change_priority(rig.create(), 5)
    assert [event.operator for event in events] == ["olga"] * 5 + [None] * 2


def test_an_interrupted_commit_still_tells_its_event_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """I-65."""
    rig = Rig()
    events: list[Event] = []

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with rig.engine.subscribe(events.append):
        with monkeypatch.context() as spoilt, pytest.raises(KeyboardInterrupt):
            spoilt.setattr(Waiting, "offer", broken)
            rig.engine.change_priority(rig.waiting, 5)
        assert not events
        rig.engine.now_ms()
        rig.engine.now_ms()
    assert [type(event).__name__ for event in events] == ["PriorityChanged"]
    rig.engine.check()


# -- the state -------------------------------------------------------------------------------------


def test_a_key_is_state_until_the_instant_it_expires() -> None:
    """D-27."""
    clock = gc.ManualClock(1_000)
    engine = _engine(clock, gc.EngineConfig(idempotency_window_ms=PERIOD_MS))
    engine.create_execution(lane_id="main", idempotency_key="k")
    clock.advance(PERIOD_MS - 1)
    assert _state(engine)["keys"]
    clock.advance(1)
    assert not _state(engine)["keys"]


def test_usage_is_state_until_its_period_ends() -> None:
    """SPEC 9."""
    clock = gc.ManualClock(1_000)
    engine = _engine(clock)
    engine.create_budget("b", hard_limits={"tokens": 100}, reset_interval_ms=PERIOD_MS)
    engine.report_usage("b", {"tokens": 7})
    clock.advance(PERIOD_MS - 1)
    assert _state(engine)["budgets"][0]["usage"] == {"tokens": 7}
    clock.advance(1)
    assert _state(engine)["budgets"][0]["usage"] == {"tokens": 0}


# -- indexes ---------------------------------------------------------------------------------------


def test_one_that_aged_loses_its_old_place_with_its_priority() -> None:
    """I-34."""
    clock = gc.ManualClock(1_000)
    engine = _engine(clock)
    engine.configure_lane("main", aging_ms_per_point=10)
    first = engine.create_execution(lane_id="main").execution_id
    clock.advance(1)
    urgent = engine.create_execution(lane_id="main", priority=5).execution_id
    scheduler = gc.Scheduler(engine)
    assert scheduler.peek("main", []) == (urgent, first)
    engine.change_priority(urgent, 0)
    assert scheduler.peek("main", []) == (first, urgent)
    engine.check()


@pytest.mark.parametrize(("priority", "first"), [(4, "old"), (6, "new")])
def test_a_point_of_priority_weighs_as_much_as_the_lane_says(priority: int, first: str) -> None:
    """SPEC 7: ten milliseconds of waiting for one point; who came fifty later needs more than five."""
    clock = gc.ManualClock(1_000)
    engine = _engine(clock)
    engine.configure_lane("main", aging_ms_per_point=10)
    engine.create_execution(lane_id="main", execution_id="old")
    clock.advance(50)
    engine.create_execution(lane_id="main", execution_id="new", priority=priority)
    assert gc.Scheduler(engine).peek("main", [], limit=1) == (first,)


def test_leases_of_an_instance_are_revoked_in_the_order_of_their_ends() -> None:
    """SPEC 8: then by id, whatever the order in which they were taken."""
    engine = _engine(gc.ManualClock(1_000))
    for name, ttl_ms in (("a", 300), ("c", 100), ("b", 100), ("d", 200)):
        engine.create_execution(lane_id="main", execution_id=name)
        _take(engine, name, ttl_ms)
    revoked = engine.operator("boss").revoke_leases_of("w-1", reason="r")
    assert [one.execution_id for one in revoked] == ["b", "c", "d", "a"]


def test_lost_ones_go_first_and_a_lane_that_was_served_pays() -> None:
    """SPEC 7: at equal priority who lost its lease goes before all others; lanes take turns by weight."""
    clock = gc.ManualClock(1_000)
    engine = _engine(clock)
    scheduler, worker = gc.Scheduler(engine), gc.Worker("w", "w-1", [])
    engine.create_execution(lane_id="main", execution_id="new")
    clock.advance(1)
    engine.create_execution(lane_id="main", execution_id="lost")
    _take(engine, "lost", 5)
    clock.advance(5)
    for name in ("x", "y"):
        engine.create_execution(lane_id="other", execution_id=name)
    grants = [
        scheduler.claim_for_worker(worker, lanes={"main": 1, "other": 1}, grant_ttl_ms=50) for _ in range(4)
    ]
    assert [grant.execution_id for grant in grants if grant] == ["lost", "x", "new", "y"]


def test_a_lease_that_ends_in_the_last_bucket_is_told() -> None:
    """SPEC 9: all that end before the instant, however near to it."""
    clock = gc.ManualClock(64 * 100)
    engine = _engine(clock)
    lease = _take(engine, engine.create_execution(lane_id="main").execution_id, 64 + 1)
    engine.next_deadline_ms()  # puts the newcomer into its bucket
    assert engine.leases_expiring_within(64 + 1) == ()
    assert [held.lease_id for held in engine.leases_expiring_within(64 + 2)] == [lease.lease_id]


def test_a_heartbeat_leaves_nothing_at_its_old_instant() -> None:
    """SPEC 8: the next to lapse is the one whose liveness ends first."""
    clock = gc.ManualClock(1_000)
    engine = _engine(clock)
    engine.register_worker("w", "w-1", lanes=["main"], capabilities=[], liveness_ttl_ms=100)
    engine.register_worker("w", "w-2", lanes=["main"], capabilities=[], liveness_ttl_ms=120)
    clock.advance(50)
    engine.heartbeat_worker("w-1")
    assert engine.next_deadline_ms() == 1_120
    clock.set(1_120)
    assert [worker.worker_instance_id for worker in engine.list_workers().entries] == ["w-1"]


def test_a_reclaim_asks_for_no_rate() -> None:
    """SPEC 5, 7: the window counts claims, and here it is full."""
    clock = gc.ManualClock(1_000)
    engine = _engine(clock)
    engine.create_quota_policy("q", max_requests_per_window=1)
    created = engine.create_execution(lane_id="main", quota_policy_id="q")
    _take(engine, created.execution_id)
    clock.advance(500)
    again = gc.IssueReclaimGrantRequest(
        worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=100
    )
    assert isinstance(engine.issue_reclaim_grant(created.execution_id, again), gc.Granted)


# -- the plain way (engine/inner.py) ---------------------------------------------------------------


def test_at_the_end_of_time_both_ways_are_one() -> None:
    """I-52: no instant is beyond the last."""
    answers = []
    for observed in (False, True):
        clock = gc.ManualClock(MAX_MS - 5)
        engine = _engine(clock)
        if observed:
            engine.subscribe(lambda _event: None)
        created = engine.create_execution(lane_id="main")
        try:
            answers.append(repr(engine.issue_claim_grant(created.execution_id, REQUEST)))
        except gc.GrantError as refusal:
            answers.append(repr(refusal))
        answers[-1] += engine.digest()
    assert answers[0] == answers[1]


def test_a_lease_that_cannot_be_costs_no_ids() -> None:
    """SPEC 9: ids are minted after every guard has passed."""
    ids = MintedIds(NONCE)
    engine = gc.GrantEngine(clock=gc.ManualClock(MAX_MS - 200), ids=ids)
    grant = engine.issue_claim_grant(engine.create_execution(lane_id="main").execution_id, REQUEST)
    minted = ids.count
    with pytest.raises(gc.InvalidInput):
        engine.claim_execution(grant, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=500)
    assert ids.count == minted


def test_creation_stops_at_the_limit() -> None:
    """SPEC 11."""
    engine = _engine(gc.ManualClock(1_000), gc.EngineConfig(max_executions=2))
    for _ in range(2):
        engine.create_execution(lane_id="main")
    with pytest.raises(gc.LimitExceeded):
        engine.create_execution(lane_id="main")


def test_a_paused_lane_grants_nothing() -> None:
    """SPEC 7."""
    rig = Rig()
    rig.engine.operator("boss").pause_lane("main")
    with pytest.raises(gc.LanePaused):
        rig.engine.issue_claim_grant(rig.waiting, REQUEST)


@pytest.mark.parametrize(("given", "kept"), [(-1, 0), (0, 0), (9_000, 9_000), (9_001, 9_000)])
def test_a_priority_beyond_its_bounds_is_the_bound(given: int, kept: int) -> None:
    """SPEC 7."""
    engine = _engine(gc.ManualClock(1_000))
    engine.create_execution(lane_id="main")
    shown = engine.describe_execution(engine.create_execution(lane_id="main", priority=given).execution_id)
    assert shown is not None
    assert shown.priority == kept


@pytest.mark.parametrize(("delay_ms", "state"), [(0, "waiting"), (5, "delayed")])
def test_a_resume_tells_whether_it_waits(delay_ms: int, state: str) -> None:
    """Reference 11.6."""
    rig = Rig()
    rig.engine.suspend_execution(rig.lease, reason_code="r")
    resumed = rig.engine.resume_execution(rig.lease.execution_id, resume_delay_ms=delay_ms)
    assert isinstance(resumed, gc.Resumed)
    assert resumed.public_state == state


def test_a_grant_needs_the_tokens() -> None:
    """I-22."""
    rig = Rig()
    created = rig.engine.create_execution(lane_id="main", required_capabilities=["gpu"])
    with pytest.raises(gc.CapabilityMismatch):
        rig.engine.issue_claim_grant(created.execution_id, REQUEST)


def test_a_grant_is_its_workers() -> None:
    """I-15."""
    rig = Rig()
    with pytest.raises(gc.InvalidClaimGrant):
        rig.engine.claim_execution(rig.grant, worker_id="x", worker_instance_id="x-1", lease_ttl_ms=5)


def test_a_lease_is_above_the_epoch_floor() -> None:
    """SPEC 11: no epoch comes again after a purge."""
    rig = Rig()
    rig.engine.complete_execution(rig.lease)
    rig.engine.purge_execution(rig.lease.execution_id)
    assert rig.take(rig.grant).lease_epoch == rig.lease.lease_epoch + 1


def test_a_lease_tells_when_to_renew_it() -> None:
    """SPEC 5: after two thirds of its time."""
    rig = Rig()
    assert rig.lease.renewal_deadline_ms == 1_000 + 333
    assert rig.engine.renew_lease(rig.lease, lease_ttl_ms=50).renewal_deadline_ms == 1_000 + 33


def test_a_lease_that_has_lapsed_is_not_renewed() -> None:
    """I-04."""
    rig = Rig()
    rig.clock.advance(500)
    with pytest.raises(gc.LeaseExpired):
        rig.engine.renew_lease(rig.lease, lease_ttl_ms=50)


def test_renewal_and_completion_are_mutations_with_a_number() -> None:
    """I-08, I-65: the same by the plain way and by the general one."""
    digests = set()
    for observed in (False, True):
        rig = Rig()
        if observed:
            rig.engine.subscribe(lambda _event: None)
        other = rig.take(rig.grant)
        rig.clock.advance(3)
        rig.engine.renew_lease(rig.lease, lease_ttl_ms=50)
        rig.engine.complete_execution(other)
        digests.add(rig.engine.digest())
    assert len(digests) == 1


def test_what_is_completed_is_forgotten_in_time() -> None:
    """SPEC 9: after its retention, though nothing else was due so soon."""
    clock = gc.ManualClock(1_000)
    engine = _engine(clock, gc.EngineConfig(retention_ms=50))
    lease = _take(engine, engine.create_execution(lane_id="main").execution_id)
    engine.complete_execution(lease)
    clock.advance(50)
    assert engine.stats().executions_by_phase[gc.Phase.SUCCEEDED] == 0


@pytest.mark.parametrize("name", ["issue", "claim"])
def test_an_interrupted_call_leaves_whole_indexes(name: str) -> None:
    """I-41; ``tests/robustness/test_atomic_inner.py`` interrupts all calls, opcodes too."""
    assert interrupted(CALLS[name], Tracer).halfway > 4
