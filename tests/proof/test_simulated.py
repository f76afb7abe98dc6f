"""A simulated fleet with faults: nothing that must hold is broken (figure "simulated").

I-01 to I-05, I-08, I-10 to I-22, I-33, I-38, I-39, I-43, I-45, I-47, I-51, I-55, I-57, I-65.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest

from grantcore.engine.core import Core
from grantcore.model import capabilities
from grantcore.rules import replaying
from tests.proof.figures import FIGURES, Part
from tests.proof.simulated.leases import Violation
from tests.proof.simulated.running import SETTINGS, Failure, script, setting_of, simulate
from tests.proof.simulated.site import Setting

pytestmark = pytest.mark.uncovered

MOVES: Final = {False: 160_000, True: 50_000}
"""Of one seed, unobserved and observed, which is dearer: after that a new engine begins."""

SHARE: Final = 10
"""Each setting makes at least one call of so many."""

PARTS: Final = 4
NIGHTLY_PARTS: Final = 80


def run(first_seed: int, wanted: int, seconds: float) -> None:
    """Seeds one after the other, four settings in turn, until so many calls are made."""
    seed = first_seed
    made: Counter[Setting] = Counter()
    with Part("simulated", wanted=wanted, seconds=seconds) as part:
        while part.goes_on():
            setting = setting_of(seed)
            calls = simulate(seed, MOVES[setting.observed]).calls
            made[setting] += calls
            part.count(calls)
            seed += 1
        assert all(made[setting] * SHARE >= part.reached for setting in SETTINGS), made


@pytest.mark.proof
@pytest.mark.parametrize("number", range(PARTS))
def test_a_part(number: int) -> None:
    run(number * 1_000, FIGURES["simulated"].ci // PARTS, seconds=400)


@pytest.mark.nightly
@pytest.mark.parametrize("number", range(NIGHTLY_PARTS))
def test_a_long_part(number: int) -> None:
    run(10**6 * (number + 1), FIGURES["simulated"].nightly // NIGHTLY_PARTS, seconds=3_600)


@pytest.mark.parametrize("seed", range(len(SETTINGS)))
def test_a_little_of_each_setting(seed: int) -> None:
    site = simulate(seed, 3_000)
    assert site.calls > 1_500
    assert site.leases.accepted_calls > 200
    assert site.leases.refused_calls > 100
    assert (len(site.events.edges) > 35) is setting_of(seed).observed


# -- planted bugs --------------------------------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], None]


def all_lapse_late(patch: pytest.MonkeyPatch) -> None:
    """One millisecond is enough: half-open, everywhere (SPEC 3)."""
    original = Core._lapse
    patch.setattr(Core, "_lapse", lambda self, now, limit=None: original(self, now - 1, limit))


def purge_forgets_the_floor(patch: pytest.MonkeyPatch) -> None:
    """An epoch is issued twice for one name (I-02)."""
    original = replaying.write_purge

    def write_purge(record: Any, at_ms: int, arguments: Any) -> None:
        floor = arguments[-1].epoch_floor
        original(record, at_ms, arguments)
        arguments[-1].epoch_floor = floor

    patch.setattr(replaying, "write_purge", write_purge)


def nothing_is_missing(patch: pytest.MonkeyPatch) -> None:
    """A grant is issued to whoever asks for it by id (I-22)."""
    patch.setattr(capabilities, "missing", lambda *_: ())


PLANTS: Final[tuple[Plant, ...]] = (all_lapse_late, purge_forgets_the_floor, nothing_is_missing)


def find(plant: Plant, seed: int, patch: pytest.MonkeyPatch) -> None:
    """The failure is a short script that fails alike when it is pasted, and not without the bug."""
    plant(patch)
    with pytest.raises(Failure, match=rf"^seed {seed}: ") as found:
        simulate(seed, 10_000)
    failure = found.value
    pasted = script(failure.seed, failure.steps)
    assert len(failure.steps) < 15, str(failure)
    assert pasted in str(failure)
    with pytest.raises(Violation):
        exec(pasted, {})  # noqa: S102 - it is what a reader would do
    patch.undo()
    exec(pasted, {})  # noqa: S102


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    find(plant, 0, monkeypatch)


@pytest.mark.proof
@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("seed", range(len(SETTINGS)))
def test_a_planted_bug_is_found_in_every_setting(
    plant: Plant, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    find(plant, seed, monkeypatch)
