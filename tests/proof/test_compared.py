"""Engine and model side by side, for long (SPEC 3 to 11): they never part, and would be seen if they did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import attrs
import pytest

from grantcore import GrantError, Operator, Scheduler
from grantcore.model import outcomes
from grantcore.rules import granting
from grantcore.testing import Model
from grantcore.testing.comparing import SETTINGS, Failure, compare
from grantcore.testing.pair import Pair
from tests.proof.figures import FIGURES, Part

pytestmark = pytest.mark.uncovered

STEPS = 2_000
"""Of one seed: short enough that a failing run is soon shortened."""

PARTS, NIGHTLY_PARTS = 4, 500
SECONDS, NIGHTLY_SECONDS = 400, 1_200


def _run(first_seed: int, *, wanted: int, seconds: float) -> int:
    """One part: seed after seed."""
    seed = first_seed
    with Part("compared", wanted=wanted, seconds=seconds) as part:
        while part.goes_on():
            part.count(compare(seed, STEPS))
            seed += 1
    return part.reached


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
def test_engine_and_model_agree(part: int) -> None:
    """All parts together: what the figure wants."""
    wanted = FIGURES["compared"].ci // PARTS
    assert _run(part * 1_000, wanted=wanted, seconds=SECONDS) * PARTS >= FIGURES["compared"].ci


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(NIGHTLY_PARTS))
def test_engine_and_model_agree_all_night(part: int) -> None:
    """5 * 10^7 compared steps in all."""
    wanted = FIGURES["compared"].nightly // NIGHTLY_PARTS
    reached = _run(1_000_000 + part * 1_000, wanted=wanted, seconds=NIGHTLY_SECONDS)
    assert reached * NIGHTLY_PARTS >= FIGURES["compared"].nightly


@pytest.mark.proof
def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same run with a bug: grants live as long as they are asked to (D-05). More in tests/testing."""
    monkeypatch.setattr(granting, "cap", lambda _record: None)
    with pytest.raises(Failure):
        for seed in range(len(SETTINGS)):
            compare(seed, STEPS)


# -- what a run reaches --------------------------------------------------------------------------


def _public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


NOT_ASKED = {"operator", "scheduler", "restored", "story", "deadlines"}
"""Of the model: not calls of an engine."""


@pytest.mark.proof
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
    for seed in range(4 * len(SETTINGS), 6 * len(SETTINGS)):
        compare(seed, STEPS)
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
} - {"Breach", "ExpiredLease", "LeaseLost", "Refused"}
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
