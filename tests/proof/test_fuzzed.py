"""Fuzzing of every public call: documented results and errors, nothing changed by a refusal (I-40, I-63)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import pytest

from grantcore.model import capabilities, checks
from grantcore.model.records import Execution
from grantcore.rules import granting
from tests.proof.arena import SETTINGS, Arena
from tests.proof.figures import FIGURES, Part
from tests.proof.fuzzing import Failure, Fuzzer, fuzz
from tests.proof.legal import LEGAL
from tests.proof.targets import targets

pytestmark = pytest.mark.uncovered

PARTS: Final = 4


# -- planted bugs ----------------------------------------------------------------------------------------


def _drop(validator: str) -> Callable[[pytest.MonkeyPatch], None]:
    """A validator of ``checks`` that lets everything pass."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(
            checks, validator, lambda *given, **_: given[validator not in {"lane_id", "execution_id"}]
        )

    return plant


def _any_token(patch: pytest.MonkeyPatch) -> None:
    """Capabilities that nobody judges."""
    patch.setattr(capabilities, "_token_length", lambda _side, token: len(token))


def _a_refusal_that_stamps(patch: pytest.MonkeyPatch) -> None:
    """A rule that notes the attempt before it refuses."""
    decide = granting.issue

    def hasty(record: Execution, *given: Any, **named: Any) -> Any:
        record.last_mutation_at_ms += 1
        change = decide(record, *given, **named)
        record.last_mutation_at_ms -= 1
        return change

    patch.setattr(granting, "issue", hasty)


PLANTS: Final[dict[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "integer": _drop("integer"),
    "text": _drop("text"),
    "identity": _drop("identity"),
    "lane_id": _drop("lane_id"),
    "any token": _any_token,
    "a refusal that stamps": _a_refusal_that_stamps,
}


def finds(plant: str, *, first: int = 29, seeds: int = 12) -> Failure:
    """The failure by which a planted bug is found."""
    with pytest.MonkeyPatch.context() as patch:
        PLANTS[plant](patch)
        for seed in range(first, first + seeds):
            try:
                fuzz(seed, 600, strict=True)
            except Failure as failure:
                return failure
    raise AssertionError(f"{plant} was not found")


# -- the runs --------------------------------------------------------------------------------------------


def fuzzed(part_number: int, wanted: int, seconds: float) -> None:
    """One part: engines of seeds of its own until there were enough calls, and every call was accepted."""
    finds("integer")
    seeds = count(part_number * 10**9)
    outcomes: Counter[tuple[str, str]] = Counter()
    with Part("fuzzed", wanted=wanted, seconds=seconds) as part:
        while part.goes_on():
            made = fuzz(next(seeds))
            outcomes += made
            part.count(made.total())
    assert {call for call, refusal in outcomes if not refusal} == targets().keys()
    assert sum(made for (_, refusal), made in outcomes.items() if not refusal) > 0.25 * outcomes.total()
    assert len({refusal for _, refusal in outcomes}) > 30


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
def test_fuzzed(part: int) -> None:
    """I-40, I-63: 10^6 calls."""
    fuzzed(part, FIGURES["fuzzed"].ci // PARTS, seconds=900)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(PARTS))
def test_fuzzed_at_night(part: int) -> None:
    """10^8 calls."""
    fuzzed(part + PARTS, FIGURES["fuzzed"].nightly // PARTS, seconds=6 * 3600)


# -- the harness itself ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(len(SETTINGS)))
def test_a_short_run_in_each_setting(seed: int) -> None:
    """Every call judged by the digest."""
    assert fuzz(seed, 300, strict=True).total() > 200


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_bug_is_found(plant: str) -> None:
    """It can fail, and tells in few calls how."""
    failure = finds(plant)
    assert len(failure.steps) <= 8
    compile(str(failure).partition("\n\n")[2], "script", "exec")


def test_a_run_is_its_seed() -> None:
    """The same seed makes the same calls."""
    assert fuzz(5, 300) == fuzz(5, 300)


def test_every_parameter_has_legal_values() -> None:
    """Nothing public is left out."""
    seeing = Fuzzer(0, Arena(0)).seeing
    for target in targets().values():
        for name in target.parameters:
            assert name in seeing or (LEGAL.get(f"{target.call}.{name}") or LEGAL.get(name)), (
                target.call,
                name,
            )
