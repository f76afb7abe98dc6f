"""The pictures of a run: ``PLOTS`` names them, ``svg``, ``png`` and ``inline`` draw them."""

# pyright: reportUnknownMemberType=false
# matplotlib's own types leave its many keyword arguments open.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import attrs
from matplotlib.ticker import MaxNLocator

from grantcore.simulation.report import distributions, drawing, leases

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure

    from grantcore.simulation.record import Record


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
    if not record.points:
        return drawing.empty("nothing was submitted")
    figure, (above, below) = drawing.figure(4.4, rows=2)
    begin_ms = record.points[0].at_ms
    span_ms = record.points[-1].at_ms - begin_ms
    times = [point.at_ms - begin_ms for point in record.points]
    waiting = [point.waiting for point in record.points]
    leased = [point.leased for point in record.points]
    idle = [point.idle for point in record.points]
    above.fill_between(times, waiting, color=drawing.VERMILION, linewidth=0)
    above.set_title(f"Waiting for a worker: up to {max(waiting):,}")
    above.set_ylabel("jobs")
    below.fill_between(times, leased, color=drawing.BLUE, linewidth=0, label="live leases")
    below.plot(times, idle, color=drawing.GREY, linewidth=0.8, zorder=0.9, label="idle workers")
    below.set_title(
        f"Up to {max(leased):,} live leases, and from {max(idle):,} down to {min(idle):,} idle workers"
    )
    below.set_ylabel("workers, leases")
    below.set_xlabel("time since the first submission")
    below.set_xlim(0, max(span_ms, 1))
    for axes in (above, below):
        axes.set_ylim(0, max(axes.get_ylim()[1], 1))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        axes.yaxis.set_major_formatter("{x:,.0f}")
    drawing.linear_time(below.xaxis, span_ms)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


PLOTS: Final[Mapping[str, Plot]] = {
    "queue": Plot(
        "How many jobs waited, leases lived and workers idled, at up to 2,000 instants equally far apart.",
        queue,
    ),
    "leases": Plot(
        "Who held what in a slice of the run: a bar is a lease, a line leads from one that was lost to the "
        "next lease of the same execution.",
        leases.draw,
    ),
    "recovery": Plot(
        "How long it took until the work of a lost lease was held again.", distributions.recovery
    ),
    "waits": Plot("How long jobs waited, and how long they took in all.", distributions.waits),
}
