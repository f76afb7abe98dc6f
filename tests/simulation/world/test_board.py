"""Who is asked for, of those that are idle."""

from __future__ import annotations

from collections import Counter

import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation.fleet import Member
from grantcore.simulation.job import Job
from grantcore.simulation.life import Life
from grantcore.simulation.world.board import Board, Crew
from grantcore.simulation.world.hands import Hand, hire

TOKENS = [(), ("a",), ("b",), ("a", "b")]


def life(lane_id: str = "l", *required: str) -> Life:
    return Life("e", Job(0, 1, lane_id, required_capabilities=required), 0, False, 0.0, 0.0)


def hand(*capabilities: str) -> Hand:
    return hire(simpy.Environment(), Member("ann", capabilities, 1_000))


def rings(board: Board) -> list[int]:
    rung: list[int] = []
    board.ring = lambda: rung.append(1)
    return rung


def test_crews_with_few_tokens_come_first() -> None:
    board = Board([("a", "b"), ("b",), (), ("a",), ()], asks_often=False)
    assert [crew.capabilities for crew in board.crews] == [(), ("a",), ("b",), ("a", "b")]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from("xyz"), st.sampled_from(TOKENS), st.booleans()),
        max_size=40,
    )
)
def test_a_crew_knows_what_there_is_for_it(steps: list[tuple[int, str, tuple[str, ...], bool]]) -> None:
    board = Board(TOKENS, asks_often=False)
    lives = [life(lane_id, *required) for _, lane_id, required, _ in steps]
    for number, _, _, comes in steps:
        if number < len(lives):
            (board.offer if comes else board.withdraw)(lives[number])
    for crew in board.crews:
        known = [
            one
            for one in lives
            if one.offered and set(one.job.required_capabilities) <= set(crew.capabilities)
        ]
        assert crew.lanes == Counter(one.job.lane_id for one in known)


def test_it_rings_for_the_idle_only_and_only_for_what_they_can_run() -> None:
    board = Board([(), ("a",)], asks_often=False)
    rung = rings(board)
    board.rest(hand())
    board.offer(life("l", "a"))
    board.offer(life("l", "c"))
    assert not rung
    board.offer(life())
    assert len(rung) == 1
    board.rest(hand("a"))
    assert len(rung) == 2


def test_who_was_offered_nothing_is_not_rung_for_until_something_turns_up() -> None:
    board = Board([()], asks_often=False)
    rung = rings(board)
    board.offer(life())
    (crew,) = board.crews
    crew.hopes = False
    board.rest(hand())
    assert not rung
    board.offer(life())
    assert (len(rung), crew.hopes) == (1, True)


def test_a_scheduler_of_ones_own_is_asked_whenever_anything_changes() -> None:
    board = Board([()], asks_often=True)
    board.offer(life())  # nobody listens yet
    rung = rings(board)
    (crew,) = board.crews
    crew.hopes = False
    board.rest(hand())
    assert (len(rung), crew.hopes) == (1, True)
    crew.hopes = False
    board.offer(life("l", "c"))
    assert (len(rung), crew.hopes) == (2, True)


def test_the_lane_that_served_them_last_is_last() -> None:
    crew = Crew((), lanes={"x": 1, "y": 2, "z": 1})
    crew.served("x")
    assert list(crew.lanes.items()) == [("y", 2), ("z", 1), ("x", 1)]
    crew.served("gone")
    assert list(crew.lanes) == ["y", "z", "x"]
