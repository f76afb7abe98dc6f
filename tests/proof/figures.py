"""What the proof must reach, as one table, and how a part of it counts."""

from __future__ import annotations

import gc
import json
import os
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import attrs

FOLDER: Final = "GRANTCORE_PROOF"
"""The environment variable that names the folder of the lines."""


@attrs.frozen
class Figure:
    """One row of the table.

    Attributes:
        told: what is counted.
        ci: how many each run of ``.ci/run`` must reach.
        nightly: how many the long form must reach.
    """

    told: str
    ci: int
    nightly: int


FIGURES: Final[dict[str, Figure]] = {
    "simulated": Figure("seeded operations of a simulated fleet with faults, no violation", 10**7, 10**9),
    "compared": Figure("steps of engine against model, compared", 10**6, 5 * 10**7),
    "triples": Figure("(phase, call, outcome) triples of the written table, visited", 1_466, 1_466),
    # Nightly: a floor, computed, not run: depth 7 of CI, of the reduced alphabet the 35,865 calls to depth
    # 9 and at least 10 in each of the 3,252 states that are new there. The run itself goes to depth 12.
    "small_scope": Figure("calls made in a small scope, every sequence", 142_008, 197_000),
    "interrupted": Figure(
        "exceptions injected at every line of the calls in a state, in two of those that share it; 0 torn",
        195_000,
        19_500_000,
    ),
    "contended": Figure("contended claims by threads, no double win", 10**5, 10**7),
    "fuzzed": Figure("calls with hostile values, only documented errors", 10**6, 10**8),
    "mutants": Figure("mutants of changed modules, tried", 12, 3_850),
    "planted": Figure("planted bugs, each found", 218, 218),
    "digests": Figure("runs of one seed in processes of their own, one digest", 3, 20),
}
"""By name. Where a harness fixes its own number (a table that grows), one of its tests ties the row to it."""


YOUNG: Final = 5_000
"""So many new objects may there be before the collector looks at them."""


class Part:
    """A part of a run: it goes on until it has counted what is wanted, or its time is over.

    At its exit, too few is a failure, and so is too late; else the count goes into the folder.

    >>> with Part("contended", wanted=2, seconds=60) as part:
    ...     while part.goes_on():
    ...         part.count()
    >>> part.reached
    2
    """

    def __init__(self, figure: str, *, wanted: int, seconds: float) -> None:
        """Nothing is counted yet; the time begins to run."""
        assert figure in FIGURES, figure
        self.figure = figure
        self.reached = 0
        self._wanted = wanted
        self._began = time.monotonic()
        self._seconds = seconds
        self._thresholds = gc.get_threshold()

    def goes_on(self) -> bool:
        """Whether something is left to do, and time to do it."""
        return self.reached < self._wanted and time.monotonic() - self._began < self._seconds

    def count(self, more: int = 1) -> None:
        """So many are done."""
        self.reached += more

    def __enter__(self) -> Self:
        gc.freeze()  # what is there stays: the collector need not look at it again and again
        gc.set_threshold(YOUNG)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()
        if kind is not None:
            return
        took = time.monotonic() - self._began
        told = f"{self.figure}: {self.reached} of {self._wanted} after {took:.0f} s of {self._seconds:.0f}"
        assert self.reached >= self._wanted, told
        assert took < self._seconds, told
        folder = os.environ.get(FOLDER)
        if folder:
            line = json.dumps({"figure": self.figure, "reached": self.reached, "seconds": round(took, 1)})
            with (Path(folder) / f"{os.getpid()}.jsonl").open("a") as file:
                file.write(line + "\n")


def read(folder: Path) -> Counter[str]:
    """What the parts have reached together, by figure."""
    reached: Counter[str] = Counter()
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            reached[entry["figure"]] += entry["reached"]
    return reached


def missing(reached: Counter[str], *, nightly: bool = False) -> list[str]:
    """The figures that were not reached, as sentences."""
    wanted = {name: figure.nightly if nightly else figure.ci for name, figure in FIGURES.items()}
    return [
        f"{name}: {reached[name]:,} of {number:,} {FIGURES[name].told}"
        for name, number in wanted.items()
        if reached[name] < number
    ]
