"""What goes wrong, by chance from the seed; every fault is counted by its field's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grantcore.simulation.chance import Chance

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import simpy

    from grantcore.simulation.record import Record
    from grantcore.simulation.scenario.model import Faults

_DAY_MS: Final = 86_400_000
_LONGEST_MS: Final = 36_525 * _DAY_MS
"""A century: no gap is longer, so that the engine's clock can tell any instant at which a fault begins."""

STRIKES: Final = ("crash", "pause", "slow_heartbeat", "fail")
"""What may befall a lease; at most one of these does."""


class Hazards:
    """Draws faults and counts those that happen."""

    def __init__(self, env: simpy.Environment, faults: Faults, record: Record, seed: int) -> None:
        """Faults may begin from now on, until :meth:`end` where the scenario does not say until when."""
        self.faults = faults
        self._env = env
        self._counts = record.faults
        self._until_ms = faults.until_ms
        self._lost_answer = faults.lost_answer
        self._over = False
        self._leases = Chance(seed, "leases")
        self._calls = Chance(seed, "calls")
        self._seed = seed
        rates = [float(getattr(faults, name)) for name in STRIKES]
        scale = max(sum(rates), 1.0)
        self._rates = tuple(zip(STRIKES, (rate / scale for rate in rates), strict=True))

    def end(self) -> None:
        """Nothing is submitted any more: no fault begins later, unless the scenario says until when."""
        self._over = self._until_ms is None

    def begins(self, name: str) -> bool:
        """Tell whether this fault may begin now; then it does, and is counted."""
        if self._over or (self._until_ms is not None and self._env.now > self._until_ms):
            return False
        self._counts[name] += 1
        return True

    def spread(self, name: str) -> None:
        """Count a fault that began long ago and strikes once more: poison does."""
        self._counts[name] += 1

    def lease(self) -> tuple[float, float]:
        """Draw the fate of a lease, and after which part of its work."""
        return self._leases.share(), self._leases.share()

    def strike(self, fate: float) -> str | None:
        """Tell what befalls a lease of that fate. Rates that sum up to more than 1 share it out."""
        for name, rate in self._rates:
            if fate < rate:
                return name
            fate -= rate
        return None

    def answer_is_lost(self) -> bool:
        """Tell whether the answer of a call is lost."""
        return self._calls.share() < self._lost_answer and self.begins("lost_answer")

    def clock_jumps(self, jump: Callable[[int], None]) -> Generator[simpy.Event, object, None]:
        """Have the clock jump now and then, either way: a process."""
        chance = Chance(self._seed, "clock")
        longest_ms = self.faults.clock_jump_ms
        yield from self._now_and_then(
            chance,
            "clock_jumps_per_day",
            self.faults.clock_jumps_per_day,
            lambda: jump(chance.below(2 * longest_ms + 1) - longest_ms),
        )

    def stalls(self, stall: Callable[[int], None]) -> Generator[simpy.Event, object, None]:
        """Have the scheduler stop now and then: a process."""
        chance = Chance(self._seed, "stalls")
        stall_ms = self.faults.stall_ms
        yield from self._now_and_then(
            chance, "stalls_per_day", self.faults.stalls_per_day, lambda: stall(stall_ms)
        )

    def _now_and_then(
        self, chance: Chance, name: str, per_day: float, happen: Callable[[], None]
    ) -> Generator[simpy.Event, object, None]:
        """Let it happen so often; the gaps are uniform on 1 ms to twice their mean, or to a century."""
        if per_day <= 0:
            return
        longest_ms = max(round(min(2 * _DAY_MS / per_day, _LONGEST_MS)), 1)
        while True:
            yield self._env.timeout(1 + chance.below(longest_ms))
            if not self.begins(name):
                return
            happen()
