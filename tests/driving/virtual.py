"""An event loop in virtual time: its clock is a :class:`ManualClock`, and it never sleeps.

Where another loop would sleep until its next timer, this one sets the clock to that instant. Where another
would sleep for ever, nothing can happen any more: that is an error here.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from grantcore import ManualClock

T = TypeVar("T")


class NothingWillHappen(AssertionError):
    """The loop was about to sleep for ever."""


class _Selector(selectors.DefaultSelector):
    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock
        self.sleeps = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise NothingWillHappen
        self.sleeps += 1
        self.clock.advance(math.ceil(timeout * 1000 - 1e-6))
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its ``time()`` is the clock's; ``sleeps`` counts how often time went on."""

    def __init__(self, clock: ManualClock) -> None:
        self._virtual = _Selector(clock)
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.clock() / 1000

    @property
    def sleeps(self) -> int:
        return self._virtual.sleeps


def run(clock: ManualClock, main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(main)
