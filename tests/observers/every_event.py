"""An engine whose story has every event there is, or nearly."""

from __future__ import annotations

from grantcore import (
    CapabilityMismatch,
    ExecutionPolicy,
    Fixed,
    GrantEngine,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    ManualClock,
    RetryPolicy,
    events,
)
from grantcore.engine.observers import Observer


class Story:
    """Calls with few words; ``told`` has the events."""

    def __init__(self, *observers: Observer) -> None:
        self.clock = ManualClock(start_ms=1_000_000)
        self.engine = GrantEngine(clock=self.clock)
        self.told: list[events.Event] = []
        self.engine.subscribe(self.told.append)
        for observer in observers:
            self.engine.subscribe(observer)
        self.operator = self.engine.operator("op")

    def create(self, name: str, *needs: str, **policy: int) -> str:
        retry = RetryPolicy(max_retries=1, backoff=Fixed(delay_ms=10))
        self.engine.create_execution(
            lane_id="main",
            execution_id=name,
            required_capabilities=needs,
            payload=b"secret",
            tags={"a.b": "c"},
            policy=ExecutionPolicy(retry=retry, **policy),
        )
        return name

    def request(self, ttl_ms: int = 100) -> IssueClaimGrantRequest:
        return IssueClaimGrantRequest(
            worker_id="ann", worker_instance_id="ann-1", lane_id="main", grant_ttl_ms=ttl_ms
        )

    def take(self, name: str, worker: str = "ann", ttl_ms: int = 1_000) -> Lease:
        return self.operator.issue_grant_and_claim(
            name, worker_id=worker, worker_instance_id=f"{worker}-1", lease_ttl_ms=ttl_ms
        )

    def reclaim(self, name: str, worker: str) -> Lease | None:
        asked = IssueReclaimGrantRequest(
            worker_id=worker, worker_instance_id=f"{worker}-1", lane_id="main", grant_ttl_ms=100
        )
        grant = getattr(self.engine.issue_reclaim_grant(name, asked), "grant", None)
        if grant is None:
            return None
        return self.engine.take(grant, worker_id=worker, worker_instance_id=f"{worker}-1", lease_ttl_ms=1_000)

    def pass_time(self, ms: int) -> None:
        self.clock.advance(ms)
        self.engine.advance()

    def play(self) -> None:
        """Make everything happen."""
        self.ends()
        self.losses()
        self.waits()
        self.beside()

    def ends(self) -> None:
        engine = self.engine
        lease = engine.renew_lease(self.take(self.create("done")), lease_ttl_ms=2_000)
        engine.update_progress(lease, pct=50, message="half")
        self.pass_time(300)
        engine.complete_execution(lease, result=b"secret")
        engine.replay_execution("done")
        engine.cancel_execution("done", reason="enough")
        engine.fail_execution(self.take(self.create("failing")), reason="once")
        self.pass_time(10)
        engine.fail_execution(self.take("failing"), reason="twice")
        engine.delay_execution(self.take(self.create("later")), delay_until_ms=self.clock() + 50)
        self.pass_time(50)
        engine.move_to_waiting_children(self.take("later"))
        engine.promote_blocked_to_eligible("later")
        engine.suspend_execution(self.take(self.create("waiting")), reason_code="approval")
        engine.resume_execution("waiting")
        timeout_at_ms = self.clock() + 5
        engine.suspend_execution(self.take("waiting"), reason_code="approval", timeout_at_ms=timeout_at_ms)
        self.pass_time(5)

    def losses(self) -> None:
        self.take(self.create("lost", max_reclaim_count=1), "bob")
        self.pass_time(1_500)
        assert self.reclaim("lost", "eve") is not None
        self.operator.revoke_lease("lost", reason="maintenance")
        self.reclaim("lost", "ann")
        self.take(self.create("slow", attempt_timeout_ms=200), "bob")
        self.pass_time(200)
        self.take(self.create("running"), "eve", 9_000)
        self.engine.create_execution(lane_id="main", execution_id="dated", deadline_at_ms=self.clock() + 90)
        self.take("dated", "bob")
        self.pass_time(400)

    def waits(self) -> None:
        engine = self.engine
        engine.issue_claim_grant(self.create("unused"), self.request())
        self.pass_time(100)
        grant = engine.issue_claim_grant("unused", self.request())
        engine.withdraw_grant(grant, worker_id="ann")
        try:
            engine.issue_claim_grant(self.create("picky", "gpu"), self.request())
        except CapabilityMismatch:
            self.operator.block("picky")
            self.operator.unblock("picky")
        engine.change_priority("picky", 5)
        engine.set_execution_tags("picky", {"x.y": "z"})

    def beside(self) -> None:
        engine = self.engine
        for name in ("ann-1", "bob-1"):
            engine.register_worker(name[:3], name, lanes=["main"], capabilities=["gpu"], liveness_ttl_ms=100)
        engine.heartbeat_worker("ann-1")
        engine.mark_worker_dead("bob-1", reason="silent")
        self.pass_time(100)
        self.operator.pause_lane("main")
        self.operator.drain_lane("main")
        self.operator.resume_lane("main")
        engine.configure_lane("main", max_leases=50)
        engine.create_quota_policy("quota", max_concurrent=50)
        engine.create_budget("budget", hard_limits={"usd": 100})
        engine.report_usage("budget", {"usd": 1})
        engine.record_spend("budget", "running", {"usd": 1})
        engine.release_budget("budget", "running")
        engine.reset_budget("budget")
        engine.purge_execution("done")


KINDS = frozenset(
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, events.Event) and not kind.__subclasses__()
)
"""Every class of event that is told."""
