"""Snapshots: what was saved is what comes back, and it goes on in the same way (I-37, I-43, SPEC 9, 11)."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import attrs
import pytest

from grantcore import (
    EngineConfig,
    ExecutionSnapshot,
    Granted,
    GrantEngine,
    InvalidInput,
    Lease,
    ManualClock,
    Phase,
    StaleLease,
)
from tests.life.cast import TIGHT, Settings
from tests.life.recipes import RECIPES
from tests.life.script import Run, new_run, restored
from tests.life.stage import ATTEMPT_MS, JOB, NumberedIds, Stage, bare_fence, reclaim_request
from tests.life.walk import Walk
from tests.marks import one_in
from tests.observing import of_executions

SEEDS: Final = range(10)


def recorded(seed: int, steps: int = 400) -> Walk:
    return Walk(seed, check_every=0, sample=0, record=True).go(steps)


# -- the same state ------------------------------------------------------------------------------


@pytest.mark.uncovered
@pytest.mark.parametrize("phase", one_in(3, Phase), ids=str)
def test_every_kind_of_record_comes_back(phase: Phase) -> None:
    """I-43: each recipe's execution, whatever hangs off its record; twice gives the same bytes."""
    for recipe in RECIPES[phase]:
        stage = recipe.build()
        data = stage.engine.snapshot()
        again = GrantEngine.restore(data, clock=stage.clock)
        again.check()
        assert again.digest() == stage.engine.digest(), recipe.name
        assert again.describe_execution(JOB) == stage.engine.describe_execution(JOB)
        assert again.attempts(JOB) == stage.engine.attempts(JOB)
        assert again.lease_history(JOB) == stage.engine.lease_history(JOB)
        assert again.describe_grant(JOB) == stage.engine.describe_grant(JOB)
        twice = GrantEngine.restore(again.snapshot(), clock=stage.clock)
        assert twice.digest() == stage.engine.digest()


@pytest.mark.uncovered
@pytest.mark.parametrize("seed", one_in(4, SEEDS))
def test_the_same_future(seed: int) -> None:
    """I-43: from any cut of a walk, the rest of it gives the same answers, events, ids and digest."""
    walk = recorded(seed)
    cut = Random(seed).randrange(50, 350)
    whole = new_run(TIGHT, walk.settings.start_ms).play(walk.steps[:cut])
    again = restored(whole, TIGHT)
    heard, answered = len(whole.told), len(whole.answers)
    whole.play(walk.steps[cut:])
    again.play(walk.steps[cut:])
    assert again.answers == whole.answers[answered:]
    assert again.told == whole.told[heard:]
    assert again.outcome()["digest"] == whole.outcome()["digest"]
    assert again.outcome()["stories"] == whole.outcome()["stories"]


@pytest.mark.uncovered
def test_restoring_at_every_step_changes_nothing() -> None:
    """I-43 at every cut: an engine that is saved and restored before each step lives the same life."""
    walk = recorded(77, steps=250)
    whole = new_run(TIGHT, walk.settings.start_ms).play(walk.steps)
    hopping = new_run(TIGHT, walk.settings.start_ms)
    answers: list[object] = []
    for step in walk.steps:
        hopping = restored(hopping, TIGHT).play([step])
        answers += hopping.answers
    assert answers == whole.answers
    assert hopping.engine.digest() == whole.engine.digest()


@pytest.mark.uncovered
@pytest.mark.parametrize("seed", SEEDS)
def test_indexes_built_anew_are_those_that_grew(seed: int) -> None:
    """I-37: pages, queues, deadlines, holders and counts answer alike after a rebuild."""
    walk = recorded(seed, steps=300)
    assert _indexed(restored(walk.run, TIGHT).engine) == _indexed(walk.engine)


def _indexed(engine: GrantEngine) -> list[object]:
    """Everything that is answered from an index."""
    from grantcore import Scheduler  # noqa: PLC0415 - one use

    tokens = ("cpu", "gpu", "ssd")
    return [
        engine.next_deadline_ms(),
        engine.stats(),
        engine.leases(),
        [engine.leases(worker_instance_id=f"w{w}-{i}") for w in range(3) for i in (1, 2)],
        [engine.leases_expiring_within(ms) for ms in (1, 10, 100, 10_000)],
        engine.list_expired_leases(),
        engine.list_executions(),
        [engine.list_executions(phase=phase) for phase in Phase],
        [Scheduler(engine).peek(lane, tokens[:n]) for lane in ("main", "side") for n in range(4)],
    ]


# -- time that passed meanwhile --------------------------------------------------------------------


def _saved() -> tuple[Stage, bytes]:
    """A stage with a lease, a grant, a delay and an ended execution, saved."""
    stage = Stage()
    stage.create("delayed", delay_until_ms=stage.now + 30)
    stage.create("granted")
    stage.issue("granted", ttl_ms=20)
    stage.create("ended")
    stage.cancel("ended")
    stage.create()
    stage.claim(ttl_ms=10)
    return stage, stage.engine.snapshot()


def test_what_became_due_lapses_at_the_first_call_with_its_own_stamp() -> None:
    """SPEC 11, Restore: records are as they were; time passed meanwhile lapses at the first call."""
    stage, data = _saved()
    clock = ManualClock(stage.now + 500)
    engine = GrantEngine.restore(data, clock=clock)
    told: list[tuple[str, str, int]] = []
    engine.subscribe(
        of_executions(lambda event: told.append((type(event).__name__, event.execution_id, event.at_ms)))
    )
    engine.now_ms()
    assert told == [
        ("LeaseLapsed", JOB, stage.now + 10),
        ("GrantLapsed", "granted", stage.now + 20),
        ("BecameDue", "delayed", stage.now + 30),
    ]
    stage.wait(500)
    assert engine.digest() == stage.engine.digest()


def test_nothing_lapses_before_the_first_call() -> None:
    stage, data = _saved()
    engine = GrantEngine.restore(data, clock=ManualClock(stage.now + 10**9))
    assert engine._store.records[JOB].phase is Phase.LEASED


def test_the_clock_may_be_behind_the_snapshot() -> None:
    """I-51: no stored expiry moves because of a bad reading; it is clamped and counted."""
    stage, data = _saved()
    engine = GrantEngine.restore(data, clock=ManualClock(stage.now - 5_000))
    assert engine.now_ms() == stage.now
    assert engine.stats().clock_clamped >= 2
    assert engine.digest() == stage.engine.digest()


def test_the_lease_of_before_still_holds() -> None:
    """Leases are as they were: their holders go on."""
    stage, data = _saved()
    engine = GrantEngine.restore(data, clock=stage.clock)
    renewed = engine.renew_lease(stage.lease, lease_ttl_ms=100)
    assert renewed.lease_id == stage.lease.lease_id
    engine.complete_execution(stage.lease)
    assert engine.describe_execution(JOB) is not None


def test_ids_of_two_nonces_live_together_in_one_record() -> None:
    """An engine's own ids: what was taken before a restore is held, resumed and reclaimed after it."""
    clock = ManualClock(1_000)
    engine = GrantEngine(clock=clock)
    who: dict[str, Any] = {"worker_id": "w", "worker_instance_id": "w-1", "lease_ttl_ms": 100}
    engine.create_execution(lane_id="main", execution_id=JOB)
    lease = engine.operator("boss").issue_grant_and_claim(JOB, **who)
    seen = {lease.lease_id}
    for act in ("release", "lapse", "fail", "release"):
        engine = GrantEngine.restore(engine.snapshot(), clock=clock)
        assert engine.leases() == (lease,)
        lease = engine.renew_lease(bare_fence(lease), lease_ttl_ms=50)
        if act == "release":
            engine.release_execution(lease)
        elif act == "lapse":
            clock.advance(50)
        engine = GrantEngine.restore(engine.snapshot(), clock=clock)
        lease = _taken_on(engine, lease, who)
        assert lease.lease_id not in seen
        seen.add(lease.lease_id)
        engine.check()
        assert GrantEngine.restore(engine.snapshot(), clock=clock).digest() == engine.digest()
    attempts = engine.attempts(JOB)
    assert [attempt.attempt_type for attempt in attempts] == ["initial", "reclaim", "reclaim"]
    assert attempts[-1].lease_id == lease.lease_id
    assert len({attempt.attempt_id for attempt in attempts}) == 3


def _taken_on(engine: GrantEngine, lease: Lease, who: dict[str, Any]) -> Lease:
    """The next lease: of the interrupted attempt, or of the lost (or now revoked) one."""
    boss = engine.operator("boss")
    shown = engine.describe_execution(JOB)
    assert shown is not None
    assert shown.current_attempt_id == lease.attempt_id
    if shown.phase is Phase.ELIGIBLE:
        resumed = boss.issue_grant_and_claim(JOB, **who)
        assert resumed.attempt_id == lease.attempt_id
        return resumed
    boss.revoke_lease(JOB, reason="restarted")
    answer = engine.issue_reclaim_grant(JOB, reclaim_request())
    assert isinstance(answer, Granted)
    return engine.take(answer.grant, **who)


def test_restored_engines_are_apart() -> None:
    stage, data = _saved()
    one, other = (GrantEngine.restore(data, clock=stage.clock) for _ in range(2))
    one.complete_execution(stage.lease)
    assert other.digest() == stage.engine.digest()
    assert one.digest() != other.digest()


# -- ids and epochs ------------------------------------------------------------------------------


def _next_lease(engine: GrantEngine, name: str = "another") -> Lease:
    engine.create_execution(lane_id="main", execution_id=name)
    return engine.operator("boss").issue_grant_and_claim(
        name, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=100
    )


def test_ids_are_minted_under_a_new_nonce() -> None:
    """A token of another restore is of no use here (hostile-inputs 2)."""
    stage = Stage()
    stage.create()
    data = stage.engine.snapshot()
    one, other = (GrantEngine.restore(data, clock=stage.clock) for _ in range(2))
    leases = [_next_lease(engine) for engine in (one, other)]
    assert leases[0].lease_id != leases[1].lease_id
    with pytest.raises(StaleLease):
        one.complete_execution(leases[1])


def test_an_id_source_in_the_same_position_mints_the_same() -> None:
    stage, data = _saved()
    again = GrantEngine.restore(data, clock=stage.clock, ids=NumberedIds(stage.ids.used))
    assert _next_lease(again) == _next_lease(stage.engine)
    assert again.digest() == stage.engine.digest()


def test_later_epochs_are_above_the_floor() -> None:
    """SPEC 11: given, or the snapshot's own, whichever is higher."""
    stage = Stage()
    stage.create()
    stage.claim()
    stage.complete()
    stage.engine.purge_execution(JOB)
    data = stage.engine.snapshot()
    assert _next_lease(GrantEngine.restore(data, clock=stage.clock)).lease_epoch == 2
    assert _next_lease(GrantEngine.restore(data, clock=stage.clock, epoch_floor=0)).lease_epoch == 2
    assert _next_lease(GrantEngine.restore(data, clock=stage.clock, epoch_floor=41)).lease_epoch == 42


def test_a_floor_that_was_given_holds_for_every_later_lease() -> None:
    """SPEC 11: what was seen outside is never issued again for an id, after further restores too."""
    stage = Stage()
    stage.create()
    stage.claim()
    stage.revoke()
    data = GrantEngine.restore(stage.engine.snapshot(), clock=stage.clock, epoch_floor=41).snapshot()
    stage.engine = GrantEngine.restore(data, clock=stage.clock)
    assert stage.claim().lease_epoch == 42
    stage.revoke()
    assert stage.claim().lease_epoch == 43


@pytest.mark.parametrize("floor", [-1, True, 1.0, "1", None, 2**53])
def test_a_malformed_floor_is_refused(floor: object) -> None:
    _, data = _saved()
    with pytest.raises(InvalidInput) as refusal:
        GrantEngine.restore(data, epoch_floor=floor)  # type: ignore[arg-type]
    assert refusal.value.field == "epoch_floor"


# -- what is not in it -----------------------------------------------------------------------------


def test_observers_and_config_are_not_saved() -> None:
    """SPEC 9: neither is part of snapshot or digest."""
    stage, data = _saved()
    heard = len(stage.told)
    engine = GrantEngine.restore(data, clock=stage.clock, config=EngineConfig(max_tags=1))
    engine.advance()
    _next_lease(engine)
    assert len(stage.told) == heard
    with pytest.raises(InvalidInput):
        engine.set_execution_tags("granted", {"a.b": "1", "c.d": "2"})


@pytest.mark.uncovered
@pytest.mark.parametrize("limit", [2, 3, 6, 1_000])
def test_a_snapshot_is_restored_under_other_limits(limit: int) -> None:
    """EngineConfig is not in the snapshot: a host may change it. A shorter history is cut at once (D-25)."""
    walk = Walk(5, Settings(config=attrs.evolve(TIGHT, retention_ms=None)), check_every=0).go(400)
    before = {entry.execution_id: walk.engine.lease_history(entry.execution_id) for entry in _all(walk)}
    assert max(map(len, before.values())) == 6
    config = attrs.evolve(walk.settings.config, lease_history_limit=limit)
    engine = GrantEngine.restore(walk.engine.snapshot(), clock=walk.run.clock, config=config)
    engine.check()
    for name, lines in before.items():
        assert engine.lease_history(name) == lines[-limit:]


def _all(walk: Walk) -> tuple[ExecutionSnapshot, ...]:
    return walk.engine.list_executions().entries


def test_a_shorter_retention_purges_at_the_first_call() -> None:
    stage, data = _saved()
    config = EngineConfig(retention_ms=5)
    engine = GrantEngine.restore(data, clock=ManualClock(stage.now + 5), config=config)
    assert engine.describe_execution("ended") is None
    assert engine.describe_execution("delayed") is not None


def test_the_attempt_clock_goes_on() -> None:
    stage = Stage()
    stage.create()
    stage.claim()
    engine = GrantEngine.restore(stage.engine.snapshot(), clock=stage.clock)
    stage.clock.advance(ATTEMPT_MS)
    shown = engine.describe_execution(JOB)
    assert shown is not None
    assert shown.failure_reason == "attempt_timeout"


def test_the_run_helper_restores_its_id_source() -> None:
    """What the pairs above rest on."""
    run: Run = new_run(TIGHT, 0)
    run.ids.subject = "x"
    run.ids.lease_id()
    assert restored(run, TIGHT).ids.counts == {"x": 1}
