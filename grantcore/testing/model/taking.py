"""Chapter 10: taking a lease (SPEC 5; reference 4.2, 4.3, 4.4, 7.2; D-06, D-07, D-11, D-12, D-24)."""

from __future__ import annotations

import attrs

from grantcore import (
    AttemptInfo,
    AttemptType,
    ClaimGrant,
    ExecutionNotEligible,
    ExecutionNotLeaseable,
    ExecutionNotReclaimable,
    GrantAlreadyExists,
    GrantKind,
    GrantNotFound,
    InvalidClaimGrant,
    Lease,
    LeaseEvent,
    LeaseKind,
    NotReclaimable,
    Phase,
    Reclaimed,
    ReclaimGrant,
    ResumeGrant,
)
from grantcore.testing.model import forms
from grantcore.testing.model.grants import KINDS, Grant
from grantcore.testing.model.passing import Passing
from grantcore.testing.model.records import LOST, Execution

TYPES = {
    "pending_first_attempt": AttemptType.INITIAL,
    "pending_retry_attempt": AttemptType.RETRY,
    "pending_replay_attempt": AttemptType.REPLAY,
}


@attrs.frozen
class Taker:
    """Who takes a lease, and for how long."""

    worker_id: str
    worker_instance_id: str
    lease_ttl_ms: int
    attempt_timeout_ms: int | None


class Taking(Passing):
    """How one comes by a lease."""

    def claim_execution(
        self,
        grant: ClaimGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
        lane_id: str | None = None,
    ) -> Lease:
        """Use a claim grant."""
        forms.one_of("grant", grant, ClaimGrant)
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        forms.optional_lane_id(lane_id)
        return self._take(self._enter(), grant, taker, lane_id)

    def claim_resumed_execution(
        self,
        grant: ResumeGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        lane_id: str | None = None,
    ) -> Lease:
        """Use a resume grant."""
        forms.one_of("grant", grant, ResumeGrant)
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, None)
        forms.optional_lane_id(lane_id)
        return self._take(self._enter(), grant, taker, lane_id)

    def reclaim_execution(
        self,
        grant: ReclaimGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
        lane_id: str | None = None,
    ) -> Reclaimed | NotReclaimable | GrantNotFound:
        """Use a reclaim grant; that it cannot be used is an answer here."""
        forms.one_of("grant", grant, ReclaimGrant)
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        forms.optional_lane_id(lane_id)
        try:
            return Reclaimed(self._take(self._enter(), grant, taker, lane_id))
        except ExecutionNotReclaimable:
            return NotReclaimable(grant.execution_id, "execution_not_reclaimable")
        except InvalidClaimGrant:
            return GrantNotFound(grant.execution_id)

    def take(
        self,
        grant: Grant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
    ) -> Lease:
        """Use a grant of any kind."""
        if type(grant) not in KINDS:
            raise forms.refused("grant", "a grant")
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        return self._take(self._enter(), grant, taker, None)

    def _taker(
        self, worker_id: str, worker_instance_id: str, lease_ttl_ms: int, timeout_ms: int | None
    ) -> Taker:
        forms.name("worker_id", worker_id)
        forms.name("worker_instance_id", worker_instance_id)
        forms.integer("lease_ttl_ms", lease_ttl_ms, 1, self._config.max_lease_ttl_ms)
        forms.optional_integer("attempt_timeout_ms", timeout_ms, 1, forms.MAX_TTL_MS)
        return Taker(worker_id, worker_instance_id, lease_ttl_ms, timeout_ms)

    def _take(self, now: int, grant: Grant, taker: Taker, lane_id: str | None) -> Lease:
        """Exists, lane if given, phase, live grant, kind, worker: in this order. Consumed exactly once."""
        execution = self._find(grant.execution_id)
        if lane_id is not None and lane_id != execution.lane_id:
            raise forms.refused("lane_id", "the execution's")
        kind = KINDS[type(grant)]
        self._must_be_leaseable(execution, kind)
        live = execution.grant
        if live is None:
            lapsed = forms.instant("grant.expires_at_ms", grant.expires_at_ms) <= now
            raise InvalidClaimGrant(reason="lapsed" if lapsed else "absent")
        if live.kind is not kind:
            raise InvalidClaimGrant(reason="other_kind")
        if live.worker_id != taker.worker_id:
            raise InvalidClaimGrant(reason="other_worker")
        if kind is GrantKind.RECLAIM:
            return self._reclaim(execution, now, taker)
        return self._lease_to(execution, now, taker)

    def _must_be_leaseable(self, execution: Execution, kind: GrantKind) -> None:
        if kind is GrantKind.RECLAIM and execution.phase not in LOST:
            raise ExecutionNotReclaimable
        if kind is not GrantKind.RECLAIM and execution.phase is not Phase.ELIGIBLE:
            raise ExecutionNotLeaseable

    def _lease_without_grant(self, execution_id: str, taker: Taker) -> Lease:
        """The operator's way: capabilities, pauses and limits are skipped (reference 4.4, D-24)."""
        now = self._enter()
        execution = self._find(execution_id)
        if execution.phase is not Phase.ELIGIBLE:
            raise ExecutionNotEligible
        if execution.grant is not None:
            raise GrantAlreadyExists
        return self._lease_to(execution, now, taker, by_operator=True)

    def _lease_to(self, execution: Execution, now: int, taker: Taker, *, by_operator: bool = False) -> Lease:
        """A new attempt, or the interrupted one goes on."""
        if execution.interrupted:
            rest = execution.rest_ms
            timeout = None if rest is None else min(now + rest, forms.MAX_MS)
            lease = self._new_lease(
                execution, now, taker, LeaseKind.RESUMED, execution.attempts[-1].attempt_type
            )
            self._go_on(execution, lease)
            reason: str | None = "issue_grant_and_claim_resumed" if by_operator else "claim_resumed"
        else:
            timeout = self._timeout_at(execution, now, taker)
            lease = self._new_lease(execution, now, taker, LeaseKind.FRESH, TYPES[execution.next_attempt])
            self._begin_attempt(execution, lease)
            reason = "issue_grant_and_claim" if by_operator else None
        line = LeaseEvent(
            event="acquired",
            at_ms=now,
            lease_id=lease.lease_id,
            lease_epoch=lease.lease_epoch,
            attempt_id=lease.attempt_id,
            attempt_index=lease.attempt_index,
            worker_id=lease.worker_id,
            reason=reason,
        )
        self._note(execution, line)
        self._hold(execution, now, lease, timeout)
        self._tell("LeaseAcquired", execution.execution_id, now)
        return lease

    def _reclaim(self, execution: Execution, now: int, taker: Taker) -> Lease:
        """The lost attempt ends, a new one of type reclaim begins (reference 7.2, D-23)."""
        timeout = self._timeout_at(execution, now, taker)
        old_epoch, previous = execution.lease_epoch, len(execution.attempts) - 1
        why = "lease_expired" if execution.phase is Phase.LEASE_EXPIRED else "lease_revoked"
        lease = self._new_lease(execution, now, taker, LeaseKind.RECLAIMED, AttemptType.RECLAIM)
        self._close_attempt(execution, now, "interrupted_reclaimed", why)
        attempt = attrs.evolve(_attempt(lease), reclaim_reason=why, previous_attempt_index=previous)
        execution.attempts.append(attempt)
        execution.reclaim_count += 1
        line = LeaseEvent(
            event="reclaimed",
            at_ms=now,
            old_lease_epoch=old_epoch,
            new_lease_id=lease.lease_id,
            new_lease_epoch=lease.lease_epoch,
            new_attempt_id=lease.attempt_id,
            new_attempt_index=lease.attempt_index,
            worker_id=lease.worker_id,
        )
        self._note(execution, line)
        self._hold(execution, now, lease, timeout)
        self._tell("LeaseReclaimed", execution.execution_id, now)
        return lease

    def _timeout_at(self, execution: Execution, now: int, taker: Taker) -> int | None:
        """Every new attempt has its own clock (D-06)."""
        timeout_ms = taker.attempt_timeout_ms
        if timeout_ms is None:
            timeout_ms = execution.policy.attempt_timeout_ms
        if timeout_ms is None:
            return None
        return forms.instant("attempt_timeout_ms", now + timeout_ms)

    def _new_lease(
        self, execution: Execution, now: int, taker: Taker, kind: LeaseKind, attempt_type: AttemptType
    ) -> Lease:
        """Ids are minted last: the attempt's, unless it is resumed, then the lease's."""
        forms.instant("lease_ttl_ms", now + taker.lease_ttl_ms)
        resumed = kind is LeaseKind.RESUMED
        attempt_id = execution.attempts[-1].attempt_id if resumed else self._ids.attempt_id()
        return Lease(
            execution_id=execution.execution_id,
            lane_id=execution.lane_id,
            lease_id=self._ids.lease_id(),
            lease_epoch=self._next_epoch(execution),
            attempt_id=attempt_id,
            attempt_index=len(execution.attempts) - resumed,
            attempt_type=attempt_type,
            kind=kind,
            worker_id=taker.worker_id,
            worker_instance_id=taker.worker_instance_id,
            acquired_at_ms=now,
            expires_at_ms=now + taker.lease_ttl_ms,
            renewal_deadline_ms=now + taker.lease_ttl_ms * 2 // 3,
        )

    def _next_epoch(self, execution: Execution) -> int:
        """One more (I-02); never one that was seen outside for an id (SPEC 11, Restore)."""
        if execution.lease is None:
            return max(self._purged_epoch, self._given_floor) + 1
        return max(execution.lease_epoch, self._given_floor) + 1

    def _begin_attempt(self, execution: Execution, lease: Lease) -> None:
        """A new attempt with its lineage (reference 4.2)."""
        attempt = _attempt(lease)
        previous = execution.pending_previous_attempt_index
        if lease.attempt_type is AttemptType.RETRY:
            attempt = attrs.evolve(
                attempt, retry_reason=execution.pending_retry_reason, previous_attempt_index=previous
            )
        elif lease.attempt_type is AttemptType.REPLAY:
            attempt = attrs.evolve(
                attempt,
                replay_reason=execution.pending_replay_reason,
                replay_requested_by=execution.pending_replay_requested_by,
                replayed_from_attempt_index=previous,
            )
        execution.attempts.append(attempt)
        execution.pending_retry_reason = execution.pending_replay_reason = None
        execution.pending_replay_requested_by = execution.pending_previous_attempt_index = None

    def _go_on(self, execution: Execution, lease: Lease) -> None:
        """The same attempt, under a new lease (reference 4.3)."""
        execution.attempts[-1] = attrs.evolve(
            execution.attempts[-1],
            attempt_state="started",
            resumed_at_ms=lease.acquired_at_ms,
            lease_id=lease.lease_id,
            lease_epoch=lease.lease_epoch,
            worker_id=lease.worker_id,
            worker_instance_id=lease.worker_instance_id,
            suspended_at_ms=None,
            suspension_id=None,
        )

    def _hold(self, execution: Execution, now: int, lease: Lease, timeout_at_ms: int | None) -> None:
        """The marks of the lease before are blank again (D-07)."""
        execution.lease = lease
        execution.lease_epoch = lease.lease_epoch
        execution.attempt_id = lease.attempt_id
        execution.renewed_at_ms = now
        execution.timeout_at_ms = timeout_at_ms
        execution.rest_ms = execution.revoked_at_ms = None
        execution.revoke_reason = ""
        if execution.started_at_ms is None:
            execution.started_at_ms = now
        self._move(execution, Phase.LEASED, now)


def _attempt(lease: Lease) -> AttemptInfo:
    return AttemptInfo(
        execution_id=lease.execution_id,
        attempt_id=lease.attempt_id,
        attempt_index=lease.attempt_index,
        attempt_type=lease.attempt_type,
        attempt_state="started",
        created_at_ms=lease.acquired_at_ms,
        started_at_ms=lease.acquired_at_ms,
        lease_id=lease.lease_id,
        lease_epoch=lease.lease_epoch,
        worker_id=lease.worker_id,
        worker_instance_id=lease.worker_instance_id,
    )
