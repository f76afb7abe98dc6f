"""What must hold, judged from outside: from what the engine told and what the downstream resource took.

The auditor never looks at the engine's state. It keeps, of each execution that is not purged yet, the
epoch, the end of the lease and the highest epoch of an accepted effect, and believes only this:

* a new lease has the next epoch, the first has any above 0 (I-02); it begins when nobody holds another
  (I-01), not after the end (I-38);
* a holder's call is accepted only of the holder, in time (I-04, I-11), and a renewal leads on (I-08);
* a lease lapses at its very end: nobody is refused, or lapses, in time (I-55), nobody late (I-54);
* accepted effects carry epochs that never fall, and were issued (I-11);
* every execution ends once, and is purged after that (I-39); in the end nothing is left (I-57).

Instants are the engine's, as its answers and events carry them, so a clock that jumps is no excuse.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import attrs

MAX_KEPT: Final = 100
"""So many violations of each rule are kept in words; all are counted."""


@attrs.define(eq=False)
class _Seen:
    """What is known of one execution."""

    epoch: int = 0
    effect_epoch: int = 0
    expires_at_ms: int = 0
    held: bool = False
    ended: bool = False


class Auditor:
    """Judges each fact as it comes; O(1) each, memory O(executions that are not purged).

    Attributes:
        violations: in words, the first of each rule.
        found: how many of each rule.
    """

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.violations: list[str] = []
        self.found: Counter[str] = Counter()
        self._seen: dict[str, _Seen] = {}

    def broken(self, finding: str) -> None:
        """Something is wrong; the rule that does not hold is its first word."""
        rule = finding.partition(" ")[0]
        self.found[rule] += 1
        if self.found[rule] <= MAX_KEPT:
            self.violations.append(finding)

    # -- what the engine tells ---------------------------------------------------------------

    def created(self, execution_id: str) -> None:
        """An execution came to be."""
        if execution_id in self._seen:
            self.broken(f"I-39 {execution_id}: created twice")
        self._seen[execution_id] = _Seen()

    def leased(self, execution_id: str, epoch: int, expires_at_ms: int) -> None:
        """Somebody took a lease."""
        seen = self._of(execution_id)
        if seen.ended:
            self.broken(f"I-38 {execution_id}: leased after its end")
        if seen.held:
            self.broken(f"I-01 {execution_id}: leased while somebody holds epoch {seen.epoch}")
        if epoch != seen.epoch + 1 and (seen.epoch or epoch < 1):
            self.broken(f"I-02 {execution_id}: epoch {epoch} after {seen.epoch}")
        seen.epoch = max(epoch, seen.epoch)
        seen.held = True
        seen.expires_at_ms = expires_at_ms

    def renewed(self, at_ms: int, execution_id: str, epoch: int, expires_at_ms: int) -> None:
        """A renewal was accepted."""
        seen = self._accepted(at_ms, execution_id, epoch, "renewed")
        if expires_at_ms <= at_ms:
            self.broken(f"I-08 {execution_id}: renewed into the past")
        seen.expires_at_ms = expires_at_ms

    def lapsed(self, at_ms: int, execution_id: str, epoch: int) -> None:
        """A lease ran out."""
        seen = self._of(execution_id)
        if not seen.held or epoch != seen.epoch:
            self.broken(f"I-01 {execution_id}: epoch {epoch} lapsed, which nobody held")
        elif at_ms != seen.expires_at_ms:
            rule = "I-55" if at_ms < seen.expires_at_ms else "I-54"
            self.broken(f"{rule} {execution_id}: lapsed at {at_ms}, but was to end at {seen.expires_at_ms}")
        seen.held = False

    def let_go(self, at_ms: int, execution_id: str, epoch: int) -> None:
        """A holder's call ended the attempt but not the execution."""
        self._accepted(at_ms, execution_id, epoch, "let go").held = False

    def finished(self, at_ms: int, execution_id: str, epoch: int) -> None:
        """A holder's call ended the execution, well or not."""
        seen = self._accepted(at_ms, execution_id, epoch, "finished")
        seen.held = False
        self._end(execution_id, seen)

    def stopped(self, execution_id: str, *, ended: bool) -> None:
        """The engine or an operator took the execution from whoever had it, or nobody."""
        seen = self._of(execution_id)
        seen.held = False
        if ended:
            self._end(execution_id, seen)

    def purged(self, execution_id: str) -> None:
        """The engine forgot an execution; so does the auditor."""
        if not self._of(execution_id).ended:
            self.broken(f"I-39 {execution_id}: purged before its end")
        self._seen.pop(execution_id, None)

    # -- what workers and the resource tell --------------------------------------------------

    def refused(self, at_ms: int, execution_id: str, epoch: int, code: str) -> None:
        """The engine refused a holder's call, of whoever believed to be one."""
        seen = self._seen.get(execution_id)
        if seen is not None and seen.held and epoch == seen.epoch and at_ms < seen.expires_at_ms:
            self.broken(f"I-55 {execution_id}: epoch {epoch} was refused in time with {code}")

    def effect(self, execution_id: str, epoch: int, *, accepted: bool) -> None:
        """The resource accepted or refused an effect."""
        seen = self._seen.get(execution_id)
        if seen is None:
            if accepted:
                self.broken(f"I-11 {execution_id}: an effect on what is gone was accepted")
        elif accepted != (seen.effect_epoch <= epoch <= seen.epoch):
            word = "accepted" if accepted else "refused"
            self.broken(
                f"I-11 {execution_id}: an effect of epoch {epoch} was {word} after {seen.effect_epoch}"
            )
        elif accepted:
            seen.effect_epoch = epoch

    # -- the end -----------------------------------------------------------------------------

    def close(self) -> None:
        """Judge the whole run: every execution has ended."""
        for execution_id, seen in self._seen.items():
            if not seen.ended:
                self.broken(f"I-57 {execution_id}: has not ended")

    def _of(self, execution_id: str) -> _Seen:
        seen = self._seen.get(execution_id)
        if seen is None:
            self.broken(f"I-39 {execution_id}: lives, but was never created, or is purged")
            seen = self._seen[execution_id] = _Seen()
        return seen

    def _accepted(self, at_ms: int, execution_id: str, epoch: int, did: str) -> _Seen:
        """Judge that a holder's call was accepted."""
        seen = self._seen.get(execution_id) or self._of(execution_id)
        if seen.ended:
            self.broken(f"I-38 {execution_id}: {did} after its end")
        elif epoch != seen.epoch or not seen.held:
            self.broken(f"I-11 {execution_id}: {did} by epoch {epoch}, which does not hold it")
        elif at_ms >= seen.expires_at_ms:
            self.broken(f"I-04 {execution_id}: {did} at {at_ms}, but the lease ended at {seen.expires_at_ms}")
        return seen

    def _end(self, execution_id: str, seen: _Seen) -> None:
        if seen.ended:
            self.broken(f"I-39 {execution_id}: ended twice")
        seen.ended = True
