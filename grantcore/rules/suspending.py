"""Waiting for something outside: suspension, its end and its timeout (reference 11.2, 11.6, 11.7).

A suspended execution has no lease; its attempt is interrupted and its clock stands still, as with a delay.
It goes on when somebody resumes it, or when its timeout does what was asked for: end it, resume it, or
escalate, which leaves it suspended with no timeout, for an operator to see to. What it waits for, and who
may say that it has come, is the host's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from grantcore.model import checks, events
from grantcore.model.errors import ExecutionNotSuspended, invalid
from grantcore.model.ids import IdSource
from grantcore.model.leases import Held
from grantcore.model.phases import CANCELLED, DELAYED, ELIGIBLE, EXPIRED, FAILED, LEASED, SUSPENDED, Phase
from grantcore.model.records import NOTHING, WAITING_FOR_RESUME_DELAY, Execution, Past, rare_of
from grantcore.model.time import MAX_MS
from grantcore.rules.change import ASK, NONE_SET, Arguments, Change, move, step
from grantcore.rules.ending import closing, write_closing, write_end
from grantcore.rules.fencing import held
from grantcore.rules.pausing import paused, rest_of, write_pause

BEHAVIORS: Final[Mapping[str, Phase]] = MappingProxyType(
    {
        "fail": FAILED,
        "cancel": CANCELLED,
        "expire": EXPIRED,
        "auto_resume": ELIGIBLE,
        "auto_resume_with_timeout_signal": ELIGIBLE,
        "escalate": SUSPENDED,
    }
)
"""What a timeout may do, and the phase that leads to."""

FOR_OPERATOR: Final = "paused_by_operator"

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "waiting_for_signal": "waiting_for_signal",
        "waiting_for_approval": "waiting_for_approval",
        "waiting_for_callback": "waiting_for_callback",
        "waiting_for_tool_result": "waiting_for_tool_result",
        "waiting_for_operator_review": FOR_OPERATOR,
        "manual_pause": FOR_OPERATOR,
        "paused_by_policy": "paused_by_policy",
        "paused_by_budget": "waiting_for_budget",
    }
)
"""The blocking_reason of each reason code; that of any other is waiting_for_signal."""


# -- suspending --------------------------------------------------------------------------------


def suspend(
    record: Execution,
    now: int,
    fence: Held,
    ids: IdSource,
    reason_code: str,
    timeout_at_ms: int | None,
    timeout_behavior: str,
) -> Change:
    """Decide to wait; a timeout that is already past is due at once."""
    held(record, fence)
    pause = paused(record, now, "suspend")
    suspension_id = _mint(ids, pause[0])
    told = (suspension_id, reason_code, timeout_at_ms, timeout_behavior, rest_of(record, now))
    return (_SUSPENDED, write_suspension, record, now, (*told, *pause), ASK)


_SUSPENDED: Final = step(events.Suspended, LEASED, SUSPENDED)
_RESUMED: Final = step(events.Resumed, SUSPENDED, ELIGIBLE)
_RESUMED_LATER: Final = step(events.Resumed, SUSPENDED, DELAYED)


def _mint(ids: IdSource, past: Past) -> str:
    """A new suspension id, the last that can refuse; one that an attempt of this execution has is in use."""
    suspension_id = checks.identity("ids.suspension_id", ids.suspension_id())
    if any(attempt.suspension_id == suspension_id for attempt in past.attempts.values()):
        raise invalid("ids.suspension_id", "an id that is not in use")
    return suspension_id


def write_suspension(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store why it waits and until when, and the interrupted attempt."""
    suspension_id, reason_code, timeout_at_ms, timeout_behavior, rest, *pause = arguments
    write_pause(record, at_ms, suspension_id, rest, *pause)
    rare = rare_of(record)
    rare.blocking_reason = REASONS.get(reason_code, "waiting_for_signal")
    rare.blocking_detail = f"suspended: awaiting {reason_code}"
    rare.suspension_timeout_at_ms = timeout_at_ms
    rare.suspension_behavior = timeout_behavior


# -- resuming ----------------------------------------------------------------------------------


def resume(record: Execution, now: int, trigger: str, resume_delay_ms: int) -> Change:
    """Decide that it may go on, now or after a delay (D-19); its timeout is void."""
    if record.phase is not SUSPENDED:
        raise ExecutionNotSuspended("only a suspended execution is resumed")
    if not resume_delay_ms:
        return (_RESUMED, write_resumption, record, now, (trigger, None), NONE_SET)
    until_ms = now + resume_delay_ms
    if until_ms > MAX_MS:
        raise invalid("resume_delay_ms", "such that its end is an instant before 2**53")
    return (_RESUMED_LATER, write_resumption, record, now, (trigger, until_ms), until_ms)


def write_resumption(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store that it waits for a worker, or until it may; the next grant is a resume grant."""
    _told, delay_until_ms = arguments
    rare = rare_of(record)
    rare.suspension_timeout_at_ms = None
    rare.suspension_behavior = ""
    rare.blocking_reason = None if delay_until_ms is None else WAITING_FOR_RESUME_DELAY
    rare.blocking_detail = ""
    rare.delay_until_ms = delay_until_ms
    move(record, at_ms)


# -- timing out --------------------------------------------------------------------------------


def time_out_suspension(record: Execution, now: int) -> Change:
    """Decide what was asked for when it was suspended."""
    rare = record.rare or NOTHING
    behavior = rare.suspension_behavior
    target = BEHAVIORS[behavior]
    timed_out = step(events.SuspensionTimedOut, SUSPENDED, target)
    if target is SUSPENDED:
        detail = f"suspension escalated: timeout at {rare.suspension_timeout_at_ms}"
        return (timed_out, write_escalation, record, now, (behavior, detail), NONE_SET)
    if target is ELIGIBLE:
        return (timed_out, write_resumption, record, now, (behavior, None), NONE_SET)
    ended = closing(record, now, behavior)
    return (timed_out, write_suspension_end, record, now, (behavior, *ended), ASK)


def write_escalation(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store that it waits for an operator, with no timeout."""
    _behavior, detail = arguments
    rare = rare_of(record)
    rare.suspension_timeout_at_ms = None
    rare.suspension_behavior = ""
    rare.blocking_reason = FOR_OPERATOR
    rare.blocking_detail = detail
    move(record, at_ms)


def write_suspension_end(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the end, whatever it is called; the attempt no longer tells of the suspension."""
    behavior, *ended = arguments
    reason = f"suspension_timeout:{behavior}"
    state = "ended_cancelled" if behavior == "cancel" else "ended_failure"
    write_closing(record, at_ms, state, reason, None, *ended)
    attempt = ended[1]
    attempt.suspended_at_ms = None
    attempt.suspension_id = None
    rare_of(record).failure_reason = reason
    write_end(record, at_ms)
