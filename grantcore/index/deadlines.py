"""What time will change next: one entry per record, however many deadlines it has.

The record itself knows its first deadline (``model/deadlines.py``); an entry only says *look at this
record at the latest then*. So a deadline that moves away, as a renewed lease's does, costs nothing: the
entry is a lower bound, and is moved when its time comes. A deadline that comes nearer adds a nearer
entry. ``record.filed_ms`` and ``filed_as`` name the one entry that counts; others are unconfirmed.

A newcomer is only *staged*, in a plain list: most executions end before anybody asks what is due, and
those cost one append. Who asks settles the list first; then records lie in buckets of 64 ms, as they come.
The bucket at the head is sorted by (instant, kind, id), the exact order of SPEC 3; most come in that order.
What is filed there after that is *late*, and waits in a small heap beside.

A sorted entry is the record itself: objects made for the million leases of a great stall would be as many
for the garbage collector to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import islice
from operator import attrgetter
from typing import Final, Protocol, TypeAlias, cast

from sortedcontainers import SortedDict

from grantcore.index.lazy import room
from grantcore.model.deadlines import LEASE, NONE, STAGED, Due, due_of
from grantcore.model.phases import LEASED, SUCCEEDED
from grantcore.model.records import Execution
from grantcore.model.time import NEVER

BUCKET_BITS: Final = 6

Place = tuple[int, int, str]
"""Instant, kind, id: what the head is ordered by."""

_place: Final[Callable[[Execution], Place]] = attrgetter("filed_ms", "filed_as", "execution_id")
_FROM_LAST: Final = (attrgetter("execution_id"), attrgetter("filed_as"), attrgetter("filed_ms"))


Bucket: TypeAlias = "list[Execution] | Head"
"""The records that are filed under one span, as they came, or in order: the head."""


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


def _in_order(records: list[Execution]) -> bool:
    """Whether each comes after the one before: :data:`_place`, without an object for each."""
    at_ms, kind, last_id = 0, 0, ""
    for record in records:
        if record.filed_ms != at_ms or record.filed_as != kind:
            if record.filed_ms < at_ms or (record.filed_ms == at_ms and record.filed_as < kind):
                return False
            at_ms, kind = record.filed_ms, record.filed_as
        elif record.execution_id < last_id:
            return False
        last_id = record.execution_id
    return True


class Head:
    """The records that are filed under the soonest span, or what was the soonest until another came.

    An entry counts if its record is filed where it stands. A sorted one does not tell where that was: it
    counts if its record is filed in this span, and not late.
    """

    __slots__ = ("_heap", "_late", "_sorted", "filed", "key", "last_ms", "unsorted")

    def __init__(self, key: int) -> None:
        self.key = key
        """The instants of the span, without their last bits."""
        self.last_ms = (key + 1 << BUCKET_BITS) - 1
        self.unsorted: list[Execution] = []
        """As they came."""
        self._sorted: list[Execution] = []
        """Soonest last."""
        self._late: dict[str, Execution] = {}
        self._heap: list[Place] = []
        """Of those that are late."""
        self.filed = 0
        """How many were ever sorted, or late."""

    def __iter__(self) -> Iterator[Execution]:
        """All records with an entry here, whether it counts or not."""
        yield from self.unsorted
        yield from self._sorted
        yield from (self._late[execution_id] for _, _, execution_id in self._heap)

    def sort(self) -> None:
        """Give the unsorted their places. O(k) if they came in order, else O(k log k)."""
        records, self.unsorted = self.unsorted, []
        self.filed += len(records)
        if self._sorted or self._heap:
            for record in records:
                if record.filed_ms >> BUCKET_BITS == self.key:
                    self._late[record.execution_id] = record
                    heappush(self._heap, _place(record))
            return
        if not _in_order(records):
            records = [record for record in records if record.filed_ms >> BUCKET_BITS == self.key]
            for part in _FROM_LAST:  # a stable sort by each part is one by the whole place
                records.sort(key=part)
        records.reverse()
        self._sorted = records
        self._late = {}

    def first(self) -> Execution | None:
        """The record of the soonest entry that counts; those before it are forgotten. All are sorted."""
        records, late, heap = self._sorted, self._late, self._heap
        while records and (
            records[-1].filed_ms >> BUCKET_BITS != self.key or records[-1].execution_id in late
        ):
            records.pop()
        while heap and _place(late[heap[0][2]]) != heap[0]:
            heappop(heap)
        if heap and (not records or heap[0] < _place(records[-1])):
            return late[heap[0][2]]
        return records[-1] if records else None

    def soonest(self, limit: int) -> Iterable[Execution]:
        """The records of so many entries, soonest first, whether they count or not; none if some are late."""
        return () if self._heap else islice(reversed(self._sorted), limit)

    def forget(self, count: int) -> None:
        """Forget the first of what :meth:`soonest` gave."""
        del self._sorted[-count:]


class Deadlines:
    """The time index of all executions."""

    __slots__ = ("_buckets", "_records", "_retention_ms", "entries", "head", "next_ms", "staged")

    def __init__(self, records: Mapping[str, Execution], retention_ms: int) -> None:
        self._records = records
        self._retention_ms = retention_ms
        self._buckets = _new_buckets()
        self.head = Head(NEVER)
        """Of the soonest span; an empty one if there is none."""
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
            record = self._first_of(self.head)
            if record is not None:
                self.next_ms = record.filed_ms
                return record
            self._drop_head()
        self.next_ms = NEVER
        return None

    def _drop_head(self) -> None:
        """Let the next bucket be the head."""
        self.entries -= self.head.filed
        del self._buckets[self.head.key]
        if not self._buckets:
            self.head = Head(NEVER)
            return
        key, bucket = self._buckets.peekitem(0)
        if isinstance(bucket, Head):
            self.head = bucket
        else:
            self._buckets[key] = self.head = Head(key)
            self.head.unsorted = bucket

    def _settle(self) -> None:
        """Put the staged records where their deadlines are by now."""
        staged, self.staged = self.staged, []
        self._move(staged)
        self.tidy()

    def _first_of(self, head: Head) -> Execution | None:
        """The soonest record of the head, moving on those that have become later."""
        while True:
            if head.unsorted:
                self._sort(head)
            record = head.first()
            if record is None or due_of(record, self._retention_ms) == (record.filed_ms, record.filed_as):
                return record
            self._move([record])

    def _sort(self, head: Head) -> None:
        """Sort the head, without those that have become later."""
        retention_ms = self._retention_ms
        later: list[Execution] = []
        for record in head.unsorted:
            if record.filed_ms == record.expires_at_ms and record.phase is LEASED and record.rare is None:
                continue  # most, after a stall
            filed = (record.filed_ms, record.filed_as)
            if filed[0] >> BUCKET_BITS == head.key and filed != due_of(record, retention_ms):
                later.append(record)
        self._move(later)
        head.sort()

    def _move(self, records: list[Execution]) -> None:
        """File records under the deadlines they have now. They come in runs: the last bucket is at hand."""
        retention_ms = self._retention_ms
        key, none = -1, 0
        filed: list[Execution] = []
        for record in records:
            phase = record.phase
            if phase is LEASED and record.rare is None:
                record.filed_ms = due_ms = record.expires_at_ms
                record.filed_as = LEASE
            elif phase is SUCCEEDED and retention_ms == NEVER:
                record.filed_ms = due_ms = NEVER
                record.filed_as = NONE
            elif phase is not None:
                record.filed_ms, record.filed_as = due_ms, _ = due_of(record, retention_ms)
            else:
                due_ms = NEVER
            if due_ms >> BUCKET_BITS != key:
                if due_ms == NEVER:
                    none += 1
                    continue
                key = due_ms >> BUCKET_BITS
                filed = self._filed(key)
            filed.append(record)
        self.entries += len(records) - none

    def _filed(self, key: int) -> list[Execution]:
        """Those that are filed under a span and not sorted; a bucket is made if there is none."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if key < self.head.key:
                self._buckets[key] = self.head = Head(key)
                return self.head.unsorted
            bucket = self._buckets[key] = []
        return bucket.unsorted if isinstance(bucket, Head) else bucket

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
        self.head = Head(NEVER)
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
