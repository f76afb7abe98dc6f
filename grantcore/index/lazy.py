"""The one rule of lazy removal."""

from __future__ import annotations

from typing import Final

SLACK: Final = 64


def crowded(entries: int, live: int) -> bool:
    """Tell whether an index had better be swept: more unconfirmed entries than live ones and some."""
    return entries > 2 * live + SLACK
