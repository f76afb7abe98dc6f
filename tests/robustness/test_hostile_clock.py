"""hostile-inputs section 3, SPEC 3: clocks that go back, stand, leap, raise, lie; sums near the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pytest

import grantcore as gc
from tests.robustness import hostile, worlds
from tests.robustness.hostile import MAX
from tests.robustness.worlds import LANE, TTL, WHO, World, asking, asking_back, new_world

BAD_READINGS: Final = {
    label: value for label, value in hostile.VALUES.items() if not (type(value) is int and 0 <= value <= MAX)
}


class Clock:
    """A source whose next reading, or failure, is set from outside."""

    def __init__(self, reading: object) -> None:
        self.reading = reading
        self.asked = 0

    def __call__(self) -> Any:
        self.asked += 1
        if isinstance(self.reading, BaseException):
            raise self.reading
        return self.reading


def _engine(clock: Clock) -> gc.GrantEngine:
    return gc.GrantEngine(clock=clock, ids=worlds.SeededIds())


@pytest.mark.parametrize("label", BAD_READINGS)
def test_a_reading_that_is_no_instant(label: str) -> None:
    """SPEC 3: ``ClockError``, and nothing is changed, also not the clamp count."""
    clock = Clock(5)
    engine = _engine(clock)
    engine.create_execution(lane_id=LANE, execution_id="e")
    digest = engine.digest()
    clock.reading = BAD_READINGS[label]
    for call in (engine.now_ms, engine.advance, partial(engine.change_priority, "e", 5)):
        with pytest.raises(gc.ClockError) as raised:
            call()
        assert len(str(raised.value)) < 100
    clock.reading = 5
    assert engine.digest() == digest
    assert engine.stats().clock_clamped == 0


@pytest.mark.parametrize(
    "error", [ValueError("x"), OSError(), gc.StaleLease("x"), RecursionError(), StopIteration()]
)
def test_a_clock_that_raises(error: Exception) -> None:
    """SPEC 3, 11: its ``Exception`` is a ``ClockError`` from it."""
    clock = Clock(5)
    engine = _engine(clock)
    clock.reading = error
    with pytest.raises(gc.ClockError) as raised:
        engine.advance()
    assert raised.value.__cause__ is error
    clock.reading = 6
    assert engine.now_ms() == 6


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), GeneratorExit()])
def test_a_clock_that_is_interrupted(error: BaseException) -> None:
    """SPEC 11: what is no ``Exception`` passes through as it is."""
    clock = Clock(error)
    engine = _engine(clock)
    with pytest.raises(type(error)):
        engine.advance()
    clock.reading = 6
    assert engine.now_ms() == 6


@pytest.mark.parametrize("back_ms", [1, 3_600_000, 10**9])
def test_a_clock_that_goes_back_is_clamped(back_ms: int) -> None:
    """I-51: no stored expiry moves, no lease gets longer, and the count tells."""
    clock = Clock(10**9)
    engine = _engine(clock)
    engine.create_execution(lane_id=LANE, execution_id="e")
    grant = engine.issue_claim_grant("e", asking())
    clock.reading = 10**9 - back_ms
    lease = engine.take(grant, **WHO, lease_ttl_ms=TTL)
    assert lease.expires_at_ms == 10**9 + TTL
    assert engine.now_ms() == 10**9
    assert engine.stats().clock_clamped == 3
    engine.check()


def test_a_clock_that_jitters() -> None:
    """I-51: readings up and down; the engine's own time only goes up."""
    clock, seen = Clock(0), []
    engine = _engine(clock)
    for reading in (5, 3, 9, 8, 8, 12, 0, 13):
        clock.reading = reading
        seen.append(engine.now_ms())
    assert seen == [5, 5, 9, 9, 9, 12, 12, 13]
    assert engine.stats().clock_clamped == 4


def test_a_frozen_clock() -> None:
    """hostile-inputs section 3: a whole life in one millisecond."""
    world = new_world()
    worlds.retried(world)
    world.engine.complete_execution(world.lease())
    world.engine.check()
    assert world.engine.now_ms() == 1_000


def test_forward_a_hundred_years() -> None:
    """hostile-inputs section 3: everything expires at once; slices and one call lead to the same."""
    worlds_ = []
    for limit in (None, 1, 7):
        world = new_world()
        worlds.busy(world)
        world.listen(1)
        world.clock.advance(100 * 366 * 86_400_000)
        while world.engine.advance(limit=limit).more:
            pass
        world.engine.check()
        worlds_.append(world)
    first, *others = worlds_
    assert all(world.engine.digest() == first.engine.digest() for world in others)
    assert all(world.heard == first.heard for world in others)
    assert first.engine.next_deadline_ms() is None
    assert first.engine.leases() == ()


def test_each_call_reads_the_clock_once() -> None:
    """I-53, and ``subscribe`` and ``operator`` do not read it at all."""
    clock = Clock(5)
    engine = _engine(clock)
    engine.create_execution(lane_id=LANE, execution_id="e")
    engine.describe_execution("e")
    engine.renew_leases([], lease_ttl_ms=5)
    with pytest.raises(gc.ExecutionNotFound):
        engine.change_priority("nobody", 5)
    assert clock.asked == 4
    engine.subscribe(print)
    engine.operator("op")
    assert clock.asked == 4


def test_a_refused_form_does_not_read_the_clock() -> None:
    """SPEC 5: the form of all arguments comes first."""
    clock = Clock(5)
    engine: Any = _engine(clock)
    with pytest.raises(gc.InvalidInput):
        engine.change_priority("e", "5")
    assert clock.asked == 0


def test_manual_clock_cannot_go_back() -> None:
    """SPEC 3: ``advance`` and ``set`` refuse what would lead back or out of range."""
    clock: Any = gc.ManualClock(start_ms=5)
    moves: Iterator[Callable[[], object]] = (
        partial(move, value)
        for move in (clock.advance, clock.set)
        for label, value in hostile.VALUES.items()
        if not (type(value) is int and 0 <= value <= MAX)
    )
    calls: list[Callable[[], object]] = [*moves, partial(clock.set, 4), partial(clock.advance, MAX)]
    for call in calls:
        with pytest.raises(gc.InvalidInput) as raised:
            call()
        assert raised.value.field == "ms"
    assert clock() == 5
    assert clock.set(5) == clock.advance(0) == 5
    assert clock.advance(MAX - 5) == MAX


def test_the_system_clock() -> None:
    """SPEC 3: an int in range that does not go back."""
    clock = gc.SystemClock()
    readings = [clock() for _ in range(100)]
    assert readings == sorted(readings)
    assert all(type(reading) is int and 0 < reading < MAX for reading in readings)


# -- the last instants -------------------------------------------------------------------------------------


def _near_the_end(build: worlds.Build, left_ms: int = 10) -> World:
    """A situation, ``left_ms`` before the last instant there is."""
    world = new_world(gc.EngineConfig(retention_ms=None), start_ms=MAX - left_ms)
    build(world)
    return world


def _near(world: World) -> None:
    """An execution that waits, without any of the long times to live of the other builds."""
    worlds.waiting(world)


def _held_near(world: World) -> None:
    worlds.waiting(world)
    world.grants["e"] = world.engine.issue_claim_grant("e", asking(5))
    worlds.take(world, "e", ttl_ms=5)


def _lost_near(world: World) -> None:
    _held_near(world)
    world.operator.revoke_lease("e", reason="r")


SUMS: Final[dict[str, tuple[worlds.Build, Callable[[World, int], object], str]]] = {
    "claim grant": (
        _near,
        lambda world, ms: world.engine.issue_claim_grant("e", asking(ms)),
        "grant_ttl_ms",
    ),
    "reclaim grant": (
        _lost_near,
        lambda world, ms: world.engine.issue_reclaim_grant("e", asking_back(ms)),
        "grant_ttl_ms",
    ),
    "renewal": (
        _held_near,
        lambda world, ms: world.engine.renew_lease(world.lease(), lease_ttl_ms=ms),
        "lease_ttl_ms",
    ),
    "operator's lease": (
        _near,
        lambda world, ms: world.operator.issue_grant_and_claim("e", **WHO, lease_ttl_ms=ms),
        "lease_ttl_ms",
    ),
    "attempt timeout": (
        _near,
        lambda world, ms: world.operator.issue_grant_and_claim(
            "e", **WHO, lease_ttl_ms=1, attempt_timeout_ms=ms
        ),
        "attempt_timeout_ms",
    ),
}


@pytest.mark.parametrize("label", SUMS)
def test_sums_near_the_last_instant(label: str) -> None:
    """D-14, I-52, hostile-inputs section 1: in range exact, else refused before any write."""
    build, call, field = SUMS[label]
    world = _near_the_end(build)
    digest = world.engine.digest()
    with pytest.raises(gc.InvalidInput) as raised:
        call(world, 11)
    assert raised.value.field == field
    assert world.engine.digest() == digest
    call(world, 10)
    world.engine.check()
    gc.GrantEngine.restore(world.engine.snapshot(), clock=world.clock).check()


def test_keys_near_the_last_instant() -> None:
    """I-43, I-52: an idempotency key whose window would end out of range can still be saved and restored."""
    world = new_world(start_ms=MAX - 10)
    create = partial(world.engine.create_execution, lane_id=LANE, idempotency_key="k")
    heard: list[Any] = []
    world.engine.subscribe(heard.append)
    create()
    assert isinstance(create(), gc.Duplicate)
    assert heard[0].key_expires_at_ms <= MAX
    restored = gc.GrantEngine.restore(world.engine.snapshot(), clock=world.clock)
    assert restored.digest() == world.engine.digest()


def test_backoff_and_rest_near_the_last_instant() -> None:
    """I-52: a retry cannot be scheduled after the last instant, a timeout not either."""
    policy = gc.ExecutionPolicy(retry=gc.RetryPolicy(backoff=gc.Fixed(hostile.YEARS)), attempt_timeout_ms=10)
    world = new_world(start_ms=MAX - 10)
    worlds.waiting(world, policy=policy)
    world.grants["e"] = world.engine.issue_claim_grant("e", asking(5))
    worlds.take(world, "e", ttl_ms=5)
    answer = world.engine.fail_execution(world.lease(), reason="r")
    assert isinstance(answer, gc.RetryScheduled)
    assert answer.delay_until_ms == MAX
    world.engine.check()
    world.clock.advance(10)
    world.engine.check()
    snapshot = world.engine.describe_execution("e")
    assert snapshot is not None
    assert snapshot.phase is gc.Phase.ELIGIBLE


def test_a_duration_longer_than_what_is_left() -> None:
    """I-52: looking ahead past the last instant is looking at all."""
    world = _near_the_end(_held_near)
    assert world.engine.leases_expiring_within(MAX) == world.engine.leases()
