"""What ``grantcore sweep`` does: the runs, what is found, and the files in the folder of the sweep."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click
from rich.console import Console
from rich.table import Table

from grantcore.simulation.asking import BadInput
from grantcore.simulation.measures import METRICS
from grantcore.simulation.sweep import executors, export, tables
from grantcore.simulation.sweep.findings import Findings, Question
from grantcore.simulation.sweep.plan import Axis, Plan
from grantcore.simulation.sweep.runner import Runner, SweepBroken
from grantcore.simulation.sweep.store import Store
from grantcore.simulation.waiting import Bar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from grantcore.simulation.asking import Asked
    from grantcore.simulation.sweep.runner import Outcome

INTERRUPTED = 130
"""What a shell makes of Ctrl-C."""


@attrs.frozen(kw_only=True)
class Wish:
    """What the options say.

    Attributes:
        asked: the scenario.
        axes: ``KEY=V1,V2,...``, in order.
        seeds: runs of each setting.
        folder: of the sweep; None: it is named after the scenario.
        jobs: runs at a time; None: as many as there are cores.
        dask: address of a cluster.
        question: what is asked.
        fresh: whether finished runs are done again.
        as_json: whether stdout gets JSON instead of tables.
    """

    asked: Asked
    axes: tuple[str, ...] = ()
    seeds: int = 1
    folder: Path | None = None
    jobs: int | None = None
    dask: str | None = None
    question: Question = attrs.field(factory=Question)
    fresh: bool = False
    as_json: bool = False

    @property
    def out(self) -> Path:
        """The folder that is used."""
        if self.folder is not None:
            return self.folder
        path = self.asked.path
        return Path("default-sweep" if path is None else f"{path.name.partition('.')[0]}-sweep")


def sweep(wish: Wish) -> int:
    """Do what is missing of a sweep, show and write what was found; give the exit code.

    Raises:
        PlanError, ScenarioError, SchedulerError, NoCluster, OSError: of what was given.
        BadInput: both processes and a cluster.
    """
    if wish.dask and wish.jobs:
        raise BadInput("--jobs and --dask: give one of them")
    scenario, source = wish.asked.source()
    plan = Plan.make(scenario, [Axis.parse(axis) for axis in wish.axes], wish.seeds, source)
    over = Over()
    try:
        outcome = _runs(wish, plan, over)
    except KeyboardInterrupt:
        click.echo(f"interrupted: {over.told(wish.out)}", err=True)
        return INTERRUPTED
    except SweepBroken as broken:
        click.echo(f"{broken}: {over.told(wish.out)}", err=True)
        return 1
    findings = Findings.of(outcome, wish.question)
    _write(findings, wish.out)
    _show(findings, wish)
    return 1 if outcome.failures or findings.violations else 0


@attrs.define
class Over:
    """How many runs are over, and of how many."""

    over: int = 0
    of: int = 0

    def told(self, folder: Path) -> str:
        """Say what is left of a sweep that ended early."""
        return f"of {self.of:,} runs, {self.over:,} are over and kept in {folder}; the same command goes on"


def _runs(wish: Wish, plan: Plan, over: Over) -> Outcome:
    """Do the runs, with a bar."""
    with Bar("sweep") as bar, _place(wish) as place:

        def told(done: int, of: int) -> None:
            over.over, over.of = done, of
            bar.tell(done / of, f"{done:,} of {of:,} runs")

        store = Store(wish.out / "runs")
        return Runner(place.executor, store, place.window, wish.fresh, told).go(plan)


@contextmanager
def _place(wish: Wish) -> Generator[executors.Place]:
    """Open where the runs happen."""
    if wish.dask:
        with executors.dask(wish.dask) as place:
            yield place
    else:
        with executors.processes(wish.jobs or cores()) as place:
            yield place


def cores() -> int:
    """Tell how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _write(findings: Findings, folder: Path) -> None:
    """Write tables, picture and page. matplotlib is loaded for nothing else."""
    from grantcore.simulation.sweep import page, plot

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "runs.csv").write_text(export.runs_csv(findings), encoding="utf-8")
    (folder / "settings.csv").write_text(export.settings_csv(findings), encoding="utf-8")
    (folder / "sweep.json").write_text(export.as_json(findings), encoding="utf-8")
    (folder / "trade-off.png").write_bytes(plot.as_png(findings))
    (folder / "sweep.html").write_text(page.page(findings), encoding="utf-8")


def _show(findings: Findings, wish: Wish) -> None:
    """Print what was found; what went wrong goes to stderr."""
    outcome = findings.outcome
    if wish.as_json:
        click.echo(export.as_json(findings), nl=False)
    else:
        console = Console()
        if console.is_terminal:
            console.print(tables.table(findings))
            console.print(findings.advice.sentence, highlight=False)
        else:
            click.echo(tables.plain(findings))
        done = len(outcome.finished) - outcome.kept
        click.echo(f"{done:,} runs done, {outcome.kept:,} kept from before; all of it is in {wish.out}")
    for note in outcome.notes:
        click.echo(note, err=True)
    for failure in outcome.failures:
        click.echo(f"failed: {failure}", err=True)
    for line in _unsound(outcome):
        click.echo(line, err=True)


def _unsound(outcome: Outcome) -> Iterator[str]:
    """Tell of the runs in which the auditor found something."""
    for one in outcome.finished:
        if one.result.violations:
            yield (
                f"{one.result.violations:,} violations: {one.run.setting.label}, seed {one.run.seed}: "
                f"{one.result.first_violations[0]}\n  again: {outcome.plan.replay(one.run)}"
            )


def list_metrics() -> None:
    """Print the measures: what each says, its unit, and which way is better."""
    console = Console()
    if not console.is_terminal:
        for name, metric in METRICS.items():
            click.echo(f"{name}\t{metric.unit}\t{metric.better}\t{metric.says}")
        return
    drawn = Table("measure", "unit", "better", "what it says")
    for name, metric in METRICS.items():
        drawn.add_row(name, metric.unit, metric.better, metric.says)
    console.print(drawn)
