"""When time will next change an execution, and how (SPEC 3).

The record itself says it: there is no second book. Deadlines at one instant come in the order of their
kinds (``EXECUTION`` first), then by id.
"""

from __future__ import annotations

from typing import Final

from grantcore.model.grants import EXPIRES_AT_MS
from grantcore.model.phases import ACTIVE, DELAYED, LEASED, SUSPENDED, TERMINAL
from grantcore.model.records import Execution, Rare
from grantcore.model.time import MAX_MS, NEVER

EXECUTION: Final = 0
ATTEMPT: Final = 1
SUSPENSION: Final = 2
LEASE: Final = 3
GRANT: Final = 4
DELAY: Final = 5
WORKER: Final = 6
RETENTION: Final = 7
NONE: Final = 8
STAGED: Final = -1
"""Not a deadline: a mark of the time index for one that it has still to look up."""

Due = tuple[int, int]
"""An instant, and which of these it ends. Plain numbers: nothing for the garbage collector to look at."""


def due_of(record: Execution, retention_ms: int) -> Due:
    """The first deadline of a record: its instant, which is also its stamp, and what it ends. O(1).

    Args:
        record: the execution.
        retention_ms: how long one that has ended is kept; NEVER if for ever.
    """
    phase = record.phase
    if phase is LEASED:
        due = (record.expires_at_ms, LEASE)
    elif phase in TERMINAL:
        due_ms = record.last_transition_at_ms + retention_ms
        return (due_ms, RETENTION) if due_ms <= MAX_MS else (NEVER, NONE)
    elif record.grant is not None:
        due = (record.grant[EXPIRES_AT_MS], GRANT)
    elif phase is DELAYED:
        due = (delay_due_ms(record), DELAY)
    elif phase is SUSPENDED:
        due = (suspension_due_ms(record), SUSPENSION)
    else:
        due = (NEVER, NONE)
    return due if record.rare is None else _earliest(due, record, record.rare)


def delay_due_ms(record: Execution) -> int:
    """When a DELAYED execution is due: its instant, or that of the call that set it, if later."""
    assert record.rare is not None
    assert record.rare.delay_until_ms is not None
    return max(record.rare.delay_until_ms, record.last_transition_at_ms)


def suspension_due_ms(record: Execution) -> int:
    """When a suspension times out: its instant, or that of the call that set it, if later.

    NEVER if it has no timeout.
    """
    assert record.rare is not None
    timeout_at_ms = record.rare.suspension_timeout_at_ms
    return NEVER if timeout_at_ms is None else max(timeout_at_ms, record.last_transition_at_ms)


def _earliest(due: Due, record: Execution, rare: Rare) -> Due:
    due = min(due, (rare.deadline_due_ms, EXECUTION))
    return min(due, (rare.attempt_timeout_at_ms, ATTEMPT)) if record.phase in ACTIVE else due
