"""Chapter 11: holding a lease and letting it go (SPEC 5; reference 2.2, 5, 6; D-09, D-14, D-15, D-29)."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from grantcore import (
    Cancelled,
    Completed,
    Delayed,
    Fence,
    Fenced,
    FenceRequired,
    GrantError,
    Lease,
    LeaseExpired,
    LeaseLost,
    LeaseRevoked,
    Moved,
    PartialFenceTriple,
    Phase,
    RetryScheduled,
    StaleLease,
    TerminalFailed,
)
from grantcore.testing.model import forms
from grantcore.testing.model.passing import Passing
from grantcore.testing.model.records import ACTIVE, TERMINAL, Execution
from grantcore.testing.model.vector import not_active


class Holding(Passing):
    """Who works on an execution right now."""

    # -- the fence ---------------------------------------------------------------------------------

    def _held(self, fence: Fence) -> Execution:
        """Exists, fence complete, active, not revoked, not expired, lease_id, epoch, attempt_id."""
        execution = self._find(fence.execution_id)
        parts = (fence.lease_id is not None, fence.lease_epoch is not None, fence.attempt_id is not None)
        if not any(parts):
            raise FenceRequired
        if not all(parts):
            raise PartialFenceTriple
        lease = self._must_be_leased(execution)
        current = (lease.lease_id, lease.lease_epoch, lease.attempt_id)
        if (fence.lease_id, fence.lease_epoch, fence.attempt_id) != current:
            raise StaleLease(current_epoch=execution.lease_epoch)
        return execution

    def _must_be_leased(self, execution: Execution) -> Lease:
        """Somebody holds it; all that has lapsed is known to have (D-02)."""
        lease = execution.lease
        if execution.phase not in ACTIVE or lease is None:
            raise not_active(execution)
        if execution.phase is Phase.LEASE_REVOKED:
            raise LeaseRevoked(reason=execution.revoke_reason)
        if execution.phase is Phase.LEASE_EXPIRED:
            raise LeaseExpired(expired_at_ms=lease.expires_at_ms)
        return lease

    # -- keeping it --------------------------------------------------------------------------------

    def renew_lease(self, lease: Fenced, *, lease_ttl_ms: int) -> Lease:
        """From now, not from the old end; the fence stays (reference 5.1, I-08)."""
        fence = forms.fence(lease)
        forms.integer("lease_ttl_ms", lease_ttl_ms, 1, self._config.max_lease_ttl_ms)
        return self._renew(self._enter(), fence, lease_ttl_ms)

    def renew_leases(self, leases: Iterable[Fenced], *, lease_ttl_ms: int) -> tuple[Lease | LeaseLost, ...]:
        """Each fenced by itself, in order."""
        given = forms.listed("leases", leases, forms.MAX_BATCH)
        fences = [forms.fence(lease, f"leases[{number}]") for number, lease in enumerate(given)]
        forms.integer("lease_ttl_ms", lease_ttl_ms, 1, self._config.max_lease_ttl_ms)
        now = self._enter()
        return tuple([self._renew_one(now, fence, lease_ttl_ms) for fence in fences])

    def _renew_one(self, now: int, fence: Fence, ttl_ms: int) -> Lease | LeaseLost:
        try:
            return self._renew(now, fence, ttl_ms)
        except GrantError as refusal:
            return LeaseLost(fence.execution_id, refusal)

    def _renew(self, now: int, fence: Fence, ttl_ms: int) -> Lease:
        execution = self._held(fence)
        assert execution.lease is not None
        forms.instant("lease_ttl_ms", now + ttl_ms)
        execution.lease = attrs.evolve(
            execution.lease, expires_at_ms=now + ttl_ms, renewal_deadline_ms=now + ttl_ms * 2 // 3
        )
        execution.renewed_at_ms = execution.last_mutation_at_ms = now
        self._tell("LeaseRenewed", execution.execution_id, now)
        return execution.lease

    def update_progress(self, lease: Fenced, *, pct: int | None = None, message: str | None = None) -> None:
        """Each part only when given (reference 5.4)."""
        fence = forms.fence(lease)
        forms.optional_integer("pct", pct, 0, 100)
        message = forms.optional_text("message", message, self._config.max_text_bytes)
        now = self._enter()
        execution = self._held(fence)
        execution.progress_pct = execution.progress_pct if pct is None else pct
        execution.progress_message = execution.progress_message if message is None else message
        execution.progress_at_ms = execution.last_mutation_at_ms = now
        self._tell("ProgressReported", execution.execution_id, now)

    # -- ending it ---------------------------------------------------------------------------------

    def complete_execution(self, lease: Fenced, *, result: bytes | None = None) -> Completed:
        """Success (reference 6.1)."""
        fence = forms.fence(lease)
        result = forms.blob("result", result, self._config.max_payload_bytes)
        now = self._enter()
        execution = self._held(fence)
        self._succeed(execution, now, result)
        return Completed(execution.execution_id)

    def fail_execution(
        self, lease: Fenced, *, reason: str, category: str = ""
    ) -> RetryScheduled | TerminalFailed:
        """Failure: the policy decides on another attempt (reference 6.2)."""
        fence = forms.fence(lease)
        self._judge_failure(reason, category)
        now = self._enter()
        return self._fail(self._held(fence), now, reason, category)

    def _judge_failure(self, reason: object, category: object) -> None:
        forms.text("reason", reason, self._config.max_text_bytes)
        forms.text("category", category, self._config.max_text_bytes)

    def _fail(
        self, execution: Execution, now: int, reason: str, category: str
    ) -> RetryScheduled | TerminalFailed:
        until_ms = self._retry_at(execution, now, category)
        if until_ms is not None:
            self._retry(execution, now, reason, category, until_ms)
            self._tell("RetryScheduled", execution.execution_id, now)
            return RetryScheduled(execution.execution_id, until_ms, len(execution.attempts))
        self._close_attempt(execution, now, "ended_failure", reason, category)
        self._note_release(execution, now, "failed_terminal")
        execution.failure_reason = reason or None
        self._end(execution, Phase.FAILED, now)
        self._tell("Failed", execution.execution_id, now)
        return TerminalFailed(execution.execution_id)

    # -- pausing -----------------------------------------------------------------------------------

    def delay_execution(self, lease: Fenced, *, delay_until_ms: int) -> Delayed:
        """Give the work back until later (reference 6.3)."""
        fence = forms.fence(lease)
        forms.instant("delay_until_ms", delay_until_ms)
        now = self._enter()
        return self._give_back(fence, now, delay_until_ms)

    def release_execution(self, lease: Fenced) -> Delayed:
        """A delay until now."""
        fence = forms.fence(lease)
        now = self._enter()
        return self._give_back(fence, now, now)

    def _give_back(self, fence: Fence, now: int, until_ms: int) -> Delayed:
        execution = self._held(fence)
        self._pause_attempt(execution, now, "worker_delay", "worker_delay")
        self._delay(execution, now, until_ms, "waiting_for_delay")
        self._tell("Delayed", execution.execution_id, now)
        return Delayed(execution.execution_id, until_ms)

    def move_to_waiting_children(self, lease: Fenced) -> Moved:
        """Give the work back until the children are done (reference 6.4)."""
        fence = forms.fence(lease)
        now = self._enter()
        execution = self._held(fence)
        self._pause_attempt(execution, now, "waiting_children", "waiting_children")
        execution.blocked_for = "waiting_for_children"
        self._move(execution, Phase.BLOCKED, now)
        self._tell("ChildrenAwaited", execution.execution_id, now)
        return Moved(execution.execution_id)

    # -- cancelling --------------------------------------------------------------------------------

    def cancel_execution(
        self, execution_id: str, *, reason: str, lease: Fenced | None = None, cancelled_by: str = ""
    ) -> Cancelled:
        """Without a lease while nobody holds it, else the holder's (SPEC 5, Cancel)."""
        forms.execution_id(execution_id)
        forms.text("reason", reason, self._config.max_text_bytes)
        forms.text("cancelled_by", cancelled_by, self._config.max_text_bytes)
        fence = None if lease is None else forms.fence(lease)
        if fence is not None and fence.execution_id != execution_id:
            raise forms.refused("lease.execution_id", "the execution")
        now = self._enter()
        execution = self._find(execution_id)
        if execution.phase in TERMINAL:
            raise not_active(execution)
        self._may_cancel(execution, fence)
        return self._cancel(execution, now, reason, cancelled_by)

    def _may_cancel(self, execution: Execution, fence: Fence | None) -> None:
        if fence is None:
            if execution.phase is Phase.LEASED:
                raise FenceRequired
            return
        if execution.phase is Phase.LEASED:
            self._held(fence)
            return
        if execution.phase is Phase.LEASE_REVOKED:
            raise LeaseRevoked(reason=execution.revoke_reason)
        lease = execution.lease if execution.phase is Phase.LEASE_EXPIRED else None
        if lease is None or (fence.lease_id, fence.lease_epoch) != (lease.lease_id, lease.lease_epoch):
            raise StaleLease(current_epoch=execution.lease_epoch)

    def _cancel(self, execution: Execution, now: int, reason: str, cancelled_by: str) -> Cancelled:
        """Reference 6.6."""
        previous = execution.phase
        self._stop(execution, now, "ended_cancelled", f"cancelled: {reason}", "cancelled")
        execution.cancellation_reason = reason or None
        execution.cancelled_by = cancelled_by or None
        self._end(execution, Phase.CANCELLED, now)
        self._tell("Cancelled", execution.execution_id, now)
        return Cancelled(execution.execution_id, previous)
