"""Whole stories: a lifecycle against the floor, a scheduler's loop, and what follows the loss of a host."""

from __future__ import annotations

from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import (
    BURST,
    DAY_MS,
    GRANT_TTL_MS,
    LANES,
    WORKER,
    Rig,
    floor_ns,
    fresh_ns,
    ids,
    warm,
)
from benchmarks.rows import Group, Row
from benchmarks.timing import interleaved

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

GOALS: Final = {"on": (6.5, 5.3), "off": (4.5, 3.3), "batched": (2.5, 2)}
"""Of a lifecycle against the floor, and what would be better still."""

SAYS: Final = (
    "A lifecycle is five calls: create, issue a grant, claim, renew, complete. The floor makes the same five "
    "on a dict with one guard each, on ids made beforehand; the engine mints its own."
)


def measure(sizes: Sizes) -> Group:
    """Let the floor, the lifecycles and the loop take turns; then the storm."""
    floor_ids, count = ids(sizes.lifecycles), sizes.lifecycles
    medians = interleaved(
        {
            "floor": lambda: floor_ns(floor_ids),
            "on": lambda: fresh_ns(count),
            "off": lambda: fresh_ns(count, threadsafe=False),
            "batched": lambda: warm().batches_ns(count),
            "carrying": lambda: warm().carrying_ns(count),
            "loop": lambda: warm().loops_ns(count),
            "storm": lambda: storm_ns(count),
        },
        sizes.samples,
    )

    def row(name: str, what: str, says: str) -> Row:
        ratio = medians[name] / medians["floor"]
        goal, stretch = GOALS.get(name, (None, None))
        return Row(what, says, (medians[name],), "us", ratio, goal=goal, stretch=stretch)

    rows = (
        row("floor", "floor", "one lifecycle of the floor"),
        row("on", "lifecycle, lock on", "five calls of a new engine"),
        row("off", "lifecycle, lock off", "the same with `threadsafe=False`"),
        row("batched", f"lifecycle, by {BURST}", "the five batch calls, what each answers looked at"),
        row(
            "carrying",
            "lifecycle, carrying",
            "lock on; each brings an id and a payload, and ends with a result",
        ),
        row("loop", "scheduler loop", "create, `claim_for_worker`, `take`, renew, complete"),
        row("storm", "reclaim storm", "`claim_for_worker` and `take` for each of many leases lost at once"),
    )
    return Group("scenario", SAYS, rows)


def storm_ns(count: int) -> float:
    """Lose all leases at once and have others take them over; answer nanoseconds per execution."""
    rig = Rig()
    rig.lease_many(count, tick_ms=0)
    rig.clock.advance(DAY_MS)
    rig.engine.advance()
    scheduler, engine = rig.scheduler, rig.engine
    began_ns = process_time_ns()
    for _ in range(count):
        grant = scheduler.claim_for_worker(WORKER, lanes=LANES, grant_ttl_ms=GRANT_TTL_MS)
        assert grant is not None
        engine.take(
            grant,
            worker_id=WORKER.worker_id,
            worker_instance_id=WORKER.worker_instance_id,
            lease_ttl_ms=DAY_MS,
        )
    return (process_time_ns() - began_ns) / count
