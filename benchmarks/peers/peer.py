"""What a peer is: a name, what it does and lacks, and a way to run its lifecycles."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager


class Absent(Exception):
    """A peer is not installed; the text says what is missing."""


class Work(Protocol):
    """Runs so many lifecycles; answers the nanoseconds that one took."""

    def __call__(self, count: int, /) -> float:
        """Run them."""
        ...


@dataclass(frozen=True)
class Peer:
    """Somebody else on the same work.

    Attributes:
        name: its own.
        does: the calls of its lifecycle, in its own words.
        strength: what it can do that an embedded engine cannot, or does better.
        lacks: what of a lease engine it does not have, beside what none of them has.
        open: ready to work while the context lasts; raises :class:`Absent`.
        goal: the least that its cost must be of a lifecycle of the engine, or None.
        stretch: what would be better still.
    """

    name: str
    does: str
    strength: str
    lacks: str
    open: Callable[[], AbstractContextManager[Work]]
    goal: float | None = None
    stretch: float | None = None


def always(work: Callable[[], Work]) -> Callable[[], AbstractContextManager[Work]]:
    """Open something that needs no closing."""

    @contextmanager
    def opened() -> Generator[Work]:
        yield work()

    return opened
