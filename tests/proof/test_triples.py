"""Every (phase, call, outcome) triple of the written table is visited, and no other is ever seen.

The proof: 100 % of ``grantcore/testing/triples.py``; at night each of them a thousand times.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import pytest

from grantcore import GrantEngine, InvalidClaimGrant, LeaseExpired, Operator, Phase, Scheduler
from grantcore.model.errors import GrantError
from grantcore.model.grants import Grant
from grantcore.model.records import Execution
from grantcore.rules import claiming, fencing
from grantcore.testing.comparing import shortest
from grantcore.testing.steps import Step
from grantcore.testing.triples import POSSIBLE, read
from grantcore.testing.visits import CODES, EDGES, Triple, Visits
from tests.proof.figures import FIGURES, FOLDER, Part
from tests.proof.roaming import CALLS, STEPS_PER_WORLD, World, line, replayed, script

pytestmark = pytest.mark.uncovered

ROWS: Final = sorted(POSSIBLE, key=lambda row: (row[1], str(row[0]), row[2]))
PARTS: Final = 2
TIMES: Final = 5
"""In ``.ci/run``; once would do."""
NIGHTLY_PARTS: Final = 20


class Unforeseen(AssertionError):
    """Something happened that is not in the table."""


def visit(rows: list[Triple], *, times: int, part: Part, seed: int) -> Visits:
    """Go for each of these until it was visited so often; look at all that happens on the way.

    Raises:
        Unforeseen: a triple was seen that is not in the table.
    """
    chance, visits = random.Random(seed), Visits()
    wanted = list(rows)
    while wanted and part.goes_on():
        world = World(seed, visits)
        for _ in range(STEPS_PER_WORLD):
            row = chance.choice(wanted or rows)
            phase, call = row[:2] if not world.odds(4) else (chance.choice((None, *Phase)), _any(chance))
            world.step(phase, call)
            if wanted and visits.triples[row] >= times:
                wanted.remove(row)
                part.count()
        strange = visits.strange_triples(POSSIBLE)
        if strange:
            raise Unforeseen(f"not in the table, seed {seed}: {strange}\n\n{_shortest(seed, world, strange)}")
        seed += PARTS * NIGHTLY_PARTS
    return visits


def _shortest(seed: int, world: World, strange: list[Triple]) -> str:
    """The fewest calls of a world that were found to show the first of these."""

    def shows(steps: Sequence[Step]) -> bool:
        return replayed(seed, [step.call for step in steps]).triples[strange[0]] > 0

    steps = shortest([Step(number, line(made)) for number, made in enumerate(world.made)], shows)
    return script(seed, [step.call for step in steps])


def _any(chance: random.Random) -> str:
    return chance.choice(list(CALLS))


def go(number: int, of: int, *, times: int, seconds: float) -> Visits:
    """One part of the proof."""
    rows = ROWS[number::of]
    with Part("triples", wanted=len(rows), seconds=seconds) as part:
        visits = visit(rows, times=times, part=part, seed=number)
        missed = [row for row in rows if visits.triples[row] < times]
        assert not missed, f"not visited {times} times: {missed}"
    return visits


@pytest.mark.proof
@pytest.mark.parametrize("number", range(PARTS))
def test_every_triple_is_visited(number: int) -> None:
    go(number, PARTS, times=TIMES, seconds=600)


@pytest.mark.proof
def test_every_edge_is_visited() -> None:
    """On the way: all of ``LIFE``."""
    visits = visit(ROWS, times=3, part=Part("triples", wanted=len(ROWS), seconds=600), seed=7)
    visits.assert_visited(edges=EDGES)


@pytest.mark.nightly
@pytest.mark.parametrize("number", range(NIGHTLY_PARTS))
def test_every_triple_is_visited_a_thousand_times(number: int) -> None:
    go(number, NIGHTLY_PARTS, times=1_000, seconds=3_600)


# -- the small form, in every run --------------------------------------------------------------------


def test_the_whole_table_is_visited_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else is seen."""
    monkeypatch.delenv(FOLDER, raising=False)
    visits = go(0, 1, times=1, seconds=600)
    assert visits.missing_triples(POSSIBLE) == visits.strange_triples(POSSIBLE) == []


# -- the table ---------------------------------------------------------------------------------------


def test_the_figure_is_the_length_of_the_table() -> None:
    assert FIGURES["triples"].ci == FIGURES["triples"].nightly == len(POSSIBLE) == 1_466


NOT_ABOUT_ONE: Final = {
    *("now_ms", "advance", "next_deadline_ms", "subscribe", "operator", "stats", "check", "digest"),
    *("snapshot", "restore", "list_executions", "list_expired_leases", "leases", "leases_expiring_within"),
    *("register_worker", "heartbeat_worker", "mark_worker_dead", "list_workers", "configure_lane"),
    *("create_quota_policy", "create_budget", "report_usage", "record_spend", "release_budget"),
    *("reset_budget", "describe_budget", "operator.pause_lane", "operator.drain_lane"),
    *("operator.resume_lane", "scheduler.peek", "scheduler.unmatched"),
}
"""Calls about time, lanes, workers, quotas, budgets or everything."""


def _public(face: type, prefix: str = "") -> set[str]:
    return {f"{prefix}{name}" for name in dir(face) if not name.startswith("_")} - {"operator.identity"}


def test_the_table_has_every_call_on_an_execution() -> None:
    calls = _public(GrantEngine) | _public(Operator, "operator.") | _public(Scheduler, "scheduler.")
    assert {call for _, call, _ in POSSIBLE} == calls - NOT_ABOUT_ONE == CALLS.keys()
    assert calls >= NOT_ABOUT_ONE


ELSEWHERE: Final = {
    *("clock_error", "reentrant", "forked", "invariant_broken", "snapshot_invalid", "instance_reassigned")
}
"""Refusals that no execution has a part in."""


def test_the_table_has_every_refusal() -> None:
    """SPEC 11: each has its place, but for those of clocks, locks, processes, snapshots and instances."""
    told = {outcome.partition(":")[0] for _, _, outcome in POSSIBLE}
    assert CODES - told == ELSEWHERE


def test_every_phase_answers_every_call() -> None:
    """Whoever calls is always told something: no (phase, call) has no outcome."""
    many = {call for _, call, _ in POSSIBLE if call.endswith(("for_worker", "revoke_leases_of"))}
    told = {(phase, call) for phase, call, _ in POSSIBLE}
    assert {(phase, call) for phase in (None, *Phase) for call in CALLS.keys() - many} <= told


# -- planted bugs ------------------------------------------------------------------------------------


def _rows(call: str) -> list[Triple]:
    return [row for row in ROWS if row[1] == call]


FEW: Final = 6
"""Of the hundreds of calls of a world."""


def test_a_new_triple_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the late worker is told that it is late, though it was replaced."""

    def late(_record: Execution) -> GrantError:
        return LeaseExpired("late", expired_at_ms=0)

    monkeypatch.setattr(fencing, "stale", late)
    part = Part("triples", wanted=1_000, seconds=60)
    with pytest.raises(Unforeseen, match=r"leased.*'renew_leases?', 'lease_expired'") as told:
        visit(_rows("renew_lease"), times=1, part=part, seed=0)
    calls = str(told.value).partition("scheduler = Scheduler(engine)\n")[2].splitlines()
    assert len(calls) <= FEW
    assert calls[-1].startswith("engine.renew_lease")


@pytest.mark.proof
def test_a_triple_that_became_impossible_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a lapsed grant is called absent."""
    original = claiming._unusable

    def absent(record: Execution, now: int, given: Grant) -> GrantError:
        refusal = original(record, now, given)
        if isinstance(refusal, InvalidClaimGrant):
            refusal.reason = "absent" if refusal.reason == "lapsed" else refusal.reason
        return refusal

    monkeypatch.setattr(claiming, "_unusable", absent)
    rows = _rows("claim_execution")
    with pytest.raises(AssertionError, match=r"not visited 1 times: .*invalid_claim_grant:lapsed"):
        _go_for(rows)


def _go_for(rows: list[Triple]) -> None:
    part = Part("triples", wanted=len(rows), seconds=3)
    visits = visit(rows, times=1, part=part, seed=0)
    missed = [row for row in rows if not visits.triples[row]]
    assert not missed, f"not visited 1 times: {missed}"


@pytest.mark.proof
def test_a_row_too_many_would_be_found() -> None:
    rows = sorted(read("purge_execution\n  delayed  None"))
    with pytest.raises(AssertionError, match="not visited 1 times"):
        _go_for(rows)
