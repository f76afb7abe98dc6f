"""The longest that anything keeps a thread, beside many live leases."""

from __future__ import annotations

import asyncio
import gc
from itertools import pairwise
from statistics import median
from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import DAY_MS, LANE_ID, Rig
from benchmarks.rows import Group, Row
from benchmarks.stock import Loaded
from benchmarks.timing import NS_PER_MS, release
from grantcore import Worker, settle_memory
from grantcore.aio import Driver

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

SLICE: Final = 32
DRIVER_SHARE: Final = 5
"""A driver is measured with so many times fewer leases than the largest number."""

SAYS: Final = "The longest single call or look of many, processor time, the collector on."


def measure(sizes: Sizes) -> Group:
    """Build an engine, disturb it, settle it, disturb it again."""
    release()
    loaded = Loaded(sizes.most, sizes.lifecycles)
    live = f"{sizes.most:,} live"
    settling_ns = _settling_ns(loaded)
    loading_ns = _until_full_collection(loaded, sizes.most // 2)
    began_ns = process_time_ns()
    settle_memory()
    settled_ns = process_time_ns() - began_ns
    after_ns = _mixed(loaded, sizes.crowd)
    rows = (
        _row(
            "before settle_memory",
            f"calls beside {live} until the collector has looked at everything",
            loading_ns,
        ),
        _row(
            "after settle_memory",
            f"{sizes.crowd:,} renewals and a tenth as many lifecycles beside {live}, collected and frozen",
            after_ns,
            5,
            2,
        ),
        _row("settle_memory itself", f"collect and freeze beside {live}", settled_ns),
        _row("first deadline", f"the first `next_deadline_ms()` after loading {live}", settling_ns),
        _row("slice", f"`advance(limit={SLICE})` while {sizes.most:,} leases are due", _slices(loaded)),
    )
    del loaded
    release()
    return Group("pauses", SAYS, (*rows, driver_stretch(sizes)))


def _row(
    what: str, says: str, longest_ns: float, goal: float | None = None, stretch: float | None = None
) -> Row:
    return Row(what, says, (longest_ns / NS_PER_MS,), "ms", goal=goal, stretch=stretch)


def _settling_ns(loaded: Loaded) -> int:
    began_ns = process_time_ns()
    loaded.engine.next_deadline_ms()
    return process_time_ns() - began_ns


def _until_full_collection(loaded: Loaded, at_most: int) -> int:
    """Create executions until the collector has looked at all there are; answer the longest call."""
    engine, longest_ns = loaded.engine, 0
    full = gc.get_stats()[2]["collections"]
    for number in range(at_most):
        began_ns = process_time_ns()
        engine.create_execution(lane_id=LANE_ID)
        longest_ns = max(longest_ns, process_time_ns() - began_ns)
        if number % SLICE == 0 and gc.get_stats()[2]["collections"] > full:
            break
    return longest_ns


def _mixed(loaded: Loaded, renewals: int) -> int:
    """Renew leases and keep the new ones, as holders do, and live lives between; answer the longest call."""
    engine, leases, longest_ns = loaded.engine, loaded.leases, 0
    for number in range(renewals):
        held = number % len(leases)
        began_ns = process_time_ns()
        leases[held] = engine.renew_lease(leases[held], lease_ttl_ms=DAY_MS)
        longest_ns = max(longest_ns, process_time_ns() - began_ns)
        if number % 10 == 0:
            longest_ns = max(longest_ns, _longest_of_one_life(loaded))
    return longest_ns


def _longest_of_one_life(loaded: Loaded) -> int:
    engine = loaded.engine
    instants = [process_time_ns()]
    grant = loaded.grant()
    instants.append(process_time_ns())
    lease = loaded.claim(grant)
    instants.append(process_time_ns())
    engine.complete_execution(lease)
    instants.append(process_time_ns())
    return max(after - before for before, after in pairwise(instants))


def _slices(loaded: Loaded) -> int:
    engine, longest_ns, more = loaded.engine, 0, True
    loaded.clock.advance(DAY_MS)
    while more:
        began_ns = process_time_ns()
        more = engine.advance(limit=SLICE).more
        longest_ns = max(longest_ns, process_time_ns() - began_ns)
    return longest_ns


# -- the asyncio driver ----------------------------------------------------------------------------


def driver_stretch(sizes: Sizes) -> Row:
    """How long the asyncio driver keeps the event loop from its other work."""
    many = sizes.most // DRIVER_SHARE
    longest_ns = median(asyncio.run(_longest_look_ns(many, sizes.waiters)) for _ in range(sizes.repeats))
    says = f"the longest look of the asyncio driver: {many:,} leases due at once, {sizes.waiters:,} waiters"
    return _row("asyncio driver", says, longest_ns, 5)


async def _longest_look_ns(many: int, waiters: int) -> int:
    release()
    rig = Rig()
    rig.lease_many(many, tick_ms=0)
    rig.engine.create_execution(lane_id=LANE_ID, required_capabilities=["nobody"])
    driver = Driver(rig.engine)
    look, longest_ns = driver._desk.look, 0  # noqa: SLF001 - what is measured

    def measured() -> int | None:
        nonlocal longest_ns
        began_ns = process_time_ns()
        delay_ms = look()
        longest_ns = max(longest_ns, process_time_ns() - began_ns)
        return delay_ms

    async with driver:
        tasks = [asyncio.create_task(_waiting(driver, number)) for number in range(waiters)]
        await asyncio.sleep(0)
        settle_memory()
        driver._desk.look = measured  # type: ignore[method-assign]  # noqa: SLF001 - what is measured
        rig.clock.advance(DAY_MS)
        driver.wake()
        await asyncio.gather(*tasks)
    return longest_ns


async def _waiting(driver: Driver, number: int) -> None:
    """Wait for one of the lost leases."""
    worker = Worker("worker", f"worker-{number}", ["gpu"])
    grant = await driver.claim(worker, lanes=(LANE_ID,), grant_ttl_ms=60_000)
    assert grant is not None
