"""Reads a conformance trace and rebuilds, step by step, what must be true after each step.

A trace is one JSON object per line: a header, then the steps. A step names an operation, its
arguments, its instant, its result, and how the state changed; this module adds the changes up.
What the comparison leaves out is not decided here but in ``exemptions``.

Not set, ``null`` and the empty text mean the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

Json = Any
"""A value as ``json.loads`` gives it."""

Record = dict[str, Json]
Indexes = dict[str, dict[str, int | None]]
Defect = tuple[str, object, object]
"""A field of the trace that is unknown or contradicts the rest: its name, expected, got."""

TIME_DRIVEN: Final = frozenset(
    {"mark_lease_expired_if_due", "expire_execution", "promote_delayed", "expire_suspension"}
)
"""Steps nobody calls: the clock reaches their instant."""

HEADER: Final = frozenset({"trace", "seed", "generator_version", "config"})
CONFIG: Final = frozenset({"start_ms", "lanes", "worker_instances", "partitions"})
ROW: Final = frozenset(
    {"i", "now_ms", "op", "args", "result", "state", "index_changes", "aux_changes"}
    | {"indexes", "full_state", "aux"}
)
INDEX_CHANGE: Final = frozenset({"put", "remove"})
VERSION: Final = 1


class _Absent:
    """What stands where one side has no value."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = _Absent()


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operation, and everything that must be true after it."""

    i: int
    now_ms: int
    op: str
    args: Record
    result: Record
    touched: str | None
    lease_history: list[Record]
    states: dict[str, Record]
    indexes: Indexes
    aux: Record
    full_state: dict[str, Record]
    defects: tuple[Defect, ...]
    last: bool

    @property
    def time_driven(self) -> bool:
        """Whether this step only moves the clock."""
        return self.op in TIME_DRIVEN

    @property
    def expected(self) -> Record:
        """The complete state of the touched execution."""
        return self.states.get(self.touched, {}) if self.touched is not None else {}

    @cached_property
    def unleased(self) -> frozenset[str]:
        """The executions nobody holds."""
        return frozenset(
            eid for eid, state in self.states.items() if state["core"].get("ownership_state") != "leased"
        )


class Trace:
    """The header and the steps of one recording; iterate for the steps, as often as needed."""

    def __init__(self, header: Record, rows: list[Record]) -> None:
        self.name: str = header["trace"]
        self.config: Record = header["config"]
        self.defects = tuple(_header_defects(header))
        self._rows = rows

    @classmethod
    def open(cls, path: Path) -> Trace:
        """Read a file."""
        with path.open(encoding="utf-8") as lines:
            header, *rows = [json.loads(line) for line in lines]
        return cls(header, rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    @cached_property
    def _steps(self) -> list[Step]:
        return list(self._read())

    def _read(self) -> Iterator[Step]:
        states: dict[str, Record] = {}
        indexes: Indexes = {}
        aux: Record = {}
        for number, row in enumerate(self._rows, 1):
            history, states = _apply_state(states, row.get("state", {}))
            indexes = _apply_indexes(indexes, row.get("index_changes", {}))
            aux = merge(aux, row.get("aux_changes", {}))
            yield Step(
                i=row["i"],
                now_ms=row["now_ms"],
                op=row["op"],
                args=row["args"],
                result=row["result"],
                touched=row["args"].get("execution_id"),
                lease_history=history,
                states=states,
                indexes=indexes,
                aux=aux,
                full_state=row.get("full_state", {}),
                defects=(*_row_defects(row), *_dump_defects(row, indexes, aux)),
                last=number == len(self._rows),
            )


def lazily(steps: Iterable[Step]) -> Iterator[Step]:
    """Leave out the time-driven steps; their events come first in the next step.

    Those after the last other step are drawn together into one, so that nothing stays unseen.
    """
    skipped: list[Step] = []
    for step in steps:
        skipped.append(step)
        if not step.time_driven:
            yield _together(skipped)
            skipped = []
    if skipped:
        yield _together(skipped)


def _together(steps: list[Step]) -> Step:
    return replace(
        steps[-1],
        lease_history=[event for step in steps for event in step.lease_history],
        defects=tuple(defect for step in steps for defect in step.defects),
    )


def merge(old: Mapping[str, Json], changes: Mapping[str, Json]) -> Record:
    """Apply recorded changes to a record: objects merge, null removes, anything else replaces."""
    merged = dict(old)
    for name, change in changes.items():
        if change is None:
            merged.pop(name, None)
        elif isinstance(change, dict) and isinstance(merged.get(name), dict):
            merged[name] = merge(merged[name], change)
        else:
            merged[name] = change
    return merged


def strip(value: Json) -> Json:
    """Drop members that are not set, at every depth; in lists they become None."""
    if isinstance(value, dict):
        stripped = {
            name: strip(member) if isinstance(member, (dict, list)) else member
            for name, member in value.items()
        }
        return {name: member for name, member in stripped.items() if member not in (None, "", {})}
    if isinstance(value, list):
        return [None if member == "" else strip(member) for member in value]
    return value


def _apply_state(states: dict[str, Record], changes: Record) -> tuple[list[Record], dict[str, Record]]:
    history: list[Record] = []
    changed = dict(states)
    for execution_id, change in changes.items():
        history += change.get("lease_history", [])
        record = {name: member for name, member in change.items() if name != "lease_history"}
        changed[execution_id] = merge(states.get(execution_id, {}), record)
    return history, changed


def _apply_indexes(indexes: Indexes, changes: Record) -> Indexes:
    changed = dict(indexes)
    for name, change in changes.items():
        members = changed.get(name, {}) | change.get("put", {})
        for member in change.get("remove", []):
            members.pop(member, None)
        changed[name] = members
    return {name: members for name, members in changed.items() if members}


def _header_defects(header: Record) -> Iterator[Defect]:
    yield from _unknown("header", header, HEADER)
    yield from _unknown("header.config", header["config"], CONFIG)
    if header.get("generator_version") != VERSION:
        yield "header.generator_version", VERSION, header.get("generator_version", ABSENT)


def _row_defects(row: Record) -> Iterator[Defect]:
    yield from _unknown("row", row, ROW)
    yield from _unknown("row.result", row["result"], {"status", "code", "detail"})
    for name, change in row.get("index_changes", {}).items():
        yield from _unknown(f"row.index_changes.{name}", change, INDEX_CHANGE)
    yield from _unknown("row.state", row.get("state", {}), {row["args"].get("execution_id")})


def _unknown(where: str, record: Record, known: Iterable[object]) -> Iterator[Defect]:
    for name in record:
        if name not in known:
            yield f"{where}.{name}", ABSENT, record[name]


def _dump_defects(row: Record, indexes: Indexes, aux: Record) -> Iterator[Defect]:
    """Compare the dumps on the last line with what the changes add up to."""
    if "indexes" in row:
        dumped = {name: _dump(name, members) for name, members in indexes.items()}
        if dumped != row["indexes"]:
            yield "row.indexes", dumped, row["indexes"]
    if "aux" in row and strip(row["aux"]) != strip(aux):
        yield "row.aux", aux, row["aux"]


def _dump(name: str, members: Mapping[str, int | None]) -> list[object]:
    if name.startswith("worker_leases:"):
        return [*sorted(members)]
    return [[score, member] for score, member in sorted((score, m) for m, score in members.items())]
