"""An engine belongs to the process that built it (SPEC 11).

A fork gives the child every engine of its parent, perhaps with the lock held by a thread that does not exist
there. So in the child each of them gets a lock that nobody can take: a call finds it taken, as it would in a
re-entrant call, and is told the reason. That costs the other calls nothing.
"""

from __future__ import annotations

import os
from typing import Final, Protocol
from weakref import WeakSet

from grantcore.engine.locks import ForeignLock, Lock


class Built(Protocol):
    """What a process builds: an engine."""

    _lock: Lock


FOREIGN: Final = ForeignLock()

_engines: Final[WeakSet[Built]] = WeakSet()


def belongs_here(engine: Built) -> None:
    """Note that an engine was built by this process."""
    _engines.add(engine)


def disown() -> None:
    """Disown, in the child, what the parent built."""
    for engine in list(_engines):
        engine._lock = FOREIGN
    _engines.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows, which cannot fork
    os.register_at_fork(after_in_child=disown)
