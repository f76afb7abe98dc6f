"""Interruptions of every public call in seeded random states; nothing is torn (I-41, SPEC 11 "Atomic").

In each state a call of every kind is offered, and every line that these calls execute is interrupted where
a call first reaches it: in each call that reaches it, up to :data:`SHARED` of them. Lines that many calls
share (the entry, lapses) are not interrupted in all the calls of one state; the order of the calls is another
in every state. How it is judged: ``tests/proof/every_line.py``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final

import pytest

import grantcore as gc
from grantcore.engine.core import Core
from grantcore.model.records import Execution
from grantcore.rules import claiming, ending
from tests.proof.every_line import Keepsake, spelled
from tests.proof.figures import FIGURES, Part
from tests.proof.interrupting import Failure, Life
from tests.robustness import inside
from tests.robustness.calls import methods
from tests.robustness.worlds import new_world

pytestmark = pytest.mark.uncovered

PARTS: Final = 4
STATES: Final = 50
SHARED: Final = 2
"""So many calls of one state are interrupted at a line that more of them reach."""

STATES_AT_NIGHT: Final = 5_000


# -- planted bugs ----------------------------------------------------------------------------------------


def _a_slot_cleared_too_early(patch: pytest.MonkeyPatch) -> None:
    """A failure that is written when nothing is in hand any more."""
    write = ending.write_retry
    core: list[Core] = []
    commit = Core._commit

    def noting(self: Core, *given: Any) -> None:
        core[:] = [self]
        commit(self, *given)

    def early(record: Execution, at_ms: int, arguments: Any) -> None:
        core[0]._pending = None
        write(record, at_ms, arguments)

    patch.setattr(Core, "_commit", noting)
    patch.setattr(ending, "write_retry", early)


def _a_write_before_the_decision(patch: pytest.MonkeyPatch) -> None:
    """A rule that voids the grant while it is still deciding."""
    decide = claiming.reclaim

    def hasty(record: Execution, *given: Any, **named: Any) -> Any:
        grant, record.grant = record.grant, None
        change = decide(record, *given, **named)
        record.grant = grant
        return change

    patch.setattr(claiming, "reclaim", hasty)


PLANTS: Final[dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]]] = {
    "a slot cleared too early": (_a_slot_cleared_too_early, "fail_execution"),
    "a write before the decision": (_a_write_before_the_decision, "reclaim_execution"),
}


def finds(plant: str, seed: int) -> Failure:
    """The failure by which a planted bug is found, in the call that has it."""
    bug, call = PLANTS[plant]
    Life(seed).interrupted(only={call})
    with pytest.MonkeyPatch.context() as patch:
        bug(patch)
        with pytest.raises(Failure) as found:
            Life(seed).interrupted(only={call})
        return found.value


# -- the runs --------------------------------------------------------------------------------------------


def interrupted(seeds: range, wanted: int, seconds: float) -> None:
    """One part: all calls in these states."""
    finds("a slot cleared too early", 0)
    left = list(seeds)
    with Part("interrupted", wanted=wanted, seconds=seconds) as part:
        while left:
            part.count(Life(left.pop()).interrupted(SHARED))


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
def test_interrupted(part: int) -> None:
    """I-41: every line, in each of 50 states."""
    interrupted(range(part, STATES, PARTS), FIGURES["interrupted"].ci // PARTS, seconds=900)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(PARTS))
def test_interrupted_at_night(part: int) -> None:
    """In 5,000 states."""
    seeds = range(STATES + part, STATES + STATES_AT_NIGHT, PARTS)
    wanted = FIGURES["interrupted"].nightly // PARTS
    interrupted(seeds, wanted, seconds=6 * 3600)


# -- the harness itself ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_good_call_of_every_kind_is_offered(seed: int) -> None:
    """No public call is left out, and nearly all of them do something."""
    life = Life(seed)
    offers = life.offers()
    assert offers.keys() == methods() - {"operator", "restore"}
    assert sum(life.accepts(step) for step in offers.values()) >= len(offers) - 5


def test_a_few_calls_at_every_line() -> None:
    """A small run of the real thing."""
    assert Life(4).interrupted(1, only={"take", "advance", "scheduler.claim_for_worker"}) > 300


@pytest.mark.parametrize("seed", range(4))
def test_a_world_is_brought_back(seed: int) -> None:
    """What the next interruption finds is what the last one found."""
    stage = Life(seed).stage
    world = new_world()
    stage.build(world)
    before, whole = spelled(inside.truth(world.engine)), Keepsake(world)
    first = inside.bare_digest(world.engine)
    world.engine.create_execution(lane_id="main", execution_id="one-more")
    for execution_id in list(inside.executions(world.engine)):
        with contextlib.suppress(gc.GrantError):
            world.operator.cancel(execution_id, reason="to change it")
    assert not whole.is_as_it_was()
    assert spelled(inside.truth(world.engine)) != before
    whole.bring_back()
    assert whole.is_as_it_was()
    assert spelled(inside.truth(world.engine)) == before
    assert inside.bare_digest(world.engine) == first
    world.engine.check()


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("seed", [2, 4])
def test_a_planted_bug_is_found(plant: str, seed: int) -> None:
    """I-41: it can fail, and tells in few calls how."""
    found = finds(plant, seed)
    assert len(found.steps) <= 10
    with pytest.MonkeyPatch.context() as patch:
        PLANTS[plant][0](patch)
        with pytest.raises(AssertionError, match="at line"):
            exec(found.script(), {})  # noqa: S102 - what is told can be pasted and run
