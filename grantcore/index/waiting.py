"""Who waits for a worker, and where: shelves that admission treats alike (SPEC 7).

A shelf holds the executions of one lane that want the same kind of grant, require the same tokens, and
draw from the same quota and budgets. Those whose lease was lost stand on shelves of their own kind. So
whether a shelf is open is one question, whoever stands on it; closing and opening it touches nobody. The
order is priority (high first), then those that lost their lease, then creation, then id: total, no ties
(I-36). On a shelf there is one line per priority; in a lane whose executions age, one line
(``index/lines.py``).

Finding work looks at the heads of the shelves a worker satisfies. Which these are is remembered per set
of tokens, so the cost follows the number of such shelves: never the queue, nor shelves of others. Removal
is lazy: entries that their record does not confirm go when they reach the front, or when they outnumber
the records; shelves that nobody stands on go when a new one would be one too many.

What has just been created is *staged*: put into its place when somebody looks, if it is still there. Whoever
grants executions directly never pays for a shelf.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush, merge
from operator import itemgetter
from typing import Final

from grantcore.index.lazy import room
from grantcore.index.lines import AgedLine, Line, Rank, rank
from grantcore.model.grants import GrantKind
from grantcore.model.phases import OFFERED
from grantcore.model.records import Execution, Spec

CLAIM: Final = GrantKind.CLAIM

Key = tuple[GrantKind, tuple[str, ...], "str | None", tuple[str, ...]]
"""What tells the shelves of a lane apart: kind, required tokens, quota policy, budgets."""

Tokens = tuple[str, ...] | frozenset[str]
"""What a worker has."""

Shortcuts = dict[tuple[Spec, int], Line]
"""A line by spec and priority."""


def key_of(spec: Spec, kind: GrantKind) -> Key:
    """The shelf of a spec among those of its lane."""
    return (kind, spec.required, spec.quota_policy_id, spec.budget_ids)


MAX_REMEMBERED: Final = 256
"""Sets of tokens for which a lane remembers the fitting shelves."""


class Shelf:
    """Those that admission treats alike."""

    __slots__ = ("_order", "_shortcuts", "aging_ms", "kind", "lines", "metered", "spec", "specs")

    def __init__(self, kind: GrantKind, spec: Spec, shortcuts: Shortcuts) -> None:
        self.kind = kind
        self.spec = spec
        """One of those that share this shelf: all have its lane, tokens, quota policy and budgets."""
        self.specs = [spec]
        self.aging_ms = spec.lane.aging_ms_per_point
        self.lines: dict[int, Line | AgedLine] = {}
        """By priority; in a lane whose executions age, one under 0."""
        self._order: list[int] = []
        """A heap of the priorities that have a line, negated."""
        self._shortcuts = shortcuts
        self.metered = spec.quota_policy_id is not None or bool(spec.budget_ids)
        """Whether it can be closed by more than its lane and ceilings."""

    def line(self, priority: int) -> Line | AgedLine:
        """The line of a priority, made if it is not there. O(1), O(log lines) if it is made."""
        aging_ms = self.aging_ms
        if aging_ms is not None:
            priority = 0
        line = self.lines.get(priority)
        if line is None:
            line = Line(priority) if aging_ms is None else AgedLine(aging_ms)
            self.lines[priority] = line
            heappush(self._order, -priority)
        return line

    def head(self) -> Execution | None:
        """The first of all its lines, or None; O(1) amortised. Empty lines go, save the last."""
        order = self._order
        while (record := self.lines[-order[0]].head()) is None and len(order) > 1:
            self._drop(-heappop(order))
        return record

    def tells_its_lines(self) -> bool:
        """Whether the heap holds the priorities of the lines: for ``check()``."""
        return sorted(-priority for priority in self._order) == sorted(self.lines)

    def _drop(self, priority: int) -> None:
        line = self.lines.pop(priority)
        if type(line) is Line:
            for name in line.names:
                del self._shortcuts[name]

    def drop(self) -> None:
        """Drop every line of a shelf that goes."""
        for priority in list(self.lines):
            self._drop(priority)

    def members(self) -> Iterator[Execution]:
        """The members in the order of service."""
        for priority in sorted(self.lines, reverse=True):
            yield from self.lines[priority].members()


class Aisle:
    """The shelves of one lane."""

    __slots__ = ("_fitting", "claims", "shelves")

    def __init__(self) -> None:
        self.shelves: dict[Key, Shelf] = {}
        self._fitting: dict[Tokens, tuple[Shelf, ...]] = {}
        self.claims = 0
        """How many are for fresh attempts: what ``max_shelves_per_lane`` limits."""

    def fitting(self, has: Tokens) -> tuple[Shelf, ...]:
        """The shelves whose requirements ``has`` covers. O(1) when asked again, else O(shelves)."""
        fitting = self._fitting.get(has)
        if fitting is None:
            if len(self._fitting) >= MAX_REMEMBERED:
                self._fitting.clear()
            able = frozenset(has)
            fitting = tuple(s for s in self.shelves.values() if able.issuperset(s.spec.required))
            self._fitting[has] = fitting
        return fitting

    def forget(self) -> None:
        """Forget which shelves fit: there are others now."""
        self._fitting.clear()

    def unmark(self) -> None:
        """Take the marks off the specs: there are more shelves than may be. O(shelves)."""
        for shelf in self.shelves.values():
            if shelf.kind is CLAIM:
                for spec in shelf.specs:
                    spec.is_shelved = False


_NO_AISLE: Final = Aisle()
_by_rank: Final = itemgetter(0)


class Waiting:
    """All shelves of all lanes."""

    __slots__ = ("_all", "_room", "_shelves", "aisles", "entries", "lines", "metered", "most", "staged")

    def __init__(self, records: Mapping[str, Execution], most: int) -> None:
        self._all = records
        self.most = most
        """``max_shelves_per_lane``."""
        self._room = room(len(records))
        self.entries = 0
        """At most so many: those that went at the front are counted until the next sweep."""
        self.aisles: dict[str, Aisle] = {}
        self._shelves: dict[tuple[Spec, GrantKind], Shelf] = {}
        """By spec, which is compared by identity: a shortcut into the aisles."""
        self.lines: Shortcuts = {}
        """For fresh attempts, of lanes whose executions do not age: a shortcut for arrivals."""
        self.staged: list[Execution] = []
        self.metered: dict[Shelf, None] = {}
        """Those with a quota policy or budgets."""

    # -- coming --------------------------------------------------------------------------------

    def offer(self, record: Execution) -> None:
        """Put an offered record into its place. O(1) for arrivals, else O(log n)."""
        line: Line | AgedLine | None = None
        if record.next_kind is CLAIM:
            line = self.lines.get((record.spec, record.priority))
        if line is None:
            line = self.line(record)
        if line.add(record):
            self.grow(1)

    def offer_alike(self, groups: Iterable[list[Execution]]) -> None:
        """Put records that have no entry into their places; those of a group stand in one line. O(1) each."""
        entries = 0
        for alike in groups:
            self.line(alike[0]).extend(alike)
            entries += len(alike)
        self.grow(entries)

    def grow(self, entries: int) -> None:
        """Count new entries, and sweep when they have become too many. O(1) amortised."""
        self.entries += entries
        if self.entries > self._room:
            self.tidy()

    def settle(self) -> None:
        """Put what is staged into its place. O(staged)."""
        staged, self.staged = self.staged, []
        for record in staged:
            if record.grant is None and record.phase in OFFERED:  # offered, without a call: most are gone
                self.offer(record)

    def unmark(self) -> None:
        """Take the marks off the specs: there are no shelves any more."""
        for spec, _ in self._shelves:
            spec.is_shelved = False

    def line(self, record: Execution) -> Line | AgedLine:
        """The line where a record belongs, made if it is not there. O(1)."""
        kind = record.next_kind
        spec, priority = record.spec, record.priority
        shelf = self._shelves.get((spec, kind)) or self._shelf(spec, kind)
        line = shelf.line(priority)
        if kind is CLAIM and type(line) is Line:
            self.lines[spec, priority] = line
            line.names.append((spec, priority))
        return line

    def _shelf(self, spec: Spec, kind: GrantKind) -> Shelf:
        """The shelf of a spec, made if it is not there; specs that differ in other ways share it."""
        aisle = self.aisles.setdefault(spec.lane_id, Aisle())
        key = key_of(spec, kind)
        shelf = aisle.shelves.get(key)
        if shelf is None:
            shelf = aisle.shelves[key] = Shelf(kind, spec, self.lines)
            aisle.forget()
            aisle.claims += kind is CLAIM
            if aisle.claims > self.most:
                aisle.unmark()
            if shelf.metered:
                self.metered[shelf] = None
        else:
            shelf.specs.append(spec)
        self._shelves[spec, kind] = shelf
        if kind is CLAIM:
            spec.is_shelved = aisle.claims <= self.most
        return shelf

    def has_room(self, spec: Spec) -> bool:
        """Whether one more execution may stand in its lane: beside others, or on a shelf of its own.

        Shelves that nobody stands on do not count. While there are no more than may be, with these, any of
        them has room: such specs are marked, and nobody asks again. What comes back (a replay, a lost
        grant) is never refused and may make one shelf too many: then nothing is marked, and the empty ones
        are cleared away before an answer depends on them. O(1) on a shelf, else O(shelves of the lane).
        """
        aisle = self.aisles.get(spec.lane_id, _NO_AISLE)
        key = key_of(spec, CLAIM)
        shelf = aisle.shelves.get(key)
        if shelf is None or aisle.claims > self.most:
            if shelf is not None and shelf.head() is not None:
                return True
            if aisle.claims >= self.most:
                self.prune(spec.lane_id)
            return key in aisle.shelves or aisle.claims < self.most
        spec.is_shelved = (spec, CLAIM) in self._shelves
        return True

    # -- looking -------------------------------------------------------------------------------

    def fitting(self, lane_id: str, has: Tokens) -> tuple[Shelf, ...]:
        """The shelves of a lane whose requirements ``has`` covers, in no order."""
        self.settle()
        return self.aisles.get(lane_id, _NO_AISLE).fitting(has)

    def in_order(self, shelves: Sequence[Shelf]) -> Iterator[Execution]:
        """The members of shelves of one lane in the order of service."""
        if len(shelves) == 1:
            return shelves[0].members()

        def ranked(shelf: Shelf) -> Iterator[tuple[Rank, Execution]]:
            return ((rank(record, shelf.aging_ms), record) for record in shelf.members())

        return (record for _, record in merge(*map(ranked, shelves), key=_by_rank))

    def shelves(self) -> Iterator[Shelf]:
        """All shelves."""
        self.settle()
        for aisle in self.aisles.values():
            yield from aisle.shelves.values()

    def of_lane(self, lane_id: str) -> tuple[Shelf, ...]:
        """The shelves of a lane."""
        self.settle()
        return tuple(self.aisles.get(lane_id, _NO_AISLE).shelves.values())

    def shelf_of(self, spec: Spec, kind: GrantKind) -> Shelf | None:
        """Where those of a spec stand that need this kind of grant. O(1)."""
        return self._shelves.get((spec, kind))

    def members(self) -> list[Execution]:
        """All members, shelf by shelf in the order of service."""
        return [record for shelf in self.shelves() for record in shelf.members()]

    # -- going ---------------------------------------------------------------------------------

    def tidy(self) -> None:
        """Sweep when there may be more unconfirmed entries than records."""
        self._room = room(len(self._all))
        if self.entries > self._room:
            self.sweep()
        if len(self.staged) > self._room:
            self.settle()

    def sweep(self) -> None:
        """Build anew from the members; O(entries)."""
        members = self.members()
        self._clear(self.shelves())
        self.unmark()
        self.aisles, self.lines, self._shelves, self.metered = {}, {}, {}, {}
        self.entries = 0
        for record in members:
            self.offer(record)

    def rearrange(self, lane_id: str) -> None:
        """Put everybody of a lane into a new place: it ages otherwise than before. O(its entries)."""
        self.settle()
        aisle = self.aisles.get(lane_id, _NO_AISLE)
        shelves = list(aisle.shelves.values())
        if all(shelf.aging_ms == shelf.spec.lane.aging_ms_per_point for shelf in shelves):
            return
        members = [record for shelf in shelves for record in shelf.members()]
        self._clear(shelves)
        self._remove(aisle, list(aisle.shelves))
        for record in members:
            self.offer(record)

    def _clear(self, shelves: Iterable[Shelf]) -> None:
        for shelf in shelves:
            for line in shelf.lines.values():
                for record in line.records():
                    record.queued = None

    def prune(self, lane_id: str) -> None:
        """Remove the shelves of a lane that nobody stands on. O(its shelves)."""
        self.settle()
        aisle = self.aisles.get(lane_id, _NO_AISLE)
        self._remove(aisle, [key for key, shelf in aisle.shelves.items() if shelf.head() is None])

    def _remove(self, aisle: Aisle, keys: Iterable[Key]) -> None:
        for key in keys:
            shelf = aisle.shelves.pop(key)
            aisle.claims -= shelf.kind is CLAIM
            self.metered.pop(shelf, None)
            shelf.drop()
            for spec in shelf.specs:
                if shelf.kind is CLAIM:
                    spec.is_shelved = False
                del self._shelves[spec, shelf.kind]
        aisle.forget()
