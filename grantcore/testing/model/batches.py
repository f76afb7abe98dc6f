"""Chapter 18: batches. A batch is its single calls, in order, at one reading of the clock (SPEC 11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from grantcore import (
    ClaimGrant,
    Completed,
    Created,
    Duplicate,
    ExecutionPolicy,
    Fenced,
    GrantError,
    IssueClaimGrantRequest,
    Lease,
    NewExecution,
    Refused,
    RetryScheduled,
    TerminalFailed,
)
from grantcore.testing.model import forms
from grantcore.testing.model.executions import NO_POLICY, Executions
from grantcore.testing.model.grants import Grant
from grantcore.testing.model.operating import Powers
from grantcore.testing.model.scheduling import Scheduling

R = TypeVar("R")

OWN = frozenset(
    {
        "execution_id",
        "priority",
        "delay_until_ms",
        "deadline_at_ms",
        "payload",
        "tags",
        "idempotency_key",
    }
)
"""What an execution may have of its own."""


class Batches(Executions, Powers, Scheduling):
    """The calls on many."""

    def create_executions(
        self,
        executions: Iterable[NewExecution],
        *,
        lane_id: str,
        required_capabilities: Iterable[str] = (),
        policy: ExecutionPolicy = NO_POLICY,
        namespace: str = "default",
        execution_kind: str = "",
        creator_identity: str = "",
        quota_policy_id: str | None = None,
        budget_ids: Iterable[str] = (),
    ) -> tuple[Created | Duplicate | Refused, ...]:
        """Alike but for what each has of its own; what they share is read once."""
        given = forms.listed("executions", executions, forms.MAX_BATCH)
        shared: dict[str, Any] = {
            "lane_id": lane_id,
            "required_capabilities": required_capabilities,
            "namespace": namespace,
            "execution_kind": execution_kind,
            "creator_identity": creator_identity,
            "policy": policy,
            "quota_policy_id": quota_policy_id,
            "budget_ids": budget_ids,
        }
        required, quota_policy_id, budgets = self._judge_shared(**shared)
        shared |= {"required_capabilities": required, "budget_ids": budgets}
        return self._at_one_instant(given, lambda own: self.create_execution(**shared, **_own(own)))

    def issue_claim_grants(
        self, execution_ids: Iterable[str], request: IssueClaimGrantRequest
    ) -> tuple[ClaimGrant | Refused, ...]:
        """One request for all."""
        given = forms.listed("execution_ids", execution_ids, forms.MAX_BATCH)
        self._judge(request, IssueClaimGrantRequest)
        return self._at_one_instant(given, lambda name: self.issue_claim_grant(cast("str", name), request))

    def claim_many(
        self,
        grants: Iterable[Grant],
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
    ) -> tuple[Lease | Refused, ...]:
        """Grants of any kind, one worker."""
        given = forms.listed("grants", grants, forms.MAX_BATCH)
        self._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)

        def take(grant: object) -> Lease:
            return self.take(
                cast("Grant", grant),
                worker_id=worker_id,
                worker_instance_id=worker_instance_id,
                lease_ttl_ms=lease_ttl_ms,
                attempt_timeout_ms=attempt_timeout_ms,
            )

        return self._at_one_instant(given, take)

    def complete_many(
        self, leases: Iterable[Fenced], *, results: Iterable[bytes | None] | None = None
    ) -> tuple[Completed | Refused, ...]:
        """Each with its result, if results are given."""
        given = forms.listed("leases", leases, forms.MAX_BATCH)
        blobs = [None] * len(given) if results is None else forms.listed("results", results, forms.MAX_BATCH)
        if len(blobs) != len(given):
            raise forms.refused("results", "as many as leases")
        rest = iter(blobs)
        return self._at_one_instant(
            given,
            lambda lease: self.complete_execution(
                cast("Fenced", lease), result=cast("bytes | None", next(rest))
            ),
        )

    def fail_many(
        self, leases: Iterable[Fenced], *, reason: str, category: str = ""
    ) -> tuple[RetryScheduled | TerminalFailed | Refused, ...]:
        """All for one reason."""
        given = forms.listed("leases", leases, forms.MAX_BATCH)
        self._judge_failure(reason, category)
        return self._at_one_instant(
            given,
            lambda lease: self.fail_execution(cast("Fenced", lease), reason=reason, category=category),
        )

    def _at_one_instant(self, items: list[object], call: Callable[[object], R]) -> tuple[R | Refused, ...]:
        """The single call on each; a refusal is the answer of its item."""
        self._enter()
        self._standing = True
        try:
            return tuple([_answer(call, item) for item in items])
        finally:
            self._standing = False


def _answer(call: Callable[[object], R], item: object) -> R | Refused:
    try:
        return call(item)
    except GrantError as refusal:
        return Refused(refusal)


def _own(given: object) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not set(cast("Mapping[object, object]", given)) <= OWN:
        raise forms.refused("execution", "a mapping with the names of what it has")
    return dict(cast("Mapping[str, Any]", given))
