"""Leases that are taken alike share a tuple, and by that object the holder's fence is let in (SPEC 5).

So it must never be the record's again once the lease is not, and no other execution, engine or life may come
by it. Here every engine is on its plain way, where the tuples are shared; ``tests/robustness/test_epochs.py``
says the same of the triple.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

import grantcore as gc
from grantcore.model.ids import MintedIds
from grantcore.model.leases import TAKING, Taking

TTL: Final = 100


class Shop:
    """An engine that nobody observes, with ids of its own kind, and what one does with it."""

    def __init__(self, nonce: str = "0" * 20) -> None:
        self.clock = gc.ManualClock(1_000)
        self.engine = gc.GrantEngine(clock=self.clock, ids=MintedIds(nonce))

    def grant(self, name: str, who: str = "w", lane: str = "main") -> gc.ClaimGrant:
        self.engine.create_execution(lane_id=lane, execution_id=name)
        request = gc.IssueClaimGrantRequest(
            worker_id=who, worker_instance_id=who, lane_id=lane, grant_ttl_ms=TTL
        )
        return self.engine.issue_claim_grant(name, request)

    def take(self, name: str, who: str = "w", instance: str = "i", lane: str = "main") -> gc.Lease:
        return self.engine.claim_execution(
            self.grant(name, who, lane), worker_id=who, worker_instance_id=instance, lease_ttl_ms=TTL
        )

    def take_over(self, name: str) -> gc.Lease:
        request = gc.IssueReclaimGrantRequest(
            worker_id="w", worker_instance_id="i", lane_id="main", grant_ttl_ms=TTL
        )
        answer = self.engine.issue_reclaim_grant(name, request)
        assert isinstance(answer, gc.Granted)
        return self.engine.take(answer.grant, worker_id="w", worker_instance_id="i", lease_ttl_ms=TTL)

    def passes(self, lease: gc.Lease) -> bool:
        """Whether a lease is let in, asked of every way in that changes little (I-04)."""
        ways: tuple[Callable[[], object], ...] = (
            lambda: self.engine.update_progress(lease, pct=1),
            lambda: self.engine.renew_lease(lease, lease_ttl_ms=TTL),
        )
        (renewed,) = self.engine.renew_leases([lease], lease_ttl_ms=TTL)
        (passed,) = {_is_let_in(way) for way in ways} | {isinstance(renewed, gc.Lease)}
        return passed


def _is_let_in(way: Callable[[], object]) -> bool:
    try:
        way()
    except (gc.StaleLease, gc.LeaseExpired, gc.LeaseRevoked, gc.ExecutionNotActive, gc.ExecutionNotFound):
        return False
    return True


def taking(lease: gc.Lease) -> Taking:
    return lease.tenure[TAKING]


def told(lease: gc.Lease) -> tuple[object, ...]:
    return (lease.lane_id, lease.lease_epoch, lease.worker_id, lease.worker_instance_id)


# -- what is shared --------------------------------------------------------------------------------------


def test_taken_alike() -> None:
    """I-64: one tuple for a worker's first leases in a lane, whoever else takes in between."""
    shop = Shop()
    takings = [taking(shop.take(f"e{n}", instance=f"i{n % 3}")) for n in range(30)]
    assert len({id(one) for one in takings}) == 3


@pytest.mark.parametrize(
    "other", [{"who": "v"}, {"lane": "side"}, {"instance": "j"}, {"who": "v", "lane": "side"}]
)
def test_taken_otherwise(other: dict[str, str]) -> None:
    """SPEC 2, 9: what stands in a lease is what it was taken with, not what the one before was."""
    shop = Shop()
    for number, how in enumerate(({}, other, {}, other)):
        who, instance, lane = (how.get(key, ours) for key, ours in WAYS.items())
        lease = shop.take(f"e{number}", who, instance, lane)
        assert told(lease) == (lane, 1, who, instance)
        assert shop.engine.leases(worker_instance_id=instance)[-1] == lease
    shop.engine.check()


WAYS: Final = {"who": "w", "instance": "i", "lane": "main"}


def test_taken_at_once() -> None:
    """SPEC 11: a batch goes from lane to lane as its single calls do."""
    shop = Shop()
    lanes = ("main", "side", "side", "main")
    grants = [shop.grant(f"e{number}", lane=lane) for number, lane in enumerate(lanes)]
    leases = shop.engine.claim_many(grants, worker_id="w", worker_instance_id="i", lease_ttl_ms=TTL)
    assert [lease.lane_id for lease in leases if isinstance(lease, gc.Lease)] == list(lanes)
    shop.engine.check()


def test_read_back() -> None:
    """I-43, I-64: an engine that is restored shares as the one before did, and lets the same fences in."""
    shop = Shop()
    leases = [shop.take(f"e{number}") for number in range(9)]
    shop.engine = gc.GrantEngine.restore(shop.engine.snapshot(), clock=shop.clock)
    held = shop.engine.leases()
    assert len({id(taking(lease)) for lease in held}) == 1
    assert {id(taking(lease)) for lease in held}.isdisjoint(map(id, map(taking, leases)))
    assert all(map(shop.passes, leases))


# -- whom it lets in -------------------------------------------------------------------------------------


def test_of_another_execution() -> None:
    """I-04, D-09: the tuple is the same, the lease is not."""
    shop = Shop()
    one, other = shop.take("one"), shop.take("other")
    assert taking(one) is taking(other)
    with pytest.raises(gc.InvalidInput, match=r"lease\.execution_id"):
        shop.engine.cancel_execution("other", reason="", lease=one)
    shop.engine.complete_execution(one)
    assert not shop.passes(one)
    assert shop.passes(other)


def test_of_an_earlier_lease() -> None:
    """I-03, I-05: who was replaced is refused, also after the successor is gone."""
    shop = Shop()
    old = shop.take("e")
    shop.clock.advance(TTL)
    new = shop.take_over("e")
    assert (shop.passes(old), shop.passes(new)) == (False, True)
    shop.clock.advance(TTL)
    newest = shop.take_over("e")
    assert (shop.passes(old), shop.passes(new), shop.passes(newest)) == (False, False, True)
    shop.engine.complete_execution(newest)
    assert not any(map(shop.passes, (old, new, newest)))


@pytest.mark.parametrize("ends", ["complete", "cancel"])
def test_of_an_earlier_life(ends: str) -> None:
    """I-03, I-05, SPEC 11: the same id, instance and lane; the purge has raised the floor."""
    shop = Shop()
    old: list[gc.Lease] = []
    for epoch in (1, 2, 3):
        lease = shop.take("e")
        assert lease.lease_epoch == epoch
        assert shop.passes(lease)
        assert not any(map(shop.passes, old))
        if ends == "complete":
            shop.engine.complete_execution(lease)
        else:
            shop.engine.cancel_execution("e", reason="", lease=lease)
        shop.engine.purge_execution("e")
        old.append(lease)
        assert not any(map(shop.passes, old))


def test_of_the_life_before_a_replay() -> None:
    """I-02, I-05: a new life goes on counting; the old holder is refused while it waits and while it runs."""
    shop = Shop()
    old = shop.take("e")
    shop.engine.complete_execution(old)
    shop.engine.replay_execution("e")
    assert not shop.passes(old)
    new = shop.take("e")
    assert (shop.passes(old), shop.passes(new)) == (False, True)


def test_of_another_engine() -> None:
    """I-03: two engines with executions of the same ids; only the holder in each is let in."""
    here, there = Shop("1" * 20), Shop("2" * 20)
    mine, yours = here.take("e"), there.take("e")
    assert told(mine) == told(yours)
    assert (here.passes(mine), here.passes(yours)) == (True, False)
    assert (there.passes(mine), there.passes(yours)) == (False, True)


@pytest.mark.parametrize("floor", [0, 7])
def test_of_a_time_that_was_undone(floor: int) -> None:
    """SPEC 11: after the restore of an older snapshot, leases that were taken since are no leases."""
    shop = Shop()
    first = shop.take("e")
    saved = shop.engine.snapshot()
    waiting = shop.take("later")
    shop.engine.operator("op").revoke_lease("e", reason="")
    undone = shop.take_over("e")
    shop.engine = gc.GrantEngine.restore(saved, clock=shop.clock, epoch_floor=floor)
    assert [shop.passes(lease) for lease in (first, undone, waiting)] == [True, False, False]
    again = shop.take("later")
    assert again.lease_epoch == floor + 1
    assert [shop.passes(lease) for lease in (again, waiting)] == [True, False]
    shop.engine.operator("op").revoke_lease("e", reason="")
    redone = shop.take_over("e")
    assert redone.lease_epoch == max(1, floor) + 1
    assert [shop.passes(lease) for lease in (first, undone, redone)] == [False, False, True]
