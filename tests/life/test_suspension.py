"""Suspension: reasons, timeouts and what they do, resuming (SPEC 3, 5, D-19; reference 11.2, 11.6, 11.7)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from grantcore import (
    ConcurrencyLimitExceeded,
    ExecutionNotActive,
    ExecutionNotSuspended,
    GrantEngine,
    InvalidInput,
    Phase,
    Resumed,
    StaleLease,
    Suspended,
    events,
)
from grantcore.model.ids import MintedIds
from tests.life.recipes import BEHAVIORS
from tests.life.stage import ATTEMPT_MS, JOB, Stage

MAX_MS: Final = 2**53 - 1


def leased(**given: Any) -> Stage:
    stage = Stage()
    stage.create(**given)
    stage.claim()
    return stage


def suspended(timeout_ms: int | None = None, behavior: str = "fail", **given: Any) -> Stage:
    stage = leased(**given)
    stage.suspend(timeout_ms, behavior)
    return stage


def suspend(stage: Stage, **given: Any) -> Suspended:
    return stage.engine.suspend_execution(stage.lease, **{"reason_code": "r", **given})


# -- reasons -------------------------------------------------------------------------------------

REASONS: Final = """
waiting_for_signal waiting_for_approval waiting_for_callback waiting_for_tool_result paused_by_policy
waiting_for_operator_review=paused_by_operator manual_pause=paused_by_operator
paused_by_budget=waiting_for_budget step_boundary=waiting_for_signal WAITING_FOR_APPROVAL=waiting_for_signal
=waiting_for_signal
"""


@pytest.mark.parametrize("row", REASONS.split())
def test_a_reason_code_is_any_text_and_decides_the_blocking_reason(row: str) -> None:
    """Reference 11.2; SPEC 5: the detail tells the code as it was given."""
    code, _, blocking = row.partition("=")
    stage = leased()
    suspend(stage, reason_code=code)
    shown = stage.look()
    assert shown.blocking_reason == (blocking or code)
    assert shown.blocking_detail == f"suspended: awaiting {code}"
    assert (shown.lifecycle_phase, shown.public_state) == ("suspended", "suspended")


def test_who_suspends_gives_the_lease_back() -> None:
    """The attempt is interrupted, its suspension named; the lease is released (reference 11.2)."""
    stage = leased()
    answer = suspend(stage)
    assert answer == Suspended(JOB, stage.look().current_suspension_id or "")
    (attempt,) = stage.engine.attempts(JOB)
    assert (attempt.attempt_state, attempt.suspension_id) == ("suspended", answer.suspension_id)
    assert stage.lines()[-1] == ("released", "suspend")
    assert stage.engine.leases() == ()
    error = stage.refuses(ExecutionNotActive, lambda: stage.renew(5))
    assert (error.lifecycle_phase, error.attempt_id) == ("suspended", attempt.attempt_id)
    stage.refuses(StaleLease, lambda: stage.engine.cancel_execution(JOB, reason="", lease=stage.lease))


# -- timeouts ------------------------------------------------------------------------------------

ENDS: Final = {
    "fail": (Phase.FAILED, "ended_failure"),
    "cancel": (Phase.CANCELLED, "ended_cancelled"),
    "expire": (Phase.EXPIRED, "ended_failure"),
}


@pytest.mark.parametrize("behavior", ENDS)
def test_a_timeout_ends_the_execution(behavior: str) -> None:
    """Half-open: suspended until the instant itself (SPEC 3)."""
    stage = suspended(100, behavior)
    stage.wait(99)
    assert stage.phase() is Phase.SUSPENDED
    stage.clock.advance(5_000)
    shown = stage.look()
    phase, state = ENDS[behavior]
    assert (shown.phase, shown.completed_at_ms) == (phase, stage.now - 4_999)
    assert shown.failure_reason == f"suspension_timeout:{behavior}"
    (attempt,) = stage.engine.attempts(JOB)
    assert (attempt.attempt_state, attempt.failure_reason) == (state, shown.failure_reason)
    assert (attempt.suspension_id, shown.current_suspension_id, shown.cancellation_reason) == (None,) * 3
    told = stage.told[-1]
    assert isinstance(told, events.SuspensionTimedOut)
    assert told.closed_attempt == attempt
    assert told.released_lease is None


@pytest.mark.parametrize("behavior", ["auto_resume", "auto_resume_with_timeout_signal"])
def test_a_timeout_resumes_the_execution(behavior: str) -> None:
    stage = suspended(100, behavior)
    epoch = stage.lease.lease_epoch
    stage.wait(100)
    assert stage.look().public_state == "waiting"
    lease = stage.claim()
    assert (lease.kind, lease.attempt_index, lease.lease_epoch) == ("resumed", 0, epoch + 1)


def test_a_timeout_escalates_to_the_operator() -> None:
    """It stays suspended, with no timeout any more; somebody resumes it, or ends it."""
    stage = suspended(100, "escalate")
    suspension_id = stage.look().current_suspension_id
    stage.wait(100)
    shown = stage.look()
    assert (shown.phase, shown.blocking_reason) == (Phase.SUSPENDED, "paused_by_operator")
    assert shown.blocking_detail == f"suspension escalated: timeout at {stage.now}"
    assert shown.current_suspension_id == suspension_id
    assert shown.last_transition_at_ms == stage.now
    assert stage.engine.next_deadline_ms() is None
    stage.resume()
    assert stage.look().blocking_reason == "waiting_for_worker"


def test_a_timeout_in_the_past_is_due_at_the_next_call() -> None:
    """SPEC 3: accepted, stamped with the call that set it; an escalation names the instant given."""
    stage = leased()
    suspend(stage, timeout_at_ms=7, timeout_behavior="escalate")
    assert type(stage.told[-1]) is events.Suspended
    assert stage.engine.next_deadline_ms() is None
    assert stage.told[-1].at_ms == stage.now
    assert stage.look().blocking_detail == "suspension escalated: timeout at 7"


def test_at_one_instant_the_deadline_comes_before_the_timeout_and_the_timeout_before_a_lease() -> None:
    """SPEC 3: the order of deadlines."""
    stage = suspended(100, deadline_at_ms=Stage().now + 100)
    stage.create("other")
    stage.claim("other")
    stage.suspend(100)
    stage.create("another")
    stage.claim("another", ttl_ms=100)
    stage.wait(100)
    told = [(type(event).__name__, event.execution_id) for event in stage.told[-3:]]
    assert told == [("DeadlinePassed", JOB), ("SuspensionTimedOut", "other"), ("LeaseLapsed", "another")]


def test_a_timeout_goes_with_the_resumption() -> None:
    stage = suspended(100)
    stage.resume()
    stage.wait(5_000)
    assert stage.phase() is Phase.ELIGIBLE


def test_a_deadline_while_suspended_ends_the_attempt_too() -> None:
    """Reference 8.1: no lease is released, for there is none."""
    stage = suspended(deadline_at_ms=Stage().now + 100)
    lines = stage.lines()
    stage.wait(100)
    (attempt,) = stage.engine.attempts(JOB)
    assert (stage.phase(), attempt.failure_reason) == (Phase.EXPIRED, "execution_deadline")
    assert stage.lines() == lines


def test_a_replay_leaves_nothing_of_a_suspension() -> None:
    """D-17: a new life, a new attempt; the old timeout never comes."""
    stage = suspended(100)
    stage.cancel()
    stage.replay()
    stage.wait(5_000)
    shown = stage.look()
    assert (shown.phase, shown.blocking_reason) == (Phase.ELIGIBLE, "waiting_for_worker")
    assert (stage.claim().kind, stage.lease.attempt_index) == ("fresh", 1)


# -- resuming ------------------------------------------------------------------------------------


def test_d19_resuming_later_works() -> None:
    stage = suspended()
    answer = stage.engine.resume_execution(JOB, resume_delay_ms=700)
    assert answer == Resumed(JOB, "delayed")
    shown = stage.look()
    until_ms = stage.now + 700
    assert (shown.phase, shown.eligibility_state) == (Phase.DELAYED, "not_eligible_until_time")
    assert shown.blocking_reason == "waiting_for_resume_delay"
    assert shown.blocking_detail == f"delayed until {until_ms}"
    assert stage.engine.next_deadline_ms() == shown.delay_until_ms == until_ms
    stage.wait(700)
    assert stage.look().blocking_reason == "waiting_for_worker"
    assert stage.claim().kind == "resumed"
    stage.delay()
    assert stage.look().blocking_reason == "waiting_for_delay"


def test_d19_without_a_timeout_nothing_ends_it() -> None:
    for behavior in BEHAVIORS:
        stage = suspended(None, behavior)
        assert stage.engine.next_deadline_ms() is None
        stage.wait(10**12)
        assert stage.phase() is Phase.SUSPENDED


def test_a_trigger_is_any_text_and_stands_in_the_event_only() -> None:
    stage = suspended()
    digests = set()
    for trigger in ("", "somebody said so"):
        copy = GrantEngine.restore(stage.engine.snapshot(), clock=stage.clock)
        told: list[Any] = []
        copy.subscribe(told.append)
        assert copy.resume_execution(JOB, trigger=trigger) == Resumed(JOB, "waiting")
        assert told[0].trigger == trigger
        digests.add(copy.digest())
    assert len(digests) == 1


def test_the_attempt_s_clock_stands_still_meanwhile() -> None:
    """SPEC 5: the resumed lease goes on with the rest, at least a millisecond."""
    stage = leased()
    stage.wait(ATTEMPT_MS - 1)
    stage.suspend()
    stage.wait(10**6)
    stage.resume(delay_ms=10**6)
    stage.wait(10**6)
    stage.claim()
    assert stage.engine.next_deadline_ms() == stage.now + 1


def test_only_a_suspended_execution_is_resumed() -> None:
    stage = suspended()
    stage.resume()
    stage.refuses(ExecutionNotSuspended, stage.resume)


def test_a_suspended_execution_holds_no_slot() -> None:
    """SPEC 7: it goes back with the lease, once; the resume grant needs one again."""
    stage = Stage()
    stage.engine.create_quota_policy("api", max_concurrent=1)
    for name in (JOB, "other"):
        stage.create(name, quota_policy_id="api")
    stage.claim()
    stage.refuses(ConcurrencyLimitExceeded, lambda: stage.issue("other"))
    stage.suspend()
    stage.engine.check()
    stage.claim("other")
    stage.resume()
    stage.refuses(ConcurrencyLimitExceeded, stage.issue)
    stage.complete()
    assert stage.claim().kind == "resumed"


# -- refusals ------------------------------------------------------------------------------------


def test_a_delay_beyond_the_last_instant_is_refused() -> None:
    """SPEC 11: every sum is checked before any write; the last instant itself is one."""
    stage = suspended()
    longest = MAX_MS - stage.now
    error = stage.refuses(
        InvalidInput, lambda: stage.engine.resume_execution(JOB, resume_delay_ms=longest + 1)
    )
    assert error.field == "resume_delay_ms"
    stage.engine.resume_execution(JOB, resume_delay_ms=longest)
    assert stage.look().delay_until_ms == MAX_MS


@pytest.mark.parametrize("given", ["suspension-9", "", "a b", 5])
def test_an_id_that_is_none_or_in_use_is_refused(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """SPEC 9; what an earlier attempt still tells of is in use."""
    monkeypatch.setattr("tests.life.stage.NumberedIds.suspension_id", lambda _: "suspension-9")
    stage = suspended()
    stage.cancel()
    stage.replay()
    stage.claim()
    monkeypatch.setattr("tests.life.stage.NumberedIds.suspension_id", lambda _: given)
    error = stage.refuses(InvalidInput, lambda: suspend(stage))
    assert error.field == "ids.suspension_id"
    assert stage.renew() == stage.lease


def test_a_refused_suspension_mints_nothing() -> None:
    """SPEC 9: the id source is called after the last guard."""
    stage = suspended()
    stage.resume()
    used = stage.ids.used
    stage.refuses(ExecutionNotActive, lambda: suspend(stage))
    stage.claim()
    assert stage.ids.used == used + 1


def test_an_engine_mints_suspension_ids_of_its_own() -> None:
    stage = leased()
    engine = GrantEngine.restore(
        stage.engine.snapshot(), clock=stage.clock, ids=MintedIds("0123456789abcdef0123")
    )
    answer = engine.suspend_execution(stage.lease, reason_code="r")
    assert answer.suspension_id == "01234567-89ab-4def-8123-000000000001"
    copy = GrantEngine.restore(engine.snapshot(), clock=stage.clock)
    shown = copy.describe_execution(JOB)
    assert shown is not None
    assert shown.current_suspension_id == answer.suspension_id
