"""Who waits for a worker: one shelf per lane and requirement set, in the order of service.

The order is priority (high first), then creation, then id: total, no ties (I-36). On a shelf there is
one line per priority: arrivals in order, which is nearly all of them, and a sorted list of strays
(retries, priorities that changed, ids that callers brought). Finding work looks at the heads of the
shelves a worker satisfies, so its cost follows the number of distinct shelves, never the queue.

A record is a member while it is ``offered`` and ``record.queued`` names the line's priority.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from heapq import merge
from typing import Protocol

from sortedcontainers import SortedKeyList

from grantcore.index.lazy import room
from grantcore.model.records import Execution, Spec

Place = tuple[int, str]


def place(record: Execution) -> Place:
    """The place of a record among those of its priority."""
    return (record.created_at_ms, record.execution_id)


def rank(record: Execution) -> tuple[int, int, str]:
    """The place of a record among all that wait."""
    return (-record.priority, record.created_at_ms, record.execution_id)


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

    __slots__ = ("arrivals", "priority", "strays")

    def __init__(self, priority: int) -> None:
        self.priority = priority
        self.arrivals: deque[Execution] = deque()
        self.strays: _Strays = SortedKeyList(key=place)

    def add(self, record: Execution) -> None:
        """Put a record into its place. O(1) for arrivals, O(log n) for strays."""
        arrivals = self.arrivals
        if not arrivals or _before(arrivals[-1], record):
            arrivals.append(record)
        else:
            self.strays.add(record)

    def __len__(self) -> int:
        """Entries, confirmed or not."""
        return len(self.arrivals) + len(self.strays)

    def confirms(self, record: Execution) -> bool:
        """Whether the record is a member of this line."""
        return record.queued == self.priority and record.offered

    def members(self) -> Iterator[Execution]:
        """The members in order; one that stands in both lists is told once."""
        last = None
        for record in merge(self.arrivals, self.strays, key=place):
            if record is not last and self.confirms(record):
                yield record
            last = record

    def drop_stale_head(self) -> int:
        """Forget the entries at the front that are no members; O(1) for each. Answer how many."""
        dropped = 0
        while self.arrivals and not self.confirms(self.arrivals[0]):
            self._forget(self.arrivals.popleft())
            dropped += 1
        while self.strays and not self.confirms(self.strays[0]):
            self._forget(self.strays.pop(0))
            dropped += 1
        return dropped

    def _forget(self, record: Execution) -> None:
        if record.queued == self.priority:
            record.queued = None


def _by_priority(item: tuple[int, Line]) -> int:
    return item[0]


class Shelf:
    """Those of one lane and one requirement set: a line per priority."""

    __slots__ = ("lines", "required")

    def __init__(self, required: tuple[str, ...]) -> None:
        self.required = required
        self.lines: dict[int, Line] = {}

    def new_line(self, priority: int) -> Line:
        """Make the line of a priority, in its place among the others. O(lines)."""
        line = Line(priority)
        self.lines = dict(sorted([*self.lines.items(), (priority, line)], key=_by_priority, reverse=True))
        return line

    def members(self) -> Iterator[Execution]:
        """The members in the order of service."""
        for line in self.lines.values():
            yield from line.members()


class Waiting:
    """All shelves of all lanes."""

    __slots__ = ("_all", "_shelves", "entries", "lanes", "lines", "room")

    def __init__(self, records: Mapping[str, Execution]) -> None:
        self._all = records
        self.room = room(len(records))
        self.entries = 0
        self.lines: dict[tuple[Spec, int], Line] = {}
        """By spec and priority: a shortcut past the shelf, for arrivals."""
        self._shelves: dict[Spec, Shelf] = {}
        """By spec, which is compared by identity: a shortcut into ``lanes``."""
        self.lanes: dict[str, dict[tuple[str, ...], Shelf]] = {}

    def offer(self, record: Execution) -> None:
        """Put a waiting record onto its shelf; nothing if its old entry still stands there."""
        priority = record.priority
        if record.queued == priority:
            return
        shelf = self._shelves.get(record.spec) or self._shelf(record.spec)
        line = shelf.lines.get(priority)
        if line is None:
            line = shelf.new_line(priority)
        self.lines[record.spec, priority] = line
        line.add(record)
        record.queued = priority
        self.entries += 1
        if self.entries > self.room:
            self.tidy()

    def _shelf(self, spec: Spec) -> Shelf:
        """The shelf of a spec, made if it is not there; specs that differ in other ways share it."""
        lane = self.lanes.setdefault(spec.lane_id, {})
        shelf = lane.get(spec.required)
        if shelf is None:
            shelf = lane[spec.required] = Shelf(spec.required)
        self._shelves[spec] = shelf
        return shelf

    def candidates(self, lane_id: str, has: frozenset[str]) -> Iterator[Execution]:
        """Those of a lane whose requirements ``has`` covers, best first."""
        shelves = [shelf for shelf in self.lanes.get(lane_id, {}).values() if has.issuperset(shelf.required)]
        for shelf in shelves:
            self._drop_stale(shelf)
        return merge(*(shelf.members() for shelf in shelves), key=rank)

    def _drop_stale(self, shelf: Shelf) -> None:
        """Clear the front of a shelf, line by line, until a line has somebody."""
        for priority, line in list(shelf.lines.items()):
            self.entries -= line.drop_stale_head()
            if line:
                return
            del shelf.lines[priority]
            self.lines.clear()

    def knows(self, spec: Spec) -> bool:
        """Whether there is a shelf for this spec. O(1)."""
        return spec in self._shelves

    def has_room(self, spec: Spec, limit: int) -> bool:
        """Whether one more execution may stand in its lane: on a shelf there is, or on a new one."""
        if self.knows(spec):
            return True
        lane = self.lanes.get(spec.lane_id, {})
        if spec.required in lane or len(lane) < limit:
            return True
        self.sweep()
        return len(self.lanes.get(spec.lane_id, {})) < limit

    def tidy(self) -> None:
        """Sweep when unconfirmed entries outnumber the records."""
        self.room = room(len(self._all))
        if self.entries > self.room:
            self.sweep()

    def sweep(self) -> None:
        """Build anew from the members; O(entries)."""
        members = self.members()
        for record in self._records():
            record.queued = None
        self.entries = 0
        self.lanes = {}
        self.lines = {}
        self._shelves = {}
        for record in members:
            self.offer(record)

    def members(self) -> list[Execution]:
        """All members, shelf by shelf in the order of service."""
        shelves = [shelf for lane in self.lanes.values() for shelf in lane.values()]
        return [record for shelf in shelves for record in shelf.members()]

    def _records(self) -> Iterator[Execution]:
        for lane in self.lanes.values():
            for shelf in lane.values():
                for line in shelf.lines.values():
                    yield from line.arrivals
                    yield from line.strays
