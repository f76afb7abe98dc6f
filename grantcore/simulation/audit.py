"""What must hold, judged from outside: from what the engine answered, not from its state.

A simulated resource could check as much by itself, from the epoch that comes with every effect:

* a new lease has the next epoch (I-02);
* a call is accepted only while its lease lives, and never after the end (I-04, I-38);
* a renewal leads into the future (I-08);
* accepted effects carry epochs that never fall (I-11);
* nobody is refused in time (I-55);
* every job ends, once (I-39).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grantcore import Lease


class Audit:
    """Keeps the highest epoch and the ends of each execution, and what was wrong. O(1) per call."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.violations: list[str] = []
        self._refused: Counter[str] = Counter()
        self._epochs: dict[str, int] = {}
        self._ends: Counter[str] = Counter()

    @property
    def refused(self) -> Mapping[str, int]:
        """How many calls were refused, by code, codes in order."""
        return dict(sorted(self._refused.items()))

    def acquired(self, lease: Lease) -> None:
        """See a new lease."""
        before = self._epochs.get(lease.execution_id, 0)
        self._believe(
            lease.lease_epoch == before + 1, f"I-02 {lease.execution_id}: epoch skipped or repeated"
        )
        self._epochs[lease.execution_id] = max(before, lease.lease_epoch)

    def accepted(self, lease: Lease, now_ms: int) -> None:
        """See that the engine did what a worker asked for with this lease."""
        execution_id = lease.execution_id
        self._believe(now_ms < lease.expires_at_ms, f"I-04 {execution_id}: a lapsed lease was accepted")
        self._believe(not self._ends[execution_id], f"I-38 {execution_id}: accepted after its end")
        self._believe(
            lease.lease_epoch >= self._epochs[execution_id],
            f"I-11 {execution_id}: an epoch was accepted after a later one",
        )

    def renewed(self, lease: Lease, now_ms: int) -> bool:
        """See what a renewal gave, and tell whether one can go on with it."""
        lives = now_ms < lease.expires_at_ms
        self._believe(lives, f"I-08 {lease.execution_id}: renewed into the past")
        return lives

    def refused_call(self, lease: Lease, now_ms: int, code: str) -> None:
        """See that the engine refused what a worker asked for with this lease."""
        self._refused[code] += 1
        late = now_ms >= lease.expires_at_ms
        self._believe(late, f"I-55 {lease.execution_id}: refused in time with {code}")

    def ended(self, execution_id: str) -> None:
        """See an end, good or bad."""
        self._ends[execution_id] += 1

    def close(self, execution_ids: Iterable[str]) -> None:
        """Judge the whole run: every job has ended, once."""
        for execution_id in execution_ids:
            ends = self._ends[execution_id]
            self._believe(ends == 1, f"I-39 {execution_id}: ended {ends} times")

    def broken(self, finding: str) -> None:
        """See what somebody else found wrong."""
        self.violations.append(finding)

    def _believe(self, holds: bool, finding: str) -> None:
        if not holds:
            self.violations.append(finding)
