"""The agenda against a dictionary, which forgets nothing and is searched from end to end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grantcore.driving.agenda import SLACK, Agenda

MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("file"), st.integers(0, 9), st.integers(0, 50)),
        st.tuples(st.just("drop"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("pop"), st.just(0), st.integers(0, 50)),
    ),
    max_size=60,
)


@given(MOVES)
def test_it_does_what_a_dictionary_would(moves: list[tuple[str, int, int]]) -> None:
    agenda, model = Agenda[int](), dict[int, tuple[int, int]]()
    for count, (move, item, at_ms) in enumerate(moves):
        if move == "file":
            agenda.file(item, at_ms)
            model[item] = (at_ms, count)
        elif move == "drop":
            agenda.drop(item)
            model.pop(item, None)
        else:
            soonest = min(model, key=model.__getitem__, default=None)
            due = soonest if soonest is not None and model[soonest][0] <= at_ms else None
            assert agenda.pop_due(at_ms) == due
            if due is not None:
                del model[due]
        assert agenda.next_ms() == min((at for at, _ in model.values()), default=None)
        assert len(agenda) == len(model)


def test_what_was_dropped_does_not_pile_up() -> None:
    """A long timeout that never comes to pass costs nothing for long."""
    agenda = Agenda[int]()
    for item in range(10_000):
        agenda.file(item, 1_000_000)
        agenda.drop(item - 3)
    assert len(agenda) == 3
    assert len(agenda._heap) <= 2 * len(agenda) + SLACK + 1
