"""Many leases due at once (``engine/lapses.py``): the run of plain ones does what commits one by one do.

SPEC 3: in the order of (instant, kind, id), each stamped with its own deadline. I-41: interrupted at any
line or opcode, a run leaves a prefix, and the next call goes on. I-48: slices change nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import pytest

import grantcore as gc
from grantcore.engine import core
from grantcore.model.ids import MintedIds
from tests.robustness import inside
from tests.robustness.injection import OpcodeTracer, Tracer, traced

BETWEEN_MS = 40
"""When other things fall due, in the middle of the leases."""

DUE: Final = 12


class Stall:
    """An engine that nobody looked at for a while: leases are due, and in between what is no plain lease."""

    def __init__(self, *, observed: bool = False) -> None:
        self.clock = gc.ManualClock(1_000)
        self.engine = gc.GrantEngine(clock=self.clock, ids=MintedIds("0" * 20))
        if observed:
            self.engine.subscribe(_nothing)
        self.leases = [self.lease(ttl_ms) for ttl_ms in (50, 30, 30, BETWEEN_MS, 10, 10, 70, 60, 400)]
        self.lease(BETWEEN_MS, priority=3)
        self.lease(BETWEEN_MS, policy=gc.ExecutionPolicy(attempt_timeout_ms=BETWEEN_MS - 5))
        self.lease(BETWEEN_MS + 5, deadline_at_ms=1_000 + BETWEEN_MS)
        self.claimed_by_operator(30)
        self.engine.renew_lease(self.leases[1], lease_ttl_ms=65)
        self.engine.renew_lease(self.leases[0], lease_ttl_ms=20)
        self.engine.complete_execution(self.leases[5])
        self.engine.register_worker(
            worker_id="w", worker_instance_id="w-2", capabilities=(), lanes=("main",), liveness_ttl_ms=45
        )
        self.clock.advance(100)

    def lease(self, ttl_ms: int, **more: object) -> gc.Lease:
        """Have one more execution held."""
        created = self.engine.create_execution(lane_id="main", **more)  # type: ignore[arg-type]
        request = gc.IssueClaimGrantRequest(
            worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=5
        )
        grant = self.engine.issue_claim_grant(created.execution_id, request)
        return self.engine.claim_execution(
            grant, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=ttl_ms
        )

    def claimed_by_operator(self, ttl_ms: int) -> None:
        """Have one more held, whose history tells more than its record does."""
        name = self.engine.create_execution(lane_id="main").execution_id
        self.engine.operator("boss").issue_grant_and_claim(
            name, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=ttl_ms
        )

    def told(self) -> tuple[object, ...]:
        """All there is to see."""
        engine = self.engine
        engine.check()
        scheduler = gc.Scheduler(engine)
        return (
            inside.bare_digest(engine),
            engine.stats(),
            engine.list_expired_leases(),
            scheduler.peek("main", (), 100),
            engine.next_deadline_ms(),
        )


def _nothing(_event: gc.events.Event) -> None:
    """Hear an event."""


def test_the_run_does_what_commits_do() -> None:
    """I-48: an observer makes each lapse take the general way."""
    plain, observed = Stall(), Stall(observed=True)
    assert plain.engine.advance().lapsed == observed.engine.advance().lapsed == DUE
    assert plain.told() == observed.told()


def test_one_that_was_renewed_comes_in_its_new_place() -> None:
    """SPEC 3: also when it stood in line to lapse already."""
    clock = gc.ManualClock(1_000)
    stall = Stall()
    stall.clock, stall.engine = clock, gc.GrantEngine(clock=clock, ids=MintedIds("0" * 20))
    first, renewed, last = (stall.lease(ttl_ms) for ttl_ms in (10, 10, 12))
    assert stall.engine.next_deadline_ms() == 1_010
    stall.engine.renew_lease(renewed, lease_ttl_ms=15)
    clock.advance(100)
    assert stall.engine.advance().lapsed == 3
    lost = stall.engine.list_expired_leases().entries
    assert [one.execution_id for one in lost] == [lease.execution_id for lease in (first, last, renewed)]
    stall.engine.check()


@pytest.mark.parametrize("limit", range(1, DUE + 1))
def test_slices_change_nothing(limit: int) -> None:
    """I-48: after every slice the same as one by one."""
    sliced, single = Stall(), Stall(observed=True)
    left = DUE
    while left:
        slice_ = min(left, limit)
        left -= slice_
        report = sliced.engine.advance(limit=limit)
        assert (report.lapsed, report.more) == (slice_, left > 0)
        for _ in range(slice_):
            single.engine.advance(limit=1)
        assert inside.bare_digest(sliced.engine) == inside.bare_digest(single.engine)
    assert sliced.told() == single.told()


def interrupted(tracer: type[Tracer], stride: int = 1) -> tuple[int, int]:
    """Interrupt the run at every such point; answer how many there are, and how many left the slot full."""
    whole = Stall()
    whole.engine.advance()
    told = whole.told()
    at, halfway = 1, 0
    while True:
        stall = Stall()
        if tracer.forgetful:
            traced(tracer(), partial(Stall().engine.advance))
        if traced(tracer(at), stall.engine.advance) is None:
            return at, halfway
        halfway += inside.is_halfway(stall.engine)
        stall.engine.now_ms()
        assert stall.told() == told, at
        at += stride


def test_a_run_interrupted_at_every_line_is_finished() -> None:
    """I-41."""
    points, halfway = interrupted(Tracer)
    assert points > 300
    assert halfway > 100


@pytest.mark.uncovered
def test_a_run_interrupted_between_opcodes_is_finished() -> None:
    """I-41: every seventh."""
    points, halfway = interrupted(OpcodeTracer, 7)
    assert points > 1_000
    assert halfway > 50


@pytest.mark.nightly
def test_a_run_interrupted_at_every_opcode_is_finished() -> None:
    """I-41."""
    assert interrupted(OpcodeTracer)[0] > 1_000


def test_a_lapse_that_nobody_finishes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judgement can fail: without the finisher a lapse is half stored."""
    monkeypatch.setattr(core, "write_lapse", lambda *_: None)
    with pytest.raises(AssertionError):
        interrupted(Tracer)


def test_a_run_gives_way_to_what_came_since() -> None:
    """SPEC 3: what is filed under the head of the index when that has been sorted lapses in its turn."""
    told = []
    for observed in (False, True):
        stall = Stall(observed=observed)
        stall.engine.advance()
        for late in (90, 95):
            stall.lease(late)
        assert stall.engine.next_deadline_ms() == 1_190
        between = stall.lease(92)
        assert stall.engine.next_deadline_ms() == 1_190
        stall.clock.advance(99)
        ends = [lost.execution_id for lost in stall.engine.list_expired_leases().entries[-3:]]
        assert ends[1] == between.execution_id
        told.append(stall.told())
    assert told[0] == told[1]


@pytest.mark.parametrize("aging_ms", [None, 5])
def test_a_run_stands_in_line_as_commits_do(aging_ms: int | None) -> None:
    """SPEC 7: of any priority, the youngest lost first or last, in a lane that ages or does not."""
    told = []
    for observed in (False, True):
        stall = Stall(observed=observed)
        stall.engine.configure_lane("main", aging_ms_per_point=aging_ms)
        stall.engine.advance()
        for ttl_ms in (90, 81, 93, 70):
            stall.lease(ttl_ms, priority=ttl_ms % 3)
            stall.clock.advance(1)
        stall.clock.advance(100)
        told.append(stall.told())
    assert told[0] == told[1]


@pytest.mark.parametrize("renewed", [False, True])
def test_who_was_late_and_went_elsewhere_is_passed_over(renewed: bool) -> None:
    """SPEC 3: filed under a bucket that had been the head, and purged or renewed before it is so again."""
    stall = Stall()
    stall.engine.advance()
    stall.lease(200)
    assert stall.engine.next_deadline_ms() == 1_300
    late = stall.lease(201)
    stall.lease(100)
    assert stall.engine.next_deadline_ms() == 1_200
    if renewed:
        stall.engine.renew_lease(late, lease_ttl_ms=250)
        stall.engine.renew_lease(late, lease_ttl_ms=90)
        assert stall.engine.next_deadline_ms() == 1_190
        stall.engine.renew_lease(late, lease_ttl_ms=1_000)
    else:
        stall.engine.complete_execution(late)
        stall.engine.purge_execution(late.execution_id)
    stall.clock.advance(100)
    assert stall.engine.next_deadline_ms() == 1_300
    stall.clock.advance(150)
    assert stall.engine.next_deadline_ms() == 1_400
    stall.engine.check()


def test_a_run_keeps_the_shelves_tidy() -> None:
    """I-64: however many unconfirmed entries there are when leases are lost, they do not become too many."""
    for times in range(30, 70):
        stall = Stall()
        waiting = stall.engine.create_execution(lane_id="main").execution_id
        stall.lease(10)
        stall.lease(10)
        gc.Scheduler(stall.engine).peek("main", ())
        for priority in range(times):
            stall.engine.change_priority(waiting, priority + 1)
        stall.clock.advance(10)
        stall.engine.check()
