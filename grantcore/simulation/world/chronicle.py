"""What the engine told, as facts: for the digest, the auditor, the recorder and the board.

A fact comes from an event of the engine (``hearing``) or from the answer of the call that
caused it (:class:`~grantcore.simulation.world.desk.Desk`); both lead to the same method. Each fact is one
line of text, and the digest is SHA-256 over these lines: integers in decimal, ids, no floats, no order but
that of the facts.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantcore import Lease
    from grantcore.simulation.audit import Auditor
    from grantcore.simulation.life import Life
    from grantcore.simulation.recorder import Recorder
    from grantcore.simulation.world.board import Board
    from grantcore.simulation.world.resource import Resource


class Chronicle:
    """Hands each fact on to those who need it. O(1) a fact; memory O(executions that have not ended).

    Attributes:
        lives: what has been submitted and has not ended, by execution.
        doomed: how many were lost too often: a look of the scheduler ends them.
    """

    def __init__(
        self, auditor: Auditor, recorder: Recorder, board: Board, resource: Resource, max_reclaims: int
    ) -> None:
        """Begin with nothing told."""
        self.lives: dict[str, Life] = {}
        self.doomed = 0
        self.when_ended: Callable[[Life], None] = _nothing
        self._auditor = auditor
        self._recorder = recorder
        self._board = board
        self._resource = resource
        self._max_reclaims = max_reclaims
        self._lines: list[str] = []
        self._write = self._lines.append
        self._flushed = 0
        self._digest = sha256()

    @property
    def facts(self) -> int:
        """How many there were: as many as the engine has committed events."""
        return self._flushed + len(self._lines)

    def digest(self) -> str:
        """SHA-256 of all facts so far."""
        self.flush()
        return self._digest.hexdigest()

    def flush(self) -> None:
        """Take the facts since the last time into the digest: to be called now and then, for the memory."""
        self._flushed += len(self._lines)
        self._digest.update("\n".join([*self._lines, ""]).encode())
        self._lines.clear()

    # -- facts -------------------------------------------------------------------------------

    def created(self, at_ms: int, execution_id: str) -> None:
        """An execution came to be; who submitted it says more (:meth:`submitted`)."""
        self._write(f"{at_ms} created {execution_id}")
        self._auditor.created(execution_id)
        self._resource.open(execution_id)

    def submitted(self, life: Life) -> None:
        """Who submitted an execution knows what it is."""
        self.lives[life.execution_id] = life
        self._recorder.submitted(life)
        self._board.offer(life)

    def granted(self, at_ms: int, execution_id: str, worker_instance_id: str, expires_at_ms: int) -> None:
        """A worker may take the next lease."""
        self._write(f"{at_ms} granted {execution_id} {worker_instance_id} {expires_at_ms}")
        self._recorder.record.grants_issued += 1
        if life := self._find(execution_id):
            self._board.withdraw(life)

    def grant_gone(self, at_ms: int, execution_id: str) -> None:
        """A grant lapsed or was withdrawn; the execution has its place back."""
        self._write(f"{at_ms} grant_gone {execution_id}")
        if life := self._find(execution_id):
            self._board.offer(life)

    def leased(self, at_ms: int, lease: Lease, *, reclaimed: bool) -> None:
        """A worker took a lease."""
        execution_id, epoch, expires_at_ms = lease.execution_id, lease.lease_epoch, lease.expires_at_ms
        word = "reclaimed" if reclaimed else "leased"
        self._write(f"{at_ms} {word} {execution_id} {epoch} {lease.worker_instance_id} {expires_at_ms}")
        self._auditor.leased(execution_id, epoch, expires_at_ms)
        if life := self._find(execution_id):
            life.lost = False
            life.reclaims += reclaimed
            self._recorder.leased(life, epoch, lease.worker_id, reclaimed=reclaimed)

    def renewed(self, at_ms: int, execution_id: str, epoch: int, expires_at_ms: int) -> None:
        """A lease ends later."""
        self._write(f"{at_ms} renewed {execution_id} {epoch} {expires_at_ms}")
        self._auditor.renewed(at_ms, execution_id, epoch, expires_at_ms)
        self._recorder.record.renewals += 1

    def lapsed(self, at_ms: int, execution_id: str, epoch: int) -> None:
        """A lease ran out."""
        self._write(f"{at_ms} lapsed {execution_id} {epoch}")
        self._auditor.lapsed(at_ms, execution_id, epoch)
        self._lose(execution_id)

    def revoked(self, at_ms: int, execution_id: str, epoch: int) -> None:
        """An operator took a lease away."""
        self._write(f"{at_ms} revoked {execution_id} {epoch}")
        self._auditor.stopped(execution_id, ended=False)
        self._lose(execution_id)

    def _lose(self, execution_id: str) -> None:
        if life := self._find(execution_id):
            life.lost = True
            self.doomed += life.reclaims >= self._max_reclaims
            self._recorder.lapsed(life)
            self._board.offer(life)

    def completed(self, at_ms: int, execution_id: str, epoch: int) -> None:
        """A holder completed."""
        self._write(f"{at_ms} completed {execution_id} {epoch}")
        self._auditor.finished(at_ms, execution_id, epoch)
        self._end(execution_id, "succeeded", "completed")

    def failed(self, at_ms: int, execution_id: str, epoch: int) -> None:
        """A holder failed, for the last time."""
        self._write(f"{at_ms} failed {execution_id} {epoch}")
        self._auditor.finished(at_ms, execution_id, epoch)
        self._end(execution_id, "failed", "failed")

    def retried(self, at_ms: int, execution_id: str, epoch: int, delay_until_ms: int) -> None:
        """A holder failed; there will be another attempt."""
        self._write(f"{at_ms} retried {execution_id} {epoch} {delay_until_ms}")
        self._auditor.let_go(at_ms, execution_id, epoch)
        if life := self._find(execution_id):
            self._recorder.delayed(life, "failed")

    def due(self, at_ms: int, execution_id: str) -> None:
        """A delay is over."""
        self._write(f"{at_ms} due {execution_id}")
        if life := self._find(execution_id):
            self._recorder.due(life)
            self._board.offer(life)

    def stopped(self, at_ms: int, execution_id: str, how: str, phase: str | None) -> None:
        """Time or an operator took it from whoever had it; it ended in ``phase``; None: it is delayed."""
        self._write(f"{at_ms} {how} {execution_id} {phase or 'delayed'}")
        self._auditor.stopped(execution_id, ended=phase is not None)
        life = self._find(execution_id)
        if life is None:
            return
        self.doomed -= life.lost and life.reclaims >= self._max_reclaims
        life.lost = False
        if phase is not None:
            self._end(execution_id, phase, how)
        else:
            self._board.withdraw(life)
            self._recorder.delayed(life, how)

    def purged(self, at_ms: int, execution_id: str) -> None:
        """The engine forgot it."""
        self._write(f"{at_ms} purged {execution_id}")
        self._auditor.purged(execution_id)
        self._resource.forget(execution_id)

    def moved_nobody(self, at_ms: int, what: str, execution_id: str) -> None:
        """Something that only a user's own scheduler can have caused, and that moves nobody."""
        self._write(f"{at_ms} {what} {execution_id}")

    def _end(self, execution_id: str, phase: str, how: str) -> None:
        if life := self._find(execution_id):
            del self.lives[execution_id]
            self._board.withdraw(life)
            self._recorder.ended(life, phase, how)
            self.when_ended(life)

    def _find(self, execution_id: str) -> Life | None:
        """What is known of an execution that lives; nothing may happen to one that does not."""
        life = self.lives.get(execution_id)
        if life is None:
            self._auditor.broken(f"I-38 {execution_id}: something happened to it, but it does not live")
        return life


def _nothing(_life: Life) -> None:
    """Nobody waits for an end."""
