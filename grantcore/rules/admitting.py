"""Orders: an operator blocks and unblocks a waiting execution (SPEC 5, reference 9.1, 9.2)."""

from __future__ import annotations

from typing import Final

from grantcore.model import events
from grantcore.model.errors import ExecutionNotEligible, InvalidBlockingReason
from grantcore.model.phases import BLOCKED, ELIGIBLE, TERMINAL
from grantcore.model.records import NOTHING, Execution, rare_of
from grantcore.model.vector import ORDERS
from grantcore.rules.change import NONE_SET, Arguments, Change, move, step
from grantcore.rules.fencing import not_active


def block(record: Execution, now: int, reason: str, detail: str) -> Change:
    """Decide to block: only what waits for a worker or is blocked by order already (D-10, D-33)."""
    if record.phase in TERMINAL:
        raise not_active(record)
    if record.phase is not ELIGIBLE and not _blocked_by_order(record):
        raise ExecutionNotEligible("only a waiting execution can be blocked")
    if reason not in ORDERS:
        raise InvalidBlockingReason(f"reason must be one of {', '.join(ORDERS)}")
    blocked = step(events.Blocked, record.phase, BLOCKED)
    return (blocked, write_block, record, now, (reason, detail), NONE_SET)


def write_block(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the order; a live grant is void (D-04)."""
    reason, detail = arguments
    rare = rare_of(record)
    rare.blocking_reason = reason
    rare.blocking_detail = detail
    record.grant = None
    move(record, at_ms)


def unblock(record: Execution, now: int, expected_reason: str | None) -> Change:
    """Decide to lift an order, if it is the expected one."""
    if not _blocked_by_order(record):
        raise ExecutionNotEligible("no order blocks the execution")
    if expected_reason is not None and expected_reason != (record.rare or NOTHING).blocking_reason:
        raise ExecutionNotEligible("another order blocks the execution")
    return (_UNBLOCKED, write_unblock, record, now, (), NONE_SET)


_UNBLOCKED: Final = step(events.Unblocked, BLOCKED, ELIGIBLE)


def write_unblock(record: Execution, at_ms: int, _arguments: Arguments) -> None:
    """Store that it waits for a worker again."""
    rare = rare_of(record)
    rare.blocking_reason = None
    rare.blocking_detail = ""
    move(record, at_ms)


def _blocked_by_order(record: Execution) -> bool:
    return record.phase is BLOCKED and not record.waits_for_children
