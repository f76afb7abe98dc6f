"""When grants are handed out, in which order, and how they travel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from grantcore import Scheduler
from grantcore.events import Completed, Created, GrantIssued, GrantLapsed, LeaseAcquired
from grantcore.simulation.job import Job
from grantcore.simulation.scenario.model import Dispatch, Leases, Policy
from tests.simulation.world.worlds import ANN, BOB, NO_FAULTS, QUIET, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantcore import GrantEngine, Worker
    from grantcore.simulation.world.terms import Grant


def test_it_looks_at_once_or_at_ticks() -> None:
    jobs = [Job(10, 100), Job(20, 100), Job(1_999, 100), Job(4_000, 100)]
    assert World(jobs).play().instants(GrantIssued) == [10, 110, 1_999, 4_000]
    ticking = attrs.evolve(QUIET, scheduler=Dispatch(interval_ms=1_000))
    assert World(jobs, ticking, start_ms=10).play().instants(GrantIssued) == [10, 1_010, 2_010, 4_010]


def test_a_stalled_scheduler_grants_nothing() -> None:
    world = World([Job(10, 5), Job(20, 5)])
    world.site.dispatcher.stall(15)
    timeout = world.site.env.timeout(12)
    assert timeout.callbacks is not None
    timeout.callbacks.append(lambda _: world.site.dispatcher.stall(88))
    assert world.play().instants(GrantIssued) == [100, 105]


def test_a_grant_takes_its_time_to_arrive() -> None:
    scenario = attrs.evolve(QUIET, scheduler=Dispatch(delivery_ms=700))
    world = World([Job(0, 100)], scenario).play()
    assert (world.instants(GrantIssued), world.instants(LeaseAcquired)) == ([0], [700])


def test_a_grant_that_arrives_too_late_lapses_and_its_place_is_kept() -> None:
    scenario = attrs.evolve(
        QUIET, leases=Leases(grant_ttl_ms=700), scheduler=Dispatch(delivery_ms=700), drain_ms=5_000
    )
    world = World([Job(0, 100)], scenario).play(200)
    assert not world.of(LeaseAcquired)
    lapsed = world.instants(GrantLapsed)
    assert lapsed == [700 * number for number in range(1, len(lapsed) + 1)]
    assert len(lapsed) == sum(world.record.refused.values()) > 9


def test_lanes_take_turns() -> None:
    world = World([Job(0, 10, lane_id=lane_id) for lane_id in "aaabbc"]).play()
    lanes = {event.execution_id: lane_id for event, lane_id in zip(world.of(Created), "aaabbc", strict=True)}
    assert "".join(lanes[event.execution_id] for event in world.of(Completed)) == "abcaba"


def test_it_asks_again_when_a_look_ends_what_was_lost_too_often() -> None:
    poison = attrs.evolve(NO_FAULTS, poison=1, until_ms=0, restart_ms=500_000)
    scenario = attrs.evolve(QUIET, faults=poison, policy=Policy(max_reclaim_count=0))
    world = World([Job(0, 1_000, "x"), Job(400_000, 1_000, "y")], scenario).play()
    assert world.record.ends == {"failed": 1, "succeeded": 1}
    assert world.site.chronicle.doomed == 0


def test_a_scheduler_may_leave_a_worker_idle_until_something_changes() -> None:
    def never_ann(
        engine: GrantEngine, worker: Worker, *, lanes: Sequence[str], grant_ttl_ms: int
    ) -> Grant | None:
        if worker.worker_id == "ann":
            return None
        return Scheduler(engine).claim_for_worker(worker, lanes=lanes, grant_ttl_ms=grant_ttl_ms)

    jobs = [Job(0, 10), Job(0, 10), Job(5, 10)]
    world = World(jobs, members=[BOB, ANN], schedule=never_ann).play()
    assert {event.lease.worker_id for event in world.of(LeaseAcquired)} <= {"bob"}
