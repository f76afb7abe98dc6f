"""One run: plain data in, plain data out, so that it can be done in any process of any machine."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, Protocol, cast

import attrs

from grantcore.simulation.measures import METRICS, measure
from grantcore.simulation.run import run
from grantcore.simulation.scenario.reading import from_data
from grantcore.simulation.sweep.build import build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grantcore.simulation.world.terms import Schedule

SHOWN_VIOLATIONS: Final = 10


class Stop(Protocol):
    """What tells a run to stop: a ``threading.Event``, or that of ``multiprocessing``."""

    def is_set(self) -> bool:
        """Tell whether it has been asked for."""
        ...


class Stopped(Exception):
    """The run was asked to stop before its end."""


class SchedulerError(ValueError):
    """The user's scheduler cannot be had by its name; the text says why."""


@attrs.frozen(kw_only=True)
class Result:
    """What is kept of a run.

    Attributes:
        version: of grantcore, where it ran, and what tells its source apart.
        measures: by name (``measures.METRICS``).
        violations: how many the auditor found.
        first_violations: the first ten of them.
        event_digest: of all events of the engine.
        state_digest: of the engine's state at the end.
    """

    version: str
    measures: Mapping[str, float]
    violations: int
    first_violations: tuple[str, ...]
    event_digest: str
    state_digest: str

    def as_data(self) -> dict[str, object]:
        """Give it as JSON knows it."""
        return {
            **attrs.asdict(self, recurse=False),
            "measures": dict(self.measures),
            "first_violations": list(self.first_violations),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> Result:
        """Read what ``as_data`` wrote.

        Raises:
            ValueError: it was written by a grantcore with other measures.
        """
        fields = dict(data)
        measures = cast("dict[str, float]", fields["measures"])
        if measures.keys() != METRICS.keys():
            other = sorted(measures.keys() ^ METRICS.keys())
            raise ValueError(f"it has other measures than this grantcore: {', '.join(other)}")
        fields["first_violations"] = tuple(cast("list[str]", fields["first_violations"]))
        return cls(**fields)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Worker:
    """Of this process: whom its runs obey when they are asked to stop."""

    stop: Stop | None = None


def obey(stop: Stop) -> None:
    """Let the runs of this process stop soon after ``stop`` is set."""
    Worker.stop = stop


def run_one(work: Mapping[str, object]) -> dict[str, object]:
    """Run what ``plan.Run.work`` describes and give ``Result`` as data.

    Raises:
        Stopped: it was asked to stop.
        ScenarioError: of the scenario.
        SchedulerError: of the user's scheduler.
        OSError: the workload cannot be read.
    """
    name = cast("str | None", work["scheduler"])
    record = run(
        from_data(cast("Mapping[str, object]", work["scenario"])),
        schedule=None if name is None else named(name),
        progress=_look,
    )
    measures = measure(record)
    return Result(
        version=build(),
        measures={name: measures.number(name) for name in METRICS},
        violations=record.found,
        first_violations=tuple(record.violations[:SHOWN_VIOLATIONS]),
        event_digest=record.event_digest,
        state_digest=record.state_digest,
    ).as_data()


def named(name: str) -> Schedule:
    """Find the callable ``package.module:callable``; dots after the colon lead further in.

    Raises:
        SchedulerError: there is none of that name, or it cannot be called; the text says which.
    """
    module, colon, path = name.partition(":")
    if not (module and colon and path):
        raise SchedulerError(f"the scheduler is named package.module:callable, not {name!r}")
    try:
        found: object = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, TypeError, ValueError) as problem:
        raise SchedulerError(f"the scheduler {name!r} cannot be imported: {problem}") from problem
    if not callable(found):
        raise SchedulerError(f"the scheduler {name!r} is no callable: it is a {type(found).__name__}")
    return cast("Schedule", found)


def _look(_share: float) -> None:
    """Stop, if it was asked for."""
    if Worker.stop is not None and Worker.stop.is_set():
        raise Stopped
