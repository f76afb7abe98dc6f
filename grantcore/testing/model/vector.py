"""Chapter 4: FlowFabric's state vector, read off an execution (reference 1.2, SPEC 4, 7)."""

from __future__ import annotations

from grantcore import ExecutionNotActive, Phase
from grantcore.testing.model.records import ACTIVE, TERMINAL, Execution

ORDERS = {
    "waiting_for_budget": ("blocked_by_budget", "rate_limited"),
    "waiting_for_quota": ("blocked_by_quota", "rate_limited"),
    "waiting_for_capable_worker": ("blocked_by_route", "waiting"),
    "paused_by_operator": ("blocked_by_operator", "waiting"),
    "paused_by_policy": ("blocked_by_lane_state", "waiting"),
}
"""What an operator may block for, and what closes a shelf: eligibility_state, public_state (SPEC 5, 7)."""

OUTCOMES = {
    Phase.SUCCEEDED: ("success", "completed"),
    Phase.FAILED: ("failed", "failed"),
    Phase.CANCELLED: ("cancelled", "cancelled"),
    Phase.EXPIRED: ("expired", "expired"),
}

OWNERS = {
    Phase.LEASED: "leased",
    Phase.LEASE_EXPIRED: "lease_expired_reclaimable",
    Phase.LEASE_REVOKED: "lease_revoked",
}


def lifecycle_phase(execution: Execution) -> str:
    """Runnable, active, suspended or terminal."""
    if execution.phase is Phase.SUSPENDED:
        return "suspended"
    if execution.phase in ACTIVE:
        return "active"
    return "terminal" if execution.phase in TERMINAL else "runnable"


def ownership_state(execution: Execution) -> str:
    """Whose it is."""
    return OWNERS.get(execution.phase, "unowned")


def terminal_outcome(execution: Execution) -> str:
    """How it ended."""
    return OUTCOMES.get(execution.phase, ("none", ""))[0]


def attempt_state(execution: Execution) -> str:
    """Where its attempt is."""
    if execution.phase is Phase.LEASED:
        return "running_attempt"
    if execution.phase in ACTIVE:
        return "attempt_interrupted"
    ended = execution.phase in TERMINAL and execution.attempts
    return "attempt_terminal" if ended else execution.next_attempt


def eligibility_state(execution: Execution, closed: str | None) -> str:
    """Whether it may be granted."""
    match execution.phase:
        case Phase.DELAYED:
            return "not_eligible_until_time"
        case Phase.BLOCKED if execution.blocked_for == "waiting_for_children":
            return "blocked_by_dependencies"
        case Phase.BLOCKED:
            return ORDERS[execution.blocked_for or ""][0]
        case Phase.ELIGIBLE:
            return ORDERS[closed][0] if closed else "eligible_now"
        case _:
            return "not_applicable"


def blocking_reason(execution: Execution, closed: str | None) -> str:
    """What it waits for."""
    match execution.phase:
        case Phase.DELAYED:
            return execution.delay_reason
        case Phase.BLOCKED | Phase.SUSPENDED:
            return execution.blocked_for or ""
        case Phase.ELIGIBLE:
            return closed or "waiting_for_worker"
        case Phase.LEASE_EXPIRED | Phase.LEASE_REVOKED:
            return "waiting_for_worker"
        case _:
            return "none"


def blocking_detail(execution: Execution) -> str | None:
    """The same, as a sentence."""
    match execution.phase:
        case Phase.DELAYED if execution.delay_reason == "waiting_for_retry_backoff":
            why = f"attempt {execution.pending_previous_attempt_index} failed:"
            reason = execution.pending_retry_reason or ""
            return f"retry backoff until {execution.delay_until_ms} ({why} {reason})"
        case Phase.DELAYED:
            return f"delayed until {execution.delay_until_ms}"
        case Phase.BLOCKED if execution.blocked_for == "waiting_for_children":
            return "waiting for child executions to complete"
        case Phase.BLOCKED | Phase.SUSPENDED:
            return execution.blocked_detail or None
        case Phase.LEASE_EXPIRED:
            return "lease expired, awaiting reclaim"
        case Phase.LEASE_REVOKED:
            return f"lease revoked: {execution.revoke_reason}"
        case _:
            return None


def public_state(execution: Execution, closed: str | None) -> str:
    """What users are shown."""
    if execution.phase in TERMINAL:
        return OUTCOMES[execution.phase][1]
    if execution.phase in ACTIVE:
        return "active"
    match execution.phase:
        case Phase.DELAYED:
            return "delayed"
        case Phase.SUSPENDED:
            return "suspended"
        case Phase.BLOCKED if execution.blocked_for == "waiting_for_children":
            return "waiting_children"
        case Phase.BLOCKED:
            return ORDERS[execution.blocked_for or ""][1]
        case _:
            return ORDERS[closed][1] if closed else "waiting"


def not_active(execution: Execution) -> ExecutionNotActive:
    """The refusal that tells whose doing it was (reference 1.6, I-46)."""
    return ExecutionNotActive(
        terminal_outcome=terminal_outcome(execution),
        lease_epoch=execution.lease_epoch,
        lifecycle_phase=lifecycle_phase(execution),
        attempt_id=execution.attempt_id,
    )
