"""What another thread may do while the desk is inside a call of the engine, played from an observer."""

from __future__ import annotations

from grantcore import GrantEngine, ManualClock, Worker, events
from grantcore.driving.desk import LIMIT, Desk, Holding
from grantcore.driving.line import Ask, Waiter

ANN = Worker("ann", "ann-1", [])


def opened() -> tuple[GrantEngine, Desk]:
    engine = GrantEngine(clock=ManualClock())
    desk = Desk(engine, limit=LIMIT, wake=lambda: None)
    desk.open()
    engine.create_execution(lane_id="main", execution_id="job")
    return engine, desk


def test_who_leaves_while_its_grant_is_being_issued_leaves_none() -> None:
    engine, desk = opened()
    waiter = Waiter(Ask(ANN, ("main",), 1_000, reclaim=True), lambda: None)
    desk.join(waiter, timeout_ms=None)

    def leave(event: events.Event) -> None:
        if isinstance(event, events.GrantIssued):
            desk.leave(waiter)

    engine.subscribe(leave)
    desk.look()
    assert not waiter.is_told
    assert engine.stats().live_grants == 0
    assert engine.stats().events == 3, "created, issued, withdrawn"


def test_who_lets_go_while_its_lease_is_being_renewed_is_renewed_no_more() -> None:
    engine, desk = opened()
    lease = engine.operator("op").issue_grant_and_claim(
        "job", worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=9_000
    )
    holding = Holding(lease, 9_000, lambda: None)

    def release(event: events.Event) -> None:
        if isinstance(event, events.LeaseRenewed):
            desk.release(holding)

    engine.subscribe(release)
    desk.hold(holding)
    assert len(desk._renewals) == 0
    assert engine.leases() == (holding.lease,)


def test_an_event_between_the_last_question_and_sleep_keeps_the_driver_awake() -> None:
    """The race of the desk's essay, point 2: an event in the middle of the last look at the clock."""
    woken = 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    engine = GrantEngine(clock=ManualClock())
    desk = Desk(engine, limit=LIMIT, wake=wake)
    desk.open()
    now_ms, calls = engine.now_ms, 0

    def late() -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            engine.create_execution(lane_id="main", execution_id="job")
        return now_ms()

    engine.now_ms = late  # type: ignore[method-assign]
    assert desk.look() == 0
    assert woken == 0
    assert desk.look() is None
    engine.create_execution(lane_id="main", execution_id="job-2")
    engine.create_execution(lane_id="main", execution_id="job-3")
    assert woken == 1
