"""The pictures of a run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from grantcore.simulation.record import Point, Tenure
from grantcore.simulation.report import distributions, drawing, plots, slicing
from tests.simulation.report import records

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from grantcore.simulation.record import Record

SVG = "{http://www.w3.org/2000/svg}"


def made(name: str, record: Record) -> Figure:
    with drawing.styled(name):
        return plots.PLOTS[name].draw(record)


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  # it was drawn here


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.uncovered
@pytest.mark.parametrize("name", [pytest.param("leases", marks=pytest.mark.uncovered), "waits"])
def test_an_svg_is_the_same_twice_whatever_the_user_prefers(name: str) -> None:
    first = plots.svg(records.hostile(), name)
    with mpl.rc_context({"font.size": 30, "svg.hashsalt": "other", "text.parse_math": True}):
        assert plots.svg(records.hostile(), name) == first
    assert mpl.rcParams["svg.hashsalt"] is None
    assert parsed(first).tag == f"{SVG}svg"
    assert any(text.startswith("<script>alert") for text in texts(first)) == (name == "leases")


def test_a_png_has_the_same_bytes_twice() -> None:
    record = records.single()
    first = plots.png(record, "leases", dpi=50)
    assert first.startswith(b"\x89PNG")
    assert plots.png(record, "leases", dpi=50) == first


def test_the_queue_says_how_long_it_was() -> None:
    record = records.single()
    record.points = [Point(0, 3, 1, 15), Point(7_200_000, 1_234, 16, 0)]
    figure = made("queue", record)
    assert titles(figure) == [
        "Waiting for a worker: up to 1,234",
        "Up to 16 live leases, and from 15 down to 0 idle workers",
    ]
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert labels == [
        "0",
        "15 min",
        "30 min",
        "45 min",
        "1 h",
        "1 h 15 min",
        "1 h 30 min",
        "1 h 45 min",
        "2 h",
    ]


def held(worker: int, execution: int, epoch: int, begin_ms: int, end: str = "completed") -> Tenure:
    return Tenure(f"w-{worker}", f"e-{execution}", epoch, begin_ms, begin_ms + 60_000, end)


def test_a_lost_lease_leads_to_the_next_of_the_same_execution() -> None:
    record = records.single()
    record.timeline = [
        held(10, 1, 1, 0, "lapsed"),
        held(2, 2, 1, 10_000, "revoked"),
        held(2, 1, 2, 90_000),
        held(3, 3, 1, 95_000, "failed"),
        held(3, 3, 2, 160_000),
    ]
    (axes,) = made("leases", record).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["w-2", "w-3", "w-10"]
    (link,) = axes.lines
    assert np.array_equal(link.get_xydata(), [[60_000, 2], [90_000, 0]])
    assert axes.get_title(loc="left") == "Leases of 3 workers: 5, of which 2 lost"


def test_the_legend_of_the_leases_names_what_is_seen() -> None:
    record = records.single()
    record.timeline = [held(1, 1, 1, 0, "lapsed"), held(2, 1, 2, 90_000, "open")]
    assert legend(made("leases", record)) == ["lost", "goes on", "taken over"]
    del record.timeline[0]
    assert legend(made("leases", record)) == ["goes on"]


def test_of_many_workers_those_that_lost_leases_are_shown() -> None:
    record = records.single()
    record.timeline = [held(number, number, 1, number * 1_000) for number in range(100)]
    record.timeline += [held(97, 200, 1, 100_000, "lapsed"), held(98, 200, 2, 200_000)]
    (axes,) = made("leases", record).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert len(names) == slicing.MOST_ROWS
    assert names[-2:] == ["w-97", "w-98"]
    assert names[:3] == ["w-0", "w-1", "w-2"]
    assert axes.get_title(loc="left") == "Leases of 24 of 100 workers: 26, of which 1 lost"


@pytest.mark.parametrize("times", [[0, 0], [5], [1, 2**62], [250_000] * 50, [0, 1, 10, 100, 10**9]])
def test_the_histogram_counts_every_recovery_once(times: list[int]) -> None:
    record = records.single()
    record.recoveries_ms.extend(times)
    axes, curve = made("recovery", record).axes
    (stairs,) = axes.patches
    assert sum(stairs.get_data().values) == len(times)  # type: ignore[attr-defined]
    assert curve.lines[0].get_ydata()[-1] == 1  # type: ignore[index]
    assert titles(made("recovery", record))[0].startswith(f"Recovery of {len(times)} lost lease")


def test_the_ttl_is_marked_where_the_axis_has_it() -> None:
    record = records.single()
    record.recoveries_ms.extend((200_000, 320_000))
    assert "time to live of a lease: 5 min" in legend(made("recovery", record))
    record.recoveries_ms[1] = 210_000
    assert legend(made("recovery", record)) == ["leases (left)", "share back by then (right)"]


def test_a_curve_has_few_points_and_ends_at_all() -> None:
    record = records.single()
    record.waits_ms.extend(range(10_000))
    del record.turnarounds_ms[:]
    (axes,) = made("waits", record).axes
    (line,) = axes.lines
    assert len(line.get_xdata()) == distributions.CURVE_POINTS + 2  # type: ignore[arg-type]
    assert (line.get_ydata()[0], line.get_ydata()[-1]) == (0, 1)  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("queue", "nothing was submitted"),
        ("leases", "no lease was taken"),
        ("recovery", "no lease that was lost to a fault was taken again"),
        ("waits", "no job got a lease"),
    ],
)
def test_where_there_is_nothing_the_plot_says_so(name: str, said: str) -> None:
    (axes,) = made(name, records.empty()).axes
    assert [text.get_text() for text in axes.texts] == [said]


def test_waits_of_nothing_are_told() -> None:
    assert distributions.waited([0, 0]) == "2 of 2 jobs did not wait"


@pytest.mark.uncovered
def test_ids_of_two_plots_of_a_page_do_not_meet() -> None:
    record = records.single()
    both = [drawing.inline_svg(partial(plots.PLOTS["leases"].draw, record), name) for name in ("a", "b")]
    ids = [{element.get("id") for element in parsed(text).iter() if element.get("id")} for text in both]
    assert ids[0]
    assert not ids[0] & ids[1]
    for text, own in zip(both, ids, strict=True):
        used = {
            value.split("#")[1].rstrip(")")
            for element in parsed(text).iter()
            for value in element.attrib.values()
            if "#" in value and ("url(" in value or value.startswith("#"))
        }
        assert used <= own
