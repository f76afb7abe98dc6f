"""Every public call, with the type of its result; nothing here is run."""

from collections.abc import Callable
from typing import assert_type

import grantcore as gc
from grantcore import aio, threads

Grant = gc.ClaimGrant | gc.ResumeGrant | gc.ReclaimGrant


def executions(engine: gc.GrantEngine, execution_id: str) -> None:
    assert_type(engine.create_execution(lane_id="main"), gc.Created | gc.Duplicate)
    assert_type(engine.describe_execution(execution_id), gc.ExecutionSnapshot | None)
    assert_type(engine.change_priority(execution_id, 1), gc.PriorityChanged)
    engine.set_execution_tags(execution_id, {"team": "blue"})
    assert_type(engine.replay_execution(execution_id), gc.Replayed)
    assert_type(engine.cancel_execution(execution_id, reason="why"), gc.Cancelled)
    engine.promote_blocked_to_eligible(execution_id)
    engine.purge_execution(execution_id)
    assert_type(engine.resume_execution(execution_id), gc.Resumed)
    assert_type(engine.read_payload(execution_id), bytes | None)
    assert_type(engine.read_result(execution_id), bytes | None)
    assert_type(engine.attempts(execution_id), tuple[gc.AttemptInfo, ...])
    assert_type(engine.lease_history(execution_id), tuple[gc.LeaseEvent, ...])
    assert_type(engine.explain(execution_id), gc.Explanation)
    assert_type(engine.list_executions(phase=gc.Phase.LEASED), gc.ExecutionsPage)


def grants(
    engine: gc.GrantEngine,
    request: gc.IssueClaimGrantRequest,
    takeover: gc.IssueReclaimGrantRequest,
    grant: Grant,
) -> None:
    assert_type(engine.issue_claim_grant("job-1", request), gc.ClaimGrant)
    assert_type(engine.issue_resume_grant("job-1", request), gc.ResumeGrant)
    assert_type(
        engine.issue_reclaim_grant("job-1", takeover),
        gc.Granted | gc.NotReclaimable | gc.ReclaimCapExceeded,
    )
    assert_type(engine.withdraw_grant(grant, worker_id="ann"), bool)
    assert_type(engine.describe_grant("job-1"), gc.GrantRecord | None)


def claims(
    engine: gc.GrantEngine, claim: gc.ClaimGrant, resume: gc.ResumeGrant, reclaim: gc.ReclaimGrant
) -> None:
    assert_type(
        engine.claim_execution(claim, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=1), gc.Lease
    )
    assert_type(
        engine.claim_resumed_execution(resume, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=1),
        gc.Lease,
    )
    assert_type(
        engine.reclaim_execution(reclaim, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=1),
        gc.Reclaimed | gc.NotReclaimable | gc.GrantNotFound,
    )
    assert_type(engine.take(claim, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=1), gc.Lease)


def batches(engine: gc.GrantEngine, request: gc.IssueClaimGrantRequest, grants: tuple[Grant, ...]) -> None:
    assert_type(
        engine.create_executions([{"execution_id": "a", "priority": 1}, {}], lane_id="main"),
        tuple[gc.Created | gc.Duplicate | gc.Refused, ...],
    )
    assert_type(engine.issue_claim_grants(["a", "b"], request), tuple[gc.ClaimGrant | gc.Refused, ...])
    assert_type(
        engine.claim_many(grants, worker_id="a", worker_instance_id="a-1", lease_ttl_ms=1),
        tuple[gc.Lease | gc.Refused, ...],
    )


def leases(engine: gc.GrantEngine, lease: gc.Lease) -> None:
    assert_type(engine.renew_lease(lease, lease_ttl_ms=1), gc.Lease)
    assert_type(engine.renew_leases([lease], lease_ttl_ms=1), tuple[gc.Lease | gc.LeaseLost, ...])
    assert_type(engine.complete_many([lease], results=[b"r"]), tuple[gc.Completed | gc.Refused, ...])
    assert_type(
        engine.fail_many([lease], reason="why"),
        tuple[gc.RetryScheduled | gc.TerminalFailed | gc.Refused, ...],
    )
    engine.update_progress(lease, pct=50)
    assert_type(engine.complete_execution(lease), gc.Completed)
    assert_type(engine.fail_execution(lease, reason="why"), gc.RetryScheduled | gc.TerminalFailed)
    assert_type(engine.delay_execution(lease, delay_until_ms=1), gc.Delayed)
    assert_type(engine.release_execution(lease), gc.Delayed)
    assert_type(engine.move_to_waiting_children(lease), gc.Moved)
    assert_type(engine.suspend_execution(lease, reason_code="waiting_for_signal"), gc.Suspended)
    assert_type(engine.leases(), tuple[gc.Lease, ...])
    assert_type(engine.leases_expiring_within(1), tuple[gc.Lease, ...])
    assert_type(engine.list_expired_leases(), gc.ExpiredLeasesPage)


def workers_quotas_budgets(engine: gc.GrantEngine) -> None:
    assert_type(
        engine.register_worker("ann", "ann-1", lanes=["main"], capabilities=["gpu"], liveness_ttl_ms=1),
        gc.Registered | gc.Refreshed,
    )
    assert_type(engine.heartbeat_worker("ann-1"), gc.Refreshed | gc.NotRegistered)
    assert_type(engine.mark_worker_dead("ann-1", reason="why"), gc.Marked | gc.NotRegistered)
    assert_type(engine.list_workers(), gc.WorkersPage)
    assert_type(engine.create_quota_policy("api"), gc.Added | gc.AlreadySatisfied)
    assert_type(engine.create_budget("tokens", hard_limits={"in": 1}), gc.Added | gc.AlreadySatisfied)
    assert_type(
        engine.report_usage("tokens", {"in": 1}), gc.UsageApplied | gc.AlreadySatisfied | gc.HardBreach
    )
    assert_type(
        engine.record_spend("tokens", "job-1", {"in": 1}),
        gc.UsageApplied | gc.AlreadySatisfied | gc.HardBreach,
    )
    assert_type(engine.release_budget("tokens", "job-1"), bool)
    assert_type(engine.reset_budget("tokens"), int | None)
    assert_type(engine.describe_budget("tokens"), gc.BudgetStatus)


def the_engine(engine: gc.GrantEngine, observer: Callable[[gc.events.Event], None]) -> None:
    assert_type(engine.now_ms(), int)
    assert_type(engine.next_deadline_ms(), int | None)
    assert_type(engine.advance(), gc.AdvanceReport)
    assert_type(engine.stats(), gc.EngineStats)
    assert_type(engine.digest(), str)
    assert_type(engine.snapshot(), bytes)
    assert_type(engine.restore(b""), gc.GrantEngine)
    assert_type(engine.operator("op"), gc.Operator)
    assert_type(engine.subscribe(observer), gc.Subscription)
    assert_type(engine.configure_lane("main"), gc.LaneState)
    engine.check()


def the_operator(operator: gc.Operator) -> None:
    assert_type(operator.cancel("job-1", reason="why"), gc.Cancelled)
    assert_type(operator.complete("job-1"), gc.Completed)
    assert_type(operator.fail("job-1", reason="why"), gc.RetryScheduled | gc.TerminalFailed)
    assert_type(operator.revoke_lease("job-1", reason="why"), gc.Revoked | gc.AlreadySatisfied)
    assert_type(operator.revoke_leases_of("ann-1", reason="why"), tuple[gc.Revoked, ...])
    assert_type(
        operator.issue_grant_and_claim("job-1", worker_id="a", worker_instance_id="a-1", lease_ttl_ms=1),
        gc.Lease,
    )
    assert_type(operator.block("job-1"), gc.Blocked)
    assert_type(operator.unblock("job-1"), gc.Unblocked)
    assert_type(operator.pause_lane("main"), gc.LaneState)
    assert_type(operator.drain_lane("main"), gc.LaneState)
    assert_type(operator.resume_lane("main"), gc.LaneState)


def the_scheduler(scheduler: gc.Scheduler, request: gc.IssueClaimGrantRequest) -> None:
    assert_type(scheduler.claim_for_worker("ann-1", lanes=["main"], grant_ttl_ms=1), Grant | None)
    assert_type(
        scheduler.claim_many_for_worker("ann-1", lanes={"main": 1}, grant_ttl_ms=1, n=2), tuple[Grant, ...]
    )
    assert_type(scheduler.peek("main", ["gpu"]), tuple[str, ...])
    assert_type(scheduler.would_grant("job-1", request), gc.GrantError | None)
    assert_type(scheduler.unmatched("main"), tuple[str, ...])


def the_guard(guard: gc.FenceGuard, lease: gc.Lease) -> None:
    guard.admit(lease)
    assert_type(guard.epoch("job-1"), int | None)
    assert_type(guard.forget("job-1"), bool)
    with guard.writing(lease) as nothing:
        assert_type(nothing, None)


async def the_loop(loop_driver: aio.Driver, lease: gc.Lease) -> None:
    assert_type(await loop_driver.claim("ann-1", lanes=["main"], grant_ttl_ms=1), Grant | None)
    loop_driver.wake()
    assert_type(loop_driver.hold(lease), aio.Hold)
    async with loop_driver.hold(lease) as held:
        assert_type(held.lease, gc.Lease)
        assert_type(held.lost, gc.GrantError | None)


def the_threads(thread_driver: threads.Driver, lease: gc.Lease) -> None:
    assert_type(thread_driver.claim("ann-1", lanes=["main"], grant_ttl_ms=1), Grant | None)
    thread_driver.wake()
    assert_type(thread_driver.hold(lease), threads.Hold)
    with thread_driver.hold(lease) as held:
        assert_type(held.lease, gc.Lease)
        assert_type(held.lost, gc.GrantError | None)
        held.check()
        held.wait(1)
