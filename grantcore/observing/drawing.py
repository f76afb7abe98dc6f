"""Bars of a timeline, drawn with matplotlib (extra ``plot``); :meth:`Timeline.draw` is the way here."""

# pyright: reportUnknownMemberType=false
# matplotlib's own types leave its many keyword arguments open.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure
from matplotlib.patches import Patch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from grantcore.observing.tenures import Interval

MS_PER_S: Final = 1000

# Okabe and Ito's colours: told apart by the colour-blind too.
GOES_ON: Final = ("goes on", "#56B4E9")
DONE: Final = ("completed", "#009E73")
FAILED: Final = ("failed", "#D55E00")
LOST: Final = ("lost", "#CC79A7")
PUT_OFF: Final = ("given back", "#999999")
KINDS: Final = (GOES_ON, DONE, FAILED, LOST, PUT_OFF)

KIND_OF: Final = {
    None: GOES_ON,
    "Completed": DONE,
    "Failed": FAILED,
    "RetryScheduled": FAILED,
    "AttemptTimedOut": LOST,
    "DeadlinePassed": LOST,
    "LeaseLapsed": LOST,
    "LeaseRevoked": LOST,
}
"""Label and colour by the event that ended a lease; any other gave it back."""


def draw(lines: Mapping[str, Sequence[Interval]], now_ms: int, by: str, ax: Axes | None) -> Axes:
    """Draw one line per entry, the first at the top. O(intervals)."""
    if ax is None:
        ax = Figure(figsize=(10, 1.5 + 0.35 * len(lines)), layout="constrained").add_subplot()
    start_ms = min((line[0].began_at_ms for line in lines.values()), default=now_ms)
    for place, intervals in enumerate(lines.values()):
        spans = [_span(interval, start_ms, now_ms) for interval in intervals]
        colours = [_kind(interval)[1] for interval in intervals]
        ax.broken_barh(spans, (place - 0.4, 0.8), facecolors=colours, edgecolor="white", linewidth=0.5)
    ax.set_yticks(range(len(lines)), list(lines))
    ax.set_ylim(max(len(lines), 1) - 0.5, -0.5)
    ax.set_xlim(0, max((now_ms - start_ms) / MS_PER_S, 0.001))
    ax.set_xlabel(f"seconds since {start_ms} ms")
    ax.set_ylabel(by)
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)
    seen = {_kind(interval) for intervals in lines.values() for interval in intervals}
    handles = [Patch(color=colour, label=label) for label, colour in KINDS if (label, colour) in seen]
    if handles:
        ax.legend(
            handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(handles), frameon=False
        )
    return ax


def _span(interval: Interval, start_ms: int, now_ms: int) -> tuple[float, float]:
    """Beginning and length, in seconds."""
    ended_ms = now_ms if interval.ended_at_ms is None else interval.ended_at_ms
    return (interval.began_at_ms - start_ms) / MS_PER_S, (ended_ms - interval.began_at_ms) / MS_PER_S


def _kind(interval: Interval) -> tuple[str, str]:
    return KIND_OF.get(interval.end, PUT_OFF)
