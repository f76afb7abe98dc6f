"""How much is measured: enough to mean something, or just enough to show that it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Sizes:
    """What one run measures.

    Attributes:
        samples: how often everything takes its turn; medians are taken over these.
        lifecycles: per sample; also how many renewals or ``advance`` calls make one.
        few: live leases at which growth begins.
        many: live leases of everything that is measured under load.
        crowd: executions that wait in front of what a worker can run.
        lapses: how often ``many`` leases are loaded and left to lapse.
    """

    samples: int
    lifecycles: int
    few: int
    many: int
    crowd: int
    lapses: int


FULL: Final = Sizes(samples=31, lifecycles=2_000, few=1_000, many=200_000, crowd=100_000, lapses=3)
QUICK: Final = Sizes(samples=2, lifecycles=200, few=100, many=2_000, crowd=2_000, lapses=1)
