"""The garbage collector during a run: it finds nothing, so it need not look often.

A run makes no cycles of objects: what is over is freed at once, by its last reference
(``tests/simulation/test_garbage.py``). But a collector that looks through all that lives, again and
again, took a third of the time of a run with 100,000 workers.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_FEW: Final = (50_000, 20, 1_000)
"""Objects until a look at the youngest, such looks until one at the younger, such until one at all."""

_lock: Final = Lock()
_before: list[tuple[int, int, int]] = []
"""The thresholds at the beginning of each run that goes on, in whatever thread."""


@contextmanager
def few_collections() -> Generator[None, None, None]:
    """Have the collector look seldom; when the last run of the process is over, as often as before."""
    with _lock:
        _before.append(gc.get_threshold())
        gc.set_threshold(*_FEW)
    try:
        yield
    finally:
        with _lock:
            first = _before[0]
            _before.pop()
            if not _before:
                gc.set_threshold(*first)
