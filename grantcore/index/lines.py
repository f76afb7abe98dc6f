"""A line of executions that wait for one thing: in order, with entries forgotten when they reach the front.

A record is a member of the line that ``record.queued`` names, while it is ``offered``; an entry that is
not confirmed so is stale. Two kinds of line. In a :class:`Line` all have one priority: nearly all arrive in
order, and stand in a deque; strays (retries, priorities that changed, ids that callers brought) in a
sorted list beside it. In an :class:`AgedLine`, of a lane whose executions age, priorities are mixed: one
point of priority weighs as much as so many milliseconds waited, so the order of two never changes with
time (SPEC 7) and their sum is a key that stays as it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import merge
from operator import itemgetter
from typing import Final, Protocol

from sortedcontainers import SortedKeyList

from grantcore.model.phases import LOST
from grantcore.model.records import Execution, Spec

Place = tuple[int, str]
Rank = tuple[int, bool, int, str]


def place(record: Execution) -> Place:
    """The place of a record among those of its priority."""
    return (record.created_at_ms, record.execution_id)


def urgency(record: Execution, aging_ms: int | None) -> int:
    """What comes first in the order of service: least first."""
    if aging_ms is None:
        return -record.priority
    return record.created_at_ms - record.priority * aging_ms


def rank(record: Execution, aging_ms: int | None) -> Rank:
    """The place of a record among all of its lane: total, no ties; lost ones first at equal priority."""
    first = urgency(record, aging_ms)
    return (first, record.phase not in LOST, record.created_at_ms, record.execution_id)


def _before(one: Execution, other: Execution) -> bool:
    """Whether one comes before another of its priority."""
    if one.created_at_ms != other.created_at_ms:
        return one.created_at_ms < other.created_at_ms
    return one.execution_id < other.execution_id


class _Strays(Protocol):
    """The part of ``SortedKeyList`` that is used here; the library ships no types."""

    def add(self, record: Execution) -> None: ...
    def pop(self, index: int) -> Execution: ...
    def __getitem__(self, index: int) -> Execution: ...
    def __iter__(self) -> Iterator[Execution]: ...
    def __len__(self) -> int: ...


class Line:
    """Those of one shelf and one priority."""

    __slots__ = ("arrivals", "names", "priority", "strays")

    def __init__(self, priority: int) -> None:
        self.priority = priority
        self.arrivals: deque[Execution] = deque()
        self.strays: _Strays = SortedKeyList(key=place)
        self.names: list[tuple[Spec, int]] = []
        """What it is found under by whoever knows the spec (``Waiting.lines``)."""

    def add(self, record: Execution) -> bool:
        """Put a record into its place, unless its old entry stands there. O(1) if in order, else O(log n)."""
        if record.queued is self:
            return False
        arrivals = self.arrivals
        if not arrivals or _before(arrivals[-1], record):
            arrivals.append(record)
        else:
            self.strays.add(record)
        record.queued = self
        return True

    def extend(self, records: list[Execution]) -> None:
        """Put records without an entry here into their places. O(1) each if in order, else O(log n)."""
        arrivals = self.arrivals
        newest_ms, newest_id = place(arrivals[-1]) if arrivals else (-1, "")
        for record in records:
            record.queued = self
            created_at_ms = record.created_at_ms
            if created_at_ms > newest_ms or (created_at_ms == newest_ms and record.execution_id > newest_id):
                arrivals.append(record)
                newest_ms, newest_id = created_at_ms, record.execution_id
            else:
                self.strays.add(record)

    def __len__(self) -> int:
        """Entries, confirmed or not."""
        return len(self.arrivals) + len(self.strays)

    def records(self) -> Iterator[Execution]:
        """The record of each entry."""
        yield from self.arrivals
        yield from self.strays

    def members(self) -> Iterator[Execution]:
        """The members in order; one that has two entries is told once."""
        last = None
        for record in merge(self.arrivals, self.strays, key=place):
            if record is not last and record.queued is self and record.offered:
                last = record
                yield record

    def head(self) -> Execution | None:
        """The first member; entries before it are forgotten. O(1) amortised."""
        arrivals, strays = self.arrivals, self.strays
        while arrivals and not self._confirms(arrivals[0]):
            arrivals.popleft()
        while strays and not self._confirms(strays[0]):
            strays.pop(0)
        if arrivals and (not strays or _before(arrivals[0], strays[0])):
            return arrivals[0]
        return strays[0] if strays else None

    def _confirms(self, record: Execution) -> bool:
        """Whether an entry at the front is a member's; one that is not will be dropped."""
        if record.queued is not self:
            return False
        if record.offered:
            return True
        record.queued = None
        return False


_Entry = tuple[Rank, Execution]


class _Entries(Protocol):
    """The part of ``SortedKeyList`` that is used here."""

    def add(self, entry: _Entry) -> None: ...
    def pop(self, index: int) -> _Entry: ...
    def update(self, entries: Iterable[_Entry]) -> None: ...
    def __getitem__(self, index: int) -> _Entry: ...
    def __iter__(self) -> Iterator[_Entry]: ...
    def __len__(self) -> int: ...


_by_rank: Final = itemgetter(0)


class AgedLine:
    """Those of one shelf whose lane lets them age: all priorities, by (urgency, creation, id).

    An entry keeps the rank it was made for: one whose record has changed its priority is stale.
    """

    __slots__ = ("_aging_ms", "_entries")

    def __init__(self, aging_ms: int) -> None:
        self._aging_ms = aging_ms
        self._entries: _Entries = SortedKeyList(key=_by_rank)

    def add(self, record: Execution) -> bool:
        """Put a record into its place; a second entry does no harm. O(log n)."""
        self._entries.add((rank(record, self._aging_ms), record))
        record.queued = self
        return True

    def extend(self, records: list[Execution]) -> None:
        """Put records without an entry here into their places. O(log n) each."""
        self._entries.update((rank(record, self._aging_ms), record) for record in records)
        for record in records:
            record.queued = self

    def __len__(self) -> int:
        """Entries, confirmed or not."""
        return len(self._entries)

    def records(self) -> Iterator[Execution]:
        """The record of each entry."""
        return (record for _, record in self._entries)

    def members(self) -> Iterator[Execution]:
        """The members in order; one that has two entries is told once."""
        last = None
        for entry in self._entries:
            if entry[1] is not last and self._confirms(entry):
                last = entry[1]
                yield last

    def head(self) -> Execution | None:
        """The first member; entries before it are forgotten. O(log n) amortised."""
        entries = self._entries
        while entries and not self._confirms(entries[0]):
            entries.pop(0)
        return entries[0][1] if entries else None

    def _confirms(self, entry: _Entry) -> bool:
        key, record = entry
        return record.queued is self and record.offered and key[0] == urgency(record, self._aging_ms)
