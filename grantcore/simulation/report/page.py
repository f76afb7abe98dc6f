"""A report as one HTML page that needs nothing else: no network, no script, its pictures inside.

Every number in a table stands in a ``<data value="…">`` with the value that the JSON has. What comes from
the scenario or the run is escaped, and spelled where it does not print.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Final

from grantcore.simulation.report import data, plots, sections, setting, words
from grantcore.simulation.scenario import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantcore.simulation.measures import LaneMeasures, Measures
    from grantcore.simulation.record import Record

SHOWN_VIOLATIONS: Final = 50
SHOWN_LANES: Final = 40
LONGEST_NAME: Final = 60

HEADLINES: Final = ("jobs", "wait_p95_ms", "recovery_p95_ms", "utilisation", "wasted_share", "lane_fairness")
"""The metrics that stand above everything else."""

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1b1f; --faint: #d7d7dc; --paper: #ffffff; --card: #f4f4f6;
  --dim: #5c5c66; --good: #00694d; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8ec; --faint: #3c3c44; --paper: #16161a;
  --card: #212127; --dim: #a9a9b4; --good: #4fd1a5; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; }
p { margin: .3rem 0; }
.dim, figcaption, td.says { color: var(--dim); }
.clean, .broken { border-left: .35rem solid; padding: .4rem .8rem; margin: 1rem 0; background: var(--card); }
.clean { border-color: var(--good); }
.broken { border-color: var(--bad); color: var(--bad); overflow-wrap: anywhere; }
.headlines { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem;
  margin: 1rem 0; padding: 0; list-style: none; }
.headlines li { background: var(--card); border-radius: .4rem; padding: .6rem .8rem; }
.headlines data { display: block; font-size: 1.35rem; font-weight: 600; }
.headlines span { font-size: .85rem; color: var(--dim); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--faint); }
th { font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
.facts { width: 100%; }
.facts th { width: 13rem; }
.facts .number { width: 8rem; }
.facts .unit { width: 8rem; }
@media (max-width: 40rem) {
  .facts tr { display: flex; flex-wrap: wrap; border-bottom: 1px solid var(--faint); }
  .facts th, .facts td { border: 0; }
  .facts th, .facts .number, .facts .unit { width: auto; }
  .facts .says { flex-basis: 100%; }
}
figure { margin: 1rem 0 1.6rem; }
figure svg { display: block; min-width: 42rem; width: 100%; height: auto; }
figure svg text { font-family: system-ui, sans-serif !important; }
pre { background: var(--card); padding: .7rem; overflow-x: auto; font-size: .85rem; }
code { overflow-wrap: anywhere; }
"""


def as_page(record: Record, measures: Measures, *, command: str = "grantcore simulate SCENARIO.toml") -> str:
    """Make the page.

    Args:
        record: what came of the run.
        measures: of it.
        command: what runs the same again.
    """
    title = f"Simulation of {setting.workload(record.scenario.workload)}"
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{escape(title)}</h1>",
            *_setting(record),
            *_verdict(record),
            *_headlines(measures),
            "<h2>What was seen</h2>",
            *_pictures(record),
            "<h2>Time</h2>",
            *_times(measures),
            *_sections(measures),
            *_lanes(measures.lanes),
            *_again(record, measures, command),
            "</body>",
            "</html>",
            "",
        )
    )


def _text(text: str, longest: int | None = None) -> str:
    """Make text from outside harmless."""
    return escape(words.safe(text, longest))


def _number(row: sections.Row) -> str:
    """Write a number, with its value as the JSON has it."""
    return f'<data value="{row.value}">{row.text}</data>'


def _setting(record: Record) -> Iterator[str]:
    """Say what was run."""
    for name, text in setting.lines(record.scenario):
        yield f'<p><span class="dim">{name}:</span> {escape(text)}</p>'


def _verdict(record: Record) -> Iterator[str]:
    """Say whether everything that must hold held."""
    if not record.found:
        yield '<p class="clean">The auditor found nothing wrong.</p>'
        return
    yield '<div class="broken" role="alert">'
    count = f'<data value="{record.found}">{record.found:,}</data>'
    yield f"<strong>Violations that the auditor found: {count}</strong>"
    yield "<ul>"
    for violation in record.violations[:SHOWN_VIOLATIONS]:
        yield f"<li>{_text(violation)}</li>"
    yield "</ul></div>"


def _headlines(measures: Measures) -> Iterator[str]:
    """Show the numbers that one looks for first."""
    yield '<ul class="headlines">'
    for name in HEADLINES:
        row = sections.row(measures, name)
        yield f"<li>{_number(row)}<span>{row.label}</span></li>"
    yield "</ul>"


def _pictures(record: Record) -> Iterator[str]:
    """Draw every plot."""
    for name, plot in plots.PLOTS.items():
        yield f'<figure><div class="wide" role="img" aria-label="{escape(plot.says)}">'
        yield plots.inline(record, name)
        yield f"</div><figcaption>{escape(plot.says)}</figcaption></figure>"


def _times(measures: Measures) -> Iterator[str]:
    """Show the percentiles of the durations."""
    yield '<p class="dim">In days, hours:minutes:seconds. Percentiles are of the nearest rank.</p>'
    yield '<div class="wide"><table>'
    yield _heads("", *sections.SPREAD_COLUMNS)
    for what, says in sections.SPREADS.items():
        cells = "".join(f'<td class="number">{_number(row)}</td>' for row in sections.spread(measures, what))
        yield f'<tr><th>{what}</th>{cells}<td class="says">{escape(says)}</td></tr>'
    yield "</table></div>"


def _sections(measures: Measures) -> Iterator[str]:
    """Show every section, with what each number means."""
    for section in sections.sections(measures):
        yield f"<h2>{section.title}</h2>"
        yield '<table class="facts">'
        for row in section.rows:
            unit = words.shown_unit(row.unit)
            yield (
                f'<tr><th>{escape(row.label)}</th><td class="number">{_number(row)}</td>'
                f'<td class="unit">{unit}</td><td class="says">{escape(row.says)}</td></tr>'
            )
        yield "</table>"


def _lanes(lanes: Sequence[LaneMeasures]) -> Iterator[str]:
    """Show how the lanes with the most jobs were treated."""
    if not lanes:
        return
    busiest = sections.busiest(lanes, SHOWN_LANES)
    heads = sections.lane_rows(busiest[0])
    yield "<h2>How lanes were treated</h2>"
    yield '<div class="wide"><table>'
    yield _heads("lane", *(row.label for row in heads))
    for lane in busiest:
        cells = "".join(f'<td class="number">{_number(row)}</td>' for row in sections.lane_rows(lane))
        yield f"<tr><th>{_text(lane.lane_id, LONGEST_NAME)}</th>{cells}</tr>"
    yield "</table></div>"
    yield '<p class="dim">' + "; ".join(f"{row.label}: {escape(row.says)}" for row in heads) + ".</p>"
    if len(busiest) < len(lanes):
        yield f'<p class="dim">The {len(busiest)} with the most jobs; the JSON has all.</p>'


def _heads(first: str, *others: str) -> str:
    """Write the heads of a table; all but the first are over numbers."""
    cells = "".join(f'<th class="number">{escape(head)}</th>' for head in others)
    return f"<tr><th>{escape(first)}</th>{cells}</tr>"


def _again(record: Record, measures: Measures, command: str) -> Iterator[str]:
    """Say how to get the same again, and how to tell that it is the same."""
    scenario = json.dumps(reading.as_data(data.anywhere(record.scenario)), indent=2)
    digests = {
        "event digest": record.event_digest,
        "state digest": record.state_digest,
        "report digest": data.report_digest(record, measures),
    }
    yield "<h2>The same again</h2>"
    yield f"<pre>{_text(command)}</pre>"
    yield "<p>The same scenario and seed give the same digests, on any machine:</p>"
    for name, digest in digests.items():
        yield f'<p><span class="dim">{name}:</span> <code>{_text(digest)}</code></p>'
    yield f"<details><summary>The whole scenario</summary><pre>{escape(scenario)}</pre></details>"
