"""The event loop: jobs come, workers take, renew and finish them, crash and sleep, under virtual time.

Time goes from one instant at which something happens to the next: of the world's own plans, or of the
engine's (``next_deadline_ms``). At each: time first (``advance``), then the workers' calls in the order
in which they were planned, then idle workers look for work, lost leases before fresh jobs.

What a worker does with a lease is drawn when it takes it:

* it **finishes**, or (a few in a hundred) **fails**, and the policy retries;
* it **crashes** on the way: nothing is called, the lease lapses, another worker reclaims, and after two
  times to live it is back as a new instance;
* it **stalls**: it stops renewing, and wakes when its lease has ended (half of them at that very
  instant, which is late already, SPEC 3; the others within two times to live). Not knowing that, it
  renews or completes. It must be refused; then it gives up.
"""

from __future__ import annotations

import heapq
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from grantcore import (
    EngineConfig,
    ExecutionPolicy,
    Exponential,
    Granted,
    GrantEngine,
    GrantError,
    InvariantBroken,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    ManualClock,
    ReclaimCapExceeded,
    RetryPolicy,
    RetryScheduled,
    Scheduler,
)
from grantcore.model.ids import MintedIds
from grantcore.simulation.audit import Audit
from grantcore.simulation.chance import Chance
from grantcore.simulation.fleet import Fleet, Worker
from grantcore.simulation.job import Job, tokens
from grantcore.simulation.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grantcore import ClaimGrant, ExpiredLease, Lease, ReclaimGrant

FAIL_SHARE: Final = 0.02
"""The share of attempts that end in a failure."""

GRANT_TTL_MS: Final = 10_000
POLICY: Final = ExecutionPolicy(
    retry=RetryPolicy(max_retries=3, backoff=Exponential(jitter=True)), max_reclaim_count=20
)
CONFIG: Final = EngineConfig(retention_ms=None)
"""Nothing is purged, so that the last check and the digest are about every job."""

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Settings:
    """How to run; the command line documents and judges the ranges.

    Args:
        seed: of everything that is drawn, and of the ids.
        workers: size of the fleet.
        lease_ttl_ms: time to live of every lease in milliseconds.
        crash_rate: share of leases, 0..1, in which the worker vanishes.
        late_rate: share of the other leases, 0..1, in which the worker sleeps past the end.
        check_every: events between two checks of the whole state; None: half as many as there are jobs,
            so that checks, O(jobs) each, cost O(1) per event.
    """

    seed: int = 1
    workers: int = 16
    lease_ttl_ms: int = 300_000
    crash_rate: float = 0.05
    late_rate: float = 0.05
    check_every: int | None = None


@attrs.define
class Tally:
    """What has happened so far."""

    events: int = 0
    succeeded: int = 0
    failed: int = 0
    last_end_ms: int = 0
    leases: int = 0
    renewals: int = 0
    retries: int = 0
    crashes: int = 0
    stalls: int = 0
    reclaims: int = 0
    checks: int = 0
    waits_ms: list[int] = attrs.field(factory=list[int])


def simulate(jobs: Sequence[Job], settings: Settings, chance: Chance) -> Outcome:
    """Run these jobs to their end on a fresh engine; O(events · log jobs), and O(jobs) per check."""
    clock = ManualClock()
    engine = GrantEngine(clock=clock, ids=MintedIds(f"{settings.seed:020x}"), config=CONFIG)
    return World(engine, clock, jobs, settings, chance).run()


class World:
    """One run. The engine must read this clock, and nobody else may use either."""

    def __init__(
        self, engine: GrantEngine, clock: ManualClock, jobs: Sequence[Job], settings: Settings, chance: Chance
    ) -> None:
        """Plan the submission of every job; all workers are idle."""
        self._engine = engine
        self._scheduler = Scheduler(engine)
        self._clock = clock
        self._settings = settings
        self._check_every = settings.check_every or max(len(jobs) // 2, 1)
        self._chance = chance
        self._audit = Audit()
        self._tally = Tally()
        self._fleet = Fleet(settings.workers, max((job.size for job in jobs), default=1))
        self._lanes = sorted({job.lane_id for job in jobs})
        self._jobs: dict[str, Job] = {}
        self._plans: list[tuple[int, int, Callable[[], None]]] = []
        self._number = count()
        self._look_for_work = False
        for job in jobs:
            self._plan(job.submit_ms, partial(self._submit, job))

    def run(self) -> Outcome:
        """Go from instant to instant until nothing is to come, and judge the whole."""
        while (at_ms := self._next_ms()) is not None:
            self._clock.set(at_ms)
            if self._engine.advance().lapsed:
                self._look_for_work = True
            self._carry_out(at_ms)
            if self._look_for_work:
                self._hand_out()
        self._check()
        self._audit.close(self._jobs)
        return self._outcome()

    # -- time ----------------------------------------------------------------------------

    def _plan(self, at_ms: int, action: Callable[[], None]) -> None:
        """Do something at that instant, after what is planned for it already."""
        heapq.heappush(self._plans, (at_ms, next(self._number), action))

    def _next_ms(self) -> int | None:
        """Give the next instant at which something happens, in the world or in the engine."""
        planned_ms = self._plans[0][0] if self._plans else None
        deadline_ms = self._engine.next_deadline_ms()
        return min((ms for ms in (planned_ms, deadline_ms) if ms is not None), default=None)

    def _carry_out(self, at_ms: int) -> None:
        """Do what is planned up to that instant; what that plans for the same instant, too."""
        while self._plans and self._plans[0][0] <= at_ms:
            heapq.heappop(self._plans)[2]()
            self._tally.events += 1
            if self._tally.events % self._check_every == 0:
                self._check()

    def _check(self) -> None:
        """Have the engine check every invariant on its whole state."""
        self._tally.checks += 1
        try:
            self._engine.check()
        except InvariantBroken as broken:
            self._audit.broken(str(broken))

    # -- jobs to workers -------------------------------------------------------------------

    def _submit(self, job: Job) -> None:
        created = self._engine.create_execution(
            lane_id=job.lane_id, required_capabilities=job.required_capabilities, policy=POLICY
        )
        self._jobs[created.execution_id] = job
        self._look_for_work = True

    def _rest(self, worker: Worker) -> None:
        self._fleet.rest(worker)
        self._look_for_work = True

    def _hand_out(self) -> None:
        """Give idle workers work until there is none for them."""
        self._look_for_work = False
        self._hand_out_lost()
        while (size := self._fleet.largest_idle()) and (execution_id := self._find(size)):
            worker = self._fleet.hire_for(self._jobs[execution_id].required_capabilities)
            assert worker, "the engine offers what this size can run"
            self._claim(worker, execution_id)

    def _hand_out_lost(self) -> None:
        """Page through the lost leases; who can take over one, does."""
        after: str | None = None
        while True:
            page = self._engine.list_expired_leases(after=after, limit=100)
            for lost in page.entries:
                if worker := self._fleet.hire_for(lost.required_capabilities):
                    self._reclaim(worker, lost)
            if (after := page.next) is None:
                return

    def _find(self, size: int) -> str | None:
        """Find the best job for a worker of this size, lane by lane."""
        for lane_id in self._lanes:
            for execution_id in self._scheduler.peek(lane_id, tokens(size), limit=1):
                return execution_id
        return None

    def _claim(self, worker: Worker, execution_id: str) -> None:
        request = IssueClaimGrantRequest(
            worker_id=worker.worker_id,
            worker_instance_id=worker.worker_instance_id,
            lane_id=self._jobs[execution_id].lane_id,
            grant_ttl_ms=GRANT_TTL_MS,
            worker_capabilities=worker.capabilities,
        )
        self._take(worker, self._engine.issue_claim_grant(execution_id, request))

    def _reclaim(self, worker: Worker, lost: ExpiredLease) -> None:
        """Take over a lost lease; where that has been done too often, the execution ends instead."""
        request = IssueReclaimGrantRequest(
            worker_id=worker.worker_id,
            worker_instance_id=worker.worker_instance_id,
            lane_id=lost.lane_id,
            grant_ttl_ms=GRANT_TTL_MS,
            worker_capabilities=worker.capabilities,
        )
        match self._engine.issue_reclaim_grant(lost.execution_id, request):
            case Granted(grant):
                self._tally.reclaims += 1
                self._take(worker, grant)
            case ReclaimCapExceeded():
                self._end_failed(lost.execution_id)
                self._rest(worker)
            case refusal:
                self._audit.broken(f"I-58 {lost.execution_id}: listed as lost, but {refusal.detail}")
                self._fleet.rest(worker)

    def _take(self, worker: Worker, grant: ClaimGrant | ReclaimGrant) -> None:
        """Use the grant, and draw what will become of it."""
        lease = self._engine.take(
            grant,
            worker_id=worker.worker_id,
            worker_instance_id=worker.worker_instance_id,
            lease_ttl_ms=self._settings.lease_ttl_ms,
        )
        self._audit.acquired(lease)
        self._tally.leases += 1
        job = self._jobs[lease.execution_id]
        if lease.attempt_index == 0:
            self._tally.waits_ms.append(lease.acquired_at_ms - job.submit_ms)
        fate, share_permille = self._draw_fate()
        self._work(worker, lease, lease.acquired_at_ms + job.run_ms * share_permille // 1000, fate)

    def _draw_fate(self) -> tuple[Callable[[Worker, Lease], None], int]:
        """Draw how the work ends, and after which part of its run time, in thousandths."""
        if self._chance.happens(self._settings.crash_rate):
            return self._crash, self._chance.below(1000)
        if self._chance.happens(self._settings.late_rate):
            return self._stall, self._chance.below(1000)
        if self._chance.happens(FAIL_SHARE):
            return self._fail, self._chance.below(1000)
        return self._finish, 1000

    # -- workers at work -------------------------------------------------------------------

    def _work(
        self, worker: Worker, lease: Lease, until_ms: int, fate: Callable[[Worker, Lease], None]
    ) -> None:
        """Work until then, renewing whenever it is time to."""
        if lease.renewal_deadline_ms < until_ms:
            self._plan(lease.renewal_deadline_ms, partial(self._renew, worker, lease, until_ms, fate))
        else:
            self._plan(until_ms, partial(fate, worker, lease))

    def _renew(
        self, worker: Worker, lease: Lease, until_ms: int, fate: Callable[[Worker, Lease], None]
    ) -> None:
        renewed = self._call(lease, self._ask_renewal(lease))
        if renewed and self._audit.renewed(renewed, self._clock()):
            self._tally.renewals += 1
            self._work(worker, renewed, until_ms, fate)
        else:
            self._rest(worker)

    def _finish(self, worker: Worker, lease: Lease) -> None:
        if self._call(lease, partial(self._engine.complete_execution, lease)):
            self._tally.succeeded += 1
            self._ended(lease.execution_id)
        self._rest(worker)

    def _fail(self, worker: Worker, lease: Lease) -> None:
        answer = self._call(
            lease,
            partial(self._engine.fail_execution, lease, reason="simulated failure", category="simulated"),
        )
        if isinstance(answer, RetryScheduled):
            self._tally.retries += 1
        elif answer:
            self._end_failed(lease.execution_id)
        self._rest(worker)

    def _crash(self, worker: Worker, _lease: Lease) -> None:
        """Vanish; somebody starts it again later."""
        self._tally.crashes += 1
        self._plan(self._clock() + 2 * self._settings.lease_ttl_ms, partial(self._restart, worker))

    def _restart(self, worker: Worker) -> None:
        worker.starts += 1
        self._rest(worker)

    def _stall(self, worker: Worker, lease: Lease) -> None:
        """Sleep until the lease has ended."""
        self._tally.stalls += 1
        overslept_ms = self._chance.below(2) * self._chance.below(2 * self._settings.lease_ttl_ms)
        wakes = self._finish if self._chance.below(2) else self._renew_late
        self._plan(lease.expires_at_ms + overslept_ms, partial(wakes, worker, lease))

    def _renew_late(self, worker: Worker, lease: Lease) -> None:
        """Go on as if nothing had happened; whoever is refused gives up."""
        self._renew(worker, lease, self._clock(), self._finish)

    def _ask_renewal(self, lease: Lease) -> Callable[[], Lease]:
        return partial(self._engine.renew_lease, lease, lease_ttl_ms=self._settings.lease_ttl_ms)

    def _call(self, lease: Lease, call: Callable[[], T]) -> T | None:
        """Make a holder's call and have the audit judge the answer; None if it was refused."""
        try:
            answer = call()
        except GrantError as refusal:
            self._audit.refused_call(lease, self._clock(), refusal.code)
            return None
        self._audit.accepted(lease, self._clock())
        return answer

    # -- ends ------------------------------------------------------------------------------

    def _end_failed(self, execution_id: str) -> None:
        self._tally.failed += 1
        self._ended(execution_id)

    def _ended(self, execution_id: str) -> None:
        self._audit.ended(execution_id)
        self._tally.last_end_ms = self._clock()

    def _outcome(self) -> Outcome:
        tally = self._tally
        first_ms = min((job.submit_ms for job in self._jobs.values()), default=0)
        return Outcome(
            jobs=len(self._jobs),
            succeeded=tally.succeeded,
            failed=tally.failed,
            makespan_ms=max(tally.last_end_ms - first_ms, 0),
            waits_ms=tuple(sorted(tally.waits_ms)),
            leases=tally.leases,
            renewals=tally.renewals,
            retries=tally.retries,
            crashes=tally.crashes,
            stalls=tally.stalls,
            reclaims=tally.reclaims,
            refused=self._audit.refused,
            events=tally.events,
            checks=tally.checks,
            violations=tuple(self._audit.violations),
            digest=self._engine.digest(),
        )
