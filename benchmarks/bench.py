"""Executions in every state that a call can be about, and their removal afterwards."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import DAY_MS, GRANT_TTL_MS, INSTANCE_ID, LANE_ID, REQUEST, WORKER_ID
from grantcore import (
    Created,
    ExecutionNotActive,
    ExecutionNotFound,
    Granted,
    IssueReclaimGrantRequest,
    WorkerNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.lifecycle import Rig
    from grantcore import ClaimGrant, Lease, ReclaimGrant, ResumeGrant

SIDE_LANE: Final = "side"
RECLAIM: Final = IssueReclaimGrantRequest(
    worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lane_id=LANE_ID, grant_ttl_ms=GRANT_TTL_MS
)


class Bench:
    """Prepares the subjects of calls on an engine, and takes them away again."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.engine = rig.engine
        self.scheduler = rig.scheduler
        self.operator = rig.engine.operator("ops")
        self._names = 0
        self._made: list[str] = []
        self._workers: list[str] = []

    # -- executions ----------------------------------------------------------------------------

    def waiting(self) -> str:
        """One that waits for a grant."""
        execution_id = self.rig.create()
        self._made.append(execution_id)
        return execution_id

    def granted(self) -> ClaimGrant:
        """The grant of one that nobody has claimed."""
        return self.engine.issue_claim_grant(self.waiting(), REQUEST)

    def leased(self) -> Lease:
        """The lease of one that is worked on."""
        return self.rig.claim(self.granted())

    def leased_id(self) -> str:
        """One that is worked on."""
        return self.leased().execution_id

    def ended(self) -> str:
        """One that has succeeded, with a result."""
        return self.engine.complete_execution(self.leased(), result=b"result").execution_id

    def suspended(self) -> str:
        """One that waits for a signal."""
        return self.engine.suspend_execution(self.leased(), reason_code="approval").execution_id

    def resumed(self) -> str:
        """One that goes on as soon as somebody takes it."""
        return self.engine.resume_execution(self.suspended()).execution_id

    def resume_grant(self) -> ResumeGrant:
        """The grant of one that goes on."""
        return self.engine.issue_resume_grant(self.resumed(), REQUEST)

    def lost(self) -> str:
        """One whose lease was revoked."""
        execution_id = self.leased_id()
        self.operator.revoke_lease(execution_id, reason="maintenance")
        return execution_id

    def reclaim_grant(self) -> ReclaimGrant:
        """The grant to take over a lost one."""
        granted = self.engine.issue_reclaim_grant(self.lost(), RECLAIM)
        assert isinstance(granted, Granted)
        return granted.grant

    def blocked(self) -> str:
        """One that an operator keeps back."""
        execution_id = self.waiting()
        self.operator.block(execution_id)
        return execution_id

    def waiting_for_children(self) -> str:
        """One that waits for others."""
        return self.engine.move_to_waiting_children(self.leased()).execution_id

    # -- others --------------------------------------------------------------------------------

    def name(self) -> str:
        """A name that was never used here."""
        self._names += 1
        return f"name-{self._names}"

    def instance(self) -> str:
        """A live worker of the side lane."""
        worker_instance_id = self.name()
        self.register(worker_instance_id)
        return worker_instance_id

    def register(self, worker_instance_id: str) -> None:
        """Register a worker of the side lane."""
        self._workers.append(worker_instance_id)
        self.engine.register_worker(
            "worker", worker_instance_id, lanes=(SIDE_LANE,), capabilities=("cpu",), liveness_ttl_ms=DAY_MS
        )

    def holder(self) -> str:
        """A worker instance that holds one lease."""
        instance_id = self.name()
        self.operator.issue_grant_and_claim(
            self.waiting(), worker_id=WORKER_ID, worker_instance_id=instance_id, lease_ttl_ms=DAY_MS
        )
        return instance_id

    def budget(self) -> str:
        """A budget of which nothing has been spent."""
        budget_id = self.name()
        self.engine.create_budget(budget_id, hard_limits={"tokens": 1_000_000})
        return budget_id

    # -- afterwards ----------------------------------------------------------------------------

    def made(self, execution_id: str) -> None:
        """Note one that the measured call has made."""
        self._made.append(execution_id)

    def made_all(self, answers: Iterable[object]) -> None:
        """Note those that a batch has made."""
        self._made += [answer.execution_id for answer in answers if isinstance(answer, Created)]

    def sweep(self) -> None:
        """Take away what was made, so that the next call is measured beside as much."""
        for execution_id in self._made:
            with suppress(ExecutionNotFound):
                with suppress(ExecutionNotActive):
                    self.operator.cancel(execution_id, reason="measured")
                self.engine.purge_execution(execution_id)
        for worker_instance_id in self._workers:
            with suppress(WorkerNotFound):
                self.engine.mark_worker_dead(worker_instance_id, reason="measured")
        self.forget()

    def forget(self) -> None:
        """Let what was made stay."""
        self._made.clear()
        self._workers.clear()
