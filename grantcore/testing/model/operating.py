"""Chapter 13: who may what others may not (SPEC 5, 9; reference 5.3, 9.1, 9.2; D-08, D-10, D-31, D-33)."""

from __future__ import annotations

from grantcore import (
    AlreadySatisfied,
    Blocked,
    Cancelled,
    Completed,
    ExecutionNotEligible,
    InvalidBlockingReason,
    LaneState,
    LaneStatus,
    Lease,
    Phase,
    RetryScheduled,
    Revoked,
    StaleLease,
    TerminalFailed,
    Unblocked,
)
from grantcore.testing.model import forms
from grantcore.testing.model.holding import Holding
from grantcore.testing.model.metering import Metering
from grantcore.testing.model.records import ACTIVE, TERMINAL, Execution
from grantcore.testing.model.taking import Taking
from grantcore.testing.model.vector import ORDERS, not_active


class Powers(Holding, Taking, Metering):
    """What an operator does, done to the model."""

    def _revoke(
        self, execution: Execution, now: int, reason: str, expected: str | None
    ) -> Revoked | AlreadySatisfied:
        """Immediate; the epoch stays, and the execution stays active (reference 5.3)."""
        lease = execution.lease
        if execution.phase not in ACTIVE or lease is None:
            raise not_active(execution)
        if execution.phase is Phase.LEASE_REVOKED:
            return AlreadySatisfied("already_revoked")
        if execution.phase is Phase.LEASE_EXPIRED:
            return AlreadySatisfied("already_expired")
        if expected is not None and expected != lease.lease_id:
            raise StaleLease(current_epoch=execution.lease_epoch)
        self._note_loss(execution, now, "revoked", reason)
        execution.phase = Phase.LEASE_REVOKED
        execution.revoked_at_ms = execution.last_mutation_at_ms = now
        execution.revoke_reason = reason
        execution.lost_at = (now, self._tell("LeaseRevoked", execution.execution_id, now))
        return Revoked(execution.execution_id, lease.lease_id, lease.lease_epoch)

    def _block(self, execution: Execution, now: int, reason: str, detail: str) -> None:
        """Phase, then reason; ELIGIBLE or blocked by another order (reference 9.1, D-33)."""
        if execution.phase in TERMINAL:
            raise not_active(execution)
        if execution.phase is not Phase.ELIGIBLE and not _is_ordered(execution):
            raise ExecutionNotEligible
        if reason not in ORDERS:
            raise InvalidBlockingReason
        execution.blocked_for = reason
        execution.blocked_detail = detail
        self._move(execution, Phase.BLOCKED, now)
        self._tell("Blocked", execution.execution_id, now)

    def _unblock(self, execution: Execution, now: int, expected: str | None) -> None:
        """Lifts orders only."""
        if not _is_ordered(execution) or expected not in (None, execution.blocked_for):
            raise ExecutionNotEligible
        execution.blocked_for = None
        execution.blocked_detail = ""
        self._move(execution, Phase.ELIGIBLE, now)
        self._tell("Unblocked", execution.execution_id, now)


def _is_ordered(execution: Execution) -> bool:
    return execution.phase is Phase.BLOCKED and execution.blocked_for in ORDERS


class ModelOperator:
    """An operator of a model; the calls of :class:`grantcore.Operator`."""

    def __init__(self, model: Powers, identity: str) -> None:
        """Act as ``identity``."""
        self._model = model
        self.identity = forms.name("identity", identity)

    def _text(self, field: str, value: object) -> None:
        forms.text(field, value, self._model._config.max_text_bytes)

    def cancel(self, execution_id: str, *, reason: str) -> Cancelled:
        """In any phase that is not terminal."""
        model = self._model
        self._text("reason", reason)
        now = model._enter()
        execution = model._find(execution_id)
        if execution.phase in TERMINAL:
            raise not_active(execution)
        return model._cancel(execution, now, reason, self.identity)

    def complete(self, execution_id: str, *, result: bytes | None = None) -> Completed:
        """Lapse and revocation are not bypassed (I-07)."""
        model = self._model
        result = forms.blob("result", result, model._config.max_payload_bytes)
        now = model._enter()
        execution = model._find(execution_id)
        model._must_be_leased(execution)
        model._succeed(execution, now, result)
        return Completed(execution_id)

    def fail(self, execution_id: str, *, reason: str, category: str = "") -> RetryScheduled | TerminalFailed:
        """As the holder would."""
        model = self._model
        model._judge_failure(reason, category)
        now = model._enter()
        execution = model._find(execution_id)
        model._must_be_leased(execution)
        return model._fail(execution, now, reason, category)

    def revoke_lease(
        self, execution_id: str, *, reason: str, expected_lease_id: str | None = None
    ) -> Revoked | AlreadySatisfied:
        """Take a lease away."""
        model = self._model
        self._text("reason", reason)
        expected = forms.optional_text("expected_lease_id", expected_lease_id, forms.MAX_NAME_BYTES)
        now = model._enter()
        return model._revoke(model._find(execution_id), now, reason, expected)

    def revoke_leases_of(self, worker_instance_id: str, *, reason: str) -> tuple[Revoked, ...]:
        """Every lease of an instance, in the order of their ends."""
        model = self._model
        forms.name("worker_instance_id", worker_instance_id)
        self._text("reason", reason)
        now = model._enter()
        held = [execution for execution in model._by_end() if _holder(execution) == worker_instance_id]
        answers = [model._revoke(execution, now, reason, None) for execution in held]
        return tuple(answer for answer in answers if isinstance(answer, Revoked))

    def issue_grant_and_claim(
        self,
        execution_id: str,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
    ) -> Lease:
        """Lease without a grant."""
        taker = self._model._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        return self._model._lease_without_grant(execution_id, taker)

    def block(self, execution_id: str, *, reason: str = "paused_by_operator", detail: str = "") -> Blocked:
        """An order to wait."""
        model = self._model
        self._text("reason", reason)
        self._text("detail", detail)
        now = model._enter()
        model._block(model._find(execution_id), now, reason, detail)
        return Blocked(execution_id)

    def unblock(self, execution_id: str, *, expected_reason: str | None = None) -> Unblocked:
        """Lift the order."""
        model = self._model
        expected = forms.optional_text("expected_reason", expected_reason, model._config.max_text_bytes)
        now = model._enter()
        model._unblock(model._find(execution_id), now, expected)
        return Unblocked(execution_id)

    def pause_lane(self, lane_id: str) -> LaneState:
        """No grant of any kind is issued there."""
        return self._model._turn_lane(lane_id, LaneStatus.PAUSED)

    def drain_lane(self, lane_id: str) -> LaneState:
        """No new executions are taken there."""
        return self._model._turn_lane(lane_id, LaneStatus.DRAINING)

    def resume_lane(self, lane_id: str) -> LaneState:
        """Open again."""
        return self._model._turn_lane(lane_id, LaneStatus.OPEN)


def _holder(execution: Execution) -> str:
    assert execution.lease is not None
    return execution.lease.worker_instance_id
