"""Every writing call with well-formed arguments for the job, and what each answers in a wrong phase.

``expected`` is the test's own table of refusals (SPEC 5, reference 2.2, 4 to 10): by call and phase,
an error class or the very result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from grantcore import (
    AlreadySatisfied,
    ClaimGrant,
    Duplicate,
    ExecutionNotActive,
    ExecutionNotEligible,
    ExecutionNotFound,
    ExecutionNotLeaseable,
    ExecutionNotReclaimable,
    ExecutionNotSuspended,
    ExecutionNotTerminal,
    Fence,
    GrantError,
    LeaseExpired,
    LeaseLost,
    LeaseRevoked,
    NotBlockedByDeps,
    NotReclaimable,
    NotRunnable,
    Phase,
    ReclaimGrant,
    Refused,
    ResumeGrant,
)
from grantcore.model.phases import IN_ATTEMPT, TERMINAL
from tests.life.stage import JOB, LANE, LEASE_TTL_MS, Stage, bare_fence, claim_request, reclaim_request

Call = Callable[[Stage], object]
Answer = type[GrantError] | object


def fence(stage: Stage) -> Fence:
    """The fence of the last lease there was, or one of nobody's."""
    return Fence(JOB, "lease-0", 1, "attempt-0") if stage.held is None else bare_fence(stage.held)


def _claim_grant(stage: Stage) -> ClaimGrant:
    return ClaimGrant(JOB, stage.now + 1_000)


def _resume_grant(stage: Stage) -> ResumeGrant:
    return ResumeGrant(JOB, stage.now + 1_000, LANE)


def _reclaim_grant(stage: Stage) -> ReclaimGrant:
    return ReclaimGrant(JOB, stage.now + 1_000, LANE)


def _take(method: str, grant: Callable[[Stage], ClaimGrant | ResumeGrant | ReclaimGrant]) -> Call:
    def call(stage: Stage) -> object:
        take = getattr(stage.engine, method)
        return take(grant(stage), worker_id="w", worker_instance_id="w-1", lease_ttl_ms=LEASE_TTL_MS)

    return call


CALLS: Final[Mapping[str, Call]] = {
    "create_execution": lambda s: s.engine.create_execution(lane_id=LANE, execution_id=JOB),
    "create_executions": lambda s: s.engine.create_executions([{"execution_id": JOB}], lane_id=LANE),
    "change_priority": lambda s: s.engine.change_priority(JOB, 9),
    "set_execution_tags": lambda s: s.engine.set_execution_tags(JOB, {"x.y": "z"}),
    "replay_execution": lambda s: s.engine.replay_execution(JOB, requested_by="ann", reason="again"),
    "purge_execution": lambda s: s.engine.purge_execution(JOB),
    "issue_claim_grant": lambda s: s.engine.issue_claim_grant(JOB, claim_request()),
    "issue_claim_grants": lambda s: s.engine.issue_claim_grants([JOB], claim_request()),
    "issue_resume_grant": lambda s: s.engine.issue_resume_grant(JOB, claim_request()),
    "issue_reclaim_grant": lambda s: s.engine.issue_reclaim_grant(JOB, reclaim_request()),
    "withdraw_grant": lambda s: s.engine.withdraw_grant(_claim_grant(s), worker_id="w"),
    "claim_execution": _take("claim_execution", _claim_grant),
    "claim_resumed_execution": _take("claim_resumed_execution", _resume_grant),
    "reclaim_execution": _take("reclaim_execution", _reclaim_grant),
    "take": _take("take", _claim_grant),
    "take, reclaim": _take("take", _reclaim_grant),
    "claim_many": lambda s: s.engine.claim_many(
        [_claim_grant(s)], worker_id="w", worker_instance_id="w-1", lease_ttl_ms=LEASE_TTL_MS
    ),
    "renew_lease": lambda s: s.engine.renew_lease(fence(s), lease_ttl_ms=5),
    "renew_leases": lambda s: s.engine.renew_leases([fence(s)], lease_ttl_ms=5),
    "update_progress": lambda s: s.engine.update_progress(fence(s), pct=3),
    "complete_execution": lambda s: s.engine.complete_execution(fence(s), result=b"late"),
    "fail_execution": lambda s: s.engine.fail_execution(fence(s), reason="late"),
    "complete_many": lambda s: s.engine.complete_many([fence(s)], results=[b"late"]),
    "fail_many": lambda s: s.engine.fail_many([fence(s)], reason="late"),
    "delay_execution": lambda s: s.engine.delay_execution(fence(s), delay_until_ms=s.now + 5),
    "release_execution": lambda s: s.engine.release_execution(fence(s)),
    "move_to_waiting_children": lambda s: s.engine.move_to_waiting_children(fence(s)),
    "promote_blocked_to_eligible": lambda s: s.engine.promote_blocked_to_eligible(JOB),
    "suspend_execution": lambda s: s.engine.suspend_execution(fence(s), reason_code="late"),
    "resume_execution": lambda s: s.engine.resume_execution(JOB),
    "cancel_execution": lambda s: s.engine.cancel_execution(JOB, reason="late"),
    "operator.cancel": lambda s: s.operator.cancel(JOB, reason="late"),
    "operator.complete": lambda s: s.operator.complete(JOB, result=b"late"),
    "operator.fail": lambda s: s.operator.fail(JOB, reason="late"),
    "operator.revoke_lease": lambda s: s.operator.revoke_lease(JOB, reason="late"),
    "operator.revoke_leases_of": lambda s: s.operator.revoke_leases_of("w-1", reason="late"),
    "operator.issue_grant_and_claim": lambda s: s.operator.issue_grant_and_claim(
        JOB, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=5
    ),
    "operator.block": lambda s: s.operator.block(JOB),
    "operator.unblock": lambda s: s.operator.unblock(JOB),
}
"""By their names in ``CAUSES``; what follows a comma tells variants apart."""

SINGLE: Final[Mapping[str, str]] = {
    "create_executions": "create_execution",
    "issue_claim_grants": "issue_claim_grant",
    "claim_many": "take",
    "complete_many": "complete_execution",
    "fail_many": "fail_execution",
}
"""Each item of a batch is answered as this call answers."""

HOLDERS: Final = frozenset(
    {
        "renew_lease",
        "update_progress",
        "complete_execution",
        "fail_execution",
        "delay_execution",
        "release_execution",
        "move_to_waiting_children",
        "suspend_execution",
        "operator.complete",
        "operator.fail",
    }
)
"""Calls that somebody must hold a lease for."""

BY_PHASE: Final[Mapping[str, Answer]] = {
    "create_execution": Duplicate(JOB, "execution_id"),
    "change_priority": ExecutionNotEligible,
    "replay_execution": ExecutionNotTerminal,
    "purge_execution": ExecutionNotTerminal,
    "issue_claim_grant": ExecutionNotEligible,
    "issue_resume_grant": ExecutionNotEligible,
    "issue_reclaim_grant": NotReclaimable(JOB, "execution_not_reclaimable"),
    "withdraw_grant": False,
    "claim_execution": ExecutionNotLeaseable,
    "claim_resumed_execution": ExecutionNotLeaseable,
    "reclaim_execution": NotReclaimable(JOB, "execution_not_reclaimable"),
    "take": ExecutionNotLeaseable,
    "take, reclaim": ExecutionNotReclaimable,
    "resume_execution": ExecutionNotSuspended,
    "cancel_execution": ExecutionNotActive,
    "operator.cancel": ExecutionNotActive,
    "operator.issue_grant_and_claim": ExecutionNotEligible,
    "operator.unblock": ExecutionNotEligible,
}
"""What a call answers in every phase in which it cannot succeed."""


def not_held(phase: Phase) -> type[GrantError]:
    """Three refusals, and which of them (SPEC 5, Lease calls)."""
    if phase is Phase.LEASE_EXPIRED:
        return LeaseExpired
    return LeaseRevoked if phase is Phase.LEASE_REVOKED else ExecutionNotActive


def expected(name: str, phase: Phase | None) -> Answer:
    """What the call answers in a phase in which none of its events may happen."""
    if name in SINGLE:
        answer = expected(SINGLE[name], phase)
        return (Refused(answer()) if isinstance(answer, type) else answer,)
    if name == "operator.revoke_leases_of":
        return ()
    if name == "renew_leases":
        return (LeaseLost(JOB, ExecutionNotFound() if phase is None else not_held(phase)()),)
    if phase is None:
        return ExecutionNotFound
    if name in HOLDERS:
        return not_held(phase)
    if name == "operator.revoke_lease":
        lost = {Phase.LEASE_EXPIRED: "already_expired", Phase.LEASE_REVOKED: "already_revoked"}
        return AlreadySatisfied(lost[phase]) if phase in lost else ExecutionNotActive
    if name == "operator.block":
        return ExecutionNotActive if phase in TERMINAL else ExecutionNotEligible
    if name == "promote_blocked_to_eligible":
        return NotRunnable if phase in IN_ATTEMPT | TERMINAL else NotBlockedByDeps
    return BY_PHASE[name]


def same(answer: object, wanted: object) -> bool:
    """Compare answers; of the error in a :class:`LeaseLost` or :class:`Refused` the class counts."""
    if type(answer) is tuple and type(wanted) is tuple:
        return len(answer) == len(wanted) and all(map(same, answer, wanted))
    if type(answer) is LeaseLost and type(wanted) is LeaseLost:
        return answer.execution_id == wanted.execution_id and type(answer.error) is type(wanted.error)
    if type(answer) is Refused and type(wanted) is Refused:
        return type(answer.error) is type(wanted.error)
    return type(answer) is type(wanted) and answer == wanted
