"""A seeded random walk over the whole public API: seven steps in ten sensible, two near misses, one garbage.

``Walk(seed, settings)`` is its own driver: ``go(n)`` makes n steps. Time stands still or moves, most often to
a pending deadline, a millisecond before it or one after. Every answer is judged at once (see ``_judge``); at
intervals the whole state is (see ``_look``). A failure names the seed and the step.

``python -m tests.life.walk SEED STEPS`` walks and tells what happened.
"""

from __future__ import annotations

import sys
from collections import Counter
from random import Random
from typing import Final

from grantcore import (
    CapabilityMismatch,
    ExecutionSnapshot,
    GrantEngine,
    GrantError,
    NotReclaimable,
    Phase,
    Refused,
)
from tests.life.audit import Auditor
from tests.life.cast import Cast, Settings
from tests.life.fold import Book
from tests.life.folded import differences
from tests.life.misses import NEAR, garbage, ruined_request
from tests.life.moves import create, moves
from tests.life.script import IdsBySubject, Run, Step, new_run, perform, refused, restored
from tests.observing import of_executions

SENSIBLE: Final = 0.7
NEAR_MISS: Final = 0.9

READS: Final[tuple[tuple[str, dict[str, object]], ...]] = (
    ("now_ms", {}),
    ("next_deadline_ms", {}),
    ("list_executions", {"limit": 3}),
    ("list_executions", {"phase": Phase.ELIGIBLE}),
    ("leases", {}),
    ("leases_expiring_within", {"ms": 20}),
    ("list_expired_leases", {"limit": 2}),
    ("stats", {}),
)
OF_ONE: Final = (
    "describe_execution",
    "describe_grant",
    "attempts",
    "read_payload",
    "read_result",
    "lease_history",
)


class WalkFailed(AssertionError):
    """Which seed, which step, what went wrong."""


class Walk:
    """One walk."""

    def __init__(
        self,
        seed: int,
        settings: Settings | None = None,
        *,
        check_every: int = 1,
        sample: float = 0.1,
        probe_every: int = 0,
        record: bool = False,
        watched: bool = True,
    ) -> None:
        self.seed = seed
        self.settings = settings or Settings()
        self.chance = Random(seed)
        self.cast = Cast(self.chance, self.settings)
        self.run: Run = new_run(
            self.settings.config, self.settings.start_ms, watched=False, minted=self.settings.minted
        )
        self.auditor = Auditor()
        self.book = Book(self.settings.config.lease_history_limit)
        if watched:
            self.run.engine.subscribe(of_executions(self.run.told.append))
        self.moves = moves(alone=self.settings.alone)
        self.check_every, self.sample, self.probe_every = check_every, sample, probe_every
        self.record = record
        self.steps: list[Step] = []
        self.answers: list[object] = []
        self.made = self.heard = 0
        self.checks = 0
        self.told: Counter[str] = Counter()

    @property
    def engine(self) -> GrantEngine:
        return self.run.engine

    @property
    def ids(self) -> IdsBySubject:
        return self.run.ids

    def go(self, steps: int) -> Walk:
        """Make so many steps."""
        for _ in range(steps):
            try:
                self._one()
            except Exception as error:
                last = repr(self.steps[-1])[:800] if self.steps else "nothing"
                where = f"seed {self.seed}, step {self.made}: {last}"
                raise WalkFailed(f"{where}: {error!r}") from error
        return self

    def _one(self) -> None:
        self._pass_time()
        step = self._choose()
        self.made += 1
        if self.record:
            self.steps.append(step)
        else:
            self.steps[:] = (step,)
        sampled = self.chance.random() < self.sample
        before = self._digest() if sampled else None
        answer = perform(self.engine, self.ids, step)
        self._hear()
        self._judge(step, answer, before)
        self.cast.learn(step, answer)
        self.told[answer.code if isinstance(answer, GrantError) else type(answer).__name__] += 1
        if self.record:
            self.answers.append(answer)
        self._look()

    # -- time ----------------------------------------------------------------------------------

    def _pass_time(self) -> None:
        clock = self.run.clock
        dice = self.chance.random()
        if dice < self.settings.same_instant:
            return
        near = self.chance.choice((-1, 0, 1))
        if dice > 0.997:
            clock.advance(self.chance.choice((300, 1_500, 6_000)))
        elif dice > 0.75:
            clock.advance(self.chance.choice((1, 2, 5)))
        else:
            due_ms = self.engine.next_deadline_ms()
            if due_ms is not None:
                clock.set(max(min(due_ms + near, clock() + 2_000), clock()))

    # -- choosing ------------------------------------------------------------------------------

    def _choose(self) -> Step:
        dice, now = self.chance.random(), self.run.clock()
        name = self.cast.someone()
        if dice < 0.04:
            return self._read(now, name)
        shown = self.engine.describe_execution(name)
        if dice < SENSIBLE:
            return self._sensible(now, name, shown)
        if shown is None:
            return create(self.cast, now, name)
        if dice < NEAR_MISS:
            return self.cast.pick(NEAR)(self.cast, now, shown)
        return self._garbage(now, name, shown)

    def _sensible(self, now: int, name: str, shown: ExecutionSnapshot | None) -> Step:
        if shown is None:
            return create(self.cast, now, name)
        return self.cast.pick(self.moves[shown.phase])(self.cast, now, shown)

    def _garbage(self, now: int, name: str, shown: ExecutionSnapshot) -> Step:
        if self.cast.one_in(6):
            self._refuses_request(shown)
        ruin = garbage(lambda: self._sensible(now, name, None if self.cast.one_in(4) else shown))
        return ruin(self.cast)

    def _refuses_request(self, shown: ExecutionSnapshot) -> None:
        try:
            ruined_request(self.cast, shown)()
        except GrantError:
            return
        raise AssertionError("a malformed request was built")

    def _read(self, now: int, name: str) -> Step:
        if self.settings.alone or self.cast.one_in(2):
            return Step(now, self.cast.pick(OF_ONE), (name,), {}, name)
        if self.cast.one_in(4):
            return Step(now, "scheduler.peek", (self.cast.lanes[0], self.cast.tokens[:2]), {})
        call, given = self.cast.pick(READS)
        return Step(now, call, (), given)

    def _hear(self) -> None:
        """Tell the listeners: here, because what an observer raises only goes to the log (I-66)."""
        for event in self.run.told[self.heard :]:
            self.auditor(event)
            self.book(event)
            self.heard += 1

    # -- judging -------------------------------------------------------------------------------

    def _digest(self) -> str:
        self.engine.advance()
        return self.engine.digest()

    def _judge(self, step: Step, answer: object, before: str | None) -> None:
        """A hopeless step is refused; a refused one (and a read) has changed nothing (I-40)."""
        assert refused(answer) or not step.hopeless, f"answered {answer!r}"
        if before is None or _mismatched(answer):
            return
        if refused(answer) or step.call in OF_ONE:
            assert self.engine.digest() == before, f"refused with {answer!r}, and yet changed"

    def _look(self) -> None:
        if self.check_every and self.made % self.check_every == 0:
            self.engine.check()
            self.checks += 1
        if self.probe_every and self.made % self.probe_every == 0:
            self.engine.advance()
            self._hear()
            self.auditor.balance(self.engine)
            assert not (
                wrong := list(differences(self.book, self.engine, self.settings.config.retention_ms))
            ), f"I-65: {wrong}"
            self.auditor.probe(restored(self.run, self.settings.config).engine)


def _mismatched(answer: object) -> bool:
    """X18: the one kind of refusal that writes."""
    if type(answer) is tuple:
        return any(map(_mismatched, answer))
    if type(answer) is NotReclaimable:
        return answer.detail.startswith("capability_mismatch")
    return type(answer.error if type(answer) is Refused else answer) is CapabilityMismatch


def main(arguments: list[str]) -> None:
    seed, steps = int(arguments[0]), int(arguments[1])
    walk = Walk(seed, check_every=1_000, sample=0.001, probe_every=10_000).go(steps)
    print(f"seed {seed}: {walk.made} steps, {walk.checks} checks, {walk.auditor.sequence} events")
    print(dict(walk.auditor.counts.most_common()))
    print(dict(walk.told.most_common()))


if __name__ == "__main__":
    main(sys.argv[1:])
