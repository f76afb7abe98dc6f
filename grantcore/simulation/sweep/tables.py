"""A sweep on a terminal: a rich table, or plain aligned text where nobody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from grantcore.simulation.sweep.wording import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantcore.simulation.sweep.findings import Findings
    from grantcore.simulation.sweep.summary import Summary

Row = tuple[str, ...]


def heading(findings: Findings) -> Row:
    """Name the columns: the keys that vary, the measures, and the mark."""
    keys = [axis.key for axis in findings.outcome.plan.axes]
    return (*keys, *findings.question.measures, "")


def rows(findings: Findings, between: str = " ") -> Iterator[Row]:
    """Give a row for each setting; ``between`` parts a mean from its range."""
    for place, summary in enumerate(findings.summaries):
        values = (value for _, value in summary.setting.changes)
        cells = (_cell(metric, summary, between) for metric in findings.question.measures)
        yield (*values, *cells, _mark(findings, place))


def _cell(metric: str, summary: Summary, between: str) -> str:
    """Write the mean and, of several seeds, the range."""
    spread = summary.spreads[metric]
    mean = number(metric, spread.mean)
    if spread.least == spread.most:
        return mean
    return f"{mean}{between}({number(metric, spread.least)} to {number(metric, spread.most)})"


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
        title=f"grantcore sweep: {len(plan.settings)} settings, {len(plan.seeds)} seeds each",
        caption="mean, and range over the seeds; front: no other setting is better in one measure and as good in"
        " the others",
        show_lines=len(plan.seeds) > 1,
    )
    measures = set(findings.question.measures)
    for name in heading(findings):
        drawn.add_column(name, justify="left" if name in measures or not name else "right", overflow="fold")
    for place, row in enumerate(rows(findings, "\n")):
        drawn.add_row(*row, style=_style(findings, place))
    return drawn


def _style(findings: Findings, place: int) -> str:
    return {"take": "bold green", "front": "bold"}.get(findings.mark(place), "")
