"""Public calls that take a lease, with a grant of each kind."""

from __future__ import annotations

from grantcore.engine.core import Core
from grantcore.model import checks
from grantcore.model.config import MAX_TTL_MS
from grantcore.model.errors import ExecutionNotReclaimable, InvalidClaimGrant, invalid
from grantcore.model.grants import Grant, ReclaimGrant, ResumeGrant
from grantcore.model.leases import Lease
from grantcore.model.outcomes import (
    GrantNotFound,
    NotReclaimable,
    Reclaimed,
)
from grantcore.rules import claiming
from grantcore.rules.change import Change
from grantcore.rules.claiming import Taker


class Claims(Core):
    """Leases: how one comes by them."""

    def claim_resumed_execution(
        self,
        grant: ResumeGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        lane_id: str | None = None,
    ) -> Lease:
        """Use a resume grant: the interrupted attempt goes on under a new lease, epoch + 1.

        Its clock goes on with what was left. Arguments, refusals and complexity as
        :meth:`claim_execution`. SPEC 5; reference 4.3.
        """
        if type(grant) is not ResumeGrant:
            raise invalid("grant", "a ResumeGrant")
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, None)
        if lane_id is not None:
            checks.lane_id(lane_id)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            return self._take(self._begin(), grant, taker, lane_id)
        finally:
            lock.release()

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
        """Use a reclaim grant: the lost attempt ends, a new one begins under a new lease, epoch + 1.

        Args: as :meth:`claim_execution`.

        Returns:
            :class:`Reclaimed`; :class:`NotReclaimable` if no lease of it is lost (any more);
            :class:`GrantNotFound` for a grant that is missing, used, lapsed or another worker's.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5; reference 7.2.
        """
        if type(grant) is not ReclaimGrant:
            raise invalid("grant", "a ReclaimGrant")
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        if lane_id is not None:
            checks.lane_id(lane_id)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            try:
                return Reclaimed(self._take(self._begin(), grant, taker, lane_id))
            except ExecutionNotReclaimable as refusal:
                return NotReclaimable(grant.execution_id, refusal.code)
            except InvalidClaimGrant:
                return GrantNotFound(grant.execution_id)
        finally:
            lock.release()

    def _taker(
        self, worker_id: str, worker_instance_id: str, lease_ttl_ms: int, timeout_ms: int | None
    ) -> Taker:
        """Judge who takes a lease, and for how long."""
        self._check_worker(worker_id, worker_instance_id)
        if type(lease_ttl_ms) is not int or not 0 < lease_ttl_ms <= self._max_lease_ttl_ms:
            checks.integer("lease_ttl_ms", lease_ttl_ms, 1, self._max_lease_ttl_ms)
        if timeout_ms is not None:
            checks.integer("attempt_timeout_ms", timeout_ms, 1, MAX_TTL_MS)
        return (worker_id, worker_instance_id, lease_ttl_ms, timeout_ms)

    def _check_worker(self, worker_id: str, worker_instance_id: str) -> None:
        """Judge the two names; those that were given last are known to be good."""
        self._last_worker_id = checks.identity("worker_id", worker_id)
        self._last_instance_id = checks.identity("worker_instance_id", worker_instance_id)

    def _take(self, now: int, grant: Grant, taker: Taker, lane_id: str | None) -> Lease:
        """Consume a grant, exactly once."""
        record = self._find(getattr(grant, "execution_id", None))
        if lane_id is not None and lane_id != record.spec.lane_id:
            raise invalid("lane_id", "the lane of the execution")
        claiming.with_grant(record, now, grant, taker[0])
        decide = claiming.reclaim if type(grant) is ReclaimGrant else claiming.claim
        change = decide(record, now, taker, self._ids, self._store)
        self._commit(change)
        return leased(change)


def leased(change: Change) -> Lease:
    """The lease a change has told of."""
    lease: Lease = change[4][0]
    return lease
