"""``ManualClock.jump_to_next_deadline``: the instants at which something happens by itself (SPEC 3)."""

from __future__ import annotations

import time

import pytest

from grantcore import GrantEngine, InvalidInput, ManualClock, Phase, SystemClock


class Told:
    """Tells what it was built with."""

    def __init__(self, deadline_ms: int | None) -> None:
        self.deadline_ms = deadline_ms

    def next_deadline_ms(self) -> int | None:
        return self.deadline_ms


def test_the_clock_goes_from_deadline_to_deadline() -> None:
    clock = ManualClock(start_ms=3)
    engine = GrantEngine(clock=clock)
    engine.create_execution(lane_id="main", execution_id="e", delay_until_ms=40, deadline_at_ms=90)
    assert (clock.jump_to_next_deadline(engine), clock()) == (40, 40)
    shown = engine.describe_execution("e")
    assert shown is not None
    assert shown.phase is Phase.ELIGIBLE
    assert (clock.jump_to_next_deadline(engine), clock()) == (90, 90)
    shown = engine.describe_execution("e")
    assert shown is not None
    assert shown.phase is Phase.EXPIRED


def test_nothing_pending_leaves_the_clock_where_it_is() -> None:
    clock = ManualClock(start_ms=3)
    assert clock.jump_to_next_deadline(GrantEngine(clock=clock)) is None
    assert clock() == 3


def test_the_clock_never_goes_back() -> None:
    """I-51."""
    clock = ManualClock(start_ms=3)
    assert clock.jump_to_next_deadline(Told(2)) == 2
    assert clock() == 3


@pytest.mark.parametrize("wrong", [-1, 2**53, 1.5, True])
def test_no_instant_is_refused_and_the_clock_stays(wrong: int) -> None:
    clock = ManualClock(start_ms=3)
    with pytest.raises(InvalidInput) as refused:
        clock.jump_to_next_deadline(Told(wrong))
    assert refused.value.field == "next_deadline_ms"
    assert clock() == 3


def test_the_system_clock_is_the_wall_clock_at_the_start_and_counts_on_from_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SPEC 3: a correction of the wall clock is not followed; milliseconds are whole."""
    wall_ns, running_ns = 1_700_000_000_000_000_000, 5_000
    monkeypatch.setattr(time, "time_ns", lambda: wall_ns)
    monkeypatch.setattr(time, "monotonic_ns", lambda: running_ns)
    clock = SystemClock()
    wall_ns += 10**12
    assert clock() == 1_700_000_000_000
    running_ns += 2_999_999
    assert clock() == 1_700_000_000_002


def test_within_one_millisecond_the_system_clock_gives_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """SPEC 3: the engine compares readings by identity first; a new reading costs it a second look."""
    running_ns = 1_999_000_000
    monkeypatch.setattr(time, "time_ns", lambda: 10**18)
    monkeypatch.setattr(time, "monotonic_ns", lambda: running_ns)
    clock = SystemClock()
    first = clock()
    running_ns += 999_999
    assert clock() is first
    running_ns += 1
    assert clock() == first + 1
    running_ns -= 1
    assert clock() == first
