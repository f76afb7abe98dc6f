"""The driver for threads. Time is set by hand; whoever waits, waits for something that is told."""

from __future__ import annotations

import queue
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from grantcore import (
    ClockError,
    ExecutionNotActive,
    GrantEngine,
    GrantError,
    InvalidInput,
    Lease,
    LeaseExpired,
    LeaseRevoked,
    ManualClock,
    Worker,
    events,
)
from grantcore import threads as threads_module
from grantcore.model.grants import Grant
from grantcore.threads import Driver, seconds

ANN, BOB = Worker("ann", "ann-1", []), Worker("bob", "bob-1", [])
GPU = Worker("gpu", "gpu-1", ["gpu"])
PATIENCE_S = 60
"""Nothing takes so long; a test that would hang fails instead."""


class World:
    """An engine, its driver, a pool to block in, and the events, each waited for by name."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.engine = GrantEngine(clock=self.clock)
        self.driver = Driver(self.engine)
        self.pool = ThreadPoolExecutor(16)
        self.told: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self.engine.subscribe(self.told.put)
        self.joined = threading.Semaphore(0)
        self.looked: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        join, look = self.driver._desk.join, self.driver._desk.look

        def told_join(*args: Any, **more: Any) -> None:
            join(*args, **more)
            self.joined.release()

        def told_look() -> int | None:
            delay_ms = look()
            self.looked.put(delay_ms)
            return delay_ms

        self.driver._desk.join = told_join  # type: ignore[method-assign]
        self.driver._desk.look = told_look  # type: ignore[method-assign]

    def create(self, execution_id: str, **more: Any) -> None:
        self.engine.create_execution(lane_id="main", execution_id=execution_id, **more)

    def claim(self, worker: Worker = ANN, **more: Any) -> Grant | None:
        return self.driver.claim(worker, lanes=["main"], **{"grant_ttl_ms": 1_000, **more})

    def claiming(self, worker: Worker = ANN, **more: Any) -> Future[Grant | None]:
        """Claim in another thread, and come back when it stands in the queue."""
        future = self.pool.submit(self.claim, worker, **more)
        assert self.joined.acquire(timeout=PATIENCE_S)
        return future

    def lease(self, execution_id: str = "job") -> Lease:
        self.create(execution_id)
        grant = self.claim()
        assert grant is not None
        return self.engine.take(grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=9_000)

    def pass_time(self, ms: int) -> None:
        self.clock.advance(ms)
        self.driver.wake()

    def wait_for(self, kind: type[events.Event]) -> events.Event:
        while True:
            event = self.told.get(timeout=PATIENCE_S)
            if isinstance(event, kind):
                return event

    def wait_until_it_sleeps(self) -> None:
        self.looked.get(timeout=PATIENCE_S)
        while self.driver._desk.is_awake:
            self.looked.get(timeout=PATIENCE_S)


@contextmanager
def playing() -> Iterator[World]:
    world = World()
    with world.pool, world.driver:
        yield world
    world.engine.check()


# -- waiting -------------------------------------------------------------------------------------


def test_first_come_first_served() -> None:
    with playing() as world:
        gpu = world.claiming(GPU)
        ann = world.claiming(ANN)
        bob = world.claiming(BOB)
        world.create("gpu-job", required_capabilities=["gpu"])
        assert gpu.result(PATIENCE_S) is not None
        world.create("job-1")
        assert ann.result(PATIENCE_S) is not None
        assert not bob.done()
        world.create("job-2")
        assert bob.result(PATIENCE_S) is not None


def test_timeouts() -> None:
    with playing() as world:
        world.create("job")
        assert world.claim(timeout_ms=0) is not None
        assert world.claim(timeout_ms=0) is None
        waiting = world.claiming(timeout_ms=500)
        world.pass_time(499)
        world.wait_until_it_sleeps()
        assert not waiting.done()
        world.pass_time(1)
        assert waiting.result(PATIENCE_S) is None


def test_the_end_of_the_driver_ends_every_wait() -> None:
    with playing() as world:
        waiting = world.claiming()
    assert waiting.result(PATIENCE_S) is None
    assert world.claim() is None


def test_before_it_is_entered_and_after_it_has_ended() -> None:
    driver = Driver(GrantEngine())
    with pytest.raises(RuntimeError, match="entered before"):
        driver.claim(ANN, lanes=["main"], grant_ttl_ms=1)
    with playing() as world:
        lease = world.lease()
        with pytest.raises(RuntimeError, match="once"):
            world.driver.__enter__()
    with pytest.raises(RuntimeError, match="while the driver is entered"):
        world.driver.hold(lease).__enter__()


def test_bad_arguments() -> None:
    with playing() as world:
        with pytest.raises(InvalidInput, match="grant_ttl_ms"):
            world.claim(grant_ttl_ms=0)
        with pytest.raises(InvalidInput, match="timeout_ms"):
            world.claim(timeout_ms=1.5)
        with pytest.raises(InvalidInput, match="lease must be a Lease"):
            world.driver.hold(None)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="limit"):
        Driver(GrantEngine(), limit=0)


def test_an_interrupted_wait_leaves_no_grant(monkeypatch: pytest.MonkeyPatch) -> None:
    """KeyboardInterrupt comes as the waiter wakes with its grant in hand."""

    class Interrupted(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            super().wait(timeout)
            raise KeyboardInterrupt

    with playing() as world:
        monkeypatch.setattr(threads_module, "threading", SimpleNamespace(Condition=Interrupted))
        waiting = world.claiming()
        monkeypatch.undo()
        world.create("job")
        with pytest.raises(KeyboardInterrupt):
            waiting.result(PATIENCE_S)
        world.wait_for(events.GrantWithdrawn)
        assert world.engine.stats().live_grants == 0


def test_idle_costs_nothing() -> None:
    """While nothing happens the thread does not look; one event is one look, and perhaps another."""
    with playing() as world:
        waiting = [world.claiming() for _ in range(10)]
        world.create("far", delay_until_ms=10**9)
        world.driver.wake()
        world.wait_until_it_sleeps()
        while not world.looked.empty():
            world.looked.get()
        assert not world.driver._desk.is_awake
        world.create("job")
        done = threading.Event()
        waiting[0].add_done_callback(lambda _: done.set())
        assert done.wait(PATIENCE_S)
        world.wait_until_it_sleeps()
        assert world.looked.qsize() <= 1
        assert sum(future.done() for future in waiting) == 1


def test_a_broken_clock_is_told_to_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with playing() as world:
        waiting = [world.claiming() for _ in range(3)]
        monkeypatch.setattr(world.engine, "_clock", lambda: -1)
        world.driver.wake()
        for future in waiting:
            with pytest.raises(ClockError):
                future.result(PATIENCE_S)
        monkeypatch.undo()
        world.create("job")
        assert world.claim() is not None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_observer_that_stops_everything_stops_the_thread() -> None:
    """Nobody waits for a thread that is gone."""

    def stop(event: events.Event) -> None:
        if isinstance(event, events.BecameDue):
            raise SystemExit

    with playing() as world:
        waiting = world.claiming()
        world.create("late", delay_until_ms=5)
        world.engine.subscribe(stop)
        world.pass_time(5)
        assert waiting.result(PATIENCE_S) is None
        assert world.claim() is None


def test_seconds() -> None:
    assert seconds(None) is None
    assert seconds(1_500) == 1.5
    assert seconds(2**53) == threading.TIMEOUT_MAX


def test_many_workers_do_everything_once() -> None:
    """Real threads, a switch every microsecond: every job is completed, once, and nothing is left."""
    done: Counter[str] = Counter()
    engine = GrantEngine()

    def work(worker: Worker) -> None:
        while grant := driver.claim(worker, lanes=["main"], grant_ttl_ms=60_000):
            lease = engine.take(
                grant,
                worker_id=worker.worker_id,
                worker_instance_id=worker.worker_instance_id,
                lease_ttl_ms=60_000,
            )
            with driver.hold(lease) as held:
                engine.complete_execution(held.lease)
            done[grant.execution_id] += 1
            left.release()

    left = threading.Semaphore(0)
    driver = Driver(engine)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool, driver:
            workers = [pool.submit(work, worker) for worker in (ANN, BOB, GPU) * 2]
            for number in range(150):
                engine.create_execution(lane_id="main", execution_id=f"job-{number}")
            for _ in range(150):
                assert left.acquire(timeout=PATIENCE_S)
        for worker in workers:
            worker.result(PATIENCE_S)
    finally:
        sys.setswitchinterval(interval)
    assert set(done.values()) == {1}
    assert len(done) == 150
    assert engine.stats().live_grants == 0
    engine.check()


# -- keeping leases ------------------------------------------------------------------------------


def test_a_lease_is_renewed_in_the_background() -> None:
    with playing() as world:
        lease = world.lease()
        with world.driver.hold(lease, lease_ttl_ms=9_000) as held:
            world.wait_for(events.LeaseRenewed)
            for count in range(1, 4):
                world.pass_time(6_000)
                world.wait_for(events.LeaseRenewed)
                world.wait_until_it_sleeps()
                assert held.lease.expires_at_ms == count * 6_000 + 9_000
            held.wait(0)
        assert held.lost is None
        assert len(world.engine.leases()) == 1


def revoke(world: World) -> None:
    world.engine.operator("op").revoke_lease("job", reason="maintenance")


def fail(world: World) -> None:
    world.engine.operator("op").fail("job", reason="enough")


def stall(world: World) -> None:
    world.pass_time(60_000)


@pytest.mark.parametrize(
    ("blow", "refusal"), [(revoke, LeaseRevoked), (fail, ExecutionNotActive), (stall, LeaseExpired)]
)
def test_a_lost_lease_ends_the_wait_of_the_body(
    blow: Callable[[World], None], refusal: type[GrantError]
) -> None:
    with playing() as world:
        lease = world.lease()
        hold = world.driver.hold(lease)
        with pytest.raises(refusal), hold as held:
            blow(world)
            held.wait(1_000 * PATIENCE_S)
        assert isinstance(hold.lost, refusal)
        with pytest.raises(refusal):
            hold.check()


def test_a_body_that_does_not_ask_is_told_at_the_exit() -> None:
    with playing() as world:
        lease = world.lease()
        finished = False
        with pytest.raises(LeaseRevoked), world.driver.hold(lease) as held:
            revoke(world)
            assert held._told.wait(PATIENCE_S)
            finished = True
        assert finished


def test_an_error_of_the_body_is_not_hidden_by_the_loss() -> None:
    with playing() as world:
        lease = world.lease()
        with pytest.raises(ZeroDivisionError), world.driver.hold(lease) as held:
            revoke(world)
            assert held._told.wait(PATIENCE_S)
            raise ZeroDivisionError


def test_a_body_that_ends_its_lease_loses_nothing() -> None:
    with playing() as world:
        lease = world.lease()
        with world.driver.hold(lease) as held:
            world.engine.fail_execution(held.lease, reason="no luck")
            world.pass_time(60_000)
            world.wait_until_it_sleeps()
        assert held.lost is None


def test_refused_at_the_door() -> None:
    with playing() as world:
        lease = world.lease()
        revoke(world)
        with pytest.raises(LeaseRevoked), world.driver.hold(lease):
            pytest.fail("the body ran")
