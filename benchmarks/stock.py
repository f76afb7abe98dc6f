"""Engines with many live leases: dear to build, so each is built once and shared by the groups of a run."""

from __future__ import annotations

from time import process_time_ns
from typing import TYPE_CHECKING

from benchmarks.lifecycle import DAY_MS, Rig
from benchmarks.timing import release
from grantcore import settle_memory

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes
    from grantcore import Lease


class Loaded(Rig):
    """An engine beside whose live leases others are measured; some of them are at hand."""

    def __init__(self, live: int, at_hand: int) -> None:
        super().__init__()
        self.live = live
        self.lease_many(live)
        self.leases: list[Lease] = list(self.engine.leases()[:: max(live // at_hand, 1)])

    def renewals_ns(self, count: int) -> float:
        """Renew leases at hand in turn; answer the nanoseconds that one renewal took."""
        engine, leases = self.engine, self.leases
        began_ns = process_time_ns()
        for number in range(count):
            engine.renew_lease(leases[number % len(leases)], lease_ttl_ms=DAY_MS)
        return (process_time_ns() - began_ns) / count

    def advances_ns(self, count: int) -> float:
        """Call ``advance()`` with nothing due; answer the nanoseconds that one call took."""
        engine = self.engine
        engine.advance()
        began_ns = process_time_ns()
        for _ in range(count):
            engine.advance()
        return (process_time_ns() - began_ns) / count


class Stock:
    """What has been loaded so far."""

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._loaded: dict[int, Loaded] = {}

    def loaded(self, live: int) -> Loaded:
        """Give the engine with so many live leases, out of the collector's sight."""
        if live not in self._loaded:
            self._loaded[live] = Loaded(live, self._sizes.lifecycles)
            settle_memory()
        return self._loaded[live]

    def clear(self) -> None:
        """Give everything back."""
        self._loaded.clear()
        release()
