"""Exceptions at every point of a call, and what must be true afterwards (I-41, SPEC 11 "Atomic").

A trace function counts the points of a call (lines, or opcodes) and raises at the n-th. A
*plan* says what the call may lead to: the digest before it and the digest after each of its own commits,
taken from a twin; and the events it tells. Then the next call recovers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final

import sortedcontainers  # type: ignore[import-untyped]  # only its place is asked for

import grantcore as gc
from grantcore.events import Event
from tests.robustness import inside
from tests.robustness.calls import Scenario
from tests.robustness.worlds import World, falling_due, new_world

_OURS: Final = tuple(str(Path(str(module.__file__)).parent) for module in (gc, sortedcontainers))
_MADE: Final = ("<attrs generated", "<string>")  # the constructors of our own classes

TELLING: Final = "tell"
"""Where an interruption may cost one observer one event: the call that was interrupted counts as told."""


class Tracer:
    """Counts points; raises at number ``at``, once."""

    kind = "line"
    forgetful = False

    def __init__(self, at: int = 0, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.at = at
        self.error = error
        self.count = 0
        self.where = ""

    def start(self, frame: FrameType, _event: str, arg: object) -> Any:
        """The trace function of a new frame."""
        name = frame.f_code.co_filename
        if name.startswith(_OURS):
            return self.point
        if name.startswith(_MADE):
            self.point(frame, self.kind, arg)
        return None

    def point(self, frame: FrameType, event: str, _arg: object) -> Any:
        """What happens in a frame; a line of it is a point."""
        if event != self.kind:
            return self.point
        self.count += 1
        if self.count == self.at:
            self.where = frame.f_code.co_name
            raise self.error
        return self.point


class OpcodeTracer(Tracer):
    """Counts opcodes instead of lines."""

    kind = "opcode"
    forgetful = sys.version_info >= (3, 12)
    """From 3.12 on, code runs once before its opcodes are traced, and again after an exception (3.13)."""

    def start(self, frame: FrameType, event: str, arg: object) -> Any:
        local = super().start(frame, event, arg)
        if local is not None:
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return local


def traced(tracer: Tracer, call: Callable[[], object]) -> BaseException | None:
    """Make a call under a tracer; whatever it raises is the answer."""
    before = sys.gettrace()
    sys.settrace(tracer.start)
    try:
        next(_apart(call))
    except BaseException as error:  # noqa: BLE001 - anything may come out
        return error
    finally:
        sys.settrace(before)
    return None


def _apart(call: Callable[[], object]) -> Iterator[object]:
    """In a generator, which has a stack of handled exceptions of its own.

    CPython leaves an exception on that stack when a trace function raises while a ``with`` is left.
    """
    yield call()


# -- plans ---------------------------------------------------------------------------------------------


@dataclass
class Plan:
    """A scenario in a setting, and what it may lead to."""

    scenario: Scenario
    due: bool = False
    observers: int = 0
    allowed: list[str] = field(default_factory=list)
    """Digests: before the call's own commits, and after each of them."""

    events: list[Event] = field(default_factory=list)
    first_event: int = 0
    minted: int = 0
    """The position of the id source before the call."""

    after_lapses: int = 0
    """The number of the last event before the call's own commits."""

    def world(self) -> World:
        """The situation, the same each time."""
        world = new_world(self.scenario.config)
        self.scenario.build(world)
        if self.due:
            falling_due(world)
        world.listen(self.observers)
        return world

    def points(self, tracer: Tracer) -> int:
        """How many points the uninterrupted call has."""
        self.remind(tracer)
        traced(tracer, partial(self.scenario.make, self.world()))
        return tracer.count

    def remind(self, tracer: Tracer) -> None:
        """Have the interpreter see the call once, where it takes that to trace every point."""
        if tracer.forgetful:
            traced(type(tracer)(), partial(self.scenario.make, self.world()))

    def note_before(self, world: World) -> None:
        """Where time alone leads."""
        world.engine.advance()
        self.allowed = [world.engine.digest()]
        self.after_lapses = inside.event_number(world.engine)

    def note_commits(self, twin: World) -> None:
        """Where the call leads, commit by commit, and what it tells."""
        self.first_event = inside.event_number(twin.engine)
        self.minted = twin.ids.count
        twin.listen(1)

        def note() -> None:
            if inside.event_number(twin.engine) > self.after_lapses:
                self.allowed.append(inside.bare_digest(twin.engine))

        inside.watch_commits(twin.engine, note)
        refused_or_not(partial(self.scenario.make, twin))
        twin.engine.advance()
        self.events = twin.heard[-1]


def planned(scenario: Scenario, *, due: bool = False, observers: int = 0) -> Plan:
    """Make the call in twins, without interruption."""
    plan = Plan(scenario, due, observers)
    plan.note_before(plan.world())
    plan.note_commits(plan.world())
    return plan


def refused_or_not(call: Callable[[], object]) -> None:
    """Make a call; a refusal is an answer, too."""
    try:
        call()
    except gc.GrantError as refusal:
        assert not isinstance(refusal, (gc.InvariantBroken, gc.Reentrant)), refusal


# -- judging -------------------------------------------------------------------------------------------

FIRST_CALLS: Final[tuple[Callable[[World], object], ...]] = (
    lambda world: world.engine.check(),
    lambda world: world.engine.now_ms(),
    lambda world: world.engine.next_deadline_ms(),
    lambda world: world.engine.advance(),
    lambda world: world.engine.subscribe(print).close(),
    lambda world: gc.Scheduler(world.engine).peek("main", ()),
    lambda world: world.engine.list_executions(),
)
"""Whichever call comes first after an interruption recovers."""


def judge(plan: Plan, world: World, turn: int, *where: str) -> str | None:
    """What is wrong after interruptions in these functions; None if the state is whole."""
    try:
        FIRST_CALLS[turn % len(FIRST_CALLS)](world)
        world.engine.check()
        digest = world.engine.digest()
        if digest not in plan.allowed:
            return "the state is neither the one before nor the one after"
        wrong = misheard(plan, world, world.engine.stats().events - plan.first_event, where.count(TELLING))
        if not wrong and turn % RETRY_EACH == 0 and digest == plan.allowed[0]:
            wrong = _retried(plan, world)
    except Exception as error:  # noqa: BLE001 - told as what is wrong
        return f"{type(error).__name__}: {error}"
    return wrong


RETRY_EACH: Final = 4


def misheard(plan: Plan, world: World, events: int, spared: int) -> str | None:
    """Every event exactly once and in order, save those whose telling was interrupted."""
    happened = plan.events[:events]
    missing = 0
    for heard in world.heard:
        missing += len(happened) - len(heard)
        if heard != [event for event in happened if event in heard]:
            return "events were told twice, out of order, or never happened"
    return None if missing <= spared else f"{missing} events were never told"


def _retried(plan: Plan, world: World) -> str | None:
    """Whoever got no answer and finds nothing changed can make the call again."""
    world.ids.count = plan.minted
    refused_or_not(partial(plan.scenario.make, world))
    again = world.engine.digest() == plan.allowed[-1]
    return None if again else "the same call, made again, leads elsewhere"


@dataclass
class Tally:
    """What a run of injections came to."""

    points: int = 0
    interrupted: int = 0
    """How often the error came out as it was."""

    halfway: int = 0
    """How often the change was in hand and not yet made true."""

    left_over: int = 0
    """How often the lock was left behind."""

    wrong: list[str] = field(default_factory=list)

    def note(self, engine: gc.GrantEngine, raised: BaseException | None, error: type[BaseException]) -> None:
        """Count one injection, before anything recovers."""
        self.points += 1
        self.interrupted += isinstance(raised, error)
        self.halfway += inside.is_halfway(engine)
        self.left_over += inside.has_lock(engine)


def inject(
    plan: Plan,
    *errors: type[BaseException],
    tracer: type[Tracer] = Tracer,
    start: int = 1,
    stride: int = 1,
) -> Tally:
    """Interrupt the call at its points, each time in a new world, by each error in turn."""
    tally = Tally()
    for at in range(start, plan.points(tracer()) + 1, stride):
        world, one = plan.world(), tracer(at, errors[at % len(errors)])
        plan.remind(one)
        raised = traced(one, partial(plan.scenario.make, world))
        assert one.where, "the call has fewer points than its twin"
        tally.note(world.engine, raised, one.error)
        wrong = judge(plan, world, at, one.where)
        if wrong:
            tally.wrong.append(f"{plan.scenario} at point {at}, in {one.where}: {wrong}")
    return tally
