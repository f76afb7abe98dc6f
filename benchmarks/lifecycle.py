"""One lifecycle is five calls: create, issue a grant, claim, renew, complete.

Time passes as well: after every :data:`BURST` lifecycles the clock moves on by as many milliseconds,
outside the measurement. Grants lapse soon enough for the time index to be at work all the while.
"""

from __future__ import annotations

from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.floor import Floor
from grantcore import EngineConfig, GrantEngine, IssueClaimGrantRequest, ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantcore import ClaimGrant, Lease

LANE_ID: Final = "main"
WORKER_ID: Final = "worker"
INSTANCE_ID: Final = "worker-1"
GRANT_TTL_MS: Final = 1_000
LEASE_TTL_MS: Final = 30_000
DAY_MS: Final = 86_400_000
BURST: Final = 100

REQUEST: Final = IssueClaimGrantRequest(
    worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lane_id=LANE_ID, grant_ttl_ms=GRANT_TTL_MS
)


class Rig:
    """An engine, its clock, and what one does with them."""

    def __init__(self, *, threadsafe: bool = True) -> None:
        self.clock = ManualClock()
        self.engine = GrantEngine(clock=self.clock, config=EngineConfig(threadsafe=threadsafe))

    def grant(self) -> ClaimGrant:
        """Create an execution and issue a grant for it."""
        execution_id = self.engine.create_execution(lane_id=LANE_ID).execution_id
        return self.engine.issue_claim_grant(execution_id, REQUEST)

    def claim(self, grant: ClaimGrant) -> Lease:
        """Take the lease of a grant, for a day."""
        return self.engine.claim_execution(
            grant, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=DAY_MS
        )

    def lease_many(self, count: int, *, tick_ms: int = 1) -> None:
        """Load executions that are leased for a day, one every ``tick_ms``; the leases are dropped."""
        for _ in range(count):
            self.claim(self.grant())
            self.clock.advance(tick_ms)

    def lifecycles_ns(self, count: int) -> int:
        """Run ``count`` lifecycles, in bursts; answer the nanoseconds they took."""
        spent_ns = 0
        for _ in range(count // BURST):
            spent_ns += self._burst_ns()
            self.clock.advance(BURST)
        return spent_ns

    def _burst_ns(self) -> int:
        engine = self.engine
        began_ns = process_time_ns()
        for _ in range(BURST):
            execution_id = engine.create_execution(lane_id=LANE_ID).execution_id
            grant = engine.issue_claim_grant(execution_id, REQUEST)
            lease = engine.claim_execution(
                grant, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
            )
            lease = engine.renew_lease(lease, lease_ttl_ms=LEASE_TTL_MS)
            engine.complete_execution(lease)
        return process_time_ns() - began_ns


def floor_lifecycles_ns(execution_ids: Sequence[str]) -> int:
    """Run one lifecycle of the floor for each id; answer the nanoseconds they took."""
    floor = Floor()
    began_ns = process_time_ns()
    for execution_id in execution_ids:
        floor.create(execution_id)
        floor.issue(execution_id, WORKER_ID, GRANT_TTL_MS)
        epoch = floor.claim(execution_id, WORKER_ID, LEASE_TTL_MS)
        floor.renew(execution_id, epoch, LEASE_TTL_MS)
        floor.complete(execution_id, epoch)
    return process_time_ns() - began_ns
