"""One story for each decision of SPEC 12 that concerns this part: D-01 to D-17.

(D-18 quota and D-21 workers come with their tasks,
D-19 is in ``test_suspension.py``, the others in the next file.)
"""

from __future__ import annotations

from typing import Any

import pytest

from grantcore import (
    ClaimGrant,
    ExecutionNotEligible,
    ExecutionNotInEligibleSet,
    ExecutionPolicy,
    Exponential,
    FenceRequired,
    Fixed,
    InvalidClaimGrant,
    InvalidInput,
    NotReclaimable,
    Phase,
    ReclaimCapExceeded,
    ReclaimGrant,
    RetryPolicy,
)
from tests.life.stage import (
    ATTEMPT_MS,
    JOB,
    LANE,
    LEASE_TTL_MS,
    START_MS,
    STRICT,
    Stage,
    claim_request,
    reclaim_request,
)

WHO: dict[str, Any] = {"worker_id": "w", "worker_instance_id": "w-1", "lease_ttl_ms": LEASE_TTL_MS}


def waiting(**given: Any) -> Stage:
    stage = Stage()
    stage.create(**given)
    return stage


def leased(**given: Any) -> Stage:
    stage = waiting(**given)
    stage.claim()
    return stage


def test_d01_a_grant_is_gone_at_its_expiry() -> None:
    stage = waiting()
    grant = stage.issue(ttl_ms=100)
    stage.clock.advance(100)
    error = stage.refuses(InvalidClaimGrant, lambda: stage.engine.take(grant, **WHO))
    assert error.reason == "lapsed"
    stage.issue(ttl_ms=100)
    stage.clock.advance(99)
    stage.take()


def test_d02_lapses_are_prompt_and_stamped_with_the_deadline() -> None:
    stage = leased()
    stage.renew(500)
    stage.clock.advance(9_999)
    shown = stage.look()
    assert (shown.phase, shown.lease_expired_at_ms) == (Phase.LEASE_EXPIRED, START_MS + 500)
    assert shown.last_mutation_at_ms == START_MS + 500
    assert stage.told[-1].at_ms == START_MS + 500


def test_d03_the_type_of_a_grant_is_its_kind() -> None:
    stage = waiting()
    end = stage.issue().expires_at_ms
    forged = ReclaimGrant(JOB, end, LANE)
    assert stage.engine.reclaim_execution(forged, **WHO) == NotReclaimable(JOB, "execution_not_reclaimable")
    with pytest.raises(InvalidInput):
        stage.engine.claim_execution(forged, **WHO)  # type: ignore[arg-type]
    stage.take()
    stage.lapse()
    end = stage.issue().expires_at_ms
    with pytest.raises(InvalidInput):
        stage.engine.reclaim_execution(ClaimGrant(JOB, end), **WHO)  # type: ignore[arg-type]
    stage.take()


@pytest.mark.parametrize("leave", [Stage.cancel, lambda stage: stage.operator.block(JOB)])
def test_d04_a_grant_is_void_when_its_execution_leaves_the_phase(leave: Any) -> None:
    stage = waiting()
    grant = stage.issue()
    leave(stage)
    assert stage.told[-1].voided_grant is not None
    assert stage.engine.describe_grant(JOB) is None
    if stage.phase() is Phase.BLOCKED:
        stage.operator.unblock(JOB)
    else:
        stage.replay()
    error = stage.refuses(InvalidClaimGrant, lambda: stage.engine.take(grant, **WHO))
    assert error.reason == "absent"


def test_d04_withdraw_grant_exists() -> None:
    stage = waiting()
    grant = stage.issue()
    assert stage.engine.withdraw_grant(grant, worker_id="other") is False
    assert stage.engine.withdraw_grant(grant, worker_id="w") is True
    assert stage.engine.withdraw_grant(grant, worker_id="w") is False
    stage.issue()


def test_d05_cap_is_tested_when_asking() -> None:
    stage = Stage(policy=STRICT)
    stage.create()
    stage.claim()
    stage.lapse()
    stage.issue()
    stage.take()
    stage.revoke()
    told, lines = len(stage.told), stage.lines()
    answer = stage.engine.issue_reclaim_grant(JOB, reclaim_request(capabilities=()))
    assert answer == ReclaimCapExceeded(JOB, 1)
    shown = stage.look()
    assert (shown.phase, shown.failure_reason) == (Phase.FAILED, "max_reclaims_exceeded")
    assert shown.lease_reclaim_count == 1
    last = stage.engine.attempts(JOB)[-1]
    assert (last.attempt_state, last.failure_reason) == ("ended_failure", "max_reclaims_exceeded")
    assert last.ended_at_ms == stage.now
    assert [type(event).__name__ for event in stage.told[told:]] == ["ReclaimCapReached"]
    assert stage.lines() == lines


def test_d06_every_new_attempt_gets_its_own_timeout() -> None:
    stage = leased()
    stage.wait(ATTEMPT_MS - 2_000)
    stage.lapse()
    stage.issue()
    stage.take()
    assert stage.engine._attempt_deadline_ms(JOB) == stage.now + ATTEMPT_MS
    stage.lapse()
    stage.issue()
    stage.take(timeout_ms=77)
    assert stage.engine._attempt_deadline_ms(JOB) == stage.now + 77


def test_d07_marks_of_the_old_lease_do_not_outlive_it() -> None:
    stage = leased()
    stage.revoke()
    stage.issue()
    stage.take()
    shown = stage.look()
    assert (shown.lease_revoked_at_ms, shown.lease_revoke_reason) == (None, None)
    stage.renew()
    stage.complete()


def test_d08_every_block_shows_its_own_state_and_can_be_lifted() -> None:
    wanted = {
        "waiting_for_budget": ("blocked_by_budget", "rate_limited"),
        "waiting_for_quota": ("blocked_by_quota", "rate_limited"),
        "waiting_for_capable_worker": ("blocked_by_route", "waiting"),
        "paused_by_operator": ("blocked_by_operator", "waiting"),
        "paused_by_policy": ("blocked_by_lane_state", "waiting"),
    }
    stage = waiting()
    for reason, (eligibility, public) in wanted.items():
        stage.operator.block(JOB, reason=reason)
        shown = stage.look()
        assert (shown.eligibility_state, shown.blocking_reason, shown.public_state) == (
            eligibility,
            reason,
            public,
        )
        stage.operator.unblock(JOB, expected_reason=reason)
        assert stage.look().public_state == "waiting"


def test_d09_cancelling_what_somebody_holds_needs_the_fence_or_the_operator() -> None:
    stage = leased()
    stage.refuses(FenceRequired, lambda: stage.engine.cancel_execution(JOB, reason=""))
    cancelled = stage.operator.cancel(JOB, reason="by hand")
    assert cancelled.previous_phase is Phase.LEASED
    assert stage.look().cancelled_by == "boss"


def test_d10_block_works_on_what_waits_for_a_worker_only() -> None:
    stage = Stage()
    stage.create(delay_until_ms=stage.now + 10)
    stage.refuses(ExecutionNotEligible, lambda: stage.operator.block(JOB))
    stage.wait(10)
    stage.operator.block(JOB)
    stage.operator.block(JOB, reason="waiting_for_quota", detail="another order")
    assert stage.look().blocking_detail == "another order"


def test_d11_resuming_needs_an_eligible_execution() -> None:
    stage = leased()
    stage.delay(50)
    stage.refuses(ExecutionNotEligible, lambda: stage.engine.issue_resume_grant(JOB, claim_request()))
    stage.wait(50)
    stage.claim()
    assert stage.lease.attempt_index == 0


def test_d12_the_execution_s_lane_counts() -> None:
    stage = waiting()
    elsewhere = claim_request(lane_id="elsewhere")
    stage.refuses(ExecutionNotInEligibleSet, lambda: stage.engine.issue_claim_grant(JOB, elsewhere))
    grant = stage.engine.issue_claim_grant(JOB, claim_request())
    error = stage.refuses(
        InvalidInput, lambda: stage.engine.claim_execution(grant, **WHO, lane_id="elsewhere")
    )
    assert error.field == "lane_id"
    assert stage.engine.claim_execution(grant, **WHO, lane_id=LANE).lane_id == LANE
    stage.revoke()
    answer = stage.engine.issue_reclaim_grant(JOB, reclaim_request(lane_id="elsewhere"))
    assert answer == NotReclaimable(JOB, "lane_mismatch: main")


@pytest.mark.parametrize("ago_ms", [0, 1, START_MS])
def test_d13_a_delay_in_the_past_means_now(ago_ms: int) -> None:
    stage = Stage()
    stage.create(delay_until_ms=stage.now - ago_ms)
    assert stage.phase() is Phase.ELIGIBLE
    assert stage.look().delay_until_ms is None


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), 1.0, "0x10", "5", True, None, 86_400_001])
def test_d14_a_time_to_live_is_an_integer_in_range(ttl: Any) -> None:
    stage = leased()
    error = stage.refuses(InvalidInput, lambda: stage.engine.renew_lease(stage.lease, lease_ttl_ms=ttl))
    assert error.field == "lease_ttl_ms"
    with pytest.raises(InvalidInput, match="grant_ttl_ms"):
        stage.engine.issue_claim_grant(JOB, claim_request(ttl_ms=ttl))


def test_d15_categories_jitter_and_integers_are_honoured() -> None:
    picky = ExecutionPolicy(
        retry=RetryPolicy(3, Exponential(100, 1_000, 1_555, jitter=True), frozenset({"net"}))
    )
    stage = Stage(policy=picky)
    stage.create()
    stage.claim()
    stage.fail(category="net")
    delay_ms = (stage.look().delay_until_ms or 0) - stage.now
    assert 50 <= delay_ms <= 100
    stage.until_due()
    stage.claim()
    stage.fail(category="disk")
    assert stage.phase() is Phase.FAILED


def test_d16_an_attempt_timeout_is_a_failure_that_may_be_retried() -> None:
    policy = ExecutionPolicy(retry=RetryPolicy(1, Fixed(10)), attempt_timeout_ms=100)
    stage = Stage(policy=policy)
    stage.create()
    stage.claim()
    stage.clock.advance(105)
    shown = stage.look()
    assert (shown.phase, shown.retry_count) == (Phase.DELAYED, 1)
    assert (shown.failure_reason, shown.delay_until_ms) == ("attempt_timeout", START_MS + 110)
    assert stage.lines()[-1] == ("released", "failed_retry_scheduled")
    ended = stage.engine.attempts(JOB)[0]
    assert (ended.failure_reason, ended.failure_category) == ("attempt_timeout", "timeout")
    stage.wait(5)
    stage.claim()
    stage.wait(100)
    shown = stage.look()
    assert (shown.phase, shown.terminal_outcome) == (Phase.EXPIRED, "expired")
    assert stage.lines()[-1] == ("released", "expired:attempt_timeout")


def test_d17_a_replay_is_a_new_life() -> None:
    stage = Stage(deadline_at_ms=START_MS + 10**6)
    stage.create(payload=b"in")
    stage.claim()
    stage.engine.update_progress(stage.lease, pct=9)
    stage.fail()
    stage.until_due()
    stage.claim()
    stage.lapse()
    stage.issue()
    stage.take()
    stage.complete()
    old = stage.look()
    assert (old.retry_count, old.lease_reclaim_count, old.current_lease_epoch) == (1, 1, 3)
    stage.engine.replay_execution(JOB, requested_by="ann", reason="again")
    new = stage.look()
    assert (new.retry_count, new.lease_reclaim_count, new.replay_count) == (0, 0, 1)
    blank = (new.failure_reason, new.delay_until_ms, new.progress_pct, new.started_at_ms, new.deadline_at_ms)
    assert blank == (None,) * 5
    assert stage.engine.read_result(JOB) is None
    assert stage.engine.read_payload(JOB) == b"in"
    assert (new.current_lease_epoch, new.total_attempt_count) == (3, 3)
    assert stage.lines()[-1] == ("replay_initiated", "again")
    stage.claim()
    last = stage.engine.attempts(JOB)[-1]
    assert (last.attempt_type, last.attempt_index, stage.lease.lease_epoch) == ("replay", 3, 4)
    lineage = (last.replay_reason, last.replay_requested_by, last.replayed_from_attempt_index)
    assert lineage == ("again", "ann", 2)
