"""The engine: its calls about time, observers and the whole state; the rest is in its bases."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from grantcore.engine import checking, explaining, snapshots
from grantcore.engine.batches import Batches
from grantcore.engine.clocks import Clock
from grantcore.engine.core import TIDYING
from grantcore.engine.lanes import Lanes
from grantcore.engine.looking import Looking
from grantcore.engine.metering import Metering
from grantcore.engine.observers import Subscription
from grantcore.engine.operator import Operator
from grantcore.engine.suspensions import Suspensions
from grantcore.engine.workers import Workers
from grantcore.model import checks
from grantcore.model.config import EngineConfig
from grantcore.model.errors import GrantError, InvariantBroken, SnapshotInvalid, invalid
from grantcore.model.events import Event
from grantcore.model.ids import IdSource
from grantcore.model.leases import MAX_EPOCH
from grantcore.model.outcomes import AdvanceReport, EngineStats
from grantcore.model.past import trim
from grantcore.model.phases import ACTIVE
from grantcore.model.records import Store, spec_fields
from grantcore.model.time import NEVER
from grantcore.model.values import FrozenDict

MAX_SLICE = 2**31 - 1


def _report(wrong: Iterable[str]) -> None:
    found = list(wrong)
    if found:
        raise InvariantBroken(f"please report this: {'; '.join(found[:10])}")


class GrantEngine(Batches, Suspensions, Looking, Workers, Metering, Lanes):
    """An embedded grant engine: executions, leases and grants in memory, ended on time, fenced.

    Every call reads the clock once, applies what is due by then, decides, and either changes
    everything it promises or nothing. One re-entrant lock makes it thread-safe. An engine belongs to the
    process that built it.

    >>> from grantcore import GrantEngine, IssueClaimGrantRequest, ManualClock
    >>> engine = GrantEngine(clock=ManualClock())
    >>> engine.create_execution(lane_id="main", execution_id="job-1")
    Created(execution_id='job-1', public_state='waiting')
    >>> request = IssueClaimGrantRequest(
    ...     worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=1000)
    >>> grant = engine.issue_claim_grant("job-1", request)
    >>> lease = engine.take(grant, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=5000)
    >>> engine.complete_execution(lease)
    Completed(execution_id='job-1')
    """

    # -- time ----------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """The present instant in milliseconds, as this engine sees it: it never goes back (I-51). O(1)."""
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            return self._begin()
        finally:
            lock.release()

    def advance(self, *, limit: int | None = None) -> AdvanceReport:
        """Apply what is due, ahead of the next call; at most ``limit`` lapses, so that pauses are bounded.

        Each lapse is a commit of its own; slices change neither order nor stamps nor events (I-48).

        Args:
            limit: 1..2**31-1, or None for all.

        Returns:
            How many lapses were applied, and whether more are due.

        Raises:
            InvalidInput: ``limit`` is malformed.

        O(due · log n); O(1) when nothing is due. SPEC 3.
        """
        if limit is not None:
            checks.integer("limit", limit, 1, MAX_SLICE)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            lapsed, now = self._begin_slice(limit)
            return AdvanceReport(lapsed, more=now >= self._deadlines.next_ms and self._next_deadline() <= now)
        finally:
            lock.release()

    def next_deadline_ms(self) -> int | None:
        """The earliest instant at which something changes if no call comes; None if nothing is pending.

        The opening of a closed shelf on which somebody waits is such a change (SPEC 7). Exact: a host may
        sleep until then. O(1) amortised, and O(shelves with a quota or budgets). SPEC 3.
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            next_ms = min(self._next_deadline(), explaining.next_opening_ms(self, now))
            return None if next_ms == NEVER else next_ms
        finally:
            lock.release()

    def _next_deadline(self) -> int:
        self._pending = TIDYING
        self._indexes.first()
        self._pending = None
        return self._deadlines.next_ms

    # -- power and observation -----------------------------------------------------------------

    def operator(self, identity: str) -> Operator:
        """The powers that override, exercised as ``identity`` (1..256 bytes, no blanks).

        Raises:
            InvalidInput: the identity is malformed.

        O(1). SPEC 9.
        """
        operator = Operator(self, identity)
        if self._lock._is_owned():
            self._refuse_entry()
        return operator

    def subscribe(self, observer: Callable[[Event], None]) -> Subscription:
        """Have every later event told to ``observer``, in order, before the call that caused it returns.

        It runs under the engine's lock and must be quick; a call to the engine from it gets
        ``Reentrant``. Its ``Exception`` is logged and changes nothing; a ``BaseException`` passes on.

        Args:
            observer: called with each event.

        Raises:
            InvalidInput: it cannot be called.

        O(subscriptions). SPEC 10.
        """
        if not callable(observer):
            raise invalid("observer", "a callable that takes an event")
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            if self._pending is not None:
                self._recover(self._pending)
            subscription = Subscription(observer, self._store.sequence, self._notice_closing)
            self._plain_ids = None
            self._subscriptions = (*self._subscriptions, subscription)
            return subscription
        finally:
            lock.release()

    def _attempt_deadline_ms(self, execution_id: str) -> int | None:
        """When the attempt times out; not public, for the conformance runner (index attempt_timeout)."""
        record = self._find(execution_id)
        ends = record.rare.attempt_timeout_at_ms if record.rare and record.phase in ACTIVE else NEVER
        return None if ends == NEVER else ends

    def stats(self) -> EngineStats:
        """Counts of this instant. O(1)."""
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            self._begin()
            indexes = self._indexes
            return EngineStats(
                executions_by_phase=FrozenDict(indexes.counts.by_phase()),
                live_grants=indexes.live_grants,
                current_leases=indexes.counts.leased,
                waiting_for_reclaim=indexes.waiting_for_reclaim,
                live_workers=len(self._store.workers),
                events=self._store.sequence,
                clock_clamped=self._clock_clamped,
            )
        finally:
            lock.release()

    # -- whole state ---------------------------------------------------------------------------

    def check(self) -> None:
        """Check every invariant on the whole state.

        Raises:
            InvariantBroken: names the first ten that do not hold; please report it.

        O(n log n). invariants.md, those marked S.
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            self._pending = TIDYING
            self._indexes.waiting.settle()
            self._pending = None
            self._check(now)
        finally:
            lock.release()

    def _check(self, now: int) -> None:
        _report(checking.broken(self._store, self._indexes, now, self._config.lease_history_limit))

    def digest(self) -> str:
        """SHA-256 of the state: the same state gives the same digest in any process, on any Python.

        O(n log n). SPEC 9.
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            return snapshots.digest(snapshots.document(self._store, self._begin()))
        finally:
            lock.release()

    def snapshot(self) -> bytes:
        """The whole state as bytes, for :meth:`restore`. O(n log n). SPEC 9."""
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            state = snapshots.document(self._store, self._begin())
            about = {
                "clock_clamped": self._clock_clamped,
                "incarnation": self._incarnation,
                "last_ms": self._last_ms,
            }
            return snapshots.pack(state, about)
        finally:
            lock.release()

    @classmethod
    def restore(
        cls,
        data: bytes,
        *,
        clock: Clock | None = None,
        ids: IdSource | None = None,
        config: EngineConfig = EngineConfig(),  # noqa: B008 - frozen
        epoch_floor: int = 0,
    ) -> GrantEngine:
        """Build an engine from a snapshot: records, leases and grants are as they were.

        Time passed meanwhile lapses at the first call. Ids are minted under a new nonce.

        Args:
            data: what :meth:`snapshot` gave; untrusted.
            clock: as for a new engine.
            ids: as for a new engine.
            config: as for a new engine.
            epoch_floor: an epoch that was seen outside; every later one is above it. The snapshot's own
                floor is that of the executions it no longer has: those of new executions are above it.

        Raises:
            SnapshotInvalid: the bytes are damaged, of another format, or break an invariant.
            InvalidInput: another argument is malformed.

        O(n log n). SPEC 9, 11; I-43.
        """
        checks.integer("epoch_floor", epoch_floor, 0, MAX_EPOCH)
        engine = cls(clock=clock, ids=ids, config=config)
        store, about = snapshots.unpack(data)
        store.epoch_floor = max(store.epoch_floor, epoch_floor)
        store.restored_floor = max(store.restored_floor, epoch_floor)
        engine._adopt(store, about)
        return engine

    def _adopt(self, store: Store, about: dict[str, int]) -> None:
        """Take over a restored store, if every invariant holds at the snapshot's own instant."""
        self._keep(store)
        self._specs = {spec_fields(record.spec): record.spec for record in store.records.values()}
        self._last_ms = about["last_ms"]
        self._clock_clamped = about["clock_clamped"]
        self._incarnation = about["incarnation"] + 1
        try:
            for record in store.records.values():
                past = record.past
                if past is not None and past.noted - past.first == len(past.history):
                    trim(past, self._config.lease_history_limit)
            _report(checking.untrue(store, self._last_ms, self._config.lease_history_limit))
            self._indexes.rebuild()
            self._choose_way()
            _report(checking.astray(store, self._indexes, self._last_ms))
        except (GrantError, AssertionError, LookupError) as error:
            text = str(error)[: snapshots.MAX_DETAIL]
            raise SnapshotInvalid(f"the snapshot breaks an invariant: {text}") from error
