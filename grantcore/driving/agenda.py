"""Instants at which something is to be done, soonest first."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

SLACK: Final = 64
"""Dropped entries are kept until there are more of them than of the others, and this many."""


class Agenda(Generic[Item]):
    """Items, each with one instant. Dropped entries stay in the heap until they are met, bounded.

    >>> agenda = Agenda[str]()
    >>> agenda.file("call", 20)
    >>> agenda.file("write", 10)
    >>> agenda.next_ms(), agenda.pop_due(5), agenda.pop_due(10)
    (10, None, 'write')
    >>> agenda.drop("call")
    >>> agenda.next_ms()
    """

    __slots__ = ("_count", "_filed", "_heap")

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._heap: list[tuple[int, int, Item]] = []
        self._filed: dict[Item, tuple[int, int, Item]] = {}
        self._count = 0

    def __len__(self) -> int:
        """How much there is to do. O(1)."""
        return len(self._filed)

    def file(self, item: Item, at_ms: int) -> None:
        """Have ``item`` done at ``at_ms``, and not when it was to be done before. O(log n) amortised."""
        self._count += 1
        # The number comes before the item, so that items are never compared.
        entry = self._filed[item] = (at_ms, self._count, item)
        heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self._filed) + SLACK:
            self._heap = list(self._filed.values())
            heapify(self._heap)

    def drop(self, item: Item) -> None:
        """Have ``item`` not done; it need not be there. O(1)."""
        self._filed.pop(item, None)

    def next_ms(self) -> int | None:
        """The soonest instant, or None if there is nothing to do. O(log n) amortised."""
        heap = self._heap
        while heap and self._filed.get(heap[0][2]) is not heap[0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now_ms: int) -> Item | None:
        """Take out the soonest item, if its instant has come. O(log n) amortised."""
        next_ms = self.next_ms()
        if next_ms is None or next_ms > now_ms:
            return None
        item = heappop(self._heap)[2]
        del self._filed[item]
        return item
