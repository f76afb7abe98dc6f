"""The one rule of lazy removal."""

from __future__ import annotations

from typing import Final

SLACK: Final = 64


def crowded(entries: int, live: int) -> bool:
    """Tell whether an index had better be swept: more entries than twice the live records, and some.

    So the unconfirmed ones never exceed ``live + 64``, and a sweep of O(entries) is paid for by as many
    changes.
    """
    return entries > 2 * live + SLACK
