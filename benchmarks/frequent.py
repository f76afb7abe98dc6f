"""What every public call costs, beside few and beside many live leases."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.bench import Bench
from benchmarks.calls import CALLS
from benchmarks.rows import Group, Row
from benchmarks.timing import interleaved
from grantcore import settle_memory

if TYPE_CHECKING:
    from benchmarks.calls import Call
    from benchmarks.sizes import Sizes
    from benchmarks.stock import Stock


def measure(sizes: Sizes, stock: Stock) -> Group:
    """Measure each call at three sizes, in turns."""
    live = (sizes.live[0], sizes.live[2], sizes.most)
    benches = {str(count): Bench(stock.loaded(count)) for count in live}
    beside = " / ".join(f"{count:,}" for count in live)
    says = (
        f"Each public call beside {beside} live leases; subjects are prepared before, and taken away after. "
        "The ratio is of the largest to the smallest."
    )
    return Group("frequent", says, tuple(_row(call, benches, sizes) for call in CALLS))


def _row(call: Call, benches: dict[str, Bench], sizes: Sizes) -> Row:
    settle_memory()  # entries of those that were taken away stay in the indexes for a while
    sources = {name: partial(call.sample_ns, bench, sizes.calls) for name, bench in benches.items()}
    medians = tuple(interleaved(sources, sizes.call_samples).values())
    return Row(call.name, call.says, medians, "us", medians[-1] / medians[0], f"{sizes.live[0]:,}")
