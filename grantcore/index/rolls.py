"""Append-only lists in the order things happened, for paging: nothing is lost or repeated between pages."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from operator import attrgetter
from typing import Final

from grantcore.index.lazy import room
from grantcore.model.errors import invalid
from grantcore.model.phases import LEASE_EXPIRED, LOST
from grantcore.model.records import Execution

Cursor = tuple[int, str]


def read_cursor(after: object) -> Cursor | None:
    """Read what a page gave as ``next``."""
    if after is None:
        return None
    if type(after) is str:
        number, _, rest = after.partition(":")
        if number.isascii() and number.isdigit() and len(number) <= 16 and rest:  # noqa: PLR2004 - of 2**53
            return int(number), rest
    raise invalid("after", "the next of a page")


def created(record: Execution) -> Cursor:
    """Where a record stands in the roll of all."""
    return (record.created_at_ms, record.execution_id)


class Roll:
    """All executions by (created_at_ms, id).

    Costs nothing until somebody looks: the store keeps its records in the order they came, so those that
    are missing here stand at its end.
    """

    __slots__ = ("_all", "_records")

    def __init__(self, records: dict[str, Execution]) -> None:
        self._all = records
        self._records: list[Execution] = []

    def after(self, cursor: Cursor | None) -> Iterator[Execution]:
        """The records after a cursor, in order; O(log n + created since) to start."""
        self._catch_up()
        start = 0 if cursor is None else bisect_right(self._records, cursor, key=created)
        return (self._records[i] for i in range(start, len(self._records)) if self._records[i].phase)

    def _catch_up(self) -> None:
        """Take in what was created since, and once more those of the last millisecond that was seen."""
        records = self._records
        edge = records[-1].created_at_ms if records else 0
        while records and records[-1].created_at_ms == edge:
            records.pop()
        newest_first = map(self._all.__getitem__, reversed(self._all))
        late = takewhile(lambda record: record.created_at_ms >= edge, newest_first)
        records.extend(sorted(late, key=created))

    def tidy(self) -> None:
        """Forget purged records when they outnumber the others."""
        if len(self._records) > room(len(self._all)):
            self._records = [record for record in self._records if record.phase is not None]

    def rebuild(self) -> None:
        """Build anew; O(n log n)."""
        self._records = sorted(self._all.values(), key=created)


def ended_at_ms(record: Execution) -> int:
    """When the lost lease of a record ended: at its expiry, or when it was revoked."""
    if record.phase is LEASE_EXPIRED:
        return record.expires_at_ms
    assert record.rare is not None
    assert record.rare.lease_revoked_at_ms is not None
    return record.rare.lease_revoked_at_ms


_number: Final[Callable[[Execution], int]] = attrgetter("lost_sequence")


class Losses:
    """Lost leases in the order in which they were lost: the number of the event, the execution.

    Two columns: an object per loss would be one for the garbage collector to look at.
    """

    __slots__ = ("records", "sequences")

    def __init__(self) -> None:
        self.records: list[Execution] = []
        self.sequences: list[int] = []

    def add(self, record: Execution) -> None:
        """Append; O(1)."""
        self.records.append(record)
        self.sequences.append(record.lost_sequence)

    def extend(self, records: Sequence[Execution]) -> None:
        """Append many, in order; O(1) each."""
        self.records.extend(records)
        self.sequences.extend(map(_number, records))

    def after(self, cursor: tuple[int, int] | None) -> Iterator[Execution]:
        """The executions after a cursor that still wait for somebody, in order; O(log n) to start.

        Of a cursor, when and the number, the number alone tells: no loss is earlier than the one before.
        """
        start = 0 if cursor is None else bisect_right(self.sequences, cursor[1])
        for row in range(start, len(self.sequences)):
            record = self.records[row]
            if record.phase in LOST and record.lost_sequence == self.sequences[row]:
                yield record

    def tidy(self, live: int) -> None:
        """Forget those that were taken over when they outnumber the others."""
        if len(self.sequences) > room(live):
            self.rebuild(list(self.after(None)))

    def rebuild(self, records: Iterable[Execution]) -> None:
        """Build anew; O(n log n)."""
        self.records, self.sequences = [], []
        self.extend(sorted((r for r in records if r.phase in LOST), key=_when))


def _when(record: Execution) -> tuple[int, int]:
    return (ended_at_ms(record), record.lost_sequence)
