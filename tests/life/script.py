"""Commands as data: a step is a call with its arguments at an instant; a script can be played again.

Ids are minted per execution, so that playing the steps of one execution alone, or those of several in
another order, gives each the same ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from grantcore import (
    AlreadySatisfied,
    Duplicate,
    EngineConfig,
    GrantEngine,
    GrantError,
    GrantNotFound,
    LeaseLost,
    ManualClock,
    NotReclaimable,
    Refused,
    Scheduler,
)
from grantcore.events import ExecutionEvent
from grantcore.model.ids import MintedIds
from tests.life.plain import plain, stories
from tests.observing import of_executions


@attrs.frozen
class Step:
    """One call: its name (as in ``CAUSES``; ``scheduler.peek`` too), arguments and instant."""

    at_ms: int
    call: str
    args: tuple[object, ...]
    given: Mapping[str, object]
    subject: str = ""
    """The execution it is about, if it is about one."""

    hopeless: bool = False
    """It must be refused, whatever the state."""


REFUSALS: Final = (Duplicate, NotReclaimable, GrantNotFound, AlreadySatisfied, LeaseLost, Refused)


def refused(answer: object) -> bool:
    """Whether an answer says no, by an exception or as an expected outcome."""
    if type(answer) is tuple:
        return all(map(refused, answer))
    return isinstance(answer, (GrantError, *REFUSALS)) or answer is False


class IdsBySubject:
    """An id source that counts for each execution by itself."""

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self.counts = dict(counts or {})
        self.subject = ""

    def _next(self, kind: str) -> str:
        count = self.counts[self.subject] = self.counts.get(self.subject, 0) + 1
        return f"{self.subject}/{kind}{count}"

    def execution_id(self, lane_id: str) -> str:
        return self._next(f"{lane_id}-minted-")

    def lease_id(self) -> str:
        return self._next("lease-")

    def attempt_id(self) -> str:
        return self._next("attempt-")

    def suspension_id(self) -> str:
        return self._next("suspension-")


def perform(engine: GrantEngine, ids: IdsBySubject, step: Step) -> object:
    """Make the call; a typed refusal is an answer, anything else that is raised passes on."""
    owner, _, method = step.call.rpartition(".")
    ids.subject = step.subject
    target: object = engine
    if owner == "operator":
        target = engine.operator("boss")
    elif owner == "scheduler":
        target = Scheduler(engine)
    try:
        return getattr(target, method)(*step.args, **step.given)
    except GrantError as error:
        return error


Between = Callable[[GrantEngine, ManualClock, int], None]
"""What happens before a step: given the engine, the clock and the step's instant."""


def jump(_engine: GrantEngine, clock: ManualClock, at_ms: int) -> None:
    """Nothing but time passes."""
    clock.set(at_ms)


@attrs.define
class Run:
    """What playing a script gave."""

    engine: GrantEngine
    clock: ManualClock
    ids: IdsBySubject
    answers: list[object] = attrs.field(factory=list)
    told: list[ExecutionEvent] = attrs.field(factory=list)
    minted: bool = False

    def play(self, steps: Iterable[Step], between: Between = jump) -> Run:
        for step in steps:
            between(self.engine, self.clock, step.at_ms)
            answer = plain(perform(self.engine, self.ids, step), field=step.call)
            self.answers.append(
                "how much was due depends on who looked before" if step.call == "advance" else answer
            )
        return self

    def outcome(self) -> dict[str, object]:
        """Everything two runs can be compared by."""
        self.engine.check()
        return {
            "answers": self.answers,
            "events": plain(self.told),
            "digest": self.engine.digest(),
            "stories": stories(self.engine),
        }


def new_run(config: EngineConfig, start_ms: int, *, watched: bool = True, minted: bool = False) -> Run:
    """An empty engine to play a script on; minted: with ids of the engine's own making."""
    clock, ids = ManualClock(start_ms), IdsBySubject()
    source = MintedIds("0123456789abcdef0123") if minted else ids
    run = Run(GrantEngine(clock=clock, ids=source, config=config), clock, ids, minted=minted)
    if watched:
        run.engine.subscribe(of_executions(run.told.append))
    return run


def restored(run: Run, config: EngineConfig) -> Run:
    """A second run that goes on from a snapshot of this one; its id source stands where this one's does."""
    clock, ids = ManualClock(run.clock()), IdsBySubject(run.ids.counts)
    source = None if run.minted else ids
    engine = GrantEngine.restore(run.engine.snapshot(), clock=clock, ids=source, config=config)
    again = Run(engine, clock, ids, minted=run.minted)
    engine.subscribe(of_executions(again.told.append))
    return again
