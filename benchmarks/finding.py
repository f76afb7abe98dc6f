"""What it costs to find work: behind a crowd that the worker cannot run, and in a scheduler's whole loop."""

from __future__ import annotations

from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import BURST, GRANT_TTL_MS, INSTANCE_ID, LANE_ID, LEASE_TTL_MS, WORKER_ID
from benchmarks.rows import Row
from benchmarks.speed import interleaved
from grantcore import GrantEngine, ManualClock, Scheduler, Worker

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

SETS: Final = 16
LANES: Final = (LANE_ID,)
WORKER: Final = Worker(WORKER_ID, INSTANCE_ID, ("cpu",))


class Crowd:
    """So many urgent executions that ``WORKER`` cannot run, of :data:`SETS` requirement sets."""

    def __init__(self, number: int) -> None:
        self.clock = ManualClock()
        self.engine = GrantEngine(clock=self.clock)
        self.scheduler = Scheduler(self.engine)
        sets = [("gpu", f"model-{n}") for n in range(SETS)]
        for n in range(number):
            self.engine.create_execution(lane_id=LANE_ID, priority=9, required_capabilities=sets[n % SETS])
        self.engine.create_execution(lane_id=LANE_ID, required_capabilities=("cpu",))

    def find_ns(self, times: int) -> int:
        """Look for the best work so often."""
        scheduler = self.scheduler
        began_ns = process_time_ns()
        for _ in range(times):
            scheduler.peek(LANE_ID, ("cpu",), 1)
        return process_time_ns() - began_ns

    def loops_ns(self, times: int) -> int:
        """Run so many lifecycles in which the scheduler chooses, in bursts."""
        spent_ns = 0
        for _ in range(times // BURST):
            spent_ns += self._burst_ns()
            self.clock.advance(BURST)
        return spent_ns

    def _burst_ns(self) -> int:
        engine, scheduler = self.engine, self.scheduler
        began_ns = process_time_ns()
        for _ in range(BURST):
            engine.create_execution(lane_id=LANE_ID)
            grant = scheduler.claim_for_worker(WORKER, lanes=LANES, grant_ttl_ms=GRANT_TTL_MS)
            assert grant is not None
            lease = engine.take(
                grant, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
            )
            engine.complete_execution(lease)
        return process_time_ns() - began_ns


def rows(sizes: Sizes) -> list[Row]:
    """Measure with few and with many in front."""
    few, many = Crowd(sizes.few), Crowd(sizes.crowd)
    medians = interleaved(
        {
            "few": lambda: few.find_ns(sizes.lifecycles),
            "many": lambda: many.find_ns(sizes.lifecycles),
            "loop": lambda: many.loops_ns(sizes.lifecycles),
        },
        sizes.lifecycles,
        sizes.samples,
    )
    growth = medians["many"] / medians["few"]
    crowd = f"{sizes.crowd:,} incompatible"
    return [
        Row(f"find work past {crowd}, {SETS} sets", medians["many"], "us", goal=5),
        Row(f"find work past {crowd}", medians["many"], "us", growth, f"past {sizes.few:,}", 1.5),
        Row(f"create, claim_for_worker, take, complete past {crowd}", medians["loop"], "us"),
    ]
