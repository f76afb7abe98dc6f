"""Bad values, and the forms arguments must have, written down apart from the engine's own checks.

A *form* says which values an argument accepts; whatever else stands in :data:`VALUES` must be refused.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

MAX: Final = 2**53 - 1
YEARS: Final = 10 * 366 * 86_400_000


class Word(enum.StrEnum):
    """A str that is none by its exact type."""

    MAIN = "main"


class One(enum.IntEnum):
    """An int that is none by its exact type."""

    ONE = 1


class LyingText(str):
    """Equal to everything, as long as it likes, less than all."""

    __slots__ = ()

    def __eq__(self, _: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __lt__(self, _: object) -> bool:
        return True

    def __len__(self) -> int:
        return 1

    def isprintable(self) -> bool:
        return True

    def isascii(self) -> bool:
        return True


class LyingNumber(int):
    """Adds up to nothing and is in every range."""

    def __add__(self, _: object) -> int:
        return 0

    __radd__ = __add__

    def __lt__(self, _: object) -> bool:
        return True

    __le__ = __gt__ = __ge__ = __lt__

    def __index__(self) -> int:
        return 5


class LyingBytes(bytes):
    """Shorter than it is."""

    __slots__ = ()

    def __len__(self) -> int:
        return 0


def recursive() -> list[Any]:
    """A list that contains itself."""
    loop: list[Any] = []
    loop.append(loop)
    return loop


HUGE: Final = 10**5000
"""An int whose decimal text Python refuses to make."""

LONG: Final = "x" * 10**7

TEXTS: Final = {
    "empty": "",
    "blank": " ",
    "inner blank": "a b",
    "digits": "5",
    "hex": "0x10",
    "padded digits": " 7 ",
    "ten million": LONG,
    "NUL": "a\x00b",
    "CR LF": "a\r\nb",
    "tab": "a\tb",
    "DEL": "a\x7fb",
    "C1": "a\x85b",
    "no-break space": "a\xa0b",
    "line separator": "a\u2028b",
    "bidi": "a\u202eb",
    "zero width": "a\u200bb",
    "byte order mark": "\ufeffa",
    "high surrogate": "\ud800",
    "low surrogate": "a\udfff",
    "unassigned": "a\U000e0080",
    "format": "{0.__class__}",
    "dunder": "__proto__",
    "emoji": "job-\U0001f600",
    "NFD": "e\u0301",
    "256 bytes": "x" * 256,
    "257 bytes": "x" * 257,
    "129 umlauts": "\xe4" * 129,
    "65 bytes": "x" * 65,
    "4097 bytes": "x" * 4097,
}

NUMBERS: Final = {
    "0": 0,
    "-1": -1,
    "-2^53": -(2**53),
    "2^31": 2**31,
    "2^53-1": MAX,
    "2^53": 2**53,
    "2^63": 2**63,
    "10^5000": HUGE,
    "-10^5000": -HUGE,
}

OTHERS: Final = {
    "None": None,
    "True": True,
    "False": False,
    "float": 5.0,
    "NaN": float("nan"),
    "inf": float("inf"),
    "Decimal": Decimal(5),
    "Fraction": Fraction(5),
    "complex": 5j,
    "IntEnum": One.ONE,
    "StrEnum": Word.MAIN,
    "lying str": LyingText("main"),
    "lying int": LyingNumber(5),
    "lying bytes": LyingBytes(b"main"),
    "bytes": b"main",
    "bytearray": bytearray(b"main"),
    "memoryview": memoryview(b"main"),
    "list": ["main"],
    "tuple": ("main",),
    "dict": {"main": "main"},
    "recursive": recursive(),
    "object": object(),
    "type": str,
    "function": print,
    "NotImplemented": NotImplemented,
    "Ellipsis": ...,
}

VALUES: Final[dict[str, object]] = {**TEXTS, **NUMBERS, **OTHERS}

Form = Callable[[object], bool]


def _bytes_of(value: str) -> int:
    try:
        return len(str.encode(value))
    except UnicodeEncodeError:
        return MAX


def whole(low: int, high: int) -> Form:
    """An exact int in a range."""
    return lambda value: type(value) is int and low <= value <= high


def words(max_bytes: int) -> Form:
    """An exact str of so many bytes of UTF-8."""
    return lambda value: type(value) is str and len(value) <= max_bytes and _bytes_of(value) <= max_bytes


def name(value: object) -> bool:
    """An id: 1..256 bytes, printable, no blanks."""
    return words(256)(value) and str(value) != "" and str(value).isprintable() and " " not in str(value)


def lane(value: object) -> bool:
    """1..64 bytes of printable ASCII."""
    return type(value) is str and 1 <= len(value) <= 64 and all(" " <= char <= "~" for char in value)


def lanes(value: object) -> bool:
    """Several of them."""
    return isinstance(value, (list, tuple)) and all(lane(entry) for entry in value)


def flag(value: object) -> bool:
    """A bool."""
    return type(value) is bool


def blob(value: object) -> bool:
    """Bytes, or None."""
    return value is None or type(value) is bytes


def or_none(form: Form) -> Form:
    """The form, or None."""
    return lambda value: value is None or form(value)


def nothing(_: object) -> bool:
    """None of these values at all."""
    return False


def anything_callable(value: object) -> bool:
    """What can be called."""
    return callable(value)


INSTANT: Final = whole(0, MAX)
EPOCH: Final = whole(0, 2**52)
"""A floor leaves room for the epochs above it."""
LEASE_TTL: Final = whole(1, 86_400_000)
GRANT_TTL: Final = whole(1, YEARS)
TIMEOUT: Final = or_none(whole(1, YEARS))
PAGE: Final = whole(1, 100_000)
REASON: Final = words(4096)
SHORT: Final = words(256)


def short_name(value: object) -> bool:
    """A text that is not empty."""
    return SHORT(value) and value != ""


def line(value: object) -> bool:
    """A short text without control characters."""
    return SHORT(value) and not any(ord(char) < 32 or char == "\x7f" for char in str(value))


LAST: Final = MAX
PRIORITY: Final = whole(-MAX, MAX)
