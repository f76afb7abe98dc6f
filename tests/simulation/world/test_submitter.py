"""When jobs are submitted: in order of the feed, those that wait for others after these and a think time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.events import Completed, Created
from grantcore.simulation.fleet import Member
from grantcore.simulation.job import Job
from grantcore.simulation.world.submitter import Ends
from tests.simulation.world.worlds import ANN, BOB, World

Few = dict[int, int]


def test_jobs_wait_for_others_and_think() -> None:
    jobs = [
        Job(0, 100, number=1),
        Job(10, 1, after=1, think_ms=50),  # 1 ends at 100
        Job(20, 1, after=99),  # nobody has that number
        Job(30, 1, number=4, after=4),  # nobody can wait for itself
        Job(40, 1, number=10**12, after=1),
        Job(50, 1, after=10**12, think_ms=7),  # its number is far from the others; it ends at 101
        Job(500, 1, after=1, think_ms=600),  # 1 has ended long ago
        Job(510, 1, after=1),
    ]
    members = [Member(f"w{number}", (), 1000) for number in range(8)]
    world = World(jobs, members=members).play()
    assert world.site.over
    assert world.instants(Created) == [0, 20, 30, 100, 108, 150, 510, 700]


def test_late_lines_come_at_once_and_are_counted() -> None:
    world = World([Job(100, 1), Job(50, 1), Job(100, 1), Job(120, 1)], members=[ANN, BOB]).play()
    assert world.instants(Created) == [100, 100, 100, 120]
    assert world.record.late_lines == 1


def test_nobody_is_forgotten_where_a_number_comes_twice() -> None:
    jobs = [Job(0, 100, number=1), Job(10, 1, after=1), Job(20, 300, number=1), Job(30, 1, after=1)]
    world = World(jobs, members=[ANN, BOB]).play()
    assert world.site.over
    assert world.instants(Created) == [0, 20, 100, 100]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 90), st.integers(0, 9), st.integers(0, 60)), max_size=9
    )
)
def test_each_job_comes_after_the_one_it_waits_for(drawn: list[tuple[int, int, int, int]]) -> None:
    jobs: list[Job] = []
    now = 0
    ends: Few = {}
    expected: list[int] = []
    for number, (gap_ms, run_ms, after, think_ms) in enumerate(drawn):
        now += gap_ms
        jobs.append(Job(now, run_ms, number=number, after=after, think_ms=think_ms))
        begin_ms = max(now, ends[after] + think_ms) if after in ends else now
        ends[number] = begin_ms + run_ms
        expected.append(begin_ms)
    members = [Member(f"w{number}", (), 1000) for number in range(9)]
    world = World(jobs, members=members).play()
    assert world.instants(Created) == sorted(expected)
    assert world.instants(Completed) == sorted(ends.values())


@settings(max_examples=50)
@given(st.lists(st.tuples(st.one_of(st.integers(-9, 2_000), st.integers()), st.integers(0, 2**53))))
def test_ends_are_remembered_by_number(notes: list[tuple[int, int]]) -> None:
    ends = Ends()
    told: Few = {}
    for number, at_ms in notes:
        ends.note(number, at_ms)
        told[number] = at_ms
        assert {known: ends.of(known) for known in told} == told
        assert ends.of(number + 1) == told.get(number + 1)
