"""``python -m benchmarks --guard``: has anything become much dearer than when the table was recorded?

Machines differ, so no times are compared but ratios to the floor, which is measured in turns with the rest.
A row may cost :data:`MARGIN` times what was recorded: the noise of a shared machine stays well below that. A
row above it is measured again before it is believed. Each run also shows that the guard can fail: a
lifecycle that is run :data:`PLANTED` times in place of once must be noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.bench import Bench
from benchmarks.floor import Floor
from benchmarks.lifecycle import floor_ns, fresh_ns, ids, warm
from benchmarks.memory import held, traced
from benchmarks.stock import Loaded
from benchmarks.targeted import crowd, due_ns
from benchmarks.timing import interleaved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MARGIN: Final = 1.6
MEMORY_MARGIN: Final = 1.15
"""Memory is counted, not timed: it is the same in every run."""

PLANTED: Final = 3
TRIES: Final = 3
SAMPLES: Final = 9
COUNT: Final = 1_000
LIVE: Final = 20_000
LIFECYCLE: Final = "lifecycle, lock on"
MEMORY: Final = "bytes of a lease"

Ratios = dict[str, float]
"""To the floor, by name."""


@dataclass(frozen=True)
class Dearer:
    """A row above its margin."""

    name: str
    recorded: float
    measured: float
    margin: float

    def __str__(self) -> str:
        """Say it."""
        return (
            f"{self.name}: {self.measured:.2f} x floor, more than {self.margin:g} times "
            f"the recorded {self.recorded:.2f}"
        )


@dataclass(frozen=True)
class Guarded:
    """What one measurement gave: the rows, and the lifecycle with the planted slow-down."""

    ratios: Ratios
    planted: float

    @property
    def is_blind(self) -> bool:
        """Whether the planted slow-down would pass for the lifecycle it is."""
        return not dearer({LIFECYCLE: self.planted}, self.ratios)


class Guard:
    """Measures the handful of rows."""

    def __init__(self, samples: int = SAMPLES, count: int = COUNT, live: int = LIVE) -> None:
        self._samples = samples
        self._live = live
        loaded, past = Loaded(live, count), crowd(live)
        floor_ids = ids(count)
        self._sources: dict[str, Callable[[], float]] = {
            "floor": lambda: floor_ns(floor_ids),
            LIFECYCLE: lambda: fresh_ns(count),
            "lifecycle, lock off": lambda: fresh_ns(count, threadsafe=False),
            "lifecycle, by 100": lambda: warm().batches_ns(count),
            "renewal among many": lambda: loaded.renewals_ns(count),
            "nothing due": lambda: loaded.advances_ns(count),
            "loop past a crowd": lambda: past.loops_ns(count),
            "due at once": lambda: due_ns(live // 4),
            "planted": lambda: PLANTED * fresh_ns(PLANTED * count),
        }

    def measure(self) -> Guarded:
        """Take medians of turns."""
        medians = interleaved(self._sources, self._samples)
        floor = medians.pop("floor")
        planted = medians.pop("planted") / floor
        ratios = {name: cost / floor for name, cost in medians.items()}
        return Guarded(
            {**ratios, MEMORY: held(Bench.leased, self._live)[0] / _floor_bytes(self._live)}, planted
        )


def _floor_bytes(count: int) -> float:
    """What a record of the floor occupies, with its id."""

    def load() -> Floor:
        floor = Floor()
        for execution_id in ids(count):
            floor.create(execution_id)
        return floor

    return traced(load) / count


def dearer(ratios: Mapping[str, float], recorded: Mapping[str, float]) -> list[Dearer]:
    """Which rows are above their margins; one that was never recorded is."""
    found: list[Dearer] = []
    for name, measured in ratios.items():
        margin = MEMORY_MARGIN if name == MEMORY else MARGIN
        was = recorded.get(name, 0.0)
        if measured > margin * was:
            found.append(Dearer(name, was, measured, margin))
    return found


def watch(
    recorded: Mapping[str, float], measure: Callable[[], Guarded], say: Callable[[str], object] = print
) -> bool:
    """Whether every row is within its margin, in one of :data:`TRIES` measurements, and the plant noticed."""
    best = dict[str, float]()
    for _ in range(TRIES):
        guarded = measure()
        best = {name: min(ratio, best.get(name, ratio)) for name, ratio in guarded.ratios.items()}
        if guarded.is_blind:
            say(f"FAILED: the guard is blind: {PLANTED} lifecycles in place of one went unnoticed")
            return False
        if not dearer(best, recorded):
            break
    for name, ratio in best.items():
        say(f"{name:<20} {ratio:8.2f} x floor, recorded {recorded.get(name, 0.0):8.2f}")
    found = dearer(best, recorded)
    for row in found:
        say(f"FAILED: {row}")
    if found:
        say("Mend it; or, if it is worth its price, record anew: python -m benchmarks --record")
    return not found
