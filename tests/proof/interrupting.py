"""Every public call, interrupted in seeded random states (I-41, SPEC 11 "Atomic").

``tests/robustness/injection.py`` raises at a point of a call and judges what is left: the state before or one
after a commit of its own, every invariant, the events, and that whichever call comes next, works. There the
states are written by hand; here a :class:`Stage` plays a seeded prefix of a life with many executions,
workers, quotas, budgets and lanes, with things falling due in half of them, and offers a call of every kind
that is possible now. Half of the stages are built by playing the prefix again, the other half by a restore,
which leaves other layouts of the indexes; a third goes the engine's plain way.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, Final

import attrs

import grantcore as gc
from grantcore.model.ids import MintedIds
from grantcore.testing import Model
from grantcore.testing.comparing import USUAL, shortest
from grantcore.testing.pair import Dial
from grantcore.testing.proposing import LANES, TOKENS, Proposer
from grantcore.testing.steps import Absent, Step, resolved
from tests.proof.cast import Cast
from tests.proof.every_line import Bench, Line, inject_at_every_line
from tests.robustness import inside
from tests.robustness.calls import Scenario
from tests.robustness.injection import Plan, Tally, Tracer, judge, planned, traced
from tests.robustness.worlds import SeededIds, World, new_world

START_MS: Final = 1_000
ERRORS: Final = (KeyboardInterrupt, MemoryError)
NONCE: Final = "0" * 20
PREFIX: Final = 40
"""So many steps lead to a state."""

SOON_MS: Final = 300
"""Before the cast falls due."""

PROPOSALS: Final = 700
ALL: Final = 1_000
"""More calls than there are."""

TRIED: Final = 2
"""So many proposals of one call are tried for one that is accepted."""

Saved = tuple[int, bytes, int]
Given = tuple[str, tuple[object, ...], Mapping[str, Any]]


class Torn(AssertionError):
    """An interruption left a third state, or an engine that does not go on."""


@attrs.define(kw_only=True)
class Stage:
    """A state that can be built again and again, exactly.

    Args:
        minted: whether the ids are of the engine's own kind: for these it has a shorter way.
        restored: whether it is built by a restore; else by making the calls again.
        observers: how many listen to the call that is interrupted.
    """

    minted: bool = False
    restored: bool = False
    observers: int = 1
    made: list[Given] = attrs.field(factory=list, init=False)
    world: World = attrs.field(init=False)
    _saved: Saved | None = attrs.field(default=None, init=False)
    _bench: Bench | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.world = self.furnished(new_world())

    def call(self, call: str, *args: object, **kwargs: Any) -> object:
        """Make a call that belongs to the prefix, if it changes something."""
        events = inside.event_number(self.world.engine)
        try:
            answer = perform(self.world, (call, args, kwargs))
        except gc.GrantError as refusal:
            answer = refusal
        if call == "at" or inside.event_number(self.world.engine) > events:
            self.made.append((call, args, kwargs))
            self._saved = self._bench = None
        return getattr(answer, "grant", None) or getattr(answer, "lease", None) or answer

    # -- building ------------------------------------------------------------------------------------

    def furnished(self, world: World, data: bytes | None = None, minted: int = 0) -> World:
        """Give a world the engine of this stage."""
        world.ids = MintedIds(NONCE) if self.minted else SeededIds()  # type: ignore[assignment]  # alike
        world.ids.count = minted
        if data is None:
            world.engine = gc.GrantEngine(clock=world.clock, ids=world.ids, config=USUAL)
        else:
            world.engine = gc.GrantEngine.restore(data, clock=world.clock, ids=world.ids, config=USUAL)
        world.operator = world.engine.operator("op")
        return world

    def build(self, world: World) -> None:
        """Bring a new world to this state."""
        if self.restored:
            at_ms, data, minted = self._snapshot()
            world.clock.set(at_ms)
            self.furnished(world, data, minted)
            world.clock.set(max(inside.last_reading(world.engine), at_ms))  # if equal, that very number
        else:
            self._play(world)

    def _play(self, world: World) -> World:
        """Make the calls of the prefix; those that were refused are, too."""
        self.furnished(world)
        for given in self.made:
            with contextlib.suppress(gc.GrantError):
                perform(world, given)
        return world

    def _snapshot(self) -> Saved:
        """The state after the prefix: instant, snapshot, position of the ids. Taken once."""
        if self._saved is None:
            played = self._play(new_world())
            self._saved = (played.clock(), inside.bare_snapshot(played.engine), played.ids.count)
        return self._saved

    # -- interrupting --------------------------------------------------------------------------------

    def scenario(self, given: Given) -> Scenario:
        """A call in this state, for the machinery."""
        return Scenario(given[0], self.build, partial(perform, given=given), "random")

    def accepts(self, given: Given) -> bool:
        """Whether the call has a result here."""
        bench = self._bench_of_this_state()
        try:
            perform(bench.world, given)
        except gc.GrantError:
            return False
        finally:
            bench.bring_back()
        return True

    def inject(self, given: Given, wanted: Callable[[Line], bool]) -> Tally:
        """Interrupt a call where it first reaches each of its lines that is wanted."""
        bench = self._bench_of_this_state()
        return inject_at_every_line(bench.planned(self.scenario(given)), bench, *ERRORS, wanted=wanted)

    def _bench_of_this_state(self) -> Bench:
        """With the observers; one for all calls."""
        if self._bench is None:
            self._bench = Bench(Plan(Scenario("", self.build, id, "random"), observers=self.observers))
        return self._bench

    def interrupt(self, at: int, call: str, *args: object, **kwargs: Any) -> None:
        """Interrupt one call at one line.

        Raises:
            Torn: what is left is wrong.
        """
        plan = planned(self.scenario((call, args, kwargs)), observers=self.observers)
        world, tracer = plan.world(), Tracer(at, ERRORS[at % len(ERRORS)])
        traced(tracer, partial(plan.scenario.make, world))
        wrong = judge(plan, world, at, tracer.where)
        if wrong:
            raise Torn(f"{call} at line {at}, in {tracer.where}: {wrong}")


def perform(world: World, given: Given) -> object:
    """Make a call on a world."""
    call, args, kwargs = given
    if call == "at":
        world.clock.set(max(world.clock(), *args))  # type: ignore[call-overload]
        return None
    face, _, name = call.rpartition(".")
    owner = {"": world.engine, "operator": world.operator}.get(face) or gc.Scheduler(world.engine)
    return getattr(owner, name)(*args, **kwargs)


# -- random states ---------------------------------------------------------------------------------------

OWN: Final = frozenset({"misread", "restart", "look", "at"})
"""Steps of a pair that are no calls."""


class Life:
    """A stage with its prefix, and calls that fit its end.

    Args:
        seed: of everything.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.stage = Stage(minted=seed % 3 == 0, restored=seed % 2 == 1, observers=min(seed % 3, 1))
        self.steps: list[Step] = []
        self._results: dict[int, object] = {}
        self._dial = Dial(START_MS)
        ids: gc.IdSource = MintedIds(NONCE) if self.stage.minted else SeededIds()
        self._model = Model(clock=self._dial, ids=ids, config=USUAL)
        self._proposer = Proposer(seed, self._model)
        for number in range(PREFIX):
            self._go_on(self._proposer.step(number, self._now))
        self._cast = Cast(self._now)
        for step in self._cast.entrance:
            self._go_on(step)
        if seed // 2 % 2:
            self._let_things_fall_due()

    @property
    def _now(self) -> int:
        return self.stage.world.clock()

    def _go_on(self, step: Step) -> None:
        """Take a step on stage and model; the model is what the proposer looks at."""
        given = _given(step, self._results)
        if given is None or (step.call in OWN and step.call != "at"):
            return
        self.steps.append(step)
        answer = self.stage.call(given[0], *given[1], **given[2])
        self._dial.reading = self._now
        if step.call != "at":
            self._tell_model(given)
        if answer is not None and not isinstance(answer, Exception):
            self._results[step.number] = answer
        self._proposer.learn(step, answer)

    def _tell_model(self, given: Given) -> None:
        face, _, name = given[0].rpartition(".")
        owner: object = self._model
        if face:
            owner = self._model.scheduler() if face == "scheduler" else self._model.operator("op")
        try:
            getattr(owner, name)(*given[1], **given[2])
        except gc.GrantError:
            return

    def _let_things_fall_due(self) -> None:
        """The last step of the prefix: time passes, and nobody looks."""
        soon = range(self._now, self._now + SOON_MS)
        instants = sorted(due.at_ms for due in self._model.deadlines() if due.at_ms in soon)
        if instants:
            at_ms = max(instants[: 1 + self.seed % 4][-1], self._now)
            self.steps.append(Step(PREFIX, "at", (at_ms,)))
            self.stage.call("at", at_ms)

    def offers(self) -> dict[str, Step]:
        """One call of every kind, if possible one that is accepted now."""
        proposed: dict[str, list[Step]] = dict(self._reads())
        for number in range(PREFIX + 1, PREFIX + PROPOSALS):
            step = self._proposer.step(number, self._now)
            if step.call not in OWN and _given(step, self._results) is not None:
                proposed.setdefault(step.call, []).append(step)
        good = self._cast.calls()
        for call in good.keys() | proposed.keys():
            proposed[call] = [*proposed.get(call, [])[:TRIED], *([good[call]] if call in good else [])]
        return {call: self._best(steps) for call, steps in proposed.items()}

    def _best(self, steps: Sequence[Step]) -> Step:
        """The first that is accepted."""
        for step in steps:
            if self.accepts(step):
                return step
        return steps[-1]

    def _reads(self) -> dict[str, list[Step]]:
        """What a proposer seldom asks."""
        names = [execution.execution_id for execution in self._model.executions] or ["nobody"]
        name = names[self.seed % len(names)]
        asked: dict[str, tuple[object, ...]] = {
            **dict.fromkeys(OF_ONE, (name,)),
            **dict.fromkeys(OF_ALL, ()),
            "scheduler.peek": (LANES[0], TOKENS),
            "scheduler.unmatched": (LANES[0],),
            "leases_expiring_within": (50,),
            "subscribe": (id,),
        }
        return {call: [Step(PREFIX, call, args)] for call, args in asked.items()}

    # -- interrupting --------------------------------------------------------------------------------

    def accepts(self, step: Step) -> bool:
        """Whether this step has a result here."""
        given = _given(step, self._results)
        return given is not None and self.stage.accepts(given)

    def interrupted(self, shared: int = ALL, only: Container[str] | None = None) -> int:
        """Interrupt a call of every kind at every line, in an order of the calls that the seed determines.

        Args:
            shared: a line that more calls than this reach is interrupted in so many of them.
            only: these calls; None: all.

        Returns:
            How many times.

        Raises:
            Failure: something is torn.
        """
        points = 0
        times: Counter[Line] = Counter()

        def wanted(line: Line) -> bool:
            times[line] += 1
            return times[line] <= shared

        steps = list(self.offers().values())
        Random(self.seed).shuffle(steps)
        for step in steps:
            if only is not None and step.call not in only:
                continue
            given = _given(step, self._results)
            assert given is not None
            tally = self.stage.inject(given, wanted)
            if tally.wrong:
                raise self.failure(step, tally)
            points += tally.points
        return points

    def failure(self, last: Step, tally: Tally) -> Failure:
        """The shortest prefix found after which this call is torn at one of the lines where it was."""
        lines = [int(wrong.partition(" at point ")[2].partition(",")[0]) for wrong in tally.wrong]
        lines = lines[:: len(lines) // 4 + 1]
        kept = shortest(self.steps, lambda steps: self._torn_at(steps, last, lines) is not None)
        line = self._torn_at(kept, last, lines)
        steps, line = (self.steps, lines[0]) if line is None else (kept, line)
        return Failure(self.seed, steps, last, line, tally.wrong[0], self.stage)

    def _torn_at(self, steps: Sequence[Step], last: Step, lines: Sequence[int]) -> int | None:
        """The first of these lines at which the call is torn after these steps."""
        stage = attrs.evolve(self.stage)
        results: dict[int, object] = {}
        for step in (*steps, last):
            given = _given(step, results)
            if given is None:
                return None
            if step is not last:
                results[step.number] = stage.call(given[0], *given[1], **given[2])
                continue
            for line in lines:
                try:
                    stage.interrupt(line, given[0], *given[1], **given[2])
                except Torn:
                    return line
        return None


def _given(step: Step, results: Mapping[int, object]) -> Given | None:
    """The call of a step, with what it refers to; None if that is not there."""
    try:
        args = tuple(resolved(value, results) for value in step.args)
        return step.call, args, {name: resolved(value, results) for name, value in step.kwargs.items()}
    except (Absent, AttributeError):
        return None


OF_ONE: Final = (
    "describe_execution",
    "describe_grant",
    "attempts",
    "read_payload",
    "read_result",
    "lease_history",
    "explain",
)
OF_ALL: Final = (
    "list_executions",
    "list_expired_leases",
    "list_workers",
    "leases",
    "stats",
    "now_ms",
    "next_deadline_ms",
    "check",
    "digest",
    "snapshot",
    "advance",
)


@attrs.frozen
class Failure(Exception):
    """A call is torn by an interruption."""

    seed: int
    steps: Sequence[Step]
    last: Step
    line: int
    reason: str
    stage: Stage

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.reason}\n\n{self.script()}\n"

    def script(self) -> str:
        """The calls as a script that can be pasted and run; the last line is the interrupted one."""
        stage = self.stage
        lines = [
            "from grantcore import *",
            "from grantcore.testing.steps import altered",
            "from tests.proof.interrupting import Stage",
            "",
            f"stage = Stage(minted={stage.minted}, restored={stage.restored}, observers={stage.observers})",
            *(repr(step).replace("pair.call(", "stage.call(", 1) for step in self.steps),
            f"stage.interrupt({self.line}, {repr(self.last).partition('pair.call(')[2]}",
        ]
        return "\n".join(lines)
