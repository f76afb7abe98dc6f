"""After the end: a new life, or none (SPEC 5, D-17, reference 10)."""

from __future__ import annotations

from grantcore.model import events
from grantcore.model.errors import ExecutionNotTerminal, MaxReplaysExhausted
from grantcore.model.past import note, past_of
from grantcore.model.phases import ELIGIBLE, TERMINAL
from grantcore.model.records import NO_CARGO, NOTHING, REPLAY, Execution, Rare, Store, cargo_of
from grantcore.model.time import NEVER
from grantcore.model.views import LeaseEvent
from grantcore.rules.change import ASK, NONE_SET, Arguments, Change, move, step


def replay(record: Execution, now: int, requested_by: str, reason: str, deadline_at_ms: int | None) -> Change:
    """Decide a new life: counts, marks, result, progress and deadline are gone; epoch and attempts go on."""
    if record.phase not in TERMINAL:
        raise ExecutionNotTerminal("only an ended execution is replayed")
    past = past_of(record)
    if past.replay_count >= record.spec.policy.max_replay_count:
        raise MaxReplaysExhausted("the policy allows no further replay")
    count = past.replay_count + 1
    line = LeaseEvent(
        event="replay_initiated",
        at_ms=now,
        replay_count=count,
        replay_type="normal",
        reason=reason or None,
        requested_by=requested_by or None,
    )
    told = (requested_by, reason, deadline_at_ms)
    life = _new_life(record, now, requested_by, reason, deadline_at_ms)
    replayed = step(events.Replayed, record.phase, ELIGIBLE)
    return (replayed, write_replay, record, now, (*told, past, past.noted, line, count, life), ASK)


def _new_life(
    record: Execution, now: int, requested_by: str, reason: str, deadline_at_ms: int | None
) -> Rare:
    """What stays of the rare part, with the lineage of the next attempt (D-17)."""
    old = record.rare or NOTHING
    return Rare(
        last_capability_mismatch_at_ms=old.last_capability_mismatch_at_ms,
        deadline_at_ms=deadline_at_ms,
        deadline_due_ms=NEVER if deadline_at_ms is None else max(deadline_at_ms, now),
        pending_replay_reason=reason or None,
        pending_replay_requested_by=requested_by or None,
        pending_previous_attempt_index=record.attempt_count - 1 if record.attempt_count else None,
    )


def write_replay(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the new life."""
    _requested_by, _reason, _deadline_at_ms, past, number, line, replay_count, rare = arguments
    past.replay_count = replay_count
    past.retry_count = past.reclaim_count = 0
    past.started_at_ms = None
    note(past, number, line)
    record.past = past
    record.rare = rare
    payload, _result, tags = record.cargo or NO_CARGO
    record.cargo = cargo_of(payload, None, tags)
    record.origin = REPLAY
    move(record, at_ms)


def purge(record: Execution, now: int, store: Store) -> Change:
    """Decide to forget an ended execution; its epoch is never issued again for any id (SPEC 11)."""
    if record.phase not in TERMINAL:
        raise ExecutionNotTerminal("only an ended execution is purged")
    floor = max(store.epoch_floor, record.lease_epoch)
    return (step(events.Purged, record.phase, None), write_purge, record, now, (floor, store), NONE_SET)


def write_purge(record: Execution, _at_ms: int, arguments: Arguments) -> None:
    """Take the record out of the store."""
    floor, store = arguments
    store.epoch_floor = floor
    store.records.pop(record.execution_id, None)
