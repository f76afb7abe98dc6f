"""SimPy's time for an engine: instants in integer milliseconds, and time-driven transitions on time.

SimPy counts time in numbers of any unit, often floats; the engine counts integer milliseconds. They meet
in :class:`EngineClock` and nowhere else. With :func:`keep_time` beside them, a SimPy model embeds the
engine like this; time is in seconds here:

>>> import simpy
>>> from grantcore import GrantEngine, Scheduler, Worker
>>> env = simpy.Environment()
>>> clock = EngineClock(env)
>>> engine = GrantEngine(clock=clock)
>>> _ = env.process(keep_time(env, engine, clock))
>>> def worker(name, seconds):
...     ann = Worker(name, f"{name}.1", capabilities=())
...     while grant := Scheduler(engine).claim_for_worker(ann, lanes=["main"], grant_ttl_ms=1_000):
...         lease = engine.take(grant, worker_id=name, worker_instance_id=f"{name}.1", lease_ttl_ms=60_000)
...         yield env.timeout(seconds)
...         print(env.now, engine.complete_execution(lease).execution_id)
>>> for number in range(3):
...     _ = engine.create_execution(lane_id="main", execution_id=f"job-{number}")
>>> _ = env.process(worker("ann", 2.5)), env.process(worker("bob", 4))
>>> env.run(until=60)
2.5 job-0
4 job-1
5.0 job-2
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    import simpy

    from grantcore.events import Event


class EngineClock:
    """The engine's clock on a SimPy environment: its time, to the nearest millisecond.

    Args:
        env: whose time it tells.
        ms_per_unit: milliseconds in one unit of SimPy's time; 1,000 where models count seconds.

    >>> import simpy
    >>> env = simpy.Environment(initial_time=1.2344)
    >>> EngineClock(env)()
    1234

    O(1).
    """

    __slots__ = ("_env", "_ms_per_unit", "_now", "_reading_ms", "_shift_ms")

    def __init__(self, env: simpy.Environment, ms_per_unit: float = 1000) -> None:
        """Tell the time of ``env``."""
        self._env = env
        self._ms_per_unit = ms_per_unit
        self._shift_ms = 0
        self._now: float | None = None
        self._reading_ms = 0

    def __call__(self) -> int:
        """The present instant in milliseconds, never negative."""
        now = self._env.now
        if now is not self._now:
            self._now = now
            self._reading_ms = max(round(now * self._ms_per_unit) + self._shift_ms, 0)
        return self._reading_ms

    def jump(self, ms: int) -> None:
        """Be off by so much more from now on, either way: a fault of the clock, not of SimPy's time."""
        self._shift_ms += ms
        self._now = None

    def until(self, at_ms: int) -> simpy.Timeout:
        """An event of SimPy at the moment at which this clock, if it does not jump, will read ``at_ms``.

        Rounding never makes it early. At once, if the clock reads that much already.
        """
        return self._env.timeout(self.delay_until(at_ms))

    def delay_until(self, at_ms: int) -> float:
        """The time from now until then, in SimPy's unit; whole units stay integers. O(1)."""
        now, unit = self._env.now, self._ms_per_unit
        if self() >= at_ms:
            return 0
        true_ms = at_ms - self._shift_ms
        if type(now) is int and type(unit) is int and true_ms % unit == 0:
            return true_ms // unit - now
        delay = max(true_ms / unit - now, 0.0)
        while round((now + delay) * unit) < true_ms:
            delay += math.ulp(now + delay)
        return delay


class TimeDriven(Protocol):
    """What changes by itself as time goes on; a :class:`grantcore.GrantEngine` does."""

    def next_deadline_ms(self) -> int | None:
        """The earliest instant at which something changes if no call comes; None if nothing is pending."""
        ...

    def advance(self) -> object:
        """Apply what is due."""
        ...

    def subscribe(self, observer: Callable[[Event], None]) -> AbstractContextManager[object]:
        """Tell ``observer`` of every change until the context is left."""
        ...


def keep_time(
    env: simpy.Environment, engine: TimeDriven, clock: EngineClock
) -> Generator[simpy.Event, object, None]:
    """Run as a SimPy process: time-driven transitions happen, and are told to observers, on time.

    The engine is right without it: every call applies what is due. But it cannot call by itself, so a
    lease that lapses while nobody calls is noticed late. This process sleeps until the next deadline, and
    looks again whenever something has changed. ``env.run()`` ends when nothing is pending any more.

    Args:
        env: the environment.
        engine: whose time is kept.
        clock: the one that the engine reads.
    """
    bell = _Bell(env)
    with engine.subscribe(bell.ring):
        while True:
            deadline_ms = engine.next_deadline_ms()
            if deadline_ms is None:
                yield bell.rung()
            else:
                yield bell.rung() | clock.until(deadline_ms)
                engine.advance()


class _Bell:
    """An event that others may trigger many times while nobody looks."""

    __slots__ = ("_env", "_event")

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._event = env.event()

    def ring(self, _event: object) -> None:
        if not self._event.triggered:
            self._event.succeed()

    def rung(self) -> simpy.Event:
        """The event of the first ring from now on."""
        if self._event.processed:
            self._event = self._env.event()
        return self._event
