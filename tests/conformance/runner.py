"""Replays traces, each twice, and collects every difference.

``driven`` gives the engine a call at every deadline, ``lazy`` leaves those calls out: the state at an
instant may not depend on who looked when (I-47).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.conformance.adapter import Adapter
from tests.conformance.compare import differences
from tests.conformance.operations import ok
from tests.conformance.policies import Unsupported
from tests.conformance.recorded_views import shelves_in, views_in
from tests.conformance.trace_reader import ABSENT, Defect, Record, Step, Trace, lazily

MODES: Final = ("driven", "lazy")


@dataclass(frozen=True)
class Mismatch:
    """One field of one step that is not as recorded."""

    file: str
    mode: str
    step: int
    op: str
    field: str
    expected: object
    got: object

    def __str__(self) -> str:
        where = f"{self.file}: {self.mode}, step {self.step} ({self.op}): {self.field}"
        return f"{where}: expected {self.expected!r}, got {self.got!r}"


@dataclass(frozen=True)
class Report:
    """What replaying one file gave."""

    file: str
    steps: int
    mismatches: tuple[Mismatch, ...]


def replay_file(path: Path) -> Report:
    """Replay one file in both modes; what cannot be read is a mismatch too."""
    found: list[Mismatch] = []
    steps = 0
    try:
        trace = Trace.open(path)
        steps = len(trace)
        found.extend(replay(trace, path.name))
    except Exception as broken:  # noqa: BLE001 - one file must not hide the others
        found.append(Mismatch(path.name, "read", 0, "", "file", "a trace", repr(broken)))
    return Report(path.name, steps, tuple(found))


def replay(trace: Trace, file: str) -> Iterator[Mismatch]:
    """Replay a trace in both modes; they have to end in the same state, bit for bit."""
    for field, expected, got in trace.defects:
        yield Mismatch(file, "read", 0, "", field, expected, got)
    digests: dict[str, str] = {}
    for mode in MODES:
        adapter = Adapter(trace.config)
        steps = trace if mode == "driven" else lazily(trace)
        for step in steps:
            for field, expected, got in replay_step(adapter, step):
                yield Mismatch(file, mode, step.i, step.op, field, expected, got)
        digests[mode] = adapter.engine.digest()
    if digests["driven"] != digests["lazy"]:
        yield Mismatch(file, "lazy", len(trace), "", "digest", digests["driven"], digests["lazy"])


def replay_step(adapter: Adapter, step: Step) -> Iterator[Defect]:
    """Make the step's call, then compare everything there is to see and check every invariant.

    Whatever else is raised is a bug on one of the two sides, and reported like one.
    """
    result = ok() if step.time_driven else {"status": ABSENT, "code": ABSENT, "detail": []}
    try:
        result = adapter.perform(step)
    except Unsupported as unsupported:
        yield unsupported.field, ABSENT, unsupported.value
    except Exception as bug:  # noqa: BLE001 - reported like every difference
        yield "exception", ABSENT, repr(bug)
    try:
        yield from _compare(adapter, step, result)
    except Exception as bug:  # noqa: BLE001 - as above
        yield "exception", ABSENT, repr(bug)


def _compare(adapter: Adapter, step: Step, result: Record) -> Iterator[Defect]:
    shelves = shelves_in(step)
    expected = {**views_in(step, shelves), "minted by a refusal": []}
    yield from differences(step, adapter.observe(step, result, shelves), expected)
    adapter.engine.check()
