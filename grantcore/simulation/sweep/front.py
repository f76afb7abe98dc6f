"""Which points no other point beats: the Pareto front.

All coordinates are costs: less is better (what is better when there is more of it is negated before). A point
*dominates* another if it is no worse in every coordinate and better in at least one. The front is the set of
points that none dominates. Equal points do not dominate each other: both are on the front, or neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Costs = tuple[float, ...]


def dominates(one: Costs, other: Costs) -> bool:
    """Tell whether ``one`` is no worse in every coordinate and better in at least one.

    >>> dominates((1, 2), (1, 3)), dominates((1, 2), (1, 2)), dominates((1, 3), (2, 2))
    (True, False, False)
    """
    return one != other and all(mine <= its for mine, its in zip(one, other, strict=True))


def front(points: Sequence[Costs]) -> frozenset[int]:
    """Give the places of the points that none dominates.

    In the order of their coordinates, one by one, only an earlier point can dominate a later one, and if any
    does, one of the front does. O(points * size of the front).

    >>> sorted(front([(1, 9), (5, 5), (9, 1), (6, 6), (1, 9)]))
    [0, 1, 2, 4]
    """
    chosen: list[int] = []
    for place in sorted(range(len(points)), key=points.__getitem__):
        if not any(dominates(points[earlier], points[place]) for earlier in chosen):
            chosen.append(place)
    return frozenset(chosen)
