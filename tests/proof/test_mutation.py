"""Mutants are killed as often as when the score was recorded, and the trial of one can fail."""

from __future__ import annotations

import ast
from typing import Final

import pytest

from tests.proof.figures import FIGURES, Part
from tests.proof.mutation import mutants
from tests.proof.mutation.mutants import LAYERS, Mutant, count, modules, mutant
from tests.proof.mutation.same import SAME, is_same
from tests.proof.mutation.scores import recorded
from tests.proof.mutation.trials import (
    CHANGED,
    OF_FILE,
    SECONDS,
    Score,
    changed,
    covering,
    drawn,
    least,
    sample_of_changed,
    seed_of_sources,
    trials,
    try_out,
)
from tests.proof.planted.altered import PACKAGE, original
from tests.proof.planted.detectors import ROOT
from tests.proof.planted.hunting import Found

pytestmark = pytest.mark.uncovered

SAMPLE: Final = FIGURES["mutants"].ci
"""About a minute of one processor: a killed one takes a second or more, a survivor half a minute."""

NIGHTLY_SHARE: Final = 0.95


def _scored(mutants: list[Mutant], workers: int, seconds: float) -> tuple[Score, list[str]]:
    score, survivors = Score(), []
    with Part("mutants", wanted=len(mutants), seconds=seconds) as part:
        for tried, found in trials(mutants, workers):
            score.add(tried, found)
            part.count()
            if found.detector is None:
                survivors.append(f"{tried.name} line {tried.line}: {tried.told}")
            if not part.goes_on():
                break
    return score, survivors


@pytest.mark.proof
def test_a_sample_of_what_changed_is_killed_as_before() -> None:
    """Its share may lie below the recorded one by what chance does to so small a sample, not by more."""
    sample = sample_of_changed(SAMPLE, seed_of_sources())
    score, survivors = _scored(sample, workers=1, seconds=900)
    assert score.tried.total() == SAMPLE
    assert score.share >= least(recorded().share, score.tried.total()), survivors


@pytest.mark.nightly
@pytest.mark.parametrize("path", modules())
def test_all_mutants_are_killed(path: str) -> None:
    every = drawn([path], count(path), seed_of_sources())
    score, survivors = _scored(every, workers=2, seconds=SECONDS * max(len(every), 1))
    assert score.tried.total() == len(every) >= count(path) - len(SAME)
    assert not survivors or score.share >= NIGHTLY_SHARE, survivors


# -- that a trial can fail -------------------------------------------------------------------------


def test_a_mutant_that_changes_nothing_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the short runs and the tests of the file alone, so that it does not take long."""
    monkeypatch.setattr(
        "tests.proof.mutation.trials.hunt", lambda *_args, **_kwargs: Found(None, None, 0.1, "")
    )
    same = Mutant("rules/laning.py", 1, 1, "nothing", original("rules/laning.py"))
    score = Score()
    score.add(same, try_out(same))
    assert (score.tried.total(), score.killed.total(), score.share) == (1, 0, 0.0)


def test_a_mutant_is_killed() -> None:
    killed = try_out(_of("model/time.py", "expires_at_ms <= now_ms  ->  expires_at_ms < now_ms"))
    assert killed.detector is not None


def _of(path: str, told: str) -> Mutant:
    return next(found for i in range(1, count(path) + 1) if (found := mutant(path, i)).told == told)


def test_the_recorded_score_is_of_all_layers() -> None:
    score = recorded()
    assert set(score.tried) == set(LAYERS)
    assert score.tried.total() >= 100
    assert 0.5 < least(score.share, SAMPLE) < score.share


def test_a_score_that_is_too_low_is_seen() -> None:
    assert least(0.95, SAMPLE) > 9 / SAMPLE
    assert least(0.95, SAMPLE) < 10 / SAMPLE


# -- mutants ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", modules())
def test_each_mutant_is_another_programme(path: str) -> None:
    """The first, the middle and the last of a module compile, and differ from it and from each other."""
    number = count(path)
    some = {i: mutant(path, i) for i in (1, (number + 1) // 2, number) if number}
    texts = {ast.unparse(ast.parse(original(path))), *(one.source for one in some.values())}
    assert len(texts) == 1 + len(some)
    for one in some.values():
        compile(one.source, path, "exec")


def test_there_is_no_mutant_beyond_the_last() -> None:
    with pytest.raises(AssertionError, match="no number"):
        mutant("model/time.py", count("model/time.py") + 1)


@pytest.mark.parametrize(
    ("source", "mutated"),
    [
        ("a < b", {"a <= b"}),
        ("a and not b", {"a or not b", "a and b"}),
        ("x = 1 if a else b", {"x = 2 if a else b", "x = b if a else 1"}),
        ("min(a, b) + c", {"max(a, b) + c", "min(a, b) - c"}),
        ("a.b = c", {"pass"}),
        ("a = b", set()),
        ("raise a", {"pass"}),
        ("assert a < b", set()),
        ('"a text"', set()),
        ("class A(Protocol):\n    b = 1", set()),
        ("def f(a: 1) -> 2:\n    return True", {"def f(a: 1) -> 2:\n    return False"}),
    ],
)
def test_what_is_mutated(source: str, mutated: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "original", lambda _path: source)
    assert {mutant("x", i).source for i in range(1, count("x") + 1)} == mutated


def test_what_is_known_to_be_the_same_is_a_mutant_and_in_no_sample() -> None:
    """The list has no entry that the code has left behind."""
    paths = {path for path, _, _ in SAME}
    found = [one for path in paths for i in range(1, count(path) + 1) if is_same(one := mutant(path, i))]
    assert {(one.path, one.told) for one in found} == {(path, told) for path, _, told in SAME}
    path = "index/holders.py"
    names = {one.name for one in drawn([path], count(path), 1)}
    assert len(names) == count(path) - sum(one.path == path for one in found)
    assert names.isdisjoint(one.name for one in found)


def test_a_sample_is_the_same_for_a_seed() -> None:
    names = [
        [found.name for found in drawn(["model/time.py", "rules/laning.py"], 5, seed)] for seed in (1, 1, 2)
    ]
    assert names[0] == names[1] != names[2]
    assert len(set(names[0])) == 5


def test_what_changed_comes_first_and_others_fill_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHANGED, "grantcore/model/time.py\ngrantcore/aio.py")
    assert changed() == ["model/time.py"]
    sample = [found.name for found in sample_of_changed(SAMPLE, 1)]
    own = count("model/time.py")
    assert own < SAMPLE == len(set(sample))
    assert {name.partition(":")[0] for name in sample[:own]} == {"model/time.py"}
    monkeypatch.delenv(CHANGED)
    assert changed() == modules()


def test_the_figure_of_the_night_can_be_reached_and_is_nearly_all() -> None:
    every = sum(map(count, modules()))
    assert 0.98 * every < FIGURES["mutants"].nightly <= every


def test_the_files_that_are_named_exist() -> None:
    assert set(OF_FILE) <= set(modules())
    assert all((PACKAGE / path).exists() for path in changed())
    named = {test for path in modules() for test in covering(path)}
    assert all((ROOT / test).exists() or (PACKAGE.parent / test).exists() for test in named)
