"""Turns, medians, and the garbage collector.

Machines differ and shared ones are noisy, so what is compared takes turns in one process, sample by sample,
and medians are compared: a slow minute then slows both sides. Time is the processor's, so that waiting for
it does not count.
"""

from __future__ import annotations

import gc
from math import log
from statistics import linear_regression, median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NS_PER_US: Final = 1_000
NS_PER_MS: Final = 1_000_000


def release() -> None:
    """Take ``settle_memory`` back: let the collector see everything again, and collect."""
    gc.unfreeze()
    gc.collect()


def interleaved(sources: Mapping[str, Callable[[], float]], samples: int) -> dict[str, float]:
    """Let the sources take turns; give the median of each in microseconds.

    The collector stays on, as in a host; between samples it finds what is left to find.
    """
    taken: dict[str, list[float]] = {name: [] for name in sources}
    for _ in range(samples):
        for name, sample_ns in sources.items():
            gc.collect()
            taken[name].append(sample_ns())
    return {name: median(values) / NS_PER_US for name, values in taken.items()}


def slope(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Fit ``cost = c * size ** slope``: 0 is constant, 1 is linear."""
    return linear_regression([log(size) for size in sizes], [log(cost) for cost in costs]).slope
