"""The form of arguments: exact types, ranges and lengths, one function per form (SPEC 5, 9, 11).

Each returns the value it was given or raises :class:`InvalidInput` naming the field. ``type(x) is``
on purpose: ``True`` is not 1, and a subclass may lie about its length, hash or order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final, TypeVar, cast

from grantcore.model.errors import InvalidTagKey, invalid
from grantcore.model.time import MAX_MS
from grantcore.model.values import FrozenDict

MAX_ID_BYTES: Final = 256
MAX_LANE_BYTES: Final = 64

_TAG_NAME: Final = re.compile(r"[a-z][a-z0-9_]*\.[^.]")

T = TypeVar("T")


def integer(field: str, value: object, low: int, high: int) -> int:
    """Accept an ``int`` in ``low..high``."""
    if type(value) is not int or not low <= value <= high:
        raise invalid(field, f"an int in {low}..{high}")
    return value


def instant(field: str, value: object) -> int:
    """Accept an instant in milliseconds."""
    return integer(field, value, 0, MAX_MS)


def optional_instant(field: str, value: object) -> int | None:
    """Accept an instant in milliseconds, or None."""
    return None if value is None else integer(field, value, 0, MAX_MS)


def text(field: str, value: object, max_bytes: int, *, least: int = 0) -> str:
    """Accept a ``str`` of ``least..max_bytes`` bytes of UTF-8; over-long ones are refused in O(1)."""
    if type(value) is not str or not least <= len(value) <= max_bytes or _utf8_length(value) > max_bytes:
        raise invalid(field, f"a str of {least}..{max_bytes} bytes of UTF-8")
    return value


def _utf8_length(value: str) -> int:
    """Measure in bytes; a lone surrogate has no UTF-8 and counts as infinite."""
    if value.isascii():
        return len(value)
    try:
        return len(value.encode())
    except UnicodeEncodeError:
        return MAX_MS


def optional_text(field: str, value: object, max_bytes: int) -> str | None:
    """Accept a ``str``, or None; the empty text means None."""
    return None if value is None else text(field, value, max_bytes) or None


def blob(field: str, value: object, max_bytes: int) -> bytes | None:
    """Accept ``bytes`` of at most ``max_bytes``, or None; empty bytes mean None."""
    if value is None:
        return None
    if type(value) is not bytes or len(value) > max_bytes:
        raise invalid(field, f"bytes, at most {max_bytes}")
    return value or None


def execution_id(value: object, field: str = "execution_id") -> str:
    """Accept an execution id: 1..256 bytes of printable text without spaces (SPEC 9)."""
    return _identifier(field, value)


def identity(field: str, value: object) -> str:
    """Accept a worker, instance or operator id: 1..256 bytes, no blanks, no control characters."""
    return _identifier(field, value)


def _identifier(field: str, value: object) -> str:
    """``isprintable`` refuses controls, separators, surrogates and unassigned code points alike."""
    if (
        type(value) is not str
        or not 1 <= len(value) <= MAX_ID_BYTES
        or not value.isprintable()
        or " " in value
        or _utf8_length(value) > MAX_ID_BYTES
    ):
        raise invalid(field, f"a printable str without blanks of 1..{MAX_ID_BYTES} bytes of UTF-8")
    return value


def lane_id(value: object, field: str = "lane_id") -> str:
    """Accept a lane: 1..64 bytes of printable ASCII (SPEC 9)."""
    if (
        type(value) is not str
        or not 1 <= len(value) <= MAX_LANE_BYTES
        or not value.isascii()
        or not value.isprintable()
    ):
        raise invalid(field, f"1..{MAX_LANE_BYTES} characters of printable ASCII")
    return value


def optional_lane_id(value: object, field: str = "lane_id") -> str | None:
    """Accept a lane, or None."""
    return None if value is None else lane_id(value, field)


def flag(field: str, value: object) -> bool:
    """Accept a ``bool``."""
    if type(value) is not bool:
        raise invalid(field, "a bool")
    return value


def choice(field: str, value: object, allowed: Collection[str]) -> str:
    """Accept one of a few texts."""
    if type(value) is not str or value not in allowed:
        raise invalid(field, f"one of {', '.join(allowed)}")
    return value


def instance(field: str, value: object, kind: type[T]) -> T:
    """Accept a value of exactly one of our own classes."""
    if type(value) is not kind:
        raise invalid(field, f"a {kind.__name__}")
    return value


def tags(value: object, max_tags: int, max_bytes: int) -> Mapping[str, str]:
    """Copy a mapping of texts; at most ``max_tags`` entries are read. Names are judged later."""
    if not isinstance(value, Mapping):
        raise invalid("tags", "a mapping of str to str")
    given = cast("Mapping[object, object]", value)
    copied: dict[str, str] = {}
    for count, (key, entry) in enumerate(given.items()):
        if count >= max_tags:
            raise invalid("tags", f"at most {max_tags} entries")
        copied[text("tags", key, MAX_ID_BYTES)] = text("tags", entry, max_bytes)
    return FrozenDict(copied)


def tag_names(tags: Mapping[str, str]) -> None:
    """Refuse the first tag whose name is not ``namespace.name`` (reference 9.4)."""
    for key in tags:
        if not _TAG_NAME.match(key):
            raise InvalidTagKey(
                "a tag name is lower-case letters, digits, underscores, a dot, a name", key=key
            )
