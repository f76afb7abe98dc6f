"""What time will change next: one entry per record, however many deadlines it has.

The record itself knows its first deadline (``model/deadlines.py``); an entry only says *look at this
record at the latest then*. So a deadline that moves away, as a renewed lease's does, costs nothing: the
entry is a lower bound, and is moved when its time comes. A deadline that comes nearer adds a nearer
entry. ``record.filed_ms`` and ``filed_as`` name the one entry that counts; others are unconfirmed.

A newcomer is only *staged*, in a plain list: most executions end before anybody asks what is due, and
those cost one append. Who asks settles the list first; then entries lie in buckets of 64 ms. A bucket is
sorted the first time it becomes the head, by (instant, kind, id): the exact order of SPEC 3. What falls
into a bucket after that waits in a small heap beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Final, Protocol, cast

from sortedcontainers import SortedDict

from grantcore.index.lazy import room
from grantcore.model.deadlines import NONE, STAGED, Due, due_of
from grantcore.model.records import Execution
from grantcore.model.time import NEVER

BUCKET_BITS: Final = 6

Entry = tuple[int, int, str, int]
"""Instant, kind, id, and where in its bucket the record is.

Nothing in it is of interest to the garbage collector, which soon stops looking at such a tuple.
"""


class _Buckets(Protocol):
    """The part of ``SortedDict`` that is used here; the library ships no types."""

    def get(self, key: int) -> Bucket | None: ...
    def peekitem(self, index: int) -> tuple[int, Bucket]: ...
    def irange(self, minimum: None, maximum: int) -> Iterator[int]: ...
    def __getitem__(self, key: int) -> Bucket: ...
    def __setitem__(self, key: int, bucket: Bucket) -> None: ...
    def __delitem__(self, key: int) -> None: ...
    def __len__(self) -> int: ...


_new_buckets: Final = cast("Callable[[], _Buckets]", SortedDict)


class Bucket:
    """The records that were filed under one span; once it is the head, entries: ``ready`` and ``fresh``."""

    __slots__ = ("fresh", "ready", "records")

    def __init__(self) -> None:
        self.records: list[Execution] = []
        self.ready: list[Entry] | None = None
        """Soonest last; None until it is the head."""
        self.fresh: list[Entry] = []
        """A heap of those that came later."""

    def __iter__(self) -> Iterator[Execution]:
        """All records with an entry here, confirmed or not."""
        if self.ready is None:
            return iter(self.records)
        return (self.records[number] for _, _, _, number in (*self.ready, *self.fresh))

    def first(self) -> Entry | None:
        """The soonest entry of a sorted bucket."""
        if self.fresh and (not self.ready or self.fresh[0] < self.ready[-1]):
            return self.fresh[0]
        return self.ready[-1] if self.ready else None

    def drop_first(self) -> None:
        """Forget what :meth:`first` gave."""
        if self.fresh and (not self.ready or self.fresh[0] < self.ready[-1]):
            heappop(self.fresh)
        else:
            assert self.ready
            self.ready.pop()


class Deadlines:
    """The time index of all executions."""

    __slots__ = ("_buckets", "_records", "_retention_ms", "entries", "next_ms", "staged")

    def __init__(self, records: Mapping[str, Execution], retention_ms: int) -> None:
        self._records = records
        self._retention_ms = retention_ms
        self._buckets = _new_buckets()
        self.entries = 0
        """How many records the buckets hold; those that have gone are counted until their bucket goes."""
        self.staged: list[Execution] = []
        self.next_ms = NEVER
        """Nothing is due before this instant."""

    def due(self, record: Execution) -> Due:
        """The first deadline of a record. O(1)."""
        return due_of(record, self._retention_ms)

    def file(self, record: Execution) -> None:
        """See to it that the record is looked at in time; nothing if it is already. O(1)."""
        due_ms, kind = due_of(record, self._retention_ms)
        if due_ms < record.filed_ms or (due_ms == record.filed_ms != NEVER and kind < record.filed_as):
            self.stage(record, due_ms)

    def stage(self, record: Execution, due_ms: int) -> None:
        """Look at the record at ``due_ms`` at the latest, sooner than before. O(1)."""
        record.filed_ms = due_ms
        if record.filed_as is not STAGED:
            record.filed_as = STAGED
            self.staged.append(record)
        if due_ms < self.next_ms:  # noqa: PLR1730 - a third of the price of min()
            self.next_ms = due_ms

    def first(self) -> Execution | None:
        """The record with the soonest deadline of all, exactly: it is filed under it. Sets ``next_ms``.

        O(1) amortised, O(k log k) per new head.
        """
        while self.staged:
            self._settle()
        while self._buckets:
            key, bucket = self._buckets.peekitem(0)
            record = self._head(key, bucket)
            if record is not None:
                self.next_ms = record.filed_ms
                return record
            self.entries -= len(bucket.records)
            del self._buckets[key]
        self.next_ms = NEVER
        return None

    def head(self) -> Bucket:
        """The bucket where :meth:`first` has just found a record."""
        return self._buckets.peekitem(0)[1]

    def _settle(self) -> None:
        """Put the staged records where their deadlines are by now."""
        staged, self.staged = self.staged, []
        self._move([record for record in staged if record.filed_as is STAGED])
        self.tidy()

    def _head(self, key: int, bucket: Bucket) -> Execution | None:
        """The soonest confirmed record of a bucket, moving on those that have become later."""
        if bucket.ready is None:
            self._sort(key, bucket)
        while (entry := bucket.first()) is not None:
            due_ms, kind, _, number = entry
            record = bucket.records[number]
            confirmed = record.filed_ms == due_ms and record.filed_as == kind
            if confirmed and due_of(record, self._retention_ms) == (due_ms, kind):
                return record
            bucket.drop_first()
            if confirmed:
                self._move([record])
        return None

    def _sort(self, key: int, bucket: Bucket) -> None:
        """Give each record of a bucket that is still due in its span an entry, soonest last.

        What is filed here twice is entered twice, and no longer confirms the second when that is reached.
        """
        retention_ms = self._retention_ms
        ready: list[Entry] = []
        bucket.ready = ready
        later: list[Execution] = []
        for number, record in enumerate(bucket.records):
            if record.filed_ms >> BUCKET_BITS != key:
                continue
            due_ms, kind = due_of(record, retention_ms)
            if due_ms >> BUCKET_BITS == key:
                record.filed_ms = due_ms
                record.filed_as = kind
                ready.append((due_ms, kind, record.execution_id, number))
            else:
                later.append(record)
        self._move(later)
        ready.sort(reverse=True)

    def _move(self, records: Iterable[Execution]) -> None:
        """File records under the deadlines they have now. They come in runs: the last bucket is at hand."""
        retention_ms = self._retention_ms
        run_key, run, filed = -1, Bucket(), 0
        for record in records:
            due_ms, kind = due_of(record, retention_ms)
            record.filed_ms = due_ms
            record.filed_as = kind
            if due_ms == NEVER:
                continue
            if due_ms >> BUCKET_BITS != run_key:
                run_key = due_ms >> BUCKET_BITS
                run = self._bucket(run_key)
            filed += 1
            if run.ready is not None:
                heappush(run.fresh, (due_ms, kind, record.execution_id, len(run.records)))
            run.records.append(record)
        self.entries += filed

    def _bucket(self, key: int) -> Bucket:
        """The bucket of a span, made if it is not there."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket()
        return bucket

    def until(self, instant_ms: int) -> set[Execution]:
        """All records that may have a deadline before ``instant_ms``; O(entries until then)."""
        keys = self._buckets.irange(None, instant_ms >> BUCKET_BITS)
        return {record for key in keys for record in self._buckets[key]}.union(self.staged)

    def tidy(self) -> None:
        """Build anew when unconfirmed entries outnumber the records."""
        if self.entries > room(len(self._records)):
            self.rebuild()

    def rebuild(self) -> None:
        """Build anew from the records; O(n)."""
        self._buckets = _new_buckets()
        self.entries = 0
        self.staged = []
        self.next_ms = NEVER
        for record in self._records.values():
            record.filed_ms = NEVER
            record.filed_as = NONE
            self.file(record)

    def confirmed(self) -> dict[str, int]:
        """Every record with a confirmed entry, and the instant it is filed under: for ``check()``."""
        filed = {
            record.execution_id: record.filed_ms
            for key in self._buckets.irange(None, NEVER)
            for record in self._buckets[key]
            if record.filed_ms >> BUCKET_BITS == key
        }
        filed.update({r.execution_id: r.filed_ms for r in self.staged if r.filed_as is STAGED})
        return filed
