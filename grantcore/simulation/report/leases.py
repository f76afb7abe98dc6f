"""The timeline of leases: a worker is a row, a lease is a bar, what was lost leads on to who took it over."""

# pyright: reportUnknownMemberType=false
# matplotlib's own types leave its many keyword arguments open.

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from grantcore.simulation.report import drawing, ticks, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from grantcore.simulation.record import Record, Tenure

MOST_ROWS: Final = 24
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

LOOK_OF: Final = {
    "completed": COMPLETED,
    "failed": FAILED,
    "lapsed": LOST,
    "revoked": LOST,
    "open": OPEN,
}
"""By the end of a lease; any other is ``OTHER``."""


def draw(record: Record) -> Figure:
    """Draw the slice of the record, with the workers that lost leases if there is no room for all."""
    rows = _rows(record.timeline)
    if not rows:
        return drawing.empty("no lease was taken")
    figure, (axes,) = drawing.figure(1.9 + 0.23 * max(len(rows), 4))
    shown = [tenure for tenure in record.timeline if tenure.worker_id in rows]
    begin_ms = shown[0].begin_ms
    for look in LOOKS:
        _bars(axes, [tenure for tenure in shown if _look(tenure) is look], rows, begin_ms, look)
    links = list(_links(shown))
    for lost, taken in links:
        _link(axes, lost, taken, rows, begin_ms)
    span_ms = max(tenure.end_ms for tenure in shown) - begin_ms
    axes.set_xlim(0, max(span_ms, 1))
    drawing.linear_time(axes.xaxis, span_ms)
    axes.set_xlabel(f"time, from {ticks.short(begin_ms - record.first_submit_ms)} after the first submission")
    axes.set_yticks(range(len(rows)), [words.safe(worker_id, LONGEST_NAME) for worker_id in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_title(_title(record.timeline, shown, rows))
    figure.legend(
        handles=_legend(shown, linked=bool(links)), loc="outside lower center", ncols=len(LOOKS) + 1
    )
    return figure


def _rows(tenures: Sequence[Tenure]) -> dict[str, int]:
    """Give each worker its row, in natural order; of too many those that matter to lost leases stay."""
    weight = Counter[str](tenure.worker_id for tenure in tenures)
    for lost, taken in _links(tenures):
        weight.update({lost.worker_id: len(tenures), taken.worker_id: len(tenures)})
    chosen = sorted(weight, key=lambda worker_id: (-weight[worker_id], _natural(worker_id)))[:MOST_ROWS]
    return {worker_id: row for row, worker_id in enumerate(sorted(chosen, key=_natural))}


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort numbers inside names as numbers: ``w-2`` before ``w-10``."""
    return [(int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name)]


def _links(tenures: Sequence[Tenure]) -> Iterator[tuple[Tenure, Tenure]]:
    """Pair each lease that was lost with the next of the same execution, where the slice has it."""
    by_execution: dict[str, list[Tenure]] = {}
    for tenure in tenures:
        by_execution.setdefault(tenure.execution_id, []).append(tenure)
    for held in by_execution.values():
        for lost, taken in pairwise(sorted(held, key=lambda tenure: tenure.lease_epoch)):
            if _look(lost) is LOST:
                yield lost, taken


def _look(tenure: Tenure) -> Look:
    return LOOK_OF.get(tenure.end, OTHER)


def _bars(axes: Axes, tenures: Sequence[Tenure], rows: Mapping[str, int], begin_ms: int, look: Look) -> None:
    """Draw the leases that ended in one way."""
    axes.barh(
        [rows[tenure.worker_id] for tenure in tenures],
        [tenure.end_ms - tenure.begin_ms for tenure in tenures],
        left=[tenure.begin_ms - begin_ms for tenure in tenures],
        height=0.72,
        color=look.colour,
        edgecolor="white",
        hatch=look.hatch,
        linewidth=0.5,
    )


def _link(axes: Axes, lost: Tenure, taken: Tenure, rows: Mapping[str, int], begin_ms: int) -> None:
    """Lead from the end of a lost lease to the begin of the next one."""
    axes.plot(
        [lost.end_ms - begin_ms, taken.begin_ms - begin_ms],
        [rows[lost.worker_id], rows[taken.worker_id]],
        color=drawing.INK,
        linewidth=1.1,
        marker="o",
        markersize=3.2,
        markevery=[1],
    )


def _title(tenures: Sequence[Tenure], shown: Sequence[Tenure], rows: Mapping[str, int]) -> str:
    """Say how much is seen."""
    lost = sum(_look(tenure) is LOST for tenure in shown)
    workers = len({tenure.worker_id for tenure in tenures})
    some = f"{len(rows)} of {workers:,} workers" if workers > len(rows) else words.counted(workers, "worker")
    return f"Leases of {some}: {len(shown):,}, of which {lost:,} lost"


def _legend(shown: Sequence[Tenure], *, linked: bool) -> list[Patch | Line2D]:
    """Explain the colours that are seen."""
    seen = {_look(tenure) for tenure in shown}
    handles: list[Patch | Line2D] = [
        Patch(facecolor=look.colour, edgecolor="white", hatch=look.hatch, label=look.label)
        for look in LOOKS
        if look in seen
    ]
    if linked:
        handles.append(Line2D([], [], color=drawing.INK, marker="o", markersize=3.2, label="taken over"))
    return handles
