"""What a scheduler may ask of an engine here and of a FlowFabric server alike: :class:`GrantBackend`.

Write a scheduler against this protocol and hand it a :class:`grantcore.GrantEngine`; when it outgrows one
process, hand it a client that speaks FlowFabric's JSON to a server. Every call stands for
a function of FlowFabric; ``docs/flowfabric.md`` names them, and says what the other calls become there.

Results, refusals and their order are the same, less what SPEC 12 lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from grantcore.model.grants import ClaimGrant, ReclaimGrant, ResumeGrant
from grantcore.model.leases import Fenced, Lease
from grantcore.model.outcomes import (
    Added,
    AlreadySatisfied,
    Cancelled,
    Completed,
    Created,
    Delayed,
    Duplicate,
    Granted,
    GrantNotFound,
    HardBreach,
    Marked,
    Moved,
    NotReclaimable,
    NotRegistered,
    PriorityChanged,
    ReclaimCapExceeded,
    Reclaimed,
    Refreshed,
    Registered,
    Replayed,
    Resumed,
    RetryScheduled,
    Suspended,
    TerminalFailed,
    UsageApplied,
)
from grantcore.model.policy import ExecutionPolicy
from grantcore.model.requests import IssueClaimGrantRequest, IssueReclaimGrantRequest
from grantcore.model.views import ExecutionSnapshot


class GrantBackend(Protocol):
    """The calls that both offer; :class:`grantcore.GrantEngine` documents each."""

    # -- executions ----------------------------------------------------------------------------

    def create_execution(
        self,
        *,
        lane_id: str,
        execution_id: str | None = None,
        priority: int = 0,
        required_capabilities: Iterable[str] = (),
        delay_until_ms: int | None = None,
        deadline_at_ms: int | None = None,
        policy: ExecutionPolicy = ...,
        payload: bytes | None = None,
        tags: Mapping[str, str] = ...,
        namespace: str = "default",
        execution_kind: str = "",
        creator_identity: str = "",
        idempotency_key: str | None = None,
    ) -> Created | Duplicate:
        """Make an execution, once per id and per idempotency key."""
        ...

    def describe_execution(self, execution_id: str) -> ExecutionSnapshot | None:
        """Show an execution; None: there is none."""
        ...

    def change_priority(self, execution_id: str, new_priority: int) -> PriorityChanged:
        """Move an execution within its queue."""
        ...

    def set_execution_tags(self, execution_id: str, tags: Mapping[str, str]) -> None:
        """Merge tags into those of an execution."""
        ...

    def replay_execution(
        self,
        execution_id: str,
        *,
        requested_by: str = "",
        reason: str = "",
        deadline_at_ms: int | None = None,
    ) -> Replayed:
        """Let an execution that has ended live again."""
        ...

    def cancel_execution(
        self, execution_id: str, *, reason: str, lease: Fenced | None = None, cancelled_by: str = ""
    ) -> Cancelled:
        """End an execution; with the fence if somebody holds it."""
        ...

    def promote_blocked_to_eligible(self, execution_id: str) -> None:
        """Say that the children an execution waits for are done."""
        ...

    # -- grants --------------------------------------------------------------------------------

    def issue_claim_grant(self, execution_id: str, request: IssueClaimGrantRequest) -> ClaimGrant:
        """Grant a worker the next lease of a waiting execution."""
        ...

    def issue_resume_grant(self, execution_id: str, request: IssueClaimGrantRequest) -> ResumeGrant:
        """Grant a worker the next lease of an execution whose attempt was interrupted (D-30)."""
        ...

    def issue_reclaim_grant(
        self, execution_id: str, request: IssueReclaimGrantRequest
    ) -> Granted | NotReclaimable | ReclaimCapExceeded:
        """Grant a worker the next lease of an execution whose lease was lost."""
        ...

    # -- leases --------------------------------------------------------------------------------

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
        """Use a claim grant: a fresh attempt."""
        ...

    def claim_resumed_execution(
        self,
        grant: ResumeGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        lane_id: str | None = None,
    ) -> Lease:
        """Use a resume grant: the interrupted attempt goes on."""
        ...

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
        """Use a reclaim grant: a new attempt instead of the one that was lost."""
        ...

    def renew_lease(self, lease: Fenced, *, lease_ttl_ms: int) -> Lease:
        """Hold on to a lease for ``lease_ttl_ms`` from now."""
        ...

    def update_progress(self, lease: Fenced, *, pct: int | None = None, message: str | None = None) -> None:
        """Say how far the work is."""
        ...

    def complete_execution(self, lease: Fenced, *, result: bytes | None = None) -> Completed:
        """End the work with success."""
        ...

    def fail_execution(
        self, lease: Fenced, *, reason: str, category: str = ""
    ) -> RetryScheduled | TerminalFailed:
        """End the attempt without success."""
        ...

    def delay_execution(self, lease: Fenced, *, delay_until_ms: int) -> Delayed:
        """Give the work back until later."""
        ...

    def move_to_waiting_children(self, lease: Fenced) -> Moved:
        """Give the work back until its children are done."""
        ...

    def suspend_execution(
        self,
        lease: Fenced,
        *,
        reason_code: str,
        timeout_at_ms: int | None = None,
        timeout_behavior: str = "fail",
    ) -> Suspended:
        """Give the work back until somebody resumes it."""
        ...

    def resume_execution(
        self, execution_id: str, *, trigger: str = "signal", resume_delay_ms: int = 0
    ) -> Resumed:
        """Say that what it was suspended for has come."""
        ...

    # -- workers, quotas, budgets --------------------------------------------------------------

    def register_worker(
        self,
        worker_id: str,
        worker_instance_id: str,
        *,
        lanes: Iterable[str],
        capabilities: Iterable[str],
        liveness_ttl_ms: int,
        namespace: str = "default",
    ) -> Registered | Refreshed:
        """Say that a worker instance is alive and what it can do."""
        ...

    def heartbeat_worker(
        self, worker_instance_id: str, *, namespace: str = "default"
    ) -> Refreshed | NotRegistered:
        """Say that it is still alive."""
        ...

    def mark_worker_dead(
        self, worker_instance_id: str, *, reason: str, namespace: str = "default"
    ) -> Marked | NotRegistered:
        """Say that it is not."""
        ...

    def create_quota_policy(
        self,
        quota_policy_id: str,
        *,
        window_ms: int = 60_000,
        max_requests_per_window: int = 0,
        max_concurrent: int = 0,
    ) -> Added | AlreadySatisfied:
        """Make a quota policy; 0: no limit."""
        ...

    def create_budget(
        self,
        budget_id: str,
        *,
        hard_limits: Mapping[str, int],
        soft_limits: Mapping[str, int] = ...,
        reset_interval_ms: int | None = None,
    ) -> Added | AlreadySatisfied:
        """Make a budget; 0: no limit."""
        ...

    def report_usage(
        self, budget_id: str, deltas: Mapping[str, int], *, dedup_key: str | None = None
    ) -> UsageApplied | AlreadySatisfied | HardBreach:
        """Use up some of a budget."""
        ...

    def record_spend(
        self, budget_id: str, execution_id: str, deltas: Mapping[str, int], *, dedup_key: str | None = None
    ) -> UsageApplied | AlreadySatisfied | HardBreach:
        """Use up some of a budget in the name of an execution."""
        ...

    def release_budget(self, budget_id: str, execution_id: str) -> bool:
        """Give back what an execution spent."""
        ...

    def reset_budget(self, budget_id: str) -> int | None:
        """Begin a new period; the answer is the instant of the next reset."""
        ...
