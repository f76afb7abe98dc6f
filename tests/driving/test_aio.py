"""The asyncio driver, in virtual time: no test sleeps, and every instant is exact."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from grantcore import (
    ClockError,
    EngineConfig,
    ExecutionNotActive,
    GrantEngine,
    GrantError,
    InvalidInput,
    Lease,
    LeaseExpired,
    LeaseRevoked,
    ManualClock,
    Scheduler,
    StaleLease,
    Worker,
    WorkerNotFound,
    events,
)
from grantcore.aio import Driver
from grantcore.driving import desk as desks
from grantcore.engine.clocks import Clock
from grantcore.model.grants import Grant
from grantcore.model.time import NEVER
from tests.driving.virtual import NothingWillHappen, VirtualLoop, run

T = TypeVar("T")
Story = Callable[["World"], Coroutine[Any, Any, T]]

ANN, BOB, EVE = (Worker(name, f"{name}-1", []) for name in ("ann", "bob", "eve"))
GPU = Worker("gpu", "gpu-1", ["gpu"])


class World:
    """An engine, its driver, and everything that was told, with the instant at which it was."""

    def __init__(self, *, clock: Clock | None = None, limit: int = desks.LIMIT) -> None:
        self.clock = ManualClock()
        self.engine = GrantEngine(clock=clock or self.clock, config=EngineConfig(retention_ms=None))
        self.told: list[tuple[int, events.Event]] = []
        self.engine.subscribe(lambda event: self.told.append((self.clock(), event)))
        self.driver = Driver(self.engine, limit=limit)
        self.looks = 0
        look = self.driver._desk.look

        def counted() -> int | None:
            self.looks += 1
            return look()

        self.driver._desk.look = counted  # type: ignore[method-assign]

    def create(self, execution_id: str, **more: Any) -> None:
        self.engine.create_execution(lane_id="main", execution_id=execution_id, **more)

    async def claim(self, worker: Worker | str = ANN, **more: Any) -> Grant | None:
        return await self.driver.claim(worker, lanes=["main"], **{"grant_ttl_ms": 1_000, **more})

    def take(self, grant: Grant | None, worker: Worker = ANN, ttl_ms: int = 9_000) -> Lease:
        assert grant is not None
        return self.engine.take(
            grant,
            worker_id=worker.worker_id,
            worker_instance_id=worker.worker_instance_id,
            lease_ttl_ms=ttl_ms,
        )

    async def lease(self, execution_id: str = "job", **more: Any) -> Lease:
        self.create(execution_id)
        return self.take(await self.claim(**more))

    def kinds(self) -> list[str]:
        return [type(event).__name__ for _, event in self.told]


def play(story: Story[T], world: World | None = None) -> T:
    """Run a story in virtual time, with the driver entered."""
    world = world or World()

    async def main() -> T:
        async with world.driver:
            return await story(world)

    result = run(world.clock, main())
    world.engine.check()
    return result


def starting(*awaitables: Coroutine[Any, Any, T]) -> list[asyncio.Task[T]]:
    return [asyncio.create_task(awaitable) for awaitable in awaitables]


async def settle() -> None:
    """Let everything that is ready run; no time passes."""
    for _ in range(20):
        await asyncio.sleep(0)


# -- the loop itself -----------------------------------------------------------------------------


def test_the_virtual_loop_jumps_and_refuses_to_wait_for_nothing() -> None:
    clock = ManualClock()
    run(clock, asyncio.sleep(3_600))
    assert clock() == 3_600_000
    loop = VirtualLoop(clock)
    with pytest.raises(NothingWillHappen):
        loop.run_until_complete(loop.create_future())
    loop.close()


# -- time ----------------------------------------------------------------------------------------


def test_everything_ends_at_its_own_instant() -> None:
    """SPEC 3: tickless; observers hear of a lapse when it happens."""

    async def story(world: World) -> None:
        await world.lease(grant_ttl_ms=50)
        world.create("late", delay_until_ms=20_000)
        await asyncio.sleep(60)

    world = World()
    play(story, world)
    lapses = [(now, event.at_ms) for now, event in world.told if isinstance(event, events.LeaseLapsed)]
    dues = [(now, event.at_ms) for now, event in world.told if isinstance(event, events.BecameDue)]
    assert lapses == [(9_000, 9_000)]
    assert dues == [(20_000, 20_000)]


def test_idle_costs_nothing() -> None:
    """A hundred who wait, a thousand hours, no look; then one job, and a look or two."""

    async def story(world: World) -> None:
        waiting = starting(*(world.claim() for _ in range(100)))
        await settle()
        before = world.looks
        await asyncio.sleep(3_600_000)
        assert world.looks == before
        world.create("job")
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert before < world.looks <= before + 3
        for task in waiting:
            task.cancel()

    play(story)


def test_one_deadline_is_one_look() -> None:
    async def story(world: World) -> None:
        await world.lease()
        await settle()
        before = world.looks
        await asyncio.sleep(3_600)
        assert world.looks == before + 1

    play(story)


def test_a_quota_window_that_opens_wakes_no_event_but_serves() -> None:
    """SPEC 7: a closed shelf opens by time alone; ``next_deadline_ms`` tells when."""

    async def story(world: World) -> list[int]:
        world.engine.create_quota_policy("two", window_ms=10_000, max_requests_per_window=2)
        for number in range(5):
            world.create(f"job-{number}", quota_policy_id="two")
        instants = []
        for _ in range(5):
            world.take(await world.claim(), ttl_ms=1_000_000)
            instants.append(world.clock())
        return instants

    assert play(story) == [0, 0, 10_000, 10_000, 20_000]


def test_slices_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look makes at most so many lapses, tries, renewals, ends of waits; then the loop has its turn."""
    tries = 0
    claim = Scheduler.claim_for_worker

    def counted(*args: Any, **more: Any) -> Any:
        nonlocal tries
        tries += 1
        return claim(*args, **more)

    async def story(world: World) -> None:
        waits: list[asyncio.Task[Grant | None]] = []
        done: list[tuple[int, int, int]] = []
        look = world.driver._desk.look

        def measured() -> int | None:
            nonlocal tries
            tries = 0
            kinds = Counter(world.kinds())
            delay_ms = look()
            later = Counter(world.kinds())
            lapsed = later["LeaseLapsed"] - kinds["LeaseLapsed"]
            renewed = later["LeaseRenewed"] - kinds["LeaseRenewed"]
            done.append((lapsed, renewed, tries))
            return delay_ms

        leases = []
        for number in range(40):
            world.create(f"job-{number}")
            leases.append(
                world.take(Scheduler(world.engine).claim_for_worker(ANN, lanes=["main"], grant_ttl_ms=9))
            )
        world.create("for-nobody", required_capabilities=["tpu"])
        await settle()
        world.driver._desk.look = measured  # type: ignore[method-assign]
        waits += starting(*(world.claim(GPU, reclaim=False, timeout_ms=8_000) for _ in range(40)))
        async with contextlib.AsyncExitStack() as holds:
            for lease in leases[:20]:
                await holds.enter_async_context(world.driver.hold(lease, lease_ttl_ms=9_000))
            await asyncio.sleep(7)
        await asyncio.sleep(2)
        await asyncio.gather(*waits)
        await asyncio.sleep(7)
        assert [sum(column) for column in zip(*done, strict=True)][:2] == [40, 20]
        assert [max(column) for column in zip(*done, strict=True)] == [4, 4, 4]

    monkeypatch.setattr(Scheduler, "claim_for_worker", counted)
    play(story, World(limit=4))


# -- waiting -------------------------------------------------------------------------------------


def test_first_come_first_served() -> None:
    async def story(world: World) -> list[str]:
        served: list[str] = []

        async def one(name: str) -> None:
            await world.claim()
            served.append(name)

        tasks = starting(*(one(name) for name in "abcde"))
        await settle()
        for number in range(3):
            world.create(f"job-{number}")
        await settle()
        tasks += starting(one("f"))
        await asyncio.sleep(0)
        world.create("job-3")
        world.create("job-4")
        world.create("job-5")
        await asyncio.gather(*tasks)
        return served

    assert play(story) == list("abcdef")


def test_who_cannot_be_served_is_in_nobodys_way() -> None:
    async def story(world: World) -> None:
        world.create("for a gpu".replace(" ", "-"), required_capabilities=["gpu"])
        first, second, third = starting(world.claim(ANN), world.claim(BOB), world.claim(GPU))
        assert (await third) is not None
        assert not first.done()
        world.create("any")
        assert await first is not None
        assert not second.done()
        second.cancel()

    play(story)


@pytest.mark.parametrize("limit", [1, 2, 64])
def test_nobody_starves_behind_many_who_wait_for_something_rare(limit: int) -> None:
    """A round that is longer than a slice goes on, though something opens all the time."""

    async def story(world: World) -> None:
        tasks = starting(*(world.claim(ANN) for _ in range(10)), world.claim(GPU))
        await settle()

        async def produce() -> None:
            for number in range(10_000):
                world.create(f"job-{number}", required_capabilities=["gpu" if number == 0 else "tpu"])
                await asyncio.sleep(0)

        producer = asyncio.create_task(produce())
        await tasks[-1]
        assert not producer.done()
        for task in (producer, *tasks):
            task.cancel()

    play(story, World(limit=limit))


def test_timeouts_are_exact_and_zero_is_one_try() -> None:
    async def story(world: World) -> None:
        world.create("job")
        assert await world.claim(timeout_ms=0) is not None
        assert await world.claim(timeout_ms=0) is None
        assert world.clock() == 0
        assert await world.claim(timeout_ms=700) is None
        assert world.clock() == 700
        # The grant of before lapses at 1,000, which opens.
        assert await world.claim(timeout_ms=300) is not None
        assert world.clock() == 1_000

    play(story)


def test_many_zero_timeouts_in_small_slices_are_all_tried() -> None:
    async def story(world: World) -> None:
        for number in range(9):
            world.create(f"job-{number}")
        tasks = starting(*(world.claim(timeout_ms=0) for _ in range(12)))
        grants = await asyncio.gather(*tasks)
        assert [grant is not None for grant in grants] == [True] * 9 + [False] * 3

    play(story, World(limit=2))


def test_the_end_of_the_driver_ends_every_wait() -> None:
    async def main(world: World) -> Grant | None:
        async with world.driver:
            (task,) = starting(world.claim())
            await settle()
        assert await task is None
        assert world.driver._next is None
        return await world.claim()

    world = World()
    assert run(world.clock, main(world)) is None


def test_before_it_is_entered_and_after_it_has_ended() -> None:
    async def main(world: World) -> None:
        with pytest.raises(RuntimeError, match="entered before"):
            await world.claim()
        async with world.driver as driver:
            lease = await world.lease()
        with pytest.raises(RuntimeError, match="once"):
            await driver.__aenter__()
        with pytest.raises(RuntimeError, match="while the driver is entered"):
            await driver.hold(lease).__aenter__()
        world.create("unheard")
        await settle()

    world = World()
    run(world.clock, main(world))


def test_a_look_that_comes_after_the_end_does_nothing() -> None:
    async def main(world: World) -> int:
        async with world.driver:
            await settle()
            before = world.looks
            world.create("job")
        await settle()
        return world.looks - before

    world = World()
    assert run(world.clock, main(world)) == 0


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"grant_ttl_ms": 0}, InvalidInput),
        ({"timeout_ms": -1}, InvalidInput),
        ({"timeout_ms": True}, InvalidInput),
        ({"worker": "nobody"}, WorkerNotFound),
        ({"worker": 7}, InvalidInput),
        ({"reclaim": "yes"}, InvalidInput),
    ],
)
def test_bad_arguments(more: dict[str, Any], refusal: type[GrantError]) -> None:
    async def story(world: World) -> None:
        world.create("job")
        with pytest.raises(refusal):
            await world.claim(**more)
        assert world.engine.stats().live_grants == 0

    play(story)


def test_a_registered_worker_waits_until_it_is_not_registered_any_more() -> None:
    async def story(world: World) -> None:
        world.engine.register_worker("ann", "ann-1", lanes=["main"], capabilities=[], liveness_ttl_ms=5_000)
        world.create("job")
        world.take(await world.claim("ann-1"))
        with pytest.raises(WorkerNotFound):
            await world.claim("ann-1")
        assert world.clock() == 5_000

    play(story)


def test_bad_drivers() -> None:
    with pytest.raises(InvalidInput, match="engine must be"):
        Driver(0)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="limit must be"):
        Driver(GrantEngine(), limit=0)


def test_a_lost_lease_is_handed_out_too() -> None:
    async def story(world: World) -> None:
        await world.lease()
        grant = await world.claim(BOB)
        assert type(grant).__name__ == "ReclaimGrant"
        assert world.clock() == 9_000

    play(story)


# -- cancelled waits -----------------------------------------------------------------------------


@pytest.mark.parametrize("soon", [False, True])
def test_cancelled_at_the_very_moment_of_the_grant(soon: bool) -> None:
    """Inside the issue, and between it and the waiter's own step: no grant is left, the next one gets it."""

    async def story(world: World) -> None:
        loop = asyncio.get_running_loop()
        first, second = starting(world.claim(ANN), world.claim(BOB))
        await settle()

        def cancel(event: events.Event) -> None:
            if isinstance(event, events.GrantIssued) and event.grant.worker_id == "ann":
                loop.call_soon(first.cancel) if soon else first.cancel()

        with world.engine.subscribe(cancel):
            world.create("job")
            grant = await second
        assert grant is not None
        assert first.cancelled()
        assert world.engine.stats().live_grants == 1
        assert "GrantWithdrawn" in world.kinds()
        assert world.clock() == 0

    play(story)


def test_what_was_handed_over_and_is_gone_already_is_not_missed() -> None:
    """The execution is cancelled, then the one who waited for it."""

    async def story(world: World) -> None:
        (waiting,) = starting(world.claim())
        await settle()

        def cancel() -> None:
            world.engine.cancel_execution("job", reason="no use")
            waiting.cancel()

        def later(event: events.Event) -> None:
            if isinstance(event, events.GrantIssued):
                asyncio.get_running_loop().call_soon(cancel)

        with world.engine.subscribe(later):
            world.create("job")
            await settle()
        assert waiting.cancelled()
        assert world.engine.stats().live_grants == 0

    play(story)


def walk(seed: int, limit: int) -> Counter[str]:
    """Workers come, wait, are cancelled, work, fail, vanish; jobs come, some for nobody."""
    rng = random.Random(seed)
    world = World(limit=limit)
    seen: Counter[str] = Counter()
    waiting: dict[asyncio.Task[Grant | None], Worker] = {}
    workers = [ANN, BOB, GPU]

    async def step(number: int) -> None:
        match rng.randrange(7):
            case 0 | 1:
                worker = rng.choice(workers)
                task = asyncio.create_task(world.claim(worker, timeout_ms=rng.choice([None, 0, 30, 3_000])))
                waiting[task] = worker
            case 2 | 3:
                needs = rng.choice([[], [], ["gpu"], ["tpu"]])
                quota = rng.choice([None, "one"])
                world.create(f"job-{number}", required_capabilities=needs, quota_policy_id=quota)
            case 4 if waiting:
                rng.choice(list(waiting)).cancel()
                seen["cancelled"] += 1
            case 5:
                await asyncio.sleep(rng.choice([0, 0.01, 1.5]))
            case _:
                leases = world.engine.leases()
                if leases:
                    world.engine.complete_execution(rng.choice(leases))
                    seen["completed"] += 1
        for _ in range(rng.randrange(3)):
            await asyncio.sleep(0)

    def use_grants() -> None:
        for task in [task for task in waiting if task.done()]:
            worker = waiting.pop(task)
            grant = None if task.cancelled() else task.result()
            if grant is not None:
                seen["granted"] += 1
                if rng.random() < 0.8:
                    world.take(grant, worker, 500)

    async def story(world: World) -> None:
        world.engine.create_quota_policy("one", window_ms=400, max_requests_per_window=3, max_concurrent=1)
        for number in range(120):
            await step(number)
            try:
                use_grants()
            except GrantError:
                seen["too late"] += 1
            if number % 10 == 0:
                for _ in range(400):
                    await asyncio.sleep(0)
                nobody_could_be_served(world, [waiting[task] for task in waiting if not task.done()])
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        use_grants()
        issued = {type(event).__name__: 0 for _, event in world.told}
        seen["kinds"] = len(issued)

    play(story, world)
    return seen


def nobody_could_be_served(world: World, workers: list[Worker]) -> None:
    """When all is still, nobody waits who would be granted something now."""
    for worker in workers:
        grant = Scheduler(world.engine).claim_for_worker(worker, lanes=["main"], grant_ttl_ms=1_000)
        assert grant is None, f"{worker.worker_id} waits though it could have {grant}"


@pytest.mark.parametrize("limit", [1, 3, 64])
def test_when_all_is_still_nobody_waits_who_could_be_served(limit: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(15):
        seen += walk(seed, limit)
    assert min(seen[what] for what in ("cancelled", "completed", "granted")) > 20


@pytest.mark.uncovered
@pytest.mark.parametrize("kind", [events.Created, events.GrantWithdrawn, events.Completed])
def test_the_walk_finds_a_deaf_driver(kind: type[events.Event], monkeypatch: pytest.MonkeyPatch) -> None:
    """Proof that the property above can fail: an event that opens something is thought not to."""
    monkeypatch.setattr(desks, "OPENS_NOTHING", desks.OPENS_NOTHING | {kind})
    with pytest.raises(AssertionError, match="waits though"):
        for seed in range(60):
            walk(seed, 64)


@pytest.mark.uncovered
def test_the_walk_finds_a_driver_that_forgets_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, of what no event tells: the window of a quota opens."""
    rest = desks.Desk._rest

    def forgetful(desk: desks.Desk) -> int | None:
        delay_ms = rest(desk)
        desk._opens_ms = NEVER
        return delay_ms

    monkeypatch.setattr(desks.Desk, "_rest", forgetful)
    with pytest.raises(AssertionError, match="waits though"):
        for seed in range(60):
            walk(seed, 64)


# -- keeping leases ------------------------------------------------------------------------------


def test_a_lease_is_renewed_when_two_thirds_of_its_time_have_passed() -> None:
    async def story(world: World) -> None:
        lease = await world.lease()
        async with world.driver.hold(lease, lease_ttl_ms=9_000) as held:
            await asyncio.sleep(20)
            assert held.lost is None
            assert held.lease.expires_at_ms == 27_000
            assert held.lease.lease_id == lease.lease_id
            world.engine.complete_execution(held.lease)

    world = World()
    play(story, world)
    renewed = [event.at_ms for _, event in world.told if isinstance(event, events.LeaseRenewed)]
    assert renewed == [0, 6_000, 12_000, 18_000]


@pytest.mark.parametrize("ttl_ms", [1, 2, 3, 4, 5, 6, 7, 100, 9_000, 86_400_000])
def test_a_lease_has_its_own_time_again(ttl_ms: int) -> None:
    """To within two milliseconds, never more, and the same with every renewal."""

    async def story(world: World) -> tuple[int, int]:
        world.create("job")
        lease = world.take(await world.claim(), ttl_ms=ttl_ms)
        given = desks.time_to_live_ms(lease)
        return given, desks.time_to_live_ms(world.engine.renew_lease(lease, lease_ttl_ms=given))

    given, again = play(story)
    assert ttl_ms - 2 <= given <= ttl_ms
    assert again == given


def test_leaving_does_nothing_to_the_lease() -> None:
    async def story(world: World) -> None:
        lease = await world.lease()
        async with world.driver.hold(lease):
            await asyncio.sleep(1)
        assert world.engine.leases() != ()
        with pytest.raises(ZeroDivisionError):
            async with world.driver.hold(lease):
                raise ZeroDivisionError
        assert world.engine.leases() != ()
        await asyncio.sleep(60)

    world = World()
    play(story, world)
    assert [event.at_ms for _, event in world.told if isinstance(event, events.LeaseLapsed)] == [9_998]


def revoke(world: World) -> None:
    world.engine.operator("op").revoke_lease("job", reason="maintenance")


def complete(world: World) -> None:
    world.engine.operator("op").complete("job")


def stall(world: World) -> None:
    """The loop is kept busy for longer than the lease has."""
    world.clock.advance(60_000)


def stall_and_be_replaced(world: World) -> None:
    world.clock.advance(60_000)
    world.take(Scheduler(world.engine).claim_for_worker(BOB, lanes=["main"], grant_ttl_ms=9), BOB)


@pytest.mark.parametrize(
    ("blow", "refusal"),
    [
        (revoke, LeaseRevoked),
        (complete, ExecutionNotActive),
        (stall, LeaseExpired),
        (stall_and_be_replaced, StaleLease),
    ],
)
def test_a_lost_lease_cancels_the_body(blow: Callable[[World], None], refusal: type[GrantError]) -> None:
    """At once, not at the next renewal; and the exit says how, as ``asyncio.timeout`` does."""

    async def story(world: World) -> None:
        lease = await world.lease()
        was_cancelled = False
        hold = world.driver.hold(lease)
        with pytest.raises(refusal) as caught:
            async with hold:
                asyncio.get_running_loop().call_later(1, blow, world)
                try:
                    await asyncio.sleep(1_000_000)
                except asyncio.CancelledError:
                    was_cancelled = True
                    raise
        assert was_cancelled
        assert hold.lost is caught.value
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert world.clock() in {1_000, 61_000}
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(1)

    play(story)


def test_an_attempt_that_times_out_is_lost() -> None:
    async def story(world: World) -> None:
        world.create("job")
        grant = await world.claim()
        assert grant is not None
        lease = world.engine.take(
            grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=900, attempt_timeout_ms=5_000
        )
        with pytest.raises(ExecutionNotActive):
            async with world.driver.hold(lease):
                await asyncio.sleep(100)
        assert world.clock() == 5_000

    play(story)


def test_a_body_that_ends_its_lease_is_left_to_finish() -> None:
    async def story(world: World) -> None:
        lease = await world.lease()
        async with world.driver.hold(lease) as held:
            world.engine.complete_execution(held.lease)
            await asyncio.sleep(1_000)
        assert held.lost is None

    play(story)


def test_a_body_that_ends_its_lease_as_it_is_due_for_renewal() -> None:
    """The renewal that finds it ended knows that its holder did it."""

    async def story(world: World) -> None:
        lease = await world.lease()
        async with world.driver.hold(lease, lease_ttl_ms=9_000) as held:
            world.driver._desk._renewals.drop(held._holding)
            world.driver._desk._lost.append(held._holding)
            world.engine.complete_execution(held.lease)
            await asyncio.sleep(1)
        assert held.lost is None

    play(story)


def test_refused_at_the_door() -> None:
    async def story(world: World) -> None:
        lease = await world.lease()
        revoke(world)
        with pytest.raises(LeaseRevoked):
            async with world.driver.hold(lease):
                pytest.fail("the body ran")
        assert world.driver._desk._holdings == {}

    play(story)


def test_bad_holds() -> None:
    async def story(world: World) -> None:
        lease = await world.lease()
        with pytest.raises(InvalidInput, match="lease must be a Lease"):
            world.driver.hold("lease")  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="lease_ttl_ms"):
            async with world.driver.hold(lease, lease_ttl_ms=0):
                pytest.fail("the body ran")
        async with world.driver.hold(lease):
            with pytest.raises(InvalidInput, match="not being held here already"):
                async with world.driver.hold(lease):
                    pytest.fail("the body ran")
            await asyncio.sleep(20)
        assert len(world.engine.leases()) == 1

    play(story)


def test_a_lease_of_a_millisecond_does_not_make_the_driver_spin() -> None:
    async def story(world: World) -> None:
        lease = await world.lease()
        before = world.looks
        with pytest.raises(LeaseExpired):
            async with world.driver.hold(lease, lease_ttl_ms=1):
                await asyncio.sleep(10)
        assert world.looks <= before + 4

    play(story)


def test_a_body_that_swallows_the_cancellation_goes_on() -> None:
    """As with ``asyncio.timeout``; ``lost`` still tells."""

    async def story(world: World) -> None:
        lease = await world.lease()
        async with world.driver.hold(lease) as held:
            revoke(world)
            with pytest.raises(asyncio.CancelledError):
                await asyncio.sleep(10)
        assert isinstance(held.lost, LeaseRevoked)
        await asyncio.sleep(1)

    play(story)


def test_an_error_of_the_body_is_not_hidden_by_the_loss() -> None:
    async def story(world: World) -> None:
        lease = await world.lease()
        with pytest.raises(ZeroDivisionError):
            async with world.driver.hold(lease):
                revoke(world)
                try:
                    await asyncio.sleep(10)
                finally:
                    _ = 1 // 0

    play(story)


def test_a_cancellation_from_outside_is_not_ours_to_take_back() -> None:
    async def story(world: World) -> None:
        lease = await world.lease()

        async def body() -> None:
            async with world.driver.hold(lease):
                await asyncio.sleep(10)

        (task,) = starting(body())
        await settle()
        revoke(world)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    play(story)


def test_a_timeout_around_a_hold_and_a_hold_around_a_timeout() -> None:
    async def story(world: World) -> None:
        lease = await world.lease()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30), world.driver.hold(lease):
                await asyncio.sleep(100)
        with pytest.raises(TimeoutError):
            async with world.driver.hold(lease), asyncio.timeout(30):
                await asyncio.sleep(100)
        with pytest.raises(LeaseRevoked):
            async with asyncio.timeout(30), world.driver.hold(lease):
                asyncio.get_running_loop().call_later(5, revoke, world)
                await asyncio.sleep(100)

    play(story)


# -- other threads, broken clocks, late hands ------------------------------------------------------


def test_woken_from_another_thread() -> None:
    """In a real loop: the event is told in the thread that made the call."""

    async def main() -> str:
        engine = GrantEngine()
        async with Driver(engine) as driver:
            claim = asyncio.create_task(driver.claim(ANN, lanes=["main"], grant_ttl_ms=1_000))
            await settle()
            other = threading.Thread(
                target=lambda: engine.create_execution(lane_id="main", execution_id="job")
            )
            other.start()
            grant = await claim
            other.join()
            assert grant is not None
            return grant.execution_id

    assert asyncio.run(main()) == "job"


def test_a_broken_clock_is_told_to_all_who_wait(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    is_broken = False

    def broken() -> int:
        return -1 if is_broken else clock()

    async def main() -> None:
        nonlocal is_broken
        engine = GrantEngine(clock=broken)
        async with Driver(engine) as driver:
            tasks = starting(*(driver.claim(ANN, lanes=["main"], grant_ttl_ms=9) for _ in range(2)))
            await settle()
            is_broken = True
            driver.wake()
            for task in tasks:
                with pytest.raises(ClockError):
                    await task
            is_broken = False
            engine.create_execution(lane_id="main", execution_id="job")
            assert await driver.claim(ANN, lanes=["main"], grant_ttl_ms=9) is not None

    with caplog.at_level(logging.ERROR, logger="grantcore"):
        run(clock, main())
    assert "a driver failed" in caplog.text


def test_a_clock_set_by_hand_is_followed_by_wake() -> None:
    """A clock that is not the loop's."""
    clock = ManualClock()

    async def main() -> None:
        engine = GrantEngine(clock=clock)
        async with Driver(engine) as driver:
            engine.create_execution(lane_id="main", execution_id="late", delay_until_ms=5_000_000)
            (task,) = starting(driver.claim(ANN, lanes=["main"], grant_ttl_ms=9))
            await settle()
            clock.set(5_000_000)
            await settle()
            assert not task.done()
            driver.wake()
            assert await task is not None

    run(ManualClock(), main())
