"""A run leaves no cycles, so the collector may look seldom (``simulation/garbage.py``; issue 6, speed)."""

from __future__ import annotations

import gc

import pytest

from grantcore.simulation.fleet import muster
from grantcore.simulation.garbage import few_collections
from grantcore.simulation.run import Run, look_over, run
from grantcore.simulation.scenario.model import Faults, Scenario, Synthetic

HARSH = Scenario(
    workload=Synthetic(jobs=300, mean_gap_ms=5_000),
    faults=Faults(crash=0.1, pause=0.1, slow_heartbeat=0.1, lost_answer=0.1, fail=0.1, poison=0.01),
)


def test_a_run_leaves_nothing_to_the_collector() -> None:
    jobs, work = look_over(HARSH)
    made = Run(HARSH, muster(HARSH.workers, work), jobs)
    gc.collect()
    gc.disable()
    try:
        record = made.to_the_end()
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert record.faults.total() > 0


def test_the_thresholds_are_those_from_before_when_the_last_run_is_over() -> None:
    before = gc.get_threshold()
    outer, inner = few_collections(), few_collections()
    with outer:
        few = gc.get_threshold()
        assert few > before
        with pytest.raises(ZeroDivisionError), inner:
            raise ZeroDivisionError
        assert gc.get_threshold() == few
    assert gc.get_threshold() == before


def test_a_scheduler_of_ones_own_may_make_cycles_so_the_collector_is_left_alone() -> None:
    seen: list[tuple[int, int, int]] = []
    before = gc.get_threshold()
    run(Scenario(workload=Synthetic(jobs=1)), schedule=lambda *_, **__: seen.append(gc.get_threshold()))
    assert set(seen) == {before}
    run(Scenario(workload=Synthetic(jobs=1)), progress=lambda _: seen.append(gc.get_threshold()))
    assert seen[-1] != before == gc.get_threshold()
