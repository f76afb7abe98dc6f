"""The line of those who wait for work.

First come, first served, among those who can be. After every event that may have opened something, and at
every deadline of the engine (the window of a quota opens without an event), everybody who waits is tried,
in order of arrival: one *round*. A newcomer alone is tried once: nothing has opened for the others. Nobody
else is tried while nothing at all could be granted, which four counts of the engine tell; except after a
registration has ended, so that whoever waits in its name is told.

A round longer than one slice goes on in the next, and does not begin anew if something opens meanwhile:
else those at its end would starve behind many who wait for something rare. So up to ``limit`` waiters
the order is exact; beyond, one may be served in the same round with work that came after an earlier one
was tried.

Whoever leaves is handed nothing, and what had just been handed to it is withdrawn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import attrs

from grantcore.driving.agenda import Agenda
from grantcore.model.grants import Grant
from grantcore.model.workers import Worker


@attrs.frozen
class Ask:
    """What a waiter asks for: the arguments of ``Scheduler.claim_for_worker``."""

    worker: str | Worker
    lanes: Sequence[str] | Mapping[str, int]
    grant_ttl_ms: int
    reclaim: bool


@attrs.define(eq=False)
class Waiter:
    """Somebody who waits for a grant; ``told`` is called once, when the outcome is known."""

    ask: Ask
    told: Callable[[], object]
    outcome: Grant | Exception | None = None
    is_tried: bool = False
    is_told: bool = False

    def result(self) -> Grant | None:
        """The grant, or None: out of time, or closed; raises what was refused."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Line:
    """Who waits, and whose turn it is. Its owner has a lock around every call."""

    __slots__ = ("_newcomers", "_round", "_timeouts", "_waiters", "_worker_gone", "calls_roll", "opened")

    def __init__(self) -> None:
        """Begin with nobody."""
        self.opened = False
        self.calls_roll = False
        self._worker_gone = False
        self._waiters: dict[Waiter, None] = {}
        self._round: deque[Waiter] = deque()
        self._newcomers: deque[Waiter] = deque()
        self._timeouts = Agenda[Waiter]()

    def join(self, waiter: Waiter, until_ms: int | None) -> None:
        """Stand at the end. O(log waiters)."""
        self._waiters[waiter] = None
        self._newcomers.append(waiter)
        if until_ms is not None:
            self._timeouts.file(waiter, until_ms)

    def leave(self, waiter: Waiter) -> bool:
        """Stand there no more; whether it did. O(1)."""
        if waiter not in self._waiters:
            return False
        del self._waiters[waiter]
        self._timeouts.drop(waiter)
        return True

    def answer(self, waiter: Waiter, outcome: Grant | Exception | None) -> bool:
        """Tell a waiter its outcome and let it go; whether it was still there. O(1)."""
        if not self.leave(waiter):
            return False
        waiter.outcome = outcome
        waiter.is_told = True
        waiter.told()
        return True

    def answer_all(self, outcome: Exception | None) -> None:
        """Tell everybody the same. O(waiters)."""
        for waiter in tuple(self._waiters):
            self.answer(waiter, outcome)

    def lost_a_worker(self) -> None:
        """Have everybody tried in the next round, whatever there is to be granted: a registration ended."""
        self._worker_gone = True

    # -- turns ---------------------------------------------------------------------------------

    @property
    def all_tried(self) -> bool:
        """Whether it is nobody's turn."""
        return not self._round and not self._newcomers

    def begin_round(self) -> None:
        """If something has opened since the last round began, and that is over, begin another. O(waiters)."""
        if self.opened and not self._round:
            self.opened = False
            self.calls_roll, self._worker_gone = self._worker_gone, False
            self._round.extend(self._waiters)

    def next(self, left: int) -> Waiter | None:
        """Whose turn it is; if nothing is left to be granted, only that of those who were never tried."""
        if left <= 0:
            self._round.clear()
        while self._round:
            waiter = self._round.popleft()
            if waiter in self._waiters:
                return waiter
        while self._newcomers:
            waiter = self._newcomers.popleft()
            if waiter in self._waiters and not waiter.is_tried:
                return waiter
        return None

    # -- time ----------------------------------------------------------------------------------

    def next_timeout_ms(self) -> int | None:
        """When the next wait is over."""
        return self._timeouts.next_ms()

    def end_waits(self, now_ms: int, limit: int) -> bool:
        """Tell at most ``limit`` of those whose time is over; whether that was all."""
        for _ in range(limit):
            waiter = self._timeouts.pop_due(now_ms)
            if waiter is None:
                return True
            self.answer(waiter, None)
        return False
