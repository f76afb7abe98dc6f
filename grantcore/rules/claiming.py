"""Taking a lease with a grant, or as the operator (SPEC 5, reference 4.2, 4.3, 4.4, 7.2)."""

from __future__ import annotations

from typing import Final

from grantcore.model import checks, events
from grantcore.model.errors import (
    ExecutionNotEligible,
    ExecutionNotLeaseable,
    ExecutionNotReclaimable,
    GrantError,
    InvalidClaimGrant,
    invalid,
)
from grantcore.model.grants import KIND, KIND_OF, TERMS, WORKER_ID, Grant
from grantcore.model.ids import IdSource, Minted, MintedIds, attempt_rendered
from grantcore.model.leases import (
    ATTEMPT_ID,
    ATTEMPT_INDEX,
    ATTEMPT_TYPE,
    LEASE_EPOCH,
    LEASE_ID,
    PREFIX,
    TAKING,
    AttemptType,
    Lease,
    LeaseKind,
    Taking,
    new_lease,
)
from grantcore.model.past import acquired, begun, note, past_of
from grantcore.model.phases import ELIGIBLE, LEASE_EXPIRED, LEASED, LOST
from grantcore.model.records import (
    FIRST,
    INTERRUPTED,
    NOTHING,
    REPLAY,
    RETRY,
    Execution,
    Past,
    Rare,
    Store,
    rare_of,
)
from grantcore.model.time import MAX_MS, NEVER, gone
from grantcore.model.views import Attempt, LeaseEvent
from grantcore.rules import fencing
from grantcore.rules.change import Arguments, Change, step
from grantcore.rules.granting import RECLAIM, no_grant

FRESH = LeaseKind.FRESH
RESUMED = LeaseKind.RESUMED
RECLAIMED = LeaseKind.RECLAIMED
INITIAL = AttemptType.INITIAL.value
FRESH_TEXT = LeaseKind.FRESH.value
_TYPES = {FIRST: AttemptType.INITIAL, RETRY: AttemptType.RETRY, REPLAY: AttemptType.REPLAY}

Taker = tuple[str, str, int, "int | None"]
"""worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms (None: the policy's)."""


# -- guards ------------------------------------------------------------------------------------


def with_grant(record: Execution, now: int, given: Grant, worker_id: str) -> None:
    """Let pass only the worker that holds a grant of this kind (I-13..I-19).

    A live grant implies the phase it was issued for (I-17), and its kind says which that is.
    """
    grant = record.grant
    if grant is None or grant[KIND] is not KIND_OF[type(given)] or grant[TERMS][WORKER_ID] != worker_id:
        raise _unusable(record, now, given)


def _unusable(record: Execution, now: int, given: Grant) -> GrantError:
    """Tell why a grant cannot be used: the phase first, then the grant itself.

    The end that the caller's grant claims only chooses between two names of the same refusal.
    """
    kind = KIND_OF[type(given)]
    if kind is RECLAIM:
        if record.phase not in LOST:
            return ExecutionNotReclaimable("no lease of it was lost")
    elif record.phase is not ELIGIBLE:
        return ExecutionNotLeaseable("only a waiting execution is leased")
    if record.grant is None:
        ends = checks.instant("grant.expires_at_ms", getattr(given, "expires_at_ms", None))
        return InvalidClaimGrant("no grant is out", reason="lapsed" if gone(ends, now) else "absent")
    if record.grant[KIND] is not kind:
        return InvalidClaimGrant("the grant is of another kind", reason="other_kind")
    return InvalidClaimGrant("the grant is another worker's", reason="other_worker")


def without_grant(record: Execution) -> None:
    """Let the operator pass where a grant could be issued (D-24)."""
    if record.phase is not ELIGIBLE:
        raise ExecutionNotEligible("only a waiting execution is leased")
    no_grant(record)


# -- decisions -----------------------------------------------------------------------------------


def claim(record: Execution, now: int, taker: Taker, ids: IdSource, store: Store) -> Change:
    """Decide a lease of a waiting execution: a new attempt, or the interrupted one goes on.

    Most leases are the first of their execution, with no timeout: the record alone will tell them.
    """
    worker_id, worker_instance_id, ttl, timeout_ms = taker
    spec = record.spec
    expires_at_ms = now + ttl
    if (
        record.taking is not None
        or record.past is not None
        or timeout_ms is not None
        or spec.policy.attempt_timeout_ms is not None
        or type(ids) is not MintedIds
        or expires_at_ms > MAX_MS
    ):
        return claim_again(record, now, taker, ids, store)
    number = ids.number()
    taking = first_taking(spec.lane_id, store.epoch_floor + 1, worker_id, worker_instance_id, ids.prefix)
    lease = new_lease((record.execution_id, number, number, now, taking), expires_at_ms, now)
    return (_ACQUIRED, write_first_lease, record, now, (lease, None, False), expires_at_ms)


def first_taking(lane_id: str, epoch: int, worker_id: str, worker_instance_id: str, prefix: str) -> Taking:
    """How the first lease of an execution is taken."""
    return (lane_id, epoch, 0, INITIAL, FRESH_TEXT, worker_id, worker_instance_id, prefix)


def claim_again(
    record: Execution, now: int, taker: Taker, ids: IdSource, store: Store, *, by_operator: bool = False
) -> Change:
    """Decide any lease of a waiting execution."""
    if record.origin is INTERRUPTED:
        return _resume(record, now, taker, ids, store, by_operator=by_operator)
    timeout = _timeout_at(record, now, taker)
    lease = _lease(record, now, taker, ids, store, FRESH, _TYPES[record.origin])
    told = (lease, None if timeout == NEVER else timeout, by_operator, timeout)
    soonest = min(timeout, lease.expires_at_ms)
    if record.past is None and not by_operator:
        return (_ACQUIRED, write_claim, record, now, told, soonest)
    past = past_of(record)
    line = acquired(lease, "issue_grant_and_claim" if by_operator else None)
    arguments = (*told, past, past.noted, _begun(record, lease), line)
    return (_ACQUIRED, write_claim, record, now, arguments, soonest)


def _resume(
    record: Execution, now: int, taker: Taker, ids: IdSource, store: Store, *, by_operator: bool
) -> Change:
    """Decide that the interrupted attempt goes on, its clock with what was left."""
    assert record.taking is not None
    assert record.past is not None
    timeout = _rest_until(record, now)
    lease = _lease(record, now, taker, ids, store, RESUMED, AttemptType(record.taking[ATTEMPT_TYPE]))
    past = record.past
    line = acquired(lease, "issue_grant_and_claim_resumed" if by_operator else "claim_resumed")
    attempt = past.attempts[lease.attempt_index]
    told = (lease, None if timeout == NEVER else timeout, by_operator)
    arguments = (*told, timeout, past, past.noted, attempt, line)
    return (_ACQUIRED, write_claim, record, now, arguments, min(timeout, lease.expires_at_ms))


_ACQUIRED: Final = step(events.LeaseAcquired, ELIGIBLE, LEASED)


def reclaim(record: Execution, now: int, taker: Taker, ids: IdSource, store: Store) -> Change:
    """Decide to take over a lost lease: the old attempt ends, a new one begins."""
    timeout = _timeout_at(record, now, taker)
    lease = _lease(record, now, taker, ids, store, RECLAIMED, AttemptType.RECLAIM)
    past = past_of(record)
    old = past.attempts[record.attempt_count - 1]
    new = begun(lease.tenure)
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


def _timeout_at(record: Execution, now: int, taker: Taker) -> int:
    """When a new attempt times out: its own clock, afresh (D-06)."""
    timeout_ms = taker[3]
    if timeout_ms is None:
        timeout_ms = record.spec.policy.attempt_timeout_ms
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
    attempt = begun(lease.tenure)
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
    store: Store,
    kind: LeaseKind,
    attempt_type: AttemptType,
) -> Lease:
    """Build the lease; the last that can refuse, so ids are minted here, the attempt's first."""
    worker_id, worker_instance_id, ttl, _ = taker
    expires_at_ms = now + ttl
    if expires_at_ms > MAX_MS:
        raise invalid("lease_ttl_ms", _TOO_LATE)
    last = record.taking
    if last is None:
        epoch, attempt_index = store.epoch_floor + 1, 0
    else:
        epoch = max(last[LEASE_EPOCH], store.restored_floor) + 1
        attempt_index = last[ATTEMPT_INDEX] + (kind is not RESUMED)
    attempt_id, lease_id, prefix = _mint(record, ids, kind)
    taking: Taking = (
        record.spec.lane_id,
        epoch,
        attempt_index,
        attempt_type.value,
        kind.value,
        worker_id,
        worker_instance_id,
        prefix,
    )
    return new_lease((record.execution_id, lease_id, attempt_id, now, taking), expires_at_ms, now)


_TOO_LATE: Final = "such that its end is an instant before 2**53"


def _mint(record: Execution, ids: IdSource, kind: LeaseKind) -> tuple[Minted, Minted, str]:
    """The ids of the attempt and of the lease; the prefix of numbers."""
    if type(ids) is not MintedIds:
        return _foreign_ids(record, ids, kind)
    number = ids.number()
    if kind is not RESUMED:
        return number, number, ids.prefix
    assert record.taking is not None
    assert record.attempt_id is not None
    old_prefix, attempt_id = record.taking[PREFIX], record.attempt_id
    if old_prefix != ids.prefix:
        attempt_id = attempt_rendered(old_prefix, attempt_id)
    return attempt_id, number, ids.prefix


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


def write_first_lease(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store a lease where there was none before."""
    lease = arguments[0]
    _hold_lease(record, at_ms, lease)
    if record.rare is not None:
        _hold_rare(record.rare, lease, NEVER)


def write_claim(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the lease, and what the record alone does not tell."""
    lease, _timeout_at_ms, _by_operator, timeout, *story = arguments
    _hold(record, at_ms, lease, timeout)
    if story:
        _record_story(record, at_ms, lease, *story)


def write_reclaim(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """End the old attempt and store the new lease."""
    lease, _timeout_at_ms, timeout, past, number, attempt, line, old, reclaim_count = arguments
    old.attempt_state = "interrupted_reclaimed"
    old.ended_at_ms = at_ms
    old.failure_reason = attempt.reclaim_reason
    past.reclaim_count = reclaim_count
    _hold(record, at_ms, lease, timeout)
    _record_story(record, at_ms, lease, past, number, attempt, line)


def _hold(record: Execution, at_ms: int, lease: Lease, timeout: int) -> None:
    """Store the lease; the marks of the one before are blank again (D-07)."""
    _hold_lease(record, at_ms, lease)
    if record.rare is not None or timeout != NEVER:
        _hold_rare(rare_of(record), lease, timeout)


def _hold_lease(record: Execution, at_ms: int, lease: Lease) -> None:
    tenure = lease.tenure
    record.grant = None
    record.taking = tenure[TAKING]
    record.lease_id = tenure[LEASE_ID]
    record.attempt_id = tenure[ATTEMPT_ID]
    record.expires_at_ms = lease.expires_at_ms
    record.acquired_at_ms = record.renewed_at_ms = at_ms
    record.last_transition_at_ms = record.last_mutation_at_ms = at_ms


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
        _go_on(attempt, at_ms, lease)
    record.past = past
    if past.started_at_ms is None:
        past.started_at_ms = at_ms
    past.attempts[lease.attempt_index] = attempt
    note(past, number, line)


def _go_on(attempt: Attempt, at_ms: int, lease: Lease) -> None:
    """Let the same attempt go on under a new lease (reference 4.3)."""
    attempt.attempt_state = "started"
    attempt.resumed_at_ms = at_ms
    attempt.lease_id = lease.lease_id
    attempt.lease_epoch = lease.lease_epoch
    attempt.worker_id = lease.worker_id
    attempt.worker_instance_id = lease.worker_instance_id
    attempt.suspended_at_ms = None
    attempt.suspension_id = None
