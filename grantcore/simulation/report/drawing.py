"""How every plot is drawn: one style, colours that the colour-blind tell apart, the same bytes every time.

Figures are made without ``pyplot`` and without what the user's ``matplotlibrc`` says. Text from outside is
text: no formula is read in it, and what the font lacks is drawn as a box.
"""

# pyright: reportUnknownMemberType=false
# matplotlib's own types leave its many keyword arguments open.

from __future__ import annotations

import io
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from grantcore.simulation.report import ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# Okabe and Ito's colours: told apart by the colour-blind too.
BLUE: Final = "#0072b2"
SKY: Final = "#56b4e9"
ORANGE: Final = "#e69f00"
VERMILION: Final = "#d55e00"
GREEN: Final = "#009e73"
GREY: Final = "#999999"
INK: Final = "#1b1b1f"
FAINT: Final = "#d7d7dc"
PAPER: Final = "#ffffff"

DPI: Final = 100
WIDTH_IN: Final = 9.0
"""Of every plot, in inches."""

STYLE: Final = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.dpi": DPI,
    "font.size": 9.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "path.simplify": True,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def styled(salt: str) -> Generator[None]:
    """Draw in the style of the house; ``salt`` decides the ids in an SVG."""
    with style.context(["default", STYLE | {"svg.hashsalt": f"grantcore-{salt}"}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        yield


def as_svg(make: Callable[[], Figure], name: str) -> str:
    """Draw a figure as SVG on white, the same text every time; ``name`` decides its ids."""
    target = io.StringIO()
    with styled(name):
        make().savefig(target, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    return target.getvalue()


def as_png(make: Callable[[], Figure], name: str, *, dpi: int = DPI) -> bytes:
    """Draw a figure as PNG on white, the same bytes every time."""
    target = io.BytesIO()
    with styled(name):
        make().savefig(target, format="png", facecolor="white", dpi=dpi, metadata={"Software": None})
    return target.getvalue()


def inline_svg(make: Callable[[], Figure], name: str) -> str:
    """Draw a figure to stand inside a page.

    It has no background, takes the page's colours of ink, lines and ground (``--ink``, ``--faint``,
    ``--paper``), and its ids begin with ``name``, so that two figures of a page do not meet.
    """
    target = io.StringIO()
    with styled(name):
        make().savefig(target, format="svg", facecolor="none", metadata={"Date": None, "Creator": None})
    text = target.getvalue()
    text = _METADATA.sub("", text[text.index("<svg") :])
    text = _ID.sub(rf"\1{name}-\2", text)
    return text.replace(INK, "var(--ink)").replace(FAINT, "var(--faint)").replace(PAPER, "var(--paper)")


_METADATA: Final = re.compile(r" *<metadata>.*?</metadata>\n", re.DOTALL)
_ID: Final = re.compile(r"""(\bid="|href="#|url\(#)([^")]+)""")


def figure(height_in: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure of this height with axes above each other that share their x."""
    made = Figure(figsize=(WIDTH_IN, height_in), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
    axes = made.subplots(rows, 1, sharex=True, squeeze=False)
    return made, [row[0] for row in axes]


def empty(text: str) -> Figure:
    """Say in the place of a plot why there is none."""
    made, (axes,) = figure(0.8)
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
    return made


def linear_time(axis: Axis, span_ms: int) -> None:
    """Give a linear axis from 0 ms ticks that people read."""
    _ticks(axis, ticks.linear(span_ms))


def log_time(axes: Axes, low_ms: float, high_ms: float) -> None:
    """Make the x of axes logarithmic between two durations, with ticks that people read."""
    axes.set_xscale("log")
    axes.set_xlim(low_ms, high_ms)
    _ticks(axes.xaxis, ticks.logarithmic(low_ms, high_ms))


def shares(axes: Axes, label: str) -> None:
    """Make the y of axes one of shares of 0 to 1, written as percent."""
    axes.set_ylabel(label)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))


def _ticks(axis: Axis, at_ms: tuple[int, ...]) -> None:
    axis.set_major_locator(FixedLocator(at_ms))
    axis.set_minor_locator(NullLocator())
    axis.set_ticks(at_ms, [ticks.short(tick) for tick in at_ms])
