"""What is listed: pages that lose and repeat nothing, leases by end and by instance, batches (SPEC 8, 9)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest

from grantcore import (
    ExecutionNotFound,
    Fence,
    GrantEngine,
    InvalidInput,
    Lease,
    LeaseLost,
    LeaseRevoked,
    Phase,
    Revoked,
    Scheduler,
    StaleLease,
)
from tests.life.stage import JOB, LANE, START_MS, STRICT, Stage

WRONG: Final = (True, 0, -1, 1.0, "5", None, 2**60)


# -- executions ----------------------------------------------------------------------------------


def _crowd(stage: Stage, count: int = 25) -> list[str]:
    """Ids in the order of the list: by instant, then by id; several at each instant."""
    names = []
    for i in range(count):
        names.append((stage.now, f"x{(i * 7) % count:03}"))
        stage.create(names[-1][1], lane_id=LANE if i % 2 else "other")
        stage.clock.advance(int(i % 3 == 2))
    return [name for _, name in sorted(names)]


@pytest.mark.parametrize(
    ("listing", "limit"),
    [
        (GrantEngine.list_executions, 1_000),
        (GrantEngine.list_expired_leases, 1_000),
        (GrantEngine.list_workers, 1_000),
        (Scheduler.peek, 100),
    ],
)
def test_how_long_a_page_is_if_nobody_says(listing: Callable[..., object], limit: int) -> None:
    """SPEC 8, 9."""
    assert inspect.signature(listing).parameters["limit"].default == limit


def _pages(stage: Stage, limit: int, **given: Any) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = stage.engine.list_executions(limit=limit, after=after, **given)
        assert len(page.entries) <= limit
        found += [entry.execution_id for entry in page.entries]
        if page.next is None:
            return found
        assert len(page.entries) == limit
        after = page.next


@pytest.mark.parametrize("limit", [1, 2, 7, 24, 25, 26, 100_000])
def test_pages_join_to_the_whole_list(limit: int) -> None:
    stage = Stage()
    names = _crowd(stage)
    assert _pages(stage, limit) == names
    others = [name for name in names if stage.look(name).lane_id == "other"]
    assert _pages(stage, limit, lane_id="other") == others
    stage.cancel(names[3])
    stage.cancel(names[11])
    assert _pages(stage, limit, phase=Phase.CANCELLED) == [names[3], names[11]]


def test_nothing_is_lost_or_repeated_while_things_change() -> None:
    """Those that are there all the time come exactly once, whatever is created, changed, purged between."""
    stage = Stage()
    names = _crowd(stage)
    stay = set(names[::2])
    found: list[str] = []
    after = None
    for turn in range(1_000):
        page = stage.engine.list_executions(limit=3, after=after)
        found += [entry.execution_id for entry in page.entries]
        after = page.next
        if after is None:
            break
        gone = names[(2 * turn + 1) % len(names)]
        if stage.phase(gone) is Phase.ELIGIBLE:
            stage.cancel(gone)
            stage.engine.purge_execution(gone)
        stage.create(f"new-{turn}")
        stage.engine.change_priority(names[0], turn)
    assert len(found) == len(set(found))
    assert stay <= set(found)
    assert [name for name in found if name in stay] == [name for name in names if name in stay]


def test_a_cursor_outlives_what_it_stands_on() -> None:
    stage = Stage()
    names = _crowd(stage, 6)
    page = stage.engine.list_executions(limit=2)
    for name in names[:3]:
        stage.cancel(name)
        stage.engine.purge_execution(name)
    assert [entry.execution_id for entry in stage.engine.list_executions(after=page.next).entries] == names[
        3:
    ]


@pytest.mark.parametrize("limit", [value for value in WRONG if value is not None] + [100_001])
def test_a_malformed_limit_is_refused(limit: Any) -> None:
    stage = Stage()
    assert stage.refuses(InvalidInput, lambda: stage.engine.list_executions(limit=limit)).field == "limit"
    assert stage.refuses(InvalidInput, lambda: stage.engine.list_expired_leases(limit=limit)).field == "limit"


@pytest.mark.parametrize(
    "after", ["", "x", "5", ":", "5:", ":a", "-5:a", "1" * 17 + ":a", "٣:a", 5, True, b"5:a"]
)
def test_a_malformed_cursor_is_refused(after: Any) -> None:
    stage = Stage()
    assert stage.refuses(InvalidInput, lambda: stage.engine.list_executions(after=after)).field == "after"
    assert stage.refuses(InvalidInput, lambda: stage.engine.list_expired_leases(after=after)).field == "after"


def test_a_phase_is_a_phase() -> None:
    stage = Stage()
    stage.refuses(InvalidInput, lambda: stage.engine.list_executions(phase="leased"))  # type: ignore[arg-type]


# -- lost leases ---------------------------------------------------------------------------------


def _losses(stage: Stage, count: int = 9) -> list[str]:
    """Lapsed and revoked in turn; the order in which they ended is not that of creation."""
    for i in range(count):
        stage.create(f"x{i}", required_capabilities=("gpu",))
        stage.claim(f"x{i}", worker=f"w{i % 3}", ttl_ms=100 - 10 * i)
    ended = []
    for i in reversed(range(count)):
        if i % 2:
            stage.revoke(f"x{i}")
            ended.append(f"x{i}")
    lapsed = [f"x{i}" for i in reversed(range(count)) if not i % 2]
    stage.wait(100)
    return ended + lapsed


@pytest.mark.parametrize("limit", [1, 2, 4, 9, 10])
def test_lost_leases_are_listed_in_the_order_they_ended(limit: int) -> None:
    stage = Stage()
    wanted = _losses(stage)
    found = []
    after = None
    while True:
        page = stage.engine.list_expired_leases(limit=limit, after=after)
        found += list(page.entries)
        after = page.next
        if after is None:
            break
    assert [entry.execution_id for entry in found] == wanted
    assert [entry.ended_at_ms for entry in found] == sorted(entry.ended_at_ms for entry in found)
    assert {entry.cause for entry in found} == {"expired", "revoked"}
    first = found[0]
    assert (first.lane_id, first.required_capabilities) == (LANE, ("gpu",))
    assert (first.lease.execution_id, first.lease.worker_instance_id) == ("x7", "w1-1")


def test_the_list_of_lost_leases_is_only_appended_to() -> None:
    """Between pages one is taken over, one cancelled, one lost again: it comes again, at the end."""
    stage = Stage()
    wanted = _losses(stage)
    page = stage.engine.list_expired_leases(limit=3)
    seen = [entry.execution_id for entry in page.entries]
    stage.claim(wanted[0])
    stage.revoke(wanted[0])
    stage.cancel(wanted[4])
    rest = stage.engine.list_expired_leases(after=page.next)
    assert [entry.execution_id for entry in rest.entries] == [*wanted[3:4], *wanted[5:], wanted[0]]
    assert seen == wanted[:3]


def test_lost_leases_as_of_an_instant() -> None:
    """Half-open: what ends at the instant has ended."""
    stage = Stage()
    stage.create()
    stage.claim(ttl_ms=10)
    stage.wait(50)
    for as_of_ms, count in ((START_MS + 9, 0), (START_MS + 10, 1), (START_MS + 11, 1), (0, 0)):
        assert len(stage.engine.list_expired_leases(as_of_ms=as_of_ms).entries) == count


def test_a_lease_that_was_taken_over_or_ended_is_listed_no_more() -> None:
    stage = Stage(policy=STRICT)
    stage.create()
    stage.claim()
    stage.lapse()
    assert stage.engine.stats().waiting_for_reclaim == 1
    stage.claim(worker="heir")
    assert stage.engine.list_expired_leases().entries == ()
    stage.revoke()
    stage.cancel()
    assert stage.engine.list_expired_leases().entries == ()
    assert stage.engine.stats().waiting_for_reclaim == 0


# -- current leases ------------------------------------------------------------------------------


def _held(stage: Stage, ends: dict[str, int], worker: str = "w") -> None:
    for name, ttl_ms in ends.items():
        stage.create(name)
        stage.claim(name, worker=worker, ttl_ms=ttl_ms)


def test_leases_are_listed_by_end_then_id() -> None:
    stage = Stage()
    _held(stage, {"c": 30, "a": 30, "b": 10})
    _held(stage, {"d": 20}, worker="v")
    assert [lease.execution_id for lease in stage.engine.leases()] == ["b", "d", "a", "c"]
    assert [lease.execution_id for lease in stage.engine.leases(worker_instance_id="w-1")] == ["b", "a", "c"]
    assert stage.engine.leases(worker_instance_id="nobody") == ()
    stage.clock.advance(10)
    assert [lease.execution_id for lease in stage.engine.leases()] == ["d", "a", "c"]


def test_leases_expiring_within_are_those_that_end_before_now_plus_ms() -> None:
    """``now <= end < now + ms``; a renewed one counts by its new end."""
    stage = Stage()
    _held(stage, {"b": 100, "a": 100, "c": 101, "d": 5_000})

    def soon(ms: int) -> list[str]:
        return [lease.execution_id for lease in stage.engine.leases_expiring_within(ms)]

    assert soon(0) == []
    assert soon(100) == []
    assert soon(101) == ["a", "b"]
    assert soon(102) == ["a", "b", "c"]
    stage.renew(50)
    assert soon(51) == ["d"]
    assert soon(2**53 - 1) == ["d", "a", "b", "c"]
    for wrong in (-1, True, 1.0, 2**53):
        assert stage.refuses(InvalidInput, lambda wrong=wrong: soon(wrong)).field == "ms"  # type: ignore[misc]


def test_renewing_many_fences_each_by_itself_in_order() -> None:
    stage = Stage()
    _held(stage, {"a": 100, "b": 100, "c": 100})
    a, b, c = stage.engine.leases()
    stage.revoke("b")
    old = Fence("c", c.lease_id, c.lease_epoch + 1, c.attempt_id)
    answers = stage.engine.renew_leases([a, b, old, Fence("nobody", "x", 1, "y"), c], lease_ttl_ms=500)
    assert [type(answer) for answer in answers] == [Lease, LeaseLost, LeaseLost, LeaseLost, Lease]
    errors = [type(answer.error) for answer in answers if isinstance(answer, LeaseLost)]
    assert errors == [LeaseRevoked, StaleLease, ExecutionNotFound]
    assert [lease.expires_at_ms for lease in stage.engine.leases()] == [START_MS + 500] * 2
    assert stage.engine.renew_leases([], lease_ttl_ms=5) == ()


def test_one_malformed_fence_refuses_the_whole_batch() -> None:
    stage = Stage()
    _held(stage, {"a": 100})
    (lease,) = stage.engine.leases()
    for leases in ([lease, 5], [lease, None], "ab", {"a": lease}, 5):
        renew: Any = stage.engine.renew_leases
        error = stage.refuses(InvalidInput, partial(renew, leases, lease_ttl_ms=5))
        assert error.field.startswith("leases")


def test_an_endless_batch_is_refused() -> None:
    stage = Stage()
    _held(stage, {"a": 100})
    (lease,) = stage.engine.leases()
    endless = iter(lambda: lease, None)
    assert (
        stage.refuses(InvalidInput, lambda: stage.engine.renew_leases(endless, lease_ttl_ms=5)).field
        == "leases"
    )


# -- the operator --------------------------------------------------------------------------------


def test_all_leases_of_an_instance_are_revoked_in_the_order_they_would_have_ended() -> None:
    """One commit each; those of others stay; a second time there is nothing to do."""
    stage = Stage()
    _held(stage, {"c": 30, "a": 30, "b": 10})
    _held(stage, {"d": 20}, worker="v")
    epochs = {lease.execution_id: lease for lease in stage.engine.leases()}
    answers = stage.operator.revoke_leases_of("w-1", reason="dead")
    assert answers == tuple(Revoked(name, epochs[name].lease_id, 1) for name in ("b", "a", "c"))
    assert [event.operator for event in stage.told[-3:]] == ["boss"] * 3
    assert stage.phase("d") is Phase.LEASED
    with stage.unchanged():
        assert stage.operator.revoke_leases_of("w-1", reason="dead") == ()
    stage.claim("a", worker="w")
    assert [answer.lease_epoch for answer in stage.operator.revoke_leases_of("w-1", reason="dead")] == [2]


def test_revoking_expects_a_lease_if_told_so() -> None:
    stage = Stage()
    stage.create()
    lease = stage.claim()
    error = stage.refuses(
        StaleLease, lambda: stage.operator.revoke_lease(JOB, reason="", expected_lease_id="another")
    )
    assert error.current_epoch == 1
    answer = stage.operator.revoke_lease(JOB, reason="", expected_lease_id=lease.lease_id)
    assert answer == Revoked(JOB, lease.lease_id, 1)


def test_everything_the_operator_does_stands_under_his_name() -> None:
    stage = Stage()
    stage.create()
    stage.operator.block(JOB)
    stage.operator.unblock(JOB)
    stage.operator_claim()
    stage.operator.fail(JOB, reason="")
    stage.until_due()
    stage.operator_claim()
    stage.operator.revoke_lease(JOB, reason="")
    stage.operator.cancel(JOB, reason="")
    timed = {"Created", "BecameDue"}
    for event in stage.told:
        assert event.operator == (None if type(event).__name__ in timed else "boss")
