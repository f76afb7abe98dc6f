"""Public calls about grants: asking for one, looking at it, giving it back."""

from __future__ import annotations

from grantcore.engine.core import Core
from grantcore.engine.observers import shown_grant
from grantcore.model import checks
from grantcore.model.errors import CapabilityMismatch, invalid
from grantcore.model.events import CapabilityMismatched, GrantIssued
from grantcore.model.grants import (
    KIND_OF,
    ClaimGrant,
    GrantKind,
    GrantRecord,
    ReclaimGrant,
    ResumeGrant,
)
from grantcore.model.outcomes import Granted, NotReclaimable, ReclaimCapExceeded
from grantcore.model.requests import GrantRequest, IssueClaimGrantRequest, IssueReclaimGrantRequest
from grantcore.rules import granting
from grantcore.rules.change import Change

CLAIM = GrantKind.CLAIM
RESUME = GrantKind.RESUME


class Grants(Core):
    """Grants: who may take a lease next."""

    def _issue(self, now: int, execution_id: str, request: IssueClaimGrantRequest) -> ClaimGrant:
        """Issue a claim grant, the general way."""
        change = granting.issue(
            self._find(execution_id), now, request, CLAIM, self._store, self._indexes.tallies
        )
        self._commit(change)
        if change[0].event is CapabilityMismatched:
            raise CapabilityMismatch("the worker lacks required tokens", missing=_lacking(change))
        return ClaimGrant(execution_id, change[5])

    def issue_resume_grant(self, execution_id: str, request: IssueClaimGrantRequest) -> ResumeGrant:
        """Give a worker the right to go on with an interrupted attempt.

        Args:
            execution_id: the execution.
            request: who asks, for how long, with which capabilities.

        Raises:
            NotAResumedExecution: its attempt was not interrupted.
            ExecutionNotFound, ExecutionNotEligible, ExecutionNotInEligibleSet, LanePaused,
                GrantAlreadyExists, CapabilityMismatch, ConcurrencyLimitExceeded, InvalidInput: as for a
                claim grant.

        O(1). SPEC 5 (D-30).
        """
        if request is not self._last_request:
            self._check_request(request, IssueClaimGrantRequest)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            record = self._find(execution_id)
            change = granting.issue(record, now, request, RESUME, self._store, self._indexes.tallies)
            self._commit(change)
            if change[0].event is CapabilityMismatched:
                raise CapabilityMismatch("the worker lacks required tokens", missing=_lacking(change))
            return ResumeGrant(execution_id, change[5], record.spec.lane_id)
        finally:
            lock.release()

    def issue_reclaim_grant(
        self, execution_id: str, request: IssueReclaimGrantRequest
    ) -> Granted | NotReclaimable | ReclaimCapExceeded:
        """Give a worker the right to take over a lease that lapsed or was revoked.

        Args:
            execution_id: the execution.
            request: who asks, for how long, with which capabilities.

        Returns:
            :class:`Granted`; :class:`NotReclaimable` for a wrong phase, lane or capability set (the last
            is noted, X18); :class:`ReclaimCapExceeded` when it was taken over as often as its policy
            allows: it has then failed (D-05).

        Raises:
            ExecutionNotFound: no such execution.
            LanePaused: its lane is paused.
            GrantAlreadyExists: a live grant is out.
            BudgetExceeded, ConcurrencyLimitExceeded: there is no room (SPEC 7).
            InvalidInput: an argument is malformed, or the TTL over config.max_grant_ttl_ms.

        O(1). SPEC 5; reference 7.1.
        """
        self._check_request(request, IssueReclaimGrantRequest)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            record = self._find(execution_id)
            change = granting.issue_reclaim(record, now, request, self._store, self._indexes.tallies)
            if type(change) is NotReclaimable:
                return change
            assert type(change) is tuple
            self._commit(change)
            event = change[0].event
            if event is GrantIssued:
                return Granted(ReclaimGrant(execution_id, now + request.grant_ttl_ms, record.spec.lane_id))
            if event is CapabilityMismatched:
                return NotReclaimable(execution_id, f"capability_mismatch: {','.join(_lacking(change))}")
            return granting.cap_answer(change)
        finally:
            lock.release()

    def _check_request(self, request: object, kind: type[GrantRequest]) -> None:
        """Compare a request with the limits of this engine, and remember it: it will come again."""
        config = self._config
        asked = checks.instance("request", request, kind)
        if asked.grant_ttl_ms > config.max_grant_ttl_ms:
            raise invalid("grant_ttl_ms", f"an int in 1..{config.max_grant_ttl_ms}")
        if asked.capability_hash is not None:
            checks.text("capability_hash", asked.capability_hash, config.max_text_bytes)
        if asked.route_snapshot_json is not None:
            checks.text("route_snapshot_json", asked.route_snapshot_json, config.max_route_snapshot_bytes)
        if asked.admission_summary is not None:
            checks.text("admission_summary", asked.admission_summary, config.max_text_bytes)
        if kind is IssueClaimGrantRequest:
            self._last_request = request

    def describe_grant(self, execution_id: str) -> GrantRecord | None:
        """The live grant of an execution with its audit texts, or None.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidInput: the id is malformed.

        O(1).
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            self._begin()
            record = self._find(execution_id)
            return shown_grant(record, record.grant)
        finally:
            lock.release()

    def withdraw_grant(self, grant: ClaimGrant | ResumeGrant | ReclaimGrant, *, worker_id: str) -> bool:
        """Give a grant back before it lapses.

        Args:
            grant: the grant; kind and expiry must be those of the live one.
            worker_id: the worker it was issued to.

        Returns:
            True if exactly this grant was live and is gone now.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidInput: an argument is malformed.

        O(log n) for the old place in the queue. SPEC 5, D-04.
        """
        execution_id, kind, expires_at_ms = read_grant(grant)
        checks.identity("worker_id", worker_id)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            change = granting.withdraw(self._find(execution_id), now, kind, worker_id, expires_at_ms)
            if change is None:
                return False
            self._commit(change)
            return True
        finally:
            lock.release()


def _lacking(change: Change) -> tuple[str, ...]:
    lacking: tuple[str, ...]
    _, lacking = change[4]
    assert type(lacking) is tuple
    return lacking


def read_grant(grant: object) -> tuple[str, GrantKind, int]:
    """Read what a caller hands in as a grant: a lookup key, the kind, and when it says it ends.

    Raises:
        InvalidInput: it is no grant.
    """
    if not isinstance(grant, (ClaimGrant, ResumeGrant, ReclaimGrant)) or type(grant) not in KIND_OF:
        raise invalid("grant", "a ClaimGrant, ResumeGrant or ReclaimGrant")
    execution_id = checks.execution_id(getattr(grant, "execution_id", None), "grant.execution_id")
    ends = checks.instant("grant.expires_at_ms", getattr(grant, "expires_at_ms", None))
    return execution_id, KIND_OF[type(grant)], ends
