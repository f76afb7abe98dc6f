"""What time does (SPEC 3): one rule per kind of deadline, and revocation, which people do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from grantcore.model import events
from grantcore.model.deadlines import ATTEMPT, DELAY, EXECUTION, GRANT, LEASE, SUSPENSION
from grantcore.model.errors import StaleLease
from grantcore.model.outcomes import AlreadySatisfied
from grantcore.model.past import lease_of, lost, note
from grantcore.model.phases import ACTIVE, LEASE_EXPIRED, LEASE_REVOKED, LEASED
from grantcore.model.records import Execution, rare_of
from grantcore.rules.change import ASK, Arguments, Change, step, touch
from grantcore.rules.ending import pass_deadline, time_out
from grantcore.rules.fencing import current, not_active
from grantcore.rules.granting import write_no_grant
from grantcore.rules.pausing import become_due
from grantcore.rules.suspending import time_out_suspension


def lapse_grant(record: Execution, now: int, _sequence: int) -> Change:
    """Decide that nobody used the grant in time."""
    lapsed = step(events.GrantLapsed, record.phase, record.phase)
    return (lapsed, write_no_grant, record, now, (), ASK)


def lapse_lease(record: Execution, now: int, sequence: int) -> Change:
    """Decide that the holder is late; the attempt goes on waiting for somebody to reclaim it."""
    lease = lease_of(record)
    arguments: tuple[object, ...] = (lease, sequence)
    if record.past is not None:
        arguments = (lease, sequence, record.past, record.past.noted, lost(lease, "expired", now))
    return (_LAPSED, write_lapse, record, now, arguments, ASK)


_LAPSED: Final = step(events.LeaseLapsed, LEASED, LEASE_EXPIRED)
_REVOKED: Final = step(events.LeaseRevoked, LEASED, LEASE_REVOKED)


def write_lapse(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the lapse: a mutation, no transition (reference 2.3)."""
    _lease, sequence, *line = arguments
    record.lost_sequence = sequence
    if line:
        note(*line)
    touch(record, at_ms)


def revoke(
    record: Execution, now: int, sequence: int, reason: str, expected_lease_id: str | None
) -> Change | AlreadySatisfied:
    """Decide to take the lease away, at once and without touching the epoch (I-10)."""
    if record.phase not in ACTIVE:
        raise not_active(record)
    if record.phase is LEASE_REVOKED:
        return AlreadySatisfied("already_revoked")
    if record.phase is LEASE_EXPIRED:
        return AlreadySatisfied("already_expired")
    if expected_lease_id and expected_lease_id != current(record)[0]:
        raise StaleLease("another lease is current", current_epoch=record.lease_epoch)
    lease = lease_of(record)
    arguments: tuple[object, ...] = (lease, reason, sequence)
    if record.past is not None:
        arguments = (*arguments, record.past, record.past.noted, lost(lease, "revoked", now, reason))
    return (_REVOKED, write_revocation, record, now, arguments, ASK)


def write_revocation(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the revocation: a mutation, no transition (reference 5.3)."""
    _lease, reason, sequence, *line = arguments
    rare = rare_of(record)
    rare.lease_revoked_at_ms = at_ms
    rare.lease_revoke_reason = reason
    write_lapse(record, at_ms, (None, sequence, *line))


def _pass_deadline(record: Execution, now: int, _sequence: int) -> Change:
    return pass_deadline(record, now)


def _time_out(record: Execution, now: int, _sequence: int) -> Change:
    return time_out(record, now)


def _time_out_suspension(record: Execution, now: int, _sequence: int) -> Change:
    return time_out_suspension(record, now)


def _become_due(record: Execution, now: int, _sequence: int) -> Change:
    return become_due(record, now)


LAPSES: Final[Mapping[int, Callable[[Execution, int, int], Change]]] = MappingProxyType(
    {
        EXECUTION: _pass_deadline,
        ATTEMPT: _time_out,
        SUSPENSION: _time_out_suspension,
        LEASE: lapse_lease,
        GRANT: lapse_grant,
        DELAY: _become_due,
    }
)
"""What each kind of deadline does; the retention's end is a purge (``replaying.purge``)."""
