"""Where the time goes when many leases are due at once: which call each share of it falls to.

An engine files and orders deadlines when somebody asks for them, so there are calls each of which does one of
these things. How they do it inside does not matter here.
"""

from __future__ import annotations

from statistics import median
from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import DAY_MS, Rig
from benchmarks.parts.part import collector_ns, share
from benchmarks.rows import Group
from benchmarks.timing import NS_PER_US, release
from grantcore import Phase, settle_memory
from grantcore.model.deadlines import NONE
from grantcore.model.phases import LEASE_EXPIRED
from grantcore.model.time import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.sizes import Sizes
    from grantcore import GrantEngine
    from grantcore.model.records import Execution

SHARE: Final = 4
"""So many times fewer leases than the largest number: each repeat loads an engine anew."""

APART_MS: Final = 2_000
"""From the one lease that is due first to the others: in no index do they share a place."""

PARTS: Final = {
    "filing": "the first `next_deadline_ms()`, which gives each its place in the time index",
    "ordering": "the `advance()` after which they come next, which brings them into exact order",
    "lapsing": "the `advance()` that ends them and gives them their places in line and among the losses",
    "collector": "what the garbage collector runs meanwhile; the others are without it",
}
LEAST: Final = (
    "one loop over the records, with six stores and four appends each; nothing asked, nothing found"
)


def measure(sizes: Sizes) -> Group:
    """Take medians of repeats."""
    leases = sizes.most // SHARE
    samples = [spent_ns(leases) for _ in range(sizes.repeats)]
    costs = {name: median(one[name] for one in samples) / NS_PER_US for name in (*PARTS, "least")}
    whole = sum(costs[name] for name in PARTS)
    rows = (
        share("the whole", "all these", whole, whole),
        *(share(name, says, costs[name], whole) for name, says in PARTS.items()),
        share("the least", LEAST, costs["least"], whole),
    )
    says = (
        f"Of each of {leases:,} leases that are due at one instant, nobody observes, all that is alive "
        "frozen before; the ratio is to the whole."
    )
    return Group("parts-due", says, rows)


def spent_ns(count: int) -> dict[str, float]:
    """Let so many leases fall due at one instant, and ask for each part in turn; nanoseconds per lease."""
    rig = Rig()
    engine, clock = rig.engine, rig.clock
    rig.lease_many(1, tick_ms=APART_MS)
    rig.lease_many(count, tick_ms=0)
    settle_memory()
    spent_ns = {"filing": _spent_ns(engine.next_deadline_ms)}
    for name, due_ms in (("ordering", DAY_MS), ("lapsing", DAY_MS + APART_MS)):
        clock.set(due_ms)
        spent_ns[name] = _spent_ns(engine.advance)
    assert engine.stats().executions_by_phase[Phase.LEASE_EXPIRED] == count + 1
    collected_ns = sum(collected_ns for _, collected_ns in spent_ns.values())
    whole = {name: spent for name, (spent, _) in spent_ns.items()}
    whole |= {"collector": collected_ns, "least": least_ns(engine, DAY_MS)}
    del rig, engine
    release()
    return {name: spent / count for name, spent in whole.items()}


def _spent_ns(call: Callable[[], object]) -> tuple[int, int]:
    """What a call takes without the collector, and what the collector takes."""
    began_ns = process_time_ns()
    collected_ns = collector_ns(call)
    return process_time_ns() - began_ns - collected_ns, collected_ns


def least_ns(engine: GrantEngine, due_ms: int) -> int:
    """Store into all records what a lapse changes, and into lists what it adds to them."""
    ended: list[int] = []
    lost: list[Execution] = []
    sequences: list[int] = []
    line: list[Execution] = []
    began_ns = process_time_ns()
    for sequence, record in enumerate(engine._records.values()):  # noqa: SLF001 - what is inside is measured
        ended.append(due_ms)
        lost.append(record)
        sequences.append(sequence)
        line.append(record)
        record.lost_sequence = sequence
        record.last_mutation_at_ms = due_ms
        record.phase = LEASE_EXPIRED
        record.filed_ms = NEVER
        record.filed_as = NONE
        record.queued = line
    return process_time_ns() - began_ns
