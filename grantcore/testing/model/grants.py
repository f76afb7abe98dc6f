"""Chapter 9: issuing grants, giving them back (SPEC 5; reference 4.1, 7.1; D-03, D-05, D-12, D-30)."""

from __future__ import annotations

from grantcore import (
    CapabilityMismatch,
    ClaimGrant,
    ExecutionNotEligible,
    ExecutionNotInEligibleSet,
    GrantAlreadyExists,
    Granted,
    GrantKind,
    GrantRecord,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    NotAResumedExecution,
    NotReclaimable,
    Phase,
    ReclaimCapExceeded,
    ReclaimGrant,
    ResumeGrant,
    UseClaimResumedExecution,
)
from grantcore.testing.model import forms
from grantcore.testing.model.passing import Passing
from grantcore.testing.model.records import LOST, Execution

Grant = ClaimGrant | ResumeGrant | ReclaimGrant
Request = IssueClaimGrantRequest | IssueReclaimGrantRequest

KINDS: dict[type, GrantKind] = {
    ClaimGrant: GrantKind.CLAIM,
    ResumeGrant: GrantKind.RESUME,
    ReclaimGrant: GrantKind.RECLAIM,
}
"""The type is the kind (D-03)."""


class Grants(Passing):
    """Who may take a lease next."""

    def issue_claim_grant(self, execution_id: str, request: IssueClaimGrantRequest) -> ClaimGrant:
        """The right to a fresh attempt."""
        now, execution = self._asked(execution_id, request, IssueClaimGrantRequest)
        self._may_start(execution, request, GrantKind.CLAIM)
        return ClaimGrant(execution_id, self._issue(execution, now, request, GrantKind.CLAIM))

    def issue_resume_grant(self, execution_id: str, request: IssueClaimGrantRequest) -> ResumeGrant:
        """The right to go on with an interrupted attempt."""
        now, execution = self._asked(execution_id, request, IssueClaimGrantRequest)
        self._may_start(execution, request, GrantKind.RESUME)
        expires_at_ms = self._issue(execution, now, request, GrantKind.RESUME)
        return ResumeGrant(execution_id, expires_at_ms, execution.lane_id)

    def issue_reclaim_grant(
        self, execution_id: str, request: IssueReclaimGrantRequest
    ) -> Granted | NotReclaimable | ReclaimCapExceeded:
        """The right to take over a lost lease."""
        now, execution = self._asked(execution_id, request, IssueReclaimGrantRequest)
        if execution.phase not in LOST:
            return NotReclaimable(execution_id, "execution_not_reclaimable")
        if request.lane_id != execution.lane_id:
            return NotReclaimable(execution_id, f"lane_mismatch: {execution.lane_id}")
        self._must_be_free(execution)
        if self._is_capped(execution):
            self._cap(execution, now)
            return ReclaimCapExceeded(execution_id, execution.reclaim_count)
        try:
            expires_at_ms = self._issue(execution, now, request, GrantKind.RECLAIM)
        except CapabilityMismatch as refusal:
            return NotReclaimable(execution_id, f"capability_mismatch: {','.join(refusal.missing)}")
        return Granted(ReclaimGrant(execution_id, expires_at_ms, execution.lane_id))

    def _asked(self, execution_id: str, request: object, kind: type[Request]) -> tuple[int, Execution]:
        """The form of the request, the limits of this engine among it; then the clock, then existence."""
        self._judge(request, kind)
        now = self._enter()
        return now, self._find(execution_id)

    def _judge(self, request: object, kind: type[Request]) -> None:
        config = self._config
        asked = forms.one_of("request", request, kind)
        forms.integer("grant_ttl_ms", asked.grant_ttl_ms, 1, config.max_grant_ttl_ms)
        for field, value, high in (
            ("capability_hash", asked.capability_hash, config.max_text_bytes),
            ("route_snapshot_json", asked.route_snapshot_json, config.max_route_snapshot_bytes),
            ("admission_summary", asked.admission_summary, config.max_text_bytes),
        ):
            forms.optional_text(field, value, high)

    def _may_start(self, execution: Execution, request: Request, kind: GrantKind) -> None:
        """Phase, kind, lane, pause, no live grant: in this order."""
        if execution.phase is not Phase.ELIGIBLE:
            raise ExecutionNotEligible
        if execution.interrupted and kind is GrantKind.CLAIM:
            raise UseClaimResumedExecution
        if not execution.interrupted and kind is GrantKind.RESUME:
            raise NotAResumedExecution
        if request.lane_id != execution.lane_id:
            raise ExecutionNotInEligibleSet
        self._must_be_free(execution)

    def _must_be_free(self, execution: Execution) -> None:
        """The lane is not paused, and nobody else has a grant (I-12)."""
        self._must_not_be_paused(execution.lane_id)
        if execution.grant is not None:
            raise GrantAlreadyExists

    def _is_capped(self, execution: Execution) -> bool:
        """Whether it was taken over as often as its policy allows (D-05)."""
        return execution.reclaim_count >= execution.policy.max_reclaim_count

    def _cap(self, execution: Execution, now: int) -> None:
        """End it; the history has no line for that (reference 7.2)."""
        self._close_attempt(execution, now, "ended_failure", "max_reclaims_exceeded")
        execution.failure_reason = "max_reclaims_exceeded"
        self._end(execution, Phase.FAILED, now)
        self._tell("ReclaimCapReached", execution.execution_id, now)

    def _issue(self, execution: Execution, now: int, request: Request, kind: GrantKind) -> int:
        """A mismatch is stamped (X18), any other refusal writes nothing."""
        try:
            self._may_issue(execution, now, request, kind)
        except CapabilityMismatch:
            execution.mismatch_at_ms = now
            self._tell("CapabilityMismatched", execution.execution_id, now)
            raise
        execution.grant = GrantRecord(
            execution.execution_id,
            kind,
            request.worker_id,
            request.worker_instance_id,
            execution.lane_id,
            request.capability_hash or None,
            request.route_snapshot_json or None,
            request.admission_summary or None,
            now,
            now + request.grant_ttl_ms,
        )
        quota = self._quota(execution.quota_policy_id)
        if kind is GrantKind.CLAIM and quota is not None:
            quota.issued.append(now)
        self._tell("GrantIssued", execution.execution_id, now)
        return now + request.grant_ttl_ms

    def _may_issue(self, execution: Execution, now: int, request: Request, kind: GrantKind) -> None:
        """Capabilities, admission, a representable end: in this order."""
        missing = tuple(sorted(set(execution.required) - set(request.worker_capabilities)))
        if missing:
            raise CapabilityMismatch(missing=missing)
        self._must_be_admitted(execution, kind, request.worker_instance_id)
        forms.instant("grant_ttl_ms", now + request.grant_ttl_ms)

    def describe_grant(self, execution_id: str) -> GrantRecord | None:
        """The live grant."""
        self._enter()
        return self._find(execution_id).grant

    def withdraw_grant(self, grant: Grant, *, worker_id: str) -> bool:
        """Take back exactly this grant, or nothing."""
        if type(grant) not in KINDS:
            raise forms.refused("grant", "a grant")
        forms.name("grant.execution_id", grant.execution_id)
        forms.instant("grant.expires_at_ms", grant.expires_at_ms)
        forms.name("worker_id", worker_id)
        now = self._enter()
        execution = self._find(grant.execution_id)
        live = execution.grant
        if live is None or (live.kind, live.worker_id, live.expires_at_ms) != (
            KINDS[type(grant)],
            worker_id,
            grant.expires_at_ms,
        ):
            return False
        execution.grant = None
        self._tell("GrantWithdrawn", execution.execution_id, now)
        return True
