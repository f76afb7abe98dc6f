"""What both commands ask for: a scenario, and what is changed in it; and how bad input is refused."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypedDict, cast

import attrs
import click

from grantcore.simulation.scenario.errors import ScenarioError
from grantcore.simulation.scenario.model import Scenario, Synthetic
from grantcore.simulation.scenario.reading import scenario_for, vary
from grantcore.simulation.sweep.advice import AdviceError
from grantcore.simulation.sweep.executors import NoCluster
from grantcore.simulation.sweep.plan import Change, PlanError, Source
from grantcore.simulation.sweep.work import SchedulerError, named
from grantcore.simulation.workloads.lines import LogError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

BAD_INPUT = (ScenarioError, LogError, PlanError, AdviceError, NoCluster, SchedulerError, OSError)


SHORTHANDS: Final = {
    "workers": "count",
    "lease_ttl_ms": "leases.lease_ttl_ms",
    "lenient": "workload.lenient",
    "check_every": "check_every",
    "seed": "seed",
}
"""The key that an option stands for."""


class Given(TypedDict):
    """The options of both commands, by their names."""

    scenario: Path | None
    changes: tuple[str, ...]
    scheduler: str | None
    seed: int | None
    workers: int | None
    lease_ttl_ms: int | None
    limit: int | None
    lenient: bool
    check_every: int | None


class BadInput(click.ClickException):
    """Something that was given cannot be used: one line on stderr, exit code 2."""

    exit_code = 2


@contextmanager
def refusing() -> Generator[None]:
    """Make of an error of what was given one line and exit code 2."""
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads on: click ends quietly
    except BAD_INPUT as problem:
        raise BadInput(" ".join(str(problem).split())) from problem


@attrs.frozen
class Asked:
    """A scenario as the command line names it.

    Attributes:
        path: of the scenario, log or table; None: the default scenario.
        changes: key and value as they were written; shorthands such as ``--workers`` are among them.
        limit: take this many jobs: of a log or of what is made up.
        scheduler: the name of the user's scheduler.
    """

    path: Path | None = None
    changes: tuple[Change, ...] = ()
    limit: int | None = None
    scheduler: str | None = None

    @classmethod
    def of(cls, given: Given) -> Asked:
        """Read what the options say; a shorthand counts more than ``--set``.

        Raises:
            BadInput: a ``--set`` without a key or a value.
        """
        values = cast("Mapping[str, object]", given)
        shorts = ((key, _word(values[name])) for name, key in SHORTHANDS.items())
        changes = [_change(text) for text in given["changes"]] + [(key, word) for key, word in shorts if word]
        return cls(given["scenario"], tuple(changes), given["limit"], given["scheduler"])

    def source(self) -> tuple[Scenario, Source]:
        """Make the scenario, and say how it is asked for again.

        Raises:
            ScenarioError: of the file, of a key or of a value.
            SchedulerError: there is no such scheduler.
            OSError: the file cannot be read.
        """
        if self.scheduler is not None:
            named(self.scheduler)
        scenario = Scenario() if self.path is None else scenario_for(self.path)
        changes = self.changes
        if self.limit is not None:
            key = "workload.jobs" if isinstance(scenario.workload, Synthetic) else "workload.limit"
            changes = (*changes, (key, str(self.limit)))
        for key, value in changes:
            scenario = vary(scenario, key, value)
        return scenario, Source(path=self.path, changes=changes, scheduler=self.scheduler)


def _change(text: str) -> Change:
    """Read ``KEY=VALUE``; the value may be empty, and have a = of its own."""
    key, equals, value = text.partition("=")
    if not (key.strip() and equals):
        raise BadInput(f"--set {text!r}: must be KEY=VALUE")
    return key.strip(), value.strip()


def _word(value: object) -> str:
    """Write the value of a shorthand as ``--set`` takes it; empty: it was not given."""
    if isinstance(value, bool):
        return "true" if value else ""
    return "" if value is None else str(value)
