"""Chance from a seed, the same on every machine and Python."""

from __future__ import annotations

import random


class Chance:
    """Draws from ``random.Random(seed)``.

    Only its ``random()`` is promised to stay the same from version to version, so everything is made of it.
    """

    def __init__(self, seed: int) -> None:
        """Begin the sequence of this seed."""
        self._random = random.Random(seed).random

    def happens(self, share: float) -> bool:
        """Tell whether something happens that happens in ``share`` of all cases, 0..1."""
        return self._random() < share

    def below(self, end: int) -> int:
        """Draw an integer of ``0..end - 1``."""
        return int(self._random() * end)
