"""One story for each decision of SPEC 12 that concerns this part: D-20, D-22 to D-33, and X18."""

from __future__ import annotations

from typing import Any

import pytest

from grantcore import (
    AlreadySatisfied,
    CapabilityMismatch,
    Duplicate,
    ExecutionNotEligible,
    GrantNotFound,
    InvalidCapabilities,
    InvalidInput,
    LeaseExpired,
    LeaseRevoked,
    NotAResumedExecution,
    NotBlockedByDeps,
    Phase,
    ReclaimGrant,
    StaleLease,
    UseClaimResumedExecution,
)
from tests.life.stage import (
    JOB,
    LANE,
    LEASE_TTL_MS,
    START_MS,
    Stage,
    claim_request,
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


def test_d20_idempotency_keys_are_per_namespace() -> None:
    stage = waiting(idempotency_key="k")
    again = stage.engine.create_execution(lane_id="elsewhere", execution_id="x", idempotency_key="k")
    assert again == Duplicate(JOB, "idempotency_key")
    stage.create("x", idempotency_key="k", namespace="another")


@pytest.mark.parametrize("token", ["", " ", "a b", "a,b", "\x7f", "\ud800", 5, None, "x" * 257])
def test_d22_malformed_worker_tokens_are_refused(token: Any) -> None:
    with pytest.raises(InvalidCapabilities) as refusal:
        claim_request(capabilities=["gpu", token])
    assert refusal.value.reason.startswith("worker:")


def test_d23_a_reclaimed_attempt_says_how_it_was_lost() -> None:
    stage = leased()
    stage.lapse()
    stage.issue()
    stage.take()
    stage.revoke()
    stage.issue()
    stage.take()
    first, second, third = stage.engine.attempts(JOB)
    assert (first.failure_reason, second.reclaim_reason) == ("lease_expired", "lease_expired")
    assert (second.failure_reason, third.reclaim_reason) == ("lease_revoked", "lease_revoked")


def test_d24_the_operator_s_claim_needs_an_eligible_execution_and_skips_capabilities() -> None:
    stage = waiting(required_capabilities=["nobody-has-it"])
    stage.operator_claim()
    stage.delay(10)
    stage.refuses(ExecutionNotEligible, stage.operator_claim)
    stage.wait(10)
    assert stage.operator_claim().kind == "resumed"


def test_d25_the_history_is_exactly_as_long_as_its_limit() -> None:
    """The many lengths are in test_limits.py."""
    stage = leased()
    for _ in range(600):
        stage.engine.release_execution(stage.lease)
        stage.engine.advance()
        stage.claim()
    lines = stage.engine.lease_history(JOB)
    assert len(lines) == 1_000
    assert (lines[-1].event, lines[-1].lease_epoch) == ("acquired", 601)


@pytest.mark.parametrize("given", [{"a": 1}, {}, "gpu", b"gpu", None, 5])
def test_d26_required_capabilities_that_are_no_set_are_refused(given: Any) -> None:
    stage = Stage()
    error = stage.refuses(InvalidCapabilities, lambda: stage.create(required_capabilities=given))
    assert error.reason == "required:not_array"


def test_d27_a_key_is_gone_at_the_end_of_its_window() -> None:
    stage = waiting(idempotency_key="k")
    stage.clock.advance(86_400_000 - 1)
    again = {"lane_id": LANE, "execution_id": "x", "idempotency_key": "k"}
    assert stage.engine.create_execution(**again) == Duplicate(JOB, "idempotency_key")  # type: ignore[arg-type]
    stage.clock.advance(1)
    stage.create("x", idempotency_key="k")


def test_d28_a_malformed_call_is_refused_before_a_duplicate_is_answered() -> None:
    stage = waiting()
    stage.refuses(InvalidCapabilities, lambda: stage.create(required_capabilities=[""]))
    stage.refuses(InvalidInput, lambda: stage.create(policy=None))


def test_d29_a_lease_given_for_what_is_not_active_is_stale() -> None:
    stage = leased()
    stage.delay(10)
    stage.refuses(StaleLease, lambda: stage.engine.cancel_execution(JOB, reason="", lease=stage.lease))
    stage.engine.cancel_execution(JOB, reason="")


def test_d29_time_takes_away_the_work_not_the_right_to_give_it_up() -> None:
    stage = leased()
    stage.lapse()
    stage.refuses(LeaseExpired, stage.complete)
    stage.engine.cancel_execution(JOB, reason="", lease=stage.lease)
    stage = leased()
    stage.revoke()
    stage.refuses(LeaseRevoked, lambda: stage.engine.cancel_execution(JOB, reason="", lease=stage.lease))


def test_d30_kinds_of_grants_are_apart() -> None:
    stage = waiting()
    stage.refuses(NotAResumedExecution, lambda: stage.engine.issue_resume_grant(JOB, claim_request()))
    stage.claim()
    stage.engine.release_execution(stage.lease)
    stage.refuses(UseClaimResumedExecution, lambda: stage.engine.issue_claim_grant(JOB, claim_request()))
    grant = stage.engine.issue_resume_grant(JOB, claim_request())
    stage.engine.claim_resumed_execution(grant, **WHO)


def test_d31_a_lapsed_lease_cannot_be_revoked() -> None:
    stage = leased()
    stage.renew(10)
    stage.clock.advance(10)
    with stage.unchanged():
        assert stage.operator.revoke_lease(JOB, reason="late") == AlreadySatisfied("already_expired")


def test_d32_a_claim_does_not_move_the_deadline() -> None:
    stage = waiting(deadline_at_ms=START_MS + 1_000)
    stage.claim()
    assert stage.look().deadline_at_ms == START_MS + 1_000
    stage.wait(1_000)
    assert (stage.phase(), stage.look().failure_reason) == (Phase.EXPIRED, "execution_deadline")


def test_d33_what_waits_for_children_is_not_blockable() -> None:
    stage = leased()
    stage.await_children()
    stage.refuses(ExecutionNotEligible, lambda: stage.operator.block(JOB))
    stage.refuses(ExecutionNotEligible, lambda: stage.operator.unblock(JOB))
    stage.engine.promote_blocked_to_eligible(JOB)
    stage.operator.block(JOB)
    stage.refuses(NotBlockedByDeps, lambda: stage.engine.promote_blocked_to_eligible(JOB))


def test_x18_a_mismatch_is_the_one_refusal_that_writes() -> None:
    stage = waiting(required_capabilities=["gpu", "cuda", "aaa"])
    before = stage.look()
    stage.clock.advance(5)
    with pytest.raises(CapabilityMismatch) as refusal:
        stage.engine.issue_claim_grant(JOB, claim_request(capabilities=["cuda"]))
    assert refusal.value.missing == ("aaa", "gpu")
    after = stage.look()
    assert after.last_capability_mismatch_at_ms == stage.now
    assert after.last_mutation_at_ms == before.last_mutation_at_ms
    assert stage.events_of() == ["Created", "CapabilityMismatched"]


def test_reclaiming_with_somebody_else_s_grant_finds_none() -> None:
    stage = leased()
    stage.lapse()
    grant = stage.issue()
    assert isinstance(grant, ReclaimGrant)
    other = {**WHO, "worker_id": "other"}
    assert stage.engine.reclaim_execution(grant, **other) == GrantNotFound(JOB)
    stage.take()
