"""Which runs: every combination of the values that vary, each with every seed."""

from __future__ import annotations

import hashlib
import shlex
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from grantcore.simulation.scenario.model import Synthetic
from grantcore.simulation.scenario.reading import as_data, vary
from grantcore.simulation.sweep.build import build
from grantcore.simulation.sweep.store import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from grantcore.simulation.scenario.model import Scenario

MAX_RUNS: Final = 100_000
MAX_SEED: Final = 2**53 - 1

Change = tuple[str, str]
"""Key and value, as they were written."""


class PlanError(ValueError):
    """A sweep that makes no sense; the text names the option, the value and what is allowed."""


@attrs.frozen
class Axis:
    """One key that varies, and its values.

    >>> Axis.parse("lease_ttl_ms=1000,5000").values
    ('1000', '5000')
    """

    key: str
    values: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Axis:
        """Read ``KEY=V1,V2,...``.

        Raises:
            PlanError: no key, no value, or a value twice.
        """
        key, equals, rest = text.partition("=")
        values = tuple(value.strip() for value in rest.split(","))
        if not (key.strip() and equals and all(values)):
            raise PlanError(f"--vary {text!r}: must be KEY=V1,V2,... with no value empty")
        if len(set(values)) < len(values):
            raise PlanError(f"--vary {text!r}: the values must differ")
        return cls(key.strip(), values)


@attrs.frozen
class Setting:
    """One combination of values.

    Attributes:
        changes: what makes it differ from the scenario, in the order of the options.
        scenario: with the changes, and the first seed.
    """

    changes: tuple[Change, ...]
    scenario: Scenario

    @property
    def label(self) -> str:
        """Name it."""
        return ", ".join(f"{key}={value}" for key, value in self.changes) or "as it is"


@attrs.frozen(kw_only=True)
class Source:
    """What was said of the scenario: enough to say it again.

    Attributes:
        path: of the scenario, log or table; None: the default scenario.
        changes: that were made in it.
        scheduler: the name of the user's scheduler.
    """

    path: Path | None = None
    changes: tuple[Change, ...] = ()
    scheduler: str | None = None

    def command(self, changes: Sequence[Change], seed: int) -> str:
        """Write the command that does one run."""
        words = ["grantcore", "simulate", *([str(self.path)] if self.path else [])]
        for key, value in (*self.changes, *changes):
            words += ["--set", f"{key}={value}"]
        words += ["--scheduler", self.scheduler] if self.scheduler else []
        return shlex.join([*words, "--seed", str(seed)])


@attrs.frozen
class Run:
    """One setting with one seed.

    Attributes:
        setting: which.
        seed: which.
        work: for ``work.run_one``.
        digest: of all that decides the result: the scenario with its seed, name and content of the log or
            table (the folder it lies in is no part of it), the scheduler's name, and grantcore's source.
    """

    setting: Setting
    seed: int
    work: dict[str, object] = attrs.field(repr=False)
    digest: str


@attrs.frozen
class Plan:
    """The runs of a sweep, in order: settings as the axes are given, the last axis fastest, seeds within."""

    source: Source
    axes: tuple[Axis, ...]
    settings: tuple[Setting, ...]
    seeds: range

    @classmethod
    def make(cls, scenario: Scenario, axes: Sequence[Axis], seeds: int, source: Source) -> Plan:
        """Plan ``seeds`` runs of each setting, with the scenario's seed and those that follow.

        Raises:
            PlanError: too many runs; or two settings that come to the same.
            ScenarioError: of a key or a value.
        """
        count = seeds
        for axis in axes:
            count *= len(axis.values)
        if count > MAX_RUNS:
            raise PlanError(f"--vary and --seeds make {count:,} runs: at most {MAX_RUNS:,} are allowed")
        if scenario.seed + seeds - 1 > MAX_SEED:
            raise PlanError(f"--seeds {seeds}: the last seed would be more than {MAX_SEED}")
        if any(axis.key == "seed" for axis in axes):
            raise PlanError("--vary seed: every setting has the same seeds; --seeds says how many")
        changes = [tuple(zip([axis.key for axis in axes], row, strict=True)) for row in _rows(axes)]
        settings = tuple(Setting(row, _changed(scenario, row)) for row in changes)
        _refuse_twins(settings)
        return cls(source, tuple(axes), settings, range(scenario.seed, scenario.seed + seeds))

    @property
    def size(self) -> int:
        """How many runs there are."""
        return len(self.settings) * len(self.seeds)

    def runs(self) -> Iterator[Run]:
        """Make the runs, one by one. The log or table is read once, for its digest.

        Raises:
            OSError: it cannot be read.
        """
        contents: dict[Path, str] = {}
        for setting in self.settings:
            content = _content(setting.scenario, contents)
            for seed in self.seeds:
                scenario = attrs.evolve(setting.scenario, seed=seed)
                work: dict[str, object] = {
                    "scenario": as_data(_placed(scenario, Path.absolute)),
                    "scheduler": self.source.scheduler,
                }
                named = as_data(_placed(scenario, lambda path: Path(path.name)))
                digest = digest_of({**work, "scenario": named, "content": content, "version": build()})
                yield Run(setting, seed, work, digest)

    def replay(self, run: Run) -> str:
        """Write the command that does one run again."""
        return self.source.command(run.setting.changes, run.seed)


def _rows(axes: Sequence[Axis]) -> Iterator[tuple[str, ...]]:
    return product(*(axis.values for axis in axes))


def _changed(scenario: Scenario, changes: Sequence[Change]) -> Scenario:
    for key, value in changes:
        scenario = vary(scenario, key, value)
    return scenario


def _refuse_twins(settings: Sequence[Setting]) -> None:
    """Refuse two settings that are the same scenario: one key under two names, or 5 and 5.0."""
    seen: dict[str, Setting] = {}
    for setting in settings:
        twin = seen.setdefault(digest_of(as_data(setting.scenario)), setting)
        if twin is not setting:
            raise PlanError(f"--vary: {twin.label!r} and {setting.label!r} are the same scenario")


def _placed(scenario: Scenario, place: Callable[[Path], Path]) -> Scenario:
    """Say elsewhere where the log or table is."""
    load = scenario.workload
    if isinstance(load, Synthetic):
        return scenario
    return attrs.evolve(scenario, workload=attrs.evolve(load, path=place(load.path)))


def _content(scenario: Scenario, seen: dict[Path, str]) -> str | None:
    """Give the digest of the log or table; None: the workload is made up."""
    if isinstance(scenario.workload, Synthetic):
        return None
    path = scenario.workload.path
    if path not in seen:
        with path.open("rb") as file:
            seen[path] = hashlib.file_digest(file, "sha256").hexdigest()
    return seen[path]
