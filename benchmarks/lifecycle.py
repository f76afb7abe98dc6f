"""One lifecycle is five calls: create, issue a grant, claim, renew, complete.

Time passes as well: after every :data:`BURST` lifecycles the clock moves on by as many milliseconds,
outside the measurement. Grants lapse soon enough for the time index to be at work all the while.
"""

from __future__ import annotations

import gc
from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.floor import Floor
from grantcore import (
    ClaimGrant,
    Created,
    EngineConfig,
    GrantEngine,
    IssueClaimGrantRequest,
    Lease,
    ManualClock,
    Scheduler,
    Worker,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grantcore.model.requests import NewExecution

LANE_ID: Final = "main"
LANES: Final = (LANE_ID,)
WORKER_ID: Final = "worker"
INSTANCE_ID: Final = "worker-1"
WORKER: Final = Worker(WORKER_ID, INSTANCE_ID, ("cpu",))
GRANT_TTL_MS: Final = 1_000
LEASE_TTL_MS: Final = 30_000
DAY_MS: Final = 86_400_000
BURST: Final = 100
PAYLOAD: Final = bytes(100)
RESULT: Final = b"done"
NOTHING_OF_ITS_OWN: NewExecution = {}
ALIKE: Final = (NOTHING_OF_ITS_OWN,) * BURST

REQUEST: Final = IssueClaimGrantRequest(
    worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lane_id=LANE_ID, grant_ttl_ms=GRANT_TTL_MS
)


class Rig:
    """An engine, its clock, and what one does with them."""

    def __init__(self, *, threadsafe: bool = True) -> None:
        self.clock = ManualClock()
        self.engine = GrantEngine(clock=self.clock, config=EngineConfig(threadsafe=threadsafe))
        self.scheduler = Scheduler(self.engine)

    def create(self) -> str:
        """Create an execution that waits."""
        return self.engine.create_execution(lane_id=LANE_ID).execution_id

    def grant(self) -> ClaimGrant:
        """Create an execution and issue a grant for it."""
        return self.engine.issue_claim_grant(self.create(), REQUEST)

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

    def lifecycles_ns(self, count: int) -> float:
        """Run ``count`` lifecycles, in bursts; answer the nanoseconds that one took."""
        return self._bursts_ns(self._lifecycles_ns, count)

    def carrying_ns(self, count: int) -> float:
        """The same for executions that bring an id and a payload, and end with a result."""
        return self._bursts_ns(self._carrying_ns, count)

    def loops_ns(self, count: int) -> float:
        """The same with a scheduler that chooses and ``take`` in place of grant and claim."""
        return self._bursts_ns(self._loops_ns, count)

    def batches_ns(self, count: int) -> float:
        """The same as :meth:`lifecycles_ns`, each of the five calls on a whole burst at once."""
        return self._bursts_ns(self._batch_ns, count)

    def _bursts_ns(self, burst_ns: Callable[[], int], count: int) -> float:
        spent_ns = 0
        for _ in range(count // BURST):
            spent_ns += burst_ns()
            self.clock.advance(BURST)
        return spent_ns / count

    def _lifecycles_ns(self) -> int:
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

    def _carrying_ns(self) -> int:
        engine = self.engine
        names = [f"job-{self.clock()}-{number}" for number in range(BURST)]
        began_ns = process_time_ns()
        for name in names:
            engine.create_execution(lane_id=LANE_ID, execution_id=name, payload=PAYLOAD)
            grant = engine.issue_claim_grant(name, REQUEST)
            lease = engine.claim_execution(
                grant, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
            )
            lease = engine.renew_lease(lease, lease_ttl_ms=LEASE_TTL_MS)
            engine.complete_execution(lease, result=RESULT)
        return process_time_ns() - began_ns

    def _loops_ns(self) -> int:
        engine, scheduler = self.engine, self.scheduler
        began_ns = process_time_ns()
        for _ in range(BURST):
            engine.create_execution(lane_id=LANE_ID)
            grant = scheduler.claim_for_worker(WORKER, lanes=LANES, grant_ttl_ms=GRANT_TTL_MS)
            assert grant is not None
            lease = engine.take(
                grant, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
            )
            lease = engine.renew_lease(lease, lease_ttl_ms=LEASE_TTL_MS)
            engine.complete_execution(lease)
        return process_time_ns() - began_ns

    def _batch_ns(self) -> int:
        engine = self.engine
        began_ns = process_time_ns()
        created = engine.create_executions(ALIKE, lane_id=LANE_ID)
        ids = [one.execution_id for one in created if isinstance(one, Created)]
        granted = engine.issue_claim_grants(ids, REQUEST)
        grants = [grant for grant in granted if isinstance(grant, ClaimGrant)]
        claimed = engine.claim_many(
            grants, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
        )
        leases = [lease for lease in claimed if isinstance(lease, Lease)]
        renewed = engine.renew_leases(leases, lease_ttl_ms=LEASE_TTL_MS)
        leases = [lease for lease in renewed if isinstance(lease, Lease)]
        ended = engine.complete_many(leases)
        assert len(ended) == BURST
        return process_time_ns() - began_ns


def warm(*, threadsafe: bool = True, live: int = 0) -> Rig:
    """Build an engine whose first grants have reached their end, and whom the collector knows."""
    rig = Rig(threadsafe=threadsafe)
    rig.lease_many(live)
    rig.lifecycles_ns(2 * GRANT_TTL_MS)
    gc.collect()
    return rig


def fresh_ns(count: int, *, threadsafe: bool = True, live: int = 0) -> float:
    """Run lifecycles of a new engine."""
    return warm(threadsafe=threadsafe, live=live).lifecycles_ns(count)


def ids(count: int) -> tuple[str, ...]:
    """Make ids for the floor, of the engine's form and length."""
    return tuple(f"{{fp:213}}:{number:032x}" for number in range(count))


def floor_ns(execution_ids: Sequence[str]) -> float:
    """Run one lifecycle of the floor for each id; answer the nanoseconds that one took."""
    floor = Floor()
    began_ns = process_time_ns()
    for execution_id in execution_ids:
        floor.create(execution_id)
        floor.issue(execution_id, WORKER_ID, GRANT_TTL_MS)
        epoch = floor.claim(execution_id, WORKER_ID, LEASE_TTL_MS)
        floor.renew(execution_id, epoch, LEASE_TTL_MS)
        floor.complete(execution_id, epoch)
    return (process_time_ns() - began_ns) / len(execution_ids)
