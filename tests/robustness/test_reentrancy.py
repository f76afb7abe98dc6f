"""SPEC 11 "Thread-safe", SPEC 3: a call from inside a call gets ``Reentrant``, whoever makes it."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

import pytest

import grantcore as gc
from grantcore.events import Event
from tests.robustness import inside, worlds
from tests.robustness.calls import SCENARIOS, Scenario, methods, named
from tests.robustness.worlds import World, new_world

BOTH: Final = pytest.mark.parametrize("threadsafe", [True, False])
CALLS: Final = {scenario.call: scenario for scenario in SCENARIOS}


def _world(*, threadsafe: bool) -> World:
    return new_world(gc.EngineConfig(threadsafe=threadsafe))


class Answers:
    """What came of calls that were made from inside another one."""

    def __init__(self) -> None:
        self.errors: list[BaseException | None] = []

    def ask(self, call: Callable[[], object]) -> None:
        try:
            call()
        except gc.GrantError as error:
            self.errors.append(error)
        else:
            self.errors.append(None)

    def all_reentrant(self) -> bool:
        return bool(self.errors) and all(type(error) is gc.Reentrant for error in self.errors)


# -- observers -------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("call", [*CALLS, "operator"])
def test_observer_calling_in(call: str, *, threadsafe: bool) -> None:
    """SPEC 10: any call from an observer gets ``Reentrant``; the call that told it goes on."""
    scenario = CALLS.get(call)
    world = new_world(scenario.config if scenario else None)
    if not threadsafe:
        world = new_world(gc.EngineConfig(threadsafe=False))
    worlds.waiting(world, "other")
    answers = Answers()
    if scenario:
        scenario.build(world)
        inner: Callable[[], object] = lambda: scenario.make(world)  # noqa: E731
    else:
        inner = lambda: world.engine.operator("op")  # noqa: E731
    world.engine.subscribe(lambda _: answers.ask(inner))
    before = world.engine.stats().events
    world.engine.change_priority("other", 5)
    assert answers.all_reentrant()
    assert world.engine.stats().events == before + 1
    world.engine.check()


def test_every_public_call_is_tried_from_an_observer() -> None:
    """The table above is complete; ``restore`` builds another engine."""
    assert methods() == {*CALLS, "operator", "restore"}


@BOTH
def test_observer_may_use_another_engine(*, threadsafe: bool) -> None:
    """SPEC 1: nothing is global; an observer may restore and call an engine of its own."""
    world, other = _world(threadsafe=threadsafe), _world(threadsafe=threadsafe)
    data = other.engine.snapshot()
    world.engine.subscribe(lambda _: worlds.waiting(other, f"e-{other.engine.stats().events}"))
    world.engine.subscribe(lambda _: gc.GrantEngine.restore(data).check())
    worlds.held(world)
    assert other.engine.stats().events == world.engine.stats().events


# -- clocks and id sources -------------------------------------------------------------------------------


@BOTH
def test_clock_calling_in(*, threadsafe: bool) -> None:
    """SPEC 3: a clock that calls the engine gets ``Reentrant``, and its own failure is a ``ClockError``."""
    world = _world(threadsafe=threadsafe)
    worlds.waiting(world)
    digest = world.engine.digest()
    clock = inside.set_clock(world.engine, world.engine.now_ms)
    with pytest.raises(gc.ClockError) as raised:
        world.engine.change_priority("e", 5)
    assert type(raised.value.__cause__) is gc.Reentrant
    inside.set_clock(world.engine, clock)
    assert world.engine.digest() == digest


@BOTH
def test_clock_calling_in_and_bearing_it(*, threadsafe: bool) -> None:
    """SPEC 3: a clock that catches the refusal and answers is a clock."""
    answers = Answers()
    engine: gc.GrantEngine

    def clock() -> int:
        answers.ask(lambda: engine.advance())  # noqa: PLW0108 - there is no engine yet
        return 5

    engine = gc.GrantEngine(clock=clock, config=gc.EngineConfig(threadsafe=threadsafe))
    assert engine.now_ms() == 5
    assert answers.all_reentrant()


@BOTH
def test_id_source_calling_in(*, threadsafe: bool) -> None:
    """SPEC 11: what foreign code raises passes through, and it runs before the first write."""
    world = _world(threadsafe=threadsafe)
    worlds.granted(world)
    digest = world.engine.digest()
    world.ids.lease_id = lambda: str(world.engine.now_ms())  # type: ignore[method-assign]
    with pytest.raises(gc.Reentrant):
        worlds.take(world, "e")
    assert world.engine.digest() == digest


@BOTH
def test_iterable_argument_calling_in(*, threadsafe: bool) -> None:
    """SPEC 11: a caller's iterable runs before the lock is taken, so it may call the engine."""
    world = _world(threadsafe=threadsafe)

    def tokens() -> Iterator[str]:
        worlds.waiting(world, "inner")
        yield "gpu"

    world.engine.create_execution(lane_id="main", execution_id="outer", required_capabilities=tokens())
    assert world.engine.stats().events == 2
    world.engine.check()


@BOTH
def test_lease_object_calling_in(*, threadsafe: bool) -> None:
    """SPEC 11: so does a foreign lease object."""
    world = _world(threadsafe=threadsafe)
    worlds.held(world)
    held = world.leases["e"]

    class Foreign:
        lease_id, lease_epoch, attempt_id = held.lease_id, held.lease_epoch, held.attempt_id

        @property
        def execution_id(self) -> str:
            world.engine.now_ms()
            return "e"

    assert world.engine.complete_execution(Foreign()) == gc.Completed("e")


# -- signal handlers, and whatever else runs between two lines -----------------------------------------------


class Handler:
    """Calls the engine between any two lines of another call, as a signal handler would."""

    def __init__(self, world: World, inner: Callable[[], object]) -> None:
        self.world, self.inner = world, inner
        self.inside = 0
        self.wrong: list[str] = []

    def start(self, frame: FrameType, _event: str, _arg: object) -> Any:
        return self.line if "grantcore" in frame.f_code.co_filename else None

    def line(self, frame: FrameType, _event: str, _arg: object) -> Any:
        if inside.has_lock(self.world.engine):
            self.inside += 1
            try:
                self.inner()
            except gc.Reentrant:
                pass
            else:
                self.wrong.append(f"entered in {frame.f_code.co_name}, line {frame.f_lineno}")
        return self.line


def _interrupted_by(world: World, scenario: Scenario, inner: Callable[[], object]) -> Handler:
    handler, before = Handler(world, inner), sys.gettrace()
    sys.settrace(handler.start)
    try:
        scenario.make(world)
    except gc.GrantError as refusal:
        assert not isinstance(refusal, (gc.Reentrant, gc.InvariantBroken)), refusal
    finally:
        sys.settrace(before)
    return handler


@pytest.mark.uncovered
@pytest.mark.every_python
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_handler_between_any_two_lines(scenario: Scenario) -> None:
    """SPEC 11, hostile-inputs section 4: wherever the lock is held by a running call, ``Reentrant``."""
    for setting in (scenario, scenario.unlocked()):
        world = new_world(setting.config)
        setting.build(world)
        handler = _interrupted_by(world, setting, world.engine.next_deadline_ms)
        assert handler.wrong == []
        assert handler.inside >= 3
        world.engine.check()


@BOTH
@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs POSIX signals")
def test_a_real_signal(*, threadsafe: bool) -> None:
    """SPEC 11: a real handler, run while an observer holds the call open."""
    world, answers = _world(threadsafe=threadsafe), Answers()

    def observe(_: Event) -> None:
        signal.raise_signal(signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: answers.ask(world.engine.advance))
    try:
        world.engine.subscribe(observe)
        worlds.waiting(world)
        assert answers.all_reentrant()
        signal.raise_signal(signal.SIGUSR1)  # outside a call: served
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert answers.errors[-1] is None


# -- locks left over ---------------------------------------------------------------------------------------


@BOTH
def test_a_lock_left_over_is_released(*, threadsafe: bool) -> None:
    """SPEC 11: a lock held by a thread on whose stack no call is running was left over by an interruption."""
    world = _world(threadsafe=threadsafe)
    worlds.waiting(world)
    inside.leave_lock(world.engine)
    inside.leave_lock(world.engine)
    assert world.engine.change_priority("e", 5).new == 5
    assert not inside.has_lock(world.engine)
    world.operator.cancel("e", reason="")
    inside.leave_lock(world.engine)
    assert gc.Scheduler(world.engine).peek("main", ()) == ()
    assert not inside.has_lock(world.engine)


@BOTH
def test_a_lock_left_over_is_released_by_calls_that_pass_it_on(*, threadsafe: bool) -> None:
    """SPEC 11: the caller's stack is what counts, also where one call of the engine makes another."""
    world = _world(threadsafe=threadsafe)
    engine = world.engine
    inside.leave_lock(engine)
    engine.create_execution(lane_id="main", execution_id="late", delay_until_ms=10**12)
    worlds.granted(world)
    inside.leave_lock(engine)
    lease = engine.take(world.grants["e"], worker_id="w", worker_instance_id="w-1", lease_ttl_ms=worlds.TTL)
    inside.leave_lock(engine)
    fence = gc.Fence(lease.execution_id, lease.lease_id, lease.lease_epoch, lease.attempt_id)
    assert engine.complete_execution(fence).execution_id == "e"
    assert not inside.has_lock(engine)


@BOTH
def test_a_lock_left_over_is_released_on_another_engines_stack(*, threadsafe: bool) -> None:
    """SPEC 11: calls of other engines on the stack do not count."""
    world, outer = _world(threadsafe=threadsafe), _world(threadsafe=threadsafe)
    inside.leave_lock(world.engine)
    outer.engine.subscribe(lambda _: worlds.waiting(world))
    worlds.waiting(outer)
    assert world.engine.describe_execution("e") is not None


@BOTH
def test_every_call_lets_go_of_the_engine(*, threadsafe: bool) -> None:
    """SPEC 11: accepted or refused. The lock is re-entrant: only another thread would wait, for ever."""
    for scenario in SCENARIOS:
        made = scenario if threadsafe else scenario.unlocked()
        world = new_world(made.config)
        made.build(world)
        with contextlib.suppress(gc.GrantError):
            made.make(world)
        assert not inside.has_lock(world.engine), scenario


@BOTH
def test_exceptions_leave_the_engine_usable(*, threadsafe: bool) -> None:
    """SPEC 11: a refused call gives the lock, or the mark, back."""
    world = _world(threadsafe=threadsafe)
    worlds.waiting(world)
    for _ in range(3):
        with pytest.raises(gc.ExecutionNotFound):
            world.engine.change_priority("nobody", 5)
        assert not inside.has_lock(world.engine)
    assert named("advance", "idle").make(world) == gc.AdvanceReport(0, more=False)
