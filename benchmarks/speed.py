"""What calls cost: a lifecycle against the floor, and what many live leases add to it."""

from __future__ import annotations

import gc
from statistics import median
from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import DAY_MS, GRANT_TTL_MS, Rig, floor_lifecycles_ns
from benchmarks.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.sizes import Sizes

NS_PER_US: Final = 1_000

Sampled = dict[str, float]
"""Medians in microseconds, by name."""


def settle() -> None:
    """Collect garbage, and freeze what is left out of the collector's sight."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def interleaved(sources: dict[str, Callable[[], int]], per_sample: int, samples: int) -> Sampled:
    """Let sources of nanoseconds take turns; give the median of each, per one of what it measured."""
    taken: dict[str, list[int]] = {name: [] for name in sources}
    for _ in range(samples):
        for name, sample_ns in sources.items():
            settle()
            taken[name].append(sample_ns())
    return {name: median(values) / per_sample / NS_PER_US for name, values in taken.items()}


class Speed:
    """The rows about time."""

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._ids = tuple(f"{{fp:213}}:{number:032x}" for number in range(sizes.lifecycles))
        self._many = Rig()
        self._many.lease_many(sizes.many)
        self._leases = self._many.engine.leases()[:: sizes.many // sizes.lifecycles]
        assert len(self._leases) == sizes.lifecycles

    def rows(self) -> list[Row]:
        """Measure everything."""
        sizes = self._sizes
        sources = {
            "floor": lambda: floor_lifecycles_ns(self._ids),
            "lock on": self._fresh_ns,
            "lock off": lambda: self._fresh_ns(threadsafe=False),
            "few": lambda: self._fresh_ns(live=sizes.few),
            "many": lambda: self._many.lifecycles_ns(sizes.lifecycles),
            "renew": self._renew_ns,
            "advance": self._advance_ns,
        }
        medians = interleaved(sources, sizes.lifecycles, sizes.samples)
        few, many = f"{sizes.few:,}", f"{sizes.many:,}"
        growth = medians["many"] / medians["few"]

        def row(what: str, name: str, goal: float | None = None) -> Row:
            return Row(what, medians[name], "us", medians[name] / medians["floor"], goal=goal)

        return [
            row("lifecycle of the floor", "floor"),
            row("lifecycle, lock on", "lock on", goal=10),
            row("lifecycle, threadsafe=False", "lock off"),
            row(f"lifecycle beside {few} live leases", "few"),
            Row(f"lifecycle beside {many} live leases", medians["many"], "us", growth, f"beside {few}", 1.5),
            row(f"renew_lease() among {many}", "renew"),
            row(f"advance() with nothing due, {many} live", "advance"),
        ]

    def _fresh_ns(self, *, threadsafe: bool = True, live: int = 0) -> int:
        """Take a sample of a new engine, once its first grants have reached their end."""
        rig = Rig(threadsafe=threadsafe)
        rig.lease_many(live)
        rig.lifecycles_ns(2 * GRANT_TTL_MS)
        settle()
        return rig.lifecycles_ns(self._sizes.lifecycles)

    def _renew_ns(self) -> int:
        engine = self._many.engine
        began_ns = process_time_ns()
        for lease in self._leases:
            engine.renew_lease(lease, lease_ttl_ms=DAY_MS)
        return process_time_ns() - began_ns

    def _advance_ns(self) -> int:
        engine = self._many.engine
        engine.advance()
        began_ns = process_time_ns()
        for _ in range(self._sizes.lifecycles):
            engine.advance()
        return process_time_ns() - began_ns


def mass_lapse(sizes: Sizes) -> Row:
    """How long it takes when ``many`` leases are due at one instant, per lease."""
    taken: list[int] = []
    for _ in range(sizes.lapses):
        rig = Rig()
        rig.lease_many(sizes.many, tick_ms=0)
        rig.clock.advance(DAY_MS)
        settle()
        began_ns = process_time_ns()
        report = rig.engine.advance()
        taken.append(process_time_ns() - began_ns)
        assert report.lapsed == sizes.many
    return Row(f"lapse of {sizes.many:,} leases due at once", median(taken) / sizes.many / NS_PER_US, "us")
