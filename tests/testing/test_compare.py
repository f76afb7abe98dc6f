"""Engine and model side by side (SPEC 3 to 11): they never part, and would be seen if they did."""

from __future__ import annotations

from typing import Final

import pytest

from grantcore import GrantAlreadyExists, GrantEngine, IssueClaimGrantRequest
from grantcore.testing import Model
from grantcore.testing.comparing import SETTINGS, Failure, Setting, compare
from grantcore.testing.pair import Disagreement, Pair
from tests.testing.planted import PLANTED, Plant

STEPS = 500
SEEDS = (*range(28, 49), *range(56, 63))
"""Each setting four times. The long runs are the proof's, ``tests/proof/test_compared.py``."""


@pytest.mark.parametrize("seed", SEEDS)
def test_engine_and_model_agree(seed: int) -> None:
    assert compare(seed, STEPS) == STEPS
    assert len(SEEDS) == 4 * len(SETTINGS)


def test_what_is_granted_is_not_taken_by_the_operator() -> None:
    """SPEC 9: chance seldom asks."""
    pair = Pair()
    pair.call("create_execution", lane_id="a", execution_id="e")
    who = {"worker_id": "w", "worker_instance_id": "w-1"}
    request = IssueClaimGrantRequest(**who, lane_id="a", grant_ttl_ms=9)
    pair.call("issue_claim_grant", "e", request)
    refusal = pair.call("operator.issue_grant_and_claim", "e", **who, lease_ttl_ms=9)
    assert isinstance(refusal, GrantAlreadyExists)


# -- that it can fail ----------------------------------------------------------------------------


FEW: Final = 25
"""A script that is read at a glance. One about a late minted id needs all that were minted before it."""


def _failure() -> Failure:
    """The first one that is told in few steps."""
    for seed in range(30):
        try:
            compare(seed, 1_000)
        except Failure as failure:
            if len(failure.steps) < FEW:
                return failure
    raise AssertionError("the planted bug was not found, or not told in few steps")


def _paste(text: str) -> None:
    exec(text, {})  # noqa: S102 - our own script


def _is_found_and_told_as_a_script(plant: Plant) -> None:
    """The script fails with the bug and passes without it; no step of it can be left out."""
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        failure = _failure()
        told = str(failure)
        assert told.startswith(f"seed {failure.seed}: ")
        pasted = told[told.index("from grantcore import *") :]
        with pytest.raises(Disagreement):
            _paste(pasted)
    _paste(pasted)


def test_a_planted_bug_is_found_and_told_as_a_script() -> None:
    _is_found_and_told_as_a_script(PLANTED["the cap is one more (D-05)"])


@pytest.mark.nightly
@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED.keys())
def test_every_planted_bug_is_found_and_told_as_a_script(plant: Plant) -> None:
    _is_found_and_told_as_a_script(plant)


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
