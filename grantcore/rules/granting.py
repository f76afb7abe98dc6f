"""Issuing, withdrawing and losing grants (SPEC 5, reference 4.1 and 7.1)."""

from __future__ import annotations

from typing import Final

from grantcore.model import capabilities, events
from grantcore.model.errors import (
    ExecutionNotEligible,
    ExecutionNotInEligibleSet,
    GrantAlreadyExists,
    NotAResumedExecution,
    UseClaimResumedExecution,
    invalid,
)
from grantcore.model.grants import EXPIRES_AT_MS, KIND, TERMS, WORKER_ID, GrantKind, Terms
from grantcore.model.lanes import Lane
from grantcore.model.outcomes import NotReclaimable, ReclaimCapExceeded
from grantcore.model.past import past_of
from grantcore.model.phases import ELIGIBLE, FAILED, LOST
from grantcore.model.records import CLAIM, INTERRUPTED, NO_PAST, Execution, Store, rare_of
from grantcore.model.requests import GrantRequest
from grantcore.model.time import MAX_MS
from grantcore.rules import admission
from grantcore.rules.admission import Tallies
from grantcore.rules.change import ASK, NONE_SET, Arguments, Change, move, step

Credits = tuple[tuple[Lane, int], ...]
"""Lanes and the credit each has from now on, in the weighted round robin."""

RESUME: Final = GrantKind.RESUME
RECLAIM: Final = GrantKind.RECLAIM


def issue(
    record: Execution, now: int, request: GrantRequest, kind: GrantKind, store: Store, tallies: Tallies
) -> Change:
    """Decide a claim or resume grant, or the stamp of a mismatch (X18).

    The order of the refusals is SPEC 5's: phase, kind, lane, pause, live grant, capabilities, admission.
    """
    if record.phase is not ELIGIBLE:
        raise ExecutionNotEligible("only a waiting execution is granted")
    if (record.origin is INTERRUPTED) is not (kind is RESUME):
        raise _other_kind(record)
    if request.lane_id != record.spec.lane_id:
        raise ExecutionNotInEligibleSet("the execution waits in another lane")
    admission.paused(record.spec)
    no_grant(record)
    return _grant(record, now, request, kind, store, tallies)


def _other_kind(record: Execution) -> UseClaimResumedExecution | NotAResumedExecution:
    if record.interrupted:
        return UseClaimResumedExecution("the attempt was interrupted: ask for a resume grant")
    return NotAResumedExecution("the attempt was not interrupted: ask for a claim grant")


def issue_reclaim(
    record: Execution, now: int, request: GrantRequest, store: Store, tallies: Tallies
) -> Change | NotReclaimable:
    """Decide a reclaim grant, the end at the cap (D-05), or that there is nothing to take over."""
    if record.phase not in LOST:
        return NotReclaimable(record.execution_id, "execution_not_reclaimable")
    if request.lane_id != record.spec.lane_id:
        return NotReclaimable(record.execution_id, f"lane_mismatch: {record.spec.lane_id}")
    admission.paused(record.spec)
    no_grant(record)
    return cap(record, now) or _grant(record, now, request, RECLAIM, store, tallies)


def no_grant(record: Execution) -> None:
    """Refuse while a grant is out (I-12); a lapsed one is gone already."""
    if record.grant is not None:
        raise GrantAlreadyExists("a live grant is out")


def _grant(
    record: Execution, now: int, request: GrantRequest, kind: GrantKind, store: Store, tallies: Tallies
) -> Change:
    """Decide a grant, or the stamp of a mismatch (X18), after all that tells the kinds apart."""
    required = record.spec.required
    lacking = capabilities.missing(required, request.worker_capabilities) if required else ()
    if lacking:
        mismatched = step(events.CapabilityMismatched, record.phase, record.phase)
        return (mismatched, write_mismatch, record, now, (request.worker_id, lacking), NONE_SET)
    refusal = admission.refusal(kind, record.spec, request.worker_instance_id, now, store, tallies)
    if refusal is not None:
        raise refusal
    return granted(record, now, store, kind, request.grant_ttl_ms, request.terms)


def granted(
    record: Execution,
    now: int,
    store: Store,
    kind: GrantKind,
    ttl_ms: int,
    terms: Terms,
    credited: Credits = (),
) -> Change:
    """Decide a grant that nothing forbids, and with it the credits of the lanes it was chosen among."""
    expires_at_ms = now + ttl_ms
    if expires_at_ms > MAX_MS:
        raise invalid("grant_ttl_ms", "such that its end is an instant before 2**53")
    issued = _ISSUED if record.phase is ELIGIBLE else step(events.GrantIssued, record.phase, record.phase)
    shown = tuple([(lane.lane_id, credit) for lane, credit in credited]) if credited else ()
    name = record.spec.quota_policy_id
    counted = None if kind is not CLAIM or name is None else (store.quotas[name], store.sequence + 1)
    arguments = ((kind, now, expires_at_ms, terms), shown, credited, counted)
    return (issued, write_grant, record, now, arguments, expires_at_ms)


_ISSUED: Final = step(events.GrantIssued, ELIGIBLE, ELIGIBLE)


def write_grant(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the grant and what it counts for; the execution itself is untouched (reference 4.1)."""
    record.grant, _shown, credited, counted = arguments
    for lane, credit in credited:
        lane.credit = credit
    if counted is not None:
        quota, sequence = counted
        quota.count(sequence, at_ms)


def write_mismatch(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Stamp the mismatch and nothing else (I-23)."""
    _worker_id, _lacking = arguments
    rare_of(record).last_capability_mismatch_at_ms = at_ms


def withdraw(
    record: Execution, now: int, kind: GrantKind, worker_id: str, expires_at_ms: int
) -> Change | None:
    """Decide to take back exactly this grant, or nothing."""
    grant = record.grant
    if grant is None or (kind, worker_id, expires_at_ms) != (
        grant[KIND],
        grant[TERMS][WORKER_ID],
        grant[EXPIRES_AT_MS],
    ):
        return None
    withdrawn = step(events.GrantWithdrawn, record.phase, record.phase)
    return (withdrawn, write_no_grant, record, now, (), NONE_SET)


def write_no_grant(record: Execution, _at_ms: int, _arguments: Arguments) -> None:
    """Forget the grant; its execution has its old place back (I-20)."""
    record.grant = None


def cap(record: Execution, now: int) -> Change | None:
    """Decide the end of a lost execution that was taken over as often as its policy allows (D-05)."""
    reclaim_count = (record.past or NO_PAST).reclaim_count
    if reclaim_count < record.spec.policy.max_reclaim_count:
        return None
    past = past_of(record)
    attempt = past.attempts[record.attempt_count - 1]
    capped = step(events.ReclaimCapReached, record.phase, FAILED)
    return (capped, write_cap, record, now, (reclaim_count, past, attempt), ASK)


def write_cap(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """End the execution and its attempt; the reference writes no lease event here."""
    _count, past, attempt = arguments
    attempt.attempt_state = "ended_failure"
    attempt.ended_at_ms = at_ms
    attempt.failure_reason = MAX_RECLAIMS_EXCEEDED
    record.past = past
    rare_of(record).failure_reason = MAX_RECLAIMS_EXCEEDED
    move(record, at_ms)


MAX_RECLAIMS_EXCEEDED = "max_reclaims_exceeded"


def cap_answer(change: Change) -> ReclaimCapExceeded:
    """Answer with the count that was the limit."""
    _, _, record, _, (count, *_), _ = change
    assert type(count) is int
    return ReclaimCapExceeded(record.execution_id, count)
