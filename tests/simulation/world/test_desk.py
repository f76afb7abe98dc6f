"""The way to the engine: deadlines are known, what has ended is purged, operators are heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from grantcore import Scheduler
from grantcore.events import (
    Cancelled,
    Completed,
    Created,
    LanePaused,
    LeaseLapsed,
    LeaseRevoked,
    PriorityChanged,
    Purged,
)
from grantcore.simulation.fleet import Member
from grantcore.simulation.job import Job
from tests.simulation.world.worlds import ANN, BOB, QUIET, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantcore import GrantEngine, Worker
    from grantcore.simulation.world.terms import Grant

CLEO = Member("cleo", (), 1_000)


@pytest.mark.parametrize(("retention_ms", "purged"), [(1_000, [1_100, 1_250]), (None, [])])
def test_what_has_ended_is_purged_when_time_goes_on(retention_ms: int | None, purged: list[int]) -> None:
    jobs = [Job(0, 100), Job(0, 200), Job(1_100, 150), Job(1_500, 1)]
    world = World(jobs, attrs.evolve(QUIET, retention_ms=retention_ms), [ANN, BOB]).play()
    assert world.instants(Completed) == [100, 200, 1_250, 1_501]
    assert world.instants(Purged) == purged
    assert world.site.desk.held() == 4 - len(purged)
    gone = [event.execution_id for event in world.of(Purged)]
    assert not any(world.site.resource.write(execution_id, 9) for execution_id in gone)
    assert not world.site.auditor.violations


def test_a_check_of_the_whole_state_loses_no_facts() -> None:
    world = World([Job(0, 900_000)])
    world.site.env.run(until=500)
    world.site.clock.jump(300_000)
    world.site.desk.check()
    assert world.instants(LeaseLapsed) == [300_000]
    assert world.site.chronicle.facts == len(world.events)
    assert not world.site.auditor.violations


def test_an_operator_who_sits_in_the_scheduler_is_heard() -> None:
    asked = 0

    def schedule(
        engine: GrantEngine, worker: Worker, *, lanes: Sequence[str], grant_ttl_ms: int
    ) -> Grant | None:
        nonlocal asked
        asked += 1
        boss = engine.operator("boss")
        ids = [event.execution_id for event in world.of(Created)]
        if asked == 1:
            engine.change_priority(ids[0], 5)
            boss.pause_lane("default")
            boss.resume_lane("default")
        elif asked == 2:
            boss.revoke_lease(ids[0], reason="because")
        elif asked == 3:
            boss.cancel(ids[1], reason="because")
            boss.cancel(ids[0], reason="because")
        return Scheduler(engine).claim_for_worker(worker, lanes=lanes, grant_ttl_ms=grant_ttl_ms)

    jobs = [Job(0, 10_000), Job(10, 10_000), Job(20, 10_000)]
    world = World(jobs, members=[ANN, BOB, CLEO], schedule=schedule)
    world.play()
    world.site.desk.check()
    world.site.auditor.close()
    assert not world.site.auditor.violations
    assert world.record.ends == {"cancelled": 2, "succeeded": 1}
    assert {type(event) for event in world.events} >= {LeaseRevoked, Cancelled, PriorityChanged, LanePaused}
