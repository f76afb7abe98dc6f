"""Several lanes: in order, by weight; aging, pause, drain, ceilings (SPEC 7)."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from grantcore import ConcurrencyLimitExceeded, GrantEngine, LaneDraining, LanePaused, Worker
from grantcore.events import GrantIssued
from grantcore.scheduler import MAX_REMEMBERED
from tests.life.stage import claim_request
from tests.marks import one_in
from tests.scheduling.stage import ANN, LANE, Stage

LANES = ("a", "b", "c", "d", "e")


def full(stage: Stage, lane: str, number: int = 1) -> None:
    for i in range(number):
        stage.create(f"{lane}{i}", lane=lane)


def served(stage: Stage, lanes: dict[str, int], worker: Worker = ANN) -> str | None:
    """The lane of what is granted; the grant is given back, so that work does not run out."""
    grant = stage.claim(worker, lanes)
    if grant is None:
        return None
    assert stage.engine.withdraw_grant(grant, worker_id=worker.worker_id)
    return grant.execution_id[0]


def test_lanes_in_order() -> None:
    stage = Stage()
    full(stage, "b", 2)
    full(stage, "a")
    assert [stage.next(ANN, ["a", "b", "c"]) for _ in range(4)] == ["a0", "b0", "b1", None]


def test_weights_are_kept_exactly_and_smoothly() -> None:
    """Nginx' well-known example: five, one, one."""
    stage = Stage()
    for lane in "abc":
        full(stage, lane)
    found = [served(stage, {"a": 5, "b": 1, "c": 1}) for _ in range(14)]
    assert "".join(name or "-" for name in found) == "aabacaa" * 2


@pytest.mark.parametrize("seed", range(20))
def test_the_bound_on_waiting_for_a_turn(seed: int) -> None:
    """No starvation: a lane of weight w of W, among n, is served in any (n + 1) * W / (2 * w) + 1 choices."""
    chance, stage = Random(seed), Stage(observed=False)
    weights = {lane: chance.choice((1, 1, 2, 7, 50)) for lane in LANES[: chance.randint(1, 5)]}
    for lane in weights:
        full(stage, lane)
    total, n = sum(weights.values()), len(weights)
    since = Counter(dict.fromkeys(weights, 0))
    for _ in range(3 * total):
        found = served(stage, weights)
        assert found is not None
        for name, weight in weights.items():
            since[name] = 0 if name == found else since[name] + 1
            assert since[name] <= (n + 1) * total / (2 * weight)


@pytest.mark.parametrize("seed", one_in(5, range(10)))
def test_nobody_starves_when_workers_and_weights_differ(seed: int) -> None:
    """Who can do what changes with every call, and so do the weights: credits stay small all the same."""
    chance, stage = Random(seed), Stage(observed=False)
    for lane in LANES:
        stage.create(f"{lane}0", lane=lane, needs=[lane])
    waited: Counter[str] = Counter()
    for _ in range(2_000):
        lanes = {lane: chance.randint(1, 5) for lane in chance.sample(LANES, 3)}
        has = chance.sample(LANES, 3)
        found = served(stage, lanes, Worker("w", "w-1", has))
        for name in set(lanes) & set(has):
            waited[name] = 0 if name == found else waited[name] + 1
        assert max(waited.values()) <= 5 * 5 * len(LANES)
    assert sum(row.credit for row in stage.engine._store.lanes.values()) == 0


def test_credits_are_part_of_the_state_and_of_the_event() -> None:
    """SPEC 7: snapshot, digest, and the grant's event."""
    stage = Stage()
    for lane in "ab":
        full(stage, lane, 6)
    before = stage.engine.digest()
    lanes = {"a": 2, "b": 1}
    grant = stage.claim(ANN, lanes)
    assert grant is not None
    event = stage.told[-1]
    assert type(event) is GrantIssued
    assert event.lane_credits == (("a", -1), ("b", 1))
    stage.engine.withdraw_grant(grant, worker_id="ann")
    assert stage.engine.digest() != before
    twin = Stage()
    twin.clock = stage.clock
    twin.engine = GrantEngine.restore(stage.engine.snapshot(), clock=stage.clock)
    twin.scheduler = type(stage.scheduler)(twin.engine)
    assert twin.engine.digest() == stage.engine.digest()
    assert [twin.next(ANN, lanes) for _ in range(9)] == [stage.next(ANN, lanes) for _ in range(9)]


def test_aging_is_a_static_key() -> None:
    """SPEC 7: one point of priority for each 10 ms, unclamped; the order of two never changes."""
    stage = Stage()
    stage.create("early", priority=1)
    stage.clock.advance(30)
    stage.create("urgent", priority=3)
    stage.create("late", priority=5)
    assert stage.scheduler.peek(LANE, ()) == ("late", "urgent", "early")
    stage.engine.configure_lane(LANE, aging_ms_per_point=10)
    for _ in range(3):
        assert stage.scheduler.peek(LANE, ()) == ("late", "early", "urgent")
        stage.clock.advance(1_000)
        stage.engine.check()
    stage.engine.change_priority("urgent", 6)
    assert stage.scheduler.peek(LANE, ()) == ("urgent", "late", "early")
    assert stage.next(ttl_ms=5) == "urgent"
    stage.engine.change_priority("urgent", 0)
    stage.clock.advance(5)
    assert [stage.next() for _ in range(4)] == ["late", "early", "urgent", None]
    stage.engine.configure_lane(LANE)
    stage.wait(1_000)
    assert stage.scheduler.peek(LANE, ()) == ("late", "early", "urgent")
    stage.engine.check()


def test_in_an_aging_lane_the_lost_go_first_at_equal_urgency() -> None:
    stage = Stage()
    stage.engine.configure_lane(LANE, aging_ms_per_point=10)
    stage.create("old")
    stage.lose("lost")
    assert [stage.next() for _ in range(2)] == ["lost", "old"]


def test_a_paused_lane_grants_nothing_of_any_kind() -> None:
    """SPEC 5, 7: holds go on; what closed it opens it; no event, no phase change of those that wait."""
    stage = Stage()
    stage.create("held")
    lease = stage.work()
    stage.lose("lost")
    stage.create("e")
    told = len(stage.told)
    stage.operator.pause_lane(LANE)
    assert [type(event).__name__ for event in stage.told[told:]] == ["LanePaused"]
    assert stage.next() is None
    assert stage.scheduler.peek(LANE, ()) == ()
    assert stage.reason("e") == ("blocked_by_lane_state", "paused_by_policy", "waiting")
    refusal = stage.scheduler.would_grant("e", claim_request())
    assert type(refusal) is LanePaused
    with pytest.raises(LanePaused):
        stage.engine.issue_claim_grant("e", claim_request())
    stage.engine.renew_lease(lease, lease_ttl_ms=500)
    stage.operator.resume_lane(LANE)
    assert stage.reason("e") == ("eligible_now", "waiting_for_worker", "waiting")
    assert [stage.next() for _ in range(3)] == ["lost", "e", None]


def test_a_draining_lane_takes_nothing_in_and_gives_everything_out() -> None:
    stage = Stage()
    stage.create("e")
    stage.operator.drain_lane(LANE)
    with pytest.raises(LaneDraining):
        stage.create("f")
    lease = stage.work()
    stage.engine.release_execution(lease)
    assert stage.next() == "e"


def test_ceilings_of_lane_and_worker() -> None:
    """SPEC 8: live grants and leases count; a full worker is offered nothing, another one is."""
    stage = Stage()
    full(stage, "e", 0)
    for number in range(6):
        stage.create(f"e{number}")
    stage.engine.configure_lane(LANE, max_leases=3)
    stage.engine.register_worker(
        "bob", "bob-1", lanes=[LANE], capabilities=[], liveness_ttl_ms=10_000, max_leases=2
    )
    first = stage.claim("bob-1")
    assert stage.next("bob-1") == "e1"
    assert stage.next("bob-1") is None
    assert stage.next(ANN) == "e2"
    assert stage.next(ANN) is None
    assert stage.scheduler.peek(LANE, ()) == ()
    refusal = stage.scheduler.would_grant("e3", claim_request())
    assert type(refusal) is ConcurrencyLimitExceeded
    assert refusal.scope == "lane"
    assert first is not None
    assert stage.engine.withdraw_grant(first, worker_id="bob")
    assert stage.next("bob-1") == "e0"


def test_so_many_tuples_of_lanes_are_remembered_and_no_more() -> None:
    """I-64: each is judged once as long as it is remembered; who always asks for others costs no memory."""
    stage = Stage()
    for number in range(3 * MAX_REMEMBERED):
        assert stage.claim(ANN, (f"lane-{number}",)) is None
        assert len(stage.scheduler._lanes) <= MAX_REMEMBERED
