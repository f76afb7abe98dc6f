"""The unrolled calls of ``engine/inner.py`` do what the general way does: same answers, state, digest.

An observer sends every call the general way, so the same commands are run with and without one.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import pytest

from grantcore import (
    EngineConfig,
    ExecutionPolicy,
    ExecutionSnapshot,
    GrantEngine,
    GrantError,
    IssueClaimGrantRequest,
    ManualClock,
    Phase,
    Scheduler,
)
from grantcore.model.ids import MintedIds
from grantcore.model.records import NO_TAGS
from tests.marks import one_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantcore import Lease

NONCE: Final = "0123456789abcdef0123"
REQUESTS: Final = [
    IssueClaimGrantRequest(
        worker_id=worker,
        worker_instance_id=f"{worker}-1",
        lane_id=lane,
        grant_ttl_ms=ttl,
        worker_capabilities=tokens,
    )
    for worker, lane, ttl, tokens in [
        ("ann", "main", 50, ["gpu"]),
        ("ann", "main", 5_000, []),
        ("bob", "main", 500, ["gpu", "ssd"]),
        ("bob", "other", 500, ["gpu"]),
    ]
]


class Way:
    """One engine and the answers it gave."""

    def __init__(self, *, observed: bool, retention_ms: int | None) -> None:
        self.clock = ManualClock(1_000)
        config = EngineConfig(retention_ms=retention_ms, max_payload_bytes=1_000)
        self.engine = GrantEngine(clock=self.clock, ids=MintedIds(NONCE), config=config)
        if observed:
            self.engine.subscribe(lambda _event: None)
        self.leases: list[Lease] = []
        self.ids: list[str] = []

    def run(self, seed: int, steps: int) -> Iterator[object]:
        """Give the answer to each of ``steps`` commands drawn from ``seed``."""
        chance = random.Random(seed)
        for _ in range(steps):
            try:
                yield self.command(chance)
            except GrantError as refusal:
                yield (refusal.code, str(refusal), vars(refusal))

    def command(self, chance: random.Random) -> object:
        kind = chance.choice(
            ("create", "create", "issue", "take", "take", "renew", "complete", "fail", "time")
        )
        if kind == "create":
            return self.create(chance)
        if kind == "issue":
            return self.engine.issue_claim_grant(chance.choice([*self.ids, "none"]), chance.choice(REQUESTS))
        if kind == "take":
            return self.take(chance)
        if kind == "time":
            return self.clock.advance(chance.choice([0, 1, 40, 600]))
        if not self.leases:
            return None
        lease = chance.choice(self.leases)
        if kind == "renew":
            return self.engine.renew_lease(lease, lease_ttl_ms=chance.choice([1, 30, 3_000]))
        if kind == "complete":
            return self.engine.complete_execution(
                lease, result=chance.choice([None, None, b"", b"r", b"r" * 2_000])
            )
        return self.engine.fail_execution(lease, reason="no")

    def create(self, chance: random.Random) -> object:
        created = self.engine.create_execution(
            lane_id="main",
            priority=chance.choice([0, 0, 5, 9_999]),
            required_capabilities=chance.choice([(), (), ("gpu",)]),
            policy=chance.choice([ExecutionPolicy(), ExecutionPolicy(attempt_timeout_ms=70)]),
            execution_id=chance.choice([None, None, None, f"own-{chance.randrange(99)}", "no id"]),
            payload=chance.choice([None, None, b"", b"p", b"p" * 2_000]),
            tags=chance.choice([NO_TAGS, NO_TAGS, {}, {"team.name": "core"}, {"Team": "core"}]),
        )
        self.ids.append(created.execution_id)
        return created

    def take(self, chance: random.Random) -> object:
        waiting = Scheduler(self.engine).peek("main", ["gpu", "ssd"])
        if not waiting:
            return None
        grant = self.engine.issue_claim_grant(waiting[0], chance.choice(REQUESTS[:3]))
        worker = chance.choice(["ann", "bob"])
        lease = self.engine.claim_execution(
            grant,
            worker_id=worker,
            worker_instance_id=f"{worker}-1",
            lease_ttl_ms=chance.choice([5, 100, 9_000]),
        )
        self.leases.append(lease)
        return lease


def shown(engine: GrantEngine) -> list[ExecutionSnapshot]:
    return list(engine.list_executions(limit=1_000).entries)


def differences(seed: int, steps: int = 400, retention_ms: int | None = 700) -> list[str]:
    """Run the same commands both ways and say where they part."""
    short, general = (Way(observed=observed, retention_ms=retention_ms) for observed in (False, True))
    found = []
    for number, (one, other) in enumerate(zip(short.run(seed, steps), general.run(seed, steps), strict=True)):
        if number % 20 == 0:
            short.engine.check()
        if one != other:
            found.append(f"command {number}: {one} and {other}")
        if number % 5 == 0 and shown(short.engine) != shown(general.engine):
            found.append(f"command {number}: another state")
        if short.engine.next_deadline_ms() != general.engine.next_deadline_ms():
            found.append(f"command {number}: another next deadline")
    if short.engine.digest() != general.engine.digest():
        found.append("another digest")
    return found


@pytest.mark.uncovered
@pytest.mark.parametrize("retention_ms", [0, 700, None])
@pytest.mark.parametrize("seed", one_in(4, range(8)))
def test_both_ways_are_one(seed: int, retention_ms: int | None) -> None:
    """I-42: the short way changes nothing but the time it takes."""
    assert not differences(seed, retention_ms=retention_ms)


@pytest.mark.uncovered
@pytest.mark.parametrize(
    "name",
    ["create_execution", "issue_claim_grant", "claim_execution", "renew_lease", "complete_execution"],
)
def test_a_difference_would_be_seen(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The comparison can fail: each unrolled call is spoilt in turn, where it goes the short way."""
    right = getattr(GrantEngine, name)

    def spoilt(engine: GrantEngine, *arguments: object, **named: object) -> object:
        answer = right(engine, *arguments, **named)
        if not engine._subscriptions:
            engine._store.sequence += 1
        return answer

    monkeypatch.setattr(GrantEngine, name, spoilt)
    with pytest.raises(AssertionError):
        assert not any(differences(seed) for seed in range(3))


def test_the_short_way_is_taken() -> None:
    """Otherwise the comparison would compare nothing."""
    way = Way(observed=False, retention_ms=None)
    calls: list[str] = []
    engine = way.engine
    engine.create_execution(lane_id="main")  # the first of its kind makes room for the others
    engine._commit = lambda change, *_: calls.append(change[0].event.__name__)  # type: ignore[method-assign]
    owns: tuple[dict[str, Any], ...] = (
        {},
        {"payload": b"p", "priority": 5},
        {"execution_id": "own", "tags": {"a.b": "c"}},
    )
    for own in owns:
        created = engine.create_execution(lane_id="main", **own)
        grant = engine.issue_claim_grant(created.execution_id, REQUESTS[1])
        lease = engine.claim_execution(grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=10)
        engine.complete_execution(engine.renew_lease(lease, lease_ttl_ms=20), result=own.get("payload"))
    assert not calls
    assert engine.stats().executions_by_phase[Phase.SUCCEEDED] == 3
