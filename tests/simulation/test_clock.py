"""SimPy's time for an engine: no instant is read early, none is told late."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import simpy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grantcore import GrantEngine, Scheduler, Worker
from grantcore.events import Event, LeaseLapsed
from grantcore.simulation.clock import EngineClock, keep_time

UNITS = st.sampled_from((1, 1000, 60_000, 0.1, 1 / 3, 86_400_000.0)) | st.floats(1e-6, 1e12)
STARTS = st.integers(0, 2**62) | st.floats(0, 1e15)


@given(UNITS, STARTS, st.integers(0, 2**60) | st.integers(0, 5_000), st.integers(-(10**6), 10**6))
@example(0.6180339887, 0.0, 2**57 + 1, 0)
@example(1000, 490_270_786_345_065, 1, 0)
@settings(max_examples=80)
def test_it_never_wakes_early_and_hardly_late(unit: float, start: float, wait_ms: int, jump_ms: int) -> None:
    env = simpy.Environment(initial_time=start)
    clock = EngineClock(env, unit)
    clock.jump(jump_ms)
    at_ms = clock() + wait_ms
    env.run(until=clock.until(at_ms))
    step_ms = math.ulp(env.now) * unit
    assert at_ms <= clock() <= at_ms + math.ceil(4 * step_ms)


@given(st.sampled_from((1, 50, 1000)), st.integers(0, 10**9), st.integers(0, 10**6))
@settings(max_examples=50)
def test_whole_units_stay_integers(unit: int, start: int, units: int) -> None:
    env = simpy.Environment(initial_time=start)
    delay = EngineClock(env, unit).delay_until((start + units) * unit)
    assert (delay, type(delay)) == (units, int)


def test_what_is_read_already_is_not_waited_for() -> None:
    env = simpy.Environment(initial_time=1.0004)
    clock = EngineClock(env)
    assert [clock.delay_until(at_ms) for at_ms in (0, 999, 1000)] == [0, 0, 0]
    assert clock.delay_until(1001) > 0


def test_a_jump_is_read_at_once_and_no_reading_is_negative() -> None:
    env = simpy.Environment(initial_time=5)
    clock = EngineClock(env)
    assert clock() == 5_000
    clock.jump(30)
    assert clock() == 5_030
    clock.jump(-6_000)
    assert clock() == 0
    env.run(until=7)
    assert clock() == 1_030


def hasty(clock: EngineClock, at_ms: int) -> float:
    """A planted defect: the quotient of floats is taken as it is."""
    return max(at_ms / clock._ms_per_unit - clock._env.now, 0)


def test_the_comparison_finds_a_clock_that_wakes_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EngineClock, "delay_until", hasty)
    with pytest.raises(AssertionError):
        test_it_never_wakes_early_and_hardly_late()


# -- transitions on time -------------------------------------------------------------------------


@given(UNITS.filter(lambda unit: unit <= 1e6), st.lists(st.integers(1, 10**5), min_size=1, max_size=4))
@settings(max_examples=25)
def test_leases_lapse_on_time_though_nobody_calls(unit: float, ttls_ms: list[int]) -> None:
    env = simpy.Environment()
    clock = EngineClock(env, unit)
    engine = GrantEngine(clock=clock)
    env.process(keep_time(env, engine, clock))
    lapses: list[tuple[int, int]] = []

    def told(event: Event) -> None:
        if isinstance(event, LeaseLapsed):
            lapses.append((event.lease.expires_at_ms, clock()))

    worker = Worker("ann", "ann.1", capabilities=())
    for number in range(len(ttls_ms)):
        engine.create_execution(lane_id="main", execution_id=f"job-{number}")
    with engine.subscribe(told):
        for ttl_ms in ttls_ms:
            grant = Scheduler(engine).claim_for_worker(worker, lanes=["main"], grant_ttl_ms=1)
            assert grant is not None
            engine.take(grant, worker_id="ann", worker_instance_id="ann.1", lease_ttl_ms=ttl_ms)
        env.run()
    step_ms = math.ulp(env.now) * unit
    assert sorted(expires for expires, _ in lapses) == sorted(ttls_ms)
    assert all(expires <= at_ms <= expires + math.ceil(4 * step_ms) for expires, at_ms in lapses)


class Rung:
    """Something time-driven: nothing is pending, until somebody rings twice before anyone looks."""

    def __init__(self) -> None:
        self.deadline_ms: int | None = None
        self.advanced_at: list[float] = []
        self.ring: Any = None

    def next_deadline_ms(self) -> int | None:
        return self.deadline_ms

    def advance(self) -> None:
        self.advanced_at.append(self.deadline_ms or 0)
        self.deadline_ms = None

    @contextmanager
    def subscribe(self, observer: Any) -> Iterator[None]:
        self.ring = observer
        yield


def test_many_rings_at_once_are_one_and_with_nothing_pending_it_is_over() -> None:
    env = simpy.Environment()
    clock = EngineClock(env)
    driven = Rung()
    env.process(keep_time(env, driven, clock))

    def rings() -> Iterator[simpy.Event]:
        yield env.timeout(2)
        driven.deadline_ms = 9_000
        driven.ring(None)
        driven.ring(None)
        yield env.timeout(1)
        driven.ring(None)

    env.process(rings())  # type: ignore[arg-type]
    env.run()
    assert env.now == 9
    assert driven.advanced_at == [9_000]
