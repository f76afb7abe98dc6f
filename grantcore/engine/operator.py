"""Powers that override, on an object of their own: no argument string opens this door (SPEC 9)."""

from __future__ import annotations

from grantcore.engine.lanes import turn_lane
from grantcore.engine.leases import Leases
from grantcore.engine.taking import leased
from grantcore.model import checks
from grantcore.model.lanes import LaneStatus
from grantcore.model.leases import Lease
from grantcore.model.outcomes import (
    AlreadySatisfied,
    Blocked,
    Cancelled,
    Completed,
    LaneState,
    RetryScheduled,
    Revoked,
    TerminalFailed,
    Unblocked,
)
from grantcore.model.past import lease_of
from grantcore.model.records import Execution
from grantcore.rules import admitting, claiming, ending, lapsing


class Operator:
    """An operator of one engine; ``identity`` stands in each event and in ``cancelled_by``."""

    __slots__ = ("_engine", "identity")

    def __init__(self, engine: Leases, identity: str) -> None:
        """Act on ``engine`` as ``identity``; use :meth:`GrantEngine.operator`."""
        self._engine = engine
        self.identity = checks.identity("identity", identity)

    def cancel(self, execution_id: str, *, reason: str) -> Cancelled:
        """Cancel in any phase that is not terminal, without a fence.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotActive: it has ended.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5; reference 6.6.
        """
        engine = self._engine
        checks.text("reason", reason, engine._config.max_text_bytes)
        if engine._lock._is_owned():
            engine._refuse_entry()
        engine._lock.acquire()
        try:
            now = engine._begin()
            record = engine._find(execution_id)
            change = ending.cancel(record, now, None, reason, self.identity, by_operator=True)
            return engine._cancel(record, change, self.identity)
        finally:
            engine._lock.release()

    def complete(self, execution_id: str, *, result: bytes | None = None) -> Completed:
        """End with success what somebody holds; lapse and revocation are not bypassed (I-07).

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotActive, LeaseRevoked, LeaseExpired: nobody holds it.
            InvalidInput: an argument is malformed.

        O(1). Reference 2.1, 6.1.
        """
        engine = self._engine
        result = checks.blob("result", result, engine._config.max_payload_bytes)
        if engine._lock._is_owned():
            engine._refuse_entry()
        engine._lock.acquire()
        try:
            now = engine._begin()
            engine._commit(ending.complete(engine._find(execution_id), now, None, result), self.identity)
            return Completed(execution_id)
        finally:
            engine._lock.release()

    def fail(self, execution_id: str, *, reason: str, category: str = "") -> RetryScheduled | TerminalFailed:
        """End with failure the attempt that somebody holds; the policy decides on a retry.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotActive, LeaseRevoked, LeaseExpired: nobody holds it.
            InvalidInput: an argument is malformed.

        O(1). Reference 2.1, 6.2.
        """
        engine = self._engine
        checks.text("reason", reason, engine._config.max_text_bytes)
        checks.text("category", category, engine._config.max_text_bytes)
        if engine._lock._is_owned():
            engine._refuse_entry()
        engine._lock.acquire()
        try:
            now = engine._begin()
            change = ending.fail(engine._find(execution_id), now, None, reason, category)
            return engine._fail(change, self.identity)
        finally:
            engine._lock.release()

    def revoke_lease(
        self, execution_id: str, *, reason: str, expected_lease_id: str | None = None
    ) -> Revoked | AlreadySatisfied:
        """Take a lease away at once; the execution stays active until somebody reclaims or cancels it.

        Args:
            execution_id: the execution.
            reason: free text; the holder is told.
            expected_lease_id: if given, only this lease is revoked.

        Returns:
            :class:`Revoked`, or :class:`AlreadySatisfied` with already_revoked or already_expired (D-31).

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotActive: it is not active.
            StaleLease: another lease is current.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5; reference 5.3.
        """
        engine = self._engine
        checks.text("reason", reason, engine._config.max_text_bytes)
        expected = checks.optional_text("expected_lease_id", expected_lease_id, checks.MAX_ID_BYTES)
        if engine._lock._is_owned():
            engine._refuse_entry()
        engine._lock.acquire()
        try:
            now = engine._begin()
            return self._revoke(engine._find(execution_id), now, reason, expected)
        finally:
            engine._lock.release()

    def _revoke(
        self, record: Execution, now: int, reason: str, expected_lease_id: str | None
    ) -> Revoked | AlreadySatisfied:
        engine = self._engine
        change = lapsing.revoke(record, now, engine._store.sequence + 1, reason, expected_lease_id)
        if type(change) is AlreadySatisfied:
            return change
        assert type(change) is tuple
        lease = lease_of(record)
        engine._commit(change, self.identity)
        return Revoked(record.execution_id, lease.lease_id, lease.lease_epoch)

    def revoke_leases_of(self, worker_instance_id: str, *, reason: str) -> tuple[Revoked, ...]:
        """Revoke every lease of one instance, in the order they would have expired, one commit each.

        Raises:
            InvalidInput: an argument is malformed.

        O(k log k) for k leases. SPEC 8.
        """
        engine = self._engine
        checks.identity("worker_instance_id", worker_instance_id)
        checks.text("reason", reason, engine._config.max_text_bytes)
        if engine._lock._is_owned():
            engine._refuse_entry()
        engine._lock.acquire()
        try:
            now = engine._begin()
            held = engine._indexes.holders.of(worker_instance_id)
            held.sort(key=lambda record: (record.expires_at_ms, record.execution_id))
            answers = [self._revoke(record, now, reason, None) for record in held]
            return tuple(answer for answer in answers if type(answer) is Revoked)
        finally:
            engine._lock.release()

    def issue_grant_and_claim(
        self,
        execution_id: str,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
    ) -> Lease:
        """Lease a waiting execution to a worker without a grant; an interrupted attempt is resumed.

        Capabilities, pauses and limits are ignored, and the event says so (``admission_skipped``).

        Args: as :meth:`GrantEngine.claim_execution`.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotEligible: it is not ELIGIBLE (D-24).
            GrantAlreadyExists: a live grant is out.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5; reference 4.4.
        """
        engine = self._engine
        taker = engine._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        if engine._lock._is_owned():
            engine._refuse_entry()
        engine._lock.acquire()
        try:
            now = engine._begin()
            record = engine._find(execution_id)
            claiming.without_grant(record)
            change = claiming.claim_again(record, now, taker, engine._ids, engine._store, by_operator=True)
            engine._commit(change, self.identity)
            return leased(change)
        finally:
            engine._lock.release()

    def block(self, execution_id: str, *, reason: str = "paused_by_operator", detail: str = "") -> Blocked:
        """Keep a waiting execution from being granted; a live grant is void.

        Args:
            execution_id: the execution; ELIGIBLE, or BLOCKED by another order.
            reason: waiting_for_budget, waiting_for_quota, waiting_for_capable_worker,
                paused_by_operator or paused_by_policy.
            detail: free text, shown as blocking_detail.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotActive: it has ended.
            ExecutionNotEligible: it is in another phase, or waits for children (D-33).
            InvalidBlockingReason: the reason is none of these.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5 (D-08, D-10); reference 9.1.
        """
        engine = self._engine
        checks.text("reason", reason, engine._config.max_text_bytes)
        checks.text("detail", detail, engine._config.max_text_bytes)
        if engine._lock._is_owned():
            engine._refuse_entry()
        engine._lock.acquire()
        try:
            now = engine._begin()
            engine._commit(admitting.block(engine._find(execution_id), now, reason, detail), self.identity)
            return Blocked(execution_id)
        finally:
            engine._lock.release()

    def unblock(self, execution_id: str, *, expected_reason: str | None = None) -> Unblocked:
        """Lift an order; waiting for children is not one.

        Args:
            execution_id: the execution.
            expected_reason: if given, only this order is lifted; any text.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotEligible: no order blocks it, or another one.
            InvalidInput: an argument is malformed.

        O(log n) for the old place in the queue. SPEC 5; reference 9.2.
        """
        engine = self._engine
        expected = checks.optional_text("expected_reason", expected_reason, engine._config.max_text_bytes)
        if engine._lock._is_owned():
            engine._refuse_entry()
        engine._lock.acquire()
        try:
            now = engine._begin()
            engine._commit(admitting.unblock(engine._find(execution_id), now, expected), self.identity)
            return Unblocked(execution_id)
        finally:
            engine._lock.release()

    def pause_lane(self, lane_id: str) -> LaneState:
        """Issue no grant of any kind in a lane; holds and retries go on. O(1). SPEC 7.

        Raises:
            InvalidInput: the lane is malformed.
        """
        return turn_lane(self._engine, lane_id, LaneStatus.PAUSED, self.identity)

    def drain_lane(self, lane_id: str) -> LaneState:
        """Take no new executions into a lane; what waits is run. O(1). SPEC 7.

        Raises:
            InvalidInput: the lane is malformed.
        """
        return turn_lane(self._engine, lane_id, LaneStatus.DRAINING, self.identity)

    def resume_lane(self, lane_id: str) -> LaneState:
        """Open a lane again. O(1). SPEC 7.

        Raises:
            InvalidInput: the lane is malformed.
        """
        return turn_lane(self._engine, lane_id, LaneStatus.OPEN, self.identity)
