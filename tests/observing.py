"""Observers of executions only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantcore.events import Event, ExecutionEvent

if TYPE_CHECKING:
    from collections.abc import Callable


def of_executions(told: Callable[[ExecutionEvent], object]) -> Callable[[Event], None]:
    """An observer for engines in which nothing but executions change; anything else is a mistake."""

    def observe(event: Event) -> None:
        assert isinstance(event, ExecutionEvent), event
        told(event)

    return observe
