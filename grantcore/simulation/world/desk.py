"""The one way from the world to the engine: every call, its answer, and what happens between calls.

What the engine does becomes facts (``chronicle``). Where it can, a fact is taken from the answer of the
call: building events for an observer costs an engine several times the calls themselves. What has no
answer is heard by a subscription that is open only then: what time alone does, what a look of the
scheduler ends on the way (a lease that was lost too often, SPEC D-05), and all that a user's own scheduler
does. Nothing slips through: there must be as many facts as the engine has counted events. With
``observed`` a subscription is open all the time and every fact is an event; both ways lead to the same
facts, in the same order, and so to the same digest.

What has ended is purged by a call, when it is old enough and time goes on; the engine's own retention
would do the same at the very instant, at the price of an event each.
"""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

from grantcore import (
    ClaimGrant,
    GrantError,
    InvariantBroken,
    ReclaimGrant,
    RetryScheduled,
    Scheduler,
)
from grantcore.events import Event
from grantcore.model.time import NEVER
from grantcore.simulation.world.hearing import Hearing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from grantcore import GrantEngine, Lease, Worker
    from grantcore.simulation.audit import Auditor
    from grantcore.simulation.clock import EngineClock
    from grantcore.simulation.job import Job
    from grantcore.simulation.record import Record
    from grantcore.simulation.world.chronicle import Chronicle
    from grantcore.simulation.world.terms import Grant, Terms

_NEARER: Final = Event(0, 0, None)
"""Rings for a deadline that has come nearer; it stands for whatever did that."""


class Desk:
    """Makes the calls. A refused call answers with the code of the refusal. O(1) beside the engine."""

    def __init__(
        self,
        engine: GrantEngine,
        clock: EngineClock,
        terms: Terms,
        chronicle: Chronicle,
        auditor: Auditor,
        record: Record,
    ) -> None:
        """Take over a fresh engine that reads ``clock``."""
        self._engine = engine
        self._clock = clock
        self._terms = terms
        self._chronicle = chronicle
        self._auditor = auditor
        self._record = record
        self._scheduler = Scheduler(engine)
        self._now_ms = clock()
        self._due_ms = NEVER
        self._hearing = Hearing(engine, chronicle, always=terms.observed)
        self._ended: deque[tuple[int, str]] = deque()
        self._purged = 0
        self._ring: Callable[[Event], None] = _silence
        self._notes = not terms.observed
        self._turns: dict[str, tuple[str, ...]] = {}

    # -- jobs --------------------------------------------------------------------------------

    def create(self, job: Job) -> str:
        """Submit a job; answer the id of its execution."""
        now = self._begin()
        created = self._engine.create_execution(
            lane_id=job.lane_id,
            priority=job.priority,
            required_capabilities=job.required_capabilities,
            policy=self._terms.policy,
        )
        if self._notes:
            self._chronicle.created(now, created.execution_id)
        else:
            self._hearing.take_in()
        return created.execution_id

    def ask(self, worker: Worker, lanes: Collection[str]) -> Grant | None:
        """Ask the scheduler for a grant, of the first of these lanes: it has something, and it is its turn.

        A user's own scheduler sees them all.
        """
        now = self._begin()
        terms = self._terms
        if terms.schedule is not None:
            with self._hearing.open():
                grant = terms.schedule(
                    self._engine, worker, lanes=tuple(lanes), grant_ttl_ms=terms.grant_ttl_ms
                )
            self._reckon()
            return grant
        turn = self._turn(next(iter(lanes)))
        if self._chronicle.doomed or not self._notes:
            with self._hearing.open():
                return self._claim(worker, turn)
        grant = self._claim(worker, turn)
        if grant is not None:
            self._chronicle.granted(now, grant.execution_id, worker.worker_instance_id, grant.expires_at_ms)
        return grant

    def _claim(self, worker: Worker, lanes: tuple[str, ...]) -> Grant | None:
        """Have the engine's scheduler choose."""
        terms = self._terms
        grant = self._scheduler.claim_for_worker(worker, lanes=lanes, grant_ttl_ms=terms.grant_ttl_ms)
        if grant is not None and terms.delivery_ms:
            self._expect(grant.expires_at_ms)
        return grant

    def _turn(self, lane_id: str) -> tuple[str, ...]:
        """One lane, as the scheduler knows it again."""
        turn = self._turns.get(lane_id)
        if turn is None:
            turn = self._turns[lane_id] = (lane_id,)
        return turn

    # -- leases ------------------------------------------------------------------------------

    def take(self, worker: Worker, grant: Grant) -> Lease | str:
        """Use a grant."""
        now = self._begin()
        terms = self._terms
        try:
            lease = self._use(grant, worker.worker_id, worker.worker_instance_id)
        except GrantError as refusal:
            return self._refused(refusal.code)
        if self._notes:
            self._chronicle.leased(now, lease, reclaimed=type(grant) is ReclaimGrant)
        else:
            self._hearing.take_in()
        self._expect(lease.expires_at_ms)
        if terms.policy.attempt_timeout_ms is not None:
            self._expect(now + terms.policy.attempt_timeout_ms)
        return lease

    def _use(self, grant: Grant, worker_id: str, worker_instance_id: str) -> Lease:
        """Use a grant; most are of fresh attempts, and the engine is quickest with those."""
        ttl_ms = self._terms.lease_ttl_ms
        if type(grant) is ClaimGrant:
            return self._engine.claim_execution(
                grant, worker_id=worker_id, worker_instance_id=worker_instance_id, lease_ttl_ms=ttl_ms
            )
        return self._engine.take(
            grant, worker_id=worker_id, worker_instance_id=worker_instance_id, lease_ttl_ms=ttl_ms
        )

    def renew(self, lease: Lease) -> Lease | str:
        """Renew a lease."""
        now = self._begin()
        try:
            renewed = self._engine.renew_lease(lease, lease_ttl_ms=self._terms.lease_ttl_ms)
        except GrantError as refusal:
            return self._refused_holder(now, lease, refusal.code)
        if self._notes:
            self._chronicle.renewed(now, lease.execution_id, lease.lease_epoch, renewed.expires_at_ms)
        else:
            self._hearing.take_in()
        self._expect(renewed.expires_at_ms)
        return renewed

    def complete(self, lease: Lease) -> str | None:
        """Complete an execution; None: accepted."""
        now = self._begin()
        try:
            self._engine.complete_execution(lease)
        except GrantError as refusal:
            return self._refused_holder(now, lease, refusal.code)
        if self._notes:
            self._chronicle.completed(now, lease.execution_id, lease.lease_epoch)
        else:
            self._hearing.take_in()
        return None

    def fail(self, lease: Lease) -> str | None:
        """Fail an attempt; None: accepted."""
        now = self._begin()
        try:
            answer = self._engine.fail_execution(lease, reason="simulated failure", category="simulated")
        except GrantError as refusal:
            return self._refused_holder(now, lease, refusal.code)
        execution_id, epoch = lease.execution_id, lease.lease_epoch
        if not self._notes:
            self._hearing.take_in()
        elif isinstance(answer, RetryScheduled):
            self._chronicle.retried(now, execution_id, epoch, answer.delay_until_ms)
        else:
            self._chronicle.failed(now, execution_id, epoch)
        if isinstance(answer, RetryScheduled):
            self._expect(answer.delay_until_ms)
        return None

    def _refused_holder(self, now: int, lease: Lease, code: str) -> str:
        self._auditor.refused(now, lease.execution_id, lease.lease_epoch, code)
        return self._refused(code)

    def _refused(self, code: str) -> str:
        self._hearing.take_in()
        self._record.refused[code] += 1
        return code

    # -- ends --------------------------------------------------------------------------------

    def ended(self, execution_id: str) -> None:
        """Note that an execution has ended: it will be purged."""
        if self._terms.retention_ms is not None:
            self._ended.append((self._now_ms + self._terms.retention_ms, execution_id))

    def _purge(self, now: int) -> None:
        """Purge what is old enough."""
        while self._ended and self._ended[0][0] <= now:
            execution_id = self._ended.popleft()[1]
            try:
                self._engine.purge_execution(execution_id)
            except GrantError as refusal:
                self._auditor.broken(f"I-39 {execution_id}: ended, but cannot be purged: {refusal.code}")
                continue
            self._purged += 1
            if self._notes:
                self._chronicle.purged(now, execution_id)
            else:
                self._hearing.take_in()

    def held(self) -> int:
        """How many executions the engine holds in memory."""
        return self._record.submitted - self._purged

    def check(self) -> None:
        """Have the engine check every invariant on its whole state, and compare the counts of events."""
        self._record.checks += 1
        self.advance()
        try:
            self._engine.check()
        except InvariantBroken as broken:
            self._auditor.broken(f"{broken.code} {broken}")
        events, facts = self._engine.stats().events, self._chronicle.facts
        if events != facts:
            self._auditor.broken(f"I-65 the engine counts {events} events, {facts} were told")

    # -- time --------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """Nothing changes by itself before that instant; None: until somebody calls."""
        return None if self._due_ms == NEVER else self._due_ms

    def advance(self) -> None:
        """Hear what time alone has done by now, if it can have done anything."""
        now = self._clock()
        if now >= self._due_ms:
            self._now_ms = max(now, self._now_ms)
            self._catch_up()

    def subscribe(self, observer: Callable[[Event], None]) -> AbstractContextManager[object]:
        """Ring whenever the next deadline may have come nearer (``clock.keep_time``)."""
        self._ring = observer
        return nullcontext()

    def wake(self) -> None:
        """Have deadlines be looked at anew."""
        self._ring(_NEARER)

    def _begin(self) -> int:
        """Start a call: hear what was due before, purge what is old; answer the engine's instant.

        That is the clock's reading, or the last one where the clock has fallen (SPEC 3).
        """
        self._record.calls += 1
        now = self._clock()
        if now < self._now_ms:  # noqa: PLR1730 - a third of the price of max()
            now = self._now_ms
        self._now_ms = now
        if now >= self._due_ms:
            self._catch_up()
        if self._ended and self._ended[0][0] <= now:
            self._purge(now)
        return now

    def _catch_up(self) -> None:
        with self._hearing.open():
            self._engine.advance()
        self._reckon()

    def _reckon(self) -> None:
        """Ask the engine for its next deadline."""
        deadline_ms = self._engine.next_deadline_ms()
        before_ms = self._due_ms
        self._due_ms = NEVER if deadline_ms is None else deadline_ms
        if self._due_ms < before_ms:
            self.wake()

    def _expect(self, at_ms: int) -> None:
        """Something will change by itself at that instant, if nobody calls before."""
        if at_ms < self._due_ms:
            self._due_ms = at_ms
            self.wake()


def _silence(_event: Event) -> None:
    """Nobody sleeps until a deadline yet."""
