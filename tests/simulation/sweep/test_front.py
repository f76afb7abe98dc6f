"""The Pareto front against its definition, word by word."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantcore.simulation.sweep.front import Costs, dominates, front

Front = Callable[[Sequence[Costs]], frozenset[int]]

COORDINATES = st.integers(0, 3).map(float) | st.floats(allow_nan=False)
POINTS = st.lists(st.tuples(COORDINATES, COORDINATES, COORDINATES), max_size=12)


def no_worse_and_once_better(one: Costs, other: Costs) -> bool:
    no_worse = [one[i] <= other[i] for i in range(len(one))]
    better = [one[i] < other[i] for i in range(len(one))]
    return all(no_worse) and any(better)


def by_definition(points: Sequence[Costs]) -> frozenset[int]:
    return frozenset(
        place
        for place, point in enumerate(points)
        if not any(no_worse_and_once_better(other, point) for other in points)
    )


@pytest.mark.uncovered
@given(POINTS)
def test_the_front_is_what_none_dominates(points: list[Costs]) -> None:
    assert front(points) == by_definition(points)


@pytest.mark.uncovered
@given(POINTS)
def test_dominance_is_a_strict_order(points: list[Costs]) -> None:
    for one in points:
        assert not dominates(one, one)
        for two in points:
            assert dominates(one, two) == no_worse_and_once_better(one, two)
            assert not (dominates(one, two) and dominates(two, one))
            for three in points:
                if dominates(one, two) and dominates(two, three):
                    assert dominates(one, three)


@pytest.mark.uncovered
@given(POINTS)
def test_order_and_repetition_of_points_change_nothing(points: list[Costs]) -> None:
    last = len(points) - 1
    assert {last - place for place in front(points[::-1])} == front(points)
    twice = front([*points, *points])
    assert twice == front(points) | {place + len(points) for place in front(points)}


def weak(points: Sequence[Costs]) -> frozenset[int]:
    """Wrong: an equal point beats."""
    return frozenset(i for i, p in enumerate(points) if p not in points[:i] and i in by_definition(points))


def first_coordinate(points: Sequence[Costs]) -> frozenset[int]:
    """Wrong: only the neighbour in the order of the coordinates is looked at."""
    order = sorted(range(len(points)), key=points.__getitem__)
    kept = {
        place for i, place in enumerate(order) if not i or not dominates(points[order[i - 1]], points[place])
    }
    return frozenset(kept)


@pytest.mark.parametrize("wrong", [weak, first_coordinate])
def test_the_comparison_finds_a_wrong_front(wrong: Front) -> None:
    grid = [(float(a), float(b), float(c)) for a in range(2) for b in range(2) for c in range(2)]
    sets = [[*grid], [*grid[1:]], [grid[3], grid[3], grid[5], grid[6]], [grid[1], grid[2], grid[3]]]
    assert any(wrong(points) != by_definition(points) for points in sets)
    assert all(front(points) == by_definition(points) for points in sets)


def test_no_points_have_no_front() -> None:
    assert front([]) == frozenset()
