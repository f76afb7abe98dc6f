"""The fence: who may act on a lease, and which refusal the others get (SPEC 5, I-03..I-07).

The order is the contract: fence complete, active, not revoked, not expired, lease_id, epoch,
attempt_id. Three different refusals: you were replaced, you are late, you were sent away. Lapses are
applied before any rule is asked, so a record in LEASED has a live lease.
"""

from __future__ import annotations

from grantcore.model.errors import ExecutionNotActive, GrantError, LeaseExpired, LeaseRevoked, StaleLease
from grantcore.model.ids import attempt_rendered, rendered
from grantcore.model.leases import (
    LEASE_EPOCH,
    PREFIX,
    TAKING,
    Held,
    Lease,
    complete_fence,
    parts,
)
from grantcore.model.phases import LEASE_EXPIRED, LEASE_REVOKED, LEASED
from grantcore.model.records import NOTHING, Execution
from grantcore.model.vector import VECTORS


def held(record: Execution, fence: Held) -> None:
    """Let pass only the holder of the current lease."""
    if type(fence) is Lease and fence.tenure[TAKING] is record.taking and record.phase is LEASED:
        return
    _, lease_id, epoch, attempt_id = given = parts(fence)
    complete_fence(given)
    if record.phase is not LEASED:
        raise not_held(record)
    if (lease_id, epoch, attempt_id) != current(record):
        raise stale(record)


def current(record: Execution) -> tuple[str, int, str]:
    """The triple of the record's last lease."""
    taking, lease_id, attempt_id = record.taking, record.lease_id, record.attempt_id
    assert taking is not None
    assert lease_id is not None
    assert attempt_id is not None
    prefix = taking[PREFIX]
    return rendered(prefix, lease_id), taking[LEASE_EPOCH], attempt_rendered(prefix, attempt_id)


def holding(record: Execution) -> None:
    """Let pass only an execution that somebody holds: the operator's way (I-07)."""
    if record.phase is not LEASED:
        raise not_held(record)


def not_held(record: Execution) -> GrantError:
    """Tell why nobody holds it."""
    if record.phase is LEASE_REVOKED:
        return revoked(record)
    if record.phase is LEASE_EXPIRED:
        return LeaseExpired("the lease has ended", expired_at_ms=record.expires_at_ms)
    return not_active(record)


def revoked(record: Execution) -> LeaseRevoked:
    """Tell that an operator took the lease away."""
    return LeaseRevoked(
        "an operator took the lease away", reason=(record.rare or NOTHING).lease_revoke_reason
    )


def stale(record: Execution) -> StaleLease:
    """Tell that somebody else's lease is current."""
    return StaleLease("another lease is current", current_epoch=record.lease_epoch)


def not_active(record: Execution) -> ExecutionNotActive:
    """Tell enough to know whose doing that was (I-46, reference 1.6)."""
    assert record.phase is not None
    vector = VECTORS[record.phase]
    return ExecutionNotActive(
        f"the execution is {record.phase.value}",
        terminal_outcome=vector.terminal_outcome,
        lease_epoch=record.lease_epoch,
        lifecycle_phase=vector.lifecycle_phase,
        attempt_id=attempt_id_of(record),
    )


def attempt_id_of(record: Execution) -> str | None:
    """The text of the record's attempt id, if it has one at this time."""
    if record.attempt_id is None or record.taking is None:
        return None
    return attempt_rendered(record.taking[PREFIX], record.attempt_id)
