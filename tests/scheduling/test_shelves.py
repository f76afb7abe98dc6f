"""The index of the waiting and the lost: lines, shelves, bounds; the dry run (SPEC 7; I-34, I-64)."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from grantcore import (
    CapabilityMismatch,
    ClaimGrant,
    ExecutionNotEligible,
    ExecutionNotFound,
    ExecutionNotInEligibleSet,
    ExecutionNotReclaimable,
    InvalidInput,
    IssueClaimGrantRequest,
    LimitExceeded,
    UseClaimResumedExecution,
)
from grantcore.index.lazy import room
from grantcore.index.waiting import MAX_REMEMBERED
from tests.life.stage import claim_request, reclaim_request
from tests.scheduling.stage import LANE, Stage


def waiting(stage: Stage) -> Any:
    stage.engine.check()
    return stage.engine._indexes.waiting


@pytest.mark.parametrize("aging_ms", [None, 10])
def test_a_place_is_found_again_however_often_it_is_left(aging_ms: int | None) -> None:
    """I-64: lapses, changes of priority and releases leave a bounded number of entries behind."""
    chance, stage = Random(3), Stage(observed=False)
    stage.engine.configure_lane(LANE, aging_ms_per_point=aging_ms)
    names = [stage.create(f"e{n}", priority=n % 3) for n in range(30)]
    for _ in range(2_000):
        name = chance.choice(names)
        grant = stage.engine.describe_grant(name)
        if chance.random() < 0.5 and grant is None:
            stage.engine.change_priority(name, chance.randrange(5))
        elif grant is None and chance.random() < 0.5:
            stage.claim(ttl_ms=2)
        stage.clock.advance(chance.choice((0, 1)))
    index = waiting(stage)
    assert index.entries <= room(30)
    assert len({priority for shelf in index.shelves() for priority in shelf.lines}) <= 5


def test_empty_lines_go_when_a_lower_one_is_served() -> None:
    stage = Stage()
    for priority in range(50):
        stage.create(f"e{priority}", priority=priority)
    for priority in reversed(range(50)):
        assert stage.next() == f"e{priority}"
    (shelf,) = waiting(stage).shelves()
    assert list(shelf.lines) == [0]
    assert len(waiting(stage).lines) == 1


def test_an_execution_of_another_life_is_no_member() -> None:
    """A purged namesake, even of the same instant, has no claim to the place."""
    stage = Stage()
    stage.create("a")
    stage.create("b")
    assert stage.scheduler.peek(LANE, ()) == ("a", "b")
    stage.engine.cancel_execution("a", reason="r")
    stage.engine.purge_execution("a")
    stage.create("a", priority=0)
    assert stage.scheduler.peek(LANE, ()) == ("a", "b")
    assert [stage.next() for _ in range(3)] == ["a", "b", None]
    stage.engine.check()


def test_executions_that_differ_in_other_ways_share_a_shelf() -> None:
    stage = Stage()
    for name, kind in (("a", "x"), ("b", "y"), ("c", "z")):
        stage.create(name, execution_kind=kind)
    assert stage.scheduler.peek(LANE, ()) == ("a", "b", "c")
    (shelf,) = waiting(stage).shelves()
    assert len(shelf.specs) == 3


def test_the_limit_on_shelves_binds_creation_only() -> None:
    """SPEC 11: fresh requirement sets are refused; what was lost or interrupted always finds its shelf."""
    stage = Stage(max_shelves_per_lane=2)
    stage.create("a", needs=["cpu"])
    stage.create("b", needs=["gpu"])
    lease = stage.work()
    stage.engine.release_execution(lease)
    stage.wait(0)
    stage.take(stage.claim(), ttl_ms=5)
    stage.wait(5)
    stage.engine.cancel_execution("b", reason="r")
    stage.create("c", needs=["ssd"])
    stage.create("d", needs=["cpu", "ssd"])
    with pytest.raises(LimitExceeded):
        stage.create("e", needs=["other"])
    assert [stage.next() for _ in range(4)] == ["a", "c", "d", None]
    stage.engine.check()


def test_which_shelves_fit_is_remembered_for_so_many_sets_only() -> None:
    """A caller with ever new sets of tokens costs no memory."""
    stage = Stage()
    stage.create("e")
    for number in range(3 * MAX_REMEMBERED):
        assert stage.scheduler.peek(LANE, [f"t{number}"]) == ("e",)
    (aisle,) = waiting(stage).aisles.values()
    assert len(aisle._fitting) <= MAX_REMEMBERED


# -- the dry run -------------------------------------------------------------------------------


def refused(stage: Stage, name: str, request: Any) -> str | None:
    digest, told = stage.engine.digest(), len(stage.told)
    refusal = stage.scheduler.would_grant(name, request)
    assert (stage.engine.digest(), len(stage.told)) == (digest, told)
    return None if refusal is None else type(refusal).__name__


def test_would_grant_names_the_refusal_and_changes_nothing() -> None:
    """SPEC 7."""
    stage = Stage()
    stage.create("e", needs=["gpu"])
    assert refused(stage, "e", claim_request(capabilities=["gpu"])) is None
    assert refused(stage, "e", claim_request(capabilities=[])) == CapabilityMismatch.__name__
    assert refused(stage, "e", claim_request(lane_id="side")) == ExecutionNotInEligibleSet.__name__
    assert refused(stage, "e", reclaim_request()) == ExecutionNotReclaimable.__name__
    stage.engine.release_execution(stage.work())
    stage.wait(0)
    assert refused(stage, "e", claim_request()) is None, "it would be a resume grant"
    with pytest.raises(UseClaimResumedExecution):
        stage.engine.issue_claim_grant("e", claim_request())
    stage.work(ttl_ms=5)
    assert refused(stage, "e", claim_request()) == ExecutionNotEligible.__name__
    stage.wait(5)
    assert refused(stage, "e", reclaim_request()) is None
    assert refused(stage, "e", reclaim_request(capabilities=["cpu"])) == CapabilityMismatch.__name__
    assert refused(stage, "e", reclaim_request(lane_id="side")) == ExecutionNotInEligibleSet.__name__


def test_would_grant_at_the_cap_ends_nobody() -> None:
    stage = Stage()
    stage.lose("e", cap=0)
    assert refused(stage, "e", reclaim_request()) == ExecutionNotReclaimable.__name__
    assert stage.engine.list_expired_leases().entries


def test_would_grant_judges_what_it_is_given() -> None:
    stage = Stage()
    with pytest.raises(ExecutionNotFound):
        stage.scheduler.would_grant("nobody", claim_request())
    stage.create("e")
    with pytest.raises(InvalidInput):
        stage.scheduler.would_grant("e", claim_request(ttl_ms=60_001))
    with pytest.raises(InvalidInput):
        stage.scheduler.would_grant("e", ClaimGrant("e", 5))  # type: ignore[arg-type]


def test_the_refusal_holds_nothing_of_the_engine() -> None:
    """I-62: no frame of a call."""
    stage = Stage()
    stage.create("e", needs=["gpu"])
    stage.operator.pause_lane(LANE)
    request = IssueClaimGrantRequest(worker_id="w", worker_instance_id="w-1", lane_id=LANE, grant_ttl_ms=5)
    refusal = stage.scheduler.would_grant("e", request)
    assert refusal is not None
    assert refusal.__traceback__ is None


def test_what_is_staged_is_seen_by_whoever_looks() -> None:
    """New executions are put into their place when somebody looks, if they are still there."""
    stage = Stage(observed=False)
    stage.engine.create_quota_policy("q", max_concurrent=1)
    names = [stage.engine.create_execution(lane_id=LANE).execution_id for _ in range(5)]
    stage.engine.cancel_execution(names[1], reason="r")
    stage.engine.register_worker("w", "w-1", lanes=[LANE], capabilities=[], liveness_ttl_ms=9_000)
    assert stage.scheduler.unmatched(LANE) == ()
    names += [stage.engine.create_execution(lane_id=LANE).execution_id for _ in range(5)]
    del names[1]
    assert stage.scheduler.peek(LANE, ()) == tuple(names)
    assert [stage.next() for _ in range(10)] == [*names, None]
    stage.engine.check()
