"""A sweep on a terminal: a rich table, or plain aligned text where nobody looks."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from grantcore.simulation.sweep.wording import cell, mean, span, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantcore.simulation.sweep.findings import Findings
    from grantcore.simulation.sweep.summary import Summary

STYLES: Final = {"take": "bold green", "front": "bold", "": ""}

HEAD_CHARACTERS: Final = 14
"""A longer head is broken where a word ends."""

Row = tuple[str, ...]


def heading(findings: Findings) -> Row:
    """Name the columns: the keys that vary, the measures, and the mark."""
    keys = [axis.key for axis in findings.outcome.plan.axes]
    measures = (words(metric, "") for metric in findings.question.measures)
    return (*keys, *measures, "")


def rows(findings: Findings, *, below: bool = False) -> Iterator[Row]:
    """Give a row for each setting; ``below``: a range is on a line of its own."""
    for place, summary in enumerate(findings.summaries):
        values = (value for _, value in summary.setting.changes)
        cells = (_cell(metric, summary, below=below) for metric in findings.question.measures)
        yield (*values, *cells, _mark(findings, place))


def _cell(metric: str, summary: Summary, *, below: bool) -> str:
    """Write the mean and, of several seeds, the range."""
    spread = summary.spreads[metric]
    middle, reach = cell(metric, mean(metric, spread)), cell(metric, span(metric, spread))
    if not reach:
        return middle
    return f"{middle}\n{reach}" if below else f"{middle} ({reach})"


def _mark(findings: Findings, place: int) -> str:
    """Mark what is advised, what is on the front, and what the auditor found."""
    violations = findings.summaries[place].violations
    found = f"{violations:,} violations" if violations else ""
    return " ".join(filter(None, (findings.mark(place), found)))


def plain(findings: Findings) -> str:
    """Write the table as aligned text, the answer below."""
    lines = [heading(findings), *rows(findings)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    return "\n".join([*text, "", findings.advice.sentence])


def table(findings: Findings) -> Table:
    """Draw the table for a terminal."""
    plan = findings.outcome.plan
    drawn = Table(
        box=SIMPLE_HEAD,
        title=f"{len(plan.settings):,} settings, {len(plan.seeds):,} seeds each",
        title_justify="left",
        caption="Means, and ranges over the seeds. front: no other setting is as good in "
        f"{', '.join(findings.question.trade_off)} and better in one of them.",
        caption_justify="left",
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    keys = len(plan.axes)
    for place, name in enumerate(heading(findings)):
        head = Text(fill(name, HEAD_CHARACTERS, break_long_words=False, break_on_hyphens=False))
        drawn.add_column(head, justify="right" if place < keys else "left", overflow="fold")
    for place, row in enumerate(rows(findings, below=True)):
        drawn.add_row(*map(_drawn, row), style=STYLES[findings.mark(place)])
    return drawn


def _drawn(text: str) -> Text:
    """Dim the range below the mean."""
    middle, newline, reach = text.partition("\n")
    return Text.assemble(middle, newline, (reach, "dim not bold"))
