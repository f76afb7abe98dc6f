"""The one flow of a call (style: data flows one way).

    call -> entry -> clock read once -> lapse what is due -> rules decide (no writes)
         -> change committed -> indexes -> event -> observers
                             or refusal: nothing written

Atomicity (SPEC 11, I-41). Truth is the store: records, keys, event number. A commit puts the decided
change into ``_pending``, one store; applies it by stores that may be repeated; moves the indexes; and
clears the slot. A call that finds the slot full was preceded by one that an exception interrupted: it
applies the change to the end, builds all indexes anew, and tells the event that was due, before
anything else. Work on indexes alone fills the slot with :data:`TIDYING`, so that an interrupted
sorted container is rebuilt as well. A journal would be written where the slot is filled.
"""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any, Final

import attrs

from grantcore.engine import processes
from grantcore.engine.clocks import Clock, SystemClock
from grantcore.engine.lapses import lapse_leases
from grantcore.engine.locks import Lock, OwnerMark
from grantcore.engine.observers import Before, Subscription, before, event_of, tell
from grantcore.index.indexes import Indexes
from grantcore.index.tallies import holding
from grantcore.model import checks
from grantcore.model.config import MAX_TTL_MS, EngineConfig
from grantcore.model.deadlines import LEASE, RETENTION
from grantcore.model.errors import (
    ClockError,
    ExecutionNotFound,
    Forked,
    InvariantBroken,
    Reentrant,
    invalid,
)
from grantcore.model.events import (
    Event,
    LaneConfigured,
    WorkerLapsed,
    WorkerMarkedDead,
    WorkerRefreshed,
    WorkerRegistered,
)
from grantcore.model.ids import IdSource, MintedIds
from grantcore.model.lanes import Lane
from grantcore.model.leases import EXECUTION_ID, Held, Lease, named
from grantcore.model.past import trim
from grantcore.model.phases import LEASE_EXPIRED
from grantcore.model.records import Execution, Spec, SpecFields, Store
from grantcore.model.time import MAX_MS, NEVER
from grantcore.model.workers import Registration
from grantcore.rules import registering, replaying
from grantcore.rules.change import ASK, Arguments, Change, Note
from grantcore.rules.lapsing import LAPSES, write_lapse

Pending = tuple["Callable[[Core, int, Any, Any], None]", int, Any, Any]
"""What is in hand: who finishes it after an interruption, its event number, and what else that takes."""


def _finish_change(core: Core, sequence: int, change: Change, told: tuple[str | None, Before | None]) -> None:
    """Finish an interrupted commit: the change to its end, the indexes anew, the event that was due."""
    step, write, record, at_ms, arguments, _ = change
    write(record, at_ms, arguments)
    record.phase = step.target
    core._store.sequence = sequence
    if record.past is not None:
        trim(record.past, core._config.lease_history_limit)
    core._indexes.rebuild()
    operator, was = told
    if was is not None:
        core._tell(event_of(change, sequence, operator, was))


def _finish_note(core: Core, sequence: int, note: Note, operator: str | None) -> None:
    """Finish an interrupted change of something that is no execution."""
    event, told, at_ms, write, arguments = note
    write(*arguments)
    core._store.sequence = sequence
    core._indexes.rebuild()
    core._choose_way()
    if core._subscriptions:
        core._tell(event(sequence, at_ms, operator, *told))


def _finish_lapses(core: Core, sequence: int, run: list[Execution], _nothing: None) -> None:
    """Finish the lapses that an interrupted run has begun."""
    for number, record in enumerate(run, sequence + 1):
        write_lapse(record, record.expires_at_ms, (None, number))
        record.phase = LEASE_EXPIRED
        core._store.sequence = number
    core._indexes.rebuild()


def _finish_tidying(core: Core, _sequence: int, _nothing: None, _more: None) -> None:
    """Build anew what was interrupted while only indexes were at work."""
    core._indexes.rebuild()


TIDYING: Final[Pending] = (_finish_tidying, 0, None, None)

_FAR_MS: Final = MAX_MS - MAX_TTL_MS
"""After this instant a sum may leave the range of instants, which only the general way looks at."""

_ALIVE: Final = frozenset[object]((WorkerRegistered, WorkerRefreshed))
_DEAD: Final = frozenset[object]((WorkerLapsed, WorkerMarkedDead))

MAX_STAGED: Final = 4_096
"""So many new executions are put onto their shelves at once, when time goes on, if nobody looks before."""

_ID_METHODS: Final = ("execution_id", "lease_id", "attempt_id", "suspension_id")

_HERE: Final = str(Path(__file__).parent.parent)


@attrs.define(eq=False)
class Alike:
    """What the last caller of ``create_execution`` gave that executions share, and the spec it led to."""

    lane_id: object
    required_capabilities: object
    namespace: object
    execution_kind: object
    creator_identity: object
    policy: object
    quota_policy_id: object
    budget_ids: object
    spec: Spec = attrs.field(init=False)


class Core:
    """State, entry, time and commit of an engine; the public calls are built on these."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        ids: IdSource | None = None,
        config: EngineConfig = EngineConfig(),  # noqa: B008 - frozen
    ) -> None:
        """Build an empty engine.

        Args:
            clock: gives the present instant in milliseconds; default a new :class:`SystemClock`.
            ids: mints ids; default one with a nonce of its own.
            config: limits.

        Raises:
            InvalidInput: an argument is of a wrong kind.
        """
        if clock is not None and not callable(clock):
            raise invalid("clock", "a callable that gives an int")
        if ids is not None and not all(callable(getattr(ids, name, None)) for name in _ID_METHODS):
            raise invalid("ids", f"a source of ids, with {', '.join(_ID_METHODS)}")
        self._config = checks.instance("config", config, EngineConfig)
        # A bound method is called at half the price of an object.
        source: Any = SystemClock() if clock is None else clock
        self._clock: Clock = source if type(source) is FunctionType else source.__call__
        self._ids: IdSource = MintedIds(secrets.token_hex(10)) if ids is None else ids
        lock = threading.RLock() if config.threadsafe else OwnerMark()
        self._lock: Lock = lock  # type: ignore[assignment]  # its stub keeps quiet about _is_owned
        processes.belongs_here(self)
        self._subscriptions: tuple[Subscription, ...] = ()
        self._plain_ids: MintedIds | None = None
        self._specs: dict[SpecFields, Spec] = {}
        self._alikes: dict[tuple[int, ...], Alike] = {}
        # Like nothing that can be given.
        self._last_alike = Alike(object(), None, None, None, None, None, None, None)
        # What callers gave last and was accepted; it comes again in most calls.
        self._last_request: object = object()
        self._last_worker_id: object = object()
        self._last_instance_id: object = object()
        self._last_ttl_ms: object = object()
        self._keys_limit = 64
        self._last_ms = 0
        self._clock_clamped = 0
        self._incarnation = 0
        self._pending: Pending | None = None
        self._max_lease_ttl_ms = config.max_lease_ttl_ms
        self._is_bounded = config.max_executions is not None
        self._retention_ms = NEVER if config.retention_ms is None else config.retention_ms
        self._keep(Store())
        self._choose_way()

    def _keep(self, store: Store) -> None:
        """Take a store as the truth, with empty indexes."""
        self._store = store
        self._records = store.records
        self._indexes = Indexes(store, self._retention_ms, self._config.max_shelves_per_lane)
        self._deadlines = self._indexes.deadlines

    def _choose_way(self) -> None:
        """Open the plain way (``engine/inner.py``) while nobody observes and the ids are our own."""
        ids = self._ids
        heard = any(not subscription.closed for subscription in self._subscriptions)
        quiet = not heard and not self._indexes.tallies.watching
        is_plain = quiet and self._last_ms <= _FAR_MS
        self._plain_ids = ids if type(ids) is MintedIds and is_plain else None

    # -- entry ---------------------------------------------------------------------------------

    def _refuse_entry(self, depth: int = 1) -> None:
        """Tell why the engine cannot be entered; a lock that was left over is released instead.

        The public call that asks to enter is ``depth`` frames up.
        """
        if self._lock is processes.FOREIGN:
            raise Forked("this engine belongs to the process that built it")
        if _calls(self, sys._getframe(depth)):
            raise Reentrant("the engine was called from inside one of its own calls")
        while self._lock._is_owned():
            self._lock.release()

    def _begin(self) -> int:
        """Start a call, under the lock: read the clock, finish what was interrupted, lapse what is due."""
        clock = self._clock
        try:
            now = clock()
        except Exception as error:
            raise clock_raised() from error
        if now is not self._last_ms or now >= self._deadlines.next_ms or self._pending is not None:
            now = self._catch_up(now)
        return now

    def _catch_up(self, reading: int) -> int:
        """Do what has to be done before a call: most have nothing."""
        if self._pending is not None:
            self._recover(self._pending)
        now = self._accept_reading(reading)
        if now >= self._deadlines.next_ms:
            self._lapse(now)
        if len(self._indexes.waiting.staged) > MAX_STAGED:
            self._pending = TIDYING
            self._indexes.waiting.settle()
            self._pending = None
        return now

    def _begin_slice(self, limit: int | None) -> tuple[int, int]:
        """Start ``advance``: apply at most ``limit`` of what is due; answer how many, and the instant."""
        clock = self._clock
        try:
            now = clock()
        except Exception as error:
            raise clock_raised() from error
        if self._pending is not None:
            self._recover(self._pending)
        now = self._accept_reading(now)
        return (self._lapse(now, limit) if now >= self._deadlines.next_ms else 0), now

    def _accept_reading(self, now: object) -> int:
        """Judge a new reading; one below the last is clamped to it and counted (I-51)."""
        if type(now) is not int or not 0 <= now <= MAX_MS:
            raise ClockError("the clock must give an int in 0..2**53-1")
        if now < self._last_ms:
            self._clock_clamped += 1
        else:
            self._last_ms = now
            if now > _FAR_MS:
                self._choose_way()
        return self._last_ms

    # -- time ----------------------------------------------------------------------------------

    def _lapse(self, now: int, limit: int | None = None) -> int:
        """Apply what is due, in order, each stamped with its own deadline; answer how many."""
        count = 0
        while limit is None or count < limit:
            self._pending = TIDYING
            first = self._indexes.first()
            self._pending = None
            if first is None or self._deadlines.next_ms > now:
                break
            if isinstance(first, Registration):
                self._commit_note(registering.lapse(self._store, first))
                count += 1
            else:
                rest = None if limit is None else limit - count
                count += self._lapse_leases(first, now, rest) or self._lapse_one(first)
        return count

    def _lapse_leases(self, first: Execution, now: int, limit: int | None) -> int:
        """Apply what is due as long as it is plain leases, without a commit for each; answer how many."""
        if first.filed_as != LEASE or self._plain_ids is None:
            return 0
        worker = self._indexes.liveness.first()
        until_ms = now if worker is None else min(now, worker.expires_at_ms)
        run: list[Execution] = []
        self._pending = (_finish_lapses, self._store.sequence, run, None)
        lapse_leases(self._store, self._indexes, run, until_ms, limit)
        self._pending = None
        return len(run)

    def _lapse_one(self, record: Execution) -> int:
        """Apply the deadline that a record is filed under."""
        at_ms, kind = record.filed_ms, record.filed_as
        if kind == RETENTION:
            self._commit(replaying.purge(record, at_ms, self._store))
        else:
            self._commit(LAPSES[kind](record, at_ms, self._store.sequence + 1))
        return 1

    # -- lookup --------------------------------------------------------------------------------

    def _find(self, execution_id: object) -> Execution:
        """The record of an execution; the form of an id is judged when there is none. O(1)."""
        record = self._records.get(execution_id) if type(execution_id) is str else None
        if record is None:
            checks.execution_id(execution_id)
            raise ExecutionNotFound("no execution has this id")
        return record

    def _held_by(self, fence: Held) -> Execution:
        """The record of the execution a fence names. O(1)."""
        if type(fence) is Lease:
            record = self._records.get(fence.tenure[EXECUTION_ID])
            if record is not None:
                return record
        return self._find(named(fence))

    # -- commit --------------------------------------------------------------------------------

    def _commit(self, change: Change, operator: str | None = None) -> None:
        """Make a decided change true. The only place where state changes."""
        step, write, record, at_ms, arguments, soonest = change
        if record.phase is not step.source:
            raise InvariantBroken(f"a change from {step.source} to one in {record.phase}: please report")
        grant = record.grant
        indexes = self._indexes
        tallies = indexes.tallies
        is_counted = tallies.counts(record.spec)
        holder = holding(record) if is_counted else None
        was = before(step, record) if self._subscriptions else None
        store = self._store
        sequence = store.sequence + 1
        self._pending = (_finish_change, sequence, change, (operator, was))
        write(record, at_ms, arguments)
        store.sequence = sequence
        if step.moves:
            record.phase = step.target
            indexes.changed_phase(record, step.source, step.target)
        elif step.reorders:
            indexes.changed_priority(record)
        if record.grant is not grant:
            indexes.changed_grant(record, grant)
        if is_counted:
            tallies.moved(record.spec, holder, holding(record))
        if soonest <= record.filed_ms:
            if soonest == ASK:
                self._deadlines.file(record)
            else:
                self._deadlines.stage(record, soonest)
        if record.past is not None:
            trim(record.past, self._config.lease_history_limit)
        if was is not None:
            self._tell(event_of(change, sequence, operator, was))
        self._pending = None

    def _commit_note(self, note: Note, operator: str | None = None) -> None:
        """Make a decided change of something else than an execution true."""
        event, told, at_ms, write, arguments = note
        store = self._store
        sequence = store.sequence + 1
        self._pending = (_finish_note, sequence, note, operator)
        write(*arguments)
        store.sequence = sequence
        self._follow(event, arguments)
        if self._subscriptions:
            self._tell(event(sequence, at_ms, operator, *told))
        self._pending = None

    def _follow(self, event: object, arguments: Arguments) -> None:
        """Move the indexes after a change of a worker or lane."""
        indexes = self._indexes
        if event in _ALIVE:
            indexes.worker_lives(arguments[1])
        elif event in _DEAD:
            indexes.liveness.remove(arguments[1].worker_instance_id, arguments[1].namespace)
        elif event is LaneConfigured:
            lane: Lane = arguments[0]
            if lane.max_leases is not None:
                indexes.watch()
            indexes.waiting.rearrange(lane.lane_id)
        self._choose_way()

    def _tell(self, event: Event) -> None:
        """Tell the observers; what one of them raises on purpose passes on when the state is whole."""
        raised = tell(self._subscriptions, event)
        for subscription in self._subscriptions:
            if subscription.closed:
                self._drop_closed()
                break
        self._pending = None
        if raised is not None:
            raise raised

    def _drop_closed(self) -> None:
        """Forget the subscriptions that are closed; without any the plain way is open again."""
        self._choose_way()
        self._subscriptions = tuple([s for s in self._subscriptions if not s.closed])

    def _notice_closing(self) -> None:
        """Forget a subscription that has just been closed; while a call is running the next event does that.

        Whoever closes may hold a lock that an observer waits for: so this waits for nobody.
        """
        lock = self._lock
        if lock._is_owned() or not lock.acquire(blocking=False):
            return
        try:
            self._drop_closed()
        finally:
            lock.release()

    def _recover(self, pending: Pending) -> None:
        """Finish an interrupted commit and build anew what is derived; may itself be interrupted. O(n)."""
        finish, sequence, subject, detail = pending
        finish(self, sequence, subject, detail)
        self._pending = None

    def __reduce__(self) -> str | tuple[object, ...]:
        """Refuse to be pickled or copied."""
        raise TypeError("an engine cannot be pickled or copied: use snapshot() and restore()")


def clock_raised() -> ClockError:
    """What is raised from the error of a clock."""
    return ClockError("the clock raised")


def _calls(core: Core, frame: FrameType | None) -> bool:
    """Whether a call of this engine is running on the stack, below the one that asks."""
    frame = frame.f_back if frame else None
    while frame is not None:
        if frame.f_code.co_filename.startswith(_HERE):
            this = frame.f_locals.get("self")
            if this is core or getattr(this, "_engine", None) is core:
                return True
        frame = frame.f_back
    return False
