"""What is shown of a record: frozen copies, made under the lock."""

from __future__ import annotations

from grantcore.model.ids import partition_index
from grantcore.model.outcomes import ExpiredLease
from grantcore.model.past import lease_of
from grantcore.model.phases import ACTIVE, LEASE_EXPIRED, SUSPENDED
from grantcore.model.records import NO_CARGO, NO_PAST, NOTHING, TAGS, Execution, shown_tags
from grantcore.model.vector import Vector
from grantcore.model.views import ExecutionSnapshot
from grantcore.rules.fencing import attempt_id_of


def snapshot_of(record: Execution, vector: Vector) -> ExecutionSnapshot:
    """Every field of reference 1.2; lease fields are blank while nobody has or had it (I-09)."""
    spec, rare, past = record.spec, record.rare or NOTHING, record.past or NO_PAST
    assert record.phase is not None
    lease = lease_of(record) if record.phase in ACTIVE else None
    lapsed = record.phase is LEASE_EXPIRED
    suspended = past.attempts[record.attempt_count - 1] if record.phase is SUSPENDED else None
    return ExecutionSnapshot(
        execution_id=record.execution_id,
        namespace=spec.namespace,
        lane_id=spec.lane_id,
        execution_kind=spec.execution_kind,
        partition_id=partition_index(record.execution_id),
        creator_identity=spec.creator_identity,
        priority=record.priority,
        required_capabilities=spec.required,
        quota_policy_id=spec.quota_policy_id,
        budget_ids=spec.budget_ids,
        tags=shown_tags((record.cargo or NO_CARGO)[TAGS]),
        phase=record.phase,
        lifecycle_phase=vector.lifecycle_phase,
        ownership_state=vector.ownership_state,
        eligibility_state=vector.eligibility_state,
        blocking_reason=vector.blocking_reason,
        blocking_detail=vector.blocking_detail,
        terminal_outcome=vector.terminal_outcome,
        attempt_state=vector.attempt_state or "",
        public_state=vector.public_state,
        total_attempt_count=record.attempt_count,
        retry_count=past.retry_count,
        replay_count=past.replay_count,
        lease_reclaim_count=past.reclaim_count,
        current_attempt_index=record.attempt_count - 1 if record.attempt_count else None,
        current_attempt_id=attempt_id_of(record),
        current_lease_id=lease.lease_id if lease else None,
        current_lease_epoch=record.lease_epoch,
        current_worker_id=lease.worker_id if lease else None,
        current_worker_instance_id=lease.worker_instance_id if lease else None,
        current_lane=spec.lane_id,
        current_suspension_id=suspended.suspension_id if suspended else None,
        lease_acquired_at_ms=lease.acquired_at_ms if lease else None,
        lease_expires_at_ms=lease.expires_at_ms if lease else None,
        lease_last_renewed_at_ms=record.renewed_at_ms if lease else None,
        lease_renewal_deadline_ms=lease.renewal_deadline_ms if lease else None,
        lease_expired_at_ms=record.expires_at_ms if lapsed else None,
        lease_revoked_at_ms=rare.lease_revoked_at_ms if lease else None,
        lease_revoke_reason=(rare.lease_revoke_reason or None) if lease else None,
        created_at_ms=record.created_at_ms,
        started_at_ms=record.started_at_ms,
        completed_at_ms=record.completed_at_ms,
        last_transition_at_ms=record.last_transition_at_ms,
        last_mutation_at_ms=record.last_mutation_at_ms,
        last_capability_mismatch_at_ms=rare.last_capability_mismatch_at_ms,
        delay_until_ms=rare.delay_until_ms,
        deadline_at_ms=rare.deadline_at_ms,
        failure_reason=rare.failure_reason,
        cancellation_reason=rare.cancellation_reason,
        cancelled_by=rare.cancelled_by,
        pending_retry_reason=rare.pending_retry_reason,
        pending_replay_reason=rare.pending_replay_reason,
        pending_replay_requested_by=rare.pending_replay_requested_by,
        pending_previous_attempt_index=rare.pending_previous_attempt_index,
        progress_pct=rare.progress_pct,
        progress_message=rare.progress_message,
        progress_updated_at_ms=rare.progress_updated_at_ms,
    )


def expired_lease_of(record: Execution, ended_at_ms: int) -> ExpiredLease:
    """A lost lease as the page of them shows it."""
    return ExpiredLease(
        record.execution_id,
        record.spec.lane_id,
        record.spec.required,
        lease_of(record),
        "expired" if record.phase is LEASE_EXPIRED else "revoked",
        ended_at_ms,
    )
