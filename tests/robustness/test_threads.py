"""SPEC 11 "Thread-safe by one lock per engine"; hostile-inputs 4, threads. A planted race is found."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from typing import Final

import pytest

import grantcore as gc
from grantcore.events import Event
from tests.robustness import inside, worlds
from tests.robustness.racing import YieldingIds, answer, run_together
from tests.robustness.worlds import LANE, TTL, WHO, World, new_world

pytestmark = [pytest.mark.uncovered, pytest.mark.every_python]

THREADS: Final = 4
GRANTS: Final = 2_600
LOST: Final = {gc.InvalidClaimGrant, gc.ExecutionNotLeaseable}


def _race_for_grants(world: World, ids: YieldingIds, grants: int) -> tuple[Counter[str], Counter[object]]:
    """Every thread claims every grant: wins by execution, refusals by class."""
    for number in range(grants):
        worlds.granted(world, f"e-{number}")
    leases: list[list[gc.Lease]] = [[] for _ in range(THREADS)]
    refusals: list[Counter[object]] = [Counter() for _ in range(THREADS)]

    def claim_all(thread: int) -> None:
        who: worlds.Who = {"worker_id": "w", "worker_instance_id": f"w-{thread}"}
        for grant in world.grants.values():
            ids.calling.add(thread)
            got = answer(lambda grant=grant: world.engine.take(grant, **who, lease_ttl_ms=TTL))  # type: ignore[misc]
            ids.calling.discard(thread)
            if isinstance(got, gc.Lease):
                leases[thread].append(got)
            else:
                refusals[thread][got] += 1

    run_together(THREADS, claim_all)
    wins = Counter(lease.execution_id for held in leases for lease in held)
    return wins, sum(refusals, Counter())


def test_each_grant_has_one_winner() -> None:
    """I-13, hostile-inputs section 2: 10^4 contended claims, one success for each grant."""
    ids = YieldingIds()
    world = new_world(ids=ids)
    wins, refusals = _race_for_grants(world, ids, GRANTS)
    assert sum(wins.values()) + sum(refusals.values()) == THREADS * GRANTS >= 10_000
    assert wins == Counter({f"e-{number}": 1 for number in range(GRANTS)})
    assert refusals.keys() <= LOST
    assert ids.contended > GRANTS // 2, "nobody contended"
    assert len({lease.lease_id for lease in world.engine.leases()}) == GRANTS
    world.engine.check()


def test_a_planted_race_is_found() -> None:
    """The same harness on an engine whose lock is a no-op: grants have several winners, or worse."""
    ids = YieldingIds()
    world = new_world(ids=ids)
    inside.remove_lock(world.engine)
    try:
        wins, refusals = _race_for_grants(world, ids, 200)
        world.engine.check()
    except (gc.InvariantBroken, AssertionError, LookupError):
        return
    assert max(wins.values()) > 1 or refusals.keys() - LOST


def test_events_of_all_threads_are_one_stream() -> None:
    """I-65: gap-free and in order, and never two observers' calls at once."""
    world, heard, at_work = new_world(), [], threading.Semaphore(1)

    def observe(event: Event) -> None:
        assert at_work.acquire(blocking=False)
        heard.append(event.sequence)
        at_work.release()

    world.engine.subscribe(observe)

    def create(thread: int) -> None:
        for number in range(300):
            world.engine.create_execution(lane_id=LANE, execution_id=f"{thread}-{number}")

    run_together(THREADS, create)
    assert heard == list(range(1, THREADS * 300 + 1))
    world.engine.check()


def test_cancel_against_complete() -> None:
    """hostile-inputs section 4: of the holder's success and an operator's cancellation, one comes first."""
    world, count = new_world(), 600
    for number in range(count):
        worlds.held(world, f"e-{number}")
    answers: list[dict[str, object]] = [{}, {}]

    def end(thread: int) -> None:
        for eid, lease in world.leases.items():
            answers[thread][eid] = (
                answer(lambda lease=lease: world.engine.complete_execution(lease))  # type: ignore[misc]
                if thread
                else answer(lambda eid=eid: world.operator.cancel(eid, reason="r"))  # type: ignore[misc]
            )

    run_together(2, end)
    for eid in world.leases:
        cancelled, completed = answers[0][eid], answers[1][eid]
        assert [cancelled, completed].count(gc.ExecutionNotActive) == 1
        snapshot = world.engine.describe_execution(eid)
        assert snapshot is not None
        ended = gc.Phase.CANCELLED if isinstance(cancelled, gc.Cancelled) else gc.Phase.SUCCEEDED
        assert snapshot.phase is ended
    world.engine.check()


def test_advance_against_renew() -> None:
    """I-04, I-55: a lease is renewed or has lapsed, never both, whoever looks first."""
    world, count = new_world(), 400
    for number in range(count):
        worlds.held(world, f"e-{number}", ttl_ms=1 + number % 50)
    renewed: dict[str, object] = {}

    def work(thread: int) -> None:
        if thread == 0:
            for _ in range(50):
                world.clock.advance(1)
                world.engine.advance(limit=3)
        else:
            for eid, lease in world.leases.items():
                renewed[eid] = answer(lambda lease=lease: world.engine.renew_lease(lease, lease_ttl_ms=TTL))  # type: ignore[misc]

    run_together(2, work)
    world.engine.check()
    for eid, got in renewed.items():
        snapshot = world.engine.describe_execution(eid)
        assert snapshot is not None
        if isinstance(got, gc.Lease):
            assert (snapshot.phase, snapshot.lease_expires_at_ms) == (gc.Phase.LEASED, got.expires_at_ms)
        else:
            assert (got, snapshot.phase) == (gc.LeaseExpired, gc.Phase.LEASE_EXPIRED)


def test_snapshot_against_writes() -> None:
    """SPEC 9: a snapshot is the state between two calls; restoring it checks every invariant."""
    world, done = new_world(), threading.Event()
    snapshots: list[bytes] = []

    def work(thread: int) -> None:
        if thread == 0:
            while not done.is_set() and len(snapshots) < 60:
                snapshots.append(world.engine.snapshot())
            return
        for number in range(2_000):
            if number >= 120 and len(snapshots) >= 3:
                break
            worlds.done(world, f"{thread}-{number}")
            world.engine.purge_execution(f"{thread}-{number}")
            worlds.held(world, f"{thread}-{number}", policy=gc.ExecutionPolicy())
        done.set()

    run_together(3, work)
    assert len(snapshots) >= 3
    for data in snapshots:
        restored = gc.GrantEngine.restore(data, clock=gc.ManualClock(1_000))
        restored.check()
        assert restored.stats().events <= world.engine.stats().events


def test_a_restored_lease_is_claimed_once_by_threads() -> None:
    """I-13 after a restore: a grant that lives in a snapshot is consumed once in the restored engine."""
    world = new_world()
    worlds.granted(world)
    restored = gc.GrantEngine.restore(world.engine.snapshot(), clock=world.clock)
    wins: list[object] = []
    run_together(
        THREADS,
        lambda _: wins.append(answer(lambda: restored.take(world.grants["e"], **WHO, lease_ttl_ms=TTL))),
    )
    assert sum(isinstance(got, gc.Lease) for got in wins) == 1


@pytest.mark.parametrize("plant", [False, True])
def test_two_guards_passed_at_once(plant: bool) -> None:
    """I-13: with both threads past the guards at once, by design, a planted race lets both through."""
    world, met = new_world(), threading.Barrier(2)
    worlds.granted(world)
    mint = world.ids.attempt_id

    def attempt_id() -> str:
        with contextlib.suppress(threading.BrokenBarrierError):
            met.wait(10 if plant else 0.2)
        return mint()

    world.ids.attempt_id = attempt_id  # type: ignore[method-assign]
    if plant:
        inside.remove_lock(world.engine)
    wins: list[object] = []
    run_together(
        2,
        lambda _: wins.append(answer(lambda: world.engine.take(world.grants["e"], **WHO, lease_ttl_ms=TTL))),
    )
    # Past the guards means a lease, or one of the engine's own alarms: never "too late".
    passed = [got for got in wins if got not in LOST]
    assert len(passed) == (2 if plant else 1)
