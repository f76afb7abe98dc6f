"""Engine and model side by side (SPEC 3 to 11): they never part, and would be seen if they did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import attrs
import pytest

from grantcore import GrantEngine, GrantError, Operator, Scheduler
from grantcore.model import outcomes
from grantcore.testing import Model
from grantcore.testing.comparing import SETTINGS, Failure, Setting, compare
from grantcore.testing.pair import Disagreement, Pair
from tests.testing.planted import PLANTED, Plant

STEPS = 2_000
"""Of one seed: short enough that a failing run is soon shortened."""

SEEDS_PER_TEST = 5
TESTS = 8
REACHING = 10
NIGHTLY_TESTS = 1_000
NIGHTLY_SEEDS_PER_TEST = 25


def _run(first: int, seeds: int) -> int:
    return sum(compare(seed, STEPS) for seed in range(first, first + seeds))


@pytest.mark.parametrize("part", range(TESTS))
def test_engine_and_model_agree(part: int) -> None:
    """With those below, 10^5 compared steps in all."""
    assert _run(part * SEEDS_PER_TEST, SEEDS_PER_TEST) * TESTS == 80_000


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(NIGHTLY_TESTS))
def test_engine_and_model_agree_all_night(part: int) -> None:
    """5 * 10^7 compared steps in all."""
    first = 1_000 + part * NIGHTLY_SEEDS_PER_TEST
    assert _run(first, NIGHTLY_SEEDS_PER_TEST) * NIGHTLY_TESTS == 50_000_000


# -- what a run reaches --------------------------------------------------------------------------


def _public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


NOT_ASKED = {"operator", "scheduler", "restored", "story", "deadlines"}
"""Of the model: not calls of an engine."""


def test_a_run_reaches_every_call_and_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing proves nothing about what is never called, or never succeeds."""
    reached: Counter[str] = Counter()
    original: Callable[..., object] = Pair._ask

    def ask(self: Pair, call: str, *args: object, **kwargs: object) -> object:
        answer = original(self, call, *args, **kwargs)
        reached[type(answer).__name__] += 1
        reached[call] += not isinstance(answer, GrantError)
        return answer

    monkeypatch.setattr(Pair, "_ask", ask)
    assert _run(TESTS * SEEDS_PER_TEST, REACHING) == 20_000
    calls = {name for base in Model.__mro__ for name in _public(base)} - NOT_ASKED
    assert sorted(calls - reached.keys()) == []
    faces = {f"operator.{name}" for name in _public(Operator)} - {"operator.identity"}
    faces |= {f"scheduler.{name}" for name in _public(Scheduler)}
    assert sorted(faces - reached.keys()) == []
    assert sorted(OUTCOMES - reached.keys()) == []
    refusals = {kind.__name__ for kind in _leaves(GrantError)}
    assert sorted(refusals - reached.keys()) == NEVER_REFUSED


OUTCOMES = {
    kind.__name__
    for kind in vars(outcomes).values()
    if isinstance(kind, type) and kind.__module__ == outcomes.__name__ and attrs.has(kind)
} - {"Breach", "ExpiredLease", "LeaseLost"}
"""What calls answer with, save what is only a part of it."""


NEVER_REFUSED = [
    "Forked",
    "InvariantBroken",
    "Reentrant",
    "SnapshotInvalid",
]
"""About processes, observers and bytes, which a pair has none of."""


def _leaves(kind: type) -> list[type]:
    kinds: list[type] = kind.__subclasses__()
    return [leaf for sub in kinds for leaf in _leaves(sub)] if kinds else [kind]


# -- that it can fail ----------------------------------------------------------------------------


def _failure() -> Failure:
    for seed in range(30):
        try:
            compare(seed, 1_000)
        except Failure as failure:
            return failure
    raise AssertionError("the planted bug was not found")


def _paste(text: str) -> None:
    exec(text, {})  # noqa: S102 - our own script


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_bug_is_found_and_told_as_a_script(plant: Plant) -> None:
    """The script fails with the bug and passes without it; no step of it can be left out."""
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        failure = _failure()
        told = str(failure)
        assert told.startswith(f"seed {failure.seed}: ")
        pasted = told[told.index("from grantcore import *") :]
        with pytest.raises(Disagreement):
            _paste(pasted)
        assert len(failure.steps) < 25
    _paste(pasted)


def test_a_foreign_exception_is_a_failure_too() -> None:
    """What is no refusal is never an answer (I-63)."""

    def broken(*_: object) -> object:
        raise KeyError("broken")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GrantEngine, "describe_grant", broken)
        with pytest.raises(Failure, match="KeyError"):
            compare(0, 300)


def test_a_failure_that_does_not_come_again_is_told_as_it_was() -> None:
    """Some state outside of both: the run fails once, and nothing can be left out."""
    fails = iter([True])
    original = Model.describe_execution

    def broken(self: Model, execution_id: str) -> object:
        if next(fails, False):
            raise KeyError("once")
        return original(self, execution_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "describe_execution", broken)
        with pytest.raises(Failure, match="not again: KeyError"):
            compare(0, 300)


def test_a_setting_can_be_chosen() -> None:
    assert compare(0, 50, Setting(look_every=10)) == 50
    assert len(SETTINGS) > 4
