"""Compares what was recorded with what was observed, down to single fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from tests.conformance.exemptions import Part, plain
from tests.conformance.trace_reader import ABSENT, Defect, Indexes, Json, Record, Step


@dataclass(kw_only=True)
class Observed:
    """What the engine showed after a step, in the form of the trace."""

    result: Record
    states: dict[str, Record]
    events: list[Record]
    indexes: Indexes
    aux: Record
    views: dict[str, object] = field(default_factory=dict)
    """Answers of calls that have no counterpart in the trace but follow from it."""


def differences(step: Step, observed: Observed, views: dict[str, object]) -> Iterator[Defect]:
    """Name every field in which the two sides differ.

    ``views`` are the expected answers of the calls in ``observed.views``. On the last step all
    executions are compared, on the others the touched one.
    """
    yield from step.defects
    yield from _dumped(step)
    yield from _part(step, "result", step.result, observed.result)
    for execution_id, name in _to_compare(step):
        recorded = _without_lapsed_grant(step.states.get(execution_id, {}), step.now_ms)
        yield from _part(step, "state", recorded, observed.states.get(execution_id, {}), name)
    yield from _part(step, "events", step.lease_history, observed.events)
    yield from _part(step, "indexes", step.indexes, observed.indexes)
    yield from _part(step, "aux", step.aux, observed.aux)
    yield from leaves("views", views, observed.views)


def _to_compare(step: Step) -> Iterator[tuple[str, str]]:
    if step.touched is not None:
        yield step.touched, "state"
    if step.last:
        for execution_id in step.states:
            if execution_id != step.touched:
                yield execution_id, f"state[{execution_id}]"


def _without_lapsed_grant(state: Record, now_ms: int) -> Record:
    """Grants end without a step of their own, so the record of an untouched execution may still name one."""
    grant = state.get("grant")
    if grant and grant["grant_expires_at"] <= now_ms:
        return {name: member for name, member in state.items() if name != "grant"}
    return state


def _dumped(step: Step) -> Iterator[Defect]:
    """Compare the complete dump on the last line with what the changes add up to."""
    for execution_id, dump in step.full_state.items():
        rebuilt = plain("state", step.states.get(execution_id, {}), step)
        yield from leaves(f"row.full_state.{execution_id}", rebuilt, plain("state", dump, step))


def _part(step: Step, part: Part, recorded: Json, observed: Json, name: str = "") -> Iterator[Defect]:
    yield from leaves(name or part, plain(part, recorded, step), plain(part, observed, step))


def leaves(path: str, expected: object, got: object) -> Iterator[Defect]:
    """Walk two values side by side and name the innermost differences."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in sorted(expected.keys() | got.keys(), key=str):
            left, right = expected.get(name, ABSENT), got.get(name, ABSENT)
            if not _same_scalar(left, right):
                yield from leaves(f"{path}.{name}", left, right)
    elif isinstance(expected, (list, tuple)) and isinstance(got, (list, tuple)):
        for number, (left, right) in enumerate(zip_longest(expected, got, fillvalue=ABSENT)):
            yield from leaves(f"{path}[{number}]", left, right)
    elif not _same_scalar(expected, got):
        yield path, expected, got


def _same_scalar(left: object, right: object) -> bool:
    """True is not 1; what contains something else is never the same here, it is walked."""
    return type(left) is type(right) and left == right and not isinstance(left, (dict, list, tuple))
