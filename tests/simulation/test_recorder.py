"""The recorder: what it sums up is what was told, and what it keeps for pictures stays small."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter

import attrs
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation.job import Job
from grantcore.simulation.life import Life
from grantcore.simulation.record import LaneRecord, Point, Tenure
from grantcore.simulation.recorder import BEFORE_LOSS, MAX_POINTS, MAX_TENURES, Recorder
from grantcore.simulation.scenario.model import Scenario

WORKERS = 3


class Desk:
    """A recorder, the time it reads, and the lives it is told of."""

    def __init__(self, start_ms: int = 0) -> None:
        self.env = simpy.Environment(initial_time=start_ms)
        self.recorder = Recorder(self.env, Scenario(), WORKERS)
        self.record = self.recorder.record

    def at(self, ms: int) -> Recorder:
        if ms > self.env.now:
            self.env.run(until=ms)
        return self.recorder

    def submit(self, ms: int, name: str = "job", lane: str = "main", run_ms: int = 10) -> Life:
        life = Life(name, Job(ms, run_ms, lane), ms, poisoned=False, fate=0.5, moment=0.5)
        self.at(ms).submitted(life)
        return life

    def lease(self, ms: int, life: Life, *, reclaimed: bool = False) -> None:
        self.at(ms).leased(life, life.epoch + 1, "ann", reclaimed=reclaimed)


def test_a_life_with_a_loss_a_failure_and_an_end() -> None:
    desk = Desk(start_ms=5)
    life = desk.submit(10)
    desk.lease(30, life)
    life.fault_ms = 40
    desk.at(90).lapsed(life)
    desk.lease(100, life, reclaimed=True)
    desk.at(120).delayed(life, "failed")
    desk.at(150).due(life)
    desk.lease(160, life)
    desk.at(170).ended(life, "succeeded", "completed")
    record = desk.at(200).close()
    assert (record.submitted, record.leases, record.grants_used) == (1, 3, 3)
    assert (record.reclaims, record.retries) == (1, 1)
    assert record.waits_ms.tolist() == [20]
    assert record.recoveries_ms.tolist() == [60]
    assert record.turnarounds_ms.tolist() == [160]
    assert (record.first_submit_ms, record.last_end_ms, desk.recorder.last_submit_ms) == (5, 170, 10)
    assert record.ends == {"succeeded": 1}
    assert record.lanes == {"main": LaneRecord(jobs=1, wait_ms=20, run_ms=10, turnaround_ms=160)}
    assert record.timeline == [
        Tenure("ann", "job", 1, 30, 90, "lapsed"),
        Tenure("ann", "job", 2, 100, 120, "failed"),
        Tenure("ann", "job", 3, 160, 170, "completed"),
    ]


def test_a_loss_without_a_known_fault_began_when_the_lease_ran_out() -> None:
    desk = Desk()
    life = desk.submit(0)
    desk.lease(0, life)
    desk.at(70).lapsed(life)
    desk.lease(100, life, reclaimed=True)
    assert desk.record.recoveries_ms.tolist() == [30]


def test_a_takeover_of_what_was_not_seen_lost_has_no_recovery_time() -> None:
    desk = Desk()
    life = desk.submit(0)
    desk.lease(5, life, reclaimed=True)
    assert (desk.record.reclaims, desk.record.recoveries_ms.tolist()) == (1, [])


def test_what_ends_without_a_lease_has_waited_all_the_time() -> None:
    desk = Desk()
    first, second = desk.submit(0, "a", "x"), desk.submit(0, "b", "x")
    desk.at(50).ended(first, "cancelled", "cancelled")
    desk.at(80).ended(second, "cancelled", "cancelled")
    record = desk.recorder.close()
    assert record.lanes == {"x": LaneRecord(jobs=2, wait_ms=130, run_ms=20, turnaround_ms=130)}
    assert record.waits_ms.tolist() == []
    assert record.timeline == []


def test_a_lease_that_nobody_ended_is_open_to_the_end() -> None:
    desk = Desk()
    desk.lease(20, desk.submit(0))
    assert desk.at(90).close().timeline == [Tenure("ann", "job", 1, 20, 90, "open")]


def test_capacity_is_the_time_of_workers_that_are_there() -> None:
    desk = Desk(start_ms=100)
    desk.at(150).down("ann")
    desk.at(160).down("bob")
    desk.at(170).back("ann")
    assert desk.at(200).close().capacity_ms == WORKERS * 100 - 20 - 40


@pytest.mark.parametrize(
    ("outcome", "sums"), [("useful", (7, 0, 0)), ("failed", (0, 7, 0)), ("lost", (0, 0, 7))]
)
def test_work_counts_by_what_came_of_it(outcome: str, sums: tuple[int, int, int]) -> None:
    desk = Desk()
    desk.recorder.worked(9, 7, outcome)
    record = desk.record
    assert record.busy_ms == 9
    assert (record.useful_ms, record.failed_ms, record.wasted_ms) == sums


def test_names_are_in_order_whatever_came_first() -> None:
    desk = Desk()
    for lane in "ba":
        desk.recorder.ended(desk.submit(0, lane, lane), "cancelled", "cancelled")
    desk.record.refused.update(("stale_lease", "lease_expired"))
    desk.record.faults.update(("pause", "crash"))
    desk.record.grants_issued = 5
    record = desk.recorder.close()
    assert list(record.lanes) == ["a", "b"]
    assert list(record.refused) == ["lease_expired", "stale_lease"]
    assert list(record.faults) == ["crash", "pause"]
    assert record.grants_lapsed == 5


# -- points --------------------------------------------------------------------------------------

GAPS = st.integers(0, 2_000) | st.integers(0, 10**7) | st.integers(0, 10**9)


@given(st.integers(0, 10**6), st.lists(st.tuples(GAPS, st.integers(-3, 3)), max_size=8))
@settings(max_examples=20)
def test_points_are_few_evenly_apart_and_true(start_ms: int, steps: list[tuple[int, int]]) -> None:
    desk = Desk(start_ms)
    now, lives = start_ms, list[Life]()
    history = [(start_ms, 0, 0, WORKERS)]
    for gap, change in steps:
        now += gap
        if change % 2 and lives and lives[-1].standing == "waiting":
            desk.lease(now, lives[-1])
        else:
            lives.append(desk.submit(now, f"job-{len(lives)}"))
        desk.recorder.idles(change)
        leased = sum(life.standing == "leased" for life in lives)
        history.append((now, len(lives) - leased, leased, history[-1][3] + change))
    points = desk.at(now + 1_500).close().points
    assert 2 <= len(points) < MAX_POINTS
    step_ms = points[1].at_ms - points[0].at_ms
    assert [point.at_ms for point in points] == [start_ms + n * step_ms for n in range(len(points))]
    assert now + 1_500 - points[-1].at_ms <= 2 * step_ms
    assert step_ms == 1_000 or len(points) >= MAX_POINTS // 2
    for point in points:
        last = bisect_right(history, point.at_ms, key=itemgetter(0)) - 1
        assert point == Point(point.at_ms, *history[last][1:])


# -- the timeline ---------------------------------------------------------------------------------


def lease_many(desk: Desk, begin: int, number: int) -> list[Life]:
    lives = [desk.submit(begin + n, f"job-{begin + n}") for n in range(number)]
    for n, life in enumerate(lives):
        desk.lease(begin + number + n, life)
    return lives


def test_without_a_loss_the_last_leases_are_kept() -> None:
    desk = Desk()
    lives = lease_many(desk, 0, BEFORE_LOSS + 50)
    timeline = desk.recorder.close().timeline
    assert [tenure.execution_id for tenure in timeline] == [life.execution_id for life in lives[50:]]


@pytest.mark.parametrize("lost", [0, BEFORE_LOSS + 49])
def test_the_leases_around_the_first_loss_are_kept_and_it_is_among_them(lost: int) -> None:
    desk = Desk()
    lives = lease_many(desk, 0, BEFORE_LOSS + 50)
    desk.recorder.lapsed(lives[lost])
    later = lease_many(desk, 1_000, MAX_TENURES)
    desk.recorder.lapsed(later[0])
    desk.recorder.ended(later[-1], "succeeded", "completed")
    timeline = desk.recorder.close().timeline
    names = [tenure.execution_id for tenure in timeline]
    assert len(names) == MAX_TENURES == len(set(names))
    assert lives[lost].execution_id in names
    assert lives[-1].execution_id in names
    assert later[0].execution_id in names
    assert later[-1].execution_id not in names
    assert {tenure.execution_id for tenure in timeline if tenure.end == "lapsed"} == {
        lives[lost].execution_id,
        later[0].execution_id,
    }
    assert [tenure.begin_ms for tenure in timeline] == sorted(tenure.begin_ms for tenure in timeline)


def test_the_loss_of_what_was_never_leased_shows_nothing() -> None:
    desk = Desk()
    desk.recorder.lapsed(desk.submit(0))
    assert desk.recorder.close().timeline == []


def test_a_record_begins_with_nothing() -> None:
    record = Desk(start_ms=7).record
    assert record == attrs.evolve(record, first_submit_ms=7, submitted=0)
    assert record.points == []
