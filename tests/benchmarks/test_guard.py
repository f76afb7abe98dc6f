"""The guard fails when something has become dearer, and not because of one slow minute."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.guard import LIFECYCLE, MARGIN, MEMORY, MEMORY_MARGIN, TRIES, Guard, Guarded, dearer, watch

pytestmark = pytest.mark.uncovered

RECORDED = {LIFECYCLE: 8.0, "nothing due": 1.5, MEMORY: 3.0}


def turns(*measured: Guarded) -> Callable[[], Guarded]:
    given = iter(measured)
    return lambda: next(given)


def guarded(times: float, planted: float = 24.0) -> Guarded:
    return Guarded(
        {name: ratio * (times if name != MEMORY else 1) for name, ratio in RECORDED.items()}, planted
    )


def test_what_is_within_its_margin_passes() -> None:
    assert dearer(guarded(MARGIN - 0.01).ratios, RECORDED) == []
    assert [row.name for row in dearer(guarded(MARGIN + 0.01).ratios, RECORDED)] == [LIFECYCLE, "nothing due"]


def test_memory_has_a_margin_of_its_own() -> None:
    assert dearer({MEMORY: 3.0 * (MEMORY_MARGIN + 0.01)}, RECORDED) != []
    assert dearer({MEMORY: 3.0 * (MEMORY_MARGIN - 0.01)}, RECORDED) == []


def test_what_was_never_recorded_fails() -> None:
    assert [row.name for row in dearer({"new": 0.1}, RECORDED)] == ["new"]


def test_a_slow_minute_is_measured_again() -> None:
    said: list[str] = []
    assert watch(RECORDED, turns(guarded(2, 60), guarded(1)), said.append)
    assert not any("FAILED" in line for line in said)


def test_what_stays_dearer_fails_and_is_named() -> None:
    said: list[str] = []
    assert not watch(RECORDED, turns(*[guarded(2, 60)] * TRIES), said.append)
    failed = [line for line in said if "FAILED" in line]
    assert failed[0].startswith("FAILED: lifecycle, lock on: 16.00 x floor")
    assert "--record" in said[-1]


def test_a_guard_that_would_not_notice_the_plant_fails() -> None:
    said: list[str] = []
    assert not watch(RECORDED, turns(guarded(1, planted=8.1)), said.append)
    assert "blind" in said[0]


def test_a_real_measurement_notices_a_real_slow_down() -> None:
    """The planted lifecycles are three in place of one; held against a third of itself, all else fails."""
    measured = Guard(samples=3, count=200, live=400).measure()
    assert not measured.is_blind
    assert dearer(measured.ratios, measured.ratios) == []
    third = {name: ratio / 3 for name, ratio in measured.ratios.items()}
    assert [row.name for row in dearer(measured.ratios, third)] == list(measured.ratios)
