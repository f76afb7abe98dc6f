"""The command line: ``grantcore simulate`` and ``grantcore sweep``, their options and exit codes.

What they do is in ``simulating`` and ``sweeping``, imported when they are called: help is quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, Unpack

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantcore.simulation.asking import Given

F = TypeVar("F", bound="Callable[..., None]")

MAX_COUNT: Final = 10_000_000
FILE: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
NEW_FILE: Final = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="grantcore")
def cli() -> None:
    """Grant and lease engine: what can be tried from the command line."""


def scenario_options(command: F) -> F:
    """Add what both commands take (``asking.Given``): the scenario, and what is changed in it."""
    for add in reversed(
        (
            click.argument("scenario", metavar="[SCENARIO]", required=False, type=FILE),
            click.option(
                "--seed", type=click.IntRange(0, 2**53 - 1), help="Same scenario and seed, same run."
            ),
            click.option(
                "--set",
                "changes",
                metavar="KEY=VALUE",
                multiple=True,
                help="Change a value of the scenario: any key of the file, or its last part if there is one"
                " only. Repeatable.",
            ),
            click.option("--workers", type=click.IntRange(1, 100_000), help="Size of the fleet."),
            click.option(
                "--lease-ttl-ms",
                type=click.IntRange(1, 86_400_000),
                help="Time to live of a lease, in virtual milliseconds.",
            ),
            click.option("--limit", type=click.IntRange(1, MAX_COUNT), help="Take this many jobs."),
            click.option(
                "--lenient",
                is_flag=True,
                help="Skip and count malformed lines of a log, instead of refusing it.",
            ),
            click.option(
                "--check-every",
                type=click.IntRange(1, MAX_COUNT),
                help="Check the whole state after so many events.  [default: so that it costs little]",
            ),
            click.option(
                "--scheduler",
                metavar="PACKAGE.MODULE:CALLABLE",
                help="Your scheduler, instead of the one that is built in.",
            ),
        )
    ):
        command = add(command)
    return command


@cli.command("simulate", short_help="Run a workload through the engine, with faults.")
@scenario_options
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON to stdout, and nothing else.")
@click.option("--html", type=NEW_FILE, help="Write the report as one self-contained page.")
@click.option(
    "--replay",
    type=FILE,
    help="Run the scenario of a JSON report again, and tell whether all of it comes out the same.",
)
@click.option(
    "--observed",
    is_flag=True,
    help="Audit from the engine's events alone, and from no call's answer: slower, with the same report.",
)
def simulate_command(
    *,
    as_json: bool,
    html: Path | None,
    replay: Path | None,
    observed: bool,
    **given: Unpack[Given],
) -> None:
    """Run a workload through the engine under virtual time, with faults, and audit it from outside.

    SCENARIO is a scenario (.toml), a log in the Standard Workload Format (.swf, .swf.gz) or a table (.csv,
    .csv.gz); without one a workload is made up.

    Exit code: 0: all that must hold did; 1: it did not, or a replay came out otherwise; 2: bad input.
    """
    from grantcore.simulation import simulating
    from grantcore.simulation.asking import Asked, refusing

    asked = Asked.of(given)
    with refusing():
        if replay is not None:
            code = simulating.replay(replay, asked, as_json=as_json, html=html, observed=observed)
        else:
            code = simulating.simulate(asked, as_json=as_json, html=html, observed=observed)
    raise SystemExit(code)


@cli.command("sweep", short_help="Run many settings over many seeds, and advise one.")
@scenario_options
@click.option(
    "--vary",
    "axes",
    metavar="KEY=V1,V2,...",
    multiple=True,
    help="Values to try: lease_ttl_ms=5000,30000. Given again: every combination.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 10_000),
    default=3,
    show_default=True,
    help="Runs of each setting: the seed of the scenario and those that follow.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of what is found and of finished runs.  [default: SCENARIO-sweep]",
)
@click.option(
    "--jobs", type=click.IntRange(1, 1_024), help="Runs at a time, each in a process.  [default: the cores]"
)
@click.option("--dask", metavar="ADDRESS", help="Run on a Dask cluster, for example tcp://host:8786.")
@click.option("--objective", metavar="METRIC", help="Advise the setting that is best in this measure.")
@click.option(
    "--subject-to",
    "bounds",
    metavar="METRIC<=NUMBER",
    multiple=True,
    help="A bound that the advised setting must keep, in the unit of the measure. Repeatable.",
)
@click.option(
    "--trade-off",
    metavar="METRIC,METRIC,METRIC",
    default="recovery_p95_ms, wasted_share, renewals_per_hour",
    show_default=True,
    help="The measures of front and picture: upright axis, level axis, size of marks.",
)
@click.option("--fresh", is_flag=True, help="Do runs again that were finished before.")
@click.option("--json", "as_json", is_flag=True, help="Write all of it as JSON to stdout, and nothing else.")
@click.option("--metrics", is_flag=True, help="List the measures, and exit.")
def sweep_command(
    *,
    axes: tuple[str, ...],
    seeds: int,
    out: Path | None,
    jobs: int | None,
    dask: str | None,
    objective: str | None,
    bounds: tuple[str, ...],
    trade_off: str,
    fresh: bool,
    as_json: bool,
    metrics: bool,
    **given: Unpack[Given],
) -> None:
    """Run every combination of the values that vary, each with the same seeds, and compare them.

    What is found goes to the terminal and into a folder: tables (CSV), all of it (JSON), a picture, a page.
    Finished runs are kept there: the same command, started again, does only what is missing.

    Exit code: 0: every run was done and sound; 1: one was not; 2: bad input; 130: interrupted.
    """
    from grantcore.simulation import sweeping
    from grantcore.simulation.asking import Asked, refusing
    from grantcore.simulation.sweep.findings import Question

    if metrics:
        sweeping.list_metrics()
        return
    asked = Asked.of(given)
    with refusing():
        wish = sweeping.Wish(
            asked=asked,
            axes=axes,
            seeds=seeds,
            folder=out,
            jobs=jobs,
            dask=dask,
            question=Question.parse(trade_off, objective, bounds),
            fresh=fresh,
            as_json=as_json,
        )
        code = sweeping.sweep(wish)
    raise SystemExit(code)
