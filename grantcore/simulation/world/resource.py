"""The downstream resource: what workers write to, and what refuses those who come too late."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grantcore.simulation.audit import Auditor


class Resource:
    """Remembers the highest epoch that wrote to each execution's data, and refuses lower ones.

    That is all the protection there is against a worker that was asleep while its lease was taken over;
    the auditor hears of every effect, and whether it was let in. O(1); memory O(executions not purged).
    """

    def __init__(self, auditor: Auditor) -> None:
        """Begin with nothing written."""
        self._auditor = auditor
        self._highest: dict[str, int] = {}

    def open(self, execution_id: str) -> None:
        """An execution was submitted: its data may be written."""
        self._highest[execution_id] = 0

    def write(self, execution_id: str, epoch: int) -> bool:
        """Write with the epoch of a lease; tell whether that was let in."""
        accepted = epoch >= self._highest.get(execution_id, epoch + 1)
        if accepted:
            self._highest[execution_id] = epoch
        self._auditor.effect(execution_id, epoch, accepted=accepted)
        return accepted

    def forget(self, execution_id: str) -> None:
        """The execution was purged: its data are gone, and take nothing any more."""
        self._highest.pop(execution_id, None)
