"""Sizes of jobs and workers as capability tokens: ``procs-N``, N a power of two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIZE: Final = re.compile("procs-([0-9]{1,12})")


def carried(required: Iterable[str]) -> tuple[str, ...]:
    """Name the tokens of a worker that can run what requires these: the smaller sizes are added.

    >>> carried(["gpu", "procs-4"])
    ('gpu', 'procs-1', 'procs-2', 'procs-4')
    """
    tokens = set(required)
    for token in tuple(tokens):
        if match := _SIZE.fullmatch(token):
            largest = int(match[1])
            tokens.update(f"procs-{1 << exponent}" for exponent in range(largest.bit_length()))
    return tuple(sorted(tokens))
