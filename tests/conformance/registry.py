"""Workers, quotas and budgets: their recorded operations as calls, what they show in the form of the trace.

FlowFabric's admission is a call of its own, about an execution that the quota trace does not have. Here it is
part of issuing a grant (SPEC 7), so such executions are made when they are first named, in an engine of their
own, which leaves the lists of the trace's executions comparable. ``ANSWERS`` maps what SPEC words
differently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grantcore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.trace_reader import Record

LANE: Final = "admission"
WORKER: Final = "admitted"
OUTLASTS_MS: Final = 86_400_000
SECOND_MS: Final = 1_000

ANSWERS: Final = {
    grantcore.GrantAlreadyExists: "already_admitted",
    grantcore.RateLimitExceeded: "rate_exceeded",
    grantcore.ConcurrencyLimitExceeded: "concurrency_exceeded",
    grantcore.HardBreach: "hard_breach",
    grantcore.Breach: "soft_breach",
    grantcore.Registered: "registered",
    grantcore.Refreshed: "refreshed",
    grantcore.NotRegistered: "not_registered",
    grantcore.Marked: "marked",
}
"""The class of an answer here, and its recorded name."""

REQUEST: Final = grantcore.IssueClaimGrantRequest(
    worker_id=WORKER, worker_instance_id=WORKER, lane_id=LANE, grant_ttl_ms=OUTLASTS_MS
)


def ok(*detail: object, status: str = "ok") -> Record:
    """Write a success."""
    return {"status": status, "code": None, "detail": list(detail)}


def err(code: str, *detail: object) -> Record:
    """Write a refusal."""
    return {"status": "err", "code": code, "detail": list(detail)}


class Registry:
    """What is no execution: the engine's workers and budgets, and an engine for admissions."""

    def __init__(self, engine: grantcore.GrantEngine, clock: Callable[[], int]) -> None:
        self._engine = engine
        config = grantcore.EngineConfig(max_grant_ttl_ms=OUTLASTS_MS)
        self.admissions = grantcore.GrantEngine(clock=clock, config=config)
        self._quotas: list[str] = []
        self._budgets: list[str] = []
        self._grants: dict[str, grantcore.ClaimGrant] = {}

    # -- workers -------------------------------------------------------------------------------

    def register_worker(self, args: Record) -> Record:
        answer = self._engine.register_worker(
            args["worker_id"],
            args["worker_instance_id"],
            lanes=args["lanes"],
            capabilities=args["capabilities"],
            liveness_ttl_ms=args["liveness_ttl_ms"],
            namespace=args["namespace"],
        )
        return ok(ANSWERS[type(answer)])

    def heartbeat_worker(self, args: Record) -> Record:
        answer = self._engine.heartbeat_worker(args["worker_instance_id"], namespace=args["namespace"])
        if isinstance(answer, grantcore.Refreshed):
            return ok(ANSWERS[grantcore.Refreshed], answer.ttl_ms)
        return ok(ANSWERS[type(answer)])

    def mark_worker_dead(self, args: Record) -> Record:
        answer = self._engine.mark_worker_dead(
            args["worker_instance_id"], reason=args["reason"], namespace=args["namespace"]
        )
        return ok(ANSWERS[type(answer)])

    # -- quotas --------------------------------------------------------------------------------

    def create_quota_policy(self, args: Record) -> Record:
        quota_policy_id: str = args["quota_policy_id"]
        answer = self.admissions.create_quota_policy(
            quota_policy_id,
            window_ms=args["window_seconds"] * SECOND_MS,
            max_requests_per_window=args["max_requests_per_window"],
            max_concurrent=args["max_concurrent"],
        )
        return self._added(answer, quota_policy_id, self._quotas)

    def _added(self, answer: object, name: str, names: list[str]) -> Record:
        if isinstance(answer, grantcore.AlreadySatisfied):
            return ok(name, status="already_satisfied")
        names.append(name)
        return ok(name)

    def check_admission(self, args: Record) -> Record:
        execution_id: str = args["execution_id"]
        engine = self.admissions
        if engine.describe_execution(execution_id) is None:
            engine.create_execution(
                lane_id=LANE, execution_id=execution_id, quota_policy_id=args["quota_policy_id"]
            )
        try:
            self._grants[execution_id] = engine.issue_claim_grant(execution_id, REQUEST)
        except grantcore.GrantAlreadyExists as refusal:
            return ok(ANSWERS[type(refusal)], status="already_satisfied")
        except grantcore.RateLimitExceeded as refusal:
            assert refusal.retry_at_ms is not None
            return err(ANSWERS[type(refusal)], refusal.retry_at_ms - engine.now_ms())
        except grantcore.ConcurrencyLimitExceeded as refusal:
            assert refusal.scope == "quota"
            return err(ANSWERS[type(refusal)])
        return ok("admitted")

    def release_admission(self, args: Record) -> Record:
        """Give an admission back: its grant is withdrawn. Giving back what nobody has is answered alike."""
        grant = self._grants.pop(args["execution_id"], None)
        if grant is not None:
            assert self.admissions.withdraw_grant(grant, worker_id=WORKER)
        return ok("released")

    # -- budgets -------------------------------------------------------------------------------

    def create_budget(self, args: Record) -> Record:
        budget_id: str = args["budget_id"]
        limits = args["dimensions"]
        answer = self._engine.create_budget(
            budget_id,
            hard_limits={name: limit["hard"] for name, limit in limits.items()},
            soft_limits={name: limit["soft"] for name, limit in limits.items()},
            reset_interval_ms=args["reset_interval_ms"] or None,
        )
        return self._added(answer, budget_id, self._budgets)

    def report_usage(self, args: Record) -> Record:
        answer = self._engine.report_usage(
            args["budget_id"], dict(args["deltas"]), dedup_key=args.get("dedup_key")
        )
        return _used(answer)

    def record_spend(self, args: Record) -> Record:
        answer = self._engine.record_spend(
            args["budget_id"], args["execution_id"], dict(args["deltas"]), dedup_key=args.get("dedup_key")
        )
        return _used(answer)

    def release_budget(self, args: Record) -> Record:
        released = self._engine.release_budget(args["budget_id"], args["execution_id"])
        return ok("released" if released else "noop")

    def reset_budget(self, args: Record) -> Record:
        return ok(self._engine.reset_budget(args["budget_id"]) or 0)

    # -- what there is to see --------------------------------------------------------------------

    def aux(self) -> Record:
        """Write workers, quotas and budgets as the trace does."""
        self.admissions.check()
        return {
            "workers": {
                worker.worker_instance_id: _worker(worker) for worker in self._engine.list_workers().entries
            },
            "quotas": {name: {"concurrency": self._running(name)} for name in self._quotas},
            "budgets": {name: _budget(self._engine.describe_budget(name)) for name in self._budgets},
        }

    def _running(self, quota_policy_id: str) -> int:
        return sum(
            entry.quota_policy_id == quota_policy_id
            and self.admissions.describe_grant(entry.execution_id) is not None
            for entry in self.admissions.list_executions(limit=100_000).entries
        )


def _used(answer: grantcore.UsageApplied | grantcore.AlreadySatisfied | grantcore.HardBreach) -> Record:
    match answer:
        case grantcore.AlreadySatisfied(reason):
            return ok(reason, status="already_satisfied")
        case grantcore.HardBreach(_, dimension, current, limit):
            return err(ANSWERS[grantcore.HardBreach], dimension, current, limit)
        case grantcore.UsageApplied(_, None):
            return ok()
        case grantcore.UsageApplied(_, grantcore.Breach(dimension, current, limit)):
            return ok(ANSWERS[grantcore.Breach], dimension, current, limit)
    raise AssertionError(answer)


def _worker(worker: grantcore.Registration) -> Record:
    return {
        "alive": True,
        "worker_id": worker.worker_id,
        "lanes_csv": ",".join(worker.lanes),
        "caps_csv": ",".join(worker.capabilities),
        "ttl_ms": worker.liveness_ttl_ms,
        "registered_at_ms": worker.registered_at_ms,
        "last_heartbeat_ms": worker.last_heartbeat_ms,
        "alive_deadline": worker.expires_at_ms,
    }


def _budget(budget: grantcore.BudgetStatus) -> Record:
    hard = {f"hard:{name}": limit for name, limit in budget.hard_limits.items()}
    soft = {f"soft:{name}": limit for name, limit in budget.soft_limits.items()}
    return {
        "limits": {**hard, **soft},
        "usage": dict(budget.usage),
        "by_execution": {name: dict(spent) for name, spent in budget.by_execution.items()},
    }
