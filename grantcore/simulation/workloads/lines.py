"""The lines of a log, plain or gzip: one in memory at a time, however many and however long they are."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

MAX_LINE_BYTES: Final = 4_096

_GZIP: Final = b"\x1f\x8b"
"""Every gzip file begins so, whatever its name."""


class LogError(ValueError):
    """A log is malformed; ``path``, ``line`` (from 1), ``field`` say where, ``allowed`` what is."""

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


Refuse = type[LogError]


def numbered(path: Path, refuse: Refuse) -> Iterator[tuple[int, bytes | None]]:
    """Read line by line, numbered from 1; None stands for a line of more than ``MAX_LINE_BYTES``.

    Raises:
        LogError: of the kind ``refuse``: the file is gzip, and damaged from this line on.
        OSError: the file cannot be read.
    """
    line = 0
    with path.open("rb") as stream:
        try:
            for line, text in enumerate(_bounded(_plain(stream)), start=1):
                yield line, text
        except (EOFError, zlib.error, gzip.BadGzipFile) as damage:
            raise refuse(path, line + 1, "the file", "undamaged gzip from here on") from damage


def _plain(stream: BinaryIO) -> Callable[[int], bytes]:
    """Give the ``readline`` of what is inside."""
    begins = stream.read(len(_GZIP))
    stream.seek(0)
    return gzip.GzipFile(fileobj=stream).readline if begins == _GZIP else stream.readline


def _bounded(readline: Callable[[int], bytes]) -> Iterator[bytes | None]:
    """Read lines of bounded length; of longer ones, the rest is read and forgotten."""
    while text := readline(MAX_LINE_BYTES + 1):
        if len(text) <= MAX_LINE_BYTES:
            yield text
        else:
            while text and not text.endswith(b"\n"):
                text = readline(MAX_LINE_BYTES)
            yield None
