"""The end of an attempt: success, failure, timeout, cancellation, deadline (reference 6.1, 6.2, 6.6, 8.1)."""

from __future__ import annotations

from typing import Final

from grantcore.model import events
from grantcore.model.errors import FenceRequired
from grantcore.model.leases import Held, parts
from grantcore.model.past import lease_of, note, past_of, released
from grantcore.model.phases import (
    ACTIVE,
    CANCELLED,
    DELAYED,
    EXPIRED,
    FAILED,
    IN_ATTEMPT,
    LEASE_EXPIRED,
    LEASE_REVOKED,
    LEASED,
    SUCCEEDED,
    TERMINAL,
    Phase,
)
from grantcore.model.records import NO_PAST, RETRY, Execution, Past, rare_of, with_result
from grantcore.model.time import MAX_MS, NEVER
from grantcore.model.views import Attempt, LeaseEvent
from grantcore.rules import fencing
from grantcore.rules.change import ASK, Arguments, Change, move, step

ATTEMPT_TIMEOUT: Final = "attempt_timeout"
EXECUTION_DEADLINE: Final = "execution_deadline"

Closing = tuple[Past, Attempt, int, LeaseEvent | None]
"""The past, the attempt that ends, the number of its line, the line (None: suspended, without a lease)."""


def closing(record: Execution, now: int, reason: str) -> Closing:
    """Prepare the end of the record's attempt and of its lease, if it has one."""
    past = past_of(record)
    attempt = past.attempts[record.attempt_count - 1]
    line = released(lease_of(record), now, reason) if record.phase in ACTIVE else None
    return (past, attempt, past.noted, line)


def write_closing(
    record: Execution,
    at_ms: int,
    state: str,
    failure_reason: str | None,
    category: str | None,
    past: Past,
    attempt: Attempt,
    number: int,
    line: LeaseEvent | None,
) -> None:
    """Store the end of an attempt."""
    attempt.attempt_state = state
    attempt.ended_at_ms = at_ms
    attempt.failure_reason = failure_reason or None
    attempt.failure_category = category or None
    record.past = past
    if line is not None:
        note(past, number, line)


def write_end(record: Execution, at_ms: int) -> None:
    """Store the end of the execution; no order blocks it and no clock runs any more."""
    if record.rare is not None:
        record.rare.blocking_reason = None
        record.rare.blocking_detail = ""
        record.rare.suspension_timeout_at_ms = None
        record.rare.suspension_behavior = ""
        record.rare.attempt_timeout_at_ms = NEVER
        record.rare.attempt_rest_ms = None
    record.grant = None
    move(record, at_ms)


# -- success -----------------------------------------------------------------------------------


def complete(record: Execution, now: int, fence: Held | None, result: bytes | None) -> Change:
    """Decide success; without a fence it is the operator's (I-07)."""
    fencing.held(record, fence) if fence else fencing.holding(record)
    # The end of a first lease is told by the record alone.
    arguments: tuple[object, ...] = (result,)
    if record.past is not None:
        arguments = (result, *closing(record, now, "completed"))
    return (_COMPLETED, write_success, record, now, arguments, ASK)


_COMPLETED: Final = step(events.Completed, LEASED, SUCCEEDED)
_FAILED: Final = step(events.Failed, LEASED, FAILED)
_RETRIED: Final = step(events.RetryScheduled, LEASED, DELAYED)


def write_success(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the result and the end."""
    result, *closing = arguments
    if result is not None:
        record.cargo = with_result(record.cargo, result)
    if closing:
        write_closing(record, at_ms, "ended_success", None, None, *closing)
    write_end(record, at_ms)


# -- failure -----------------------------------------------------------------------------------


def fail(record: Execution, now: int, fence: Held | None, reason: str, category: str) -> Change:
    """Decide a retry or the final failure, by the policy (D-15)."""
    fencing.held(record, fence) if fence else fencing.holding(record)
    delay_until = _retry_at(record, now, category)
    if delay_until is None:
        ended = closing(record, now, "failed_terminal")
        return (_FAILED, write_failure, record, now, (reason, category, *ended), ASK)
    ended = closing(record, now, "failed_retry_scheduled")
    arguments = (reason, category, delay_until, *ended, ended[0].retry_count + 1)
    return (_RETRIED, write_retry, record, now, arguments, ASK)


def time_out(record: Execution, now: int) -> Change:
    """Decide what an attempt timeout does: a failure of category timeout (D-16)."""
    delay_until = _retry_at(record, now, "timeout")
    told = (ATTEMPT_TIMEOUT, "timeout", delay_until)
    if delay_until is None:
        timed_out = step(events.AttemptTimedOut, record.phase, EXPIRED)
        ended = closing(record, now, f"expired:{ATTEMPT_TIMEOUT}")
        return (timed_out, write_timeout, record, now, (*told, *ended), ASK)
    timed_out = step(events.AttemptTimedOut, record.phase, DELAYED)
    ended = closing(record, now, "failed_retry_scheduled")
    return (timed_out, write_retry, record, now, (*told, *ended, ended[0].retry_count + 1), ASK)


def _retry_at(record: Execution, now: int, category: str) -> int | None:
    """When the policy lets the next attempt start; None if it does not."""
    retry = record.spec.policy.retry
    count = (record.past or NO_PAST).retry_count
    if retry is None or not retry.retries(category, count):
        return None
    return min(now + retry.delay_ms(count, record.execution_id, record.attempt_count - 1), MAX_MS)


def write_retry(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the failed attempt and the wait for the next (reference 6.2)."""
    reason, category, delay_until, past, attempt, number, line, retry_count = arguments
    write_closing(record, at_ms, "ended_failure", reason, category, past, attempt, number, line)
    past.retry_count = retry_count
    rare = rare_of(record)
    rare.failure_reason = rare.pending_retry_reason = reason or None
    rare.pending_previous_attempt_index = attempt.attempt_index
    rare.delay_until_ms = delay_until
    rare.attempt_timeout_at_ms = NEVER
    record.origin = RETRY
    record.attempt_id = None
    record.grant = None
    move(record, at_ms)


def write_failure(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the final failure."""
    reason, category, *closing = arguments
    write_closing(record, at_ms, "ended_failure", reason, category, *closing)
    rare_of(record).failure_reason = reason or None
    write_end(record, at_ms)


def write_timeout(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store an expiry by timeout, exactly as the reference does it: without a category."""
    reason, _category, _delay_until, *closing = arguments
    write_expiry(record, at_ms, (reason, *closing))


def write_expiry(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store an end by time (reference 8.1)."""
    reason, *closing = arguments
    if closing:
        write_closing(record, at_ms, "ended_failure", reason, None, *closing)
    rare_of(record).failure_reason = reason
    write_end(record, at_ms)


def pass_deadline(record: Execution, now: int) -> Change:
    """Decide the end by deadline; an attempt is closed while it runs or is suspended."""
    line = f"expired:{EXECUTION_DEADLINE}"
    ended: tuple[object, ...] = closing(record, now, line) if record.phase in IN_ATTEMPT else ()
    passed = step(events.DeadlinePassed, record.phase, EXPIRED)
    return (passed, write_expiry, record, now, (EXECUTION_DEADLINE, *ended), ASK)


# -- cancellation ------------------------------------------------------------------------------


def cancel(
    record: Execution, now: int, fence: Held | None, reason: str, cancelled_by: str, *, by_operator: bool
) -> Change:
    """Decide a cancellation (SPEC 5, D-09, D-29)."""
    phase = record.phase
    assert phase is not None
    if phase in TERMINAL:
        raise fencing.not_active(record)
    if not by_operator:
        _may_cancel(record, phase, fence)
    ended: tuple[object, ...] = closing(record, now, "cancelled") if phase in IN_ATTEMPT else ()
    cancelled = step(events.Cancelled, phase, CANCELLED)
    arguments = (reason, cancelled_by, phase, *ended)
    return (cancelled, write_cancellation, record, now, arguments, ASK)


def _may_cancel(record: Execution, phase: Phase, fence: Held | None) -> None:
    """Without a lease: only while nobody holds it. With one: its holder, or the one it lapsed for."""
    if fence is None:
        if phase is LEASED:
            raise FenceRequired("somebody holds it: give the lease, or ask the operator")
    elif phase is LEASED:
        fencing.held(record, fence)
    elif phase is LEASE_REVOKED:
        raise fencing.revoked(record)
    elif phase is not LEASE_EXPIRED or parts(fence)[1:3] != fencing.current(record)[:2]:
        raise fencing.stale(record)


def write_cancellation(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the cancellation."""
    reason, cancelled_by, _previous, *closing = arguments
    if closing:
        why = f"cancelled: {reason}"
        write_closing(record, at_ms, "ended_cancelled", why, None, *closing)
    rare = rare_of(record)
    rare.cancellation_reason = reason or None
    rare.cancelled_by = cancelled_by or None
    write_end(record, at_ms)
