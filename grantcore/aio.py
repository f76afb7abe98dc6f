"""A driver for asyncio: it ends things on time, hands out work and keeps leases, in a running loop.

The driver owns an engine in one loop. It has one timer, set to ``engine.next_deadline_ms()`` or to the
next renewal or timeout, and is woken by the engine's events, from whatever thread they come. It never
polls: while nothing happens and nothing is due, nothing of it runs. What it does is decided in
``grantcore/driving/desk.py``, whose essay tells the rules; here are a timer, futures and cancellation.

    async with aio.Driver(engine) as driver:
        while grant := await driver.claim("ann-1", lanes=["main"], grant_ttl_ms=5_000):
            lease = engine.take(grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=30_000)
            async with driver.hold(lease) as held:
                await work(held)
                engine.complete_execution(held.lease)

The engine's own calls are atomic between awaits and short; any task may make them. Whoever calls it from
other threads makes the loop wait for the lock as long as such a call takes.

The loop is not blocked for longer than one slice takes: at most ``limit`` lapses, or renewals, tries and
ends of waits (``python -m benchmarks`` has a row about it). What falls due in the very instant after the
slices were over is applied by the next call, however much it is (SPEC 3).

The engine's clock must run as the loop's does. A clock that is set by hand is to be followed by
:meth:`Driver.wake`; tests set both by the same hand (``tests/driving/virtual.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
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


class Driver:
    """Owns an engine in the running loop, from ``async with`` to its end; all its calls belong to that loop.

    >>> from grantcore import GrantEngine, Worker
    >>> async def main():
    ...     engine = GrantEngine()
    ...     async with Driver(engine) as driver:
    ...         ann = Worker("ann", "ann-1", [])
    ...         claim = asyncio.create_task(driver.claim(ann, lanes=["main"], grant_ttl_ms=5_000))
    ...         engine.create_execution(lane_id="main", execution_id="job-1")
    ...         grant = await claim
    ...         lease = engine.take(
    ...             grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=30_000)
    ...         async with driver.hold(lease) as held:
    ...             return engine.complete_execution(held.lease)
    >>> asyncio.run(main())
    Completed(execution_id='job-1')
    """

    def __init__(self, engine: GrantEngine, *, limit: int = LIMIT) -> None:
        """Prepare to own ``engine``.

        Args:
            engine: the engine; nobody else should drive it.
            limit: how many lapses, renewals, tries and ends of waits there are at most, of each, before the
                loop's other callbacks have their turn; 1..1,000,000.

        Raises:
            InvalidInput: an argument is malformed.
        """
        self._desk = Desk(engine, limit=limit, wake=self._wake_loop)
        self._loop: asyncio.AbstractEventLoop
        self._next: asyncio.Handle | None = None

    async def __aenter__(self) -> Self:
        """Begin, in the running loop.

        Raises:
            RuntimeError: it was entered before.
        """
        self._loop = asyncio.get_running_loop()
        self._desk.open()
        self._next = self._loop.call_soon(self._look)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """End: every :meth:`claim` that waits gives None; leases are not renewed any more."""
        self._desk.close()
        self._forget_next()

    def wake(self) -> None:
        """Have it look now, from any thread: for clocks that are set by hand. O(1)."""
        self._desk.stir()

    # -- looking -------------------------------------------------------------------------------

    def _wake_loop(self) -> None:
        """Wake the loop from wherever an event was told, another thread or a signal handler perhaps."""
        self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._forget_next()
        if not self._desk.is_open:
            return
        delay_ms = self._desk.look()
        if delay_ms == 0:
            self._next = self._loop.call_soon(self._look)
        elif delay_ms is not None:
            self._next = self._loop.call_later(delay_ms / MS_PER_S, self._look)

    def _forget_next(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    # -- waiting -------------------------------------------------------------------------------

    async def claim(
        self,
        worker: str | Worker,
        *,
        lanes: Sequence[str] | Mapping[str, int],
        grant_ttl_ms: int,
        reclaim: bool = True,
        timeout_ms: int | None = None,
    ) -> ClaimGrant | ResumeGrant | ReclaimGrant | None:
        """Wait for a grant, as ``Scheduler.claim_for_worker`` would give it; ``engine.take`` uses it.

        First come, first served, among those who can be served. Cancelled, it leaves no grant behind: one
        that had just been issued is withdrawn.

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

        O(1) to wait; the tries are bounded by ``limit`` in a row. SPEC 7.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = Waiter(Ask(worker, lanes, grant_ttl_ms, reclaim), partial(_resolve, future))
        self._desk.join(waiter, timeout_ms=timeout_ms)
        try:
            await future
        except BaseException:
            self._desk.leave(waiter)
            raise
        return waiter.result()

    # -- keeping -------------------------------------------------------------------------------

    def hold(self, lease: Lease, *, lease_ttl_ms: int | None = None) -> Hold:
        """Keep a lease while the body of an ``async with`` runs; a lost one cancels the body.

        The lease is renewed on entering and then whenever two thirds of its time have passed. That is all:
        leaving, early or not, does nothing to it. If it lapses, is revoked or ends by anybody else's power
        the body is cancelled, and at the exit of the ``async with`` that becomes the engine's refusal, as
        ``asyncio.timeout`` does with ``TimeoutError``: ``LeaseExpired``, ``LeaseRevoked``, ``StaleLease`` or
        ``ExecutionNotActive``. A body that ends the lease itself is left to finish.

        Args:
            lease: a current lease.
            lease_ttl_ms: time to live with each renewal; default the lease's own, to within 2 ms.

        Raises:
            InvalidInput: an argument is malformed, or the lease is held here already.
            ExecutionNotFound, ExecutionNotActive, LeaseRevoked, LeaseExpired, StaleLease: on entering, or
                at the exit of a body that was cancelled: the lease is lost.
            RuntimeError: the driver is not entered, or has ended.

        O(log leases held). SPEC 5.
        """
        lease = checks.instance("lease", lease, Lease)
        ttl_ms = time_to_live_ms(lease) if lease_ttl_ms is None else lease_ttl_ms
        return Hold(self._desk, lease, ttl_ms)


def _resolve(future: asyncio.Future[None]) -> None:
    """Go on with the task that waits, unless it was cancelled a moment ago."""
    if not future.done():
        future.set_result(None)


class Hold:
    """A lease that is being kept; :meth:`Driver.hold` makes it."""

    def __init__(self, desk: Desk, lease: Lease, lease_ttl_ms: int) -> None:
        self._desk = desk
        self._holding = Holding(lease, lease_ttl_ms, self._cancel_body)
        self._body: asyncio.Task[object]
        self._cancelling = 0

    @property
    def lease(self) -> Lease:
        """The newest: the last renewal's. All have the same fence."""
        return self._holding.lease

    @property
    def lost(self) -> GrantError | None:
        """How the lease was lost, or None."""
        return self._holding.lost

    async def __aenter__(self) -> Self:
        """Renew the lease, and go on with it."""
        body = asyncio.current_task()
        assert body is not None, "a coroutine that awaits this runs in a task"
        self._body = body
        self._cancelling = body.cancelling()
        self._desk.hold(self._holding)
        return self

    def _cancel_body(self) -> None:
        self._body.cancel()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Renew no more. If the lease was lost, take back the cancellation and say how."""
        self._desk.release(self._holding)
        lost = self._holding.lost
        if lost is None:
            return
        is_ours_alone = self._body.uncancel() <= self._cancelling
        if is_ours_alone and kind is asyncio.CancelledError:
            raise lost from error
