"""JSON as bytes: bounded, strict, without a number or a key that two readers could take differently.

``json`` alone accepts ``NaN``, keeps the last of two equal keys, and recurses as deep as a sender likes.
Here nesting and counts are judged by one pass over the bytes before anything is built, and the rest is
refused while it is read.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final, TypeAlias

from grantcore.model import checks
from grantcore.model.errors import invalid
from grantcore.model.time import MAX_MS
from grantcore.wire.refusals import shown

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_DEPTH: Final = 16
"""No public value nests half as deep."""

MAX_DIGITS: Final = 17
"""Sign and digits of 2**53 - 1: no field takes a longer integer."""

MAX_NUMBER: Final = 32
"""Characters of any other number; a double is told by 24."""

_MARKS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
"""A string, which is stepped over, or a mark outside of strings.

A string that nothing closes goes to the end: whoever tried again behind its quote would take quadratic time.
"""


def write(value: Json) -> bytes:
    """Write JSON as compact UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def read(data: object, max_bytes: int, max_values: int) -> object:
    """Read one JSON document.

    Raises:
        InvalidInput: it is too large, nests too deep, or is not JSON with unique keys and finite numbers.
    """
    checks.integer("max_bytes", max_bytes, 0, MAX_MS)
    checks.integer("max_values", max_values, 0, MAX_MS)
    if type(data) is not bytes or len(data) > max_bytes:
        raise invalid("data", f"bytes, at most {max_bytes}")
    _bound(data, max_values)
    try:
        return _DECODER.decode(data.decode())
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise invalid("data", "one JSON document in UTF-8") from None


def _bound(data: bytes, max_values: int) -> None:
    """Judge depth and count; each value is preceded by a comma or an opening bracket, save the first."""
    depth, values = 0, 1
    for mark in _MARKS.finditer(data):
        sign = mark[0]
        if sign in b"]}":
            depth -= 1
        elif sign in b"[{,":
            depth += sign != b","
            values += 1
        if depth > MAX_DEPTH or values > max_values:
            raise invalid("data", f"at most {MAX_DEPTH} levels deep and {max_values} values")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read: dict[str, object] = {}
    for key, value in pairs:
        if key in read:
            raise invalid(shown(key), "given once")
        read[key] = value
    return read


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise invalid("data", "without integers beyond 2**53")
    return int(digits)


def _number(digits: str) -> float:
    if len(digits) > MAX_NUMBER or not math.isfinite(value := float(digits)):
        raise invalid("data", f"without numbers of over {MAX_NUMBER} characters or beyond a double")
    return value


def _constant(_name: str) -> float:
    raise invalid("data", "without NaN and Infinity")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
