"""The calls of a simulated fleet, by plain arguments: numbers, names, and what earlier calls gave.

Each makes one call of the engine and has the auditors judge the answer. A list of them is a run: it can be
recorded, made again, shortened and pasted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from grantcore import (
    ClaimGrant,
    Created,
    EngineConfig,
    ExecutionPolicy,
    Exponential,
    Fixed,
    Granted,
    GrantEngine,
    GrantError,
    GrantNotFound,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    NotReclaimable,
    Operator,
    Phase,
    Reclaimed,
    ReclaimGrant,
    ResumeGrant,
    RetryPolicy,
    Revoked,
    Scheduler,
    Worker,
)
from grantcore.events import Event, Purged
from grantcore.model.ids import IdSource, MintedIds
from grantcore.testing.ids import SeededIds
from tests.proof.simulated.events import Events
from tests.proof.simulated.leases import FAR, Grant, Leases, Violation

LANES: Final = ("a", "b", "c")
NEEDS: Final = (frozenset[str](), frozenset({"cpu"}), frozenset({"gpu"}), frozenset({"cpu", "net"}))
HAS: Final = (
    frozenset({"cpu", "gpu", "net"}),
    frozenset({"cpu", "net"}),
    frozenset({"gpu"}),
    frozenset({"cpu"}),
    frozenset[str](),
)
WORKERS: Final = tuple(Worker(f"w{n}", f"w{n}-1", capabilities=sorted(has)) for n, has in enumerate(HAS))
ROUTES: Final[tuple[Any, ...]] = (
    ("a", "b", "c"),
    ("b",),
    ("c", "a"),
    {"a": 1, "b": 3, "c": 2},
    ("a",),
    ("c",),
)
POLICIES: Final = (
    ExecutionPolicy(),
    ExecutionPolicy(retry=RetryPolicy(2, Fixed(9)), max_reclaim_count=3, max_replay_count=2),
    ExecutionPolicy(retry=RetryPolicy(3, Exponential(5, 80, jitter=True)), attempt_timeout_ms=250),
)
QUOTAS: Final = (None, None, "slots", "rate")
BUDGETS: Final[tuple[tuple[str, ...], ...]] = ((), (), (), ("usd",))
BEHAVIORS: Final = ("fail", "cancel", "expire", "auto_resume", "escalate")
GRANT_TTL_MS: Final = 60
IDENTITY: Final = "root"


def _requests(kind: Callable[..., Any]) -> tuple[tuple[Any, ...], ...]:
    return tuple(
        tuple(
            kind(
                worker_id=worker.worker_id,
                worker_instance_id=worker.worker_instance_id,
                lane_id=lane_id,
                grant_ttl_ms=GRANT_TTL_MS,
                worker_capabilities=has,
            )
            for lane_id in LANES
        )
        for worker, has in zip(WORKERS, HAS, strict=True)
    )


CLAIMS: Final = _requests(IssueClaimGrantRequest)
RECLAIMS: Final = _requests(IssueReclaimGrantRequest)


@attrs.frozen
class Setting:
    """How a part is set up.

    Args:
        observed: whether events are built and audited; the engine has a shorter way without.
        minted: whether ids are of the engine's own kind; the shorter way needs that, too.
        named: whether executions are named by the caller, and names come again after a purge.
        threadsafe: as in the config.
        retention_ms: as in the config; None: only calls purge.
    """

    observed: bool
    minted: bool
    named: bool
    threadsafe: bool = True
    retention_ms: int | None = None


class Site:
    """An engine, its clock, and the auditors."""

    def __init__(self, seed: int, setting: Setting) -> None:
        self.setting = setting
        self._reading = [0]
        reading = self._reading
        self._clock = lambda: reading[0]
        self._config = EngineConfig(
            retention_ms=setting.retention_ms,
            idempotency_window_ms=200,
            lease_history_limit=20,
            threadsafe=setting.threadsafe,
        )
        self.ids: IdSource = MintedIds(f"{seed:020x}") if setting.minted else SeededIds(seed)
        self.now = 0
        self.calls = 0
        self.leases = Leases(exact=setting.retention_ms is None)
        self.events = Events()
        self._heard: list[Event] = []
        self._keep(GrantEngine(clock=self._clock, ids=self.ids, config=self._config))
        self._furnish()

    def _keep(self, engine: GrantEngine) -> None:
        self.engine = engine
        self.scheduler = Scheduler(engine)
        self.operator: Operator = engine.operator(IDENTITY)
        if self.setting.observed:
            engine.subscribe(self._heard.append)

    def _furnish(self) -> None:
        engine = self.engine
        engine.create_quota_policy("slots", max_concurrent=5)
        engine.create_quota_policy("rate", window_ms=50, max_requests_per_window=4)
        engine.create_budget("usd", hard_limits={"usd": 40}, reset_interval_ms=300)

    def call(self, name: str, *args: object) -> object:
        """Make one call by name, and hear what it caused."""
        answer = getattr(self, name)(*args)
        self.hear()
        return answer

    def hear(self) -> None:
        """Have the events judged that were heard since."""
        if self._heard:
            for event in self._heard:
                self.events.hear(event)
                if type(event) is Purged:
                    self.leases.seen.pop(event.execution_id, None)
            self._heard.clear()

    # -- time and faults ---------------------------------------------------------------------------

    def at(self, ms: int) -> None:
        """Time goes on; or the clock, which was read just before, steps back, and no time passes (I-51)."""
        if ms < self.now:
            self.now_is()
        self._reading[0] = ms
        self.now = max(self.now, ms)

    def restart(self) -> None:
        """The process ends after a snapshot, and another one goes on."""
        self.calls += 1
        self.engine.advance()
        self.hear()
        digest = self.engine.digest()
        self._keep(
            GrantEngine.restore(self.engine.snapshot(), clock=self._clock, ids=self.ids, config=self._config)
        )
        if self.engine.digest() != digest:
            raise Violation("I-43: restored to another state")

    # -- creating and ending -----------------------------------------------------------------------

    def create(
        self, name: str | None, lane: int, need: int, policy: int, meter: int, delay: int, deadline: int
    ) -> str | None:
        """Create an execution; durations from now, 0: none."""
        self.calls += 1
        try:
            created = self.engine.create_execution(
                lane_id=LANES[lane],
                execution_id=name,
                priority=need,
                required_capabilities=NEEDS[need],
                policy=POLICIES[policy],
                quota_policy_id=QUOTAS[meter],
                budget_ids=BUDGETS[meter],
                delay_until_ms=self.now + delay if delay else None,
                deadline_at_ms=self.now + deadline if deadline else None,
            )
        except GrantError:
            return None
        self.hear()  # one of this name may have been purged just before
        known = created.execution_id in self.leases.seen
        if type(created) is Created:
            if known and self.leases.exact:
                raise Violation(f"I-39: created again: {created}")
            timeout = POLICIES[policy].attempt_timeout_ms or FAR
            self.leases.create(
                created.execution_id, NEEDS[need], self.now + deadline if deadline else FAR, timeout
            )
        elif not known:
            raise Violation(f"I-45: {created} was never created")
        return created.execution_id

    def purge(self, name: str) -> bool:
        self.calls += 1
        try:
            self.engine.purge_execution(name)
        except GrantError:
            return False
        self.leases.purge(name)
        return True

    def replay(self, name: str) -> bool:
        self.calls += 1
        try:
            self.engine.replay_execution(name)
        except GrantError:
            return False
        self.leases.replay(name, self.now)
        return True

    def cancel(self, name: str) -> bool:
        """Cancel without a lease: not while it is held."""
        self.calls += 1
        try:
            self.engine.cancel_execution(name, reason="")
        except GrantError:
            return False
        if self.leases.seen[name].alive(self.now):
            raise Violation(f"D-09: cancelled without a fence: {name}")
        self.leases.cancel(name)
        return True

    def give_up(self, lease: Lease) -> bool:
        """Cancel with a lease; a lapsed one will do, too."""
        self.calls += 1
        name = lease.execution_id
        try:
            self.engine.cancel_execution(name, reason="", lease=lease)
        except GrantError as error:
            if self.leases.fenced(lease, self.now) is not None:
                raise Violation(f"I-55: {error!r} for {lease}") from error
            return False
        if self.leases.seen[name].epoch != lease.lease_epoch:
            raise Violation(f"I-03: cancelled at {self.now} by {lease}")
        self.leases.cancel(name)
        return True

    # -- grants ------------------------------------------------------------------------------------

    def claim(self, worker: int, route: int) -> Grant | None:
        """The best there is for a worker that says who it is."""
        self.calls += 1
        grant = self.scheduler.claim_for_worker(
            WORKERS[worker], lanes=ROUTES[route], grant_ttl_ms=GRANT_TTL_MS
        )
        if grant is not None:
            self.leases.issue(grant, WORKERS[worker].worker_id, HAS[worker], self.now)
        return grant

    def claim_known(self, worker: int, route: int) -> Grant | None:
        """The same for a registered instance."""
        self.calls += 1
        try:
            grants = self.scheduler.claim_many_for_worker(
                WORKERS[worker].worker_instance_id, lanes=ROUTES[route], grant_ttl_ms=GRANT_TTL_MS, n=2
            )
        except GrantError:
            return None
        for grant in grants:
            self.leases.issue(grant, WORKERS[worker].worker_id, HAS[worker], self.now)
        return grants[0] if grants else None

    def issue(self, name: str, worker: int, lane: int, kind: int) -> Grant | None:
        """By id: 0 claim, 1 resume, 2 reclaim."""
        self.calls += 1
        engine = self.engine
        grant: Grant
        try:
            if kind == 0:
                grant = engine.issue_claim_grant(name, CLAIMS[worker][lane])
            elif kind == 1:
                grant = engine.issue_resume_grant(name, CLAIMS[worker][lane])
            else:
                answer = engine.issue_reclaim_grant(name, RECLAIMS[worker][lane])
                if type(answer) is not Granted:
                    return None
                grant = answer.grant
        except GrantError:
            return None
        self.leases.issue(grant, WORKERS[worker].worker_id, HAS[worker], self.now)
        return grant

    def withdraw(self, grant: Grant, worker: int) -> bool:
        self.calls += 1
        worker_id = WORKERS[worker].worker_id
        try:
            gone = self.engine.withdraw_grant(grant, worker_id=worker_id)
        except GrantError:
            gone = False
        self.leases.withdraw(grant, worker_id, self.now, gone=gone)
        return gone

    def take(self, grant: Grant, worker: int, ttl: int) -> Lease | None:
        self.calls += 1
        who = WORKERS[worker]
        try:
            lease = self.engine.take(
                grant,
                worker_id=who.worker_id,
                worker_instance_id=who.worker_instance_id,
                lease_ttl_ms=ttl,
            )
        except GrantError:
            lease = None
        self.leases.take(grant, who.worker_id, self.now, lease)
        return lease

    def take_kind(self, grant: Grant, worker: int, ttl: int) -> Lease | None:
        """The same by the call for this kind of grant."""
        self.calls += 1
        who = WORKERS[worker]
        me: Mapping[str, Any] = {
            "worker_id": who.worker_id,
            "worker_instance_id": who.worker_instance_id,
            "lease_ttl_ms": ttl,
        }
        lease: Lease | None
        try:
            if type(grant) is ReclaimGrant:
                answer = self.engine.reclaim_execution(grant, **me)
                if not isinstance(answer, (Reclaimed, NotReclaimable, GrantNotFound)):
                    raise Violation(f"I-63: {answer}")
                lease = answer.lease if type(answer) is Reclaimed else None
            elif type(grant) is ResumeGrant:
                lease = self.engine.claim_resumed_execution(grant, **me)
            else:
                assert type(grant) is ClaimGrant
                lease = self.engine.claim_execution(grant, **me)
        except GrantError:
            lease = None
        self.leases.take(grant, who.worker_id, self.now, lease)
        return lease

    # -- leases ------------------------------------------------------------------------------------

    def renew(self, lease: Lease, ttl: int) -> Lease | None:
        self.calls += 1
        try:
            renewed = self.engine.renew_lease(lease, lease_ttl_ms=ttl)
        except GrantError as error:
            self.leases.refused(lease, self.now, error)
            return None
        self.leases.renew(lease, renewed, self.now, ttl)
        return renewed

    def renew_both(self, one: Lease, other: Lease, ttl: int) -> None:
        self.calls += 1
        answers = self.engine.renew_leases((one, other), lease_ttl_ms=ttl)
        for lease, answer in zip((one, other), answers, strict=True):
            if isinstance(answer, Lease):
                self.leases.renew(lease, answer, self.now, ttl)
            else:
                self.leases.refused(lease, self.now, answer.error)

    def _hold(self, lease: Lease, call: Callable[..., object], /, **kwargs: object) -> bool:
        """A holder's call that ends its holding."""
        self.calls += 1
        try:
            call(lease, **kwargs)
        except GrantError as error:
            self.leases.refused(lease, self.now, error)
            return False
        self.leases.let_go(self.leases.accepted(lease, self.now), self.now)
        return True

    def complete(self, lease: Lease) -> bool:
        self.calls += 1
        try:
            self.engine.complete_execution(lease)
        except GrantError as error:
            self.leases.refused(lease, self.now, error)
            return False
        self.leases.let_go(self.leases.accepted(lease, self.now), self.now)
        return True

    def fail(self, lease: Lease) -> bool:
        return self._hold(lease, self.engine.fail_execution, reason="", category="net")

    def release(self, lease: Lease) -> bool:
        return self._hold(lease, self.engine.release_execution)

    def delay(self, lease: Lease, ms: int) -> bool:
        return self._hold(lease, self.engine.delay_execution, delay_until_ms=self.now + ms)

    def children(self, lease: Lease) -> bool:
        return self._hold(lease, self.engine.move_to_waiting_children)

    def suspend(self, lease: Lease, behavior: int, ms: int) -> bool:
        """Suspend, with a timeout so long from now (0: none)."""
        return self._hold(
            lease,
            self.engine.suspend_execution,
            reason_code="signal",
            timeout_at_ms=self.now + ms if ms else None,
            timeout_behavior=BEHAVIORS[behavior],
        )

    def progress(self, lease: Lease, pct: int) -> bool:
        self.calls += 1
        try:
            self.engine.update_progress(lease, pct=pct)
        except GrantError as error:
            self.leases.refused(lease, self.now, error)
            return False
        self.leases.accepted(lease, self.now)
        return True

    # -- operator ----------------------------------------------------------------------------------

    def _override(self, name: str, call: Callable[..., object], /, **kwargs: object) -> bool:
        self.calls += 1
        try:
            call(name, **kwargs)
        except GrantError:
            done = False
        else:
            done = True
        self.leases.overridden(name, self.now, done=done)
        return done

    def order_complete(self, name: str) -> bool:
        return self._override(name, self.operator.complete)

    def order_fail(self, name: str) -> bool:
        return self._override(name, self.operator.fail, reason="")

    def order_cancel(self, name: str) -> bool:
        self.calls += 1
        try:
            self.operator.cancel(name, reason="")
        except GrantError:
            return False
        self.leases.cancel(name)
        return True

    def revoke(self, name: str) -> bool:
        """A lease that lives is revoked, whatever; else the answer says why not."""
        self.calls += 1
        try:
            answer = self.operator.revoke_lease(name, reason="")
        except GrantError:
            done = False
        else:
            done = type(answer) is Revoked
        seen = self.leases.seen.get(name)
        if done is not (seen is not None and seen.alive(self.now)):
            raise Violation(f"I-10: revoking {name} at {self.now} gave {done}")
        if done and seen is not None:
            self.leases.revoke(name, seen.epoch, self.now)
        return done

    def revoke_of(self, worker: int) -> None:
        self.calls += 1
        for revoked in self.operator.revoke_leases_of(WORKERS[worker].worker_instance_id, reason=""):
            self.leases.revoke(revoked.execution_id, revoked.lease_epoch, self.now)

    def order_claim(self, name: str, worker: int, ttl: int) -> Lease | None:
        """Issue and claim in one."""
        self.calls += 1
        who = WORKERS[worker]
        try:
            lease = self.operator.issue_grant_and_claim(
                name,
                worker_id=who.worker_id,
                worker_instance_id=who.worker_instance_id,
                lease_ttl_ms=ttl,
            )
        except GrantError:
            return None
        if self.leases.seen[name].granted(self.now):
            raise Violation(f"I-12: {name} was granted, and the operator took it")
        self.leases.acquire(lease, self.now)
        return lease

    def _plain(self, call: Callable[..., object], /, *args: object, **kwargs: object) -> bool:
        """A call that changes nobody's tokens."""
        self.calls += 1
        try:
            call(*args, **kwargs)
        except GrantError:
            return False
        return True

    def block(self, name: str) -> bool:
        if blocked := self._plain(self.operator.block, name):
            self.leases.void(name)
        return blocked

    def unblock(self, name: str) -> bool:
        return self._plain(self.operator.unblock, name)

    def promote(self, name: str) -> bool:
        return self._plain(self.engine.promote_blocked_to_eligible, name)

    def resume(self, name: str, ms: int) -> bool:
        return self._plain(self.engine.resume_execution, name, resume_delay_ms=ms)

    def priority(self, name: str, value: int) -> bool:
        return self._plain(self.engine.change_priority, name, value)

    def tag(self, name: str, value: int) -> bool:
        return self._plain(self.engine.set_execution_tags, name, {"t.x": str(value)})

    def turn(self, lane: int, how: int) -> bool:
        """Open (0, 1), pause (2) or drain (3) a lane."""
        face = self.operator
        call = (face.resume_lane, face.resume_lane, face.pause_lane, face.drain_lane)[how]
        return self._plain(call, LANES[lane])

    def shape(self, lane: int, ceiling: int, aging: int) -> bool:
        """Configure a lane; 0: none."""
        return self._plain(
            self.engine.configure_lane,
            LANES[lane],
            max_leases=ceiling or None,
            aging_ms_per_point=aging or None,
        )

    # -- workers, budgets, looking -----------------------------------------------------------------

    def register(self, worker: int, ttl: int) -> bool:
        who = WORKERS[worker]
        return self._plain(
            self.engine.register_worker,
            who.worker_id,
            who.worker_instance_id,
            lanes=LANES[: worker + 1],
            capabilities=HAS[worker],
            liveness_ttl_ms=ttl,
        )

    def beat(self, worker: int) -> bool:
        return self._plain(self.engine.heartbeat_worker, WORKERS[worker].worker_instance_id)

    def bury(self, worker: int) -> bool:
        instance_id = WORKERS[worker].worker_instance_id
        return self._plain(self.engine.mark_worker_dead, instance_id, reason="")

    def use(self, amount: int) -> bool:
        return self._plain(self.engine.report_usage, "usd", {"usd": amount})

    def spend(self, name: str, amount: int) -> bool:
        return self._plain(
            self.engine.record_spend, "usd", name, {"usd": amount}, dedup_key=f"{name}.{amount}"
        )

    def refund(self, name: str) -> bool:
        return self._plain(self.engine.release_budget, "usd", name)

    def refill(self) -> bool:
        return self._plain(self.engine.reset_budget, "usd")

    def look(self, what: int, name: str) -> bool:
        """Read something (I-47)."""
        engine = self.engine
        if what == 0:
            return self._plain(engine.describe_execution, name)
        if what == 1:
            return self._plain(engine.explain, name)
        if what == 2:
            return self._plain(engine.list_expired_leases, limit=3)
        if what == 3:
            return self._plain(self.scheduler.peek, LANES[0], HAS[0], limit=3)
        if what == 4:
            return self._plain(engine.advance, limit=1)
        if what == 5:
            return self._plain(engine.attempts, name)
        return self._plain(engine.next_deadline_ms)

    def now_is(self) -> None:
        """I-51: the engine's time does not go back."""
        self.calls += 1
        if (shown := self.engine.now_ms()) != self.now:
            raise Violation(f"I-51: {shown} is not {self.now}")

    # -- the whole ---------------------------------------------------------------------------------

    def whole(self) -> None:
        """Everything: the engine by itself, what it shows against what was seen, and the balances. O(n)."""
        self.calls += 1
        self.engine.advance()
        self.hear()
        self.engine.check()
        self.leases.hold(self.engine.leases(), self.now)
        stats = self.engine.stats()
        if stats.live_grants != self.leases.live_grants(self.now):
            raise Violation(f"I-21: {stats.live_grants} live, seen {self.leases.live_grants(self.now)}")
        if self.setting.observed:
            self.events.balance(stats)
        if self.leases.exact:
            there = sum(stats.executions_by_phase.values())
            if there != self.leases.created - self.leases.purged or there != len(self.leases.seen):
                raise Violation(f"I-39: {self.leases.created} - {self.leases.purged} is not {there}")

    def drain(self) -> None:
        """No more faults: everything ends (I-57)."""
        self.calls += 1
        self.now += 1_000
        self.at(self.now)
        self._open()
        for _ in range(40):
            self._work()
            if not self._waiting():
                return
            self.at(self.now + 500)
        raise Violation(f"I-57: left over: {self.engine.stats().executions_by_phase}")

    def _waiting(self) -> int:
        ended = (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED)
        by_phase = self.engine.stats().executions_by_phase
        return sum(count for phase, count in by_phase.items() if phase not in ended)

    def _open(self) -> None:
        for lane in range(len(LANES)):
            self.turn(lane, 0)
            self.shape(lane, 0, 0)
        for name in list(self.leases.seen):
            self.unblock(name)
            self.promote(name)
            self.resume(name, 0)

    def _work(self) -> None:
        self.refill()
        while (grant := self.claim(0, 0)) is not None:
            lease = self.take(grant, 0, 100)
            if lease is None or not self.complete(lease):
                raise Violation(f"I-57: {grant} gave {lease}")
