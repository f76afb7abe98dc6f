"""How long the asyncio driver keeps the event loop from its other work."""

from __future__ import annotations

import asyncio
from statistics import median
from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import DAY_MS, LANE_ID, Rig
from benchmarks.rows import Row
from benchmarks.speed import NS_PER_US, settle
from grantcore import Worker
from grantcore.aio import Driver

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

WAITERS: Final = 1_000
GOAL_US: Final = 5_000
GRANT_TTL_MS: Final = 60_000


def longest_stretch(sizes: Sizes) -> Row:
    """The longest look, of some thousands: ``many`` leases are due at once, and a thousand workers wait."""
    longest = median(asyncio.run(_longest_ns(sizes.many)) for _ in range(sizes.lapses))
    what = f"longest stretch of the asyncio driver, {sizes.many:,} leases due, {WAITERS:,} waiters"
    return Row(what, longest / NS_PER_US, "us", goal=GOAL_US)


async def _longest_ns(many: int) -> int:
    rig = Rig()
    rig.lease_many(many, tick_ms=0)
    rig.engine.create_execution(lane_id=LANE_ID, required_capabilities=["nobody"])
    driver = Driver(rig.engine)
    look, longest = driver._desk.look, 0  # noqa: SLF001 - what is measured

    def measured() -> int | None:
        nonlocal longest
        began_ns = process_time_ns()
        delay_ms = look()
        longest = max(longest, process_time_ns() - began_ns)
        return delay_ms

    async with driver:
        waiting = [_waiting(driver, number) for number in range(WAITERS)]
        tasks = [asyncio.create_task(claim) for claim in waiting]
        await asyncio.sleep(0)
        settle()
        driver._desk.look = measured  # type: ignore[method-assign]  # noqa: SLF001 - what is measured
        rig.clock.advance(DAY_MS)
        driver.wake()
        await asyncio.gather(*tasks)
    return longest


async def _waiting(driver: Driver, number: int) -> None:
    """Wait for one of the lost leases."""
    worker = Worker("worker", f"worker-{number}", ["gpu"])
    grant = await driver.claim(worker, lanes=(LANE_ID,), grant_ttl_ms=GRANT_TTL_MS)
    assert grant is not None
