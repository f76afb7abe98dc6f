"""What is wrong with a scenario: which key, what stands there, what may."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

MAX_SHOWN: Final = 60
"""Characters of a value, or of a name that is a value, in a message."""

MAX_SHOWN_BITS: Final = 128
"""Larger integers are not written out: nobody reads them, and Python refuses the largest."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_KINDS: Final[dict[type, str]] = {dict: "a table", list: "an array", tuple: "an array"}


class ScenarioError(ValueError):
    """A scenario cannot be run as it stands.

    Attributes:
        key: dotted, as in the file: ``leases.lease_ttl_ms``, ``workers.0.count``; or ``the file``.
        value: what stands there, shortened.
        allowed: what may.
        path: of the file, where one was read.
    """

    def __init__(self, key: str, value: str, allowed: str) -> None:
        """Keep the three; the reader of a file adds its path."""
        super().__init__(key, value, allowed)
        self.key = key
        self.value = value
        self.allowed = allowed
        self.path: Path | None = None

    def __str__(self) -> str:
        """Read as ``scenario.toml: workers.0.count must be an integer of 1 to 100,000, not 0``."""
        return f"{self.path}: {self._text()}" if self.path else self._text()

    def _text(self) -> str:
        return f"{self.key} must be {self.allowed}, not {self.value}"


class Unreadable(ScenarioError):
    """The file is no TOML at all; ``value`` says why."""

    def _text(self) -> str:
        return f"{self.key} must be {self.allowed}: {self.value}"


class UnknownKey(ScenarioError):
    """There is no such key; ``allowed`` are those that there are, the nearest first."""

    def _text(self) -> str:
        return f"{self.key} is no key here; there are {self.allowed}"


class AmbiguousKey(ScenarioError):
    """A short name means several keys; ``allowed`` are their whole names."""

    def _text(self) -> str:
        return f"{self.key} may mean {self.allowed}"


def refusal(key: str, value: object, allowed: str) -> ScenarioError:
    """Say that this value is not allowed."""
    return ScenarioError(key, shown(value), allowed)


def unknown(key: str, name: str, value: object, known: Collection[str]) -> UnknownKey:
    """Say that the table has no key of this name."""
    near = get_close_matches(name[:MAX_SHOWN], known, n=3, cutoff=0.5)
    first = [*near, *(other for other in known if other not in near)]
    return UnknownKey(key, shown(value), ", ".join(first))


def shown(value: object) -> str:
    """Write a value as a message can bear it: short, on one line, whatever it is.

    >>> shown(5_000), shown("a b"), shown(None), shown([1]), shown(1 << 9_999)
    ('5,000', "'a b'", 'none', 'an array', 'an integer of 10000 bits')
    """
    if type(value) is int:
        bits = value.bit_length()
        return f"{value:,}" if bits <= MAX_SHOWN_BITS else f"an integer of {bits} bits"
    if type(value) is str:
        return ascii(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "...")
    if value is None or type(value) in {bool, float}:
        return repr(value).lower()
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def below(where: str, name: object) -> str:
    """Give the dotted key of what stands in a table; a name that is not plain is quoted.

    >>> below("workload", "jobs"), below("", "seed"), below("workload.lanes", "my lane")
    ('workload.jobs', 'seed', "workload.lanes.'my lane'")
    """
    plain = type(name) is int or (type(name) is str and _PLAIN.fullmatch(name))
    text = str(name) if plain else shown(name)
    return f"{where}.{text}" if where else text
