"""SPEC 11 "Restore", I-02, I-03, I-05: epochs only rise, and of all tokens ever seen at most one passes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

import attrs
import pytest

import grantcore as gc
from grantcore.model.records import Execution, Store
from grantcore.rules import replaying
from tests.marks import one_in
from tests.robustness import worlds
from tests.robustness.worlds import LANE, TTL, WHO, World, asking, asking_back, new_world

pytestmark = pytest.mark.uncovered

# -- the floor -----------------------------------------------------------------------------------------------


def _epoch_of_next(world: World, eid: str = "e") -> int:
    worlds.held(world, eid)
    return world.leases[eid].lease_epoch


def test_an_epoch_is_never_issued_twice_for_an_id() -> None:
    """SPEC 11: a purge raises the floor; who is born again under the same id starts above."""
    world, seen = new_world(), []
    for _ in range(4):
        worlds.retried(world)
        seen.append(world.lease().lease_epoch)
        world.engine.complete_execution(world.lease())
        world.engine.purge_execution("e")
    assert seen == [2, 4, 6, 8]


def test_the_floor_counts_for_every_id() -> None:
    """SPEC 11: the floor is one number: nothing else is kept of purged executions."""
    world = new_world()
    worlds.retried(world)
    world.engine.complete_execution(world.lease())
    assert _epoch_of_next(world, "before") == 1
    world.engine.purge_execution("e")
    assert _epoch_of_next(world, "after") == 3
    world.engine.renew_lease(world.leases["before"], lease_ttl_ms=TTL)


def test_the_floor_never_falls() -> None:
    """SPEC 11: purging one that never had a lease, or a lower epoch, changes nothing."""
    world = new_world()
    worlds.retried(world)
    worlds.waiting(world, "idle")
    world.engine.cancel_execution("idle", reason="")
    world.engine.complete_execution(world.lease())
    world.engine.purge_execution("e")
    world.engine.purge_execution("idle")
    assert _epoch_of_next(world, "new") == 3


def test_the_floor_after_retention() -> None:
    """SPEC 11: time purges as a call does."""
    world = new_world(gc.EngineConfig(retention_ms=10))
    worlds.retried(world)
    world.engine.complete_execution(world.lease())
    world.clock.advance(10)
    assert world.engine.describe_execution("e") is None
    assert _epoch_of_next(world) == 3


@pytest.mark.parametrize(("given", "expected"), [(0, 3), (1, 3), (2, 3), (7, 8), (2**52, 2**52 + 1)])
def test_restore_with_a_floor(given: int, expected: int) -> None:
    """SPEC 11: epochs issued later start above ``epoch_floor``: the given one, or the snapshot's."""
    world = new_world()
    worlds.retried(world)
    world.engine.complete_execution(world.lease())
    world.engine.purge_execution("e")
    worlds.held(world, "held")
    engine = gc.GrantEngine.restore(world.engine.snapshot(), clock=world.clock, epoch_floor=given)
    again = World(engine, world.clock, world.ids, engine.operator("op"))
    assert _epoch_of_next(again, "new") == expected
    lease = world.leases["held"]
    assert lease.lease_epoch == 3
    assert engine.renew_lease(lease, lease_ttl_ms=TTL).lease_epoch == 3
    engine.check()


def test_a_floor_outlives_the_next_snapshot() -> None:
    """SPEC 11: it is part of the state."""
    first = gc.GrantEngine.restore(new_world().engine.snapshot(), epoch_floor=41)
    second = gc.GrantEngine.restore(first.snapshot(), epoch_floor=5)
    assert first.digest() == second.digest()
    second.create_execution(lane_id=LANE, execution_id="e")
    grant = second.issue_claim_grant("e", asking())
    assert second.take(grant, **WHO, lease_ttl_ms=TTL).lease_epoch == 42


def test_the_floor_of_the_host_fences_what_an_old_snapshot_forgot() -> None:
    """SPEC 11: the host has seen an epoch that the snapshot has not; it gives it as the floor."""
    world = new_world()
    worlds.held(world)
    data = world.engine.snapshot()
    world.engine.fail_execution(world.lease(), reason="r")
    world.grants["e"] = world.engine.issue_claim_grant("e", asking())
    worlds.take(world, "e")
    seen = world.lease().lease_epoch
    engine = gc.GrantEngine.restore(data, clock=world.clock, epoch_floor=seen)
    engine.operator("op").revoke_lease("e", reason="restored")
    answer = engine.issue_reclaim_grant("e", asking_back())
    assert isinstance(answer, gc.Granted)
    assert engine.take(answer.grant, **WHO, lease_ttl_ms=TTL).lease_epoch == seen + 1


def test_the_last_epoch() -> None:
    """I-52, I-69: at the end of the numbers an engine refuses, or goes on in a way that can be restored."""
    data, clock = new_world().engine.snapshot(), gc.ManualClock(2_000)
    try:
        engine = gc.GrantEngine.restore(data, clock=clock, epoch_floor=2**53 - 1)
    except gc.InvalidInput as refusal:
        assert refusal.field == "epoch_floor"
        engine = gc.GrantEngine.restore(data, clock=clock, epoch_floor=2**52)
    engine.create_execution(lane_id=LANE, execution_id="e", policy=worlds.POLICY)
    for _ in range(3):
        grant = engine.issue_claim_grant("e", asking())
        try:
            lease = engine.take(grant, **WHO, lease_ttl_ms=TTL)
        except gc.GrantError:
            break
        engine.renew_lease(lease, lease_ttl_ms=TTL)
        engine.fail_execution(lease, reason="r")
        engine.advance()
    engine.check()
    gc.GrantEngine.restore(engine.snapshot(), clock=gc.ManualClock(2_000)).check()


# -- every token ever seen -----------------------------------------------------------------------------

IDS: Final = ("e-0", "e-1")
POLICY: Final = gc.ExecutionPolicy(
    retry=gc.RetryPolicy(max_retries=50, backoff=gc.Fixed(3)),
    attempt_timeout_ms=40,
    max_reclaim_count=50,
    max_replay_count=50,
)


@attrs.define
class Walk:
    """A random run in small scope that keeps every token and tries them all, after every step."""

    world: World
    chance: random.Random
    tokens: list[gc.Lease] = attrs.field(factory=list)
    refused: set[tuple[str, str]] = attrs.field(factory=set)
    """Tokens that were refused for stale, revoked or expired."""

    tries: int = 0
    passes: int = 0

    def step(self) -> None:
        """Do something to one execution, or let time pass."""
        eid = self.chance.choice(IDS)
        try:
            self.chance.choice(STEPS)(self, eid)
        except gc.GrantError as refusal:
            assert not isinstance(refusal, (gc.InvariantBroken, gc.InvalidInput)), refusal

    def try_all(self) -> None:
        """Try every token ever issued: progress is the call that changes least."""
        passing: dict[str, int] = {}
        for token in self.tokens:
            self.tries += 1
            key = (token.execution_id, token.lease_id)
            try:
                self.world.engine.update_progress(token, pct=1)
            except (gc.StaleLease, gc.LeaseRevoked, gc.LeaseExpired):
                self.refused.add(key)
            except (gc.ExecutionNotActive, gc.ExecutionNotFound):
                pass
            else:
                assert key not in self.refused, "I-05: a refused token passes again"
                passing[token.execution_id] = passing.get(token.execution_id, 0) + 1
                self.passes += 1
        assert all(count == 1 for count in passing.values()), "I-03: two tokens pass"
        assert set(passing) == {lease.execution_id for lease in self.world.engine.leases()}, "I-04"


def _create(walk: Walk, eid: str) -> None:
    walk.world.engine.create_execution(lane_id=LANE, execution_id=eid, policy=POLICY)


def _grant(walk: Walk, eid: str) -> None:
    engine = walk.world.engine
    for issue in (engine.issue_claim_grant, engine.issue_resume_grant):
        try:
            walk.world.grants[eid] = issue(eid, asking(15))
        except (gc.ExecutionNotEligible, gc.UseClaimResumedExecution, gc.NotAResumedExecution):
            continue
        return
    answer = engine.issue_reclaim_grant(eid, asking_back(15))
    if isinstance(answer, gc.Granted):
        walk.world.grants[eid] = answer.grant


def _take(walk: Walk, eid: str) -> None:
    if eid in walk.world.grants:
        ttl = walk.chance.randrange(1, 30)
        walk.tokens.append(walk.world.engine.take(walk.world.grants[eid], **WHO, lease_ttl_ms=ttl))


def _grant_and_take(walk: Walk, eid: str) -> None:
    _grant(walk, eid)
    _take(walk, eid)


def _seize(walk: Walk, eid: str) -> None:
    walk.tokens.append(walk.world.operator.issue_grant_and_claim(eid, **WHO, lease_ttl_ms=10))


def _with_any_token(call: Callable[[gc.GrantEngine, gc.Lease], object]) -> Callable[[Walk, str], None]:
    def act(walk: Walk, _eid: str) -> None:
        if walk.tokens:
            call(walk.world.engine, walk.chance.choice(walk.tokens[-4:]))

    return act


def _restore(walk: Walk, _eid: str) -> None:
    """Go on in an engine restored from a snapshot; the same id source goes on too."""
    old = walk.world
    engine = gc.GrantEngine.restore(old.engine.snapshot(), clock=old.clock, ids=old.ids)
    assert engine.digest() == old.engine.digest()
    walk.world = World(engine, old.clock, old.ids, engine.operator("op"), old.leases, old.grants)


def _pass_time(walk: Walk, _eid: str) -> None:
    walk.world.clock.advance(walk.chance.randrange(12))


STEPS: Final[tuple[Callable[[Walk, str], object], ...]] = (
    *[_create] * 3,
    *[_grant] * 2,
    *[_take] * 3,
    *[_grant_and_take] * 8,
    _seize,
    *[_pass_time] * 3,
    _restore,
    *[_with_any_token(lambda engine, token: engine.renew_lease(token, lease_ttl_ms=20))] * 2,
    _with_any_token(lambda engine, token: engine.fail_execution(token, reason="r")),
    _with_any_token(lambda engine, token: engine.release_execution(token)),
    _with_any_token(lambda engine, token: engine.complete_execution(token)),
    lambda walk, eid: walk.world.operator.revoke_lease(eid, reason="r"),
    lambda walk, eid: walk.world.engine.cancel_execution(eid, reason="r"),
    *[lambda walk, eid: walk.world.engine.replay_execution(eid)] * 4,
    lambda walk, eid: walk.world.engine.purge_execution(eid),
)


@pytest.mark.parametrize("seed", one_in(3, range(6)))
def test_of_all_tokens_ever_seen_at_most_one_passes(seed: int) -> None:
    """I-02, I-03, I-04, I-05, I-11: purges, rebirths, restores and replays included."""
    walk = Walk(new_world(), random.Random(seed))
    for _ in range(600):
        walk.step()
        walk.try_all()
        walk.world.engine.check()
    assert len(walk.tokens) > 25
    assert walk.passes > 100
    assert len(walk.refused) > 10
    for eid in IDS:
        epochs = [token.lease_epoch for token in walk.tokens if token.execution_id == eid]
        assert epochs == sorted(set(epochs)), "I-02: an epoch twice, or a fall"


def test_the_walk_finds_a_planted_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """A purge that forgets the floor lets an epoch be issued twice for an id."""
    write = replaying.write_purge

    def forgetful(record: Execution, at_ms: int, arguments: tuple[object, ...]) -> None:
        (store,) = (part for part in arguments if isinstance(part, Store))
        floor = store.epoch_floor
        write(record, at_ms, arguments)
        store.epoch_floor = floor

    monkeypatch.setattr(replaying, "write_purge", forgetful)
    with pytest.raises(AssertionError, match="an epoch twice"):
        for seed in range(6):
            test_of_all_tokens_ever_seen_at_most_one_passes(seed)
