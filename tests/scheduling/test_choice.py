"""The scheduler and an independent model of it agree on every choice (SPEC 7, 8; I-36, I-57 to I-60).

Quotas, budgets, lanes, weights, aging, workers, lapses, revocations, retries and caps included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from grantcore.engine import choosing
from grantcore.engine.core import Core
from grantcore.index import lines
from grantcore.model.records import Execution
from grantcore.rules import admission, granting
from tests.scheduling.choice import Choice
from tests.scheduling.walk import OPERATIONS, Disagreed, Walk

STEPS: Final = 100_000


def walked(seed: int, steps: int) -> Walk:
    walk = Walk(seed).go(steps)
    walk.engine.check()
    return walk


@pytest.mark.parametrize("steps", [STEPS // 20, pytest.param(STEPS, marks=pytest.mark.proof)])
def test_model_and_scheduler_agree(steps: int) -> None:
    """SPEC 7: 10^5 operations, and every kind of answer was compared often."""
    told: dict[str, int] = {}
    for seed in range(4):
        for what, times in walked(seed, steps // 4).told.items():
            told[what] = told.get(what, 0) + times
    assert told.pop("grants") > steps // 20
    assert min(told.values()) > steps // 1000
    assert set(OPERATIONS) >= {"claim", "claim_many", "would_grant", "unmatched", "peek"}


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 110))
def test_model_and_scheduler_agree_a_million_times(seed: int) -> None:
    walked(seed, STEPS)


def the_lost_do_not_go_first(patch: pytest.MonkeyPatch) -> None:
    real = lines.rank

    def rank(record: Execution, aging_ms: int | None) -> lines.Rank:
        first, _, created_ms, name = real(record, aging_ms)
        return (first, True, created_ms, name)

    patch.setattr(choosing, "rank", rank)


def the_cap_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(granting, "cap", lambda *_: None)


def every_shelf_is_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(admission, "refusal", lambda *_: None)


def the_winner_does_not_pay(patch: pytest.MonkeyPatch) -> None:
    def by_weight(core: Core, now: int, seeker: choosing.Seeker, lanes: dict[str, int]) -> object:
        heads = [choosing.best(core, now, seeker, lane) for lane in lanes]
        found = [head for head in heads if head is not None]
        return (found[0], ()) if found else None

    patch.setattr(choosing, "_by_weight", by_weight)


Plant = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.parametrize(
    "plant", [the_lost_do_not_go_first, the_cap_is_forgotten, every_shelf_is_open, the_winner_does_not_pay]
)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: each of these is seen within the run of one seed."""
    plant(monkeypatch)
    with pytest.raises(Disagreed):
        walked(0, STEPS // 4)


def test_the_model_is_small_enough_to_be_believed() -> None:
    """It knows no index: what it keeps are the rows themselves."""
    assert set(vars(Choice())) == {"rows", "lanes", "quotas", "budgets", "workers"}
