"""FlowFabric's state vector, derived from the phase and a few fields (SPEC 4, reference 1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from grantcore.model.phases import (
    BLOCKED,
    CANCELLED,
    DELAYED,
    ELIGIBLE,
    EXPIRED,
    FAILED,
    LEASE_EXPIRED,
    LEASE_REVOKED,
    LEASED,
    SUCCEEDED,
    SUSPENDED,
    Phase,
)
from grantcore.model.records import NOTHING, RETRY, WAITING_FOR_CHILDREN, Execution


@attrs.frozen
class Vector:
    """Seven dimensions and the detail, with FlowFabric's names and values; None: see the functions below."""

    lifecycle_phase: str
    ownership_state: str
    eligibility_state: str
    blocking_reason: str
    terminal_outcome: str
    attempt_state: str | None
    public_state: str
    blocking_detail: str | None = None


def _ended(outcome: str, public_state: str) -> Vector:
    return Vector("terminal", "unowned", "not_applicable", "none", outcome, None, public_state)


VECTORS: Final[Mapping[Phase, Vector]] = MappingProxyType(
    {
        DELAYED: Vector(
            "runnable", "unowned", "not_eligible_until_time", "waiting_for_delay", "none", None, "delayed"
        ),
        ELIGIBLE: Vector(
            "runnable", "unowned", "eligible_now", "waiting_for_worker", "none", None, "waiting"
        ),
        BLOCKED: Vector(
            "runnable",
            "unowned",
            "blocked_by_dependencies",
            WAITING_FOR_CHILDREN,
            "none",
            None,
            "waiting_children",
            "waiting for child executions to complete",
        ),
        LEASED: Vector("active", "leased", "not_applicable", "none", "none", "running_attempt", "active"),
        LEASE_EXPIRED: Vector(
            "active",
            "lease_expired_reclaimable",
            "not_applicable",
            "waiting_for_worker",
            "none",
            "attempt_interrupted",
            "active",
            "lease expired, awaiting reclaim",
        ),
        LEASE_REVOKED: Vector(
            "active",
            "lease_revoked",
            "not_applicable",
            "waiting_for_worker",
            "none",
            "attempt_interrupted",
            "active",
        ),
        SUSPENDED: Vector(
            "suspended",
            "unowned",
            "not_applicable",
            "waiting_for_signal",
            "none",
            "attempt_interrupted",
            "suspended",
        ),
        SUCCEEDED: _ended("success", "completed"),
        FAILED: _ended("failed", "failed"),
        CANCELLED: _ended("cancelled", "cancelled"),
        EXPIRED: _ended("expired", "expired"),
    }
)
"""By phase; what depends on fields of the record is filled in by :func:`vector_of`."""

ORDERS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "waiting_for_budget": ("blocked_by_budget", "rate_limited"),
        "waiting_for_quota": ("blocked_by_quota", "rate_limited"),
        "waiting_for_capable_worker": ("blocked_by_route", "waiting"),
        "paused_by_operator": ("blocked_by_operator", "waiting"),
        "paused_by_policy": ("blocked_by_lane_state", "waiting"),
    }
)
"""Reasons to keep a waiting execution back, an operator's or a closed shelf's (SPEC 5, 7; D-08)."""


def vector_of(record: Execution, closed: tuple[str, str] | None = None) -> Vector:
    """Derive the whole vector of a record. O(1).

    Args:
        record: the execution.
        closed: reason and detail of what closes the shelf it waits on (SPEC 7); None: nothing does.
    """
    assert record.phase is not None
    vector = VECTORS[record.phase]
    if closed is not None and record.phase is ELIGIBLE:
        vector = _kept_back(vector, *closed)
    if vector.attempt_state is None:
        vector = attrs.evolve(vector, attempt_state=_attempt_state(record, vector))
    refine = _REFINED.get(record.phase)
    return refine(vector, record) if refine else vector


def _kept_back(vector: Vector, reason: str, detail: str) -> Vector:
    eligibility, public = ORDERS[reason]
    return attrs.evolve(
        vector,
        eligibility_state=eligibility,
        blocking_reason=reason,
        blocking_detail=detail,
        public_state=public,
    )


def _attempt_state(record: Execution, vector: Vector) -> str:
    """Tell the next attempt of a waiting execution; ended ones ended theirs, if there ever was one."""
    ended = vector.lifecycle_phase == "terminal" and record.attempt_count > 0
    return "attempt_terminal" if ended else record.origin.value


def _delayed(vector: Vector, record: Execution) -> Vector:
    rare = record.rare or NOTHING
    if record.origin is not RETRY:
        reason = rare.blocking_reason or vector.blocking_reason
        detail = f"delayed until {rare.delay_until_ms}"
        return attrs.evolve(vector, blocking_reason=reason, blocking_detail=detail)
    why = f"attempt {rare.pending_previous_attempt_index} failed: {rare.pending_retry_reason or ''}"
    detail = f"retry backoff until {rare.delay_until_ms} ({why})"
    return attrs.evolve(vector, blocking_reason="waiting_for_retry_backoff", blocking_detail=detail)


def _blocked(vector: Vector, record: Execution) -> Vector:
    rare = record.rare or NOTHING
    if record.waits_for_children:
        return vector
    reason = rare.blocking_reason or ""
    eligibility, public = ORDERS[reason]
    return attrs.evolve(
        vector,
        eligibility_state=eligibility,
        blocking_reason=reason,
        public_state=public,
        blocking_detail=rare.blocking_detail or None,
    )


def _revoked(vector: Vector, record: Execution) -> Vector:
    reason = (record.rare or NOTHING).lease_revoke_reason
    return attrs.evolve(vector, blocking_detail=f"lease revoked: {reason}")


def _suspended(vector: Vector, record: Execution) -> Vector:
    rare = record.rare or NOTHING
    return attrs.evolve(
        vector, blocking_reason=rare.blocking_reason or "", blocking_detail=rare.blocking_detail
    )


_REFINED: Final = {DELAYED: _delayed, BLOCKED: _blocked, LEASE_REVOKED: _revoked, SUSPENDED: _suspended}
