"""The least that five calls of a lease engine can do: one dict probe, one guard, the minimal writes.

No validation, no expiry, no indexes, no lock, no event, no results, and ids made beforehand: whatever an
engine costs above this is what its features cost.
"""

from __future__ import annotations

from typing import Final

ELIGIBLE: Final = "eligible"
LEASED: Final = "leased"
SUCCEEDED: Final = "succeeded"


class Refused(Exception):
    """A guard failed."""


class _Record:
    __slots__ = ("epoch", "execution_id", "expires_at_ms", "phase", "worker_id")

    def __init__(self, execution_id: str) -> None:
        self.execution_id = execution_id
        self.phase = ELIGIBLE
        self.worker_id: str | None = None
        self.epoch = 0
        self.expires_at_ms = 0


class Floor:
    """Five methods over a dict of records."""

    __slots__ = ("_records",)

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def create(self, execution_id: str) -> None:
        """Store a new execution."""
        if execution_id in self._records:
            raise Refused
        self._records[execution_id] = _Record(execution_id)

    def issue(self, execution_id: str, worker_id: str, expires_at_ms: int) -> None:
        """Grant it to a worker."""
        record = self._records[execution_id]
        if record.phase is not ELIGIBLE:
            raise Refused
        record.worker_id = worker_id
        record.expires_at_ms = expires_at_ms

    def claim(self, execution_id: str, worker_id: str, expires_at_ms: int) -> int:
        """Turn the grant into a lease; answer its epoch."""
        record = self._records[execution_id]
        if record.worker_id != worker_id:
            raise Refused
        record.phase = LEASED
        record.expires_at_ms = expires_at_ms
        record.epoch += 1
        return record.epoch

    def renew(self, execution_id: str, epoch: int, expires_at_ms: int) -> None:
        """Move the end of the lease."""
        record = self._records[execution_id]
        if record.epoch != epoch:
            raise Refused
        record.expires_at_ms = expires_at_ms

    def complete(self, execution_id: str, epoch: int) -> None:
        """End the execution."""
        record = self._records[execution_id]
        if record.epoch != epoch:
            raise Refused
        record.phase = SUCCEEDED
