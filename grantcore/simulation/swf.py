"""Logs in the Standard Workload Format: 18 columns a line, ``;`` comments, -1 for what is unknown.

The format is that of the Parallel Workloads Archive (Feitelson). Every column of every line is judged,
those that are not used too: a log that is damaged in one column is not to be trusted in the others.

What is unknown is taken so: submitted at 0, run time 0, requested processors for allocated ones, else 1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from grantcore.simulation.job import Job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

MAX_LINE_BYTES: Final = 4_096
UNKNOWN: Final = -1

_INTEGER: Final = re.compile(rb"-?[0-9]{1,15}")
_DECIMAL: Final = re.compile(rb"-?[0-9]{1,15}(\.[0-9]{1,15})?")


class SwfError(ValueError):
    """A line is malformed; ``path``, ``line`` (from 1), ``field`` say where, ``allowed`` what is."""

    def __init__(self, path: Path, line: int, field: str, allowed: str) -> None:
        """Keep the place and what is allowed there."""
        super().__init__(path, line, field, allowed)
        self.path = path
        self.line = line
        self.field = field
        self.allowed = allowed

    def __str__(self) -> str:
        """Read as ``log.swf:17: submit_time must be …``; what stood there is not repeated."""
        return f"{self.path}:{self.line}: {self.field} must be {self.allowed}"


@attrs.frozen
class _Column:
    """One column: its name, its largest value, and whether logs have decimals in it."""

    name: str
    maximum: int = 10**10
    decimal: bool = False

    def read(self, word: bytes) -> int | None:
        """Give the number, without its decimals; None if it is not one that is allowed."""
        if not (_DECIMAL if self.decimal else _INTEGER).fullmatch(word):
            return None
        number = int(word.partition(b".")[0])
        return number if UNKNOWN <= number <= self.maximum else None

    @property
    def allowed(self) -> str:
        """What is allowed here, in words."""
        kind = "a number" if self.decimal else "an integer"
        return f"{kind} of {UNKNOWN} (unknown) to {self.maximum}"


COLUMNS: Final = (
    _Column("job_number"),
    _Column("submit_time"),
    _Column("wait_time"),
    _Column("run_time", maximum=10**8),
    _Column("allocated_processors"),
    _Column("average_cpu_time", decimal=True),
    _Column("used_memory", decimal=True),
    _Column("requested_processors"),
    _Column("requested_time", decimal=True),
    _Column("requested_memory", decimal=True),
    _Column("status"),
    _Column("user"),
    _Column("group"),
    _Column("executable"),
    _Column("queue"),
    _Column("partition"),
    _Column("preceding_job"),
    _Column("think_time", decimal=True),
)
"""The 18 columns in their order. Times are in seconds, memory in kilobytes per processor."""


def read_swf(path: Path) -> Iterator[Job]:
    """Read the jobs of a log, in the order of its lines; memory is that of one line.

    Raises:
        SwfError: a line is malformed, or there is no job at all.
        OSError: the file cannot be read.
    """
    line = jobs = 0
    with path.open("rb") as stream:
        for line, text in enumerate(_lines(path, stream), start=1):
            words = text.split()
            if words and not words[0].startswith(b";"):
                jobs += 1
                yield _job(_numbers(path, line, words))
    if not jobs:
        raise SwfError(path, line, "the log", "a list of at least one job")


def _lines(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    """Read line by line, and no more than a line may have."""
    line = 0
    while text := stream.readline(MAX_LINE_BYTES + 1):
        line += 1
        if len(text) > MAX_LINE_BYTES:
            raise SwfError(path, line, "the line", f"at most {MAX_LINE_BYTES} bytes long")
        yield text


def _numbers(path: Path, line: int, words: list[bytes]) -> dict[str, int]:
    """Judge the columns of a line."""
    if len(words) != len(COLUMNS):
        raise SwfError(path, line, "the line", f"{len(COLUMNS)} columns wide")
    numbers: dict[str, int] = {}
    for column, word in zip(COLUMNS, words, strict=True):
        number = column.read(word)
        if number is None:
            raise SwfError(path, line, column.name, column.allowed)
        numbers[column.name] = number
    return numbers


def _job(numbers: dict[str, int]) -> Job:
    """Make a job of a line; what is unknown is negative."""
    queue = numbers["queue"]
    processors = numbers["allocated_processors"]
    if processors == UNKNOWN:
        processors = numbers["requested_processors"]
    return Job(
        submit_ms=max(numbers["submit_time"], 0) * 1000,
        run_ms=max(numbers["run_time"], 0) * 1000,
        processors=max(processors, 1),
        queue=None if queue == UNKNOWN else queue,
    )
