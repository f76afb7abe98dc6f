"""A decided change: what a rule hands to the commit (SPEC 11, Atomic)."""

from __future__ import annotations

from collections.abc import Callable

from grantcore.model.life import EventType
from grantcore.model.phases import Phase
from grantcore.model.records import Execution

Writer = Callable[..., None]

Change = tuple[
    EventType,  # what happened
    "Phase | None",  # the phase it leads to
    Writer,  # called as write(record, at_ms, *told, *decided); only stores, so it may be repeated
    Execution,
    int,  # at_ms: when it happened
    tuple[object, ...],  # told: the event's own fields
    tuple[object, ...],  # decided: what else is stored, or stored to
]
"""A plain tuple, because every call makes one."""


def touch(record: Execution, at_ms: int) -> None:
    """Stamp a change that is no transition."""
    record.last_mutation_at_ms = at_ms


def move(record: Execution, at_ms: int) -> None:
    """Stamp a transition."""
    record.last_transition_at_ms = record.last_mutation_at_ms = at_ms


def stamp_only(record: Execution, at_ms: int, *_told: object) -> None:
    """Store a transition that has nothing else to store."""
    record.grant = None
    move(record, at_ms)
