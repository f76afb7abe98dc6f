"""Every public call, with what it is about: a table that ``frequent.py`` measures, and a test holds complete.

What takes the whole state is not here: ``targeted.py`` measures ``snapshot`` and ``restore``.
"""

from __future__ import annotations

from time import process_time_ns
from typing import TYPE_CHECKING, Final, TypeVar

from benchmarks.bench import RECLAIM, SIDE_LANE, Bench
from benchmarks.lifecycle import (
    DAY_MS,
    GRANT_TTL_MS,
    INSTANCE_ID,
    LANE_ID,
    LANES,
    LEASE_TTL_MS,
    REQUEST,
    WORKER,
    WORKER_ID,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantcore.events import Event

T = TypeVar("T")

NOT_HERE: Final = {
    "check": "of the whole state; for tests",
    "digest": "of the whole state; for tests",
    "restore": "of the whole state: see the targeted group",
    "snapshot": "of the whole state: see the targeted group",
}
"""Public calls that are not measured one by one, and why."""


class Call:
    """A public call, on subjects that were prepared before, one each."""

    def __init__(self, name: str, says: str, sample_ns: Callable[[Bench, int], float]) -> None:
        self.name = name
        self.says = says
        self.sample_ns = sample_ns


def _call(name: str, says: str, prepare: Callable[[Bench], T], call: Callable[[Bench, T], object]) -> Call:
    def sample_ns(bench: Bench, count: int) -> float:
        subjects = [prepare(bench) for _ in range(count)]
        began_ns = process_time_ns()
        for subject in subjects:
            call(bench, subject)
        spent_ns = process_time_ns() - began_ns
        bench.sweep()
        return spent_ns / count

    return Call(name, says, sample_ns)


def _nothing(_bench: Bench) -> None:
    """Prepare nothing."""


def _ignore(_event: Event) -> None:
    """Observe nothing."""


def _claim_many(b: Bench, _: object) -> None:
    b.scheduler.claim_many_for_worker(WORKER, lanes=LANES, grant_ttl_ms=GRANT_TTL_MS, n=1)


TIME: Final = (
    _call("now_ms", "the engine's present", _nothing, lambda b, _: b.engine.now_ms()),
    _call("advance", "nothing is due", _nothing, lambda b, _: b.engine.advance()),
    _call("next_deadline_ms", "nothing has changed", _nothing, lambda b, _: b.engine.next_deadline_ms()),
    _call("stats", "all counts", _nothing, lambda b, _: b.engine.stats()),
    _call("operator", "the powers of an operator", _nothing, lambda b, _: b.engine.operator("ops")),
    _call("subscribe", "and close", _nothing, lambda b, _: b.engine.subscribe(_ignore).close()),
)

LIFE: Final = (
    _call(
        "create_execution",
        "a minted id, nothing else",
        _nothing,
        lambda b, _: b.made(b.engine.create_execution(lane_id=LANE_ID).execution_id),
    ),
    _call(
        "issue_claim_grant",
        "the request is reused",
        Bench.waiting,
        lambda b, execution_id: b.engine.issue_claim_grant(execution_id, REQUEST),
    ),
    _call(
        "claim_execution",
        "the first lease",
        Bench.granted,
        lambda b, grant: b.engine.claim_execution(
            grant, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
        ),
    ),
    _call(
        "take",
        "the same by the grant's kind",
        Bench.granted,
        lambda b, grant: b.engine.take(
            grant, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
        ),
    ),
    _call(
        "renew_lease",
        "the end moves away",
        Bench.leased,
        lambda b, lease: b.engine.renew_lease(lease, lease_ttl_ms=DAY_MS),
    ),
    _call(
        "complete_execution", "no result", Bench.leased, lambda b, lease: b.engine.complete_execution(lease)
    ),
    _call(
        "fail_execution",
        "no retry is left",
        Bench.leased,
        lambda b, lease: b.engine.fail_execution(lease, reason="out of memory"),
    ),
    _call(
        "delay_execution",
        "for a day",
        Bench.leased,
        lambda b, lease: b.engine.delay_execution(lease, delay_until_ms=lease.expires_at_ms),
    ),
    _call(
        "release_execution", "back in line", Bench.leased, lambda b, lease: b.engine.release_execution(lease)
    ),
    _call(
        "update_progress",
        "per cent and text",
        Bench.leased,
        lambda b, lease: b.engine.update_progress(lease, pct=50, message="half"),
    ),
    _call(
        "cancel_execution",
        "one that waits",
        Bench.waiting,
        lambda b, execution_id: b.engine.cancel_execution(execution_id, reason="not needed"),
    ),
    _call(
        "change_priority",
        "one that waits",
        Bench.waiting,
        lambda b, execution_id: b.engine.change_priority(execution_id, 5),
    ),
    _call(
        "set_execution_tags",
        "one tag",
        Bench.waiting,
        lambda b, execution_id: b.engine.set_execution_tags(execution_id, {"team.name": "search"}),
    ),
    _call(
        "replay_execution",
        "one that has succeeded",
        Bench.ended,
        lambda b, execution_id: b.engine.replay_execution(execution_id),
    ),
    _call(
        "purge_execution",
        "one that has succeeded",
        Bench.ended,
        lambda b, execution_id: b.engine.purge_execution(execution_id),
    ),
)

BATCHES: Final = (
    _call(
        "create_executions",
        "one",
        _nothing,
        lambda b, _: b.made_all(b.engine.create_executions([{}], lane_id=LANE_ID)),
    ),
    _call("issue_claim_grants", "one", Bench.waiting, lambda b, i: b.engine.issue_claim_grants([i], REQUEST)),
    _call(
        "claim_many",
        "one",
        Bench.granted,
        lambda b, grant: b.engine.claim_many(
            [grant], worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
        ),
    ),
    _call(
        "renew_leases",
        "one",
        Bench.leased,
        lambda b, lease: b.engine.renew_leases([lease], lease_ttl_ms=DAY_MS),
    ),
    _call("complete_many", "one", Bench.leased, lambda b, lease: b.engine.complete_many([lease])),
    _call(
        "fail_many", "one", Bench.leased, lambda b, lease: b.engine.fail_many([lease], reason="out of memory")
    ),
)

TURNS: Final = (
    _call(
        "suspend_execution",
        "no timeout",
        Bench.leased,
        lambda b, lease: b.engine.suspend_execution(lease, reason_code="approval"),
    ),
    _call(
        "resume_execution",
        "at once",
        Bench.suspended,
        lambda b, execution_id: b.engine.resume_execution(execution_id),
    ),
    _call(
        "issue_resume_grant",
        "the request is reused",
        Bench.resumed,
        lambda b, execution_id: b.engine.issue_resume_grant(execution_id, REQUEST),
    ),
    _call(
        "claim_resumed_execution",
        "the attempt goes on",
        Bench.resume_grant,
        lambda b, grant: b.engine.claim_resumed_execution(
            grant, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
        ),
    ),
    _call(
        "issue_reclaim_grant",
        "a lost lease",
        Bench.lost,
        lambda b, execution_id: b.engine.issue_reclaim_grant(execution_id, RECLAIM),
    ),
    _call(
        "reclaim_execution",
        "the second attempt",
        Bench.reclaim_grant,
        lambda b, grant: b.engine.reclaim_execution(
            grant, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
        ),
    ),
    _call(
        "withdraw_grant",
        "nobody has claimed",
        Bench.granted,
        lambda b, grant: b.engine.withdraw_grant(grant, worker_id=WORKER_ID),
    ),
    _call(
        "move_to_waiting_children",
        "until it is promoted",
        Bench.leased,
        lambda b, lease: b.engine.move_to_waiting_children(lease),
    ),
    _call(
        "promote_blocked_to_eligible",
        "its children are done",
        Bench.waiting_for_children,
        lambda b, execution_id: b.engine.promote_blocked_to_eligible(execution_id),
    ),
)

LOOKS: Final = (
    _call(
        "describe_execution",
        "every field",
        Bench.leased_id,
        lambda b, execution_id: b.engine.describe_execution(execution_id),
    ),
    _call(
        "describe_grant",
        "one that is out",
        Bench.granted,
        lambda b, grant: b.engine.describe_grant(grant.execution_id),
    ),
    _call(
        "explain",
        "one that waits, no workers",
        Bench.waiting,
        lambda b, execution_id: b.engine.explain(execution_id),
    ),
    _call("attempts", "one", Bench.leased_id, lambda b, execution_id: b.engine.attempts(execution_id)),
    _call(
        "lease_history",
        "one event",
        Bench.leased_id,
        lambda b, execution_id: b.engine.lease_history(execution_id),
    ),
    _call(
        "read_payload", "none", Bench.leased_id, lambda b, execution_id: b.engine.read_payload(execution_id)
    ),
    _call(
        "read_result", "six bytes", Bench.ended, lambda b, execution_id: b.engine.read_result(execution_id)
    ),
    _call(
        "leases", "of one holder", Bench.holder, lambda b, holder: b.engine.leases(worker_instance_id=holder)
    ),
    _call(
        "leases_expiring_within",
        "the next second: none",
        _nothing,
        lambda b, _: b.engine.leases_expiring_within(1_000),
    ),
    _call("list_executions", "a page of ten", _nothing, lambda b, _: b.engine.list_executions(limit=10)),
    _call("list_expired_leases", "none", _nothing, lambda b, _: b.engine.list_expired_leases(limit=10)),
)

WORKERS: Final = (
    _call("register_worker", "one lane, one token", Bench.name, Bench.register),
    _call(
        "heartbeat_worker", "alive", Bench.instance, lambda b, instance: b.engine.heartbeat_worker(instance)
    ),
    _call(
        "mark_worker_dead",
        "no leases",
        Bench.instance,
        lambda b, instance: b.engine.mark_worker_dead(instance, reason="gone"),
    ),
    _call("list_workers", "a page of ten", Bench.instance, lambda b, _: b.engine.list_workers(limit=10)),
    _call(
        "create_quota_policy",
        "a window",
        Bench.name,
        lambda b, name: b.engine.create_quota_policy(name, max_requests_per_window=10),
    ),
    _call(
        "create_budget",
        "one dimension",
        Bench.name,
        lambda b, name: b.engine.create_budget(name, hard_limits={"tokens": 1_000_000}),
    ),
    _call(
        "report_usage",
        "one dimension",
        Bench.budget,
        lambda b, budget_id: b.engine.report_usage(budget_id, {"tokens": 5}),
    ),
    _call(
        "record_spend",
        "by an execution",
        lambda b: (b.budget(), b.leased_id()),
        lambda b, pair: b.engine.record_spend(*pair, {"tokens": 5}),
    ),
    _call(
        "release_budget",
        "nothing was spent",
        lambda b: (b.budget(), b.leased_id()),
        lambda b, pair: b.engine.release_budget(*pair),
    ),
    _call("reset_budget", "by hand", Bench.budget, lambda b, budget_id: b.engine.reset_budget(budget_id)),
    _call(
        "describe_budget", "its use", Bench.budget, lambda b, budget_id: b.engine.describe_budget(budget_id)
    ),
    _call(
        "configure_lane",
        "an empty lane",
        _nothing,
        lambda b, _: b.engine.configure_lane(SIDE_LANE, max_leases=None),
    ),
)

OPERATOR: Final = (
    _call("cancel", "one that is leased", Bench.leased_id, lambda b, i: b.operator.cancel(i, reason="stop")),
    _call("complete", "one that is leased", Bench.leased_id, lambda b, i: b.operator.complete(i)),
    _call("fail", "one that is leased", Bench.leased_id, lambda b, i: b.operator.fail(i, reason="stop")),
    _call(
        "revoke_lease",
        "one lease",
        Bench.leased_id,
        lambda b, i: b.operator.revoke_lease(i, reason="maintenance"),
    ),
    _call(
        "revoke_leases_of",
        "a holder of one",
        Bench.holder,
        lambda b, holder: b.operator.revoke_leases_of(holder, reason="dead"),
    ),
    _call(
        "issue_grant_and_claim",
        "both at once",
        Bench.waiting,
        lambda b, i: b.operator.issue_grant_and_claim(
            i, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
        ),
    ),
    _call("block", "one that waits", Bench.waiting, lambda b, i: b.operator.block(i)),
    _call("unblock", "one that is blocked", Bench.blocked, lambda b, i: b.operator.unblock(i)),
    _call("pause_lane", "an empty lane", _nothing, lambda b, _: b.operator.pause_lane(SIDE_LANE)),
    _call("drain_lane", "an empty lane", _nothing, lambda b, _: b.operator.drain_lane(SIDE_LANE)),
    _call("resume_lane", "an empty lane", _nothing, lambda b, _: b.operator.resume_lane(SIDE_LANE)),
)

SCHEDULER: Final = (
    _call(
        "claim_for_worker",
        "the best for a worker",
        Bench.waiting,
        lambda b, _: b.scheduler.claim_for_worker(WORKER, lanes=LANES, grant_ttl_ms=GRANT_TTL_MS),
    ),
    _call("claim_many_for_worker", "one", Bench.waiting, _claim_many),
    _call("peek", "the best one", Bench.waiting, lambda b, _: b.scheduler.peek(LANE_ID, ("cpu",), 1)),
    _call("would_grant", "it would", Bench.waiting, lambda b, i: b.scheduler.would_grant(i, REQUEST)),
    _call("unmatched", "an empty lane", _nothing, lambda b, _: b.scheduler.unmatched(SIDE_LANE)),
)

CALLS: Final = (*TIME, *LIFE, *BATCHES, *TURNS, *LOOKS, *WORKERS, *OPERATOR, *SCHEDULER)
