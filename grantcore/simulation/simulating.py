"""What ``grantcore simulate`` does: one run, its report, and whether a run comes out the same again."""

from __future__ import annotations

import json
import shlex
import time
from typing import TYPE_CHECKING, Final, cast

import click
from rich.console import Console

from grantcore.simulation.asking import BadInput
from grantcore.simulation.measures import measure
from grantcore.simulation.report import data, terminal
from grantcore.simulation.run import run
from grantcore.simulation.scenario.reading import from_data
from grantcore.simulation.sweep.work import named
from grantcore.simulation.waiting import Bar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from grantcore.simulation.asking import Asked
    from grantcore.simulation.measures import Measures
    from grantcore.simulation.record import Record
    from grantcore.simulation.scenario.model import Scenario

DIGESTS: Final = ("event_digest", "state_digest", "report_digest")


def simulate(asked: Asked, *, as_json: bool, html: Path | None, observed: bool = False) -> int:
    """Run a scenario and show its report; give the exit code.

    Raises:
        ScenarioError, SchedulerError, LogError, OSError: of what was given.
    """
    _writable(html)
    scenario, source = asked.source()
    began_s = time.perf_counter()
    record = _run(scenario, source.scheduler, observed=observed)
    measures = measure(record)
    _show(record, measures, time.perf_counter() - began_s, as_json=as_json)
    _page(record, measures, html, source.command((), scenario.seed))
    if not record.violations:
        return 0
    click.echo(f"{record.found:,} violations; again: {source.command((), scenario.seed)}", err=True)
    return 1


def replay(path: Path, asked: Asked, *, as_json: bool, html: Path | None, observed: bool = False) -> int:
    """Run the scenario of a report again, and say whether digests and report agree; give the exit code.

    The scheduler is the one that the report names, unless another is asked for.

    Raises:
        BadInput: the file is no report; or options were given that would change the scenario.
        ScenarioError, SchedulerError, LogError, OSError: of what was given.
    """
    if asked.path or asked.changes or asked.limit is not None:
        raise BadInput("--replay runs the scenario of the report: give no other, and no change")
    _writable(html)
    before = _report(path)
    scenario = from_data(cast("Mapping[str, object]", before["scenario"]))
    scheduler = asked.scheduler or cast("str | None", before.get("scheduler"))
    record = _run(scenario, scheduler, observed=observed)
    measures = measure(record)
    text = data.as_json(record, measures)
    if as_json:
        click.echo(text, nl=False)
    _page(record, measures, html, f"grantcore simulate --replay {shlex.quote(str(path))}")
    after = cast("Mapping[str, object]", json.loads(text))
    same = [_compare(name, before.get(name), after[name], quiet=as_json) for name in DIGESTS]
    return 0 if all(same) else 1


def _compare(name: str, before: object, after: object, *, quiet: bool) -> bool:
    """Say whether a digest is the same, on stderr where stdout is for the JSON."""
    what = name.replace("_", " ")
    said = f"{what}  the same: {after}" if before == after else f"{what}  differs: was {before}, is {after}"
    click.echo(said, err=quiet)
    return before == after


def _writable(page: Path | None) -> None:
    """Refuse a page that could not be written, before the run and not after it."""
    if page is not None and not page.parent.is_dir():
        raise BadInput(f"--html {page}: there is no folder {page.parent}")


def _report(path: Path) -> Mapping[str, object]:
    """Read a JSON report."""
    try:
        report: object = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as problem:
        raise BadInput(f"{path} is no report of grantcore simulate --json: {problem}") from problem
    fields = cast("dict[str, object]", report) if isinstance(report, dict) else {}
    if fields.get("schema") != data.SCHEMA or not isinstance(fields.get("scenario"), dict):
        raise BadInput(f"{path} is no report of grantcore simulate --json: no scenario under {data.SCHEMA!r}")
    if not isinstance(fields.get("scheduler"), str | None):
        raise BadInput(f"{path} is no report of grantcore simulate --json: its scheduler has no name")
    return fields


def _run(scenario: Scenario, scheduler: str | None, *, observed: bool) -> Record:
    """Run with a bar."""
    schedule = None if scheduler is None else named(scheduler)
    with Bar("simulating") as bar:
        record = run(scenario, schedule=schedule, progress=bar.tell, observed=observed)
    record.scheduler = scheduler
    return record


def _show(record: Record, measures: Measures, wall_s: float, *, as_json: bool) -> None:
    """Print the report for whom is reading; the line of the digest is for scripts."""
    if as_json:
        click.echo(data.as_json(record, measures), nl=False)
        return
    terminal.show(record, measures, Console(), wall_s=wall_s)
    click.echo(f"\ndigest  {data.report_digest(record, measures)}")


def _page(record: Record, measures: Measures, path: Path | None, command: str) -> None:
    """Write the page, if one is wanted. matplotlib is loaded for nothing else."""
    if path is not None:
        from grantcore.simulation.report import page

        path.write_text(page.as_page(record, measures, command=command), encoding="utf-8")
