"""Quotas: how often executions may be granted, and how many may run at once (SPEC 7, 8)."""

from __future__ import annotations

from collections import deque

import attrs

from grantcore.model.time import gone


@attrs.define(eq=False, weakref_slot=False)
class Quota:
    """A policy, and the claim grants that count for its window.

    How many run at once is counted by an index (``index/tallies.py``): it follows from the executions.
    """

    quota_policy_id: str
    window_ms: int
    max_requests_per_window: int
    """0: no limit; then nothing is counted."""

    max_concurrent: int
    """0: no limit."""

    created_at_ms: int
    issued: deque[tuple[int, int]] = attrs.field(factory=deque[tuple[int, int]])
    """Event number and instant of each grant; those whose window is over are dropped when somebody looks."""

    def alive(self, now_ms: int) -> deque[tuple[int, int]]:
        """The grants that count: each for its window, whatever became of it. O(1) amortised."""
        issued = self.issued
        while issued and gone(issued[0][1] + self.window_ms, now_ms):
            issued.popleft()
        return issued

    def opens_at_ms(self, now_ms: int) -> int | None:
        """When a window that is full will have room; None if it has. O(1) amortised."""
        most = self.max_requests_per_window
        if not most:
            return None
        alive = self.alive(now_ms)
        return None if len(alive) < most else alive[len(alive) - most][1] + self.window_ms

    def count(self, sequence: int, at_ms: int) -> None:
        """Count a grant, once, however often it is stored."""
        if self.max_requests_per_window and (not self.issued or self.issued[-1][0] < sequence):
            self.issued.append((sequence, at_ms))
