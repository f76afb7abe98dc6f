"""The desk at which workers wait for work and have their leases kept: the part without sleep or thread.

A driver (``grantcore/aio.py``, ``grantcore/threads.py``) owns a desk and does two things: it calls
:meth:`Desk.look`, and it sleeps for as long as the answer says, or until the desk wakes it. All that is
decided is decided here, in the engine's own time; so both drivers are the same, and idle ones cost
nothing: nobody looks unless an event was told, somebody came, or an instant has come at which something
changes.

Waking
======

1.  The desk is one more observer. An observer may not call the engine, so all it does is to note that
    something happened, and to wake the driver. While the driver is awake nothing wakes it again.

2.  Between the last question to the engine and falling asleep an event may come from another thread.
    ``_noted`` is cleared before that question and read after it, under the lock: then the answer is "look
    again", not "sleep".

3.  Lock order: the engine's, then the desk's. The observer has the first and takes the second; so the desk
    calls the engine only while it does not have its own.

Whose lease is kept
===================

A lease is renewed when it begins to be held, and then whenever two thirds of its time have passed. If it
ends by its holder's own call (completed, failed, delayed, ...), there is nothing more to do. If it ends
otherwise, or a renewal is refused, it is *lost*, and the refusal of the renewal says how.

Slices
======

One look applies at most ``limit`` lapses, renews at most ``limit`` leases, makes at most ``limit`` tries
and ends at most ``limit`` waits, and lapses come first: any other call would apply them all at once.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import attrs

from grantcore.driving.agenda import Agenda
from grantcore.driving.line import Line, Waiter
from grantcore.engine.facade import GrantEngine
from grantcore.engine.observers import Subscription
from grantcore.events import (
    CapabilityMismatched,
    Event,
    GrantIssued,
    LeaseAcquired,
    LeaseReclaimed,
    LeaseRenewed,
    PriorityChanged,
    ProgressReported,
    TagsChanged,
    WorkerLapsed,
    WorkerMarkedDead,
)
from grantcore.model import checks
from grantcore.model.errors import GrantError, invalid
from grantcore.model.grants import Grant
from grantcore.model.leases import Lease
from grantcore.model.phases import ELIGIBLE, LEASE_EXPIRED, LEASE_REVOKED
from grantcore.model.time import MAX_MS, NEVER
from grantcore.observing import tenures
from grantcore.scheduler import Scheduler

LIMIT: Final = 32
MAX_LIMIT: Final = 1_000_000

OPENS_NOTHING: Final = frozenset(
    {
        CapabilityMismatched,
        GrantIssued,
        LeaseAcquired,
        LeaseReclaimed,
        LeaseRenewed,
        PriorityChanged,
        ProgressReported,
        TagsChanged,
    }
)
"""Events after which nobody can be granted anything that could not be granted before."""

_log: Final = logging.getLogger("grantcore")


@attrs.define(eq=False)
class Holding:
    """A lease that is being kept; ``told`` is called once, if it is lost."""

    lease: Lease
    lease_ttl_ms: int
    told: Callable[[], object]
    lost: GrantError | None = None
    is_over: bool = False


def time_to_live_ms(lease: Lease) -> int:
    """What a lease was given to live, to within two milliseconds, and never more.

    A third of it, rounded up, lies between renewal deadline and end. Renewed with the answer, a lease
    gives the same answer again.

    O(1). SPEC 5.
    """
    return max(3 * (lease.expires_at_ms - lease.renewal_deadline_ms) - 2, 1)


class Desk:
    """Who waits and what is kept for whom; the module tells the rules."""

    def __init__(self, engine: GrantEngine, *, limit: int, wake: Callable[[], object]) -> None:
        """Begin for ``engine``; ``wake`` is called, with the lock, when the driver is to look."""
        self.engine = checks.instance("engine", engine, GrantEngine)
        self.lock = threading.RLock()
        self.is_awake = True
        self._limit = checks.integer("limit", limit, 1, MAX_LIMIT)
        self._wake = wake
        self._scheduler = Scheduler(engine)
        self._subscription: Subscription | None = None
        self._noted = False
        self._line = Line()
        self._opens_ms = NEVER
        self._holdings: dict[tenures.Key, Holding] = {}
        self._lost: deque[Holding] = deque()
        self._renewals = Agenda[Holding]()

    # -- opening and closing -------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether somebody may come."""
        return self._subscription is not None and not self._subscription.closed

    def open(self) -> None:
        """Begin to hear events, once. The first look is the driver's to make."""
        if self._subscription is not None:
            raise RuntimeError("a driver is entered once")
        self._subscription = self.engine.subscribe(self._note)

    def close(self) -> None:
        """Hear no more; whoever waits is told that there is nothing. Idempotent. O(waiters)."""
        assert self._subscription is not None
        with self.lock:
            self._subscription.close()
            self._line.answer_all(None)

    # -- waking --------------------------------------------------------------------------------

    def stir(self) -> None:
        """Have the driver look at everything, as if something had opened. O(1)."""
        with self.lock:
            self._line.opened = True
            self._rouse()

    def _rouse(self) -> None:
        """Wake the driver, if it may be asleep; the caller has the lock."""
        self._noted = True
        if not self.is_awake:
            self.is_awake = True
            self._wake()

    def _note(self, event: Event) -> None:
        """Observe; under the engine's lock, in whatever thread called it."""
        lease = tenures.ended(event)
        with self.lock:
            if lease is not None:
                self._note_end(lease, event)
            if type(event) not in OPENS_NOTHING:
                self._line.opened = True
            if isinstance(event, (WorkerLapsed, WorkerMarkedDead)):
                self._line.lost_a_worker()
            self._rouse()

    def _note_end(self, lease: Lease, event: Event) -> None:
        holding = self._holdings.pop(tenures.key(lease), None)
        if holding is None:
            return
        self._renewals.drop(holding)
        if tenures.was_taken(event):
            self._lost.append(holding)
        else:
            holding.is_over = True

    # -- looking -------------------------------------------------------------------------------

    def look(self) -> int | None:
        """Do what is to be done now, one slice of it.

        Returns:
            Milliseconds until the next look: 0 for at once, None for when woken.

        An ``Exception`` of the engine (its clock's) is logged and raised to all who wait. A ``BaseException``
        (an observer's) is raised here, and all who wait are told that there is nothing.

        O(limit · what a try costs), and what has become due since the slice began.
        """
        with self.lock:
            self.is_awake = True
            self._noted = False
        try:
            return 0 if self._work() else self._rest()
        except Exception as error:  # noqa: BLE001 - it is the waiters' to handle
            _log.exception("a driver failed; it looks again after the next event")
            return self._fail(error)
        except BaseException:
            self._fail(None)
            raise

    def _work(self) -> bool:
        """Apply lapses, renew, serve, end waits, in this order; whether there is more to do."""
        if self.engine.advance(limit=self._limit).more:
            return True
        now_ms = self.engine.now_ms()
        if now_ms >= self._opens_ms:
            self._line.opened = True
            self._opens_ms = NEVER
        renewed = self._renew_due(now_ms)
        return not (self._serve() and self._end_waits(now_ms) and renewed)

    def _end_waits(self, now_ms: int) -> bool:
        with self.lock:
            return self._line.end_waits(now_ms, self._limit)

    def _rest(self) -> int | None:
        """How long the driver may sleep."""
        with self.lock:
            self._noted = False
        deadline_ms = self.engine.next_deadline_ms()
        now_ms = self.engine.now_ms()
        with self.lock:
            if self._noted or self._line.opened:
                return 0
            self.is_awake = False
            self._opens_ms = NEVER if deadline_ms is None else deadline_ms
            instants = (deadline_ms, self._renewals.next_ms(), self._line.next_timeout_ms())
            soonest = min((at_ms for at_ms in instants if at_ms is not None), default=None)
            return None if soonest is None else max(soonest - now_ms, 0)

    def _fail(self, error: Exception | None) -> int | None:
        """Give up until the next event: nobody waits for what will not be looked for."""
        with self.lock:
            self._line.answer_all(error)
            self.is_awake = self._noted
            return 0 if self._noted else None

    # -- waiting -------------------------------------------------------------------------------

    def join(self, waiter: Waiter, *, timeout_ms: int | None) -> None:
        """Take somebody in who waits, for so many milliseconds or for as long as it takes. O(log waiters)."""
        if self._subscription is None:
            raise RuntimeError("a driver must be entered before anybody can wait")
        until_ms = None
        if timeout_ms is not None:
            checks.instant("timeout_ms", timeout_ms)
            until_ms = min(self.engine.now_ms() + timeout_ms, MAX_MS)
        with self.lock:
            self._line.join(waiter, until_ms)
            if self.is_open:
                self._rouse()
            else:
                self._line.answer(waiter, None)

    def leave(self, waiter: Waiter) -> None:
        """Let somebody go who gave up; what was handed to it meanwhile is withdrawn. O(1)."""
        with self.lock:
            self._line.leave(waiter)
            outcome = waiter.outcome
        if outcome is not None and not isinstance(outcome, Exception):
            self._withdraw(outcome)

    def _withdraw(self, grant: Grant) -> None:
        """Give a grant back. What has lapsed meanwhile, or cannot be withdrawn, ends by itself."""
        with suppress(GrantError):
            record = self.engine.describe_grant(grant.execution_id)
            if record is not None:
                self.engine.withdraw_grant(grant, worker_id=record.worker_id)

    def _serve(self) -> bool:
        """Try those whose turn it is; whether all have been tried."""
        line = self._line
        with self.lock:
            line.begin_round()
        if line.all_tried:
            return True
        left = NEVER if line.calls_roll else self._offered()
        for _ in range(self._limit):
            with self.lock:
                waiter = line.next(left)
            if waiter is None:
                return True
            left -= self._try(waiter)
        return line.all_tried

    def _offered(self) -> int:
        """How many executions wait for a grant, whoever may have them. O(1)."""
        stats = self.engine.stats()
        waiting = sum(stats.executions_by_phase.get(p, 0) for p in (ELIGIBLE, LEASE_EXPIRED, LEASE_REVOKED))
        return waiting - stats.live_grants

    def _try(self, waiter: Waiter) -> bool:
        """Ask the scheduler for somebody; whether a grant was issued."""
        ask = waiter.ask
        waiter.is_tried = True
        try:
            outcome: Grant | GrantError | None = self._scheduler.claim_for_worker(
                ask.worker, lanes=ask.lanes, grant_ttl_ms=ask.grant_ttl_ms, reclaim=ask.reclaim
            )
        except GrantError as refusal:
            outcome = refusal
        if outcome is None:
            return False
        with self.lock:
            is_heard = self._line.answer(waiter, outcome)
        if isinstance(outcome, GrantError):
            return False
        if not is_heard:
            self._withdraw(outcome)
        return True

    # -- keeping -------------------------------------------------------------------------------

    def hold(self, holding: Holding) -> None:
        """Renew a lease now, and go on with it. What refuses the renewal is raised. O(log holdings)."""
        if not self.is_open:
            raise RuntimeError("a lease is held while the driver is entered")
        key = tenures.key(holding.lease)
        with self.lock:
            if key in self._holdings:
                raise invalid("lease", "one that is not being held here already")
            self._holdings[key] = holding
        try:
            self._renew(holding)
        except BaseException:
            self.release(holding)
            raise

    def release(self, holding: Holding) -> None:
        """Renew a lease no more. O(1)."""
        key = tenures.key(holding.lease)
        with self.lock:
            holding.is_over = True
            self._renewals.drop(holding)
            if self._holdings.get(key) is holding:
                del self._holdings[key]

    def _renew(self, holding: Holding) -> None:
        lease = self.engine.renew_lease(holding.lease, lease_ttl_ms=holding.lease_ttl_ms)
        # With a lease of a millisecond the renewal deadline is the present instant.
        at_ms = max(lease.renewal_deadline_ms, lease.expires_at_ms - holding.lease_ttl_ms + 1)
        with self.lock:
            holding.lease = lease
            if self._holdings.get(tenures.key(lease)) is holding:
                self._renewals.file(holding, at_ms)
                self._rouse()

    def _renew_due(self, now_ms: int) -> bool:
        """Renew what is to be renewed, tell who has lost; whether that is all."""
        for _ in range(self._limit):
            with self.lock:
                holding = self._lost.popleft() if self._lost else self._renewals.pop_due(now_ms)
            if holding is None:
                return True
            try:
                self._renew(holding)
            except GrantError as refusal:
                self._lose(holding, refusal)
        return False

    def _lose(self, holding: Holding, refusal: GrantError) -> None:
        """Tell a holder that it is one no more, unless it knows."""
        with self.lock:
            if not holding.is_over:
                self.release(holding)
                holding.lost = refusal
                holding.told()
