"""A driver for threads: it ends things on time, hands out work and keeps leases, in a thread of its own.

The same as ``grantcore/aio.py``, blocking. One thread sleeps on a condition variable until
``engine.next_deadline_ms()``, the next renewal or timeout, or until an event wakes it; whoever waits for
work sleeps on a condition of its own, so that one grant wakes one thread. Nothing polls. What is decided
is in ``grantcore/driving/desk.py``.

    with threads.Driver(engine) as driver:
        while grant := driver.claim("ann-1", lanes=["main"], grant_ttl_ms=5_000):
            lease = engine.take(grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=30_000)
            with driver.hold(lease) as held:
                work(held)
                engine.complete_execution(held.lease)

What does not fit: a thread cannot be cancelled. A body asks :meth:`Hold.check` whether its lease is lost,
or sleeps by :meth:`Hold.wait`, which a lost lease ends; at the latest the exit of the ``with`` says so.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from grantcore.driving.desk import LIMIT, Desk, Holding, time_to_live_ms
from grantcore.driving.line import Ask, Waiter
from grantcore.engine.facade import GrantEngine
from grantcore.model import checks
from grantcore.model.errors import GrantError
from grantcore.model.grants import ClaimGrant, ReclaimGrant, ResumeGrant
from grantcore.model.leases import Lease
from grantcore.model.workers import Worker

__all__ = ["Driver", "Hold"]

MS_PER_S: Final = 1000


def seconds(ms: int | None) -> float | None:
    """A time to sleep, as a condition variable takes it."""
    return None if ms is None else min(ms / MS_PER_S, threading.TIMEOUT_MAX)


class Driver:
    """Owns an engine, from ``with`` to its end; its calls may come from any thread.

    >>> from grantcore import GrantEngine, Worker
    >>> engine = GrantEngine()
    >>> with Driver(engine) as driver:
    ...     _ = engine.create_execution(lane_id="main", execution_id="job-1")
    ...     grant = driver.claim(Worker("ann", "ann-1", []), lanes=["main"], grant_ttl_ms=5_000)
    ...     lease = engine.take(grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=30_000)
    ...     with driver.hold(lease) as held:
    ...         engine.complete_execution(held.lease)
    Completed(execution_id='job-1')
    """

    def __init__(self, engine: GrantEngine, *, limit: int = LIMIT) -> None:
        """Prepare to own ``engine``.

        Args:
            engine: the engine, thread-safe; nobody else should drive it.
            limit: how many lapses, renewals, tries and ends of waits there are at most, of each, before
                others get the lock; 1..1,000,000.

        Raises:
            InvalidInput: an argument is malformed.
        """
        self._desk = Desk(engine, limit=limit, wake=self._wake_thread)
        self._stirred = threading.Condition(self._desk.lock)
        self._thread = threading.Thread(target=self._run, name="grantcore driver", daemon=True)

    def __enter__(self) -> Self:
        """Begin: start the thread.

        Raises:
            RuntimeError: it was entered before.
        """
        self._desk.open()
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """End, with the thread: every :meth:`claim` that waits gives None, no lease is renewed any more."""
        self._desk.close()
        with self._desk.lock:
            self._stirred.notify()
        self._thread.join()

    def wake(self) -> None:
        """Have it look now: for clocks that are set by hand. O(1)."""
        self._desk.stir()

    # -- looking -------------------------------------------------------------------------------

    def _wake_thread(self) -> None:
        """Wake the thread; the desk has its lock."""
        self._stirred.notify()

    def _run(self) -> None:
        desk = self._desk
        try:
            while desk.is_open:
                delay_ms = desk.look()
                with desk.lock:
                    if desk.is_open and not desk.is_awake:
                        self._stirred.wait(seconds(delay_ms))
        finally:
            desk.close()

    # -- waiting -------------------------------------------------------------------------------

    def claim(
        self,
        worker: str | Worker,
        *,
        lanes: Sequence[str] | Mapping[str, int],
        grant_ttl_ms: int,
        reclaim: bool = True,
        timeout_ms: int | None = None,
    ) -> ClaimGrant | ResumeGrant | ReclaimGrant | None:
        """Block until there is a grant, as ``Scheduler.claim_for_worker`` would give it.

        First come, first served, among those who can be served. Interrupted (``KeyboardInterrupt``), it
        leaves no grant behind.

        Args:
            worker: a live registered instance, or who asks, with what tokens.
            lanes: in order, or weights; read at every try.
            grant_ttl_ms: time to live of the grant in milliseconds, from when it is issued.
            reclaim: whether lost leases are offered as well.
            timeout_ms: how long to wait, in milliseconds of the engine's clock; 0: one try; None: for ever.

        Returns:
            A grant; None when the time is over or the driver has ended.

        Raises:
            WorkerNotFound: the instance is not registered, or is so no longer.
            InvalidInput: an argument is malformed.
            RuntimeError: the driver was not entered.

        O(1) to wait. SPEC 7.
        """
        lock = self._desk.lock
        answered = threading.Condition(lock)
        waiter = Waiter(Ask(worker, lanes, grant_ttl_ms, reclaim), answered.notify)
        self._desk.join(waiter, timeout_ms=timeout_ms)
        try:
            with lock:
                while not waiter.is_told:
                    answered.wait()
        except BaseException:
            self._desk.leave(waiter)
            raise
        return waiter.result()

    # -- keeping -------------------------------------------------------------------------------

    def hold(self, lease: Lease, *, lease_ttl_ms: int | None = None) -> Hold:
        """Keep a lease while the body of a ``with`` runs.

        The lease is renewed on entering and then whenever two thirds of its time have passed. That is all:
        leaving, early or not, does nothing to it. If it lapses, is revoked or ends by anybody else's power
        it is lost: ``held.check()`` raises, ``held.wait()`` returns, and a body that runs to its end gets the
        refusal at the exit of the ``with``. A body that ends the lease itself loses nothing.

        Args:
            lease: a current lease.
            lease_ttl_ms: time to live with each renewal; default the lease's own, to within 2 ms.

        Raises:
            InvalidInput: an argument is malformed, or the lease is held here already.
            ExecutionNotFound, ExecutionNotActive, LeaseRevoked, LeaseExpired, StaleLease: on entering, by
                ``check()`` or at the exit: the lease is lost.
            RuntimeError: the driver is not entered, or has ended.

        O(log leases held). SPEC 5.
        """
        lease = checks.instance("lease", lease, Lease)
        ttl_ms = time_to_live_ms(lease) if lease_ttl_ms is None else lease_ttl_ms
        return Hold(self._desk, lease, ttl_ms)


class Hold:
    """A lease that is being kept; :meth:`Driver.hold` makes it."""

    def __init__(self, desk: Desk, lease: Lease, lease_ttl_ms: int) -> None:
        self._desk = desk
        self._told = threading.Event()
        self._holding = Holding(lease, lease_ttl_ms, self._told.set)

    @property
    def lease(self) -> Lease:
        """The newest: the last renewal's. All have the same fence."""
        return self._holding.lease

    @property
    def lost(self) -> GrantError | None:
        """How the lease was lost, or None."""
        return self._holding.lost

    def check(self) -> None:
        """Raise the refusal if the lease is lost. O(1)."""
        if self._holding.lost is not None:
            raise self._holding.lost

    def wait(self, timeout_ms: int) -> None:
        """Sleep so many milliseconds of real time; a lost lease ends it, and is raised.

        Raises:
            ExecutionNotActive, LeaseRevoked, LeaseExpired, StaleLease: the lease is lost.
            InvalidInput: ``timeout_ms`` is malformed.
        """
        self._told.wait(seconds(checks.instant("timeout_ms", timeout_ms)))
        self.check()

    def __enter__(self) -> Self:
        """Renew the lease, and go on with it."""
        self._desk.hold(self._holding)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Renew no more. If the lease was lost and the body did not notice, say how."""
        self._desk.release(self._holding)
        if kind is None:
            self.check()
