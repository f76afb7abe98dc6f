"""Taking a lease with a grant, or as the operator (SPEC 5, reference 4.2, 4.3, 4.4, 7.2)."""

from __future__ import annotations

from typing import Final

from grantcore.model import checks, events
from grantcore.model.errors import (
    ExecutionNotEligible,
    ExecutionNotLeaseable,
    ExecutionNotReclaimable,
    InvalidClaimGrant,
    invalid,
)
from grantcore.model.grants import GrantKind
from grantcore.model.ids import IdSource, Minted, MintedIds, rendered
from grantcore.model.leases import (
    ATTEMPT_ID,
    ATTEMPT_TYPE,
    PREFIX,
    AttemptType,
    Lease,
    LeaseKind,
    Tenure,
    new_lease,
)
from grantcore.model.past import acquired, begun, note, past_of
from grantcore.model.phases import ELIGIBLE, LEASE_EXPIRED, LEASED, LOST
from grantcore.model.records import FIRST, NOTHING, REPLAY, RETRY, Execution, Past, Rare, rare_of
from grantcore.model.time import MAX_MS, NEVER, gone
from grantcore.model.views import Attempt, LeaseEvent
from grantcore.rules import fencing
from grantcore.rules.change import Change, move, step
from grantcore.rules.granting import no_grant

FRESH = LeaseKind.FRESH
RESUMED = LeaseKind.RESUMED
RECLAIMED = LeaseKind.RECLAIMED
_TYPES = {FIRST: AttemptType.INITIAL, RETRY: AttemptType.RETRY, REPLAY: AttemptType.REPLAY}

Taker = tuple[str, str, int, "int | None"]
"""worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms (None: the policy's)."""


# -- guards ------------------------------------------------------------------------------------


def with_grant(
    record: Execution, now: int, kind: GrantKind, worker_id: str, expires_at_ms: int
) -> None:
    """Let pass only the worker that holds a grant of this kind (I-13..I-19).

    ``expires_at_ms`` is the caller's word and only chooses between two names of the same refusal.
    """
    if kind is GrantKind.RECLAIM:
        if record.phase not in LOST:
            raise ExecutionNotReclaimable("no lease of it was lost")
    elif record.phase is not ELIGIBLE:
        raise ExecutionNotLeaseable("only a waiting execution is leased")
    grant = record.grant
    if grant is None:
        gone_by_now = gone(expires_at_ms, now)
        raise InvalidClaimGrant("no grant is out", reason="lapsed" if gone_by_now else "absent")
    if grant.kind is not kind:
        raise InvalidClaimGrant("the grant is of another kind", reason="other_kind")
    if grant.worker_id != worker_id:
        raise InvalidClaimGrant("the grant is another worker's", reason="other_worker")


def without_grant(record: Execution) -> None:
    """Let the operator pass where a grant could be issued (D-24)."""
    if record.phase is not ELIGIBLE:
        raise ExecutionNotEligible("only a waiting execution is leased")
    no_grant(record)


# -- decisions -----------------------------------------------------------------------------------


def claim(
    record: Execution, now: int, taker: Taker, ids: IdSource, floor: int, *, by_operator: bool = False
) -> Change:
    """Decide a lease of a waiting execution: a new attempt, or the interrupted one goes on."""
    resumes = record.interrupted
    timeout = _rest_until(record, now) if resumes else _timeout_at(record, now, taker)
    if resumes:
        assert record.tenure is not None
        lease = _lease(record, now, taker, ids, floor, RESUMED, record.tenure[ATTEMPT_TYPE])
    else:
        lease = _lease(record, now, taker, ids, floor, FRESH, _TYPES[record.origin])
    told = (lease, None if timeout == NEVER else timeout, by_operator)
    soonest = min(timeout, lease.expires_at_ms)
    if record.past is None and not resumes and not by_operator:
        # A first lease, taken the plain way: the record itself will tell it.
        return (_ACQUIRED, write_claim, record, now, (*told, timeout), soonest)
    past = past_of(record)
    attempt = past.attempts[lease.attempt_index] if resumes else _begun(record, lease)
    line = acquired(lease, _history_reason(lease.kind, by_operator=by_operator))
    return (_ACQUIRED, write_claim, record, now, (*told, timeout, past, past.noted, attempt, line), soonest)


_ACQUIRED: Final = step(events.LeaseAcquired, ELIGIBLE, LEASED)


def reclaim(record: Execution, now: int, taker: Taker, ids: IdSource, floor: int) -> Change:
    """Decide to take over a lost lease: the old attempt ends, a new one begins."""
    timeout = _timeout_at(record, now, taker)
    lease = _lease(record, now, taker, ids, floor, RECLAIMED, AttemptType.RECLAIM)
    past = past_of(record)
    old = past.attempts[record.attempt_count - 1]
    new = begun(lease)
    new.reclaim_reason = "lease_expired" if record.phase is LEASE_EXPIRED else "lease_revoked"
    new.previous_attempt_index = old.attempt_index
    line = _reclaimed_line(record, lease)
    arguments = (
        lease,
        None if timeout == NEVER else timeout,
        timeout,
        past,
        past.noted,
        new,
        line,
        old,
        past.reclaim_count + 1,
    )
    reclaimed = step(events.LeaseReclaimed, record.phase, LEASED)
    return (reclaimed, write_reclaim, record, now, arguments, min(timeout, lease.expires_at_ms))


def _history_reason(kind: LeaseKind, *, by_operator: bool) -> str | None:
    if by_operator:
        return "issue_grant_and_claim" if kind is FRESH else "issue_grant_and_claim_resumed"
    return None if kind is FRESH else "claim_resumed"


def _timeout_at(record: Execution, now: int, taker: Taker) -> int:
    """When a new attempt times out: its own clock, afresh (D-06)."""
    timeout_ms = taker[3] if taker[3] is not None else record.spec.policy.attempt_timeout_ms
    return NEVER if timeout_ms is None else _sum("attempt_timeout_ms", now, timeout_ms)


def _rest_until(record: Execution, now: int) -> int:
    """When a resumed attempt times out: what was left of its clock."""
    rest = None if record.rare is None else record.rare.attempt_rest_ms
    return NEVER if rest is None else min(now + rest, MAX_MS)


def _sum(field: str, now: int, duration_ms: int) -> int:
    if now + duration_ms > MAX_MS:
        raise invalid(field, _TOO_LATE)
    return now + duration_ms


def _begun(record: Execution, lease: Lease) -> Attempt:
    """A new attempt with its lineage (reference 4.2)."""
    attempt = begun(lease)
    rare = record.rare or NOTHING
    if record.origin is RETRY:
        attempt.retry_reason = rare.pending_retry_reason
        attempt.previous_attempt_index = rare.pending_previous_attempt_index
    elif record.origin is REPLAY:
        attempt.replay_reason = rare.pending_replay_reason
        attempt.replay_requested_by = rare.pending_replay_requested_by
        attempt.replayed_from_attempt_index = rare.pending_previous_attempt_index
    return attempt


def _lease(
    record: Execution,
    now: int,
    taker: Taker,
    ids: IdSource,
    floor: int,
    kind: LeaseKind,
    attempt_type: AttemptType,
) -> Lease:
    """Build the lease; the last that can refuse, so ids are minted here, the attempt's first."""
    worker_id, worker_instance_id, ttl, _ = taker
    expires_at_ms = now + ttl
    if expires_at_ms > MAX_MS:
        raise invalid("lease_ttl_ms", _TOO_LATE)
    attempt_id, lease_id, prefix = _mint(record, ids, kind)
    tenure: Tenure = (
        record.execution_id,
        record.spec.lane_id,
        lease_id,
        max(record.lease_epoch, floor) + 1,
        attempt_id,
        record.attempt_count - (kind is RESUMED),
        attempt_type,
        kind,
        worker_id,
        worker_instance_id,
        now,
        prefix,
    )
    return new_lease(tenure, expires_at_ms, now + ttl * 2 // 3)


_TOO_LATE: Final = "such that its end is an instant before 2**53"


def _mint(record: Execution, ids: IdSource, kind: LeaseKind) -> tuple[Minted, Minted, str]:
    """The ids of the attempt and the lease, and the prefix of those that are numbers."""
    if type(ids) is not MintedIds:
        return _foreign_ids(record, ids, kind)
    if kind is not RESUMED:
        return ids.number(), ids.number(), ids.prefix
    assert record.tenure is not None
    old_prefix, attempt_id = record.tenure[PREFIX], record.tenure[ATTEMPT_ID]
    return (attempt_id if old_prefix == ids.prefix else rendered(old_prefix, attempt_id)), ids.number(), ids.prefix


def _foreign_ids(record: Execution, ids: IdSource, kind: LeaseKind) -> tuple[str, str, str]:
    """Ask a foreign source; refuse what is no id, or in use for this execution."""
    attempts = past_of(record).attempts.values()
    if kind is RESUMED:
        attempt_id = fencing.current(record)[2]
    else:
        attempt_id = checks.identity("ids.attempt_id", ids.attempt_id())
        if any(attempt_id == attempt.attempt_id for attempt in attempts):
            raise invalid("ids.attempt_id", "an id that is not in use")
    lease_id = checks.identity("ids.lease_id", ids.lease_id())
    if any(lease_id == attempt.lease_id for attempt in attempts):
        raise invalid("ids.lease_id", "an id that is not in use")
    return attempt_id, lease_id, ""


def _reclaimed_line(record: Execution, lease: Lease) -> LeaseEvent:
    return LeaseEvent(
        event="reclaimed",
        at_ms=lease.acquired_at_ms,
        old_lease_epoch=record.lease_epoch,
        new_lease_id=lease.lease_id,
        new_lease_epoch=lease.lease_epoch,
        new_attempt_id=lease.attempt_id,
        new_attempt_index=lease.attempt_index,
        worker_id=lease.worker_id,
    )


# -- writers -------------------------------------------------------------------------------------

Story = tuple[Past, int, Attempt, LeaseEvent]
"""The past, the number of its next line, the attempt of this lease, the line."""


def write_claim(
    record: Execution,
    at_ms: int,
    lease: Lease,
    _timeout_at_ms: int | None,
    _by_operator: bool,
    timeout: int,
    *story: object,
) -> None:
    """Store the lease, and what the record alone does not tell."""
    _hold(record, at_ms, lease, timeout)
    if record.started_at_ms is None:
        record.started_at_ms = at_ms
    if story:
        _record_story(record, at_ms, lease, *story)  # type: ignore[arg-type]


def write_reclaim(
    record: Execution,
    at_ms: int,
    lease: Lease,
    _timeout_at_ms: int | None,
    timeout: int,
    past: Past,
    number: int,
    attempt: Attempt,
    line: LeaseEvent,
    old: Attempt,
    reclaim_count: int,
) -> None:
    """End the old attempt and store the new lease."""
    old.attempt_state = "interrupted_reclaimed"
    old.ended_at_ms = at_ms
    old.failure_reason = attempt.reclaim_reason
    past.reclaim_count = reclaim_count
    _hold(record, at_ms, lease, timeout)
    _record_story(record, at_ms, lease, past, number, attempt, line)


def _hold(record: Execution, at_ms: int, lease: Lease, timeout: int) -> None:
    """Store the lease; the marks of the one before are blank again (D-07)."""
    record.grant = None
    record.tenure = lease.tenure
    record.attempt_id = lease.tenure[ATTEMPT_ID]
    record.expires_at_ms = lease.expires_at_ms
    record.renewed_at_ms = at_ms
    move(record, at_ms)
    if record.rare is not None or timeout != NEVER:
        _hold_rare(rare_of(record), lease, timeout)


def _hold_rare(rare: Rare, lease: Lease, timeout: int) -> None:
    rare.attempt_timeout_at_ms = timeout
    rare.attempt_rest_ms = None
    rare.lease_revoked_at_ms = None
    rare.lease_revoke_reason = ""
    if lease.kind is FRESH:
        rare.pending_retry_reason = None
        rare.pending_replay_reason = None
        rare.pending_replay_requested_by = None
        rare.pending_previous_attempt_index = None


def _record_story(
    record: Execution, at_ms: int, lease: Lease, past: Past, number: int, attempt: Attempt, line: LeaseEvent
) -> None:
    if lease.kind is RESUMED:
        _resume(attempt, at_ms, lease)
    record.past = past
    past.attempts[lease.attempt_index] = attempt
    note(past, number, line)


def _resume(attempt: Attempt, at_ms: int, lease: Lease) -> None:
    """Let the same attempt go on under a new lease (reference 4.3)."""
    attempt.attempt_state = "started"
    attempt.resumed_at_ms = at_ms
    attempt.lease_id = lease.lease_id
    attempt.lease_epoch = lease.lease_epoch
    attempt.worker_id = lease.worker_id
    attempt.worker_instance_id = lease.worker_instance_id
    attempt.suspended_at_ms = None
    attempt.suspension_id = None
