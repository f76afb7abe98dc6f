"""Why an execution is not running, as data and as text (SPEC 7)."""

from __future__ import annotations

from typing import Any

import pytest

from grantcore import ExecutionNotFound, Explanation, GrantRecord, Lease
from tests.scheduling.stage import LANE, Stage


def stage_with_limits() -> Stage:
    stage = Stage()
    stage.engine.create_quota_policy("api", max_concurrent=1, max_requests_per_window=2, window_ms=500)
    stage.engine.create_budget("money", hard_limits={"usd": 5}, reset_interval_ms=700)
    return stage


def metered(stage: Stage, name: str, **given: Any) -> None:
    stage.create(name, quota_policy_id="api", budget_ids=["money"], **given)


def told(explanation: Explanation) -> list[tuple[str, int | None]]:
    return [(obstacle.reason, obstacle.ends_at_ms) for obstacle in explanation.obstacles]


def test_nothing_is_in_the_way() -> None:
    stage = Stage()
    stage.create("e")
    explanation = stage.engine.explain("e")
    assert (explanation.obstacles, explanation.next_change) == ((), None)
    assert str(explanation) == "e in lane main is eligible (waiting) at 1000: it may be granted"


def test_an_unknown_one() -> None:
    with pytest.raises(ExecutionNotFound):
        Stage().engine.explain("nobody")


def test_who_holds_the_grant_and_until_when() -> None:
    stage = Stage()
    stage.create("e")
    stage.claim()
    explanation = stage.engine.explain("e")
    assert told(explanation) == [("granted", 2_000)]
    assert type(explanation.grant) is GrantRecord
    assert str(explanation) == (
        "e in lane main is eligible (waiting) at 1000:\n"
        "  worker ann (ann-1) may take it (until 2000)\n"
        "  next: its grant lapses at 2000"
    )


def test_who_holds_the_lease_and_until_when() -> None:
    stage = Stage()
    stage.create("e")
    lease = stage.work()
    explanation = stage.engine.explain("e")
    assert told(explanation) == [("leased", 2_000)]
    assert type(explanation.lease) is Lease
    assert explanation.lease == lease
    assert (explanation.next_change, explanation.next_change_at_ms) == ("its lease lapses", 2_000)


def test_delays_orders_and_ends() -> None:
    stage = Stage()
    stage.create("late", delay_until_ms=5_000, deadline_at_ms=4_000)
    late = stage.engine.explain("late")
    assert told(late) == [("waiting_for_delay", 5_000)]
    assert (late.next_change, late.next_change_at_ms) == ("its deadline passes", 4_000)
    stage.create("blocked")
    stage.operator.block("blocked", detail="wait for Monday")
    blocked = stage.engine.explain("blocked")
    assert [str(obstacle) for obstacle in blocked.obstacles] == ["wait for Monday"]
    stage.operator.block("blocked", reason="waiting_for_quota")
    assert str(stage.engine.explain("blocked").obstacles[0]) == "waiting_for_quota"
    stage.engine.cancel_execution("blocked", reason="r")
    ended = stage.engine.explain("blocked")
    assert str(ended.obstacles[0]) == "it has ended: cancelled"
    assert ended.next_change == "it is purged"


def test_what_is_suspended_and_when_that_times_out() -> None:
    stage = Stage()
    stage.create("e")
    stage.engine.suspend_execution(stage.work(), reason_code="waiting_for_approval", timeout_at_ms=4_000)
    assert str(stage.engine.explain("e")) == (
        "e in lane main is suspended (suspended) at 1000:\n"
        "  suspended: awaiting waiting_for_approval (until 4000)\n"
        "  next: its suspension times out at 4000"
    )
    stage.engine.resume_execution("e")
    stage.engine.suspend_execution(stage.work(), reason_code="manual_pause")
    explanation = stage.engine.explain("e")
    assert told(explanation) == [("paused_by_operator", None)]
    assert explanation.next_change is None


def test_a_suspension_and_its_end() -> None:
    stage = Stage()
    stage.create("e")
    lease = stage.work()
    stage.engine.suspend_execution(lease, reason_code="waiting_for_approval", timeout_at_ms=9_000)
    assert str(stage.engine.explain("e")) == (
        "e in lane main is suspended (suspended) at 1000:\n"
        "  suspended: awaiting waiting_for_approval (until 9000)\n"
        "  next: its suspension times out at 9000"
    )


def test_which_quota_and_when_it_frees() -> None:
    stage = stage_with_limits()
    for number in range(3):
        metered(stage, f"e{number}")
    grant = stage.claim()
    assert told(stage.engine.explain("e1")) == [("waiting_for_quota", None)]
    stage.engine.complete_execution(stage.take(grant))
    stage.clock.advance(100)
    stage.engine.complete_execution(stage.work())
    explanation = stage.engine.explain("e2")
    assert told(explanation) == [("waiting_for_quota", 1_500)]
    assert str(explanation) == (
        "e2 in lane main is eligible (rate_limited) at 1100:\n"
        "  quota api: 2 of 2 grants in 500 ms are out (until 1500)\n"
        "  next: its shelf opens at 1500"
    )
    assert stage.engine.next_deadline_ms() == 1_500
    stage.clock.set(1_500)
    assert stage.next() == "e2"


def test_which_budget_and_when_it_is_reset() -> None:
    stage = stage_with_limits()
    metered(stage, "e")
    stage.engine.report_usage("money", {"usd": 5})
    explanation = stage.engine.explain("e")
    assert explanation.public_state == "rate_limited"
    assert [str(obstacle) for obstacle in explanation.obstacles] == ["used up: budget money (until 1700)"]
    assert (explanation.next_change, explanation.next_change_at_ms) == ("its shelf opens", 1_700)
    assert stage.engine.next_deadline_ms() == 1_700
    stage.clock.set(1_700)
    assert stage.reason("e")[0] == "eligible_now"
    assert stage.engine.next_deadline_ms() is None


def test_everything_at_once() -> None:
    """All closers are told; what no time heals leaves no next change."""
    stage = stage_with_limits()
    metered(stage, "e", needs=["gpu", "ssd"])
    metered(stage, "running")
    stage.operator.issue_grant_and_claim(
        "running", worker_id="w", worker_instance_id="w-1", lease_ttl_ms=10_000
    )
    stage.engine.report_usage("money", {"usd": 5})
    stage.engine.configure_lane(LANE, max_leases=1)
    stage.operator.pause_lane(LANE)
    for name, has in (("ann", ["gpu"]), ("bob", ["gpu", "more"])):
        stage.engine.register_worker(name, f"{name}-1", lanes=[LANE], capabilities=has, liveness_ttl_ms=9_000)
    explanation = stage.engine.explain("e")
    assert explanation.missing == {"ann-1": ("ssd",), "bob-1": ("ssd",)}
    assert explanation.next_change is None
    assert str(explanation) == (
        "e in lane main is eligible (waiting) at 1000:\n"
        "  lane main is paused\n"
        "  used up: budget money (until 1700)\n"
        "  quota api: 1 of 1 slots are taken\n"
        "  lane main has 1 of 1 leases out\n"
        "  no live worker of the lane has all of gpu, ssd\n"
        "  ann-1 lacks ssd\n"
        "  bob-1 lacks ssd"
    )
    assert stage.engine.next_deadline_ms() == 10_000


def test_a_closed_shelf_that_nobody_stands_on_opens_for_nobody() -> None:
    """SPEC 3: only the opening of a shelf with waiting members is a change."""
    stage = stage_with_limits()
    metered(stage, "e")
    stage.engine.report_usage("money", {"usd": 5})
    stage.engine.cancel_execution("e", reason="r")
    stage.engine.purge_execution("e")
    assert stage.engine.next_deadline_ms() is None


def test_a_shelf_that_no_worker_can_empty_does_not_open() -> None:
    """SPEC 7: no live registered worker can, alone, run it."""
    stage = stage_with_limits()
    metered(stage, "e", needs=["gpu"])
    stage.engine.report_usage("money", {"usd": 5})
    assert stage.engine.next_deadline_ms() == 1_700
    stage.engine.register_worker("ann", "ann-1", lanes=[LANE], capabilities=[], liveness_ttl_ms=9_000)
    assert stage.engine.next_deadline_ms() == 10_000


def test_a_lost_one_is_explained_by_its_own_shelf() -> None:
    """A reclaim grant counts for no rate, and its state vector stays that of a lost lease (I-32)."""
    stage = stage_with_limits()
    stage.lose("lost", quota_policy_id="api", budget_ids=["money"])
    assert stage.engine.explain("lost").obstacles == ()
    stage.engine.report_usage("money", {"usd": 5})
    explanation = stage.engine.explain("lost")
    assert told(explanation) == [("waiting_for_budget", 1_700)]
    assert explanation.public_state == "active"
    assert explanation.lease is not None
    assert stage.reason("lost") == ("not_applicable", "waiting_for_worker", "active")
