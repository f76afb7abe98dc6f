"""Chapter 1: the form of arguments, judged before anything is looked at (SPEC 5, 6, 9, 11).

Each function gives back what it was given, in plain form, or refuses it naming the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

from grantcore import Fence, GrantError, InvalidCapabilities, InvalidInput, InvalidTagKey

MAX_MS = 2**53 - 1
"""The last instant, and the longest duration."""

MAX_TTL_MS = 10 * 366 * 86_400_000
MAX_NAME_BYTES = 256
MAX_PAGE = 100_000
MAX_NAMES = 64
MAX_BATCH = 100_000

T = TypeVar("T")


def refused(field: str, allowed: str) -> InvalidInput:
    """The refusal of an argument."""
    return InvalidInput(f"{field} must be {allowed}", field=field)


def integer(field: str, value: object, low: int, high: int) -> int:
    """An int, by exact type: True is not 1."""
    if type(value) is int and low <= value <= high:
        return value
    raise refused(field, f"an int in {low}..{high}")


def instant(field: str, value: object) -> int:
    """An instant, or a duration, in milliseconds."""
    return integer(field, value, 0, MAX_MS)


def optional_integer(field: str, value: object, low: int, high: int) -> int | None:
    """An int, or None."""
    return None if value is None else integer(field, value, low, high)


def optional_instant(field: str, value: object) -> int | None:
    """An instant, or None."""
    return None if value is None else instant(field, value)


def is_text(value: object, low: int, high: int) -> bool:
    """Whether it is a str of so many bytes of UTF-8; lone surrogates have none."""
    if type(value) is not str:
        return False
    try:
        return low <= len(value.encode()) <= high
    except UnicodeEncodeError:
        return False


def text(field: str, value: object, high: int, low: int = 0) -> str:
    """A text of so many bytes."""
    if is_text(value, low, high):
        return cast("str", value)
    raise refused(field, f"a str of {low}..{high} bytes")


def optional_text(field: str, value: object, high: int) -> str | None:
    """A text, or None; the empty text is None (reference 1.1)."""
    return None if value is None else text(field, value, high) or None


def name(field: str, value: object) -> str:
    """An id: 1..256 bytes of printable text without blanks."""
    read = text(field, value, MAX_NAME_BYTES, 1)
    if read.isprintable() and " " not in read:
        return read
    raise refused(field, "printable, without blanks")


def execution_id(value: object) -> str:
    """The id of an execution."""
    return name("execution_id", value)


def lane_id(value: object, field: str = "lane_id") -> str:
    """A lane: 1..64 bytes of printable ASCII."""
    read = text(field, value, 64, 1)
    if read.isascii() and read.isprintable():
        return read
    raise refused(field, "printable ASCII")


def optional_lane_id(value: object) -> str | None:
    """A lane, or None."""
    return None if value is None else lane_id(value)


def blob(field: str, value: object, high: int) -> bytes | None:
    """Bytes, or None; no bytes are None."""
    if value is None or (type(value) is bytes and len(value) <= high):
        return value or None
    raise refused(field, f"bytes, at most {high}")


def flag(field: str, value: object) -> bool:
    """A bool."""
    if type(value) is bool:
        return value
    raise refused(field, "a bool")


def one_of(field: str, value: object, kind: type[T]) -> T:
    """A value of exactly this class of grantcore."""
    if type(value) is kind:
        return value
    raise refused(field, f"a {kind.__name__}")


def listed(field: str, value: object, most: int) -> list[object]:
    """The elements of an iterable that is neither a text nor a mapping."""
    if isinstance(value, (str, bytes, bytearray, Mapping)) or not isinstance(value, Iterable):
        raise refused(field, "an iterable")
    elements: list[object] = []
    for element in cast("Iterable[object]", value):
        if len(elements) == most:
            raise refused(field, f"at most {most} elements")
        elements.append(element)
    return elements


def names(field: str, value: object) -> tuple[str, ...]:
    """Names of policies or budgets, each once, as given."""
    read = [text(field, element, MAX_NAME_BYTES, 1) for element in listed(field, value, MAX_NAMES)]
    return tuple(dict.fromkeys(read))


def tags(value: object, most: int, high: int) -> dict[str, str]:
    """Tags: texts to texts; their names are judged later."""
    if not isinstance(value, Mapping):
        raise refused("tags", "a mapping")
    given = cast("Mapping[object, object]", value)
    if len(given) > most:
        raise refused("tags", f"at most {most} entries")
    return {text("tags", key, MAX_NAME_BYTES): text("tags", entry, high) for key, entry in given.items()}


def tag_names(given: Mapping[str, str]) -> None:
    """A lower-case letter, then such, digits or underscores, then a dot, no other (reference 9.4)."""
    for key in given:
        head, dot, rest = key.partition(".")
        fits = head[:1] in LOWER and all(letter in LOWER | DIGITS for letter in head)
        if not head or not fits or not dot or not rest or rest[0] == ".":
            raise InvalidTagKey("a tag is named namespace.name", key=key)


LOWER = frozenset("abcdefghijklmnopqrstuvwxyz")
DIGITS = frozenset("0123456789_")


# -- capabilities (SPEC 6) -----------------------------------------------------------------------


def tokens(side: str, value: object) -> tuple[str, ...]:
    """A set of tokens: elements in order first, then the counts, then sorted and merged."""
    if isinstance(value, (str, bytes, bytearray, Mapping)) or not isinstance(value, Iterable):
        raise _malformed(side, "not_array")
    read: list[str] = []
    for element in cast("Iterable[object]", value):
        read.append(_token(side, element))
        if len(read) > 256:  # noqa: PLR2004 - SPEC 6 says so
            raise _malformed(side, "too_many_tokens")
    if len(",".join(read).encode()) > 4096:  # noqa: PLR2004 - SPEC 6 says so
        raise _malformed(side, "too_many_bytes")
    return tuple(sorted(set(read)))


def _token(side: str, value: object) -> str:
    if type(value) is not str:
        raise _malformed(side, "non_string_token")
    if not value:
        raise _malformed(side, "empty_token")
    if "," in value:
        raise _malformed(side, "comma_in_token")
    if any(letter <= " " or letter == "\x7f" or "\ud800" <= letter <= "\udfff" for letter in value):
        raise _malformed(side, "control_or_whitespace")
    if len(value.encode()) > 256:  # noqa: PLR2004 - SPEC 6 says so
        raise _malformed(side, "token_too_long")
    return value


def _malformed(side: str, code: str) -> GrantError:
    return InvalidCapabilities(f"{side}:{code}", reason=f"{side}:{code}")


# -- fences (SPEC 5) -----------------------------------------------------------------------------


def fence(given: object, field: str = "lease") -> Fence:
    """The fence of whatever a holder hands in; missing parts are None."""
    return Fence(
        name(f"{field}.execution_id", getattr(given, "execution_id", None)),
        _part(f"{field}.lease_id", getattr(given, "lease_id", None)),
        _epoch(f"{field}.lease_epoch", getattr(given, "lease_epoch", None)),
        _part(f"{field}.attempt_id", getattr(given, "attempt_id", None)),
    )


def _part(field: str, value: object) -> str | None:
    if value is None or type(value) is str:
        return value or None
    raise refused(field, "a str or None")


def _epoch(field: str, value: object) -> int | None:
    return None if value is None or (type(value) is str and not value) else instant(field, value)
