"""What a sweep found: summaries, advice, tables, files, picture and page."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from grantcore.simulation.measures import METRICS
from grantcore.simulation.sweep import export, page, plot, tables
from grantcore.simulation.sweep.advice import Advice, AdviceError, Bound, advise
from grantcore.simulation.sweep.findings import Findings, Question
from grantcore.simulation.sweep.plan import Run
from grantcore.simulation.sweep.summary import OBJECTIVES, Spread, Summary, summaries
from grantcore.simulation.sweep.work import Result
from tests.simulation.sweep.making import findings, outcome, plan, result, trade

AXES = ("lease_ttl=10000,30000,90000", "heartbeat=1000,3000")
ASKED = Question.parse(", ".join(OBJECTIVES), "recovery_p95_ms", ["wasted_share<=0.3"])


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings(*AXES, question=ASKED)


# -- summaries -------------------------------------------------------------------------------


@pytest.mark.uncovered
@settings(max_examples=40)
@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=8))
def test_mean_least_and_most_over_the_seeds(values: list[float]) -> None:
    come = outcome(plan(seeds=len(values)), lambda run: result({"wasted_share": values[run.seed - 1]}))
    (summary,) = summaries(come.finished)
    spread = summary.spreads["wasted_share"]
    assert (spread.least, spread.most) == (min(values), max(values))
    assert spread.mean == pytest.approx(sum(values) / len(values))
    assert Spread.of(values[::-1]) == spread
    assert summary.seeds == tuple(range(1, len(values) + 1))


def test_more_of_what_is_good_costs_less() -> None:
    (summary,) = summaries(
        outcome(plan(), lambda _run: result({"goodput": 0.9, "wasted_share": 0.1})).finished
    )
    assert summary.costs(["goodput", "wasted_share"]) == (-0.9, 0.1)


# -- advice ----------------------------------------------------------------------------------


def advice(table: dict[str, tuple[float, float]], *bounds: str, metric: str = "recovery_p95_ms") -> Advice:
    """Advise among times to live with these recoveries and wasted shares."""

    def come(run: Run) -> Result:
        recovery, wasted = table[run.setting.changes[0][1]]
        return result({"recovery_p95_ms": recovery, "wasted_share": wasted, "goodput": 1 - wasted})

    made = outcome(plan(f"lease_ttl={','.join(table)}"), come)
    return advise(summaries(made.finished), 1, metric, [Bound.parse(bound) for bound in bounds])


TABLE = {"1000": (2_000.0, 0.5), "2000": (3_000.0, 0.2), "3000": (4_000.0, 0.1)}


@pytest.mark.parametrize(
    ("bounds", "metric", "sentence"),
    [
        (
            (),
            "recovery_p95_ms",
            "Take lease_ttl=1000: recovery_p95_ms 2.00 s, the least of 3 settings (one seed only).",
        ),
        ((), "goodput", "Take lease_ttl=3000: goodput 0.9, the most of 3 settings (one seed only)."),
        (
            ("wasted_share<=0.2",),
            "recovery_p95_ms",
            (
                "Take lease_ttl=2000: recovery_p95_ms 3.00 s, the least of the 2 of 3 settings that satisfy"
                " wasted_share <= 0.2; wasted_share 0.2 (one seed only)."
            ),
        ),
        (
            ("goodput>=0.85", "recovery_p95_ms<=9000"),
            "recovery_p95_ms",
            (
                "Take lease_ttl=3000: recovery_p95_ms 4.00 s, the least of the 1 of 3 settings that satisfy"
                " goodput >= 0.85 and recovery_p95_ms <= 9000; goodput 0.9 (one seed only)."
            ),
        ),
        (
            ("wasted_share<=0.05",),
            "recovery_p95_ms",
            (
                "No setting satisfies wasted_share <= 0.05. The nearest, lease_ttl=3000, misses"
                " wasted_share <= 0.05 by 0.05 (wasted_share 0.1)."
            ),
        ),
        (
            ("wasted_share<=0.1", "recovery_p95_ms<=3900"),
            "recovery_p95_ms",
            (
                "No setting satisfies wasted_share <= 0.1 and recovery_p95_ms <= 3900. The nearest,"
                " lease_ttl=3000, misses recovery_p95_ms <= 3900 by 100 ms (recovery_p95_ms 4.00 s)."
            ),
        ),
        (
            ("jobs>=5",),
            "goodput",
            (
                "No setting satisfies jobs >= 5. The nearest, lease_ttl=3000, misses jobs >= 5 by 5 jobs"
                " (jobs 0 jobs)."
            ),
        ),
    ],
)
def test_the_answer_is_one_sentence(bounds: tuple[str, ...], metric: str, sentence: str) -> None:
    assert advice(TABLE, *bounds, metric=metric).sentence == sentence


COST = st.integers(0, 3).map(float)
ROWS = st.lists(st.tuples(COST, COST), min_size=1, max_size=6)


@pytest.mark.uncovered
@settings(max_examples=40)
@given(ROWS, st.integers(0, 3))
def test_the_best_that_keeps_the_bounds_is_chosen(rows: list[tuple[float, float]], limit: int) -> None:
    table = {str(1000 + place): row for place, row in enumerate(rows)}
    chosen = advice(table, f"wasted_share<={limit}").chosen
    fit = {ttl: row for ttl, row in table.items() if row[1] <= limit}
    if not fit:
        assert chosen is None
        return
    best = min(recovery for recovery, _ in fit.values())
    expected = max(ttl for ttl, (recovery, _) in fit.items() if recovery == best)
    assert chosen is not None
    assert chosen.setting.changes == (("lease_ttl", expected),), "equals go to the larger time to live"


def test_equals_of_one_ttl_go_by_what_is_traded_then_by_name() -> None:
    made = outcome(plan("heartbeat=3000,1000,2000"), trade)
    assert advise(summaries(made.finished), 1, "recovery_p95_ms").sentence.startswith("Take heartbeat=3000:")
    made = outcome(plan("count=3,1,2"), trade)
    assert advise(summaries(made.finished), 1, "recovery_p95_ms").sentence.startswith("Take count=1:")


def test_a_setting_that_failed_or_is_unsound_is_not_advised() -> None:
    def come(run: Run) -> Result | str:
        ttl_ms = run.setting.scenario.leases.lease_ttl_ms
        if ttl_ms == 1000 and run.seed == 2:
            return "no"
        return result({"recovery_p95_ms": ttl_ms}, ["broken"] if ttl_ms == 2000 else [])

    come_of = outcome(plan("lease_ttl=1000,2000,3000", seeds=2), come)
    found = Findings.of(come_of, Question(objective="recovery_p95_ms"))
    assert found.advice.sentence.startswith("Take lease_ttl=3000")
    assert "mean and range over 2 seeds" in found.advice.sentence
    assert found.violations == 2
    assert "2 violations" in tables.plain(found)
    none = outcome(plan(), lambda _run: "no")
    assert "none was run with every seed" in Findings.of(none, ASKED).advice.sentence


NO_BOUNDS = ("", "a", "wasted_share", "wasted_share<1", "wasted_share<=", "wasted_share<=x", "x<=1", "<=1")
NO_NUMBERS = ("nan", "inf", "1e999", "1 2")


@pytest.mark.parametrize("text", [*NO_BOUNDS, *(f"wasted_share<={text}" for text in NO_NUMBERS)])
def test_a_bound_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(AdviceError, match="--subject-to"):
        Bound.parse(text)


@pytest.mark.parametrize("names", ["", "a,b,c", "goodput,goodput,wasted_share", "jobs,goodput,wasted_share"])
def test_a_trade_off_needs_three_measures_with_a_better_way(names: str) -> None:
    with pytest.raises(AdviceError, match="--trade-off"):
        Question.parse(names, None, [])


# -- tables and files ------------------------------------------------------------------------


def test_the_plain_table_has_a_line_for_each_setting(found: Findings) -> None:
    head, *lines = tables.plain(found).splitlines()
    assert re.split(r"  +", head.strip()) == [
        "lease_ttl",
        "heartbeat",
        "recovery p95",
        "wasted share",
        "renewals per hour",
    ]
    assert re.split(r"  +", lines[3]) == ["30000", "3000", "34.5 s (33.0 to 36.0 s)", "0.25", "1,200", "take"]
    assert lines[-1] == found.advice.sentence


@pytest.mark.parametrize("width", [80, 120])
def test_the_rich_table_fits_a_terminal(found: Findings, width: int) -> None:
    screen = io.StringIO()
    Console(file=screen, width=width).print(tables.table(found))
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any("33.0 to 36.0 s" in line for line in lines)
    assert len(lines) < 22


def test_csv_has_every_run_and_every_setting(found: Findings) -> None:
    runs = list(csv.DictReader(io.StringIO(export.runs_csv(found))))
    assert len(runs) == 12
    assert (runs[-1]["lease_ttl"], runs[-1]["heartbeat"], runs[-1]["seed"]) == ("90000", "3000", "2")
    settings = list(csv.DictReader(io.StringIO(export.settings_csv(found))))
    assert [row["advised"] for row in settings] == ["0", "0", "0", "1", "0", "0"]
    assert [row["front"] for row in settings] == ["0", "1", "0", "1", "0", "1"]
    for name in METRICS:
        for row, summary in zip(settings, found.summaries, strict=True):
            spread = summary.spreads[name]
            shown = [float(row[f"{name}_{what}"]) for what in ("mean", "min", "max")]
            assert shown == [spread.mean, spread.least, spread.most]


def test_json_has_all_of_it() -> None:
    come = outcome(
        plan("lease_ttl=1000,2000"), lambda run: "no" if "1000" in run.setting.label else trade(run)
    )
    data = json.loads(export.as_json(Findings.of(come, ASKED)))
    assert data["failures"][0] | {"replay": ""} == {
        "changes": {"lease_ttl": "1000"},
        "seed": 1,
        "error": "no",
        "replay": "",
    }
    assert data["runs"][0]["replay"] == "grantcore simulate --set lease_ttl=2000 --seed 1"
    assert list(data["runs"][0]["measures"]) == list(METRICS) == list(data["settings"][0]["measures"])
    assert data["answer"].startswith("No setting satisfies")


def test_without_an_objective_the_front_is_told() -> None:
    asked = findings(*AXES)
    assert asked.advice.chosen is None
    assert asked.advice.sentence.startswith(
        "3 of 6 settings are on the front (recovery_p95_ms, wasted_share,"
    )


# -- picture and page ------------------------------------------------------------------------


@pytest.mark.uncovered
def test_the_picture_has_every_setting_and_is_the_same_every_time(found: Findings) -> None:
    svg = plot.inline(found)
    for text in ("30000 / 3000", "90000 / 3000", "wasted share", "recovery p95 (s)", "renewals per hour"):
        assert text in svg
    assert "30000 / 1000" not in svg, "it is not on the front"
    assert "advised, for recovery_p95_ms" in svg
    assert svg == plot.inline(found)
    assert page.page(found) == page.page(found)
    assert plot.as_png(found).startswith(b"\x89PNG")


@pytest.mark.uncovered
@pytest.mark.parametrize(
    ("recovery", "unit"), [(5, "(ms)"), (5_000, "(s)"), (500_000, "(min)"), (50_000_000, "(h)")]
)
def test_the_upright_axis_has_a_fitting_unit(recovery: int, unit: str) -> None:
    come = outcome(plan(), lambda _run: result({"recovery_p95_ms": recovery}))
    assert f"recovery p95 {unit}" in plot.inline(Findings.of(come, Question()))


def test_an_empty_sweep_has_a_picture_and_a_page() -> None:
    none = Findings.of(outcome(plan(), lambda _run: "broke <down>"), Question())
    assert plot.as_png(none)
    text = page.page(none)
    assert "1 runs failed" in text
    assert "broke &lt;down&gt;" in text


class Checker(HTMLParser):
    """Notes what a page loads, and whether its elements close."""

    VOID = ("meta", "br", "link", "img")

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [
            value for name, value in attrs if name in {"src", "href"} and value and value[0] != "#"
        ]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else(found: Findings) -> None:
    text = page.page(found)
    checker = Checker()
    checker.feed(text)
    assert (checker.loads, checker.open) == ([], [])
    assert "<script" not in text
    assert found.advice.sentence.replace("<=", "&lt;=") in text


def test_spreads_are_told_in_one_unit() -> None:
    made = attrs.make_class("Row", ["text"])(tables.plain(findings("lease_ttl=170000", seeds=3)))
    assert "3.40 min (3.12 to 3.68 min)" in made.text
    assert isinstance(findings().summaries[0], Summary)
