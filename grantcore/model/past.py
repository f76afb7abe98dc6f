"""Attempts and lease history: stored once there is more to tell than the record's own stamps do.

An execution that was taken once and is held, lost or has succeeded needs no :class:`Past`: its one
attempt and its history follow from the record (:func:`derived`). Whatever else happens to it stores
that reading first and goes on from there, so both ways tell the same story; ``check()`` compares.
"""

from __future__ import annotations

from grantcore.model.ids import attempt_rendered, rendered
from grantcore.model.leases import AttemptType, Lease, Tenure, new_lease
from grantcore.model.phases import LEASE_EXPIRED, LEASE_REVOKED, SUCCEEDED
from grantcore.model.records import NOTHING, Execution, Past
from grantcore.model.views import Attempt, LeaseEvent


def past_of(record: Execution) -> Past:
    """The stored past, or the one that follows from the record. Nothing is written."""
    return record.past or derived(record)


def derived(record: Execution) -> Past:
    """Read attempts and history of a first lease off the record's stamps."""
    if record.taking is None:
        return Past({}, {}, 0)
    history = dict(enumerate(_story(record)))
    return Past({0: first_attempt(record)}, history, len(history), started_at_ms=record.acquired_at_ms)


def first_attempt(record: Execution) -> Attempt:
    """Read the attempt of a first lease off the record's stamps."""
    attempt = begun(tenure_of(record))
    if record.phase is SUCCEEDED:
        attempt.attempt_state = "ended_success"
        attempt.ended_at_ms = record.completed_at_ms
    return attempt


def _story(record: Execution) -> list[LeaseEvent]:
    lease = lease_of(record)
    story = [acquired(lease)]
    if record.phase is LEASE_EXPIRED:
        story.append(lost(lease, "expired", lease.expires_at_ms))
    elif record.phase is LEASE_REVOKED:
        rare = record.rare or NOTHING
        assert rare.lease_revoked_at_ms is not None
        story.append(lost(lease, "revoked", rare.lease_revoked_at_ms, rare.lease_revoke_reason))
    elif record.phase is SUCCEEDED:
        assert record.completed_at_ms is not None
        story.append(released(lease, record.completed_at_ms, "completed"))
    return story


def lease_of(record: Execution) -> Lease:
    """The record's last lease; current in LEASED only."""
    return new_lease(tenure_of(record), record.expires_at_ms, record.renewed_at_ms)


def tenure_of(record: Execution) -> Tenure:
    """What was fixed when the record's last lease was taken."""
    taking, lease_id, attempt_id = record.taking, record.lease_id, record.attempt_id
    assert taking is not None
    assert lease_id is not None
    if attempt_id is None:  # the next attempt is pending: the last one is in the past
        assert record.past is not None
        attempt_id = record.past.attempts[record.attempt_count - 1].attempt_id
    return (record.execution_id, lease_id, attempt_id, record.acquired_at_ms, taking)


def begun(tenure: Tenure) -> Attempt:
    """The attempt that starts with a lease."""
    execution_id, lease_id, attempt_id, now, taking = tenure
    _, epoch, index, kind, _, worker_id, instance_id, prefix = taking
    return Attempt(
        execution_id=execution_id,
        attempt_id=attempt_rendered(prefix, attempt_id),
        attempt_index=index,
        attempt_type=AttemptType(kind),
        attempt_state="started",
        created_at_ms=now,
        started_at_ms=now,
        lease_id=rendered(prefix, lease_id),
        lease_epoch=epoch,
        worker_id=worker_id,
        worker_instance_id=instance_id,
    )


def acquired(lease: Lease, reason: str | None = None) -> LeaseEvent:
    """The line for a lease that was taken."""
    return LeaseEvent(
        event="acquired",
        at_ms=lease.acquired_at_ms,
        lease_id=lease.lease_id,
        lease_epoch=lease.lease_epoch,
        attempt_id=lease.attempt_id,
        attempt_index=lease.attempt_index,
        worker_id=lease.worker_id,
        reason=reason,
    )


def lost(lease: Lease, event: str, at_ms: int, reason: str | None = None) -> LeaseEvent:
    """The line for a lease that lapsed or was revoked."""
    return LeaseEvent(
        event=event,
        at_ms=at_ms,
        lease_id=lease.lease_id,
        lease_epoch=lease.lease_epoch,
        attempt_id=lease.attempt_id,
        attempt_index=lease.attempt_index,
        worker_id=lease.worker_id,
        worker_instance_id=lease.worker_instance_id,
        reason=reason or None,
    )


def released(lease: Lease, at_ms: int, reason: str, *, with_attempt: bool = False) -> LeaseEvent:
    """The line for a lease that its holder, an operator or a deadline ended."""
    return LeaseEvent(
        event="released",
        at_ms=at_ms,
        lease_id=lease.lease_id,
        lease_epoch=lease.lease_epoch,
        attempt_id=lease.attempt_id if with_attempt else None,
        attempt_index=lease.attempt_index,
        reason=reason,
    )


def note(past: Past, number: int, line: LeaseEvent) -> None:
    """Store line ``number`` of the history; may be repeated."""
    past.history[number] = line
    past.noted = number + 1


def trim(past: Past, limit: int) -> None:
    """Drop the lines that are over the limit (D-25); may be repeated. O(1) amortised."""
    while past.first < past.noted - limit:
        past.history.pop(past.first, None)
        past.first += 1
