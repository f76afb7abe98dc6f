"""The edges of the inner loop: bad clocks, staged entries, calls from inside a call (SPEC 3, 11)."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

import grantcore as gc
from grantcore.engine.core import MAX_STAGED
from grantcore.rules import holding
from tests.inner_rig import CALLS, REQUEST, Rig

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("name", CALLS)
def test_a_clock_that_raises_refuses_the_call(name: str) -> None:
    """SPEC 3: ``ClockError``, and nothing changes."""
    rig = Rig()
    before = rig.engine.digest()
    right = rig.engine._clock
    rig.engine._clock = _broken
    with pytest.raises(gc.ClockError):
        CALLS[name](rig)
    rig.engine._clock = right
    assert rig.engine.digest() == before
    CALLS[name](rig)


def _broken() -> int:
    raise OSError


@pytest.mark.parametrize("name", CALLS)
def test_a_call_from_inside_is_reentrant(name: str) -> None:
    """SPEC 11: from the clock, from an observer."""
    rig = Rig()
    errors: list[BaseException] = []

    def call_in(_: object) -> None:
        try:
            CALLS[name](rig)
        except gc.Reentrant as error:
            errors.append(error)

    with rig.engine.subscribe(call_in):
        rig.engine.change_priority(rig.waiting, 5)
    assert len(errors) == 1
    rig.engine.check()


def test_a_nearer_end_of_a_staged_record_counts() -> None:
    """SPEC 3: the time index looks at the latest when the nearest end comes."""
    rig = Rig()
    grant = rig.engine.issue_claim_grant(rig.waiting, REQUEST)
    rig.engine.withdraw_grant(grant, worker_id="w")
    sooner = gc.IssueClaimGrantRequest(
        worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=50
    )
    rig.engine.issue_claim_grant(rig.waiting, sooner)
    rig.engine.check()
    assert rig.engine.next_deadline_ms() == 1_050


def test_a_later_end_leaves_the_time_index_alone() -> None:
    """SPEC 3: what is looked at soon enough anyway is not filed again; the answer is exact all the same."""
    rig = Rig()
    sooner = gc.IssueClaimGrantRequest(
        worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=50
    )
    grant = rig.engine.issue_claim_grant(rig.waiting, sooner)
    rig.engine.withdraw_grant(grant, worker_id="w")
    rig.engine.issue_claim_grant(rig.waiting, REQUEST)
    rig.engine.check()
    assert rig.engine.next_deadline_ms() == 1_100


def test_staged_executions_are_shelved_when_time_goes_on() -> None:
    """The first look after many creations pays for so many at the most."""
    rig = Rig()
    for _ in range(MAX_STAGED + 1):
        rig.create()
    rig.clock.advance(1)
    rig.engine.now_ms()
    assert not rig.engine._indexes.waiting.staged
    rig.engine.check()


def test_staged_executions_that_are_gone_do_not_pile_up() -> None:
    """I-64: what was purged leaves no more than the slack behind."""
    rig = Rig()
    for _ in range(200):
        name = rig.create()
        rig.engine.cancel_execution(name, reason="")
        rig.engine.purge_execution(name)
    assert len(rig.engine._indexes.waiting.staged) <= 2 * 3 + 64
    rig.engine.check()


def test_a_broken_invariant_is_no_lost_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """SPEC 11: a bug is told as one, not as an answer about one lease of many."""
    rig = Rig()

    def broken(*_: object) -> None:
        raise gc.InvariantBroken("please report")

    monkeypatch.setattr(holding, "renew", broken)
    rig.engine.subscribe(lambda _event: None)  # the general way
    with pytest.raises(gc.InvariantBroken):
        rig.engine.renew_leases([rig.lease], lease_ttl_ms=5)


# -- snapshots of what is no execution -------------------------------------------------------------


def _forged(data: bytes, change: Callable[[Any], None]) -> bytes:
    head, _, body = data.partition(b"\n")
    document = json.loads(body)
    change(document["state"])
    forged = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    magic, version, _ = head.split(b" ")
    return b" ".join([magic, version, hashlib.sha256(forged).hexdigest().encode()]) + b"\n" + forged


@pytest.mark.parametrize("credit", ["1", 2**60, True])
def test_a_credit_that_is_no_number_is_refused(credit: object) -> None:
    """SPEC 11, I-69."""
    rig = Rig()
    rig.engine.configure_lane("main", max_leases=5)
    data = _forged(rig.engine.snapshot(), lambda state: state["lanes"][0].update(credit=credit))
    with pytest.raises(gc.SnapshotInvalid, match="credit"):
        gc.GrantEngine.restore(data)


def test_two_of_one_name_are_refused() -> None:
    """SPEC 11, I-69."""
    rig = Rig()
    rig.engine.create_quota_policy("q")
    data = _forged(rig.engine.snapshot(), lambda state: state["quotas"].append(state["quotas"][0]))
    with pytest.raises(gc.SnapshotInvalid, match="of its own name"):
        gc.GrantEngine.restore(data)
