"""Chapter 5: how attempts and executions end, pause and are lost (reference 2.3, 2.5, 6, 8.1)."""

from __future__ import annotations

import binascii

import attrs

from grantcore import Exponential, Lease, LeaseEvent, Phase
from grantcore.testing.model.forms import MAX_MS
from grantcore.testing.model.records import ACTIVE, Execution
from grantcore.testing.model.world import World

BEHAVIORS = {
    "fail": Phase.FAILED,
    "cancel": Phase.CANCELLED,
    "expire": Phase.EXPIRED,
    "auto_resume": Phase.ELIGIBLE,
    "auto_resume_with_timeout_signal": Phase.ELIGIBLE,
    "escalate": Phase.SUSPENDED,
}
"""Where the timeout of a suspension leads (SPEC 4, 5)."""


class Endings(World):
    """What calls and deadlines have in common."""

    # -- lines of the lease history (reference 1.4) ------------------------------------------------

    def _note(self, execution: Execution, line: LeaseEvent) -> None:
        """Add a line; the oldest go (D-25)."""
        execution.history = [*execution.history, line][-self._config.lease_history_limit :]

    def _note_release(self, execution: Execution, at_ms: int, reason: str, *, paused: bool = False) -> None:
        lease = _lease(execution)
        line = LeaseEvent(
            event="released",
            at_ms=at_ms,
            lease_id=lease.lease_id,
            lease_epoch=lease.lease_epoch,
            attempt_index=lease.attempt_index,
            attempt_id=lease.attempt_id if paused else None,
            reason=reason,
        )
        self._note(execution, line)

    def _note_loss(self, execution: Execution, at_ms: int, event: str, reason: str | None) -> None:
        lease = _lease(execution)
        line = LeaseEvent(
            event=event,
            at_ms=at_ms,
            lease_id=lease.lease_id,
            lease_epoch=lease.lease_epoch,
            attempt_index=lease.attempt_index,
            attempt_id=lease.attempt_id,
            worker_id=lease.worker_id,
            worker_instance_id=lease.worker_instance_id,
            reason=reason or None,
        )
        self._note(execution, line)

    # -- attempts ----------------------------------------------------------------------------------

    def _close_attempt(
        self, execution: Execution, at_ms: int, state: str, reason: str = "", category: str = ""
    ) -> None:
        """The last attempt has ended (reference 1.5)."""
        execution.attempts[-1] = attrs.evolve(
            execution.attempts[-1],
            attempt_state=state,
            ended_at_ms=at_ms,
            failure_reason=reason or None,
            failure_category=category or None,
        )

    def _pause_attempt(self, execution: Execution, at_ms: int, suspension_id: str, reason: str) -> None:
        """The attempt is interrupted; its clock stands (reference 6.3, 6.4, SPEC 5 Attempt clock)."""
        execution.attempts[-1] = attrs.evolve(
            execution.attempts[-1],
            attempt_state="suspended",
            suspended_at_ms=at_ms,
            suspension_id=suspension_id,
        )
        self._note_release(execution, at_ms, reason, paused=True)
        if execution.timeout_at_ms is not None:
            execution.rest_ms = max(execution.timeout_at_ms - at_ms, 1)
        execution.timeout_at_ms = None
        execution.next_attempt = "attempt_interrupted"

    # -- executions --------------------------------------------------------------------------------

    def _end(self, execution: Execution, phase: Phase, at_ms: int) -> None:
        """The execution has ended: no order holds it, no clock runs."""
        self._end_suspension(execution)
        execution.timeout_at_ms = execution.rest_ms = None
        execution.completed_at_ms = at_ms
        self._move(execution, phase, at_ms)

    def _end_suspension(self, execution: Execution) -> None:
        """Nothing from outside is waited for any more, nor an order lifted."""
        execution.blocked_for = execution.suspension_id = None
        execution.suspension_timeout_at_ms = execution.suspension_due_ms = None
        execution.blocked_detail = execution.suspension_behavior = ""

    def _stop(self, execution: Execution, at_ms: int, state: str, reason: str, line: str) -> None:
        """Close the attempt of an execution that ends: if somebody has or had its lease, or it is suspended.

        A line in the history tells the end of the lease; a suspended one has none (reference 6.6, 8.1).
        """
        if execution.phase in ACTIVE:
            self._note_release(execution, at_ms, line)
        elif execution.phase is not Phase.SUSPENDED:
            return
        self._close_attempt(execution, at_ms, state, reason)

    def _succeed(self, execution: Execution, at_ms: int, result: bytes | None) -> None:
        """Reference 6.1."""
        self._close_attempt(execution, at_ms, "ended_success")
        self._note_release(execution, at_ms, "completed")
        if result is not None:
            execution.result = result
        self._end(execution, Phase.SUCCEEDED, at_ms)
        self._tell("Completed", execution.execution_id, at_ms)

    def _expire(self, execution: Execution, at_ms: int, reason: str) -> None:
        """Reference 8.1."""
        self._stop(execution, at_ms, "ended_failure", reason, f"expired:{reason}")
        execution.failure_reason = reason
        self._end(execution, Phase.EXPIRED, at_ms)

    def _retry(self, execution: Execution, at_ms: int, reason: str, category: str, until_ms: int) -> None:
        """Reference 6.2: the attempt has failed, the next one may begin at ``until_ms``."""
        self._close_attempt(execution, at_ms, "ended_failure", reason, category)
        self._note_release(execution, at_ms, "failed_retry_scheduled")
        execution.failure_reason = execution.pending_retry_reason = reason or None
        execution.pending_previous_attempt_index = len(execution.attempts) - 1
        execution.retry_count += 1
        execution.attempt_id = None
        execution.timeout_at_ms = None
        execution.next_attempt = "pending_retry_attempt"
        self._delay(execution, at_ms, until_ms, "waiting_for_retry_backoff")

    def _delay(self, execution: Execution, at_ms: int, until_ms: int, reason: str) -> None:
        """Wait; an instant already past is due at the instant that set it (SPEC 3)."""
        execution.delay_until_ms = until_ms
        execution.delay_due_ms = max(until_ms, at_ms)
        execution.delay_reason = reason
        self._move(execution, Phase.DELAYED, at_ms)

    def _retry_at(self, execution: Execution, at_ms: int, category: str) -> int | None:
        """When the policy lets the next attempt begin; None: it does not (D-15, SPEC 9 backoff)."""
        policy = execution.policy.retry
        if policy is None or execution.retry_count >= policy.max_retries:
            return None
        if policy.retryable_categories and category not in policy.retryable_categories:
            return None
        backoff = policy.backoff
        if not isinstance(backoff, Exponential):
            return min(at_ms + backoff.delay_ms, MAX_MS)
        delay = min(backoff.initial_delay_ms, backoff.max_delay_ms)
        for _ in range(execution.retry_count):
            delay = min(delay * backoff.multiplier_permille // 1000, backoff.max_delay_ms)
        if backoff.jitter:
            seed = f"{execution.execution_id}#{len(execution.attempts) - 1}"
            delay = delay // 2 + binascii.crc32(seed.encode()) % (delay - delay // 2 + 1)
        return min(at_ms + delay, MAX_MS)

    # -- what time does (SPEC 3) -------------------------------------------------------------------

    def _pass_deadline(self, execution: Execution, at_ms: int) -> None:
        self._expire(execution, at_ms, "execution_deadline")
        self._tell("DeadlinePassed", execution.execution_id, at_ms)

    def _time_out(self, execution: Execution, at_ms: int) -> None:
        """A failure of category ``timeout``; the last one ends it as expired (D-16)."""
        until_ms = self._retry_at(execution, at_ms, "timeout")
        if until_ms is None:
            self._expire(execution, at_ms, "attempt_timeout")
        else:
            self._retry(execution, at_ms, "attempt_timeout", "timeout", until_ms)
        self._tell("AttemptTimedOut", execution.execution_id, at_ms)

    def _time_out_suspension(self, execution: Execution, at_ms: int) -> None:
        """Reference 11.7: resume, escalate, or end."""
        behavior, timeout_at_ms = execution.suspension_behavior, execution.suspension_timeout_at_ms
        self._end_suspended(execution, at_ms, behavior)
        if execution.phase is Phase.SUSPENDED:
            execution.suspension_timeout_at_ms = execution.suspension_due_ms = None
            execution.blocked_for = "paused_by_operator"
            execution.blocked_detail = f"suspension escalated: timeout at {timeout_at_ms}"
        self._tell("SuspensionTimedOut", execution.execution_id, at_ms)

    def _end_suspended(self, execution: Execution, at_ms: int, behavior: str) -> None:
        """Go where the behaviour leads; an attempt that ends forgets the suspension, without a line."""
        phase = BEHAVIORS[behavior]
        if phase is Phase.SUSPENDED:
            self._move(execution, phase, at_ms)
        elif phase is Phase.ELIGIBLE:
            self._end_suspension(execution)
            self._move(execution, phase, at_ms)
        else:
            state = "ended_cancelled" if behavior == "cancel" else "ended_failure"
            execution.failure_reason = f"suspension_timeout:{behavior}"
            self._close_attempt(execution, at_ms, state, execution.failure_reason)
            last = execution.attempts[-1]
            execution.attempts[-1] = attrs.evolve(last, suspended_at_ms=None, suspension_id=None)
            self._end(execution, phase, at_ms)

    def _lapse_lease(self, execution: Execution, at_ms: int) -> None:
        """Reference 2.3: a mutation, no transition."""
        self._note_loss(execution, at_ms, "expired", None)
        execution.phase = Phase.LEASE_EXPIRED
        execution.last_mutation_at_ms = at_ms
        execution.lost_at = (at_ms, self._tell("LeaseLapsed", execution.execution_id, at_ms))

    def _lapse_grant(self, execution: Execution, at_ms: int) -> None:
        execution.grant = None
        self._tell("GrantLapsed", execution.execution_id, at_ms)

    def _become_due(self, execution: Execution, at_ms: int) -> None:
        """Reference 8.2."""
        execution.delay_until_ms = None
        self._move(execution, Phase.ELIGIBLE, at_ms)
        self._tell("BecameDue", execution.execution_id, at_ms)

    def _purge(self, execution: Execution, at_ms: int) -> None:
        """Forget it, but not its epoch (SPEC 11, Restore)."""
        self._purged_epoch = max(self._purged_epoch, execution.lease_epoch)
        self.executions.remove(execution)
        self._tell("Purged", execution.execution_id, at_ms)


def _lease(execution: Execution) -> Lease:
    assert execution.lease is not None
    return execution.lease
