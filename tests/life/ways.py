"""Every way to cause every event: the call that does it, when it can, and where it leads.

``leads`` is asked before the call and answers from what is shown of the execution and from its policy:
it is the test's own word for where the table should lead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from grantcore import ClaimGrant, Phase, ReclaimGrant, ResumeGrant, events
from grantcore.model.life import EventType
from tests.life.stage import (
    ATTEMPT_MS,
    GRANT_TTL_MS,
    JOB,
    LANE,
    LEASE_TTL_MS,
    Stage,
    claim_request,
    reclaim_request,
)

ELIGIBLE, BLOCKED, LEASED, DELAYED = Phase.ELIGIBLE, Phase.BLOCKED, Phase.LEASED, Phase.DELAYED
LOST: Final = (Phase.LEASE_EXPIRED, Phase.LEASE_REVOKED)

Fits = Callable[[Stage], bool]
Leads = Callable[[Stage], Phase | None]


@attrs.frozen
class Way:
    """One way to cause one event."""

    event: EventType
    call: str
    """Its name in ``CAUSES``; ``advance`` for what time does."""

    fits: Fits
    go: Callable[[Stage], object]
    leads: Leads


# -- what is shown -------------------------------------------------------------------------------


def granted(stage: Stage) -> bool:
    return stage.engine.describe_grant(JOB) is not None


def free(stage: Stage) -> bool:
    return not granted(stage)


def always(_stage: Stage) -> bool:
    return True


def interrupted(stage: Stage) -> bool:
    return stage.look().attempt_state == "attempt_interrupted"


def by_children(stage: Stage) -> bool:
    return stage.look().blocking_reason == "waiting_for_children"


def by_order(stage: Stage) -> bool:
    return not by_children(stage)


def grant_is(kind: type[ClaimGrant | ResumeGrant | ReclaimGrant]) -> Fits:
    return lambda stage: granted(stage) and type(stage.grant) is kind


def fresh_and_free(stage: Stage) -> bool:
    return stage.phase() is ELIGIBLE and free(stage) and not interrupted(stage)


def interrupted_and_free(stage: Stage) -> bool:
    return stage.phase() is ELIGIBLE and free(stage) and interrupted(stage)


def required(stage: Stage) -> bool:
    return free(stage) and bool(stage.look().required_capabilities)


def cap_left(stage: Stage) -> bool:
    lost = stage.phase() in LOST
    return lost and free(stage) and stage.look().lease_reclaim_count < stage.policy.max_reclaim_count


def cap_reached(stage: Stage) -> bool:
    return free(stage) and stage.look().lease_reclaim_count >= stage.policy.max_reclaim_count


def retries(stage: Stage) -> bool:
    return stage.policy.retry is not None


def gives_up(stage: Stage) -> bool:
    return not retries(stage)


def timeout_after(stage: Stage) -> Phase:
    return DELAYED if retries(stage) else Phase.EXPIRED


def suspended_as(stage: Stage) -> events.Suspended:
    """What was last told of a suspension."""
    return [event for event in stage.told if isinstance(event, events.Suspended)][-1]


def times_out(stage: Stage) -> bool:
    escalated = (stage.look().blocking_detail or "").startswith("suspension escalated")
    return suspended_as(stage).timeout_at_ms is not None and not escalated


def to_suspension_end(stage: Stage) -> None:
    stage.wait_until(suspended_as(stage).timeout_at_ms or 0)


def suspension_after(stage: Stage) -> Phase:
    ends = {"fail": Phase.FAILED, "cancel": Phase.CANCELLED, "expire": Phase.EXPIRED}
    behavior = suspended_as(stage).timeout_behavior
    return ends.get(behavior, Phase.SUSPENDED if behavior == "escalate" else ELIGIBLE)


def stays(stage: Stage) -> Phase | None:
    return stage.phase()


def to(phase: Phase | None) -> Leads:
    return lambda _stage: phase


# -- calls ---------------------------------------------------------------------------------------


def by_claimer(method: str) -> Callable[[Stage], object]:
    def go(stage: Stage) -> object:
        grant = stage.grant
        worker = "heir" if type(grant) is ReclaimGrant and stage.look().lease_reclaim_count else "w"
        take = getattr(stage.engine, method)
        return take(
            [grant] if method == "claim_many" else grant,
            worker_id=worker,
            worker_instance_id="any",
            lease_ttl_ms=LEASE_TTL_MS,
        )

    return go


def refused_for_capabilities(method: str) -> Callable[[Stage], object]:
    def go(stage: Stage) -> object:
        reclaims = method == "issue_reclaim_grant"
        request = (
            reclaim_request("w", capabilities=("gpu",))
            if reclaims
            else claim_request("w", capabilities=("gpu",))
        )
        try:
            return getattr(stage.engine, method)([JOB] if method.endswith("s") else JOB, request)
        except Exception as error:  # noqa: BLE001 - looked at here
            return error

    return go


def to_timeout(stage: Stage) -> None:
    """The attempt's clock runs out; the leases of these stories last longer."""
    ends_at_ms = stage.engine._attempt_deadline_ms(JOB)
    assert ends_at_ms is not None
    assert ends_at_ms <= stage.now + ATTEMPT_MS
    stage.wait_until(ends_at_ms)


def to_deadline(stage: Stage) -> None:
    deadline_at_ms = stage.look().deadline_at_ms
    assert deadline_at_ms is not None
    stage.wait_until(deadline_at_ms)


def to_retention(stage: Stage) -> None:
    completed_at_ms = stage.look().completed_at_ms
    assert completed_at_ms is not None
    stage.wait_until(completed_at_ms + 86_400_000)


def to_due(stage: Stage) -> None:
    delay_until_ms = stage.look().delay_until_ms
    assert delay_until_ms is not None
    stage.wait_until(delay_until_ms)


def _issue_claim(stage: Stage) -> object:
    return stage.engine.issue_claim_grant(JOB, claim_request())


def _issue_resume(stage: Stage) -> object:
    return stage.engine.issue_resume_grant(JOB, claim_request())


def _issue_reclaim(stage: Stage) -> object:
    return stage.engine.issue_reclaim_grant(JOB, reclaim_request())


def _fail_many(stage: Stage) -> object:
    return stage.engine.fail_many([stage.lease], reason="broken")


def _withdraw(stage: Stage) -> None:
    worker = stage.engine.describe_grant(JOB)
    assert worker is not None
    assert stage.engine.withdraw_grant(stage.grant, worker_id=worker.worker_id) is True


E = events
WAYS: Final[tuple[Way, ...]] = (
    Way(E.Created, "create_execution", always, Stage.create, to(ELIGIBLE)),
    Way(
        E.Created,
        "create_execution",
        always,
        lambda stage: stage.create(delay_until_ms=stage.now + 1),
        to(DELAYED),
    ),
    Way(
        E.Created,
        "create_executions",
        always,
        lambda stage: stage.engine.create_executions(
            [{"execution_id": JOB}], lane_id=LANE, policy=stage.policy
        ),
        to(ELIGIBLE),
    ),
    Way(
        E.PriorityChanged,
        "change_priority",
        always,
        lambda stage: stage.engine.change_priority(JOB, 8),
        stays,
    ),
    Way(
        E.TagsChanged,
        "set_execution_tags",
        always,
        lambda stage: stage.engine.set_execution_tags(JOB, {"x.y": "z"}),
        stays,
    ),
    Way(E.GrantIssued, "issue_claim_grant", fresh_and_free, _issue_claim, stays),
    Way(
        E.GrantIssued,
        "issue_claim_grants",
        fresh_and_free,
        lambda stage: stage.engine.issue_claim_grants([JOB], claim_request()),
        stays,
    ),
    Way(E.GrantIssued, "issue_resume_grant", interrupted_and_free, _issue_resume, stays),
    Way(E.GrantIssued, "issue_reclaim_grant", cap_left, _issue_reclaim, stays),
    Way(E.GrantLapsed, "advance", granted, lambda stage: stage.wait(GRANT_TTL_MS), stays),
    Way(E.GrantWithdrawn, "withdraw_grant", granted, _withdraw, stays),
    *(
        Way(E.CapabilityMismatched, call, fits, refused_for_capabilities(call), stays)
        for call, fits in (
            ("issue_claim_grant", lambda stage: required(stage) and fresh_and_free(stage)),
            ("issue_claim_grants", lambda stage: required(stage) and fresh_and_free(stage)),
            ("issue_resume_grant", lambda stage: required(stage) and interrupted_and_free(stage)),
            ("issue_reclaim_grant", lambda stage: required(stage) and cap_left(stage)),
        )
    ),
    Way(E.LeaseAcquired, "claim_execution", grant_is(ClaimGrant), by_claimer("claim_execution"), to(LEASED)),
    Way(
        E.LeaseAcquired,
        "claim_resumed_execution",
        grant_is(ResumeGrant),
        by_claimer("claim_resumed_execution"),
        to(LEASED),
    ),
    Way(E.LeaseAcquired, "take", granted, by_claimer("take"), to(LEASED)),
    Way(E.LeaseAcquired, "claim_many", granted, by_claimer("claim_many"), to(LEASED)),
    Way(E.LeaseAcquired, "operator.issue_grant_and_claim", free, Stage.operator_claim, to(LEASED)),
    Way(E.LeaseReclaimed, "reclaim_execution", granted, by_claimer("reclaim_execution"), to(LEASED)),
    Way(E.LeaseReclaimed, "take", granted, by_claimer("take"), to(LEASED)),
    Way(E.LeaseReclaimed, "claim_many", granted, by_claimer("claim_many"), to(LEASED)),
    Way(E.ReclaimCapReached, "issue_reclaim_grant", cap_reached, _issue_reclaim, to(Phase.FAILED)),
    Way(E.Blocked, "operator.block", by_order, lambda stage: stage.operator.block(JOB), to(BLOCKED)),
    Way(E.Unblocked, "operator.unblock", by_order, lambda stage: stage.operator.unblock(JOB), to(ELIGIBLE)),
    Way(
        E.ChildrenDone,
        "promote_blocked_to_eligible",
        by_children,
        lambda stage: stage.engine.promote_blocked_to_eligible(JOB),
        to(ELIGIBLE),
    ),
    Way(E.LeaseRenewed, "renew_lease", always, Stage.renew, to(LEASED)),
    Way(
        E.LeaseRenewed,
        "renew_leases",
        always,
        lambda stage: stage.engine.renew_leases([stage.lease], lease_ttl_ms=9),
        to(LEASED),
    ),
    Way(
        E.ProgressReported,
        "update_progress",
        always,
        lambda stage: stage.engine.update_progress(stage.lease, pct=40, message="so far"),
        to(LEASED),
    ),
    Way(E.Completed, "complete_execution", always, Stage.complete, to(Phase.SUCCEEDED)),
    Way(
        E.Completed,
        "complete_many",
        always,
        lambda stage: stage.engine.complete_many([stage.lease]),
        to(Phase.SUCCEEDED),
    ),
    Way(
        E.Completed,
        "operator.complete",
        always,
        lambda stage: stage.operator.complete(JOB),
        to(Phase.SUCCEEDED),
    ),
    Way(E.RetryScheduled, "fail_execution", retries, Stage.fail, to(DELAYED)),
    Way(E.RetryScheduled, "fail_many", retries, _fail_many, to(DELAYED)),
    Way(
        E.RetryScheduled,
        "operator.fail",
        retries,
        lambda stage: stage.operator.fail(JOB, reason=""),
        to(DELAYED),
    ),
    Way(E.Failed, "fail_execution", gives_up, Stage.fail, to(Phase.FAILED)),
    Way(E.Failed, "fail_many", gives_up, _fail_many, to(Phase.FAILED)),
    Way(
        E.Failed,
        "operator.fail",
        gives_up,
        lambda stage: stage.operator.fail(JOB, reason="by hand"),
        to(Phase.FAILED),
    ),
    Way(E.Delayed, "delay_execution", always, Stage.delay, to(DELAYED)),
    Way(
        E.Delayed,
        "release_execution",
        always,
        lambda stage: stage.engine.release_execution(stage.lease),
        to(DELAYED),
    ),
    Way(E.ChildrenAwaited, "move_to_waiting_children", always, Stage.await_children, to(BLOCKED)),
    Way(E.Suspended, "suspend_execution", always, Stage.suspend, to(Phase.SUSPENDED)),
    Way(E.Resumed, "resume_execution", always, Stage.resume, to(ELIGIBLE)),
    Way(E.Resumed, "resume_execution", always, lambda stage: stage.resume(delay_ms=5), to(DELAYED)),
    Way(E.SuspensionTimedOut, "advance", times_out, to_suspension_end, suspension_after),
    Way(E.LeaseLapsed, "advance", always, Stage.lapse, to(Phase.LEASE_EXPIRED)),
    Way(E.LeaseRevoked, "operator.revoke_lease", always, Stage.revoke, to(Phase.LEASE_REVOKED)),
    Way(
        E.LeaseRevoked,
        "operator.revoke_leases_of",
        always,
        lambda stage: stage.operator.revoke_leases_of(stage.lease.worker_instance_id, reason="gone"),
        to(Phase.LEASE_REVOKED),
    ),
    Way(E.AttemptTimedOut, "advance", always, to_timeout, timeout_after),
    Way(
        E.Cancelled,
        "cancel_execution",
        always,
        lambda stage: stage.engine.cancel_execution(
            JOB, reason="enough", lease=stage.lease if stage.phase() is LEASED else None
        ),
        to(Phase.CANCELLED),
    ),
    Way(E.Cancelled, "operator.cancel", always, Stage.cancel, to(Phase.CANCELLED)),
    Way(E.DeadlinePassed, "advance", always, to_deadline, to(Phase.EXPIRED)),
    Way(E.BecameDue, "advance", always, to_due, to(ELIGIBLE)),
    Way(
        E.Replayed,
        "replay_execution",
        always,
        lambda stage: stage.engine.replay_execution(JOB),
        to(ELIGIBLE),
    ),
    Way(E.Purged, "purge_execution", always, lambda stage: stage.engine.purge_execution(JOB), to(None)),
    Way(E.Purged, "advance", always, to_retention, to(None)),
)
