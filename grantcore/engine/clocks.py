"""Clocks: any callable that gives the present instant in integer milliseconds (SPEC 3)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from grantcore.model import checks
from grantcore.model.errors import invalid

Clock = Callable[[], int]

_NS_PER_MS: Final = 1_000_000


class DeadlineSource(Protocol):
    """What knows when something changes next by itself, as a :class:`grantcore.GrantEngine` does."""

    def next_deadline_ms(self) -> int | None:
        """The earliest instant at which something changes if no call comes; None if nothing is pending."""
        ...


class SystemClock:
    """The wall clock at the start, and the monotonic clock from there: it never jumps.

    Later corrections of the wall clock are not followed. A call gives milliseconds since the epoch. O(1).

    Within one millisecond it gives the same object: an engine sees at a glance that no time has passed.
    """

    __slots__ = ("_now_ms", "_offset_ns")

    def __init__(self) -> None:
        """Read the wall clock, once."""
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._now_ms = -1

    def __call__(self) -> int:
        """The present instant in milliseconds."""
        now_ms = (self._offset_ns + time.monotonic_ns()) // _NS_PER_MS
        last_ms = self._now_ms
        if now_ms == last_ms:
            return last_ms
        self._now_ms = now_ms
        return now_ms


class ManualClock:
    """A clock that stands still until it is told to go on, and cannot go back.

    >>> clock = ManualClock(start_ms=5)
    >>> clock.advance(10)
    15
    >>> clock()
    15
    """

    __slots__ = ("_now_ms",)

    def __init__(self, start_ms: int = 0) -> None:
        """Begin at ``start_ms``."""
        self._now_ms = checks.instant("start_ms", start_ms)

    def __call__(self) -> int:
        """The present instant in milliseconds."""
        return self._now_ms

    def advance(self, ms: int) -> int:
        """Go on by ``ms`` milliseconds and give the new instant.

        Raises:
            InvalidInput: ``ms`` is no duration, or leads out of the range of instants.
        """
        self._now_ms = checks.instant("ms", self._now_ms + checks.instant("ms", ms))
        return self._now_ms

    def set(self, ms: int) -> int:
        """Go on to the instant ``ms`` and give it.

        Raises:
            InvalidInput: ``ms`` is no instant, or before the present one.
        """
        if checks.instant("ms", ms) < self._now_ms:
            raise invalid("ms", "not before the present instant")
        self._now_ms = ms
        return ms

    def jump_to_next_deadline(self, source: DeadlineSource) -> int | None:
        """Go on to the next deadline of ``source``, an engine for instance, and give it.

        None if nothing is pending; the clock then stands where it stood. A deadline that has passed leaves
        the clock where it is too, and is given as it is.

        Raises:
            InvalidInput: what the source tells is no instant.

        >>> from grantcore import GrantEngine
        >>> clock = ManualClock()
        >>> engine = GrantEngine(clock=clock)
        >>> clock.jump_to_next_deadline(engine)
        >>> _ = engine.create_execution(lane_id="main", delay_until_ms=40)
        >>> clock.jump_to_next_deadline(engine), clock()
        (40, 40)

        O(1) beside what the source does. SPEC 3.
        """
        deadline_ms = source.next_deadline_ms()
        if deadline_ms is not None:
            self._now_ms = max(self._now_ms, checks.instant("next_deadline_ms", deadline_ms))
        return deadline_ms
