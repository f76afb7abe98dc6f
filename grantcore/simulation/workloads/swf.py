"""Logs in the Standard Workload Format: 18 columns a line, ``;`` comments, -1 for what is unknown.

The format is that of the Parallel Workloads Archive (Feitelson). Every column of every line is judged,
those that are not used too: a log that is damaged in one column is not to be trusted in the others.
``mapping`` makes jobs of what is read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from grantcore.simulation.workloads.lines import MAX_LINE_BYTES, LogError, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNKNOWN: Final = -1

_INTEGER: Final = rb"-?[0-9]+"
_DECIMAL: Final = rb"-?[0-9]+(\.[0-9]+)?"


class SwfError(LogError):
    """A line is malformed; ``path``, ``line`` (from 1), ``field`` say where, ``allowed`` what is."""


@attrs.frozen
class SwfJob:
    """The 18 fields of a line, in their order. Times are in seconds, memory in kilobytes per processor.

    What is unknown is -1.
    """

    job_number: int
    submit_time: int
    wait_time: int
    run_time: int
    allocated_processors: int
    average_cpu_time: float
    used_memory: float
    requested_processors: int
    requested_time: float
    requested_memory: float
    status: int
    user: int
    group: int
    executable: int
    queue: int
    partition: int
    preceding_job: int
    think_time: float


@attrs.frozen
class Column:
    """One column: its name, its largest value, and whether logs have decimals in it."""

    name: str
    maximum: int
    decimal: bool

    def accepts(self, word: bytes) -> bool:
        """Tell whether this is a number that is allowed."""
        if not re.fullmatch(_DECIMAL if self.decimal else _INTEGER, word):
            return False
        return UNKNOWN <= float(word) <= self.maximum

    @property
    def allowed(self) -> str:
        """What is allowed here, in words."""
        kind = "a number" if self.decimal else "an integer"
        return f"{kind} of {UNKNOWN} (unknown) to {self.maximum}"


MAX_VALUE: Final = 10**10
MAX_RUN_TIME: Final = 10**8

COLUMNS: Final = tuple(
    Column(
        name=field.name,
        maximum=MAX_RUN_TIME if field.name == "run_time" else MAX_VALUE,
        decimal=str(field.type) == "float",
    )
    for field in attrs.fields(SwfJob)
)
"""The 18 columns in their order."""

_RUN_TIME: Final = [column.name for column in COLUMNS].index("run_time")
_INTEGERS: Final = b"-0123456789 \t\r\n"
_in_order: Callable[..., SwfJob] = SwfJob
"""Takes the numbers of a line as they stand there; each was judged by its column."""


def read_swf(path: Path, *, skip: Callable[[], None] | None = None) -> Iterator[SwfJob]:
    """Read the jobs of a log, plain or gzip, in the order of its lines; memory is that of one line.

    Args:
        path: of the log.
        skip: called for each malformed line, which is then passed over; None: it is refused.

    Raises:
        SwfError: a line is malformed, there is no job at all, or the gzip is damaged.
        OSError: the file cannot be read.
    """
    line = jobs = 0
    for line, text in numbered(path, SwfError):
        if text is not None and _says_nothing(text):
            continue
        job = None if text is None else _job(text)
        if job is not None:
            jobs += 1
            yield job
        elif skip is not None:
            skip()
        else:
            raise _refusal(path, line, text)
    if not jobs:
        raise SwfError(path, line, "the log", "a list of at least one job")


def _says_nothing(text: bytes) -> bool:
    """Tell whether a line is blank or a comment."""
    text = text.lstrip()
    return not text or text.startswith(b";")


def _job(text: bytes) -> SwfJob | None:
    """Read a line; None if it is malformed."""
    words = text.split()
    if len(words) != len(COLUMNS):
        return None
    if text.translate(None, _INTEGERS):
        return _with_decimals(words)
    try:
        numbers = [int(word) for word in words]
    except ValueError:
        return None
    if min(numbers) < UNKNOWN or max(numbers) > MAX_VALUE or numbers[_RUN_TIME] > MAX_RUN_TIME:
        return None
    return _in_order(*numbers)


def _with_decimals(words: list[bytes]) -> SwfJob | None:
    """Read a line in which not all are integers; most lines of most logs are not such."""
    if all(column.accepts(word) for column, word in zip(COLUMNS, words, strict=True)):
        return _in_order(*(float(word) if b"." in word else int(word) for word in words))
    return None


def _refusal(path: Path, line: int, text: bytes | None) -> SwfError:
    """Say what is wrong with a malformed line."""
    if text is None:
        return SwfError(path, line, "the line", f"at most {MAX_LINE_BYTES} bytes long")
    words = text.split()
    if len(words) != len(COLUMNS):
        return SwfError(path, line, "the line", f"{len(COLUMNS)} columns wide")
    wrong = next(column for column, word in zip(COLUMNS, words, strict=True) if not column.accepts(word))
    return SwfError(path, line, wrong.name, wrong.allowed)
