"""Quota policies: rate, slots, and slots that go back exactly once (SPEC 7, D-18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import grantcore as gc
from grantcore.index.tallies import Tallies
from tests.metering.conftest import TTL, Rig

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_MS = 500
RETRY = gc.ExecutionPolicy(retry=gc.RetryPolicy(max_retries=1, backoff=gc.Fixed(5)))
ONCE = gc.ExecutionPolicy()


def quota(rig: Rig, *, rate: int = 0, slots: int = 0) -> None:
    added = rig.engine.create_quota_policy(
        "q", window_ms=WINDOW_MS, max_requests_per_window=rate, max_concurrent=slots
    )
    assert added == gc.Added("q")


def test_the_same_name_again_is_no_other_policy(rig: Rig) -> None:
    """SPEC 8: nothing is compared."""
    quota(rig, rate=1)
    assert rig.engine.create_quota_policy("q", max_concurrent=9) == gc.AlreadySatisfied("exists")
    rig.create("a", "b", quota_policy_id="q")
    rig.issue("a")
    assert isinstance(rig.refused("b"), gc.RateLimitExceeded)


def test_a_policy_that_does_not_exist_is_refused_after_duplicates(rig: Rig) -> None:
    """SPEC 8; a duplicate is answered first."""
    rig.create("a")
    with pytest.raises(gc.QuotaPolicyNotFound):
        rig.create("b", quota_policy_id="none")
    answer = rig.engine.create_execution(lane_id="main", execution_id="a", quota_policy_id="none")
    assert answer == gc.Duplicate("a", "execution_id")


@pytest.mark.parametrize(("after_ms", "open_again"), [(WINDOW_MS - 1, False), (WINDOW_MS, True)])
def test_the_window_slides(rig: Rig, after_ms: int, *, open_again: bool) -> None:
    """D-27: a grant counts while ``now < issued + window``, whatever became of it."""
    quota(rig, rate=2)
    rig.create("a", "b", "c", quota_policy_id="q")
    grant = rig.issue("a")
    assert rig.engine.withdraw_grant(grant, worker_id="w")
    rig.clock.advance(100)
    rig.issue("b")
    opens_at_ms = rig.clock() - 100 + WINDOW_MS
    refusal = rig.refused("c")
    assert isinstance(refusal, gc.RateLimitExceeded)
    assert refusal.retry_at_ms == opens_at_ms
    rig.clock.set(opens_at_ms - WINDOW_MS + after_ms)
    if open_again:
        rig.issue("c")
    else:
        assert isinstance(rig.refused("c"), gc.RateLimitExceeded)
    rig.engine.check()


def test_rate_is_tested_before_slots(rig: Rig) -> None:
    """SPEC 7; a refusal that time does not heal says no instant."""
    quota(rig, rate=1, slots=1)
    rig.create("a", "b", quota_policy_id="q")
    rig.hold("a")
    assert isinstance(rig.refused("b"), gc.RateLimitExceeded)
    rig.clock.advance(WINDOW_MS)
    refusal = rig.refused("b")
    assert isinstance(refusal, gc.ConcurrencyLimitExceeded)
    assert (refusal.scope, refusal.retry_at_ms) == ("quota", None)


def test_resume_and_reclaim_ask_for_slots_only(rig: Rig) -> None:
    """SPEC 5: rate counts claim grants; SPEC 7: what waits for reclaim holds no slot."""
    quota(rig, rate=1, slots=1)
    rig.create("a", quota_policy_id="q")
    lease = rig.hold("a")
    rig.engine.release_execution(lease)
    lease = rig.hold("a")
    assert lease.kind == "resumed"
    rig.clock.advance(TTL)
    assert rig.engine.stats().waiting_for_reclaim == 1
    lease = rig.reclaim("a")
    rig.engine.complete_execution(lease)
    rig.engine.check()


Way = "Callable[[Rig], object]"


def _lapse(rig: Rig) -> None:
    rig.hold("a")
    rig.clock.advance(TTL)


def _grant_lapses(rig: Rig) -> None:
    rig.issue("a")
    rig.clock.advance(TTL)


def _deadline(rig: Rig) -> None:
    rig.create("d", quota_policy_id="q", deadline_at_ms=rig.clock() + 10)
    rig.hold("d")
    rig.clock.advance(10)


def _void(rig: Rig) -> None:
    rig.issue("a")
    rig.operator.block("a")


def _purge(rig: Rig) -> None:
    rig.engine.complete_execution(rig.hold("a"))
    rig.engine.purge_execution("a")


def _claim_by_another_instance(rig: Rig) -> None:
    rig.engine.complete_execution(rig.take(rig.issue("a"), instance="w-2"))


def _reclaim_grant_void(rig: Rig) -> None:
    """A lost lease is about to be taken over when the attempt's time is over (SPEC 5, Attempt clock)."""
    rig.hold("a", attempt_timeout_ms=TTL + 5)
    rig.clock.advance(TTL)
    asked = gc.IssueReclaimGrantRequest(
        worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=TTL
    )
    assert isinstance(rig.engine.issue_reclaim_grant("a", asked), gc.Granted)
    assert isinstance(rig.refused("b"), gc.ConcurrencyLimitExceeded)
    rig.clock.advance(5)


WAYS: dict[str, Callable[[Rig], object]] = {
    "completed": lambda rig: rig.engine.complete_execution(rig.hold("a")),
    "retried": lambda rig: rig.engine.fail_execution(rig.hold("a"), reason="r"),
    "failed": lambda rig: rig.engine.fail_execution(rig.hold("once"), reason="r"),
    "delayed": lambda rig: rig.engine.delay_execution(rig.hold("a"), delay_until_ms=rig.clock() + 9),
    "released": lambda rig: rig.engine.release_execution(rig.hold("a")),
    "children": lambda rig: rig.engine.move_to_waiting_children(rig.hold("a")),
    "suspended": lambda rig: rig.engine.suspend_execution(rig.hold("a"), reason_code="r"),
    "cancelled by its holder": lambda rig: rig.engine.cancel_execution("a", reason="", lease=rig.hold("a")),
    "cancelled": lambda rig: (rig.issue("a"), rig.engine.cancel_execution("a", reason="")),
    "cancelled by order": lambda rig: (rig.hold("a"), rig.operator.cancel("a", reason="")),
    "completed by order": lambda rig: (rig.hold("a"), rig.operator.complete("a")),
    "lapsed": _lapse,
    "revoked": lambda rig: (rig.hold("a"), rig.operator.revoke_lease("a", reason="")),
    "deadline": _deadline,
    "timed out": lambda rig: (rig.hold("a", attempt_timeout_ms=5), rig.clock.advance(5)),
    "grant lapsed": _grant_lapses,
    "grant withdrawn": lambda rig: rig.engine.withdraw_grant(rig.issue("a"), worker_id="w"),
    "grant void": _void,
    "reclaim grant void": _reclaim_grant_void,
    "purged": _purge,
    "by another instance": _claim_by_another_instance,
}


SOUND_BEFORE = {"reclaim grant void": 1}
"""So often a slot has to go back on the way there."""


@pytest.fixture
def full() -> Rig:
    """One slot, and four that want it."""
    rig = Rig()
    quota(rig, slots=1)
    rig.create("a", "b", "c", quota_policy_id="q", policy=RETRY)
    rig.create("once", quota_policy_id="q", policy=ONCE)
    return rig


@pytest.mark.parametrize("way", WAYS)
def test_the_slot_goes_back_exactly_once(full: Rig, way: str) -> None:
    """D-18: however a grant or lease ends; two are never taken."""
    WAYS[way](full)
    full.engine.check()
    full.issue("b")
    assert isinstance(full.refused("c"), gc.ConcurrencyLimitExceeded)
    full.engine.check()


@pytest.mark.parametrize("way", WAYS)
def test_a_slot_that_does_not_go_back_is_seen(full: Rig, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conservation: ``check()`` counts what holds; here each way back is broken in turn."""
    moved, sound = Tallies.moved, SOUND_BEFORE.get(way, 0)

    def leaky(self: Tallies, spec: object, before: str | None, after: str | None) -> None:
        nonlocal sound
        if after is not None or sound:
            sound -= after is None
            moved(self, spec, before, after)  # type: ignore[arg-type]

    monkeypatch.setattr(Tallies, "moved", leaky)
    WAYS[way](full)
    with pytest.raises(gc.InvariantBroken, match="slots in use"):
        full.engine.check()


def test_the_operator_ignores_limits_and_is_counted(full: Rig) -> None:
    """SPEC 5, 7: the one way around admission, named in the event."""
    full.listen()
    full.hold("a")
    full.operator.issue_grant_and_claim("b", worker_id="w", worker_instance_id="w-1", lease_ttl_ms=TTL)
    assert full.heard[-1].admission_skipped  # type: ignore[attr-defined]
    assert isinstance(full.refused("once"), gc.ConcurrencyLimitExceeded)
    full.engine.check()


def test_a_policy_without_limits_counts_nothing(rig: Rig) -> None:
    """SPEC 8: 0 means no limit."""
    quota(rig)
    rig.create(*map(str, range(50)), quota_policy_id="q")
    for name in map(str, range(50)):
        rig.issue(name)
    rig.engine.check()


def test_what_time_ends_is_no_state(rig: Rig) -> None:
    """I-47: a look at the window changes no digest; SPEC 3: derived from the instant at which one looks."""
    other = Rig()
    for one in (rig, other):
        quota(one, rate=2)
        one.create("a", "b", "c", quota_policy_id="q")
        one.issue("a", ttl_ms=1)
        one.clock.advance(WINDOW_MS)
    rig.issue("b")
    other.engine.digest()
    other.issue("b")
    assert rig.engine.digest() == other.engine.digest()
    again = gc.GrantEngine.restore(rig.engine.snapshot(), clock=rig.clock)
    assert again.digest() == rig.engine.digest()
