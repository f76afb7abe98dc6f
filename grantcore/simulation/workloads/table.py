"""Tables of jobs: CSV with a header that names the columns, in any order.

Required are ``submit_ms`` and ``run_ms``; there may be ``lane``, ``priority``, ``capabilities`` (tokens,
blanks between them), ``number`` (of the job) and ``after`` (the number of the job that must have ended
before). An empty cell is as if its column were not there. A line of the file is a line of the table: a cell
holds no line break.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs

from grantcore.model import capabilities, checks
from grantcore.model.errors import InvalidCapabilities, InvalidInput
from grantcore.simulation.job import Job
from grantcore.simulation.workloads.lines import MAX_LINE_BYTES, LogError, numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class CsvError(LogError):
    """A line is malformed; ``path``, ``line`` (from 1), ``field`` say where, ``allowed`` what is."""


@attrs.frozen
class _Whole:
    """An integer of a range."""

    maximum: int

    @property
    def allowed(self) -> str:
        return f"an integer of 0 to {self.maximum}"

    def read(self, cell: str) -> int | None:
        """Give the number; None if it is none, or out of range."""
        if not (cell.isascii() and cell.isdigit() and len(cell) <= len(str(self.maximum))):
            return None
        number = int(cell)
        return number if number <= self.maximum else None


@attrs.frozen
class _Lane:
    """The name of a lane."""

    allowed: str = f"1 to {checks.MAX_LANE_BYTES} characters of printable ASCII"

    def read(self, cell: str) -> str | None:
        """Give the name; None if no lane may have it."""
        try:
            return checks.lane_id(cell)
        except InvalidInput:
            return None


@attrs.frozen
class _Tokens:
    """Capabilities, blanks between them."""

    allowed: str = "capabilities, blanks between them"

    def read(self, cell: str) -> tuple[str, ...] | None:
        """Give them sorted; None if one of them is none, or they are too many."""
        return _tokens(cell)


@lru_cache(maxsize=4_096)
def _tokens(cell: str) -> tuple[str, ...] | None:
    """Read tokens; jobs that require the same share them."""
    try:
        return capabilities.read("required", cell.split())
    except InvalidCapabilities:
        return None


_Column = _Whole | _Lane | _Tokens

COLUMNS: Final[dict[str, tuple[str, _Column]]] = {
    "submit_ms": ("submit_ms", _Whole(10**13)),
    "run_ms": ("run_ms", _Whole(10**11)),
    "lane": ("lane_id", _Lane()),
    "priority": ("priority", _Whole(9_000)),
    "capabilities": ("required_capabilities", _Tokens()),
    "number": ("number", _Whole(10**15)),
    "after": ("after", _Whole(10**15)),
}
"""By the name of a column: the field of a job that it fills, and what its cells may be."""

REQUIRED: Final = ("submit_ms", "run_ms")

_job: Callable[..., Job] = Job
"""Takes the fields by name; ``COLUMNS`` has made each what it must be."""


def read_table(path: Path, *, skip: Callable[[], None] | None = None) -> Iterator[Job]:
    """Read the jobs of a table, plain or gzip, in the order of its lines; memory is that of one line.

    Args:
        path: of the file.
        skip: called for each malformed line after the header, which is then passed over; None: it is refused.

    Raises:
        CsvError: the header or a line is malformed, there is no job at all, or the gzip is damaged.
        OSError: the file cannot be read.
    """
    line = jobs = 0
    header: list[str] | None = None
    for line, text in numbered(path, CsvError):
        if text is not None and not text.strip():
            continue
        try:
            cells = _cells(path, line, text)
            if header is None:
                header = _header(path, line, cells)
                continue
            job = _job(**_fields(path, line, header, cells))
        except CsvError:
            if skip is None or header is None:
                raise
            skip()
        else:
            jobs += 1
            yield job
    if not jobs:
        raise CsvError(path, line, "the table", "a header and at least one job")


def _cells(path: Path, line: int, text: bytes | None) -> list[str]:
    """Take a line apart."""
    if text is None:
        raise CsvError(path, line, "the line", f"at most {MAX_LINE_BYTES} bytes long")
    try:
        return next(csv.reader([text.decode("utf-8-sig" if line == 1 else "utf-8")], strict=True))
    except (UnicodeDecodeError, csv.Error, StopIteration):
        raise CsvError(path, line, "the line", "cells in UTF-8, commas between them") from None


def _header(path: Path, line: int, cells: list[str]) -> list[str]:
    """Judge the names of the columns."""
    names = [cell.strip() for cell in cells]
    known = ", ".join(COLUMNS)
    for number, name in enumerate(names, start=1):
        if name not in COLUMNS or name in names[: number - 1]:
            raise CsvError(path, line, f"column {number} of the header", f"one of {known}, each once")
    for name in REQUIRED:
        if name not in names:
            raise CsvError(path, line, "the header", f"a list of columns with {name}")
    return names


def _fields(path: Path, line: int, header: list[str], cells: list[str]) -> dict[str, object]:
    """Judge the cells of a line; give the fields of a job."""
    if len(cells) != len(header):
        raise CsvError(path, line, "the line", f"{len(header)} cells wide, as the header is")
    fields: dict[str, object] = {}
    for name, cell in zip(header, cells, strict=True):
        field, column = COLUMNS[name]
        if word := cell.strip():
            value = column.read(word)
        elif name in REQUIRED:
            value = None
        else:
            continue
        if value is None:
            raise CsvError(path, line, name, column.allowed)
        fields[field] = value
    return fields
