"""Chance from a seed, in streams that do not disturb each other.

A draw that one part of a simulation makes must not change what another part draws: then two settings that
differ in one number meet the same jobs and, as far as they can, the same faults, and what differs between
the runs is the setting. So each part draws from a stream of its own, known by its name.

Only ``random.Random(seed).random()`` is promised to stay the same from version to version, so everything is
made of it. What needs a logarithm may differ in its last bit from machine to machine: round it to integers.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from hashlib import sha256
from itertools import accumulate
from statistics import NormalDist
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

_LEAST: Final = 2.0**-53
_NORMAL: Final = NormalDist()


class Chance:
    """One stream of draws; the same seed and name, the same draws.

    Attributes:
        share: draws a number of 0 to 1, 1 excluded.
    """

    def __init__(self, seed: int, stream: str = "") -> None:
        """Begin the stream of this name."""
        digest = sha256(f"{seed} {stream}".encode()).digest()
        self.share = random.Random(int.from_bytes(digest)).random

    def happens(self, share: float) -> bool:
        """Tell whether something happens that happens in ``share`` of all cases, 0..1."""
        return self.share() < share

    def below(self, end: int) -> int:
        """Draw an integer of ``0..end - 1``."""
        return int(self.share() * end)

    def exponential(self, mean: float) -> float:
        """Draw the time to the next event of a Poisson process whose events are ``mean`` apart."""
        return -math.log(1.0 - self.share()) * mean

    def normal(self) -> float:
        """Draw from the normal distribution of mean 0 and deviation 1."""
        return _NORMAL.inv_cdf(max(self.share(), _LEAST))

    def lognormal(self, mean: float, sigma: float) -> float:
        """Draw from the log-normal distribution of this mean; ``sigma`` is the deviation of the logarithm."""
        return mean * math.exp(sigma * (self.normal() - sigma / 2))

    def pareto(self, mean: float, alpha: float) -> float:
        """Draw from the Pareto distribution of this mean; the larger ``alpha`` > 1, the lighter its tail."""
        least = mean * (alpha - 1) / alpha
        return least * math.pow(1.0 - self.share(), -1 / alpha)


class Pick(Generic[T]):
    """Picks one of several by their weights; O(log n) a pick.

    >>> pick = Pick([("day", 3.0), ("night", 1.0)])
    >>> pick.at(0.5), pick.at(0.8)
    ('day', 'night')
    """

    def __init__(self, weights: Sequence[tuple[T, float]]) -> None:
        """Take at least one, of a sum of weights above 0."""
        self._things = [thing for thing, _ in weights]
        self._sums = list(accumulate(weight for _, weight in weights))
        self._last = max(n for n, (_, weight) in enumerate(weights) if weight > 0)

    def at(self, share: float) -> T:
        """Give the one that stands at this share, 0..1, of the sum of all weights."""
        return self._things[bisect_right(self._sums, share * self._sums[-1], 0, self._last)]
