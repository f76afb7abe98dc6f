"""Labels beside marks, so that none lies on another label or on a mark where that can be helped."""

# pyright: reportUnknownMemberType=false
# matplotlib's own types leave its many keyword arguments open.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.transforms import Bbox

from grantcore.simulation.report import drawing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPOTS: Final = tuple(
    (right * far, up * far)
    for far in (14, 24, 38, 54, 72, 90)
    for right, up in ((1, 0.4), (-1, 0.4), (0, 1), (0, -1), (1, -0.8), (-1, -0.8), (1, 1.2), (-1, 1.2))
)
"""Where a label may lie, in points from its mark; the first that is free is taken."""

FONT_SIZE: Final = 8

MARK_PX: Final = 9
"""About the radius of a mark."""

Place = tuple[float, float]


def place_labels(figure: Figure, ax: Axes, marks: Sequence[Place], labels: Mapping[int, str]) -> None:
    """Write the labels of some of the marks. O(labels^2 * spots + labels * marks).

    Args:
        figure: is drawn once, for the sizes of texts.
        ax: has the marks.
        marks: the places of all of them, in the coordinates of the data.
        labels: by the index of their mark.
    """
    figure.draw_without_rendering()
    frame = ax.get_window_extent()
    per_point = figure.dpi / 72
    points: list[Place] = [tuple(ax.transData.transform(mark)) for mark in marks]
    taken: list[Bbox] = []
    for index, label in labels.items():
        text = ax.text(*marks[index], label, fontsize=FONT_SIZE)
        size = text.get_window_extent()
        text.remove()
        boxes = [_box(points[index], spot, size, per_point) for spot in SPOTS]
        costs = [_cost(box, frame, taken, points) for box in boxes]
        best = costs.index(min(costs))
        taken.append(boxes[best])
        _write(ax, marks[index], label, SPOTS[best])


def _write(ax: Axes, mark: Place, label: str, spot: Place) -> None:
    """Write a label at a spot, with a thin line to its mark."""
    ax.annotate(
        label,
        mark,
        xytext=spot,
        textcoords="offset points",
        ha=("right", "center", "left")[_side(spot)],
        va="center",
        fontsize=FONT_SIZE,
        arrowprops={"arrowstyle": "-", "color": drawing.GREY, "linewidth": 0.5, "shrinkB": 4},
        zorder=6,
    )


def _box(point: Place, spot: Place, size: Bbox, per_point: float) -> Bbox:
    """Tell where the words of ``_write`` will be, in pixels."""
    left = point[0] + spot[0] * per_point - (size.width, size.width / 2, 0.0)[_side(spot)]
    low = point[1] + spot[1] * per_point - size.height / 2
    return Bbox.from_bounds(left, low, size.width, size.height)


def _side(spot: Place) -> int:
    """Tell on which side of its mark a spot is: 0 left, 1 neither, 2 right."""
    return (spot[0] >= 0) + (spot[0] > 0)


def _cost(box: Bbox, frame: Bbox, taken: Sequence[Bbox], points: Sequence[Place]) -> int:
    """Count what a label would lie on; to leave the frame counts most."""
    outside = box.x0 < frame.x0 or box.x1 > frame.x1 or box.y0 < frame.y0 or box.y1 > frame.y1
    covered = sum(box.overlaps(other) for other in taken)
    hidden = sum(box.padded(MARK_PX).contains(*point) for point in points)
    return 100 * int(outside) + 10 * covered + hidden
