"""What a worker does with a grant, and what befalls it on the way."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from grantcore.events import Completed, LeaseLapsed, LeaseReclaimed, LeaseRenewed
from grantcore.simulation.fleet import Member
from grantcore.simulation.job import Job
from grantcore.simulation.scenario.model import Leases, Policy, Scenario
from tests.simulation.world.worlds import ANN, BOB, NO_FAULTS, QUIET, World

SHORT = Leases(lease_ttl_ms=3_000)


def scenario(leases: Leases = SHORT, **faults: Any) -> Scenario:
    return attrs.evolve(QUIET, leases=leases, faults=attrs.evolve(NO_FAULTS, **{"until_ms": 2_499} | faults))


def test_a_worker_renews_and_completes() -> None:
    world = World([Job(0, 2_500)], scenario()).play()
    assert world.instants(LeaseRenewed) == [1_000, 2_000]
    assert world.instants(Completed) == [2_500]
    assert (world.record.useful_ms, world.record.effects) == (2_500, 4)


def test_points_tell_who_is_idle() -> None:
    world = World([Job(0, 2_500), Job(5_500, 1_000)], members=[ANN, BOB]).play()
    assert [point.idle for point in world.record.points] == [1, 1, 1, 2, 2, 2, 1]


def test_an_attempt_ends_when_its_time_is_over() -> None:
    slow = attrs.evolve(scenario(Leases(lease_ttl_ms=9_000)), policy=Policy(attempt_timeout_ms=1_500))
    members = [Member(f"w{number}", (), 1_000) for number in range(4)]
    world = World([Job(0, 8_000)], slow, members).play()
    assert world.record.ends == {"expired": 1}
    assert list(world.record.turnarounds_ms) == [4 * 1_500 + 3 * 1_000]


def test_a_fast_worker_is_done_sooner() -> None:
    assert World([Job(0, 900)], members=[Member("ann", (), 3_000)]).play().instants(Completed) == [300]


def test_a_crash_costs_the_lease_and_what_was_done() -> None:
    world = World([Job(0, 2_500)], scenario(crash=1), [ANN, BOB]).play()
    (lost,) = world.of(LeaseLapsed)
    (reclaimed,) = world.of(LeaseReclaimed)
    crash_ms = world.record.wasted_ms
    assert reclaimed.lease.worker_id != lost.lease.worker_id
    assert list(world.record.recoveries_ms) == [reclaimed.at_ms - crash_ms] == [lost.at_ms - crash_ms]
    assert world.instants(Completed) == [lost.at_ms + 2_500]
    assert not world.site.auditor.violations


def test_who_crashed_is_back_as_a_new_instance() -> None:
    world = World([Job(0, 2_500)], scenario(crash=1, restart_ms=7_000)).play()
    (lost,), (reclaimed,) = world.of(LeaseLapsed), world.of(LeaseReclaimed)
    assert (lost.lease.worker_instance_id, reclaimed.lease.worker_instance_id) == ("ann.1", "ann.2")
    assert reclaimed.at_ms == world.record.wasted_ms + 7_000
    world.site.recorder.close()
    assert world.record.capacity_ms == world.record.busy_ms == world.record.wasted_ms + 2_500


def test_poison_kills_until_the_engine_gives_up() -> None:
    poison = attrs.evolve(scenario(poison=1), policy=Policy(max_reclaim_count=2))
    world = World([Job(0, 2_500)], poison, [ANN, BOB]).play()
    assert (world.record.ends, world.record.faults) == ({"failed": 1}, {"poison": 3})
    assert world.record.useful_ms == 0
    assert (world.site.over, world.site.chronicle.doomed) == (True, 0)


def test_who_slept_too_long_is_refused() -> None:
    world = World([Job(0, 2_500)], scenario(pause=1), [ANN, BOB]).play()
    assert (world.record.faults, world.record.reclaims) == ({"pause": 1}, 1)
    assert sum(world.record.refused.values()) == 1
    assert world.record.busy_ms == world.record.wasted_ms + world.record.useful_ms + 4_500
    assert not world.site.auditor.violations


def test_a_short_sleep_costs_nothing() -> None:
    world = World([Job(0, 2_500)], scenario(pause=1, pause_ttls=0.1)).play()
    assert (world.record.reclaims, world.record.wasted_ms, world.record.useful_ms) == (0, 0, 2_500)
    assert world.instants(Completed) == [2_800]


def test_a_slow_heart_loses_the_lease() -> None:
    world = World([Job(0, 9_000)], scenario(slow_heartbeat=1, until_ms=1_500), [ANN, BOB]).play()
    assert world.record.faults == {"slow_heartbeat": 1}
    assert world.instants(LeaseLapsed) == [3_000]
    assert list(world.record.recoveries_ms) == [2_000]


def test_a_heart_that_is_slow_too_late_is_not_slow() -> None:
    world = World([Job(0, 9_000)], scenario(slow_heartbeat=1, until_ms=999)).play()
    assert not world.record.faults
    assert len(world.of(LeaseRenewed)) == 8


def test_what_befalls_a_worker_after_its_lease_does_not_befall_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = Leases(lease_ttl_ms=3_000, heartbeat_ms=60_000)
    world = World([Job(0, 20_000)], scenario(late, crash=1, until_ms=5_999), [ANN, BOB])
    world.site.env.run(until=2_999)
    (life,) = world.site.chronicle.lives.values()
    crash_ms = int(life.moment * 20_000)
    assert 3_000 < crash_ms < 6_000, "while the other holds it"
    monkeypatch.setattr(world.site.hazards, "lease", lambda: (0.5, 0.99))  # the other: long after
    world.play()
    assert world.record.faults == {"crash": 1}
    assert world.record.recoveries_ms[0] == 0
    assert world.instants(LeaseLapsed)[:2] == [3_000, 6_000]
    assert world.record.recoveries_ms[1] == world.instants(LeaseReclaimed)[1] - 6_000


@pytest.mark.parametrize("run_ms", [500, 2_500])
def test_every_answer_is_lost_until_then(run_ms: int) -> None:
    world = World([Job(0, run_ms)], scenario(lost_answer=1, until_ms=run_ms), [ANN, BOB]).play()
    assert world.record.faults["lost_answer"] == 1
    assert world.record.refused == {"execution_not_leaseable": 1}
    assert list(world.record.recoveries_ms) == [3_000]
    assert not world.site.auditor.violations
