"""A guard for what is protected: :class:`FenceGuard` refuses writes under a lower epoch than it has seen.

The engine refuses a late worker's calls, but it does not stand between that worker and the database or the
device it writes to. Whoever owns the resource does, and the epoch is all it takes: it rises by one with
every lease of an execution and never falls, so a write that comes with a lower one than an earlier write
is late (SPEC 5; I-02). Equal epochs pass: a holder may write often.

**Check and write as one.** Between a check and a write that follows it, a successor may write, and the late
write lands after all. So either the resource serialises its writes itself and calls :meth:`FenceGuard.admit`
where it does, or the write goes inside :meth:`FenceGuard.writing`, which keeps other writers out meanwhile.

**Memory.** One integer per execution id, at most ``max_executions``: a new id beyond that is refused, never
an old one forgotten, because a guard that forgets protects nothing. :meth:`FenceGuard.forget` an execution
once no worker of it can write any more. A guard lives as long as its process; what must outlast that, like a
row of a database, keeps the epoch beside the data and compares there.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from grantcore.model import checks
from grantcore.model.errors import FenceRequired, LimitExceeded, StaleLease
from grantcore.model.leases import Fenced, parts, read_fence

MAX_EXECUTIONS = 2**31 - 1


class FenceGuard:
    """Remembers the highest epoch it has seen of each execution. Thread-safe.

    Args:
        max_executions: so many executions at most, 1..2**31-1.

    Raises:
        InvalidInput: ``max_executions`` is malformed.

    >>> from grantcore import Fence, FenceGuard
    >>> guard = FenceGuard()
    >>> guard.admit(Fence("job-1", lease_epoch=2))
    >>> guard.admit(Fence("job-1", lease_epoch=1))
    Traceback (most recent call last):
        ...
    grantcore.model.errors.StaleLease: stale_lease: a later lease has written already
    """

    __slots__ = ("_lock", "_max_executions", "_seen")

    def __init__(self, *, max_executions: int = 100_000) -> None:
        self._max_executions = checks.integer("max_executions", max_executions, 1, MAX_EXECUTIONS)
        self._seen: dict[str, int] = {}
        self._lock = threading.RLock()

    def admit(self, lease: Fenced) -> None:
        """Let a write under this lease pass, and remember its epoch.

        Args:
            lease: the writer's lease, or anything with its ``execution_id`` and ``lease_epoch``.

        Raises:
            StaleLease: a higher epoch was seen; it is in ``current_epoch``.
            FenceRequired: there is no epoch.
            LimitExceeded: it is a new execution and there are ``max_executions`` already.
            InvalidInput: a part of the fence is malformed.

        O(1).
        """
        execution_id, _, epoch, _ = parts(read_fence(lease))
        if epoch is None:
            raise FenceRequired("lease_epoch is needed")
        with self._lock:
            self._admit(execution_id, epoch)

    def _admit(self, execution_id: str, epoch: int) -> None:
        seen = self._seen.get(execution_id)
        if seen is None and len(self._seen) >= self._max_executions:
            raise LimitExceeded("the guard knows as many executions as it may", limit="max_executions")
        if seen is not None and epoch < seen:
            raise StaleLease("a later lease has written already", current_epoch=seen)
        self._seen[execution_id] = epoch

    @contextmanager
    def writing(self, lease: Fenced) -> Generator[None, None, None]:
        """Admit the lease, and keep every other writer of this guard out until the block is left.

        The epoch stays seen if the write fails. Arguments and refusals as of :meth:`admit`.
        """
        with self._lock:
            self.admit(lease)
            yield

    def epoch(self, execution_id: str) -> int | None:
        """The highest epoch seen of an execution; None: none was. O(1).

        Raises:
            InvalidInput: the id is malformed.
        """
        with self._lock:
            return self._seen.get(checks.execution_id(execution_id))

    def forget(self, execution_id: str) -> bool:
        """Forget an execution of which nobody can write any more; True: it was known. O(1).

        Raises:
            InvalidInput: the id is malformed.
        """
        checks.execution_id(execution_id)
        with self._lock:
            return self._seen.pop(execution_id, None) is not None
