"""All indexes and counts of one engine, moved together where a change is committed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grantcore.index.counts import Counts
from grantcore.index.deadlines import Deadlines
from grantcore.index.holders import Holders
from grantcore.index.liveness import Liveness
from grantcore.index.rolls import Losses, Roll
from grantcore.index.tallies import Tallies, counted, has_ceiling
from grantcore.index.waiting import Waiting
from grantcore.model.deadlines import NONE, WORKER
from grantcore.model.phases import LEASED, LOST, OFFERED, Phase
from grantcore.model.records import Execution, Store
from grantcore.model.workers import Registration


class Indexes:
    """Everything that can be computed from the records, kept at hand."""

    __slots__ = (
        "_records",
        "_store",
        "counts",
        "deadlines",
        "holders",
        "live_grants",
        "liveness",
        "losses",
        "roll",
        "tallies",
        "waiting",
    )

    def __init__(self, store: Store, retention_ms: int, max_shelves: int) -> None:
        self._store = store
        self._records = records = store.records
        self.deadlines = Deadlines(records, retention_ms)
        self.waiting = Waiting(records, max_shelves)
        self.holders = Holders(records)
        self.losses = Losses()
        self.roll = Roll(records)
        self.counts = Counts(records)
        self.live_grants = 0
        self.liveness = Liveness(store.workers)
        self.tallies = Tallies(self.liveness)

    def changed_phase(self, record: Execution, source: Phase | None, target: Phase | None) -> None:
        """Follow a record from one phase to another. O(1) amortised."""
        if source is not None:
            self.counts.add(source, -1)
        if target is None:
            self._forget(record)
            return
        self.counts.add(target, 1)
        if target is LEASED:
            self.holders.add(record)
        elif target in OFFERED:
            self.waiting.offer(record)
            if target in LOST:
                self.losses.add(record)
        if source in LOST:
            self.losses.tidy(self.waiting_for_reclaim)

    def lapsed(self, records: Sequence[Execution], alike: Iterable[list[Execution]]) -> None:
        """Follow the soonest leases of the head, which have lapsed: in order, and those that stand alike."""
        count = len(records)
        self.deadlines.head.forget(count)
        self.counts.leased -= count
        self.counts.lease_expired += count
        self.losses.extend(records)
        self.waiting.offer_alike(alike)

    def changed_grant(self, record: Execution, before: object) -> None:
        """Follow a grant that came or went; without one the record is offered again (I-20)."""
        if before is None:
            self.live_grants += 1
            return
        self.live_grants -= 1
        if record.phase in OFFERED:
            self.waiting.offer(record)

    def changed_priority(self, record: Execution) -> None:
        """Follow a record to its new place; a granted one has none."""
        if record.offered:
            self.waiting.offer(record)

    # -- what is no execution ------------------------------------------------------------------

    def first(self) -> Execution | Registration | None:
        """What lapses first of all, and ``deadlines.next_ms`` exactly. O(1) amortised."""
        record, worker = self.deadlines.first(), self.liveness.first()
        if worker is None or (
            record is not None and (record.filed_ms, record.filed_as) < (worker.expires_at_ms, WORKER)
        ):
            return record
        self.deadlines.next_ms = worker.expires_at_ms
        return worker

    def worker_lives(self, worker: Registration) -> None:
        """Follow a registration or a heartbeat."""
        self.liveness.add(worker)
        self.deadlines.next_ms = min(self.deadlines.next_ms, worker.expires_at_ms)
        if worker.max_leases is not None:
            self.watch()

    def watch(self) -> None:
        """Count what lanes and worker instances hold, from now on. O(n) the first time."""
        if not self.tallies.watching:
            self.tallies = counted(self._records.values(), self.liveness, watching=True)

    def _forget(self, record: Execution) -> None:
        """Leave only unconfirmed entries of a purged record, and not too many."""
        record.filed_ms = -1
        record.filed_as = NONE
        self.roll.tidy()
        self.deadlines.tidy()
        self.waiting.tidy()
        self.holders.tidy()

    @property
    def waiting_for_reclaim(self) -> int:
        """How many executions have lost their lease. O(1)."""
        return self.counts.of(LOST)

    def rebuild(self) -> None:
        """Build everything anew from the records; O(n log n)."""
        records = self._records.values()
        self.counts = Counts(self._records)
        self.live_grants = 0
        self.waiting.unmark()
        self.waiting = Waiting(self._records, self.waiting.most)
        for record in records:
            assert record.phase is not None
            self.counts.add(record.phase, 1)
            self.live_grants += record.grant is not None
            record.queued = None
        for record in sorted(records, key=_age):
            if record.offered:
                self.waiting.offer(record)
        self.deadlines.rebuild()
        self.liveness = Liveness(self._store.workers)
        self.deadlines.next_ms = min(self.deadlines.next_ms, self.liveness.next_ms())
        self.tallies = counted(records, self.liveness, watching=has_ceiling(self._store))
        self.holders.rebuild()
        self.losses.rebuild(records)
        self.roll.rebuild()


def _age(record: Execution) -> tuple[int, str]:
    return (record.created_at_ms, record.execution_id)
