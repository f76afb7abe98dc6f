"""Creating an execution, its priority and its tags (reference 3, 9.3, 9.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grantcore.model import events
from grantcore.model.errors import ExecutionNotEligible
from grantcore.model.phases import DELAYED, ELIGIBLE
from grantcore.model.records import NO_CARGO, TAGS, Cargo, Execution, Key, Rare, Spec, Store, new_execution
from grantcore.model.time import NEVER
from grantcore.model.values import FrozenDict
from grantcore.rules.change import ASK, NONE_SET, Arguments, Change, step, touch

MAX_PRIORITY: Final = 9000

_CREATED: Final = step(events.Created, None, ELIGIBLE)
_CREATED_DELAYED: Final = step(events.Created, None, DELAYED)
_PRIORITY_CHANGED: Final = step(events.PriorityChanged, ELIGIBLE, ELIGIBLE)


NewKey = tuple[tuple[str, str], Key]
"""(namespace, key) and what it answers."""


def clamp(priority: int) -> int:
    """Bring a priority into 0..9000 (SPEC 7)."""
    return min(max(priority, 0), MAX_PRIORITY)


def create(
    store: Store,
    now: int,
    spec: Spec,
    execution_id: str,
    priority: int,
    delay_until_ms: int | None,
    deadline_at_ms: int | None,
    cargo: Cargo | None,
    key: NewKey | None,
) -> Change:
    """Decide the first record of an execution: delayed if the delay is still to come (D-13)."""
    if not 0 <= priority <= MAX_PRIORITY:
        priority = clamp(priority)
    record = new_execution(execution_id, spec, priority, now)
    record.cargo = cargo
    payload, _, tags = cargo or NO_CARGO
    told = (payload, tags, delay_until_ms, deadline_at_ms, key, store)
    if delay_until_ms is None and deadline_at_ms is None:
        return (_CREATED, write_creation, record, now, told, NONE_SET)
    delayed = delay_until_ms is not None and delay_until_ms > now
    record.rare = Rare(
        delay_until_ms=delay_until_ms if delayed else None,
        deadline_at_ms=deadline_at_ms,
        deadline_due_ms=NEVER if deadline_at_ms is None else max(deadline_at_ms, now),
    )
    return (_CREATED_DELAYED if delayed else _CREATED, write_creation, record, now, told, ASK)


def write_creation(record: Execution, _at_ms: int, arguments: Arguments) -> None:
    """Put the record into the store, and its key beside it."""
    _payload, _tags, _delay_until_ms, _deadline_at_ms, key, store = arguments
    if key is not None:
        store.keys[key[0]] = key[1]
    store.records[record.execution_id] = record


def change_priority(record: Execution, now: int, priority: int) -> Change:
    """Decide a new place in the queue; only while ELIGIBLE, on purpose."""
    if record.phase is not ELIGIBLE:
        raise ExecutionNotEligible("the priority of a waiting execution can change, of no other")
    told = (record.priority, clamp(priority))
    return (_PRIORITY_CHANGED, write_priority, record, now, told, NONE_SET)


def write_priority(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the new priority."""
    _old, new = arguments
    record.priority = new
    touch(record, at_ms)


def set_tags(record: Execution, now: int, tags: Mapping[str, str]) -> Change:
    """Decide the merged tags."""
    merged = FrozenDict({**(record.cargo or NO_CARGO)[TAGS], **tags})
    changed = step(events.TagsChanged, record.phase, record.phase)
    return (changed, write_tags, record, now, (tags, merged), NONE_SET)


def write_tags(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the merged tags."""
    _tags, merged = arguments
    payload, result, _ = record.cargo or NO_CARGO
    record.cargo = (payload, result, merged)
    touch(record, at_ms)
