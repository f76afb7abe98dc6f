"""The timeline of leases: a worker is a row, a lease is a bar, what was lost leads on to who took it over."""

# pyright: reportUnknownMemberType=false
# matplotlib's own types leave its many keyword arguments open.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from grantcore.simulation.report import drawing, slicing, ticks, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from grantcore.simulation.record import Record, Tenure
    from grantcore.simulation.report.slicing import Slice

LONGEST_NAME: Final = 22


@attrs.frozen
class Look:
    """How the bars of one way to end are drawn."""

    label: str
    colour: str
    hatch: str = ""


COMPLETED: Final = Look("completed", drawing.SKY)
FAILED: Final = Look("failed", drawing.ORANGE, "...")
LOST: Final = Look("lost", drawing.VERMILION, "////")
OPEN: Final = Look("goes on", drawing.GREEN)
OTHER: Final = Look("ended otherwise", drawing.GREY)
LOOKS: Final = (COMPLETED, FAILED, LOST, OPEN, OTHER)

LOOK_OF: Final = {"completed": COMPLETED, "failed": FAILED, "open": OPEN} | dict.fromkeys(
    slicing.LOST_ENDS, LOST
)
"""By the end of a lease; any other is ``OTHER``."""


def draw(record: Record) -> Figure:
    """Draw the part of the recorded leases that there is room for."""
    if not record.timeline:
        return drawing.empty("no lease was taken")
    part = slicing.cut(record.timeline)
    figure, (axes,) = drawing.figure(1.9 + 0.23 * max(len(part.rows), 4))
    for look in LOOKS:
        _bars(axes, part, look)
    for lost, taken in part.links:
        _link(axes, part, lost, taken)
    axes.set_xlim(0, part.end_ms - part.begin_ms)
    drawing.linear_time(axes.xaxis, part.end_ms - part.begin_ms)
    since_ms = max(part.begin_ms - record.first_submit_ms, 0)
    axes.set_xlabel(f"time, from {ticks.short(since_ms)} after the first submission")
    axes.set_yticks(range(len(part.rows)), [words.safe(worker_id, LONGEST_NAME) for worker_id in part.rows])
    axes.set_ylim(len(part.rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_title(_title(part))
    figure.legend(handles=_legend(part), loc="outside lower center", ncols=len(LOOKS) + 1)
    return figure


def _look(tenure: Tenure) -> Look:
    return LOOK_OF.get(tenure.end, OTHER)


def _bars(axes: Axes, part: Slice, look: Look) -> None:
    """Draw the leases that ended in one way."""
    tenures = [tenure for tenure in part.tenures if _look(tenure) is look]
    axes.barh(
        [part.rows[tenure.worker_id] for tenure in tenures],
        [tenure.end_ms - tenure.begin_ms for tenure in tenures],
        left=[tenure.begin_ms - part.begin_ms for tenure in tenures],
        height=0.72,
        color=look.colour,
        edgecolor="white",
        hatch=look.hatch,
        linewidth=0.5,
    )


def _link(axes: Axes, part: Slice, lost: Tenure, taken: Tenure) -> None:
    """Lead from the end of a lost lease to the begin of the next one."""
    axes.plot(
        [lost.end_ms - part.begin_ms, taken.begin_ms - part.begin_ms],
        [part.rows[lost.worker_id], part.rows[taken.worker_id]],
        color=drawing.INK,
        linewidth=1.1,
        marker="o",
        markersize=3.2,
        markevery=[1],
    )


def _title(part: Slice) -> str:
    """Say how much is seen."""
    lost = sum(_look(tenure) is LOST for tenure in part.tenures)
    some = f"{len(part.rows)} of " if part.workers > len(part.rows) else ""
    workers = words.counted(part.workers, "worker")
    return f"Leases of {some}{workers}: {len(part.tenures):,}, of which {lost:,} lost"


def _legend(part: Slice) -> list[Patch | Line2D]:
    """Explain the colours that are seen."""
    seen = {_look(tenure) for tenure in part.tenures}
    handles: list[Patch | Line2D] = [
        Patch(facecolor=look.colour, edgecolor="white", hatch=look.hatch, label=look.label)
        for look in LOOKS
        if look in seen
    ]
    if part.links:
        handles.append(Line2D([], [], color=drawing.INK, marker="o", markersize=3.2, label="taken over"))
    return handles
