"""A sweep as one page that needs nothing else: answer, picture, table, and how to do each run again."""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING, Final

from matplotlib import rc_context

from grantcore import __version__
from grantcore.simulation.measures import METRICS
from grantcore.simulation.sweep import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure

    from grantcore.simulation.sweep.findings import Findings

STYLE: Final = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 2rem auto; max-width: 62rem;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.answer { font-size: 1.1rem; border-left: 4px solid #D55E00; padding: .4rem .9rem; background: #faf6f3; }
.wide { overflow-x: auto; } svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .7rem; border-bottom: 1px solid #ddd; vertical-align: top; }
th { background: #f4f4f4; } td:last-child, th:last-child { text-align: left; }
td small { display: block; color: #666; } tr.take td { background: #fdeee4; font-weight: 600; }
tr.front td { background: #f1f6fb; } code { font-size: .85rem; overflow-wrap: anywhere; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 1rem; } .alarm { color: #a02000; }
"""


def page(findings: Findings, figure: Figure) -> str:
    """Write the page. Nothing in it is loaded from elsewhere, and the same sweep gives the same bytes."""
    plan = findings.outcome.plan
    title = f"grantcore sweep of {plan.source.path.name if plan.source.path else 'the default scenario'}"
    parts = (
        f"<h1>{escape(title)}</h1>",
        f'<p class="answer">{escape(findings.advice.sentence)}</p>',
        f"<p>{_what(findings)}</p>",
        f'<div class="wide">{svg(figure)}</div>',
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
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def svg(figure: Figure) -> str:
    """Draw a figure as SVG, with no date and no chance in it."""
    text = io.StringIO()
    with rc_context({"svg.hashsalt": "grantcore"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]


def _what(findings: Findings) -> str:
    """Say what was run."""
    plan = findings.outcome.plan
    axes = "; ".join(f"{axis.key}: {', '.join(axis.values)}" for axis in plan.axes) or "nothing varies"
    return escape(
        f"{len(plan.settings):,} settings ({axes}), each with the seeds {plan.seeds[0]} to {plan.seeds[-1]}: "
        f"{len(findings.outcome.finished):,} of {plan.size:,} runs have a result. Every setting is run with the same "
        "seeds. Numbers are means, and ranges over the seeds."
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
    front = f"no other setting is as good in {', '.join(findings.question.trade_off)} and better in one of them"
    return f"<dl>{drawn}<dt>front</dt><dd>{escape(front)}</dd></dl>"


def _failures(findings: Findings) -> Iterator[str]:
    """List the runs that have no result, if there are any."""
    failures = findings.outcome.failures
    if failures:
        yield f'<h2 class="alarm">{len(failures):,} runs failed</h2>'
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
    return f"<details><summary>The command of each setting, with its first seed</summary><ul>{''.join(lines)}</ul></details>"
