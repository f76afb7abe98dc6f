"""The command line: ``grantcore simulate [FILE.swf]``."""

from __future__ import annotations

import sys
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from grantcore import GrantError
from grantcore.simulation import report
from grantcore.simulation.chance import Chance
from grantcore.simulation.swf import SwfError, read_swf
from grantcore.simulation.workload import synthetic
from grantcore.simulation.world import Settings, simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantcore.simulation.job import Job

SYNTHETIC_JOBS: Final = 2_000
MAX_COUNT: Final = 10_000_000
DEFAULTS: Final = Settings()


def _share(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """Accept a number of 0 to 1; "not a number" is none."""
    if not 0 <= value <= 1:
        raise click.BadParameter("must be a number of 0 to 1.")
    return value


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def cli() -> None:
    """Grant and lease engine: what can be tried from the command line."""


@cli.command("simulate")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
)
@click.option(
    "--seed", type=click.IntRange(0, 2**53 - 1), default=DEFAULTS.seed, help="Same seed, same digest."
)
@click.option(
    "--workers", type=click.IntRange(1, 100_000), default=DEFAULTS.workers, help="Size of the fleet."
)
@click.option(
    "--lease-ttl-ms",
    type=click.IntRange(1_000, 86_400_000),
    default=DEFAULTS.lease_ttl_ms,
    help="Time to live of a lease, in virtual milliseconds.",
)
@click.option(
    "--crash-rate",
    type=float,
    callback=_share,
    default=DEFAULTS.crash_rate,
    help="Share of leases whose worker vanishes.",
)
@click.option(
    "--late-rate",
    type=float,
    callback=_share,
    default=DEFAULTS.late_rate,
    help="Share of the other leases whose worker sleeps past their end.",
)
@click.option(
    "--check-every",
    type=click.IntRange(1, MAX_COUNT),
    show_default="half the number of jobs",
    help="Events between two checks of the whole state.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_COUNT),
    show_default=f"all of FILE, or {SYNTHETIC_JOBS}",
    help="Take this many jobs.",
)
def simulate_command(
    *,
    file: Path | None,
    seed: int,
    workers: int,
    lease_ttl_ms: int,
    crash_rate: float,
    late_rate: float,
    check_every: int | None,
    limit: int | None,
) -> None:
    """Run a workload through the engine under virtual time, with crashes and late workers.

    FILE is a log in the Standard Workload Format; without one a workload is made up. Every call of a
    worker that lost its lease must be refused, every job must end once, every invariant must hold:
    exit code 1 if not.
    """
    settings = Settings(
        seed=seed,
        workers=workers,
        lease_ttl_ms=lease_ttl_ms,
        crash_rate=crash_rate,
        late_rate=late_rate,
        check_every=check_every,
    )
    began_s = time.perf_counter()
    chance = Chance(seed)
    try:
        outcome = simulate(_jobs(file, limit, chance), settings, chance)
    except (GrantError, SwfError, OSError) as problem:
        raise click.ClickException(str(problem)) from problem
    _show(report.rows(outcome, time.perf_counter() - began_s))
    if outcome.violations:
        raise SystemExit(1)


def _jobs(file: Path | None, limit: int | None, chance: Chance) -> list[Job]:
    """Take the jobs of the file, or make some up."""
    if file is None:
        return list(synthetic(chance, limit or SYNTHETIC_JOBS))
    return list(islice(read_swf(file), limit))


def _show(lines: Sequence[report.Row]) -> None:
    """Print for whom is reading."""
    if sys.stdout.isatty():
        Console().print(report.table(lines))
    else:
        click.echo(report.plain(lines))
