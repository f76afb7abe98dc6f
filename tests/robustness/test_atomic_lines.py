"""I-41, SPEC 11 "Atomic": an exception at any line of any call leaves the state before or after.

Each scenario of ``calls.py`` is interrupted at every line it runs in grantcore and in sortedcontainers,
by KeyboardInterrupt and MemoryError in turn, with two observers (``-m nightly``; at every
seventh line in every run of the tests); then without observers, and with six lapses of six kinds due in the
same call, at a part of its lines (``-m nightly``: at a third).
"""

from __future__ import annotations

from typing import Final

import pytest

from grantcore.index import lazy
from grantcore.model.life import CAUSES, OTHER_CAUSES
from tests.marks import one_in
from tests.robustness.calls import READS, SCENARIOS, WRITES, Scenario, methods, named
from tests.robustness.injection import Tally, Tracer, inject, planned

ERRORS: Final = (KeyboardInterrupt, MemoryError)
LAPSING: Final = named("advance", "falling_due")
SLICE: Final = named("advance", "a_slice")
SOME: Final = 7
ON_TIME: Final = [s for s in SCENARIOS if s.call != "subscribe" and s not in (LAPSING, SLICE)]


def clean(tally: Tally, at_least: int) -> None:
    assert tally.wrong == []
    assert tally.points >= at_least


def test_every_public_call_is_interrupted() -> None:
    """The table of scenarios leaves no call out: neither one that writes (CAUSES) nor one that reads."""
    assert CAUSES.keys() | OTHER_CAUSES.keys() <= {scenario.call for scenario in WRITES}
    constructors = {"operator", "restore"}  # they build an object of their own
    assert methods() - constructors == {scenario.call for scenario in SCENARIOS}
    assert len(SCENARIOS) == len(set(map(str, SCENARIOS)))


@pytest.mark.uncovered
def test_the_points_are_many() -> None:
    """Too few lines traced would make every other test here pass for nothing."""
    points = {str(scenario): planned(scenario, observers=2).points(Tracer()) for scenario in SCENARIOS}
    assert sum(points.values()) > 15_000
    assert min(points.values()) >= 8
    committing = [scenario for scenario in WRITES if len(planned(scenario).allowed) > 1]
    assert len(committing) >= 40
    assert min(points[str(scenario)] for scenario in committing) > 70  # pausing a lane is the shortest


@pytest.mark.parametrize("stride", [SOME, pytest.param(1, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s is not SLICE], ids=str)
def test_interrupted_at_every_line(scenario: Scenario, stride: int) -> None:
    """I-41, I-65: before or after, never a third; every event told once and in order."""
    start = 1 + len(str(scenario)) % stride
    tally = inject(
        planned(scenario, observers=1 if scenario is LAPSING else 2), *ERRORS, start=start, stride=stride
    )
    clean(tally, 8 // stride)
    assert tally.interrupted >= tally.points * 0.8  # the rest: inside the clock, inside an observer


@pytest.mark.parametrize("scenario", one_in(4, SCENARIOS), ids=str)
def test_interrupted_without_observers(scenario: Scenario) -> None:
    """I-41 where no event is built."""
    clean(inject(planned(scenario), *reversed(ERRORS), start=2, stride=5), 2)


@pytest.mark.uncovered
@pytest.mark.every_python
@pytest.mark.parametrize("scenario", one_in(4, ON_TIME), ids=str)
def test_interrupted_while_things_fall_due(scenario: Scenario) -> None:
    """I-41: a run of lapses commits one by one, and the call's own change is one more."""
    clean(inject(planned(scenario, due=True, observers=1), *ERRORS, start=50, stride=83), 8)


@pytest.mark.nightly
@pytest.mark.parametrize("scenario", ON_TIME, ids=str)
def test_interrupted_while_things_fall_due_at_every_third_line(scenario: Scenario) -> None:
    """I-41, at length: four kinds of exception in turn."""
    errors = (*ERRORS, GeneratorExit, RuntimeError)
    clean(inject(planned(scenario, due=True, observers=2), *errors, stride=3), 100)


@pytest.mark.parametrize("scenario", WRITES[:40:2], ids=str)
def test_interrupted_while_indexes_are_swept(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-41: with no slack, nearly every call sweeps the lazily cleaned indexes on its way."""
    monkeypatch.setattr(lazy, "SLACK", 0)
    clean(inject(planned(scenario, observers=1), *ERRORS, stride=5), 5)


@pytest.mark.uncovered
@pytest.mark.every_python
@pytest.mark.parametrize("call", ["claim_execution", "renew_lease", "complete_execution", "operator.cancel"])
def test_interrupted_without_a_lock(call: str) -> None:
    """SPEC 11: with ``threadsafe=False`` an owner mark stands for the lock, and may be left behind too."""
    for scenario in (s for s in WRITES if s.call == call):
        tally = inject(planned(scenario.unlocked(), observers=1), *ERRORS)
        clean(tally, 20)
        assert tally.left_over > 0


def test_both_sides_are_seen() -> None:
    """Sanity: the injections fall on either side of the commit, and between."""
    plan = planned(named("take", "granted"), observers=1)
    tally = inject(plan, KeyboardInterrupt)
    assert tally.interrupted == tally.points
    assert 0.1 < tally.halfway / tally.points < 0.9


def test_refusals_that_write_nothing_have_no_halfway() -> None:
    """I-40: nothing is put in hand for a call that is refused."""
    for scenario in (named("renew_lease", "revoked"), named("issue_claim_grant", "held")):
        assert inject(planned(scenario), KeyboardInterrupt).halfway == 0


def test_reads_have_only_one_side() -> None:
    """I-47: a read leads to nothing but the state before."""
    assert all(len(planned(scenario).allowed) == 1 for scenario in READS)
