"""Every planted bug is found, and without a bug nothing is: the detectors can fail, and do so for a reason.

The registry is in :mod:`tests.proof.planted`. A plant is first hunted with the seed that found it when the
table was recorded, then with all others.
"""

from __future__ import annotations

import re
from statistics import median
from typing import Final

import pytest

from grantcore.testing.pair import Disagreement
from tests.proof.figures import FIGURES, Part
from tests.proof.planted import bugs
from tests.proof.planted.decisions import DECISIONS
from tests.proof.planted.hunting import HANGS, IMPORT, Found, hunt
from tests.proof.planted.plant import Plant
from tests.proof.planted.plants import PLANTS
from tests.proof.planted.recorded import RESULTS, seeds_of

pytestmark = pytest.mark.uncovered

PARTS: Final = 8
SECONDS: Final = 60
"""For one plant; what it took to find the slowest is a fraction of it."""

MEDIAN_SECONDS: Final = 10
PART_SECONDS: Final = 600


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
def test_every_planted_bug_is_found(part: int) -> None:
    names = list(PLANTS)[part::PARTS]
    took: list[float] = []
    with Part("planted", wanted=len(names), seconds=PART_SECONDS) as reached:
        for name in names:
            found = hunt(PLANTS[name].sources(), seconds=SECONDS, first=seeds_of(name))
            assert found.seed is not None, f"{found}; python -m tests.proof.planted {name!r}"
            took.append(found.seconds)
            reached.count()
    assert median(took) < MEDIAN_SECONDS


@pytest.mark.proof
def test_without_a_bug_nothing_is_found() -> None:
    found = hunt({}, seconds=10 * SECONDS)
    assert found.detector is None, found


# -- the registry ----------------------------------------------------------------------------------


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS.keys())
def test_each_old_text_stands_there_exactly_once(plant: Plant) -> None:
    """So that the registry never rots; what is planted is another programme, and still one."""
    assert plant.edits
    for path, source in plant.sources().items():
        compile(source, path, "exec")


def test_all_decisions_are_undone() -> None:
    """SPEC 12."""
    undone = {re.sub("[a-z]$", "", plant.name) for plant in DECISIONS}
    assert undone == {f"D-{number:02}" for number in range(1, 34)}


def test_there_are_enough_bugs_in_every_layer() -> None:
    assert len(bugs.BUGS) >= 50
    layers = [edit.path.partition("/")[0] for plant in bugs.BUGS for edit in plant.edits]
    assert all(layers.count(layer) >= 10 for layer in ("model", "rules", "index", "engine"))
    assert FIGURES["planted"].ci == FIGURES["planted"].nightly == len(PLANTS)


def test_the_table_has_a_row_for_each() -> None:
    rows = RESULTS.read_text()
    assert [name for name in PLANTS if f"| {name} | " not in rows or not seeds_of(name)] == []


# -- the hunt --------------------------------------------------------------------------------------


def _told(found: Found) -> str:
    return found.told[found.told.index("from grantcore import *") :]


def test_a_bug_is_told_as_a_script_that_passes_without_it() -> None:
    found = hunt(PLANTS["D-01"].sources(), seconds=SECONDS, first=(("model", 0),), told=True)
    assert (found.detector, found.seed) == ("model", 0)
    assert _told(found).count("pair.call") < 10
    exec(_told(found), {})  # noqa: S102 - our own script


def test_the_same_bug_planted_here_fails_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The script is about the engine, not about the process it was found in."""
    found = hunt(PLANTS["a clamped reading is not counted"].sources(), seconds=SECONDS, told=True)
    from grantcore.engine import core  # noqa: PLC0415 - beside its use

    original = core.Core._accept_reading

    def uncounted(self: core.Core, now: object) -> int:
        clamped = self._clock_clamped
        accepted = original(self, now)
        self._clock_clamped = clamped
        return accepted

    monkeypatch.setattr(core.Core, "_accept_reading", uncounted)
    with pytest.raises(Disagreement):
        exec(_told(found), {})  # noqa: S102 - as above


def test_a_module_that_cannot_be_imported_is_told() -> None:
    found = hunt({"model/time.py": "raise KeyError('planted')"}, seconds=SECONDS)
    assert found.detector == IMPORT
    assert "planted" in found.told


def test_what_does_not_end_is_given_up() -> None:
    found = hunt({"model/time.py": "while True: pass"}, seconds=1)
    assert (found.detector, found.seed) == (HANGS, None)
