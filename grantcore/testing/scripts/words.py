"""The words of a command: positions first, then ``name=value``; durations say ``ms``, instants do not."""

from __future__ import annotations

import re
import shlex
from typing import Final

_NAMED: Final = re.compile(r"([a-z_]+)=(.*)", re.DOTALL)
_JOINTS: Final = frozenset({"to", "by", "for"})
"""Words that only make a command read well."""


class Misspelt(Exception):
    """A command is not written as it should be."""


class Words:
    """The arguments of one command; each is read once, and :meth:`finish` refuses what nobody read.

    >>> words = Words('job-1 to ann/ann-1 ttl=5000ms reason="no idea"')
    >>> words.next(), words.worker(), words.ms("ttl"), words.text("reason", "")
    ('job-1', ('ann', 'ann-1'), 5000, 'no idea')
    >>> words.finish()
    """

    def __init__(self, text: str) -> None:
        """Take a command apart, less its name."""
        self._positions: list[str] = []
        self._named: dict[str, str] = {}
        try:
            pieces = shlex.split(text)
        except ValueError as error:
            raise Misspelt(f"quotes do not match: {error}") from error
        for piece in pieces:
            named = _NAMED.fullmatch(piece)
            if named is not None:
                self._named[named[1]] = named[2]
            elif piece not in _JOINTS:
                self._positions.append(piece)

    def finish(self) -> None:
        """Refuse what is left over.

        Raises:
            Misspelt: something is.
        """
        left = [*self._positions, *(f"{name}=" for name in self._named)]
        if left:
            raise Misspelt(f"what is {', '.join(left)}?")

    # -- positions ---------------------------------------------------------------------------------

    def next(self, what: str = "a name") -> str:
        """The next word that has no name."""
        if not self._positions:
            raise Misspelt(f"{what} is missing")
        return self._positions.pop(0)

    def rest(self) -> list[str]:
        """All other words that have no name."""
        rest, self._positions = self._positions, []
        return rest

    def worker(self) -> tuple[str, str]:
        """``WORKER/INSTANCE``."""
        name, slash, instance = self.next("a worker").partition("/")
        if not slash:
            raise Misspelt(f"a worker is WORKER/INSTANCE, not {name}")
        return name, instance

    def amounts(self) -> dict[str, int]:
        """All words that are left, as ``NAME:AMOUNT``."""
        return _amounts(self.rest())

    # -- by name -----------------------------------------------------------------------------------

    def text(self, name: str, default: str) -> str:
        """Any text."""
        return self._named.pop(name, default)

    def optional(self, name: str) -> str | None:
        """Any text, or None if it was not given."""
        return self._named.pop(name, None)

    def names(self, name: str) -> tuple[str, ...]:
        """Names with commas between them; none if it was not given."""
        given = self._named.pop(name, "")
        return tuple(given.split(",")) if given else ()

    def number(self, name: str) -> int | None:
        """A number, or an instant; None if it was not given."""
        return number(name, self._named.pop(name)) if name in self._named else None

    def instant(self, name: str) -> int:
        """An instant that must be given."""
        return number(name, self._named.pop(name, ""))

    def ms(self, name: str) -> int:
        """A duration that must be given."""
        given = self._named.pop(name, "")
        if not given.endswith("ms"):
            raise Misspelt(f"{name} is a duration: {name}=500ms")
        return number(name, given.removesuffix("ms"))

    def optional_ms(self, name: str) -> int | None:
        """A duration, or None if it was not given."""
        return self.ms(name) if name in self._named else None

    def limits(self, name: str) -> dict[str, int]:
        """``NAME:AMOUNT`` with commas between them; none if it was not given."""
        return _amounts(list(self.names(name)))


def number(name: str, given: str) -> int:
    """Read a number.

    Raises:
        Misspelt: it is none.
    """
    try:
        return int(given)
    except ValueError:
        raise Misspelt(f"{name} is a number, not {given!r}") from None


def _amounts(pairs: list[str]) -> dict[str, int]:
    amounts: dict[str, int] = {}
    for pair in pairs:
        name, colon, amount = pair.partition(":")
        if not colon:
            raise Misspelt(f"an amount is NAME:AMOUNT, not {pair}")
        amounts[name] = number(name, amount)
    return amounts
