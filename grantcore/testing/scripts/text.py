"""The form of a script: comments, commands, ``----``, the answer; rewritten, only the answers change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

LINE: Final = "----"
"""What stands between the commands and the answer to them."""


class ScriptError(Exception):
    """A script cannot be run; the text begins with the file and the line."""

    def __init__(self, name: str, number: int, why: str) -> None:
        """Tell where, then why."""
        super().__init__(f"{name}:{number}: {why}")


@attrs.frozen
class Remark:
    """A line that is no command: empty, or a comment."""

    text: str


@attrs.frozen
class Exchange:
    """Some commands and the answer to them.

    Attributes:
        number: the line of the first command, from 1.
        commands: one per line.
        answer: the lines below ``----``.
    """

    number: int
    commands: tuple[str, ...]
    answer: tuple[str, ...]


Part = Remark | Exchange


def parse(text: str, name: str = "script") -> tuple[Part, ...]:
    r"""Read a script.

    Raises:
        ScriptError: commands without ``----``, or an answer without commands.

    >>> parse("# why\n\nat 5\n----\nok\n")
    (Remark(text='# why'), Remark(text=''), Exchange(number=3, commands=('at 5',), answer=('ok',)))
    """
    return tuple(_parts(text.splitlines(), name))


def _parts(lines: list[str], name: str) -> Iterator[Part]:
    start = 0
    while start < len(lines):
        if not lines[start].strip() or lines[start].startswith("#"):
            yield Remark(lines[start])
            start += 1
            continue
        end = _end(lines, start)
        block = lines[start:end]
        if LINE not in block:
            raise ScriptError(name, start + 1, f"commands without {LINE}")
        if block[0] == LINE:
            raise ScriptError(name, start + 1, "an answer without commands")
        cut = block.index(LINE)
        yield Exchange(start + 1, tuple(block[:cut]), tuple(block[cut + 1 :]))
        start = end


def _end(lines: list[str], start: int) -> int:
    """Where the next empty line is."""
    return next((at for at in range(start, len(lines)) if not lines[at].strip()), len(lines))


def written(parts: tuple[Part, ...]) -> str:
    """The text of a script: of what :func:`parse` read, the same again."""
    lines: list[str] = []
    for part in parts:
        lines += [part.text] if isinstance(part, Remark) else [*part.commands, LINE, *part.answer]
    return "".join(f"{line}\n" for line in lines)
