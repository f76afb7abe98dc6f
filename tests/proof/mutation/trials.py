"""Trying mutants: who kills them, and what a sample comes to."""

from __future__ import annotations

import math
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from random import Random
from typing import Final

import attrs

from tests.proof.mutation.mutants import Mutant, count, modules, mutant
from tests.proof.mutation.same import is_same
from tests.proof.planted.altered import original
from tests.proof.planted.detectors import Seed
from tests.proof.planted.hunting import Found, hunt

CHANGED: Final = "GRANTCORE_CHANGED"
"""The environment variable that lists the changed files."""

SECONDS: Final = 600
"""For one mutant. Each look has a limit of its own, in seconds of the processor."""

OF_LAYER: Final = {
    "model": (
        "grantcore/model",
        "tests/life/test_backoff.py",
        "tests/robustness/test_hostile_arguments.py",
        "tests/robustness/test_hostile_fences.py",
        "tests/robustness/test_hostile_grants.py",
    ),
    "rules": ("tests/life/test_suspension.py", "tests/life/test_time.py", "tests/test_corners.py"),
    "index": (
        "tests/test_check.py",
        "tests/life/test_lists.py",
        "tests/test_inner_edges.py",
        "tests/scheduling",
    ),
    "engine": (
        "tests/test_corners.py",
        "tests/life/test_lists.py",
        "tests/test_inner_edges.py",
        "tests/robustness/test_hostile_arguments.py",
        "tests/robustness/test_hostile_fences.py",
        "tests/robustness/test_observers.py",
        "tests/robustness/test_reentrancy.py",
    ),
}
OF_FILE: Final = {
    "engine/batches.py": ("tests/test_batches.py",),
    "engine/checking.py": ("tests/test_check.py", "tests/life/test_hostile_snapshots.py"),
    "engine/clocks.py": ("tests/test_clocks.py",),
    "engine/choosing.py": ("tests/scheduling",),
    "engine/core.py": ("tests/robustness/test_atomic_recovery.py", "tests/robustness/test_threads.py"),
    "engine/explaining.py": ("tests/scheduling/test_explain.py",),
    "engine/facade.py": ("tests/life/test_snapshots.py",),
    "engine/inner.py": ("tests/test_inner.py",),
    "engine/observers.py": ("tests/robustness/test_atomic_recovery.py",),
    "engine/locks.py": ("tests/robustness/test_fork.py", "tests/robustness/test_threads.py"),
    "engine/processes.py": ("tests/robustness/test_fork.py",),
    "engine/runs.py": ("tests/test_runs.py", "tests/test_batches.py"),
    "engine/snapshots.py": (
        "tests/life/test_snapshots.py",
        "tests/life/test_hostile_snapshots.py",
        "tests/robustness/test_hostile_snapshots.py",
    ),
    "engine/executions.py": (
        "tests/robustness/test_hostile_iterables.py",
        "tests/scheduling/test_remembered.py",
    ),
    "engine/lapses.py": ("tests/robustness/test_lapses.py",),
    "engine/leases.py": ("tests/robustness/test_hostile_iterables.py",),
    "index/deadlines.py": ("tests/robustness/test_lapses.py",),
    "model/capabilities.py": ("tests/robustness/test_hostile_iterables.py",),
    "model/config.py": ("tests/life/test_limits.py", "tests/test_readme.py"),
    "model/errors.py": ("tests/robustness/test_errors.py",),
    "model/policy.py": ("tests/test_corners.py",),
}
"""The tests that say most about a module, beside those of its layer."""


def covering(path: str) -> tuple[str, ...]:
    """The tests that cover a module, those that say most first."""
    return OF_FILE.get(path, ()) + OF_LAYER[path.partition("/")[0]]


def try_out(tried: Mutant) -> Found:
    """Hunt a mutant: two short compared runs, the tests of its file, then everything else."""
    first: list[tuple[str, Seed]] = [("model", 0), ("model", 1)]
    first.extend(("tests", path) for path in covering(tried.path))
    return hunt({tried.path: tried.source}, seconds=SECONDS, first=first)


def drawn(paths: Sequence[str], number: int, seed: int) -> list[Mutant]:
    """Some mutants of some modules, each as likely as any other, in no order; all, if there are no more.

    Without those that are known to be no other programme (``same.py``).
    """
    places = [(path, i) for path in paths for i in range(1, count(path) + 1)]
    all_of_them = (mutant(*place) for place in Random(seed).sample(places, len(places)))
    return list(islice((found for found in all_of_them if not is_same(found)), number))


def trials(mutants: Iterable[Mutant], workers: int) -> Iterator[tuple[Mutant, Found]]:
    """Try them, so many at once."""
    mutants = list(mutants)
    with ThreadPoolExecutor(workers) as pool:
        yield from zip(mutants, pool.map(try_out, mutants), strict=True)


@attrs.define
class Score:
    """How many were tried, and how many of them killed, by layer."""

    tried: Counter[str] = attrs.field(factory=Counter[str])
    killed: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, tried: Mutant, found: Found) -> None:
        """Count one."""
        layer = tried.path.partition("/")[0]
        self.tried[layer] += 1
        self.killed[layer] += found.detector is not None

    @property
    def share(self) -> float:
        """How many of a hundred, over a hundred."""
        return self.killed.total() / max(self.tried.total(), 1)


def least(recorded: float, number: int) -> float:
    """The smallest share that a sample may have: three standard errors of its size under the recorded one.

    A sample of a programme that is as well tested as before falls below that about once in a thousand times.
    """
    return recorded - 3 * math.sqrt(recorded * (1 - recorded) / number)


def changed() -> list[str]:
    """The modules that differ from the commit before, as `.ci/run` tells them: its copy has no repository.

    All modules, where it told none.
    """
    names = {name.removeprefix("grantcore/") for name in os.environ.get(CHANGED, "").split()}
    return [path for path in modules() if path in names] or modules()


def sample_of_changed(number: int, seed: int) -> list[Mutant]:
    """Mutants of what changed; where these are too few, others of all modules besides."""
    first = drawn(changed(), number, seed)
    names = {found.name for found in first}
    more = [found for found in drawn(modules(), 2 * number, seed) if found.name not in names]
    return (first + more)[:number]


def seed_of_sources() -> int:
    """Another sample with every change of the sources, the same one for the same sources."""
    return zlib.crc32("".join(map(original, modules())).encode())
