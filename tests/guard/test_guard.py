"""FenceGuard: a resource refuses whoever comes with a lower epoch than it has seen (SPEC 5; I-02)."""

from __future__ import annotations

import threading
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantcore import (
    Fence,
    FenceGuard,
    FenceRequired,
    Granted,
    GrantEngine,
    InvalidInput,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    LimitExceeded,
    ManualClock,
    StaleLease,
)

LANE: Final = "main"


def held(epoch: int, execution_id: str = "job") -> Fence:
    return Fence(execution_id, lease_epoch=epoch)


def ask(kind: type[Any], worker: str) -> Any:
    return kind(worker_id=worker, worker_instance_id=worker, lane_id=LANE, grant_ttl_ms=1000)


def late_and_current() -> tuple[Lease, Lease]:
    """The README's story: ann stalls, bob takes over."""
    clock = ManualClock()
    engine = GrantEngine(clock=clock)
    engine.create_execution(lane_id=LANE, execution_id="job")
    terms: dict[str, Any] = {"lease_ttl_ms": 1000}
    grant = engine.issue_claim_grant("job", ask(IssueClaimGrantRequest, "ann"))
    slow = engine.take(grant, worker_id="ann", worker_instance_id="ann", **terms)
    clock.advance(5000)
    granted = engine.issue_reclaim_grant("job", ask(IssueReclaimGrantRequest, "bob"))
    assert isinstance(granted, Granted)
    return slow, engine.take(granted.grant, worker_id="bob", worker_instance_id="bob", **terms)


def test_the_late_worker_of_the_readme_writes_nothing() -> None:
    slow, fast = late_and_current()
    guard, rows = FenceGuard(), []
    with guard.writing(slow):
        rows.append("half")
    with guard.writing(fast):
        rows.append("right")
    with pytest.raises(StaleLease) as refused, guard.writing(slow):
        rows.append("late")
    assert refused.value.current_epoch == fast.lease_epoch
    assert rows == ["half", "right"]


def test_without_the_guard_the_late_worker_would_have_written() -> None:
    """The story can go wrong: it is the guard that prevents it."""
    slow, fast = late_and_current()
    rows: list[str] = []
    for lease, text in ((fast, "right"), (slow, "late")):
        assert lease.lease_epoch
        rows.append(text)
    assert rows[-1] == "late"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5))))
def test_a_write_passes_exactly_if_no_higher_epoch_of_its_execution_was_seen(
    writes: list[tuple[str, int]],
) -> None:
    guard, model = FenceGuard(), dict[str, int]()
    for execution_id, epoch in writes:
        if epoch >= model.get(execution_id, 0):
            guard.admit(held(epoch, execution_id))
            model[execution_id] = epoch
        else:
            with pytest.raises(StaleLease) as refused:
                guard.admit(held(epoch, execution_id))
            assert refused.value.current_epoch == model[execution_id]
        assert guard.epoch(execution_id) == model[execution_id]


def test_a_failed_write_was_seen() -> None:
    guard = FenceGuard()
    with pytest.raises(OSError, match="full"), guard.writing(held(2)):
        raise OSError("full")
    with pytest.raises(StaleLease):
        guard.admit(held(1))


# -- memory --------------------------------------------------------------------------------------


def test_a_full_guard_refuses_new_executions_and_forgets_none() -> None:
    guard = FenceGuard(max_executions=1)
    guard.admit(held(3, "old"))
    with pytest.raises(LimitExceeded) as refused:
        guard.admit(held(1, "new"))
    assert refused.value.limit == "max_executions"
    guard.admit(held(4, "old"))
    assert (guard.epoch("old"), guard.epoch("new")) == (4, None)


def test_forgetting_makes_room() -> None:
    guard = FenceGuard(max_executions=1)
    guard.admit(held(3, "old"))
    assert guard.forget("old")
    assert not guard.forget("old")
    guard.admit(held(1, "new"))


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("epoch", [-1, True, 1.0, "1", 2**53])
def test_a_malformed_epoch_is_refused_and_not_seen(epoch: Any) -> None:
    guard = FenceGuard()
    with pytest.raises(InvalidInput) as refused:
        guard.admit(held(epoch))
    assert refused.value.field == "lease.lease_epoch"
    assert guard.epoch("job") is None


def test_a_missing_epoch_is_refused() -> None:
    with pytest.raises(FenceRequired):
        FenceGuard().admit(Fence("job", lease_id="l"))


@pytest.mark.parametrize("execution_id", ["", " ", None, 5, "\ud800", "x" * 257])
def test_a_malformed_id_is_refused(execution_id: Any) -> None:
    guard = FenceGuard()
    for call in (guard.epoch, guard.forget, lambda bad: guard.admit(held(1, bad))):
        with pytest.raises(InvalidInput, match="execution_id"):
            call(execution_id)


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, None, 2**31])
def test_a_malformed_limit_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        FenceGuard(max_executions=limit)
    assert refused.value.field == "max_executions"


# -- threads -------------------------------------------------------------------------------------


def another_may_enter(guard: FenceGuard) -> bool:
    """Whether a thread that asked now would not have to wait."""
    entered: list[bool] = []

    def enter() -> None:
        entered.append(guard._lock.acquire(blocking=False))
        if entered[0]:
            guard._lock.release()

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return entered[0]


def test_nobody_gets_between_check_and_write() -> None:
    guard = FenceGuard()
    with guard.writing(held(1)):
        assert not another_may_enter(guard)
    assert another_may_enter(guard)


def test_a_writer_may_ask_its_guard_again() -> None:
    guard = FenceGuard()
    with guard.writing(held(1)), guard.writing(held(1, "other")):
        guard.admit(held(2))
    assert (guard.epoch("job"), guard.epoch("other")) == (2, 1)
