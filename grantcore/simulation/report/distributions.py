"""How durations are distributed: recovery, wait and turnaround, on a logarithmic axis of time."""

# pyright: reportUnknownMemberType=false
# matplotlib's own types leave its many keyword arguments open.

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from matplotlib.ticker import MaxNLocator

from grantcore.simulation.measures import percentile
from grantcore.simulation.report import drawing, ticks, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from grantcore.simulation.record import Record

CURVE_POINTS: Final = 400
"""A curve has at most that many; more would not be seen."""

BINS: Final = 30
"""A histogram has about that many."""


def recovery(record: Record) -> Figure:
    """Draw how long lost leases took to be held again."""
    ordered = sorted(record.recoveries_ms)
    if not ordered:
        return drawing.empty("no lease that was lost to a fault was taken again")
    figure, (axes,) = drawing.figure(3.8)
    ends_ms = _ends(ordered)
    _histogram(axes, ordered, ends_ms)
    _mark(axes, record.scenario.leases.lease_ttl_ms, ends_ms)
    curve = axes.twinx()
    _curve(curve, ordered, ends_ms, "share back by then (right)", drawing.INK)
    curve.grid(visible=False)
    curve.spines["right"].set_visible(True)
    drawing.shares(curve, "share of the leases")
    drawing.log_time(axes, *ends_ms)
    axes.set_xlabel("from the fault to the next lease of the same execution (logarithmic)")
    axes.set_title(
        f"Recovery of {words.counted(len(ordered), 'lost lease')}: half within "
        f"{ticks.short(percentile(ordered, 50))}, 95 % within {ticks.short(percentile(ordered, 95))}"
    )
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def waits(record: Record) -> Figure:
    """Draw how long jobs waited, and how long they took in all."""
    ordered, ended = sorted(record.waits_ms), sorted(record.turnarounds_ms)
    if not ordered:
        return drawing.empty("no job got a lease")
    figure, (axes,) = drawing.figure(3.8)
    ends_ms = _ends(sorted([*ordered, *ended]))
    _curve(axes, ordered, ends_ms, "wait: submission to first lease", drawing.BLUE)
    if ended:
        _curve(axes, ended, ends_ms, "turnaround: submission to end", drawing.VERMILION, "--")
    drawing.shares(axes, "share of the jobs")
    drawing.log_time(axes, *ends_ms)
    axes.set_xlabel("time (logarithmic; at the left edge: that or less)")
    axes.set_title(waited(ordered))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def waited(ordered: Sequence[int]) -> str:
    """Say how long jobs waited.

    >>> waited([0, 0, 0, 5_000]), waited([1_000, 2_000])
    ('3 of 4 jobs did not wait; 95 % waited up to 5 s', 'Half of 2 jobs waited up to 1 s, 95 % up to 2 s')
    """
    jobs = words.counted(len(ordered), "job")
    half_ms, most_ms = percentile(ordered, 50), percentile(ordered, 95)
    if half_ms:
        return f"Half of {jobs} waited up to {ticks.short(half_ms)}, 95 % up to {ticks.short(most_ms)}"
    rest = f"; 95 % waited up to {ticks.short(most_ms)}" if most_ms else ""
    return f"{bisect_left(ordered, 1):,} of {jobs} did not wait{rest}"


def _histogram(axes: Axes, ordered: Sequence[int], ends_ms: tuple[float, float]) -> None:
    """Count durations by bins of equal width on the axis; what is below the axis is in the first."""
    low_ms, high_ms = ends_ms
    step = (high_ms / low_ms) ** (1 / BINS)
    edges = [low_ms * step**count for count in range(BINS)] + [high_ms]
    below = [0, *(bisect_left(ordered, edge) for edge in edges[1:])]
    counts = [after - before for before, after in pairwise(below)]
    axes.stairs(counts, edges, fill=True, color=drawing.SKY, label="leases (left)")
    axes.set_ylabel("leases")
    axes.set_ylim(0, max(counts) * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))


def _mark(axes: Axes, ttl_ms: int, ends_ms: tuple[float, float]) -> None:
    """Mark how long a lease lives, if the axis reaches there."""
    if ends_ms[0] <= ttl_ms <= ends_ms[1]:
        label = f"time to live of a lease: {ticks.short(ttl_ms)}"
        axes.axvline(ttl_ms, color=drawing.VERMILION, linestyle="--", linewidth=1.5, label=label)


def _curve(
    axes: Axes,
    ordered: Sequence[int],
    ends_ms: tuple[float, float],
    label: str,
    colour: str,
    line: str = "-",
) -> None:
    """Draw the share of sorted durations that are at most so long, from one end of the axis to the other."""
    low_ms, high_ms = ends_ms
    count = len(ordered)
    ranks = sorted({-(-count * step // CURVE_POINTS) for step in range(1, CURVE_POINTS + 1)})
    axes.step(
        [low_ms, *(max(ordered[rank - 1], low_ms) for rank in ranks), high_ms],
        [0, *(rank / count for rank in ranks), 1],
        where="post",
        color=colour,
        label=label,
        linestyle=line,
        linewidth=1.8,
    )


def _ends(ordered: Sequence[int]) -> tuple[float, float]:
    """Choose where an axis begins and ends; what is nothing, or rare and short, is put at its left edge."""
    positive = ordered[bisect_left(ordered, 1) :]
    if not positive:
        return 1.0, 1_000.0
    low_ms = max(percentile(positive, 1), positive[-1] // 10**6, 1)
    return low_ms * 0.8, positive[-1] * 1.25
