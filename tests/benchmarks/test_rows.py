"""Rows say what was measured and whether it is good enough; medians and slopes are what they say."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from benchmarks.rows import Group, Row, text
from benchmarks.timing import interleaved, release, slope
from grantcore import settle_memory

pytestmark = pytest.mark.uncovered

ROW = Row("lifecycle", "five calls", (7.5,), "us", 9.0, goal=10, stretch=8)


def test_a_goal_is_held_against_the_ratio_or_the_number() -> None:
    assert ROW.ok is True
    assert replace(ROW, goal=8.9).ok is False
    assert replace(ROW, goal=8.9, of="number").ok is True
    assert replace(ROW, ratio=None, goal=7.4).ok is False
    assert replace(ROW, goal=None).ok is None


def test_a_goal_may_be_the_least_there_may_be() -> None:
    assert replace(ROW, wanted=">=").ok is False
    assert replace(ROW, wanted=">=", goal=9).ok is True


def test_the_last_of_several_numbers_counts() -> None:
    grown = replace(ROW, measured=(1.0, 2.0, 20.0), ratio=None, goal=5)
    assert grown.ok is False
    assert replace(grown, measured=(20.0, 2.0, 1.0)).ok is True


def test_the_cells_of_a_row() -> None:
    assert ROW.cells() == ("<= 10 x floor", "8", "7.50 us", "9.00 x floor", "met")
    assert replace(ROW, goal=5).cells()[-1] == "MISSED"
    assert replace(ROW, ratio=7.9).cells()[-1] == "met, and the stretch"
    assert replace(ROW, goal=None, stretch=None).cells()[-1] == ""
    assert replace(ROW, of="number").cells()[0] == "<= 10 us"
    several = replace(ROW, measured=(0.123, 45.67, 8901.2), slope=0.0512)
    assert several.cells()[2:4] == ("0.12 / 45.7 / 8,901 us", "9.00 x floor, slope +0.051")


def test_a_group_as_text_names_what_was_skipped() -> None:
    lines = text(Group("scenario", "about", (ROW,), ("huey: no module huey",))).splitlines()
    assert lines[0].split() == ["scenario", "goal", "stretch", "measured", "ratio"]
    assert lines[2].startswith("lifecycle  <= 10 x floor")
    assert lines[3] == "skipped: huey: no module huey"


def test_sources_take_turns_and_medians_are_per_microsecond() -> None:
    told: list[str] = []
    numbers = {"a": iter((1_000.0, 9_000.0, 2_000.0)), "b": iter((5_000.0, 5_000.0, 6_000.0))}

    def source(name: str) -> float:
        told.append(name)
        return next(numbers[name])

    medians = interleaved({"a": lambda: source("a"), "b": lambda: source("b")}, 3)
    assert told == ["a", "b"] * 3
    assert medians == {"a": 2.0, "b": 5.0}


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_a_slope_is_the_exponent(exponent: float) -> None:
    sizes = (1_000, 10_000, 100_000, 1_000_000)
    assert slope(sizes, [3 * size**exponent for size in sizes]) == pytest.approx(exponent)


def test_releasing_takes_back_what_settling_froze() -> None:
    try:
        settle_memory()
        assert gc.get_freeze_count() > 0
    finally:
        release()
    assert gc.get_freeze_count() == 0
