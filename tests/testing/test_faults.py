"""Faults find what is wrong with a scheduler, nothing where nothing is, and the same again from the seed."""

from __future__ import annotations

from typing import Final

import pytest

from grantcore import (
    Fence,
    Granted,
    GrantEngine,
    GrantError,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    ManualClock,
    Phase,
    Reclaimed,
    Scheduler,
    Worker,
)
from grantcore.testing import AnswerLost, Crashed, Faults, SeededIds, UnluckyWorker
from grantcore.testing.faults import (
    CRASH,
    CRASH_AFTER,
    LATE_RENEWAL,
    LOST_ANSWER,
    PAUSE,
    REPEATED_CALL,
    USUAL,
)

JOBS: Final = 6
ROUNDS: Final = 300
SEEDS: Final = range(40)
RATES: Final = {kind: 3 * rate for kind, rate in USUAL.items()}


# -- a scheduler of somebody's ----------------------------------------------------------------------


class Careful:
    """What a worker runs: take something, renew, work, complete; stop when told to."""

    def __init__(self, worker: UnluckyWorker, scheduler: Scheduler) -> None:
        self.worker = worker
        self.scheduler = scheduler
        self.lease: Lease | None = None

    def step(self) -> bool:
        """Whether there was anything to do."""
        if self.lease is None:
            return self.take()
        try:
            self.lease = self.worker.engine.renew_lease(self.lease, lease_ttl_ms=50)
            self.worker.act(self.lease)
            self.worker.engine.complete_execution(self.lease)
        except GrantError:
            self.told_to_stop()
            return True
        self.lease = None
        return True

    def take(self) -> bool:
        who = self.worker
        seeker = Worker(who.worker_id, who.worker_instance_id, capabilities=[])
        grant = self.scheduler.claim_for_worker(seeker, lanes=["main"], grant_ttl_ms=20)
        if grant is not None:
            try:
                self.lease = who.engine.take(
                    grant,
                    worker_id=who.worker_id,
                    worker_instance_id=who.worker_instance_id,
                    lease_ttl_ms=50,
                )
            except GrantError:
                return True
        return grant is not None

    def told_to_stop(self) -> None:
        self.lease = None

    def born_again(self) -> Careful:
        """The process crashed and was started again: nothing is in its memory."""
        return type(self)(self.worker, self.scheduler)


class Deaf(Careful):
    """The bug: a refusal is taken for a hiccup, and the work is done all the same."""

    def told_to_stop(self) -> None:
        assert self.lease is not None
        self.worker.act(self.lease)


class Stubborn(Careful):
    """The bug: told to stop, it tries the same lease again."""

    def told_to_stop(self) -> None:
        pass


class Sleepwalker(Careful):
    """The bug: the lease was written down, and is used again after a restart."""

    def born_again(self) -> Careful:
        again = super().born_again()
        again.lease = self.lease
        return again


def run(faults: Faults, kind: type[Careful]) -> GrantEngine:
    """Two workers until all is done, or for so many rounds; the loop restarts who crashed."""
    clock = ManualClock()
    engine = GrantEngine(clock=clock, ids=SeededIds(faults.seed))
    scheduler = Scheduler(engine)
    for number in range(JOBS):
        engine.create_execution(lane_id="main", execution_id=f"job-{number}")
    codes = [kind(faults.worker(engine, clock, name, f"{name}-1"), scheduler) for name in ("ann", "bob")]
    for _ in range(ROUNDS):
        busy = [_step(codes, place) for place in range(len(codes))]
        deadline = engine.next_deadline_ms()
        if not any(busy) and deadline is not None:
            clock.set(max(deadline, clock()))
        if engine.stats().executions_by_phase[Phase.SUCCEEDED] == JOBS:
            break
    engine.check()
    return engine


def _step(codes: list[Careful], place: int) -> bool:
    code = codes[place]
    try:
        return code.step()
    except Crashed:
        code.worker.restart()
        codes[place] = code.born_again()
    except AnswerLost:
        pass
    return True


# -- what is found ---------------------------------------------------------------------------------


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    """And all is done in the end, whatever goes wrong on the way."""
    happened: dict[str, int] = dict.fromkeys(RATES, 0)
    for seed in SEEDS:
        faults = Faults(seed, RATES)
        engine = run(faults, Careful)
        faults.assert_nothing_found()
        assert engine.stats().executions_by_phase[Phase.SUCCEEDED] == JOBS
        for kind in happened:
            happened[kind] += faults.happened[kind]
    assert min(happened.values()) > 10, happened


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Deaf, "acts on job-. without the lease"),
        (Stubborn, "calls renew_lease on job-. after "),
        (Sleepwalker, "calls renew_lease on job-. with a lease of its life 1"),
    ],
)
def test_a_planted_bug_is_found_and_told_with_the_seed(kind: type[Careful], sentence: str) -> None:
    found = [seed for seed in SEEDS if _finds(seed, kind)]
    assert len(found) > len(SEEDS) // 4
    faults = Faults(found[0], RATES)
    run(faults, kind)
    with pytest.raises(AssertionError, match=rf"(?s)^seed {found[0]}\n.*found: at \d+ \S+ {sentence}"):
        faults.assert_nothing_found()


def _finds(seed: int, kind: type[Careful]) -> bool:
    faults = Faults(seed, RATES)
    run(faults, kind)
    return bool(faults.found)


def test_without_faults_the_bugs_stay_hidden() -> None:
    """That is what the faults are for."""
    for kind in (Careful, Deaf, Stubborn, Sleepwalker):
        faults = Faults(1, {})
        run(faults, kind)
        faults.assert_nothing_found()


def test_a_seed_gives_one_run() -> None:
    """Report, faults and state are the same again; another seed gives another run."""

    def told(seed: int) -> tuple[str, str]:
        faults = Faults(seed, RATES)
        engine = run(faults, Deaf)
        return faults.report(), engine.digest()

    assert told(3) == told(3)
    assert told(3) != told(4)


def test_a_new_point_of_one_kind_moves_no_other() -> None:
    alone, mixed = Faults(5, {"a": 500, "b": 500}), Faults(5, {"a": 500, "b": 500})
    plain = [alone.happens("a") for _ in range(50)]
    beside = [(mixed.happens("b"), mixed.happens("a"))[1] for _ in range(50)]
    assert plain == beside
    assert 10 < sum(plain) < 40


# -- each fault ------------------------------------------------------------------------------------


def scene(kind: str) -> tuple[GrantEngine, ManualClock, UnluckyWorker, Lease]:
    """A worker that holds a lease until 100, and to which only this happens, from now on, each time."""
    clock = ManualClock()
    engine = GrantEngine(clock=clock, ids=SeededIds())
    engine.create_execution(lane_id="main", execution_id="job-1")
    lease = engine.operator("root").issue_grant_and_claim(
        "job-1", worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=100
    )
    return engine, clock, Faults(0, {kind: 1_000}).worker(engine, clock, "ann", "ann-1"), lease


def phase(engine: GrantEngine) -> Phase:
    shown = engine.describe_execution("job-1")
    assert shown is not None
    return shown.phase


def test_a_crash_is_instead_of_the_call() -> None:
    engine, _, ann, lease = scene(CRASH)
    with pytest.raises(Crashed):
        ann.engine.complete_execution(lease)
    assert phase(engine) is Phase.LEASED


@pytest.mark.parametrize(("kind", "error"), [(CRASH_AFTER, Crashed), (LOST_ANSWER, AnswerLost)])
def test_what_comes_after_the_call_does_not_undo_it(kind: str, error: type[Exception]) -> None:
    engine, _, ann, lease = scene(kind)
    with pytest.raises(error):
        ann.engine.complete_execution(lease=lease)
    assert phase(engine) is Phase.SUCCEEDED


def test_a_pause_ends_when_the_lease_does() -> None:
    """SPEC 3: gone at equality."""
    _, clock, ann, lease = scene(PAUSE)
    with pytest.raises(GrantError, match="lease_expired"):
        ann.engine.update_progress(lease, pct=5)
    assert clock() == 100


def test_only_renewals_are_late() -> None:
    _, clock, ann, lease = scene(LATE_RENEWAL)
    ann.engine.update_progress(lease, pct=5)
    assert clock() == 0
    with pytest.raises(GrantError, match="lease_expired"):
        ann.engine.renew_lease(lease, lease_ttl_ms=100)
    with pytest.raises(GrantError, match="lease_expired"):
        ann.engine.renew_lease(lease, lease_ttl_ms=100)
    assert clock() == 100


def test_a_repeated_call_has_its_second_answer() -> None:
    _, _, ann, lease = scene(REPEATED_CALL)
    ann.engine.renew_lease(lease, lease_ttl_ms=100)
    with pytest.raises(GrantError, match="execution_not_active"):
        ann.engine.complete_execution(lease)


def test_what_a_worker_does_not_call_itself_passes() -> None:
    engine, _, ann, _ = scene(CRASH)
    assert ann.engine.stats() == engine.stats()


def test_a_reclaimed_lease_belongs_to_the_life_that_took_it() -> None:
    engine, clock, ann, lease = scene("nothing")
    clock.set(100)
    terms = {"worker_id": "ann", "worker_instance_id": "ann-1"}
    request = IssueReclaimGrantRequest(**terms, lane_id="main", grant_ttl_ms=5)
    granted = engine.issue_reclaim_grant("job-1", request)
    assert isinstance(granted, Granted)
    taken = ann.engine.reclaim_execution(
        granted.grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=5
    )
    assert isinstance(taken, Reclaimed)
    ann.restart()
    ann.engine.complete_execution(taken.lease)
    faults = ann._faults
    assert faults.found == ["at 100 ann-1 calls complete_execution on job-1 with a lease of its life 1"]
    ann.act(Fence("job-1", lease.lease_id, lease.lease_epoch, lease.attempt_id))
    assert faults.found[1:] == ["at 100 ann-1 acts on job-1 without the lease"]


def test_a_refusal_that_says_later_is_no_stop() -> None:
    """Only ``terminal`` is: SPEC 11."""
    engine, _, ann, _ = scene("nothing")
    terms = {"worker_id": "ann", "worker_instance_id": "ann-1"}
    request = IssueClaimGrantRequest(**terms, lane_id="main", grant_ttl_ms=5)
    with pytest.raises(GrantError, match="not_eligible"):
        engine.issue_claim_grant("job-1", request)
    with pytest.raises(GrantError, match="invalid_input"):
        ann.engine.heartbeat_worker(" ")
    ann._faults.assert_nothing_found()
