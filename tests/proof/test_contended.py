"""Contended claims: exactly one winner each; without the lock, the same harness finds several (I-13)."""

from __future__ import annotations

from itertools import count

import pytest

from tests.proof.contending import Contest, contend, failure, proved, script, shortest
from tests.proof.figures import FIGURES, Part
from tests.proof.races import RACES, STORIES

pytestmark = [pytest.mark.uncovered, pytest.mark.every_python]

PARTS = 4
ALL_WAYS = 3 * len(STORIES)
"""Seeds after which every story has been told in every way."""


def finds_the_planted_races() -> None:
    """The engine without its lock, and the one that was told it needs none, are found out."""
    for contest in (Contest(seed=1, locked=False), Contest(seed=1, threadsafe=False)):
        assert failure(contest, tries=1_000) is not None


def contended(part_number: int, wanted: int, seconds: float) -> None:
    """One part: contests of seeds of its own until enough calls were contended."""
    finds_the_planted_races()
    seeds = count(part_number * 10**9)
    with Part("contended", wanted=wanted, seconds=seconds) as part:
        while part.goes_on():
            part.count(proved(Contest(seed=next(seeds))))


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
def test_contended(part: int) -> None:
    """SPEC 11, hostile-inputs section 4: 10^5 contended calls, no double win, none lost."""
    contended(part, FIGURES["contended"].ci // PARTS, seconds=600)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(PARTS))
def test_contended_at_night(part: int) -> None:
    """The same, 10^7 times."""
    contended(part + PARTS, FIGURES["contended"].nightly // PARTS, seconds=6 * 3600)


# -- the harness itself ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(ALL_WAYS))
def test_every_story_in_every_way(seed: int) -> None:
    """All races are run; each has one winner."""
    contend(Contest(seed=seed, executions=30))


def test_no_race_is_left_out() -> None:
    """The stories tell of every race."""
    assert {chapter for story in STORIES for chapter in story} == RACES.keys()


def test_planted_races_are_found() -> None:
    """I-13: it can fail."""
    finds_the_planted_races()


@pytest.mark.proof
def test_a_failure_is_told_shortly() -> None:
    """The script has fewer chapters, threads or executions than what failed, and what it shows is Python."""
    contest = Contest(seed=1, locked=False, executions=64)
    error = failure(contest, tries=1_000)
    assert error is not None
    small = shortest(contest)
    assert small != contest
    assert failure(small, tries=1_000) is not None
    compile(script(small, error), "script", "exec")
