"""Instants and the one comparison that ends things (SPEC 3).

An instant is an ``int`` of milliseconds in ``0..MAX_MS``. A thing with a time to live is
half-open: alive while ``now < expires_at``, gone at equality. :func:`gone` is the only place
that says so; everything that expires asks it.
"""

from __future__ import annotations

from typing import Final

MAX_MS: Final = 2**53 - 1
"""Largest instant and largest duration: exact in every JSON reader (I-52)."""

NEVER: Final = 2**53
"""Later than every instant: where "no deadline" must compare."""


def gone(expires_at_ms: int, now_ms: int) -> bool:
    """Tell whether something that ends at ``expires_at_ms`` has ended. O(1). SPEC 3, D-01, D-27."""
    return expires_at_ms <= now_ms
