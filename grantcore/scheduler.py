"""Choosing: what a worker could be granted, best first (SPEC 7). Quotas, budgets and workers come later."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from grantcore.engine.core import TIDYING
from grantcore.engine.facade import GrantEngine
from grantcore.model import capabilities, checks
from grantcore.model.records import RECLAIM

MAX_PEEK = 100_000


class Scheduler:
    """A view of an engine: it has no state of its own."""

    __slots__ = ("_engine",)

    def __init__(self, engine: GrantEngine) -> None:
        """Look at ``engine``."""
        self._engine = checks.instance("engine", engine, GrantEngine)

    def peek(self, lane_id: str, capabilities: Iterable[str], limit: int = 100) -> tuple[str, ...]:
        """Ids a worker with these capabilities could be granted now: priority, then age, then id.

        Granted executions are not shown (I-20).

        Args:
            lane_id: the lane.
            capabilities: what the worker has.
            limit: at most so many, 1..100,000.

        Raises:
            InvalidInput, InvalidCapabilities: an argument is malformed.

        O(distinct requirement sets + limit). SPEC 7.
        """
        engine = self._engine
        checks.lane_id(lane_id)
        has = _read(capabilities)
        checks.integer("limit", limit, 1, MAX_PEEK)
        if engine._lock._is_owned():
            engine._refuse_entry()
        engine._lock.acquire()
        try:
            engine._begin()
            engine._pending = TIDYING
            waiting = engine._indexes.waiting
            shelves = (s for s in waiting.fitting(lane_id, has) if s.kind is not RECLAIM)
            best = tuple(r.execution_id for r in islice(waiting.in_order(shelves), limit))
            engine._pending = None
            return best
        finally:
            engine._lock.release()


def _read(tokens: Iterable[str]) -> tuple[str, ...]:
    return capabilities.read("worker", tokens)
