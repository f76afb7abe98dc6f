"""Time (SPEC 3, 5, 9): half-open ends, order at one instant, delays and deadlines past, clocks, backoff."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from grantcore import (
    AdvanceReport,
    ExecutionNotActive,
    ExecutionPolicy,
    Fixed,
    GrantEngine,
    LeaseExpired,
    Phase,
    RetryPolicy,
)
from tests.life.stage import ATTEMPT_MS, JOB, LANE, START_MS, Stage, claim_request

NO_RULES: Final = ExecutionPolicy()


def told(stage: Stage, count: int) -> list[tuple[str, str]]:
    return [(type(event).__name__, event.execution_id) for event in stage.told[-count:]]


# -- half-open -----------------------------------------------------------------------------------


def test_a_lease_is_good_until_the_millisecond_before_its_end() -> None:
    """I-04, I-55: never early, never late."""
    stage = Stage()
    stage.create()
    lease = stage.claim(ttl_ms=100)
    stage.clock.advance(99)
    stage.engine.update_progress(lease, pct=1)
    stage.clock.advance(1)
    error = stage.refuses(LeaseExpired, stage.complete)
    assert error.expired_at_ms == START_MS + 100


def test_a_renewal_counts_from_now_and_may_shorten() -> None:
    """SPEC 5: ``now + ttl``, not ``old + ttl``; the renewal deadline is two thirds of the way."""
    stage = Stage()
    stage.create()
    stage.claim(ttl_ms=1_000)
    stage.clock.advance(10)
    lease = stage.renew(100)
    assert (lease.expires_at_ms, lease.renewal_deadline_ms) == (START_MS + 110, START_MS + 10 + 66)
    stage.clock.advance(100)
    stage.refuses(LeaseExpired, stage.complete)


def test_the_lease_of_before_a_renewal_still_completes() -> None:
    stage = Stage()
    stage.create()
    first = stage.claim()
    stage.renew()
    stage.engine.complete_execution(first)


@pytest.mark.parametrize("ttl_ms", [1, 2, 3, 4, 100, 101])
def test_the_renewal_deadline_is_rounded_down(ttl_ms: int) -> None:
    stage = Stage()
    stage.create()
    assert stage.claim(ttl_ms=ttl_ms).renewal_deadline_ms == START_MS + ttl_ms * 2 // 3


# -- the order at one instant ----------------------------------------------------------------------


def _all_at(stage: Stage, at_ms: int) -> None:
    """One execution for each kind of deadline, all at one instant, ids against the order."""
    stage.create("g-deadline", deadline_at_ms=at_ms)
    stage.create("f-attempt", policy=NO_RULES)
    stage.claim("f-attempt", ttl_ms=10_000, timeout_ms=at_ms - stage.now)
    stage.create("e-lease")
    stage.claim("e-lease", ttl_ms=at_ms - stage.now)
    stage.create("d-grant")
    stage.issue("d-grant", ttl_ms=at_ms - stage.now)
    stage.create("c-delay", delay_until_ms=at_ms)
    stage.create("a-retention")
    stage.cancel("a-retention")


ORDER: Final = [
    ("DeadlinePassed", "g-deadline"),
    ("AttemptTimedOut", "f-attempt"),
    ("LeaseLapsed", "e-lease"),
    ("GrantLapsed", "d-grant"),
    ("BecameDue", "c-delay"),
    ("Purged", "a-retention"),
]


@pytest.mark.parametrize("look", [False, True])
def test_deadlines_at_one_instant_come_in_the_order_of_the_specification(look: bool) -> None:
    """Execution deadline, attempt timeout, lease, grant, delay, retention; then id."""
    from grantcore import EngineConfig  # noqa: PLC0415 - one use

    stage = Stage(config=EngineConfig(retention_ms=1_000))
    _all_at(stage, START_MS + 1_000)
    if look:
        assert stage.engine.next_deadline_ms() == START_MS + 1_000
    stage.clock.advance(1_000)
    assert stage.engine.advance() == AdvanceReport(6, more=False)
    assert told(stage, 6) == ORDER
    assert {event.at_ms for event in stage.told[-6:]} == {START_MS + 1_000}


def test_deadlines_of_one_kind_at_one_instant_come_by_id() -> None:
    stage = Stage()
    for name in ("c", "a", "b", "Z", "é"):
        stage.create(name, delay_until_ms=START_MS + 10)
    stage.wait(10)
    assert [name for _, name in told(stage, 5)] == ["Z", "a", "b", "c", "é"]


def test_of_several_deadlines_of_one_execution_the_first_of_the_order_counts() -> None:
    """A deadline ends the execution; its lease, ending at the same instant, is released, not lapsed."""
    stage = Stage(deadline_at_ms=START_MS + 100)
    stage.create()
    stage.claim(ttl_ms=100, timeout_ms=100)
    stage.wait(100)
    assert told(stage, 1) == [("DeadlinePassed", JOB)]
    assert stage.lines()[-1] == ("released", "expired:execution_deadline")
    stage = Stage(policy=NO_RULES)
    stage.create()
    stage.claim(ttl_ms=100, timeout_ms=100)
    stage.wait(100)
    assert told(stage, 1) == [("AttemptTimedOut", JOB)]


def test_a_lapse_that_sets_a_deadline_at_its_own_instant_joins_the_queue_in_its_order() -> None:
    """A retry without backoff is due at once, but after the leases and grants of that instant."""
    at_once = ExecutionPolicy(retry=RetryPolicy(9, Fixed(0)))
    stage = Stage(policy=at_once)
    stage.create("z-attempt")
    stage.claim("z-attempt", ttl_ms=500, timeout_ms=100)
    stage.create("a-lease")
    stage.claim("a-lease", ttl_ms=100)
    stage.wait(100)
    wanted = [("AttemptTimedOut", "z-attempt"), ("LeaseLapsed", "a-lease"), ("BecameDue", "z-attempt")]
    assert told(stage, 3) == wanted


def test_backoff_counts_from_the_lapse_not_from_the_call_that_found_it() -> None:
    stage = Stage(policy=ExecutionPolicy(retry=RetryPolicy(9, Fixed(50)), attempt_timeout_ms=100))
    stage.create()
    stage.claim()
    stage.clock.advance(10_000)
    stage.engine.advance()
    assert [(type(e).__name__, e.at_ms - START_MS) for e in stage.told[-2:]] == [
        ("AttemptTimedOut", 100),
        ("BecameDue", 150),
    ]


# -- instants already past -------------------------------------------------------------------------


@pytest.mark.parametrize("ago_ms", [0, 1, START_MS])
def test_a_deadline_in_the_past_is_due_at_once_and_applied_by_the_next_call(ago_ms: int) -> None:
    """SPEC 3: stamp = max(its deadline, the instant that set it)."""
    stage = Stage()
    stage.create(deadline_at_ms=START_MS - ago_ms)
    assert stage.told[-1].phase is Phase.ELIGIBLE
    assert stage.engine.next_deadline_ms() is None or stage.phase() is Phase.EXPIRED
    assert stage.told[-1].at_ms == START_MS
    shown = stage.look()
    assert (shown.phase, shown.deadline_at_ms, shown.completed_at_ms) == (
        Phase.EXPIRED,
        START_MS - ago_ms,
        START_MS,
    )


def test_a_replay_with_a_deadline_in_the_past_ends_at_the_next_call() -> None:
    stage = Stage()
    stage.create()
    stage.cancel()
    stage.clock.advance(10)
    stage.engine.replay_execution(JOB, deadline_at_ms=3)
    assert stage.look().completed_at_ms == START_MS + 10


@pytest.mark.parametrize("ago_ms", [0, 1, START_MS])
def test_a_self_delay_into_the_past_is_due_at_once(ago_ms: int) -> None:
    stage = Stage()
    stage.create()
    lease = stage.claim()
    stage.clock.advance(20)
    stage.engine.delay_execution(lease, delay_until_ms=max(stage.now - ago_ms, 0))
    assert stage.told[-1].phase is Phase.DELAYED
    assert stage.phase() is Phase.ELIGIBLE
    assert (type(stage.told[-1]).__name__, stage.told[-1].at_ms) == ("BecameDue", START_MS + 20)


def test_release_is_a_delay_until_now() -> None:
    """Same attempt, no failure counted."""
    stage = Stage()
    stage.create()
    delayed = stage.engine.release_execution(stage.claim())
    assert delayed.delay_until_ms == stage.now
    shown = stage.look()
    assert (shown.phase, shown.retry_count) == (Phase.ELIGIBLE, 0)
    assert stage.claim().attempt_index == 0


# -- the attempt clock -----------------------------------------------------------------------------


def _ends_in(stage: Stage) -> int | None:
    ends = stage.engine._attempt_deadline_ms(JOB)
    return None if ends is None else ends - stage.now


@pytest.mark.parametrize(
    ("stop", "go_on"),
    [
        (lambda stage: stage.delay(5_000), lambda stage: stage.wait(5_000)),
        (Stage.await_children, lambda stage: stage.engine.promote_blocked_to_eligible(JOB)),
    ],
)
def test_delay_and_children_stop_the_clock_and_keep_the_rest(
    stop: Callable[[Stage], None], go_on: Callable[[Stage], None]
) -> None:
    stage = Stage()
    stage.create()
    stage.claim()
    stage.wait(300)
    stop(stage)
    assert _ends_in(stage) is None
    stage.wait(1)
    go_on(stage)
    stage.wait(123_456)
    stage.claim()
    assert _ends_in(stage) == ATTEMPT_MS - 300
    stage.wait(200)
    stage.engine.release_execution(stage.lease)
    stage.engine.advance()
    stage.claim()
    assert _ends_in(stage) == ATTEMPT_MS - 500


def test_the_rest_of_an_attempt_that_had_no_timeout_is_none() -> None:
    stage = Stage(policy=NO_RULES)
    stage.create()
    stage.engine.release_execution(stage.claim())
    stage.engine.advance()
    stage.claim()
    assert _ends_in(stage) is None


def test_a_resumed_claim_takes_no_timeout_of_its_own() -> None:
    """``take`` has the argument for the other kinds."""
    stage = Stage()
    stage.create()
    stage.engine.release_execution(stage.claim())
    stage.engine.advance()
    stage.issue()
    stage.take(timeout_ms=5)
    assert _ends_in(stage) == ATTEMPT_MS


def test_the_clock_runs_while_the_lease_is_lost_and_renewals_do_not_move_it() -> None:
    """SPEC 5: it runs in LEASED, LEASE_EXPIRED, LEASE_REVOKED; a reclaim grant out at that moment is void."""
    stage = Stage(policy=NO_RULES)
    stage.create()
    stage.claim(timeout_ms=10_000)
    stage.wait(100)
    stage.renew()
    assert _ends_in(stage) == 9_900
    stage.lapse()
    stage.wait(7_000)
    stage.issue()
    stage.wait(1_900)
    assert told(stage, 1) == [("AttemptTimedOut", JOB)]
    assert stage.told[-1].voided_grant is not None
    assert stage.engine.describe_grant(JOB) is None
    assert stage.phase() is Phase.EXPIRED


def test_a_timeout_per_claim_goes_before_the_policy_s() -> None:
    stage = Stage()
    stage.create()
    stage.claim(timeout_ms=7)
    assert _ends_in(stage) == 7
    stage.wait(7)
    stage.until_due()
    stage.claim()
    assert _ends_in(stage) == ATTEMPT_MS


# -- advance, next deadline, clock -----------------------------------------------------------------


def test_advance_in_slices_reports_what_it_did_and_whether_there_is_more() -> None:
    stage = Stage()
    for i in range(5):
        stage.create(f"x{i}", delay_until_ms=START_MS + i // 2)
    stage.clock.advance(1)
    engine = stage.engine
    reports = [engine.advance(limit=n) for n in (1, 1)] + [engine.advance(), engine.advance(limit=9)]
    wanted = [(1, True), (1, False), (0, False), (0, False)]
    assert [(report.lapsed, report.more) for report in reports] == wanted


def test_the_next_deadline_is_exact_and_moves_with_what_is_pending() -> None:
    stage = Stage(policy=NO_RULES)
    due: Callable[[], Any] = stage.engine.next_deadline_ms
    assert due() is None
    stage.create(deadline_at_ms=START_MS + 9_000)
    assert due() == START_MS + 9_000
    stage.issue(ttl_ms=500)
    assert due() == START_MS + 500
    stage.take(ttl_ms=5_000, timeout_ms=4_000)
    assert due() == START_MS + 4_000
    stage.renew(100)
    assert due() == START_MS + 100
    stage.renew(8_000)
    assert due() == START_MS + 4_000
    stage.await_children()
    assert due() == START_MS + 9_000
    stage.cancel()
    assert due() == START_MS + 86_400_000
    stage.replay()
    assert due() is None


def test_a_clock_that_goes_back_is_clamped_and_counted() -> None:
    """I-51: no stored expiry moves because of a bad reading."""
    readings = iter([100, 200, 150, 0, 200, 201])
    engine = GrantEngine(clock=lambda: next(readings))
    engine.create_execution(lane_id=LANE, execution_id=JOB)
    grant = engine.issue_claim_grant(JOB, claim_request(ttl_ms=1))
    lease = engine.take(grant, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=1)
    assert (lease.acquired_at_ms, lease.expires_at_ms) == (200, 201)
    assert (engine.now_ms(), engine.stats().clock_clamped) == (200, 2)
    with pytest.raises(LeaseExpired):
        engine.complete_execution(lease)


def test_a_late_repetition_tells_whose_success_it_was() -> None:
    """I-46: outcome, epoch and attempt are those of the caller's own lease."""
    stage = Stage()
    stage.create()
    lease = stage.claim()
    stage.complete()
    error = stage.refuses(ExecutionNotActive, stage.complete)
    assert (error.terminal_outcome, error.lease_epoch, error.attempt_id) == ("success", 1, lease.attempt_id)
