"""Worker instances and lanes: liveness, ceilings, pauses (SPEC 7, 8; D-21, D-27)."""

from __future__ import annotations

from typing import Any

import pytest

import grantcore as gc
from grantcore import events
from tests.metering.conftest import LANE, TTL, Rig


def register(rig: Rig, instance: str = "w-1", worker: str = "w", **more: Any) -> gc.Registered | gc.Refreshed:
    given = {"lanes": [LANE], "capabilities": ["gpu"], "liveness_ttl_ms": TTL, **more}
    return rig.engine.register_worker(worker, instance, **given)


def test_an_instance_is_alive_for_its_ttl(rig: Rig) -> None:
    """D-27: half-open; the lapse is an event, stamped with its deadline."""
    rig.listen()
    end_ms = rig.clock() + TTL
    assert register(rig) == gc.Registered("w-1", end_ms)
    assert rig.engine.next_deadline_ms() == end_ms
    rig.clock.advance(TTL - 1)
    assert rig.engine.stats().live_workers == 1
    rig.clock.advance(500)
    assert rig.engine.stats().live_workers == 0
    assert rig.heard[-1] == events.WorkerLapsed(2, end_ms, None, "w-1", "default")
    assert rig.engine.heartbeat_worker("w-1") == gc.NotRegistered("w-1")
    assert rig.engine.mark_worker_dead("w-1", reason="gone") == gc.NotRegistered("w-1")
    rig.engine.check()


def test_a_heartbeat_counts_from_now(rig: Rig) -> None:
    register(rig)
    for _ in range(200):
        rig.clock.advance(10)
        assert rig.engine.heartbeat_worker("w-1") == gc.Refreshed("w-1", TTL, rig.clock() + TTL)
    assert rig.engine.next_deadline_ms() == rig.clock() + TTL
    rig.engine.check()


def test_an_instance_keeps_its_worker_while_it_is_alive(rig: Rig) -> None:
    """D-21: refused while alive; what it says anew counts."""
    register(rig)
    with pytest.raises(gc.InstanceReassigned):
        register(rig, worker="other")
    assert register(rig, capabilities=["ssd"], lanes=["b", "a", "a"]) == gc.Refreshed(
        "w-1", TTL, rig.clock() + TTL
    )
    (entry,) = rig.engine.list_workers().entries
    assert (entry.capabilities, entry.lanes) == (("ssd",), ("a", "b"))
    rig.clock.advance(TTL)
    assert register(rig, worker="other") == gc.Registered("w-1", rig.clock() + TTL)


def test_a_dead_worker_keeps_its_leases_until_they_end(rig: Rig) -> None:
    """SPEC 8: liveness and leases are independent."""
    rig.create("a")
    register(rig)
    lease = rig.hold("a")
    assert rig.engine.mark_worker_dead("w-1", reason="gone") == gc.Marked("w-1")
    assert rig.engine.leases(worker_instance_id="w-1") == (lease,)
    assert rig.operator.revoke_leases_of("w-1", reason="dead")
    rig.engine.check()


def test_pages_of_workers(rig: Rig) -> None:
    """Namespaces tell instances apart; a page goes on where the one before ended."""
    for namespace in ("default", "", "ü:1"):
        for instance in ("b", "a"):
            register(rig, instance, namespace=namespace)
    seen: list[tuple[str, str]] = []
    after = None
    while True:
        page = rig.engine.list_workers(after=after, limit=1)
        seen += [(entry.namespace, entry.worker_instance_id) for entry in page.entries]
        after = page.next
        if after is None:
            break
    assert seen == sorted((n, i) for n in ("default", "", "ü:1") for i in ("a", "b"))
    assert len(rig.engine.list_workers(namespace="").entries) == 2
    with pytest.raises(gc.InvalidInput):
        rig.engine.list_workers(after="x")
    assert rig.engine.mark_worker_dead("a", reason="", namespace="ü:1") == gc.Marked("a")
    rig.engine.check()


@pytest.mark.parametrize("lanes", [None, "main", b"main", {"main": 1}, 5, [""], ["x" * 65], ["a"] * 1001])
def test_lanes_are_bounded_names(rig: Rig, lanes: object) -> None:
    with pytest.raises(gc.InvalidInput) as refusal:
        register(rig, lanes=lanes)
    assert refusal.value.field == "lanes"


def test_the_end_of_a_liveness_is_an_instant(rig: Rig) -> None:
    """I-52."""
    rig.clock.set(2**53 - 2)
    with pytest.raises(gc.InvalidInput):
        register(rig)


# -- ceilings --------------------------------------------------------------------------------------


def test_a_worker_holds_as_many_as_it_may(rig: Rig) -> None:
    """SPEC 8: live grants and leases count, as stated in grant and claim; a claim never fails for it."""
    rig.create("a", "b", "c")
    rig.hold("a")
    register(rig, max_leases=2)
    grant = rig.issue("b")
    refusal = rig.refused("c")
    assert isinstance(refusal, gc.ConcurrencyLimitExceeded)
    assert refusal.scope == "worker"
    rig.take(grant, instance="w-2")
    rig.hold("c")
    rig.engine.check()
    rig.engine.mark_worker_dead("w-1", reason="")
    rig.create("d")
    rig.hold("d")
    rig.engine.check()


def test_the_least_ceiling_of_an_instance_counts(rig: Rig) -> None:
    """An instance may be registered in several namespaces."""
    rig.create("a", "b")
    register(rig, max_leases=5)
    register(rig, max_leases=1, namespace="other")
    rig.hold("a")
    assert isinstance(rig.refused("b"), gc.ConcurrencyLimitExceeded)


def test_a_lane_holds_as_many_as_it_may(rig: Rig) -> None:
    """SPEC 7: a ceiling of live leases per lane; lifted, it keeps nobody back."""
    rig.create("a", "b")
    rig.hold("a")
    state = rig.engine.configure_lane(LANE, max_leases=1)
    assert state == gc.LaneState(LANE, gc.LaneStatus.OPEN, 1, None)
    refusal = rig.refused("b")
    assert isinstance(refusal, gc.ConcurrencyLimitExceeded)
    assert refusal.scope == "lane"
    again = gc.GrantEngine.restore(rig.engine.snapshot(), clock=rig.clock)
    with pytest.raises(gc.ConcurrencyLimitExceeded):
        again.issue_claim_grant("b", rig.request())
    events_before = rig.engine.stats().events
    rig.engine.configure_lane(LANE, max_leases=1)
    assert rig.engine.stats().events == events_before
    rig.engine.configure_lane(LANE)
    rig.hold("b")
    rig.engine.check()


# -- lanes -------------------------------------------------------------------------------------------


def test_a_paused_lane_issues_nothing_and_holds_go_on(rig: Rig) -> None:
    """SPEC 7; the pause is told with who ordered it, once."""
    rig.listen()
    rig.create("a", "b", "c", "d")
    held, lost, given_back = rig.hold("a"), rig.hold("b"), rig.hold("c")
    rig.operator.revoke_lease(lost.execution_id, reason="")
    rig.engine.release_execution(given_back)
    grant = rig.issue("d")
    assert rig.operator.pause_lane(LANE).state is gc.LaneStatus.PAUSED
    told = len(rig.heard)
    rig.operator.pause_lane(LANE)
    assert len(rig.heard) == told
    assert rig.heard[-1] == events.LanePaused(told, rig.clock(), "op", LANE)
    assert isinstance(rig.refused("c"), gc.LanePaused)
    with pytest.raises(gc.LanePaused):
        rig.reclaim("b")
    rig.take(grant)
    rig.engine.complete_execution(rig.engine.renew_lease(held, lease_ttl_ms=TTL))
    rig.create("e")
    assert isinstance(rig.refused("e"), gc.LanePaused)
    assert rig.operator.resume_lane(LANE).state is gc.LaneStatus.OPEN
    rig.hold("e")
    rig.reclaim("b")
    rig.engine.check()


def test_a_pause_is_asked_before_a_live_grant(rig: Rig) -> None:
    """SPEC 5: the order of the checks."""
    rig.create("a")
    rig.issue("a")
    assert isinstance(rig.refused("a"), gc.GrantAlreadyExists)
    rig.operator.pause_lane(LANE)
    assert isinstance(rig.refused("a"), gc.LanePaused)


def test_a_draining_lane_takes_nothing_new(rig: Rig) -> None:
    """SPEC 7; a duplicate is answered all the same."""
    rig.create("a")
    rig.operator.drain_lane(LANE)
    with pytest.raises(gc.LaneDraining):
        rig.create("b")
    with pytest.raises(gc.LaneDraining):
        rig.engine.create_execution(lane_id=LANE)
    assert rig.engine.create_execution(lane_id=LANE, execution_id="a") == gc.Duplicate("a", "execution_id")
    rig.engine.complete_execution(rig.hold("a"))
    rig.engine.check()


def test_a_lane_nobody_touched_is_no_state(rig: Rig) -> None:
    """Same state, same digest: a lane is remembered for what was set, not for having been named."""
    before = rig.engine.digest()
    rig.engine.configure_lane("x")
    rig.operator.resume_lane("y")
    assert rig.engine.digest() == before
