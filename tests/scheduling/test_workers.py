"""Who can run what: executions that no live worker can, alone, run (SPEC 7, 8; I-60)."""

from __future__ import annotations

from tests.life.stage import claim_request
from tests.scheduling.stage import LANE, Stage

OPEN = ("eligible_now", "waiting_for_worker", "waiting")
NOBODY = ("blocked_by_route", "waiting_for_capable_worker", "waiting")


def register(
    stage: Stage, name: str, *has: str, ttl_ms: int = 1_000, lanes: tuple[str, ...] = (LANE,)
) -> None:
    stage.engine.register_worker(name, f"{name}-1", lanes=lanes, capabilities=has, liveness_ttl_ms=ttl_ms)


def test_it_is_only_asked_where_workers_are_registered() -> None:
    """SPEC 7: a host that registers nobody says what each worker has."""
    stage = Stage()
    stage.create("e", needs=["gpu"])
    register(stage, "other", lanes=("other",))
    assert stage.reason("e") == OPEN
    assert stage.scheduler.unmatched(LANE) == ()
    assert stage.scheduler.unmatched("empty") == ()


def test_offered_the_moment_one_registers_that_can() -> None:
    """I-60, and two half-capable workers do not count."""
    stage = Stage()
    stage.create("e", needs=["gpu", "ssd"])
    stage.create("easy")
    register(stage, "ann", "gpu")
    register(stage, "bob", "ssd")
    assert stage.reason("e") == NOBODY
    assert stage.reason("easy") == OPEN
    assert stage.scheduler.unmatched(LANE) == ("e",)
    shown = stage.engine.describe_execution("e")
    assert shown is not None
    assert shown.blocking_detail == "no live worker of the lane has all of gpu, ssd"
    stage.create("too", needs=["gpu", "ssd"])
    listed = {entry.execution_id: entry.blocking_reason for entry in stage.engine.list_executions().entries}
    assert listed.pop("easy") == "waiting_for_worker"
    assert listed == dict.fromkeys(("e", "too"), "waiting_for_capable_worker")
    assert stage.scheduler.unmatched(LANE) == ("e", "too")
    stage.engine.cancel_execution("too", reason="r")
    told = len(stage.told)
    register(stage, "carl", "gpu", "more", "ssd")
    assert [type(event).__name__ for event in stage.told[told:]] == ["WorkerRegistered"]
    assert stage.scheduler.unmatched(LANE) == ()
    assert stage.reason("e") == OPEN
    assert stage.next("carl-1") == "e"


def test_when_the_only_one_falls_silent_or_dies() -> None:
    stage = Stage()
    stage.create("e", needs=["gpu"])
    register(stage, "ann")
    register(stage, "carl", "gpu", ttl_ms=50)
    stage.clock.advance(49)
    assert stage.reason("e") == OPEN
    stage.clock.advance(1)
    assert stage.reason("e") == NOBODY
    register(stage, "carl", "gpu")
    assert stage.reason("e") == OPEN
    stage.engine.mark_worker_dead("carl-1", reason="r")
    assert stage.reason("e") == NOBODY


def test_an_issue_whose_own_capabilities_suffice_is_granted() -> None:
    """SPEC 7: this reason is for display only; a granted execution is not shown as blocked."""
    stage = Stage()
    stage.create("e", needs=["gpu"])
    register(stage, "ann")
    assert stage.scheduler.would_grant("e", claim_request(capabilities=["gpu"])) is None
    stage.engine.issue_claim_grant("e", claim_request(capabilities=["gpu"]))
    assert stage.reason("e") == OPEN
    assert stage.scheduler.unmatched(LANE) == ()


def test_lost_ones_are_unmatched_too() -> None:
    stage = Stage()
    stage.lose("lost", needs=["gpu"])
    stage.create("urgent", needs=["gpu"], priority=3)
    register(stage, "ann")
    assert stage.scheduler.unmatched(LANE) == ("urgent", "lost")
