"""What the value of a key may be: one class per form; those of several values are in ``mixes``."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

import attrs

from grantcore.model import checks
from grantcore.simulation.scenario.errors import ScenarioError, refusal

MAX_NAME_CHARACTERS: Final = 64
MAX_PATH_CHARACTERS: Final = 4_096
NONE: Final = "none"
"""The word for nothing, which TOML has no value for."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]+(_[0-9]+)*")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+\.?|[0-9]*\.[0-9]+)([eE][+-]?[0-9]+)?")


class Form(ABC):
    """What the value of a key may be. Any value at all may be asked about."""

    @property
    def allowed(self) -> str:
        """What is allowed, in words that follow "must be"."""
        return self._allowed()

    def read(self, where: str, value: object) -> object:
        """Judge a value as it comes out of TOML or JSON; give what the model holds.

        Raises:
            ScenarioError: it is not allowed; ``where`` is the key.
        """
        try:
            return self._read(where, value)
        except ScenarioError:
            raise
        except ValueError:
            raise refusal(where, value, self.allowed) from None

    def plain(self, value: object) -> object:
        """Give what stands in a file for what the model holds; what cannot stand there, as it is."""
        return value

    def words(self, text: str) -> object:
        """Give what would stand in a file for a text of ``--vary``; where it is none, the text itself."""
        return text

    @abstractmethod
    def _allowed(self) -> str: ...

    @abstractmethod
    def _read(self, where: str, value: object) -> object:
        """Judge; any :class:`ValueError` refuses."""


@attrs.frozen
class Whole(Form):
    """An integer of a range."""

    low: int
    high: int

    def words(self, text: str) -> object:
        """Take a number."""
        return number(text)

    def _allowed(self) -> str:
        return f"an integer of {self.low:,} to {self.high:,}"

    def _read(self, where: str, value: object) -> int:
        if type(value) is not int or not self.low <= value <= self.high:
            raise ValueError(where)
        return value


@attrs.frozen
class Real(Form):
    """A number of a range; ``above``: its lower end is not allowed itself."""

    low: float
    high: float
    above: bool = False

    def words(self, text: str) -> object:
        """Take a number."""
        return number(text)

    def _allowed(self) -> str:
        if self.above:
            return f"a number above {self.low:,g}, up to {self.high:,g}"
        return f"a number of {self.low:,g} to {self.high:,g}"

    def _read(self, where: str, value: object) -> float:
        """Give a float, and no negative zero."""
        if type(value) is not int and type(value) is not float:
            raise ValueError(where)
        if not self.low <= value <= self.high or (self.above and value == self.low):
            raise ValueError(where)
        return value + 0.0


@attrs.frozen
class Choice(Form):
    """One of a few words."""

    options: tuple[str, ...]

    def _allowed(self) -> str:
        return f"one of {', '.join(self.options)}"

    def _read(self, where: str, value: object) -> str:
        if type(value) is not str or value not in self.options:
            raise ValueError(where)
        return value


class Flag(Form):
    """True or false."""

    def words(self, text: str) -> object:
        """Take either word."""
        return {"true": True, "false": False}.get(text, text)

    def _allowed(self) -> str:
        return "true or false"

    def _read(self, where: str, value: object) -> bool:
        if type(value) is not bool:
            raise ValueError(where)
        return value


class Name(Form):
    """A name that ids are made of."""

    def _allowed(self) -> str:
        return f"1 to {MAX_NAME_CHARACTERS} characters of printable ASCII without blanks"

    def _read(self, where: str, value: object) -> str:
        if type(value) is not str or len(value) > MAX_NAME_CHARACTERS or not value.isascii():
            raise ValueError(where)
        return checks.identity(where, value)


class File(Form):
    """The path of a file."""

    def plain(self, value: object) -> object:
        """Give it as text, with ``/``."""
        return value.as_posix() if isinstance(value, Path) else value

    def _allowed(self) -> str:
        return "the path of a file"

    def _read(self, where: str, value: object) -> Path:
        if type(value) is not str or not 1 <= len(value) <= MAX_PATH_CHARACTERS or not value.isprintable():
            raise ValueError(where)
        return Path(value)


@attrs.frozen
class Maybe(Form):
    """Another form, or nothing, which means something by itself: ``nothing`` says what."""

    form: Form
    nothing: str

    def plain(self, value: object) -> object:
        """Give what the other form gives."""
        return None if value is None else self.form.plain(value)

    def words(self, text: str) -> object:
        """Take ``none``, or what the other form takes."""
        return text if text == NONE else self.form.words(text)

    def _allowed(self) -> str:
        return f'{self.form.allowed}, or "{NONE}" ({self.nothing})'

    def _read(self, where: str, value: object) -> object:
        try:
            return None if value is None or value == NONE else self.form.read(where, value)
        except ScenarioError as error:
            raise ScenarioError(error.key, error.value, self.allowed) from None


def number(text: str) -> object:
    """Read an integer or a decimal; what is neither, or far too long, is given back.

    >>> number("5_000"), number(".5"), number("1e3"), number("five")
    (5000, 0.5, 1000.0, 'five')
    """
    if len(text) > MAX_NAME_CHARACTERS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
