"""An engine, its scheduler and a clock moved by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from grantcore import (
    ClaimGrant,
    EngineConfig,
    ExecutionPolicy,
    GrantEngine,
    Lease,
    ManualClock,
    ReclaimGrant,
    ResumeGrant,
    Scheduler,
    Worker,
)
from grantcore.events import Event

LANE: Final = "main"
ALL: Final = ("cpu", "gpu", "ssd")
ANN: Final = Worker("ann", "ann-1", ALL)

Grant = ClaimGrant | ResumeGrant | ReclaimGrant


class Stage:
    """What a story about the scheduler needs."""

    def __init__(self, *, start_ms: int = 1_000, observed: bool = True, **config: Any) -> None:
        self.clock = ManualClock(start_ms)
        self.engine = GrantEngine(clock=self.clock, config=EngineConfig(**config))
        self.scheduler = Scheduler(self.engine)
        self.operator = self.engine.operator("boss")
        self.told: list[Event] = []
        if observed:
            self.engine.subscribe(self.told.append)

    def create(
        self, name: str, *, lane: str = LANE, needs: Iterable[str] = (), priority: int = 0, **given: Any
    ) -> str:
        self.engine.create_execution(
            lane_id=lane, execution_id=name, required_capabilities=needs, priority=priority, **given
        )
        return name

    def claim(
        self,
        worker: str | Worker = ANN,
        lanes: Sequence[str] | Mapping[str, int] = (LANE,),
        *,
        ttl_ms: int = 1_000,
        reclaim: bool = True,
    ) -> Grant | None:
        return self.scheduler.claim_for_worker(worker, lanes=lanes, grant_ttl_ms=ttl_ms, reclaim=reclaim)

    def next(self, *args: Any, **kwargs: Any) -> str | None:
        """The id of what is granted."""
        grant = self.claim(*args, **kwargs)
        return None if grant is None else grant.execution_id

    def take(self, grant: Grant | None, ttl_ms: int = 1_000, worker: Worker = ANN) -> Lease:
        assert grant is not None
        return self.engine.take(
            grant,
            worker_id=worker.worker_id,
            worker_instance_id=worker.worker_instance_id,
            lease_ttl_ms=ttl_ms,
        )

    def work(self, ttl_ms: int = 1_000) -> Lease:
        """Take whatever comes next."""
        return self.take(self.claim(), ttl_ms)

    def wait(self, ms: int) -> None:
        self.clock.advance(ms)
        self.engine.advance()

    def lose(self, name: str, *, cap: int = 100, **given: Any) -> None:
        """Create an execution and let its lease lapse."""
        self.create(name, policy=ExecutionPolicy(max_reclaim_count=cap), **given)
        lease = self.operator.issue_grant_and_claim(
            name, worker_id="gone", worker_instance_id="gone-1", lease_ttl_ms=10
        )
        self.operator.revoke_lease(lease.execution_id, reason="gone")

    def reason(self, name: str) -> tuple[str, str, str]:
        """What is shown of what keeps an execution back."""
        shown = self.engine.describe_execution(name)
        assert shown is not None
        return shown.eligibility_state, shown.blocking_reason, shown.public_state
