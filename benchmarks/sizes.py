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
        live: leases that live beside what is measured, four sizes.
        calls: of each public call, per sample.
        call_samples: of each public call.
        crowd: executions that wait, are snapshotted, or fall due one by one.
        phase: executions whose memory is measured in each phase.
        repeats: how often what takes long is repeated.
        waiters: that wait for an asyncio driver.
    """

    samples: int
    lifecycles: int
    live: tuple[int, int, int, int]
    calls: int
    call_samples: int
    crowd: int
    phase: int
    repeats: int
    waiters: int

    @property
    def most(self) -> int:
        """The largest number of live leases."""
        return self.live[-1]


FULL: Final = Sizes(
    samples=21,
    lifecycles=2_000,
    live=(1_000, 10_000, 100_000, 1_000_000),
    calls=200,
    call_samples=7,
    crowd=100_000,
    phase=20_000,
    repeats=3,
    waiters=1_000,
)
QUICK: Final = Sizes(
    samples=2,
    lifecycles=200,
    live=(100, 200, 1_000, 3_000),
    calls=5,
    call_samples=1,
    crowd=2_000,
    phase=1_000,
    repeats=1,
    waiters=50,
)
