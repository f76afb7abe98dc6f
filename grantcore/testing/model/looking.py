"""Chapter 14: what is shown, in the engine's own forms (SPEC 8, 9; reference 1.2)."""

from __future__ import annotations

import binascii

from grantcore import (
    AttemptInfo,
    EngineStats,
    ExecutionSnapshot,
    ExecutionsPage,
    ExpiredLease,
    ExpiredLeasesPage,
    Lease,
    LeaseEvent,
    Partition,
    Phase,
)
from grantcore.testing.model import forms, vector
from grantcore.testing.model.forms import MAX_PAGE
from grantcore.testing.model.passing import Passing
from grantcore.testing.model.records import ACTIVE, LOST, Execution


class Looking(Passing):
    """What there is."""

    def describe_execution(self, execution_id: str) -> ExecutionSnapshot | None:
        """Every field, or None."""
        forms.execution_id(execution_id)
        self._enter()
        execution = self._known(execution_id)
        return None if execution is None else self._shown(execution)

    def attempts(self, execution_id: str) -> tuple[AttemptInfo, ...]:
        """All attempts, by index."""
        self._enter()
        return tuple(self._find(execution_id).attempts)

    def read_payload(self, execution_id: str) -> bytes | None:
        """What was given at creation."""
        self._enter()
        return self._find(execution_id).payload

    def read_result(self, execution_id: str) -> bytes | None:
        """What was given at completion."""
        self._enter()
        return self._find(execution_id).result

    def lease_history(self, execution_id: str) -> tuple[LeaseEvent, ...]:
        """Oldest first."""
        self._enter()
        return tuple(self._find(execution_id).history)

    def list_executions(
        self,
        *,
        lane_id: str | None = None,
        phase: Phase | None = None,
        after: str | None = None,
        limit: int = 1000,
    ) -> ExecutionsPage:
        """By (created_at_ms, id)."""
        forms.optional_lane_id(lane_id)
        if phase is not None:
            forms.one_of("phase", phase, Phase)
        start = _cursor(after)
        forms.integer("limit", limit, 1, MAX_PAGE)
        self._enter()
        entries = sorted(self.executions, key=_creation)
        if start is not None:
            entries = [e for e in entries if _creation(e) > start]
        entries = [e for e in entries if lane_id in (None, e.lane_id) and phase in (None, e.phase)]
        following = None
        if len(entries) > limit:
            following = "{}:{}".format(*_creation(entries[limit - 1]))
        return ExecutionsPage(tuple(self._shown(e) for e in entries[:limit]), following)

    def leases(self, *, worker_instance_id: str | None = None) -> tuple[Lease, ...]:
        """The current ones, by (expires_at_ms, id)."""
        if worker_instance_id is not None:
            forms.name("worker_instance_id", worker_instance_id)
        self._enter()
        leases = [_lease(execution) for execution in self._by_end()]
        return tuple(lease for lease in leases if worker_instance_id in (None, lease.worker_instance_id))

    def leases_expiring_within(self, ms: int) -> tuple[Lease, ...]:
        """Those with ``now <= end < now + ms``."""
        forms.instant("ms", ms)
        now = self._enter()
        leases = [_lease(execution) for execution in self._by_end()]
        return tuple(lease for lease in leases if lease.expires_at_ms < now + ms)

    def list_expired_leases(
        self, *, as_of_ms: int | None = None, after: str | None = None, limit: int = 1000
    ) -> ExpiredLeasesPage:
        """What waits for reclaim, by (ended_at_ms, sequence)."""
        forms.optional_instant("as_of_ms", as_of_ms)
        start = _cursor(after)
        if start is not None and not start[1].isdigit():
            raise forms.refused("after", "the next of a page")
        forms.integer("limit", limit, 1, MAX_PAGE)
        self._enter()
        lost = sorted([e for e in self.executions if e.phase in LOST], key=_loss)
        if start is not None:
            lost = [e for e in lost if _loss(e) > (start[0], int(start[1]))]
        if as_of_ms is not None:
            lost = [e for e in lost if _loss(e)[0] <= as_of_ms]
        following = "{}:{}".format(*_loss(lost[limit - 1])) if len(lost) > limit else None
        return ExpiredLeasesPage(tuple(_expired(e) for e in lost[:limit]), following)

    def stats(self) -> EngineStats:
        """Counts of this instant, by counting."""
        self._enter()
        executions = self.executions
        return EngineStats(
            executions_by_phase={phase: sum(e.phase is phase for e in executions) for phase in Phase},
            live_grants=sum(e.grant is not None for e in executions),
            current_leases=sum(e.phase is Phase.LEASED for e in executions),
            waiting_for_reclaim=sum(e.phase in LOST for e in executions),
            live_workers=len(self.workers),
            events=self._sequence,
            clock_clamped=self._clamped,
        )

    def _shown(self, execution: Execution) -> ExecutionSnapshot:
        """Lease fields are blank outside LEASED and the two lost phases (I-09)."""
        lease = execution.lease if execution.phase in ACTIVE else None
        revoked = execution.phase is Phase.LEASE_REVOKED
        closed = self._closed_for(execution)
        return ExecutionSnapshot(
            execution_id=execution.execution_id,
            namespace=execution.namespace,
            lane_id=execution.lane_id,
            execution_kind=execution.execution_kind,
            partition_id=partition(execution.execution_id).index,
            creator_identity=execution.creator_identity,
            priority=execution.priority,
            required_capabilities=execution.required,
            quota_policy_id=execution.quota_policy_id,
            budget_ids=execution.budget_ids,
            tags=dict(execution.tags),
            phase=execution.phase,
            lifecycle_phase=vector.lifecycle_phase(execution),
            ownership_state=vector.ownership_state(execution),
            eligibility_state=vector.eligibility_state(execution, closed),
            blocking_reason=vector.blocking_reason(execution, closed),
            blocking_detail=vector.blocking_detail(execution),
            terminal_outcome=vector.terminal_outcome(execution),
            attempt_state=vector.attempt_state(execution),
            public_state=vector.public_state(execution, closed),
            total_attempt_count=len(execution.attempts),
            retry_count=execution.retry_count,
            replay_count=execution.replay_count,
            lease_reclaim_count=execution.reclaim_count,
            current_attempt_index=len(execution.attempts) - 1 if execution.attempts else None,
            current_attempt_id=execution.attempt_id,
            current_lease_id=lease.lease_id if lease else None,
            current_lease_epoch=execution.lease_epoch,
            current_worker_id=lease.worker_id if lease else None,
            current_worker_instance_id=lease.worker_instance_id if lease else None,
            current_lane=execution.lane_id,
            current_suspension_id=execution.suspension_id,
            lease_acquired_at_ms=lease.acquired_at_ms if lease else None,
            lease_expires_at_ms=lease.expires_at_ms if lease else None,
            lease_last_renewed_at_ms=execution.renewed_at_ms if lease else None,
            lease_renewal_deadline_ms=lease.renewal_deadline_ms if lease else None,
            lease_expired_at_ms=lease.expires_at_ms
            if lease and execution.phase is Phase.LEASE_EXPIRED
            else None,
            lease_revoked_at_ms=execution.revoked_at_ms if revoked else None,
            lease_revoke_reason=execution.revoke_reason or None if revoked else None,
            created_at_ms=execution.created_at_ms,
            started_at_ms=execution.started_at_ms,
            completed_at_ms=execution.completed_at_ms,
            last_transition_at_ms=execution.last_transition_at_ms,
            last_mutation_at_ms=execution.last_mutation_at_ms,
            last_capability_mismatch_at_ms=execution.mismatch_at_ms,
            delay_until_ms=execution.delay_until_ms,
            deadline_at_ms=execution.deadline_at_ms,
            failure_reason=execution.failure_reason,
            cancellation_reason=execution.cancellation_reason,
            cancelled_by=execution.cancelled_by,
            pending_retry_reason=execution.pending_retry_reason,
            pending_replay_reason=execution.pending_replay_reason,
            pending_replay_requested_by=execution.pending_replay_requested_by,
            pending_previous_attempt_index=execution.pending_previous_attempt_index,
            progress_pct=execution.progress_pct,
            progress_message=execution.progress_message,
            progress_updated_at_ms=execution.progress_at_ms,
        )


def partition(execution_id: str) -> Partition:
    """N of its ``{fp:N}:`` prefix, else CRC-16/XMODEM of the id, modulo 256 (SPEC 9)."""
    head, colon, _ = execution_id.partition("}:")
    number = head.removeprefix("{fp:")
    if (
        colon
        and head != number
        and number.isdecimal()
        and number == str(int(number))
        and int(number) in range(256)
    ):
        return Partition(int(number))
    return Partition(binascii.crc_hqx(execution_id.encode(), 0) % 256)


def _creation(execution: Execution) -> tuple[int, str]:
    return (execution.created_at_ms, execution.execution_id)


def _loss(execution: Execution) -> tuple[int, int]:
    assert execution.lost_at is not None
    return execution.lost_at


def _lease(execution: Execution) -> Lease:
    assert execution.lease is not None
    return execution.lease


def _expired(execution: Execution) -> ExpiredLease:
    return ExpiredLease(
        execution.execution_id,
        execution.lane_id,
        execution.required,
        _lease(execution),
        "expired" if execution.phase is Phase.LEASE_EXPIRED else "revoked",
        _loss(execution)[0],
    )


def _cursor(after: object) -> tuple[int, str] | None:
    """Read a cursor: an instant, a colon, and what tells entries of one instant apart."""
    if after is None:
        return None
    at_ms, colon, rest = forms.text("after", after, 1024).partition(":")
    if not colon or not at_ms.isascii() or not at_ms.isdigit() or not rest:
        raise forms.refused("after", "the next of a page")
    return int(at_ms), rest
