"""The page."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from grantcore.simulation.measures import measure
from grantcore.simulation.report import plots
from grantcore.simulation.report.data import as_json, report_digest
from grantcore.simulation.report.page import as_page
from tests.simulation.report import records
from tests.simulation.report.reading import Page, unknown_numbers

if TYPE_CHECKING:
    from grantcore.simulation.record import Record

NAMES = (
    "hostile",
    *(pytest.param(name, marks=pytest.mark.uncovered) for name in ("empty", "single", "huge")),
)


@cache
def run(name: str) -> tuple[Record, str]:
    record: Record = getattr(records, name)()
    return record, as_page(record, measure(record))


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_the_page_is_in_the_json(name: str) -> None:
    record, text = run(name)
    assert len(Page(text).numbers) > 60
    assert not unknown_numbers(text, as_json(record, measure(record)))
    assert not Page(text).loose


@pytest.mark.uncovered
def test_a_number_that_is_not_in_the_json_would_be_found() -> None:
    record, text = run("single")
    report = as_json(record, measure(record))
    planted = text.replace('<data value="0.0625">', '<data value="0.0626">', 1)
    assert unknown_numbers(planted, report) == ["0.0626"]
    loose = text.replace("</table>", "<tr><td>12 jobs</td></tr></table>", 1)
    assert Page(loose).loose == ["12 jobs"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_well_formed_and_needs_nothing_else(name: str) -> None:
    _, text = run(name)
    read = Page(text)
    assert read.unbalanced == []
    assert len(set(read.ids)) == len(read.ids)
    assert not read.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert not [name for name, _ in read.attributes if name.startswith("on") or name in {"src", "action"}]
    assert not [value for name, value in read.attributes if name.endswith("href") and value[:1] != "#"]
    assert not re.search(r"@import|url\((?!#)", text)
    assert set(re.findall(r"https?://[^\"' ]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_tags_that_are_left_open_would_be_found() -> None:
    assert Page("<p>a<b>c</p>").unbalanced == ["p", "p"]
    assert Page("<p/>").unbalanced == []


def test_what_comes_from_outside_is_text() -> None:
    _, text = run("hostile")
    words = "".join(Page(text).words)
    assert "<script>alert('x')</script>&amp;$\\frac{$\\x1b[2J\\u202e\\n中 ran twice" in words
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "secret" not in text


def test_violations_stand_at_the_top() -> None:
    _, text = run("hostile")
    assert text.index('class="broken"') < text.index('class="headlines"') < text.index("<figure>")
    assert "found nothing wrong" not in text


@pytest.mark.usefixtures("undrawn")
def test_without_violations_nothing_wrong_was_found() -> None:
    record = records.single()
    assert "found nothing wrong" in as_page(record, measure(record))


@pytest.mark.uncovered
def test_every_plot_is_in_it_with_what_it_shows() -> None:
    _, text = run("single")
    assert text.count("</figcaption>") == len(plots.PLOTS)
    for plot in plots.PLOTS.values():
        assert f"<figcaption>{plot.says}</figcaption>" in text


@pytest.mark.parametrize("name", NAMES)
def test_the_plots_are_svg_without_a_date(name: str) -> None:
    pictures = re.findall(r"<svg .*?</svg>", run(name)[1], re.DOTALL)
    assert len(pictures) == len(plots.PLOTS)
    for picture in pictures:
        assert ET.fromstring(picture) is not None  # noqa: S314  # it was drawn here
        assert "date" not in picture


@pytest.mark.uncovered
def test_every_number_has_its_unit_and_meaning() -> None:
    _, text = run("single")
    assert (
        '<tr><th>utilisation</th><td class="number"><data value="0.0625">6.25 %</data></td>'
        '<td class="unit"></td><td class="says">of the workers&#x27; time that was spent inside leases</td>'
    ) in text
    assert '<td class="unit">calls/lease</td>' in text


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes a second: a page without its plots."""
    monkeypatch.setattr(plots, "PLOTS", {})


@pytest.mark.usefixtures("undrawn")
def test_it_says_how_to_do_the_same_again() -> None:
    record = records.empty()
    text = as_page(record, measure(record), command="grantcore simulate 'a & b.toml' --seed 1")
    assert "<pre>grantcore simulate &#x27;a &amp; b.toml&#x27; --seed 1</pre>" in text
    assert report_digest(record, measure(record)) in text


@pytest.mark.usefixtures("undrawn")
def test_of_many_lanes_the_largest_are_shown() -> None:
    record = records.huge()
    text = as_page(record, measure(record))
    assert text.count("<th>lane-") == 40
    assert "The 40 with the most jobs; the JSON has all." in text


@pytest.mark.uncovered
def test_it_is_the_same_in_another_process_with_other_hashes_and_without_pyplot() -> None:
    code = """if True:
        import sys
        from hashlib import sha256
        from grantcore.simulation.measures import measure
        from grantcore.simulation.report.page import as_page
        from tests.simulation.report.records import hostile
        text = as_page(hostile(), measure(hostile()))
        print(sha256(text.encode()).hexdigest(), "matplotlib.pyplot" in sys.modules)
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
        env={"PYTHONHASHSEED": "77", "PYTHONPATH": "."},
    )
    assert done.stdout.split() == [sha256(run("hostile")[1].encode()).hexdigest(), "False"]
