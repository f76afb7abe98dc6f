"""SPEC 11: an engine belongs to the process that built it; hostile-inputs section 4, fork and pickle."""

from __future__ import annotations

import copy
import os
import pickle
import threading
import traceback
import warnings
from collections.abc import Callable

import pytest

import grantcore as gc
from tests.robustness import worlds
from tests.robustness.calls import SCENARIOS, Scenario
from tests.robustness.worlds import World, new_world

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def in_child(work: Callable[[], str]) -> str:
    """Run something in a forked child and read what it says."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: other threads are alive, on purpose
        pid = os.fork()
    if pid == 0:
        try:
            said = work()
        except BaseException:  # noqa: BLE001 - told to the parent
            said = traceback.format_exc()
        os.write(writing, said.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


def _refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except gc.GrantError as error:
        return type(error).__name__
    return "served"


@posix
@pytest.mark.parametrize("threadsafe", [True, False])
def test_every_call_is_refused_in_the_child(*, threadsafe: bool) -> None:
    """SPEC 11: ``Forked`` for each of them; and the parent goes on."""

    def refusals() -> str:
        return " ".join(sorted({_refusal(lambda s=s, w=w: s.make(w)) for s, w in pairs}))  # type: ignore[misc]

    pairs: list[tuple[Scenario, World]] = []
    for scenario in SCENARIOS:
        world = new_world((scenario if threadsafe else scenario.unlocked()).config)
        scenario.build(world)
        pairs.append((scenario, world))
    assert in_child(refusals) == "Forked"
    for scenario, world in pairs:
        assert _refusal(lambda s=scenario, w=world: s.make(w)) != "Forked"  # type: ignore[misc]


@posix
def test_operator_in_the_child() -> None:
    """SPEC 11: asking for an operator is a call as well (SPEC 3 names it among them)."""
    world = new_world()
    assert in_child(lambda: _refusal(lambda: world.engine.operator("op"))) == "Forked"


@posix
def test_forked_while_another_thread_holds_the_lock() -> None:
    """SPEC 11: refused before the lock is touched, which nobody will ever release in the child."""
    inside, go_on = threading.Event(), threading.Event()

    def clock() -> int:
        if threading.current_thread() is holder:
            inside.set()
            go_on.wait(10)
        return 0

    engine = gc.GrantEngine(clock=clock)
    holder = threading.Thread(target=engine.now_ms)
    holder.start()
    assert inside.wait(10)
    try:
        assert in_child(lambda: _refusal(engine.now_ms)) == "Forked"
        assert in_child(lambda: _refusal(lambda: engine.subscribe(print))) == "Forked"
    finally:
        go_on.set()
        holder.join()
    assert engine.now_ms() == 0


@posix
def test_forked_from_an_observer() -> None:
    """SPEC 11: ``Forked`` rather than ``Reentrant``: there is nothing to wait for."""
    world, said = new_world(), []
    world.engine.subscribe(lambda _: said.append(in_child(lambda: _refusal(world.engine.now_ms))))
    worlds.waiting(world)
    assert said == ["Forked"]


@posix
def test_new_and_restored_engines_work_in_the_child() -> None:
    """SPEC 11: what is built in the child belongs to it; its minted ids are its own (hostile-inputs 4)."""
    parent = gc.GrantEngine()
    data = parent.snapshot()

    def live() -> str:
        engine = gc.GrantEngine.restore(data)
        created = engine.create_execution(lane_id="main")
        engine.check()
        gc.GrantEngine().check()
        return created.execution_id

    first, second = in_child(live), in_child(live)
    assert first.startswith("{fp:213}:")
    assert first != second
    mine = parent.create_execution(lane_id="main").execution_id
    assert mine not in (first, second)


@posix
def test_a_grandchild_is_refused_too() -> None:
    """SPEC 11: the generation is counted, not compared with one parent."""

    def child() -> str:
        engine = gc.GrantEngine(clock=gc.ManualClock())
        return f"{engine.now_ms()} {in_child(lambda: _refusal(engine.now_ms))}"

    assert in_child(child) == "0 Forked"


def test_engines_do_not_pickle_or_copy() -> None:
    """SPEC 11, hostile-inputs section 4: ``TypeError``, "use snapshot()"; nor operators and schedulers."""
    world = new_world()
    engine_and_faces = (world.engine, world.operator, gc.Scheduler(world.engine))
    for thing in engine_and_faces:
        for attempt in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="snapshot"):
                attempt(thing)
    with pytest.raises(TypeError, match="snapshot"):
        copy.copy(world.engine)
    assert world.engine.now_ms() == 1_000
