"""How costs grow with the number of live leases."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import warm
from benchmarks.rows import Group, Row
from benchmarks.timing import interleaved, slope

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.sizes import Sizes
    from benchmarks.stock import Stock

    Costs = dict[str, dict[int, Callable[[], float]]]

FRESH: Final = 10_000
"""Up to so many live, each sample has an engine of its own: the ended would soon outnumber the live."""


def measure(sizes: Sizes, stock: Stock) -> Group:
    """Fit a slope to each cost at four sizes, all sizes in turns."""
    beside = " / ".join(f"{live:,}" for live in sizes.live)
    says = (
        f"Cost beside {beside} live leases, the ratio of the largest to the smallest, and the "
        "exponent that fits all four: 0 is constant, 1 is linear."
    )
    costs: Costs = {
        "lifecycle": {live: _lifecycles(stock, sizes, live) for live in sizes.live},
        "renew_lease": {
            live: partial(stock.loaded(live).renewals_ns, sizes.lifecycles) for live in sizes.live
        },
        "advance": {live: partial(stock.loaded(live).advances_ns, sizes.lifecycles) for live in sizes.live},
        "scheduler loop": {live: _loops(stock, sizes, live) for live in sizes.live},
    }
    fitted = {name: _fit(by_size, sizes) for name, by_size in costs.items()}
    small = f"{sizes.live[0]:,}"

    def row(name: str, says: str) -> Row:
        costs_us, exponent = fitted[name]
        return Row(name, says, costs_us, "us", costs_us[-1] / costs_us[0], small, slope=exponent)

    rows = (
        replace(row("lifecycle", "create, issue, claim, renew, complete"), goal=1.25, stretch=1.10),
        row("renew_lease", "the end moves away"),
        replace(row("advance", "nothing is due"), goal=3, stretch=1.5, of="number"),
        row("scheduler loop", "create, choose, take, renew, complete"),
    )
    return Group("growth", says, rows)


def _fit(by_size: dict[int, Callable[[], float]], sizes: Sizes) -> tuple[tuple[float, ...], float]:
    medians = interleaved({str(live): cost for live, cost in by_size.items()}, sizes.samples)
    costs = tuple(medians.values())
    return costs, slope(sizes.live, costs)


def _lifecycles(stock: Stock, sizes: Sizes, live: int) -> Callable[[], float]:
    if live <= FRESH:
        return lambda: warm(live=live).lifecycles_ns(sizes.lifecycles)
    return partial(stock.loaded(live).lifecycles_ns, sizes.lifecycles)


def _loops(stock: Stock, sizes: Sizes, live: int) -> Callable[[], float]:
    if live <= FRESH:
        return lambda: warm(live=live).loops_ns(sizes.lifecycles)
    return partial(stock.loaded(live).loops_ns, sizes.lifecycles)
