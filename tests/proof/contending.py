"""Threads want the same thing at the same time: one gets it, the others are told why not (I-13, SPEC 11).

A *contest* takes a crowd of executions through a story. Each chapter of it is one race per execution: every
thread makes the call of that chapter, and exactly one may win. Afterwards the engine must show what the
winners were told; ``check()`` must hold; and if somebody observed, the calls that changed something, made
again by one thread in the order of their events, must lead to the same digest.

Threads are switched as often as the interpreter can, and with foreign ids also between the last guard and
the first write, where a race would show.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs

import grantcore as gc
from grantcore.model.ids import MintedIds
from tests.robustness import inside
from tests.robustness.racing import YieldingIds, answer, run_together
from tests.robustness.worlds import SeededIds

if TYPE_CHECKING:
    from grantcore.events import Event

from tests.proof.races import LAPSES_MS, RACES, SHOWN, STORIES, TTL, Race

TURNS: Final = 6


class Torn(AssertionError):
    """A race had no winner or several, or the engine does not show what was told."""


# -- a contest -------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Contest:
    """What is raced for, and by how many.

    Args:
        seed: which story it is, whose ids, and whether somebody observes.
        executions: so many are raced for, each by itself.
        threads: how many race.
        chapters: only so many of the story.
        threadsafe: with False, the engine has no lock: the first planted race.
        locked: with False, its lock does nothing: the second one.
    """

    seed: int
    executions: int = 250
    threads: int = 4
    chapters: int = 99
    threadsafe: bool = True
    locked: bool = True

    @property
    def story(self) -> tuple[str, ...]:
        """The chapters."""
        return STORIES[self.seed % len(STORIES)][: self.chapters]

    @property
    def observed(self) -> bool:
        """One of three is observed, and its story told again by one thread."""
        return self.seed // len(STORIES) % 3 == 0

    @property
    def minted(self) -> bool:
        """One of three goes the engine's plain way."""
        return self.seed // len(STORIES) % 3 == 1


@attrs.frozen
class Made:
    """A call that changed something: when the engine thought it was, and which call of which race."""

    reading: int
    chapter: int
    n: int
    thread: int


class YieldingClock(gc.ManualClock):
    """Lets other threads run while its reader is under the lock, so that they come to wait for it."""

    def __call__(self) -> int:
        time.sleep(0)
        return super().__call__()


class Ring:
    """The engine of a contest, and what the winners have in hand."""

    def __init__(self, contest: Contest, ids: gc.IdSource) -> None:
        self.contest = contest
        self.clock = YieldingClock(1_000)
        config = gc.EngineConfig(threadsafe=contest.threadsafe)
        self.engine: gc.GrantEngine = gc.GrantEngine(clock=self.clock, ids=ids, config=config)
        if not contest.locked:
            inside.remove_lock(self.engine)
        self.operator: gc.Operator = self.engine.operator("op")
        self.scheduler = gc.Scheduler(self.engine)
        self.chapter = 0
        self.hand: dict[int, Any] = {}
        self.leases: Counter[int] = Counter()
        self.last: dict[int, object] = {}
        for n in range(contest.executions):
            self.engine.create_execution(lane_id=f"l{n}", execution_id=f"e{n}")

    @property
    def race(self) -> Race:
        """That of the present chapter."""
        return RACES[self.contest.story[self.chapter]]

    def end_ms(self, n: int) -> int:
        """When a lease on this execution ends: if it is to lapse, at an instant of its own."""
        return LAPSES_MS + n if "lapse" in self.contest.story[self.chapter :] else self.clock() + TTL

    def keep(self, n: int, got: object) -> None:
        """Take what a winner was given."""
        self.last[n] = got
        self.hand[n] = thing = getattr(got, "grant", getattr(got, "lease", got))
        self.leases[n] += isinstance(thing, gc.Lease)


class Racers:
    """The threads: what each of them wants right now, what it was told, and where two of them met."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        threads = ring.contest.threads
        self.wanting: list[int | None] = [None] * threads
        self.told: list[dict[int, object]] = [{} for _ in range(threads)]
        self.met = [0] * threads
        self.made: list[Made] = []
        self._numbers: dict[int, int] = {}

    def hear(self, _: Event) -> None:
        """Note whose call it is that changes something; runs in its thread, under the engine's lock."""
        ring, thread = self.ring, self._numbers[threading.get_ident()]
        n = self.wanting[thread]
        assert n is not None
        made = Made(inside.last_reading(ring.engine), ring.chapter, n, thread)
        if self.made[-1:] != [made]:
            self.made.append(made)

    def run(self, ones: Sequence[int]) -> None:
        """One chapter: all threads race for each of these, one after the other."""
        run_together(len(self.told), partial(self._want_all, ones))

    def _want_all(self, ones: Sequence[int], thread: int) -> None:
        ring, told, wanting = self.ring, self.told[thread], self.wanting
        self._numbers[threading.get_ident()] = thread
        told.clear()
        for n in ones:
            wanting[thread] = n
            self._wait_for_another(n)
            met = wanting.count(n) > 1
            told[n] = answer(partial(ring.race.make, ring, n, thread))
            self.met[thread] += met or wanting.count(n) > 1
            wanting[thread] = None

    def _wait_for_another(self, n: int) -> None:
        """Let the others catch up, if they want to: for so many turns at the most."""
        for _ in range(TURNS):
            if self.wanting.count(n) > 1:
                return
            time.sleep(0)


def contend(contest: Contest) -> int:
    """Run a contest.

    Returns:
        How many calls were contended: another thread wanted the same when they began, or when they ended.

    Raises:
        Torn: something is wrong.
    """
    ring = Ring(contest, MintedIds(f"{contest.seed:020x}") if contest.minted else YieldingIds())
    racers = Racers(ring)
    if contest.observed:
        ring.engine.subscribe(racers.hear)
    ones: Sequence[int] = range(contest.executions)
    for ring.chapter in range(len(contest.story)):
        racers.run(ones)
        for n in ones:
            ring.keep(n, _winner(ring, n, [told[n] for told in racers.told]))
        ones = [n for n in ones if not isinstance(ring.last[n], gc.Completed)]
    _compare(ring)
    if contest.observed:
        _tell_again(ring, racers.made)
    return sum(racers.met)


def _winner(ring: Ring, n: int, told: Sequence[object]) -> object:
    """The one who won; the others lost as losers do."""
    winners = [got for got in told if ring.race.won(got)]
    others = {got if isinstance(got, type) else type(got) for got in told if not ring.race.won(got)}
    if len(winners) != 1 or not others <= ring.race.lost:
        raise Torn(f"{ring.contest.story[ring.chapter]} of e{n}: {told}")
    return winners[0]


def _compare(ring: Ring) -> None:
    """The engine shows what the winners were told (I-02: one epoch more for each lease)."""
    ring.engine.check()
    for n, got in ring.last.items():
        snapshot = ring.engine.describe_execution(f"e{n}")
        assert snapshot is not None
        wrong = snapshot.current_lease_epoch != ring.leases[n]
        if wrong or snapshot.phase is not SHOWN.get(type(got), snapshot.phase):
            raise Torn(
                f"e{n} is {snapshot.phase} in epoch {snapshot.current_lease_epoch}, but the last was {got}"
            )


def _tell_again(ring: Ring, made: Sequence[Made]) -> None:
    """The same calls by one thread, in the order of their events, lead to the same state."""
    twin = Ring(ring.contest, SeededIds())
    for call in made:
        twin.clock.set(call.reading)
        twin.chapter = call.chapter
        got = answer(partial(twin.race.make, twin, call.n, call.thread))
        if twin.race.won(got):
            twin.keep(call.n, got)
    if twin.engine.digest() != ring.engine.digest():
        raise Torn("told again by one thread, the story ends elsewhere")


# -- failing ---------------------------------------------------------------------------------------------


def failure(contest: Contest, tries: int) -> Exception | None:
    """How a contest fails, if it does so in so many tries."""
    for _ in range(tries):
        try:
            contend(contest)
        except Exception as error:  # noqa: BLE001 - without a lock, anything may come out
            return error
    return None


def shortest(contest: Contest, tries: int = 5) -> Contest:
    """Leave out what is not needed to fail: chapters, threads, executions."""
    for smaller in _smaller(contest):
        if failure(smaller, tries) is not None:
            return shortest(smaller, tries)
    return contest


def _smaller(contest: Contest) -> Iterator[Contest]:
    length = len(contest.story)
    yield from (attrs.evolve(contest, chapters=chapters) for chapters in range(1, length))
    if contest.threads > 2:
        yield attrs.evolve(contest, threads=2)
    if contest.executions > 1:
        yield attrs.evolve(contest, executions=contest.executions // 2)


def script(contest: Contest, error: Exception) -> str:
    """What to paste; a race is not lost every time, so it is run often."""
    lines = [
        f"# {' -> '.join(contest.story)}, raced by {contest.threads} threads: {error!r}"[:300],
        "from tests.proof.contending import Contest, contend",
        "",
        "for _ in range(1000):",
        f"    contend({contest!r})",
    ]
    return "\n".join(lines)


def proved(contest: Contest) -> int:
    """Run a contest; if it fails, say how, shortly, and how to see it again."""
    try:
        return contend(contest)
    except Exception as error:
        raise Torn(f"seed {contest.seed}\n\n{script(shortest(contest), error)}\n") from error
