"""The pictures of a run; ``PLOTS`` names them."""

# pyright: reportUnknownMemberType=false
# matplotlib's own types leave its many keyword arguments open.

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs
from matplotlib.ticker import MaxNLocator

from grantcore.simulation.measures import percentile
from grantcore.simulation.report import drawing, leases, ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from grantcore.simulation.record import Record

CURVE_POINTS: Final = 400
"""A curve of a distribution has at most that many; more would not be seen."""


@attrs.frozen
class Plot:
    """A picture: what it shows, in a sentence, and how it is drawn."""

    says: str
    draw: Callable[[Record], Figure]


def svg(record: Record, name: str) -> str:
    """Draw a plot of ``PLOTS`` as SVG."""
    return drawing.as_svg(partial(PLOTS[name].draw, record), name)


def png(record: Record, name: str, *, dpi: int = drawing.DPI) -> bytes:
    """Draw a plot of ``PLOTS`` as PNG."""
    return drawing.as_png(partial(PLOTS[name].draw, record), name, dpi=dpi)


def inline(record: Record, name: str) -> str:
    """Draw a plot of ``PLOTS`` as SVG to stand in a page."""
    return drawing.inline_svg(partial(PLOTS[name].draw, record), name)


def queue(record: Record) -> Figure:
    """Draw what waits, and what the workers do, over time."""
    figure, (above, below) = drawing.figure(4.4, rows=2)
    if not record.points:
        drawing.empty(above, "nothing was submitted")
        drawing.empty(below, "")
        return figure
    begin_ms = record.points[0].at_ms
    span_ms = record.points[-1].at_ms - begin_ms
    times = [point.at_ms - begin_ms for point in record.points]
    waiting = [point.waiting for point in record.points]
    leased = [point.leased for point in record.points]
    idle = [point.idle for point in record.points]
    above.fill_between(times, waiting, color=drawing.ORANGE, linewidth=0, alpha=0.85)
    above.set_title(f"Waiting for a worker: at most {max(waiting):,} at once")
    above.set_ylabel("jobs")
    below.stackplot(
        times, leased, idle, labels=["leased", "idle"], colors=[drawing.BLUE, drawing.FAINT], linewidth=0
    )
    below.set_title(f"Workers: at most {max(leased):,} with a live lease; what is neither is down or late")
    below.set_ylabel("workers")
    below.set_xlabel("time since the first submission")
    below.set_xlim(0, max(span_ms, 1))
    for axes in (above, below):
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        axes.yaxis.set_major_formatter("{x:,.0f}")
    drawing.linear_time(below.xaxis, span_ms)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def recovery(record: Record) -> Figure:
    """Draw how long lost leases took to be held again."""
    figure, (axes,) = drawing.figure(3.8)
    ordered = sorted(record.recoveries_ms)
    if not ordered:
        drawing.empty(axes, "no lease was lost to a fault")
        return figure
    low_ms, high_ms = _range(ordered)
    edges = _edges(low_ms, high_ms)
    ranks = [bisect_left(ordered, edge) for edge in edges[1:]]
    counts = [rank - before for before, rank in zip([0, *ranks], [*ranks[:-1], len(ordered)], strict=False)]
    axes.stairs(counts, edges, fill=True, color=drawing.SKY, label="leases (left)")
    axes.set_ylabel("leases")
    axes.set_ylim(0, max(counts) * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    curve = axes.twinx()
    _distribution(curve, ordered, (low_ms, high_ms), color=drawing.INK, label="share back by then (right)")
    curve.grid(visible=False)
    curve.spines["right"].set_visible(True)
    drawing.shares(curve)
    curve.set_ylabel("share of the leases")
    ttl_ms = record.scenario.leases.lease_ttl_ms
    if low_ms <= ttl_ms <= high_ms:
        label = f"time to live of a lease: {ticks.short(ttl_ms)}"
        axes.axvline(ttl_ms, color=drawing.VERMILION, linestyle="--", linewidth=1.5, label=label)
    drawing.log_time(axes, low_ms, high_ms)
    axes.set_xlabel("from the fault to the next lease of the same execution (logarithmic)")
    axes.set_title(
        f"Recovery of {len(ordered):,} leases: half within {ticks.short(percentile(ordered, 50))}, "
        f"95 % within {ticks.short(percentile(ordered, 95))}"
    )
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def waits(record: Record) -> Figure:
    """Draw how the waits and turnarounds of the jobs are distributed."""
    figure, (axes,) = drawing.figure(3.8)
    ordered = sorted(record.waits_ms)
    ended = sorted(record.turnarounds_ms)
    if not ordered and not ended:
        drawing.empty(axes, "no job got a lease")
        return figure
    low_ms, high_ms = _range(sorted([*ordered, *ended]))
    for times, label, colour, line in (
        (ordered, "wait: submission to first lease", drawing.BLUE, "-"),
        (ended, "turnaround: submission to end", drawing.VERMILION, "--"),
    ):
        _distribution(axes, times, (low_ms, high_ms), color=colour, label=label, linestyle=line)
    drawing.shares(axes)
    axes.set_ylabel("share of the jobs")
    drawing.log_time(axes, low_ms, high_ms)
    axes.set_xlabel("time (logarithmic; at the left edge: that or less)")
    axes.set_title(
        f"Half of {len(ordered):,} jobs waited up to {ticks.short(percentile(ordered, 50))}, "
        f"95 % up to {ticks.short(percentile(ordered, 95))}"
    )
    figure.legend(loc="outside lower center", ncols=2)
    return figure


PLOTS: Final[Mapping[str, Plot]] = {
    "queue": Plot("How many jobs waited, and what the workers did, over the whole run.", queue),
    "leases": Plot(
        "Who held what in a slice of the run: a bar is a lease, a line leads from one that was lost to the "
        "next lease of the same execution.",
        leases.draw,
    ),
    "recovery": Plot("How long it took until the work of a lost lease was held again.", recovery),
    "waits": Plot("How long jobs waited, and how long they took in all.", waits),
}


def _range(ordered: Sequence[int]) -> tuple[float, float]:
    """Choose where a logarithmic axis begins and ends; the rare and the short are at its left edge."""
    positive = ordered[bisect_left(ordered, 1) :]
    if not positive:
        return 1.0, 1_000.0
    low_ms = max(percentile(positive, 1), positive[-1] // 10**6, 1)
    return low_ms * 0.8, positive[-1] * 1.25


_MANTISSAS: Final = (100, 126, 158, 200, 251, 316, 398, 501, 631, 794)


def _edges(low_ms: float, high_ms: float) -> list[float]:
    """Give the edges of bins, ten a power of ten, from the first at or below ``low_ms``."""
    all_edges = [mantissa * 10**power / 100 for power in range(20) for mantissa in _MANTISSAS]
    first = max(bisect_left(all_edges, low_ms) - 1, 0)
    last = bisect_left(all_edges, high_ms)
    return all_edges[first : last + 1]


def _distribution(
    axes: Axes,
    ordered: Sequence[int],
    ends_ms: tuple[float, float],
    *,
    color: str,
    label: str,
    linestyle: str = "-",
) -> None:
    """Draw the share of sorted durations that are at most so long, from one end of the axis to the other."""
    if not ordered:
        return
    low_ms, high_ms = ends_ms
    count = len(ordered)
    ranks = sorted({-(-count * step // CURVE_POINTS) for step in range(1, CURVE_POINTS + 1)})
    axes.step(
        [low_ms, *(max(ordered[rank - 1], low_ms) for rank in ranks), high_ms],
        [0, *(rank / count for rank in ranks), 1],
        where="post",
        color=color,
        label=label,
        linestyle=linestyle,
        linewidth=1.8,
    )
