"""The report in a terminal, and where there is none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from grantcore.simulation.measures import METRICS, measure
from grantcore.simulation.report import sections, terminal, words
from tests.simulation.report import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantcore.simulation.record import Record

MAKERS = [records.empty, records.single, records.busy, records.hostile, records.huge]


def shown(record: Record, width: int | None = None, wall_s: float | None = None) -> str:
    screen = io.StringIO()
    console = Console(file=screen, width=width or 80, force_terminal=width is not None, color_system=None)
    terminal.show(record, measure(record), console, wall_s=wall_s)
    return screen.getvalue()


def test_without_a_terminal_it_is_plain_aligned_text() -> None:
    text = shown(records.busy(), wall_s=1.25)
    assert "\n  jobs                      2,000\n" in text
    assert "\n  ended as succeeded        1,960\n" in text
    assert "\n  utilisation       33.70 %\n" in text
    assert "  audit         clean\n" in text
    assert text.endswith("  wall time     1.2 s\n")
    assert "─" not in text
    assert text == "\n".join(line.rstrip() for line in text.split("\n"))


def test_the_wall_time_is_shown_only_if_somebody_looked() -> None:
    assert "wall time" not in shown(records.single())


@pytest.mark.parametrize("width", [80, 120])
def test_in_a_terminal_the_same_numbers_stand_in_tables_that_fit(width: int) -> None:
    record = records.busy()
    found = measure(record)
    text = shown(record, width)
    assert "─" in text
    assert max(map(len, text.split("\n"))) <= width
    for name, metric in METRICS.items():
        assert words.number(found.number(name), metric.unit) in text
    assert record.event_digest in text


def test_every_number_is_in_a_section_or_a_spread() -> None:
    placed = [name for names in sections.LAYOUT.values() for name in names]
    spreads = [f"{what}_{column}_ms" for what in sections.SPREADS for column in sections.SPREAD_COLUMNS]
    assert sorted(placed + spreads) == sorted(METRICS)


@pytest.mark.uncovered
@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("width", [None, 40, 80])
def test_nothing_from_outside_acts_on_the_terminal(make: Callable[[], Record], width: int | None) -> None:
    text = shown(make(), width)
    assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_markup_of_rich_is_text() -> None:
    record = records.single()
    record.violations = ["[bold]x[/bold] [/nothing]"]
    assert "[bold]x[/bold] [/nothing]" in shown(record, 120)
    assert "[bold]x[/bold] [/nothing]" in shown(record)


def test_violations_are_counted_and_the_first_shown() -> None:
    record = records.single()
    record.violations = [f"violation {number}" for number in range(terminal.SHOWN_VIOLATIONS + 5)]
    text = shown(record)
    assert "  audit         15 violations\n" in text
    assert "violation 9\n" in text
    assert "violation 10\n" not in text


def test_violations_are_red() -> None:
    screen = io.StringIO()
    record = records.hostile()
    terminal.show(record, measure(record), Console(file=screen, width=80, force_terminal=True))
    assert "\x1b[1;31m" in screen.getvalue()


def test_without_jobs_there_are_no_lanes() -> None:
    assert "Lanes, means" in shown(records.single())
    assert "Lanes, means" not in shown(records.empty())


def test_the_lanes_with_the_most_jobs_are_shown_and_the_others_counted() -> None:
    record = records.huge()
    record.lanes["lane-150"].jobs += 1
    text = shown(record)
    assert "  lane-150 " in text
    assert "  lane-000 " in text
    assert "  lane-011 " not in text
    assert "188 more lanes" in text
