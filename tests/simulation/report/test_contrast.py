"""Both pages can be read in the light and in the dark: contrasts of WCAG 2.1, 1.4.3 and 1.4.11 (issue 6)."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Final

import pytest

from grantcore.simulation.report import drawing
from grantcore.simulation.report.page import STYLE
from grantcore.simulation.sweep.page import MORE_STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEXT: Final = 4.5
SHAPE: Final = 3.0

_LIGHT, _DARK = (
    dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)
MODES: Final = {"light": _LIGHT, "dark": _DARK}


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("mode", MODES)
def test_text_can_be_read_on_paper_and_cards(mode: str) -> None:
    colours = MODES[mode]
    for ink, ground in product(("ink", "dim", "good", "bad"), ("paper", "card")):
        assert contrast(colours[ink], colours[ground]) >= TEXT, (ink, ground)


@pytest.mark.parametrize("mode", MODES)
def test_the_bar_beside_the_answer_of_a_sweep_can_be_seen(mode: str) -> None:
    (bar,) = re.findall(r"#[0-9a-f]{6}", MORE_STYLE)
    for ground in ("paper", "card"):
        assert contrast(bar, MODES[mode][ground]) >= SHAPE, ground


def test_both_modes_have_the_same_colours() -> None:
    assert MODES["light"].keys() == MODES["dark"].keys() >= {"ink", "faint", "paper", "card"}


def test_a_picture_in_a_page_has_the_colours_of_the_page() -> None:
    def ringed() -> Figure:
        figure, (ax,) = drawing.figure(2.0)
        ax.scatter([1], [1], edgecolors="white")
        return figure

    drawn = drawing.inline_svg(ringed, "ringed")
    assert "stroke: var(--paper)" in drawn
    assert not re.search(f"{drawing.INK}|{drawing.FAINT}|{drawing.PAPER}", drawn)
