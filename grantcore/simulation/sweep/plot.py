"""The trade-off as a picture: recovery against wasted work, the load of renewals as size and colour.

matplotlib (extra ``simulation``) is imported with this module, and only then; the style is the report's.
"""

# pyright: reportUnknownMemberType=false
# matplotlib's own types leave its many keyword arguments open.

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from grantcore.simulation.measures import METRICS
from grantcore.simulation.report import drawing
from grantcore.simulation.sweep.labelling import place_labels
from grantcore.simulation.sweep.summary import Spread
from grantcore.simulation.sweep.wording import HOUR_MS, LONG, MINUTE_MS, S_MS, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from grantcore.simulation.sweep.findings import Findings
    from grantcore.simulation.sweep.summary import Summary

SMALL, LARGE = 30.0, 330.0
"""Areas of the marks, in square points: the least load and the most."""

BARS: Final = "#b9b9c4"
"""Light: there are many of them, and labels lie above."""

NAME: Final = "trade-off"

LOG_FROM: Final = 8.0
"""An axis whose values span more than this factor is drawn by logarithms."""

HEIGHT_IN: Final = 6.2


def as_png(findings: Findings) -> bytes:
    """Draw for a document: the same bytes every time."""
    return drawing.as_png(lambda: draw(findings), NAME, dpi=150)


def inline(findings: Findings) -> str:
    """Draw to stand inside a page."""
    return drawing.inline_svg(lambda: draw(findings), NAME)


def draw(findings: Findings) -> Figure:
    """Draw every setting once: its mean, with bars over its seeds; small marks above large ones."""
    figure, (ax,) = drawing.figure(HEIGHT_IN)
    upright, level, load = findings.question.trade_off
    ups = _scaled(upright, findings)
    levels = _scaled(level, findings)
    loads = [summary.spreads[load].mean for summary in findings.summaries]
    _bars(ax, levels, ups)
    order = sorted(range(len(loads)), key=loads.__getitem__, reverse=True)
    marks = ax.scatter(
        [levels[place].mean for place in order],
        [ups[place].mean for place in order],
        s=[_area(loads[place], loads) for place in order],
        c=[loads[place] for place in order],
        cmap="viridis_r",
        edgecolors="white",
        linewidths=0.8,
        zorder=3,
    )
    if loads:
        figure.colorbar(marks, ax=ax, label=words(load, METRICS[load].unit), pad=0.02)
    _front(ax, findings, levels, ups)
    _ring(ax, findings, levels, ups)
    _axes(ax, findings, levels, ups)
    _legend(ax, findings)
    chosen = [place for place in range(len(ups)) if findings.mark(place)]
    place_labels(
        figure,
        ax,
        [(levels[place].mean, ups[place].mean) for place in range(len(ups))],
        {place: _short(findings.summaries[place]) for place in chosen},
    )
    return figure


def _bars(ax: Axes, levels: Sequence[Spread], ups: Sequence[Spread]) -> None:
    """Draw the ranges over the seeds."""
    ax.errorbar(
        [spread.mean for spread in levels],
        [spread.mean for spread in ups],
        xerr=_reach(levels),
        yerr=_reach(ups),
        fmt="none",
        ecolor=BARS,
        elinewidth=0.8,
        capsize=2,
        zorder=1,
    )


def _reach(spreads: Sequence[Spread]) -> tuple[list[float], list[float]]:
    """Tell how far each range goes down and up from its mean."""
    below = [max(spread.mean - spread.least, 0.0) for spread in spreads]
    return below, [max(spread.most - spread.mean, 0.0) for spread in spreads]


def _front(ax: Axes, findings: Findings, levels: Sequence[Spread], ups: Sequence[Spread]) -> None:
    """Ring the settings of the front thinly."""
    places = sorted(findings.front)
    loads = _loads(findings)
    ax.scatter(
        [levels[place].mean for place in places],
        [ups[place].mean for place in places],
        s=[_area(loads[place], loads) + 25 for place in places],
        facecolors="none",
        edgecolors=drawing.INK,
        linewidths=1.4,
        zorder=4,
    )


def _ring(ax: Axes, findings: Findings, levels: Sequence[Spread], ups: Sequence[Spread]) -> None:
    """Ring the setting that is advised."""
    for place, summary in enumerate(findings.summaries):
        if summary is findings.advice.chosen:
            ax.scatter(
                [levels[place].mean],
                [ups[place].mean],
                s=_area(_loads(findings)[place], _loads(findings)) + 260,
                facecolors="none",
                edgecolors=drawing.VERMILION,
                linewidths=2.4,
                zorder=5,
            )


def _axes(ax: Axes, findings: Findings, levels: Sequence[Spread], ups: Sequence[Spread]) -> None:
    """Name and scale the axes, and say how much is on them."""
    upright, level, _load = findings.question.trade_off
    ax.set_xlabel(words(level, _unit(level, findings)[1]))
    ax.set_ylabel(words(upright, _unit(upright, findings)[1]))
    for name, axis, spreads in (("x", ax.xaxis, levels), ("y", ax.yaxis, ups)):
        if _by_logarithms(spreads):
            ax.set(**{f"{name}scale": "log"})
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_formatter(NullFormatter())
    ax.margins(0.09)
    plan = findings.outcome.plan
    ax.set_title(f"{len(findings.summaries)} settings, mean and range over {len(plan.seeds)} seeds")


def _by_logarithms(spreads: Sequence[Spread]) -> bool:
    """Tell whether an axis spans so much that the small values would fall together."""
    least = min((spread.least for spread in spreads), default=0.0)
    return least > 0 and max(spread.most for spread in spreads) > LOG_FROM * least


def _legend(ax: Axes, findings: Findings) -> None:
    """Explain the marks, and what the labels are the values of."""
    keys = " / ".join(axis.key for axis in findings.outcome.plan.axes)
    marks = [
        _mark(
            drawing.INK, 8, 1.4, "front: no other setting beats it" + (f" (labels: {keys})" if keys else "")
        )
    ]
    if findings.advice.chosen is not None:
        marks.append(_mark(drawing.VERMILION, 13, 2.4, f"advised, for {findings.advice.objective}"))
    ax.legend(handles=marks, loc="upper left", bbox_to_anchor=(0, -0.1))


def _mark(colour: str, size: float, width: float, label: str) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        marker="o",
        markersize=size,
        markerfacecolor="none",
        markeredgecolor=colour,
        markeredgewidth=width,
        label=label,
    )


def _short(summary: Summary) -> str:
    """Name a setting by its values alone: the legend has the keys."""
    return " / ".join(value for _, value in summary.setting.changes)


def _loads(findings: Findings) -> list[float]:
    return [summary.spreads[findings.question.trade_off[2]].mean for summary in findings.summaries]


def _area(value: float, values: Sequence[float]) -> float:
    """Give the area of a mark: in proportion between the least value and the most."""
    least, most = min(values), max(values)
    share = (value - least) / (most - least) if most > least else 0.0
    return SMALL + (LARGE - SMALL) * share


def _scaled(metric: str, findings: Findings) -> list[Spread]:
    """Give the spreads of a measure in the unit of its axis."""
    by = _unit(metric, findings)[0]
    spreads = (summary.spreads[metric] for summary in findings.summaries)
    return [Spread(spread.mean / by, spread.least / by, spread.most / by) for spread in spreads]


def _unit(metric: str, findings: Findings) -> tuple[int, str]:
    """Choose the unit of an axis: durations in the largest one that a setting in the middle has some of."""
    unit = METRICS[metric].unit
    if unit != "ms":
        return 1, unit
    middle = median([summary.spreads[metric].mean for summary in findings.summaries] or [0])
    for name, length in (("h", HOUR_MS), ("min", MINUTE_MS), ("s", S_MS)):
        if middle >= LONG * length:
            return length, name
    return 1, "ms"
