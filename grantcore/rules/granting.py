"""Issuing, withdrawing and losing grants (SPEC 5, reference 4.1 and 7.1)."""

from __future__ import annotations

from grantcore.model import capabilities, events
from grantcore.model.errors import (
    CapabilityMismatch,
    ExecutionNotEligible,
    ExecutionNotInEligibleSet,
    GrantAlreadyExists,
    NotAResumedExecution,
    UseClaimResumedExecution,
)
from grantcore.model.grants import GrantKind, GrantRecord, new_grant_record
from grantcore.model.outcomes import NotReclaimable, ReclaimCapExceeded
from grantcore.model.past import past_of
from grantcore.model.phases import ELIGIBLE, FAILED, LOST
from grantcore.model.records import Execution, Past, rare_of
from grantcore.model.requests import GrantRequest
from grantcore.model.views import Attempt
from grantcore.rules.change import Change, move


def issue(record: Execution, now: int, request: GrantRequest, kind: GrantKind) -> Change:
    """Decide a claim or resume grant, or the stamp of a mismatch (X18).

    The order of the refusals is SPEC 5's: phase, kind, lane, live grant, capabilities.
    """
    if record.phase is not ELIGIBLE:
        raise ExecutionNotEligible("only a waiting execution is granted")
    if record.interrupted is not (kind is GrantKind.RESUME):
        raise _other_kind(record)
    if request.lane_id != record.spec.lane_id:
        raise ExecutionNotInEligibleSet("the execution waits in another lane")
    return _grant(record, now, request, kind)


def _other_kind(record: Execution) -> UseClaimResumedExecution | NotAResumedExecution:
    if record.interrupted:
        return UseClaimResumedExecution("the attempt was interrupted: ask for a resume grant")
    return NotAResumedExecution("the attempt was not interrupted: ask for a claim grant")


def issue_reclaim(
    record: Execution, now: int, request: GrantRequest
) -> Change | NotReclaimable:
    """Decide a reclaim grant, the end at the cap (D-05), or that there is nothing to take over."""
    if record.phase not in LOST:
        return NotReclaimable(record.execution_id, "execution_not_reclaimable")
    if request.lane_id != record.spec.lane_id:
        return NotReclaimable(record.execution_id, f"lane_mismatch: {record.spec.lane_id}")
    no_grant(record)
    past = past_of(record)
    if past.reclaim_count >= record.spec.policy.max_reclaim_count:
        return _cap(record, now, past)
    return _grant(record, now, request, GrantKind.RECLAIM)


def no_grant(record: Execution) -> None:
    """Refuse while a grant is out (I-12); a lapsed one is gone already."""
    if record.grant is not None:
        raise GrantAlreadyExists("a live grant is out")


def _grant(record: Execution, now: int, request: GrantRequest, kind: GrantKind) -> Change:
    no_grant(record)
    lacking = capabilities.missing(record.spec.required, request.worker_capabilities)
    if lacking:
        told: tuple[object, ...] = (request.worker_id, lacking)
        return (events.CapabilityMismatched, record.phase, write_mismatch, record, now, told, ())
    grant = new_grant_record(
        record.execution_id,
        kind,
        request.worker_id,
        request.worker_instance_id,
        record.spec.lane_id,
        request.capability_hash or None,
        request.route_snapshot_json or None,
        request.admission_summary or None,
        now,
        now + request.grant_ttl_ms,
    )
    return (events.GrantIssued, record.phase, write_grant, record, now, (grant,), ())


def mismatch(lacking: tuple[str, ...]) -> CapabilityMismatch:
    """Tell what the worker lacks."""
    return CapabilityMismatch("the worker lacks required tokens", missing=lacking)


def write_grant(record: Execution, _at_ms: int, grant: GrantRecord) -> None:
    """Store the grant; the execution itself is untouched (reference 4.1)."""
    record.grant = grant


def write_mismatch(record: Execution, at_ms: int, _worker_id: str, _lacking: object) -> None:
    """Stamp the mismatch and nothing else (I-23)."""
    rare_of(record).last_capability_mismatch_at_ms = at_ms


def withdraw(record: Execution, now: int, kind: GrantKind, worker_id: str, expires_at_ms: int) -> Change | None:
    """Decide to take back exactly this grant, or nothing."""
    grant = record.grant
    if grant is None or (grant.kind, grant.worker_id, grant.expires_at_ms) != (kind, worker_id, expires_at_ms):
        return None
    return (events.GrantWithdrawn, record.phase, write_no_grant, record, now, (), ())


def write_no_grant(record: Execution, _at_ms: int) -> None:
    """Forget the grant; its execution has its old place back (I-20)."""
    record.grant = None


def _cap(record: Execution, now: int, past: Past) -> Change:
    attempt = past.attempts[record.attempt_count - 1]
    told = (past.reclaim_count,)
    return (events.ReclaimCapReached, FAILED, write_cap, record, now, told, (past, attempt))


def write_cap(record: Execution, at_ms: int, _count: int, past: Past, attempt: Attempt) -> None:
    """End the execution and its attempt; the reference writes no lease event here."""
    attempt.attempt_state = "ended_failure"
    attempt.ended_at_ms = at_ms
    attempt.failure_reason = MAX_RECLAIMS_EXCEEDED
    record.past = past
    rare_of(record).failure_reason = MAX_RECLAIMS_EXCEEDED
    record.completed_at_ms = at_ms
    move(record, at_ms)


MAX_RECLAIMS_EXCEEDED = "max_reclaims_exceeded"


def cap_answer(change: Change) -> ReclaimCapExceeded:
    """Answer with the count that was the limit."""
    (count,) = change[5]
    assert type(count) is int
    return ReclaimCapExceeded(change[3].execution_id, count)
