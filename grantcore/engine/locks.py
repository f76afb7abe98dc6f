"""What an engine asks of its lock, and what stands in for one."""

from __future__ import annotations

from typing import Protocol


class Lock(Protocol):
    """What an engine needs of its lock; ``threading.RLock`` has it.

    It is taken by ``acquire`` and a ``finally``: half the price of a ``with``, in every call there is.
    """

    def acquire(self, *, blocking: bool = True) -> object:
        """Wait for the lock and take it; or, if not ``blocking``, take it if it is free, and tell so."""
        ...

    def release(self) -> None:
        """Give it back, once for every time it was taken."""
        ...

    def _is_owned(self) -> bool:
        """Whether this thread has it."""
        ...


class OwnerMark:
    """In place of the lock for single-threaded hosts: only remembers that a call is running."""

    __slots__ = ("_owned",)

    def __init__(self) -> None:
        self._owned = False

    def acquire(self, blocking: bool = True) -> bool:  # noqa: ARG002 - by keyword it is dearer
        """Remember that a call is running."""
        self._owned = True
        return True

    def release(self) -> None:
        """Remember that none is."""
        self._owned = False

    def _is_owned(self) -> bool:
        return self._owned


class ForeignLock:
    """The lock of an engine that was inherited."""

    __slots__ = ()

    def acquire(self, *, blocking: bool = True) -> object:
        """Do nothing; nobody comes so far."""

    def release(self) -> None:
        """Do nothing; nobody comes so far."""

    def _is_owned(self) -> bool:
        return True
