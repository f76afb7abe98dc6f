"""The one rule of lazy removal: entries that their record does not confirm stay until they are too many."""

from __future__ import annotations

from typing import Final

SLACK: Final = 64


def room(live: int) -> int:
    """How many entries an index of ``live`` records may have: as many unconfirmed ones as records, and some.

    Live records only grow in number, save when one is purged; so an index keeps this number and asks again
    when it is exceeded, and after a purge. A sweep costs O(entries), paid for by as many changes.
    """
    return 2 * live + SLACK
