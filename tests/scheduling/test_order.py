"""Who is granted first: order, old places, kinds, the cap (SPEC 7; I-20, I-36, I-59, D-05)."""

from __future__ import annotations

from random import Random

import pytest

from grantcore import ClaimGrant, InvalidInput, ReclaimGrant, ResumeGrant, Worker, WorkerNotFound
from grantcore.events import GrantIssued, ReclaimCapReached
from grantcore.index.lazy import SLACK
from tests.scheduling.stage import ANN, LANE, Stage


def drained(stage: Stage, *args: object) -> list[str]:
    names = []
    while (name := stage.next(*args)) is not None:
        names.append(name)
    return names


def test_priority_then_creation_then_id() -> None:
    """SPEC 7: total, over all shelves, whatever order they came in."""
    chance, stage = Random(7), Stage()
    rows = []
    for number in range(300):
        name, priority = f"e{chance.randrange(10**6)}-{number}", chance.choice((-5, 0, 3, 9_000, 9_999))
        needs = [token for token in ("cpu", "gpu") if chance.random() < 0.5]
        stage.create(name, priority=priority, needs=needs)
        rows.append((-min(max(priority, 0), 9_000), stage.clock(), name))
        stage.clock.advance(chance.choice((0, 0, 1)))
    expected = [name for *_, name in sorted(rows)]
    assert list(stage.scheduler.peek(LANE, ("cpu", "gpu"), limit=1_000)) == expected
    assert list(stage.scheduler.peek(LANE, ("cpu", "gpu"), limit=1)) == expected[:1]
    assert stage.scheduler.peek("empty", ("cpu", "gpu"), limit=1) == ()
    assert drained(stage) == expected


def test_an_incompatible_head_hides_nothing() -> None:
    """I-61: it is as if it were not there."""
    stage = Stage()
    stage.create("first", needs=["gpu"], priority=9)
    stage.create("second")
    assert drained(stage, Worker("bob", "bob-1", [])) == ["second"]
    assert drained(stage) == ["first"]


def test_the_lost_go_first_at_equal_priority() -> None:
    stage = Stage()
    stage.create("old")
    stage.create("urgent", priority=1)
    stage.clock.advance(5)
    stage.lose("lost")
    assert drained(stage) == ["urgent", "lost", "old"]


def test_a_lapsed_grant_gives_the_old_place_back_at_that_very_instant() -> None:
    """I-20: no sweep, no other call in between."""
    stage = Stage()
    for name in ("a", "b"):
        stage.create(name)
    assert stage.next(ttl_ms=50) == "a"
    stage.clock.advance(49)
    assert stage.next(ttl_ms=50) == "b"
    assert stage.next() is None
    stage.clock.advance(1)
    assert stage.next() == "a"


def test_a_withdrawn_grant_of_a_lost_lease_gives_its_place_back() -> None:
    stage = Stage()
    stage.lose("lost")
    grant = stage.claim()
    assert type(grant) is ReclaimGrant
    assert stage.next() is None
    assert stage.engine.withdraw_grant(grant, worker_id="ann")
    assert stage.next() == "lost"


def test_the_kind_follows_from_the_execution() -> None:
    """SPEC 2: fresh, interrupted, lost."""
    stage = Stage()
    stage.create("e")
    grant = stage.claim()
    assert type(grant) is ClaimGrant
    assert grant.expires_at_ms == stage.clock() + 1_000
    stage.engine.release_execution(stage.take(grant))
    grant = stage.claim()
    assert type(grant) is ResumeGrant
    assert grant.lane_id == LANE
    stage.take(grant, ttl_ms=10)
    stage.clock.advance(10)
    assert stage.claim(reclaim=False) is None
    assert type(stage.claim()) is ReclaimGrant


def test_the_cap_is_met_and_passed() -> None:
    """D-05: that execution ends, and the choice goes on; credits are those of one choice."""
    stage = Stage()
    stage.lose("capped", cap=0, priority=5)
    stage.lose("lost", cap=1)
    assert stage.next(ANN, {LANE: 3}) == "lost"
    assert [type(event) for event in stage.told[-2:]] == [ReclaimCapReached, GrantIssued]
    shown = stage.engine.describe_execution("capped")
    assert shown is not None
    assert (shown.phase.value, shown.failure_reason) == ("failed", "max_reclaims_exceeded")
    stage.lose("last", cap=0)
    assert stage.next() is None
    stage.engine.check()


def test_many_are_granted_as_by_so_many_calls() -> None:
    stage, twin = Stage(), Stage()
    for world in (stage, twin):
        for number in range(5):
            world.create(f"e{number}", lane=("main", "side")[number % 2])
    lanes = {"main": 2, "side": 1}
    many = stage.scheduler.claim_many_for_worker(ANN, lanes=lanes, grant_ttl_ms=9, n=4)
    assert many == tuple(twin.claim(ANN, lanes, ttl_ms=9) for _ in range(4))
    assert stage.engine.digest() == twin.engine.digest()
    assert len(stage.scheduler.claim_many_for_worker(ANN, lanes=lanes, grant_ttl_ms=9, n=4)) == 1


def test_who_asks_must_be_known_or_say_what_it_has() -> None:
    stage = Stage()
    with pytest.raises(WorkerNotFound):
        stage.claim("nobody-1")
    stage.engine.register_worker("bob", "bob-1", lanes=[LANE], capabilities=["gpu"], liveness_ttl_ms=50)
    stage.create("e", needs=["gpu"])
    grant = stage.claim("bob-1")
    assert grant is not None
    record = stage.engine.describe_grant("e")
    assert record is not None
    assert (record.worker_id, record.worker_instance_id) == ("bob", "bob-1")
    stage.clock.advance(50)
    with pytest.raises(WorkerNotFound):
        stage.claim("bob-1")


@pytest.mark.parametrize("lanes", ["main", b"main", 5, {"main": 0}, {"main": True}, [5], ["main"] * 10_001])
def test_lanes_are_judged(lanes: object) -> None:
    """Misuse names the field (SPEC 11)."""
    with pytest.raises(InvalidInput) as caught:
        Stage().claim(ANN, lanes)  # type: ignore[arg-type]
    assert caught.value.field == "lanes"


def test_a_grant_that_would_end_beyond_time_is_refused() -> None:
    """I-52."""
    stage = Stage(start_ms=2**53 - 10)
    stage.create("e")
    with pytest.raises(InvalidInput):
        stage.claim(ttl_ms=10)
    stage.engine.check()


def test_empty_shelves_go_when_they_outnumber_the_others() -> None:
    """Finding work does not grow with what once waited (SPEC 7)."""
    stage = Stage()
    for number in range(200):
        stage.create(f"e{number}", needs=[f"t{number}"])
    able = Worker("able", "able-1", [f"t{number}" for number in range(200)])
    for _ in range(200):
        assert stage.claim(able) is not None
    assert stage.next(able) is None
    assert len(list(stage.engine._indexes.waiting.shelves())) <= SLACK
    stage.wait(1_000)
    assert stage.next(able) == "e0"
    stage.engine.check()
