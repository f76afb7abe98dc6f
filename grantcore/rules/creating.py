"""Creating an execution, its priority and its tags (reference 3, 9.3, 9.4)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from grantcore.model import events
from grantcore.model.errors import ExecutionNotEligible
from grantcore.model.phases import DELAYED, ELIGIBLE
from grantcore.model.records import NO_TAGS, Execution, Key, Rare, Spec, Store, rare_of
from grantcore.model.time import NEVER
from grantcore.rules.change import Change, touch

MAX_PRIORITY: Final = 9000


def clamp(priority: int) -> int:
    """Bring a priority into 0..9000 (SPEC 7)."""
    return min(max(priority, 0), MAX_PRIORITY)


def create(
    store: Store,
    now: int,
    spec: Spec,
    execution_id: str,
    priority: int,
    *,
    delay_until_ms: int | None = None,
    deadline_at_ms: int | None = None,
    payload: bytes | None = None,
    tags: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
    key_expires_at_ms: int | None = None,
) -> Change:
    """Decide the first record of an execution: delayed if the delay is still to come (D-13)."""
    delayed = delay_until_ms is not None and delay_until_ms > now
    record = Execution(execution_id, spec, None, clamp(priority), now, now, now)
    if payload or tags or delayed or deadline_at_ms is not None:
        record.rare = Rare(
            payload=payload,
            delay_until_ms=delay_until_ms if delayed else None,
            deadline_at_ms=deadline_at_ms,
            deadline_due_ms=NEVER if deadline_at_ms is None else max(deadline_at_ms, now),
        )
        if tags:
            record.rare.tags = tags
    told = (
        spec.namespace,
        spec.execution_kind,
        spec.creator_identity,
        record.priority,
        spec.required,
        spec.policy,
        payload,
        tags or NO_TAGS,
        delay_until_ms,
        deadline_at_ms,
        idempotency_key,
        key_expires_at_ms,
        spec.quota_policy_id,
        spec.budget_ids,
    )
    return (
        events.Created,
        DELAYED if delayed else ELIGIBLE,
        write_creation,
        record,
        now,
        told,
        (store,),
    )


def write_creation(record: Execution, _at_ms: int, *told: object) -> None:
    """Put the record into the store, and its key beside it."""
    store, key, expires_at_ms = told[-1], told[10], told[11]
    assert type(store) is Store
    if type(key) is str and type(expires_at_ms) is int:
        store.keys[record.spec.namespace, key] = Key(record.execution_id, expires_at_ms)
    store.records[record.execution_id] = record


def change_priority(record: Execution, now: int, priority: int) -> Change:
    """Decide a new place in the queue; only while ELIGIBLE, on purpose."""
    if record.phase is not ELIGIBLE:
        raise ExecutionNotEligible("the priority of a waiting execution can change, of no other")
    told = (record.priority, clamp(priority))
    return (events.PriorityChanged, ELIGIBLE, write_priority, record, now, told, ())


def write_priority(record: Execution, at_ms: int, _old: int, new: int) -> None:
    """Store the new priority."""
    record.priority = new
    touch(record, at_ms)


def set_tags(record: Execution, now: int, tags: Mapping[str, str]) -> Change:
    """Decide the merged tags."""
    old = record.rare.tags if record.rare else {}
    merged = MappingProxyType({**old, **tags})
    return (events.TagsChanged, record.phase, write_tags, record, now, (tags,), (merged,))


def write_tags(record: Execution, at_ms: int, _tags: object, merged: Mapping[str, str]) -> None:
    """Store the merged tags."""
    rare_of(record).tags = merged
    touch(record, at_ms)
