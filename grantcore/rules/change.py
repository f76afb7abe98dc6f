"""A decided change: what a rule hands to the commit (SPEC 11, Atomic)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from grantcore.model.errors import InvariantBroken
from grantcore.model.events import Event, ExecutionEvent, PriorityChanged
from grantcore.model.life import LIFE, EventType
from grantcore.model.phases import ACTIVE, IN_ATTEMPT, Phase
from grantcore.model.records import Execution
from grantcore.model.time import NEVER

Arguments = tuple[Any, ...]
"""What a rule decided: first the event's own fields, then what else is stored, or stored to."""

Writer = Callable[[Execution, int, Arguments], None]
"""Called with the record, the instant and the arguments; only stores, so it may be repeated."""


@attrs.frozen(eq=False)
class Step:
    """One edge of the life-cycle table: what happens, from where, to where."""

    event: EventType
    source: Phase | None
    target: Phase | None
    moves: bool
    """Whether it leads to another phase."""

    reorders: bool
    """Whether it changes the place in the queue."""

    releases: bool
    """Whether a lease, current or lost, ends by it."""

    leaves: bool
    """Whether it leads out of a phase with an attempt, which may end by it."""

    told: int
    """How many of a change's arguments are the event's own fields."""


def _all_steps() -> Mapping[tuple[EventType, Phase | None, Phase | None], Step]:
    shared = len(attrs.fields(ExecutionEvent))
    return MappingProxyType(
        {
            (event, source, target): Step(
                event,
                source,
                target,
                moves=source is not target,
                reorders=event is PriorityChanged,
                releases=source in ACTIVE and target not in ACTIVE,
                leaves=source in IN_ATTEMPT and source is not target,
                told=len(attrs.fields(event)) - shared,
            )
            for source, ways in LIFE.items()
            for event, targets in ways.items()
            for target in targets
        }
    )


STEPS: Final = _all_steps()
"""Every edge there is; a change can be made along no other."""


def step(event: EventType, source: Phase | None, target: Phase | None) -> Step:
    """Look an edge up in the table.

    Raises:
        InvariantBroken: the table has none; a rule is wrong.
    """
    found = STEPS.get((event, source, target))
    if found is None:
        raise InvariantBroken(f"{event.__name__} cannot lead from {source} to {target}: please report")
    return found


ASK: Final = 0
"""The record must be asked for its next deadline."""

NONE_SET: Final = NEVER + 1
"""The change sets no deadline."""

Change = tuple[
    Step,
    Writer,
    Execution,
    int,  # at_ms: when it happened
    Arguments,
    int,  # the soonest deadline that is set by it: ASK, an instant, or NONE_SET
]
"""A plain tuple, because every call makes one."""


Note = tuple[
    "Callable[..., Event]",  # makes the event
    tuple[object, ...],  # its fields after sequence, instant and operator
    int,  # at_ms
    "Callable[..., None]",  # stores; may be repeated
    Arguments,  # for it
]
"""A decided change of something that is no execution: a worker, lane, quota policy or budget."""


def touch(record: Execution, at_ms: int) -> None:
    """Stamp a change that is no transition."""
    record.last_mutation_at_ms = at_ms


def move(record: Execution, at_ms: int) -> None:
    """Stamp a transition."""
    record.last_transition_at_ms = record.last_mutation_at_ms = at_ms
