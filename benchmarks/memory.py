"""What an execution occupies in each phase: its record, its id, its share of every index."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING, Final

from benchmarks.bench import Bench
from benchmarks.lifecycle import DAY_MS, Rig
from benchmarks.rows import Group, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.sizes import Sizes

SAYS: Final = (
    "Bytes and objects that the collector tracks, per execution, its minted id included; one is made per "
    "millisecond, and what the calls answer is dropped."
)


def measure(sizes: Sizes) -> Group:
    """The goal's figure at the largest size, then every phase at a smaller one."""
    occupied, tracked = held(Bench.leased, sizes.most)
    most = f"leased, {sizes.most:,} live"
    rows = [
        Row(most, "bytes", (occupied,), "bytes", goal=480, stretch=420),
        Row(f"{most}, tracked", "objects", (tracked,), "objects", goal=1.05, stretch=1.02),
    ]
    for name, make in PHASES.items():
        occupied, tracked = held(make, sizes.phase)
        rows.append(Row(name, f"at {sizes.phase:,}; {tracked:.2f} objects", (occupied,), "bytes"))
    return Group("memory", SAYS, tuple(rows))


def _lost(bench: Bench) -> None:
    """A lease that ends when the next one begins."""
    bench.operator.issue_grant_and_claim(
        bench.rig.create(), worker_id="worker", worker_instance_id="worker-1", lease_ttl_ms=1
    )


PHASES: Final[dict[str, Callable[[Bench], object]]] = {
    "waiting": Bench.waiting,
    "granted": Bench.granted,
    "leased": Bench.leased,
    "lease lost": _lost,
    "suspended": Bench.suspended,
    "waiting for children": Bench.waiting_for_children,
    "blocked": Bench.blocked,
    "delayed": lambda b: b.engine.delay_execution(b.leased(), delay_until_ms=DAY_MS),
    "succeeded": lambda b: b.engine.complete_execution(b.leased()),
    "reclaimed, leased": lambda b: b.engine.take(
        b.reclaim_grant(), worker_id="worker", worker_instance_id="worker-1", lease_ttl_ms=DAY_MS
    ),
}


def held(make: Callable[[Bench], object], count: int) -> tuple[float, float]:
    """Make so many, drop what the calls answer, and see what is left: bytes and tracked objects of each."""
    bench = Bench(Rig())
    gc.collect()
    objects_before = len(gc.get_objects())
    occupied = traced(lambda: load(bench, make, count))
    return occupied / count, (len(gc.get_objects()) - objects_before) / count


def load(bench: Bench, make: Callable[[Bench], object], count: int) -> None:
    """Make so many, one per millisecond; drop what the calls answer."""
    for _ in range(count):
        make(bench)
        bench.forget()
        bench.rig.clock.advance(1)


def traced(load: Callable[[], object]) -> int:
    """Call it, and count the bytes of what is left and of what it answers."""
    gc.disable()
    tracemalloc.start()
    try:
        kept = load()
        gc.collect()
        occupied, _ = tracemalloc.get_traced_memory()
        del kept
    finally:
        tracemalloc.stop()
        gc.enable()
    return occupied
