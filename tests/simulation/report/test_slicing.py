"""Which leases the timeline has room for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantcore.simulation.record import Tenure
from grantcore.simulation.report import slicing

ENDS = st.sampled_from(["completed", "failed", "lapsed", "revoked", "open"])


@st.composite
def tenures(draw: st.DrawFn) -> list[Tenure]:
    epochs = dict[int, int]()
    drawn = list[Tenure]()
    for begin_ms in sorted(draw(st.lists(st.integers(0, 10_000), min_size=1, max_size=40))):
        execution, worker = draw(st.integers(0, 6)), draw(st.integers(0, 40))
        epochs[execution] = epochs.get(execution, 0) + 1
        end_ms = begin_ms + draw(st.integers(0, 500))
        drawn.append(Tenure(f"w-{worker}", f"e-{execution}", epochs[execution], begin_ms, end_ms, draw(ENDS)))
    return drawn


@pytest.mark.uncovered
@given(tenures())
def test_a_slice_is_part_of_what_was_recorded_and_complete(recorded: list[Tenure]) -> None:
    part = slicing.cut(recorded)
    assert part.begin_ms < part.end_ms
    assert 1 <= len(part.rows) <= slicing.MOST_ROWS
    assert sorted(part.rows.values()) == list(range(len(part.rows)))
    inside = [each for each in recorded if each.begin_ms < part.end_ms and each.end_ms >= part.begin_ms]
    assert part.tenures == [each for each in inside if each.worker_id in part.rows]
    assert part.workers == len({each.worker_id for each in inside}) >= len(part.rows)
    for lost, taken in part.links:
        assert lost.end in slicing.LOST_ENDS
        assert (lost.execution_id, lost.lease_epoch) < (taken.execution_id, taken.lease_epoch)
        assert {lost.worker_id, taken.worker_id} <= part.rows.keys()


def test_without_a_lost_lease_all_is_shown() -> None:
    recorded = [Tenure("w", f"e-{number}", 1, number, number + 10, "completed") for number in range(50)]
    part = slicing.cut(recorded)
    assert (part.begin_ms, part.end_ms, len(part.tenures)) == (0, 59, 50)


def test_a_single_instant_has_a_width() -> None:
    part = slicing.cut([Tenure("w", "e", 1, 7, 7, "open")])
    assert (part.begin_ms, part.end_ms) == (7, 8)


def test_where_most_is_lost_is_shown() -> None:
    """Three stories stand together at 50,000, one alone at 0; jobs that end go on for long."""
    recorded = [Tenure("w-9", f"j-{at}", 1, at * 1_000, at * 1_000 + 900, "completed") for at in range(200)]
    for number, at_ms in enumerate((0, 50_000, 50_050, 50_100)):
        recorded.append(Tenure("w-1", f"e-{number}", 1, at_ms, at_ms + 100, "lapsed"))
        recorded.append(Tenure("w-2", f"e-{number}", 2, at_ms + 100, at_ms + 300, "completed"))
    part = slicing.cut(sorted(recorded, key=lambda tenure: tenure.begin_ms))
    assert (part.begin_ms, part.end_ms) == (49_950, 50_950)
    assert len(part.links) == 3
    assert list(part.rows) == ["w-1", "w-2", "w-9"]
