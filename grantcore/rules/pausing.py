"""Interrupting an attempt and letting it go on: delay, children (reference 6.3, 6.4, 6.5).

Suspension interrupts in the same way and has rules of its own (``suspending.py``).
"""

from __future__ import annotations

from typing import Final

from grantcore.model import events
from grantcore.model.errors import NotBlockedByDeps, NotRunnable
from grantcore.model.leases import Held
from grantcore.model.past import lease_of, note, past_of, released
from grantcore.model.phases import BLOCKED, DELAYED, ELIGIBLE, LEASED, RUNNABLE
from grantcore.model.records import INTERRUPTED, WAITING_FOR_CHILDREN, Execution, Past, rare_of
from grantcore.model.time import NEVER
from grantcore.model.views import Attempt, LeaseEvent
from grantcore.rules.change import ASK, NONE_SET, Arguments, Change, move, step
from grantcore.rules.fencing import held

WORKER_DELAY: Final = "worker_delay"
WAITING_CHILDREN: Final = "waiting_children"


def delay(record: Execution, now: int, fence: Held, delay_until_ms: int) -> Change:
    """Decide to give the work back until later; an instant already past is due at once."""
    held(record, fence)
    arguments = (delay_until_ms, rest_of(record, now), *paused(record, now, WORKER_DELAY))
    return (_DELAYED, write_delay, record, now, arguments, ASK)


_DELAYED: Final = step(events.Delayed, LEASED, DELAYED)
_CHILDREN_AWAITED: Final = step(events.ChildrenAwaited, LEASED, BLOCKED)
_CHILDREN_DONE: Final = step(events.ChildrenDone, BLOCKED, ELIGIBLE)
_BECAME_DUE: Final = step(events.BecameDue, DELAYED, ELIGIBLE)


def await_children(record: Execution, now: int, fence: Held) -> Change:
    """Decide to wait until the host says that the children are done."""
    held(record, fence)
    arguments = (rest_of(record, now), *paused(record, now, WAITING_CHILDREN))
    return (_CHILDREN_AWAITED, write_children, record, now, arguments, ASK)


def rest_of(record: Execution, now: int) -> int | None:
    """What is left of the attempt's clock, at least 1 ms; None if it has none."""
    ends = NEVER if record.rare is None else record.rare.attempt_timeout_at_ms
    return None if ends == NEVER else max(ends - now, 1)


Pause = tuple[Past, Attempt, int, LeaseEvent]
"""The past, the attempt that is interrupted, the number of its line, the line."""


def paused(record: Execution, now: int, reason: str) -> Pause:
    """Prepare the interruption of the record's attempt and the end of its lease."""
    past = past_of(record)
    line = released(lease_of(record), now, reason, with_attempt=True)
    return (past, past.attempts[record.attempt_count - 1], past.noted, line)


def write_pause(
    record: Execution,
    at_ms: int,
    suspension_id: str,
    rest: int | None,
    past: Past,
    attempt: Attempt,
    number: int,
    line: LeaseEvent,
) -> None:
    """Store the interruption of an attempt; its clock stops and keeps the rest (SPEC 5)."""
    attempt.attempt_state = "suspended"
    attempt.suspended_at_ms = at_ms
    attempt.suspension_id = suspension_id
    record.past = past
    note(past, number, line)
    rare = rare_of(record)
    rare.attempt_timeout_at_ms = NEVER
    rare.attempt_rest_ms = rest
    record.origin = INTERRUPTED
    move(record, at_ms)


def write_delay(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the delay and the interrupted attempt."""
    delay_until_ms, rest, past, attempt, number, line = arguments
    write_pause(record, at_ms, WORKER_DELAY, rest, past, attempt, number, line)
    rare_of(record).delay_until_ms = delay_until_ms


def write_children(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the wait for children and the interrupted attempt."""
    rest, past, attempt, number, line = arguments
    write_pause(record, at_ms, WAITING_CHILDREN, rest, past, attempt, number, line)
    rare_of(record).blocking_reason = WAITING_FOR_CHILDREN


def promote(record: Execution, now: int) -> Change:
    """Decide that the children are done; lifts nothing else (D-33)."""
    if record.phase not in RUNNABLE:
        raise NotRunnable("the execution is active or has ended")
    if record.phase is not BLOCKED or not record.waits_for_children:
        raise NotBlockedByDeps("the execution does not wait for children")
    return (_CHILDREN_DONE, write_promotion, record, now, (), NONE_SET)


def write_promotion(record: Execution, at_ms: int, _arguments: Arguments) -> None:
    """Store that it waits for a worker again."""
    rare_of(record).blocking_reason = None
    move(record, at_ms)


def become_due(record: Execution, now: int) -> Change:
    """Decide the end of a delay."""
    return (_BECAME_DUE, write_due, record, now, (), NONE_SET)


def write_due(record: Execution, at_ms: int, _arguments: Arguments) -> None:
    """Store that it waits for a worker; what its next attempt is stays as it was."""
    rare = rare_of(record)
    rare.delay_until_ms = None
    rare.blocking_reason = None
    move(record, at_ms)
