"""A sweep as one page that needs nothing else: answer, picture, table, and how to do each run again."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from grantcore import __version__
from grantcore.simulation.measures import METRICS
from grantcore.simulation.report.page import STYLE
from grantcore.simulation.sweep import plot, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantcore.simulation.sweep.findings import Findings

SAYS: Final = (
    "Each mark is a setting: the nearer to the lower left and the smaller, the better. Bars reach from the "
    "least to the most over the seeds."
)

MORE_STYLE: Final = """
.answer { font-size: 1.1rem; border-left: .35rem solid #d55e00; padding: .4rem .8rem;
  background: var(--card); }
td small { display: block; color: var(--dim); font-weight: 400; }
tr.take { font-weight: 700; } tr.take, tr.front { background: var(--card); }
"""


def page(findings: Findings) -> str:
    """Write the page. Nothing in it is loaded from elsewhere, and the same sweep gives the same bytes."""
    plan = findings.outcome.plan
    title = f"grantcore sweep of {plan.source.path.name if plan.source.path else 'the default scenario'}"
    parts = (
        f"<h1>{escape(title)}</h1>",
        f'<p class="answer">{escape(findings.advice.sentence)}</p>',
        f"<p>{_what(findings)}</p>",
        _picture(findings),
        "<h2>Settings</h2>",
        f'<div class="wide">{_table(findings)}</div>',
        _meanings(findings),
        *_failures(findings),
        "<h2>Runs</h2>",
        _runs(findings),
        f"<p><small>grantcore {escape(__version__)}</small></p>",
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{MORE_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _picture(findings: Findings) -> str:
    """Draw the trade-off."""
    return (
        f'<figure><div class="wide" role="img" aria-label="{escape(SAYS)}">{plot.inline(findings)}</div>'
        f"<figcaption>{escape(SAYS)}</figcaption></figure>"
    )


def _what(findings: Findings) -> str:
    """Say what was run."""
    plan = findings.outcome.plan
    axes = "; ".join(f"{axis.key}: {', '.join(axis.values)}" for axis in plan.axes) or "nothing varies"
    return escape(
        f"{len(plan.settings):,} settings ({axes}), each with the seeds {plan.seeds[0]} to {plan.seeds[-1]}: "
        f"{len(findings.outcome.finished):,} of {plan.size:,} runs have a result. "
        "Numbers are means, and ranges over the seeds, which are the same for every setting."
    )


def _table(findings: Findings) -> str:
    """Draw the table of settings."""
    head = "".join(f"<th>{escape(name)}</th>" for name in tables.heading(findings))
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>\n"
        + "\n".join(_row(findings, place, row) for place, row in enumerate(tables.rows(findings, below=True)))
        + "\n</tbody></table>"
    )


def _row(findings: Findings, place: int, row: Sequence[str]) -> str:
    cells = (cell.partition("\n") for cell in row)
    drawn = "".join(
        f"<td>{escape(mean)}" + (f"<small>{escape(span)}</small>" if span else "") + "</td>"
        for mean, _, span in cells
    )
    return f'<tr class="{findings.mark(place)}">{drawn}</tr>'


def _meanings(findings: Findings) -> str:
    """Say what the measures and marks are."""
    items = [(name, METRICS[name].says, METRICS[name].unit) for name in findings.question.measures]
    drawn = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(says)} ({escape(unit)})</dd>" for name, says, unit in items
    )
    front = (
        f"no other setting is as good in {', '.join(findings.question.trade_off)} and better in one of them"
    )
    return f"<dl>{drawn}<dt>front</dt><dd>{escape(front)}</dd></dl>"


def _failures(findings: Findings) -> Iterator[str]:
    """List the runs that have no result, if there are any."""
    failures = findings.outcome.failures
    if failures:
        yield f"<h2>{len(failures):,} runs failed</h2>"
        items = (
            f"<dt>{escape(failure.run.setting.label)}, seed {failure.run.seed}</dt>"
            f"<dd>{escape(failure.error)}<br><code>{escape(failure.replay)}</code></dd>"
            for failure in failures
        )
        yield f"<dl>{''.join(items)}</dl>"


def _runs(findings: Findings) -> str:
    """Tell how each setting is run again."""
    plan = findings.outcome.plan
    lines = (
        f"<li><code>{escape(plan.source.command(setting.changes, plan.seeds[0]))}</code></li>"
        for setting in plan.settings
    )
    summary = "<summary>The command of each setting, with its first seed</summary>"
    return f"<details>{summary}<ul>{''.join(lines)}</ul></details>"
