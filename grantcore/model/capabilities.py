"""Capability tokens: one reading rule for required and worker sets, one comparison (SPEC 6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, cast

from grantcore.model.errors import InvalidCapabilities

MAX_TOKENS: Final = 256
MAX_TOKEN_BYTES: Final = 256
MAX_JOINED_BYTES: Final = 4096

_FORBIDDEN: Final = re.compile("[\x00-\x20\x7f\ud800-\udfff]")
"""Controls, space, DEL, and lone surrogates, which have no UTF-8."""

Side = Literal["required", "worker"]


def read(side: Side, tokens: object) -> tuple[str, ...]:
    """Read a set of tokens: checked as given, then merged and sorted.

    Elements are judged in order and before the counts; reading stops at the 257th, so an endless
    iterable is refused. Malformed input never reads as "nothing required" (I-26).

    Raises:
        InvalidCapabilities: ``reason`` is ``required:CODE`` or ``worker:CODE``.
    """
    if type(tokens) is tuple:
        if not tokens:
            return ()
    elif isinstance(tokens, (str, bytes, bytearray, Mapping)) or not isinstance(tokens, Iterable):
        raise _malformed(side, "not_array")
    given = cast("Iterable[str]", tokens)  # so the caller says; each is judged
    seen: list[str] = []
    joined = -1
    for token in given:
        joined += 1 + _token_length(side, token)
        if len(seen) == MAX_TOKENS:
            raise _malformed(side, "too_many_tokens")
        seen.append(token)
    if joined > MAX_JOINED_BYTES:
        raise _malformed(side, "too_many_bytes")
    return tuple(sorted(set(seen)))


def _token_length(side: Side, token: object) -> int:
    """Judge one token and measure it in bytes of UTF-8."""
    if type(token) is not str:
        raise _malformed(side, "non_string_token")
    if not token:
        raise _malformed(side, "empty_token")
    head = token[: MAX_TOKEN_BYTES + 1]
    if "," in head:
        raise _malformed(side, "comma_in_token")
    if _FORBIDDEN.search(head):
        raise _malformed(side, "control_or_whitespace")
    if len(token) > MAX_TOKEN_BYTES:
        raise _malformed(side, "token_too_long")
    length = len(token.encode())
    if length > MAX_TOKEN_BYTES:
        raise _malformed(side, "token_too_long")
    return length


def _malformed(side: Side, code: str) -> InvalidCapabilities:
    reason = f"{side}:{code}"
    return InvalidCapabilities(reason, reason=reason)


def missing(required: tuple[str, ...], has: frozenset[str]) -> tuple[str, ...]:
    """Name the required tokens that are not there, sorted; admission is an empty answer (I-22, I-23)."""
    return tuple(token for token in required if token not in has)
