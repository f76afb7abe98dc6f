"""Chapter 13: choosing (SPEC 7)."""

from __future__ import annotations

from collections.abc import Iterable

from grantcore import Phase
from grantcore.testing.model import forms
from grantcore.testing.model.passing import Passing
from grantcore.testing.model.records import Execution


class Scheduling(Passing):
    """What a worker could be granted."""

    def _waiting(self, lane_id: str, has: tuple[str, ...]) -> list[Execution]:
        """Best first: priority, then creation, then id."""
        found = [
            e
            for e in self.executions
            if e.lane_id == lane_id
            and e.offered
            and e.phase is Phase.ELIGIBLE
            and set(e.required) <= set(has)
        ]
        return sorted(found, key=lambda e: (-e.priority, e.created_at_ms, e.execution_id))


class ModelScheduler:
    """The calls of :class:`grantcore.Scheduler`."""

    def __init__(self, model: Scheduling) -> None:
        """Look at a model."""
        self._model = model

    def peek(self, lane_id: str, capabilities: Iterable[str], limit: int = 100) -> tuple[str, ...]:
        """What a worker with these tokens could be granted now."""
        forms.lane_id(lane_id)
        has = forms.tokens("worker", capabilities)
        forms.integer("limit", limit, 1, forms.MAX_PAGE)
        self._model._enter()
        return tuple(e.execution_id for e in self._model._waiting(lane_id, has))[:limit]
