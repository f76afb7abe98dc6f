"""Runs: the plain items of a batch are committed together, and interrupted they are a prefix (SPEC 11)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import attrs
import pytest

import grantcore as gc
from grantcore.engine import runs
from grantcore.model.ids import MintedIds
from tests.robustness.injection import Tracer, traced

NONCE: Final = "0123456789abcdef0123"
TAKE: Final[dict[str, Any]] = {"worker_id": "w", "worker_instance_id": "w-1", "lease_ttl_ms": 50}
ASKING: Final = gc.IssueClaimGrantRequest(
    worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=30
)
WHOLE: Final = {"issue", "renew"}
"""To these calls the third item is as plain as the others."""

Batch = Callable[[gc.GrantEngine, list[Any]], tuple[object, ...]]
CALLS: Final[dict[str, Batch]] = {
    "create": lambda engine, items: engine.create_executions(items, lane_id="main"),
    "issue": lambda engine, items: engine.issue_claim_grants(items, ASKING),
    "claim": lambda engine, items: engine.claim_many(items, **TAKE),
    "renew": lambda engine, items: engine.renew_leases(items, lease_ttl_ms=70),
    "complete": lambda engine, items: engine.complete_many(items),
}


def new_engine(**config: Any) -> gc.GrantEngine:
    return gc.GrantEngine(clock=gc.ManualClock(1_000), ids=MintedIds(NONCE), config=gc.EngineConfig(**config))


def staged(call: str, **config: Any) -> tuple[gc.GrantEngine, list[Any]]:
    """An engine, and five items for a call: plain ones but the third, which goes the general way."""
    engine = new_engine(**config)
    items: list[Any] = [
        {},
        {"priority": 9, "payload": b"p"},
        {"deadline_at_ms": 9_000},
        {"execution_id": "own", "tags": {"a.b": "c"}},
        {},
    ]
    engine.create_execution(lane_id="main")
    for step in CALLS:
        if step == call:
            return engine, items
        answers = CALLS[step](engine, items)
        items = [getattr(answer, "execution_id", None) if step == "create" else answer for answer in answers]
    raise AssertionError(call)


@pytest.mark.parametrize("call", CALLS)
def test_plain_items_are_committed_together(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs, before the item that is not plain and after it; what is in hand is the whole run."""
    seen: list[int] = []
    original = getattr(runs, call)

    def watched(*given: Any) -> object:
        rest, answers = given[-2:]
        before = len(answers)
        left: object = original(*given[:-2], rest, answers)
        seen.append(len(answers) - before)
        return left

    monkeypatch.setattr(runs, call, watched)
    engine, items = staged(call)
    answers = CALLS[call](engine, items)
    assert seen == ([5] if call in WHOLE else [2, 2])
    assert not any(isinstance(answer, (gc.Refused, gc.LeaseLost)) for answer in answers)
    engine.check()


@pytest.mark.parametrize("call", CALLS)
def test_an_interrupted_run_is_a_prefix(call: str) -> None:
    """I-41: at every line; the next call finishes what was in hand."""
    prefixes = []
    for count in range(6):
        engine, items = staged(call)
        CALLS[call](engine, items[:count])
        prefixes.append(engine.digest())
    tracer = Tracer()
    traced(tracer, partial(CALLS[call], *staged(call)))
    found = set()
    for at in range(1, tracer.count + 1):
        engine, items = staged(call)
        error = traced(Tracer(at), partial(CALLS[call], engine, items))
        assert isinstance(error, KeyboardInterrupt), at
        engine.check()
        assert engine.digest() in prefixes, at
        found.add(prefixes.index(engine.digest()))
    assert found == ({0, 5} if call in WHOLE else {0, 2, 3, 5})
    assert tracer.count > 60


@pytest.mark.parametrize("call", ["issue", "claim", "complete"])
def test_what_is_in_the_run_already_is_not_plain(call: str) -> None:
    """The second of the same meets what the first has done."""
    engine, items = staged(call)
    answers = CALLS[call](engine, [items[0], items[0], items[1]])
    assert [type(answer) is gc.Refused for answer in answers] == [False, True, False]
    engine.check()


def test_a_lease_is_renewed_twice() -> None:
    engine, items = staged("renew")
    before = engine.stats().events
    one, other = engine.renew_leases([items[0], items[0]], lease_ttl_ms=9)
    assert one == other
    assert engine.stats().events == before + 2


def test_the_ids_go_over_to_the_next_page() -> None:
    """256 minted ids have one head; no id is minted twice, and none is left out."""
    engine = new_engine()
    engine.create_executions([{}] * 1_000, lane_id="main")
    names = [entry.execution_id for entry in engine.list_executions(limit=1_000).entries]
    assert sorted(int(name[-12:], 16) for name in names) == list(range(1, 1_001))


def test_a_minted_id_that_is_in_use_is_refused() -> None:
    """SPEC 9: somebody brought the id that comes next."""
    engine = new_engine()
    engine.create_execution(lane_id="main")
    twin = new_engine()
    twin.create_executions([{}, {}], lane_id="main")
    (_, second) = [entry.execution_id for entry in twin.list_executions().entries]
    engine.create_execution(lane_id="main", execution_id=second)
    answers = engine.create_executions([{}, {}], lane_id="main")
    assert [type(answer) for answer in answers] == [gc.Refused, gc.Created]
    engine.check()


def test_nearer_ends_are_found() -> None:
    """SPEC 3: what a run sets is looked at in time, also where something later was to come."""
    engine, _ = staged("issue")
    names = [entry.execution_id for entry in engine.list_executions().entries]
    engine.issue_claim_grants(names, ASKING)
    assert engine.next_deadline_ms() == 1_030
    leases = engine.leases()
    assert leases == ()
    grants = [gc.ClaimGrant(name, 1_030) for name in names]
    held = engine.claim_many(grants, **{**TAKE, "lease_ttl_ms": 5})
    assert engine.next_deadline_ms() == 1_005
    engine.renew_leases([lease for lease in held if isinstance(lease, gc.Lease)], lease_ttl_ms=2)
    assert engine.next_deadline_ms() == 1_002
    engine.check()


def test_what_is_looked_at_soon_enough_is_not_filed_again() -> None:
    """SPEC 3: a later end leaves the time index alone, and a nearer one is staged once."""
    engine, names = staged("issue")
    for ttl_ms in (20, 10, 50):
        request = gc.IssueClaimGrantRequest(
            worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=ttl_ms
        )
        grants: Any = engine.issue_claim_grants(names, request)
        assert {grant.expires_at_ms for grant in grants} == {1_000 + ttl_ms}
        engine.check()
        for grant in grants if ttl_ms != 50 else ():
            engine.withdraw_grant(grant, worker_id="w")
    assert engine.next_deadline_ms() == 1_050


def test_a_stale_lease_among_good_ones_is_lost_alone() -> None:
    """And the run goes on behind it."""
    engine, leases = staged("renew")
    engine.operator("boss").revoke_lease(leases[2].execution_id, reason="gone")
    answers = engine.renew_leases(leases, lease_ttl_ms=9)
    assert [type(answer) is gc.LeaseLost for answer in answers] == [False, False, True, False, False]
    engine.check()


def test_who_ended_soon_is_forgotten_in_time() -> None:
    """SPEC 11: retention counts from the end, though the lease was to end later."""
    engine, leases = staged("complete", retention_ms=10)
    engine.complete_many(leases)
    assert engine.next_deadline_ms() == 1_010
    engine.check()


def test_the_list_of_holders_does_not_grow_without_bound() -> None:
    """I-64: what has ended goes when it outnumbers the records."""
    engine = new_engine(retention_ms=1)
    for _ in range(30):
        created: Any = engine.create_executions([{}] * 10, lane_id="main")
        grants: Any = engine.issue_claim_grants([answer.execution_id for answer in created], ASKING)
        leases: Any = engine.claim_many(grants, **TAKE)
        engine.complete_many(leases)
        engine._clock.__self__.advance(1)  # type: ignore[attr-defined]
    assert engine._indexes.holders.entries <= 2 * 10 + 64
    engine.check()


def test_grants_of_two_lanes_are_used_in_one_batch() -> None:
    """I-01: each lease is one of its execution's lane."""
    engine = new_engine()
    grants: list[gc.ClaimGrant] = []
    for lane_id in ("main", "other", "main"):
        name = engine.create_execution(lane_id=lane_id).execution_id
        grants.append(engine.issue_claim_grant(name, attrs.evolve(ASKING, lane_id=lane_id)))
    leases: Any = engine.claim_many(grants, **TAKE)
    assert [lease.lane_id for lease in leases] == ["main", "other", "main"]
    engine.check()


def test_a_grant_without_an_id_ends_a_run() -> None:
    """I-63: made by ``__new__`` alone, or overwritten; it is judged the general way, and the others go on."""
    engine, grants = staged("claim")
    odd = gc.ClaimGrant("e", 5)
    object.__setattr__(odd, "execution_id", [])
    answers = engine.claim_many([grants[0], gc.ClaimGrant.__new__(gc.ClaimGrant), odd, grants[1]], **TAKE)
    assert [type(answer) for answer in answers] == [gc.Lease, gc.Refused, gc.Refused, gc.Lease]
    engine.check()
