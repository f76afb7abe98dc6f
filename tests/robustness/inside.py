"""All that these tests know of the inside of an engine, in one place."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import attrs

import grantcore as gc
from grantcore.engine import snapshots
from grantcore.model.grants import TERMS, WORKER_ID
from grantcore.model.records import Execution, Store, spec_fields


class NoLock:
    """In place of the lock: nothing. The planted race."""

    def acquire(self, *, blocking: bool = True) -> bool:  # noqa: ARG002 - it is none
        return True

    def release(self) -> None:
        return None

    def _is_owned(self) -> bool:
        return False


def has_lock(engine: gc.GrantEngine) -> bool:
    """Whether this thread has the engine's lock, or its mark is set."""
    return engine._lock._is_owned()


def leave_lock(engine: gc.GrantEngine) -> None:
    """Take the lock and leave it so, as an interruption at the wrong place does."""
    engine._lock.acquire()


def remove_lock(engine: gc.GrantEngine) -> None:
    """Plant a race."""
    engine._lock = NoLock()


def is_halfway(engine: gc.GrantEngine) -> bool:
    """Whether a change is in hand that has not been made true to the end, or an index is being tidied."""
    return engine._pending is not None


def set_clock(engine: gc.GrantEngine, clock: Callable[[], int]) -> Callable[[], int]:
    """Give the engine another clock, and answer the one it had."""
    before, engine._clock = engine._clock, clock
    return before


def event_number(engine: gc.GrantEngine) -> int:
    """The number of the last event; nothing lapses for the asking."""
    return engine._store.sequence


def last_reading(engine: gc.GrantEngine) -> int:
    """The instant of the call that is running, or of the last one."""
    return engine._last_ms


def bare_digest(engine: gc.GrantEngine) -> str:
    """The digest of the state as it stands; nothing lapses for the asking."""
    return snapshots.digest(snapshots.document(engine._store, engine._last_ms))


def watch_commits(engine: gc.GrantEngine, noted: Callable[[], None]) -> None:
    """Have ``noted`` called after every commit."""
    inner: Any = engine
    for name in ("_commit", "_commit_note"):
        setattr(inner, name, _watched(getattr(inner, name), noted))


def _watched(commit: Callable[..., None], noted: Callable[[], None]) -> Callable[..., None]:
    def watched(*arguments: object) -> None:
        commit(*arguments)
        noted()

    return watched


def break_record(engine: gc.GrantEngine, execution_id: str) -> None:
    """Make a record impossible."""
    engine._store.records[execution_id].created_at_ms = -1


def something_is_due(engine: gc.GrantEngine, now: int) -> bool:
    """Whether the next call may have something to lapse; nothing lapses for the asking."""
    return now >= engine._deadlines.next_ms


def executions(engine: gc.GrantEngine) -> Mapping[str, Execution]:
    """The records; nothing lapses for the asking."""
    return engine._store.records


def bare_snapshot(engine: gc.GrantEngine) -> bytes:
    """A snapshot of the state as it stands; nothing lapses for the asking."""
    about = {"clock_clamped": engine._clock_clamped, "incarnation": 0, "last_ms": engine._last_ms}
    return snapshots.pack(snapshots.document(engine._store, engine._last_ms), about)


def grantee(record: Execution) -> str:
    """The worker its grant is for."""
    assert record.grant is not None
    return record.grant[TERMS][WORKER_ID]


def copied(engine: gc.GrantEngine, clock: Callable[[], int], config: gc.EngineConfig) -> gc.GrantEngine:
    """A restored engine in the same state; nothing lapses for the asking."""
    return gc.GrantEngine.restore(bare_snapshot(engine), clock=clock, config=config)


_APART = frozenset({"spec", "filed_ms", "filed_as", "queued"})
_kept = operator.attrgetter(*(each.name for each in attrs.fields(Execution) if each.name not in _APART))


def truth(engine: gc.GrantEngine) -> list[object]:
    """What everything else is derived from: the store, its records without the marks of the indexes."""
    store = engine._store
    records = [[*_kept(record), *spec_fields(record.spec)] for record in store.records.values()]
    others = [getattr(store, each.name) for each in attrs.fields(Store) if each.name != "records"]
    return [records, list(store.records), *others]


def is_at_rest(engine: gc.GrantEngine) -> bool:
    """Whether nothing is in hand and nobody has the lock."""
    return engine._pending is None and not has_lock(engine)
