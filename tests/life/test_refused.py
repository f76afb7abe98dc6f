"""What the life-cycle table does not allow is refused, and nothing changes (I-33, I-40, SPEC 4)."""

from __future__ import annotations

from typing import Final

import pytest

from grantcore import ExecutionNotActive, GrantEngine, GrantError, InvariantBroken, Phase
from grantcore.model.life import CAUSES, LIFE, EventType
from grantcore.model.phases import ACTIVE, TERMINAL
from grantcore.model.records import Execution
from grantcore.rules.change import STEPS, step
from tests.life.calls import CALLS, expected, same
from tests.life.recipes import RECIPES, Recipe
from tests.life.stage import JOB, Stage, claim_request
from tests.life.test_table import EDGES, name_of
from tests.marks import one_in

PHASES: Final = (None, *Phase)
EVENTS: Final = sorted({event for _, event in EDGES}, key=lambda event: event.__name__)


# -- the commit ----------------------------------------------------------------------------------


def _never(_record: Execution, _at_ms: int, _arguments: object) -> None:
    raise AssertionError("a change along no edge was written")


@pytest.mark.parametrize("phase", PHASES, ids=name_of)
def test_no_change_can_be_made_along_an_edge_that_is_not_there(phase: Phase | None) -> None:
    """The table is the programme: a rule that goes beside it is a bug, told as one."""
    for event in EVENTS:
        for target in PHASES:
            allowed = target in LIFE[phase].get(event, ())
            assert ((event, phase, target) in STEPS) is allowed
            if not allowed:
                with pytest.raises(InvariantBroken, match="please report"):
                    step(event, phase, target)


@pytest.mark.parametrize("phase", [phase for phase in Phase], ids=name_of)  # noqa: C416 - Phase has a str hash
def test_the_commit_refuses_a_change_of_another_phase(phase: Phase) -> None:
    """Whatever edge a rule has looked up, it must start where the record is."""
    stage = RECIPES[phase][0].build()
    record = stage.engine._store.records[JOB]
    for edge in STEPS.values():
        if edge.source is not phase:
            with stage.unchanged(), pytest.raises(AssertionError):
                stage.engine._commit((edge, _never, record, stage.now, (), 0))


# -- the calls -----------------------------------------------------------------------------------


def _impossible(name: str, phase: Phase | None) -> bool:
    """Whether no event of a call may happen in a phase."""
    return not any(event in LIFE[phase] for event in CAUSES[name.partition(",")[0]])


def _refusable(phase: Phase | None) -> list[str]:
    return [name for name in CALLS if _impossible(name, phase)]


def _with_a_lapse_due(recipe: Recipe) -> tuple[Stage, str]:
    """Play a recipe up to an instant at which another execution's grant ends; tell what advance() leaves."""
    stage = recipe.build()
    stage.create("waiting", deadline_at_ms=None)
    stage.engine.issue_claim_grant("waiting", claim_request(ttl_ms=1))
    twin = GrantEngine.restore(stage.engine.snapshot(), clock=stage.clock)
    stage.clock.advance(1)
    twin.advance()
    return stage, twin.digest()


def _enough(recipes: tuple[Recipe, ...]) -> tuple[Recipe, ...]:
    """Every second one where there are very many; the walk along the allowed events takes all."""
    return recipes if len(recipes) <= 60 else recipes[::2]


def _answer(stage: Stage, name: str) -> object:
    try:
        return CALLS[name](stage)
    except GrantError as error:
        return error


def _judge(answer: object, phase: Phase | None, name: str, where: str) -> None:
    wanted = expected(name, phase)
    if isinstance(wanted, type):
        assert type(answer) is wanted, f"{where}: {name} gave {answer!r}"
        if type(answer) is ExecutionNotActive:
            _judge_not_active(answer, phase)
    else:
        assert same(answer, wanted), f"{where}: {name} gave {answer!r}"


OUTCOMES: Final = {
    Phase.SUCCEEDED: "success",
    Phase.FAILED: "failed",
    Phase.CANCELLED: "cancelled",
    Phase.EXPIRED: "expired",
}


def _judge_not_active(error: ExecutionNotActive, phase: Phase | None) -> None:
    """It says enough to know whose doing that was (I-46)."""
    assert phase is not None
    assert error.terminal_outcome == OUTCOMES.get(phase, "none")
    waiting = "suspended" if phase is Phase.SUSPENDED else "runnable"
    assert error.lifecycle_phase == ("terminal" if phase in TERMINAL else waiting)
    assert phase not in ACTIVE


@pytest.mark.uncovered
@pytest.mark.parametrize("phase", one_in(3, PHASES), ids=name_of)
def test_a_call_none_of_whose_events_is_allowed_is_refused_and_changes_nothing(phase: Phase | None) -> None:
    """Each call in turn is the first to come at the instant, and finds another's lapse due (I-40)."""
    names = _refusable(phase)
    assert names
    for number, recipe in enumerate(_enough(RECIPES[phase])):
        stage, digest = _with_a_lapse_due(recipe)
        told = len(stage.told)
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            _judge(_answer(stage, name), phase, name, recipe.name)
            assert stage.engine.digest() == digest, f"{recipe.name}: {name} changed something"
        lapsed = [(type(event).__name__, event.execution_id) for event in stage.told[told:]]
        assert lapsed == [("LeaseLapsed", "bystander"), ("GrantLapsed", "waiting")]
        stage.engine.check()


def test_every_event_that_is_not_allowed_has_a_call_or_is_of_time() -> None:
    """No pair of the table is left untried: for each there is a call that would cause it, or time alone."""
    timed = CAUSES["advance"]
    for phase in PHASES:
        tried: set[EventType] = set()
        for name in _refusable(phase):
            tried |= CAUSES[name.partition(",")[0]]
        left = {event for event in EVENTS if event not in LIFE[phase]} - tried - timed
        # These share a call with an event that the phase allows, and are told apart by stories.
        assert {event.__name__ for event in left} <= {"LeaseAcquired", "LeaseReclaimed", "ReclaimCapReached"}
