"""Budgets: what executions may spend, by dimension (SPEC 7, 8; reference 14)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from grantcore.model.time import MAX_MS

Amounts = Mapping[str, int]
"""By dimension."""


@attrs.define(eq=False, weakref_slot=False)
class Budget:
    """Limits and what was used of them.

    Periods are derived from the instant at which one looks: usage of an earlier period counts no more,
    and however many periods pass, nothing happens (SPEC 3).
    """

    budget_id: str
    hard_limits: Amounts
    soft_limits: Amounts
    reset_interval_ms: int | None
    counted_from_ms: int
    """Where periods are counted from: creation, or the last explicit reset."""

    usage: Amounts = attrs.field(factory=dict[str, int])
    used_at_ms: int = 0
    """When ``usage`` was last stored: the period it belongs to."""

    by_execution: dict[str, Amounts] = attrs.field(factory=dict[str, "Amounts"])
    keys: dict[str, int] = attrs.field(factory=dict[str, int])
    """De-duplication keys, and when each is forgotten."""

    keys_room: int = 64
    """With so many, it is time to look for forgotten ones; no part of the state."""

    def used(self, now_ms: int) -> Amounts:
        """What counts in the present period: of an earlier one, only the names of its dimensions. O(1)."""
        interval_ms = self.reset_interval_ms
        if interval_ms is None:
            return self.usage
        began_ms = now_ms - (now_ms - self.counted_from_ms) % interval_ms
        return self.usage if self.used_at_ms >= began_ms else dict.fromkeys(self.usage, 0)

    def resets_at_ms(self, now_ms: int) -> int | None:
        """When the next period begins; None: never by itself. O(1)."""
        interval_ms = self.reset_interval_ms
        if interval_ms is None:
            return None
        next_ms = now_ms - (now_ms - self.counted_from_ms) % interval_ms + interval_ms
        return next_ms if next_ms <= MAX_MS else None

    def is_used_up(self, now_ms: int) -> bool:
        """Whether ``used >= hard`` in some dimension that has a limit. O(limits)."""
        used = self.used(now_ms)
        return any(hard and used.get(name, 0) >= hard for name, hard in self.hard_limits.items())
