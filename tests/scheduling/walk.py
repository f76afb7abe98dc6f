"""Random operations on an engine and on the independent model of the choice; every answer is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from grantcore import (
    ClaimGrant,
    EngineConfig,
    ExecutionPolicy,
    Fixed,
    GrantEngine,
    GrantError,
    HardBreach,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    ManualClock,
    ReclaimGrant,
    ResumeGrant,
    RetryPolicy,
    Scheduler,
    Worker,
)
from tests.scheduling.choice import RECLAIM, BudgetRow, Choice, QuotaRow, Row, WorkerRow

TOKENS: Final = ("cpu", "gpu", "ssd")
LANES: Final = ("main", "side", "third")
INSTANCES: Final = ("a-1", "a-2", "b-1", "b-2", "c-1")
QUOTAS: Final = {"fast": (200, 3, 0), "narrow": (50, 0, 2), "both": (300, 4, 3)}
BUDGETS: Final = {"money": ({"usd": 20}, 400), "tokens": ({"in": 15, "out": 0}, None)}
CROWD: Final = 24

Grant = ClaimGrant | ResumeGrant | ReclaimGrant


class Disagreed(AssertionError):
    """The engine and the model did not give the same answer."""


class Walk:
    """One engine, one model, and what happens to both."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.clock = ManualClock(1_000)
        self.engine = GrantEngine(clock=self.clock, config=EngineConfig(retention_ms=0))
        self.scheduler = Scheduler(self.engine)
        self.operator = self.engine.operator("boss")
        self.model = Choice()
        self.grants: list[Grant] = []
        self.leases: list[Lease] = []
        self.done = 0
        self.told: dict[str, int] = {}
        for name, (window_ms, rate, cap) in QUOTAS.items():
            self.engine.create_quota_policy(
                name, window_ms=window_ms, max_requests_per_window=rate, max_concurrent=cap
            )
            self.model.quotas[name] = QuotaRow(window_ms, rate, cap)
        for name, (hard, interval_ms) in BUDGETS.items():
            self.engine.create_budget(name, hard_limits=hard, reset_interval_ms=interval_ms)
            self.model.budgets[name] = BudgetRow(dict(hard), interval_ms, self.now)

    @property
    def now(self) -> int:
        return self.clock()

    def go(self, steps: int) -> Walk:
        """Make so many operations."""
        names, weights = zip(*OPERATIONS.items(), strict=True)
        for name in self.chance.choices(names, weights, k=steps):
            self.model.settle(self.now)
            try:
                getattr(self, name)()
            except Exception as error:
                raise Disagreed(f"operation {self.done}, {name} at {self.now}: {error!r}") from error
            self.done += 1
        return self

    def agree(self, what: str, engine: object, model: object) -> None:
        self.told[what] = self.told.get(what, 0) + 1
        if engine != model:
            raise Disagreed(f"{what}: {engine!r}, and the model says {model!r}")

    def some(self, choices: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in choices if self.chance.random() < 0.5)

    def row(self) -> Row | None:
        rows = list(self.model.rows.values())
        return self.chance.choice(rows) if rows else None

    # -- executions --------------------------------------------------------------------------

    def create(self) -> None:
        if len(self.model.rows) >= CROWD:
            return self.pass_time()
        chance, lane = self.chance, self.chance.choice(LANES)
        quota = chance.choice((None, None, *QUOTAS))
        budgets = tuple(name for name in BUDGETS if chance.random() < 0.15)
        retries, reclaims = chance.choice((0, 2)), chance.choice((0, 1, 5))
        row = Row(
            f"j{chance.randrange(10**9):09d}",
            lane,
            chance.choice((0, 0, 0, 5, 9)),
            self.now,
            frozenset(token for token in TOKENS if chance.random() < 0.3),
            quota,
            budgets,
            retries,
            reclaims,
        )
        delay_ms = chance.choice((0, 0, 0, 30))
        try:
            self.engine.create_execution(
                lane_id=lane,
                execution_id=row.name,
                priority=row.priority,
                required_capabilities=tuple(row.required),
                delay_until_ms=self.now + delay_ms if delay_ms else None,
                quota_policy_id=quota,
                budget_ids=budgets,
                policy=ExecutionPolicy(
                    retry=RetryPolicy(max_retries=retries, backoff=Fixed(20)), max_reclaim_count=reclaims
                ),
            )
            answer = "created"
        except GrantError as refusal:
            answer = refusal.code
        draining = self.model.lane(lane).state == "draining"
        self.agree("create", answer, "lane_draining" if draining else "created")
        if not draining:
            if delay_ms:
                row.state, row.due_ms = "delayed", self.now + delay_ms
            self.model.rows[row.name] = row
        return None

    def change_priority(self) -> None:
        row = self.row()
        if row is not None and row.state == "waiting":
            row.priority = self.chance.choice((0, 1, 5, 9))
            self.engine.change_priority(row.name, row.priority)

    def cancel(self) -> None:
        row = self.row()
        if row is not None and row.state != "leased":
            self.engine.cancel_execution(row.name, reason="r")
            del self.model.rows[row.name]

    # -- choosing ----------------------------------------------------------------------------

    def seeker(self) -> tuple[str | Worker, tuple[str, str, frozenset[str]]]:
        """A registered worker, or one who says what it has."""
        instance = self.chance.choice(INSTANCES)
        known = self.model.workers.get(instance)
        if known is not None and self.chance.random() < 0.5:
            return instance, (known.worker, instance, known.has)
        has = frozenset(TOKENS) if self.chance.random() < 0.5 else frozenset(self.some(TOKENS))
        return Worker(instance[0], instance, has), (instance[0], instance, has)

    def lanes(self) -> Sequence[str] | Mapping[str, int]:
        lanes = self.chance.sample(LANES, self.chance.randint(1, len(LANES)))
        if self.chance.random() < 0.5:
            return lanes
        return {lane: self.chance.choice((1, 2, 5)) for lane in lanes}

    def claim(self) -> None:
        self._claim(1)

    def claim_many(self) -> None:
        self._claim(self.chance.randint(2, 4))

    def _claim(self, n: int) -> None:
        worker, seen = self.seeker()
        lanes, reclaim = self.lanes(), self.chance.random() < 0.8
        ttl_ms = self.chance.choice((5, 40, 200))
        found = self.scheduler.claim_many_for_worker(
            worker, lanes=lanes, grant_ttl_ms=ttl_ms, n=n, reclaim=reclaim
        )
        told = [(type(grant).__name__, grant.execution_id) for grant in found]
        expected: list[tuple[str, str]] = []
        while len(expected) < n:
            answer = self.model.grant_next(
                seen, lanes, ends_ms=self.now + ttl_ms, reclaim=reclaim, now=self.now
            )
            if answer is None:
                break
            expected.append(answer)
        self.agree("claim", told, expected)
        self.told["grants"] = self.told.get("grants", 0) + len(found)
        self.grants += found

    def peek(self) -> None:
        lane, has = self.chance.choice(LANES), self.some(TOKENS)
        found = list(self.scheduler.peek(lane, has))
        self.agree("peek", found, self.model.peek(lane, frozenset(has), self.now))

    def unmatched(self) -> None:
        lane = self.chance.choice(LANES)
        self.agree("unmatched", list(self.scheduler.unmatched(lane)), self.model.unmatched(lane))

    def would_grant(self) -> None:
        """The dry run says what the issue would, and changes nothing; then it is done in earnest."""
        row = self.row()
        if row is None:
            return
        instance, has = self.chance.choice(INSTANCES), frozenset(self.some(TOKENS))
        make = IssueReclaimGrantRequest if row.kind == RECLAIM else IssueClaimGrantRequest
        request: Any = make(
            worker_id=instance[0],
            worker_instance_id=instance,
            lane_id=row.lane,
            grant_ttl_ms=40,
            worker_capabilities=has,
        )
        digest = self.engine.digest() if self.chance.random() < 0.02 else None
        refusal = self.scheduler.would_grant(row.name, request)
        assert digest is None or digest == self.engine.digest()
        self.agree(
            "would_grant", None if refusal is None else refusal.code, self._refusal(row, instance, has)
        )
        if refusal is None:
            self.issue(row, request)

    def issue(self, row: Row, request: Any) -> None:
        issue: dict[str, Any] = {
            "ClaimGrant": self.engine.issue_claim_grant,
            "ResumeGrant": self.engine.issue_resume_grant,
        }
        if row.kind == RECLAIM:
            answer: Any = self.engine.issue_reclaim_grant(row.name, request)
            self.grants.append(answer.grant)
        else:
            self.grants.append(issue[row.kind](row.name, request))
        self.model.issue(row, request.worker_id, request.worker_instance_id, self.now + 40, self.now)

    def _refusal(self, row: Row, instance: str, has: frozenset[str]) -> str | None:
        if row.state not in ("waiting", "lost"):
            return "execution_not_eligible"
        if self.model.lane(row.lane).state == "paused":
            return "lane_paused"
        if row.grant is not None:
            return "grant_already_exists"
        if row.state == "lost" and row.reclaims >= row.max_reclaims:
            return "execution_not_reclaimable"
        if not row.required <= has:
            return "capability_mismatch"
        return self.model.refusal(row, instance, self.now)

    # -- grants and leases -------------------------------------------------------------------

    def live_grant(self) -> tuple[Grant, Row, tuple[str, str, str]] | None:
        """A grant that can be used, its row, and kind, worker and instance."""
        while self.grants:
            grant = self.grants.pop(self.chance.randrange(len(self.grants)))
            row = self.model.rows.get(grant.execution_id)
            if row is not None and row.grant is not None and row.grant[3] == grant.expires_at_ms:
                return grant, row, row.grant[:3]
        return None

    def take(self) -> None:
        if (live := self.live_grant()) is None:
            return
        grant, row, (kind, worker_id, instance) = live
        if self.chance.random() < 0.2:
            instance = self.chance.choice(INSTANCES)
        ttl_ms = self.chance.choice((10, 60, 300))
        lease = self.engine.take(grant, worker_id=worker_id, worker_instance_id=instance, lease_ttl_ms=ttl_ms)
        row.reclaims += kind == RECLAIM
        row.grant, row.interrupted, row.state = None, False, "leased"
        row.lease = (instance, self.now + ttl_ms)
        self.leases.append(lease)

    def withdraw(self) -> None:
        if (live := self.live_grant()) is not None:
            grant, row, (_, worker_id, _) = live
            assert self.engine.withdraw_grant(grant, worker_id=worker_id)
            row.grant = None

    def held(self) -> tuple[Lease, Row] | None:
        """A lease that is live, and its row."""
        while self.leases:
            lease = self.leases.pop(self.chance.randrange(len(self.leases)))
            row = self.model.rows.get(lease.execution_id)
            if row is None or row.state != "leased":
                continue
            if row.lease == (lease.worker_instance_id, lease.expires_at_ms):
                return lease, row
        return None

    def complete(self) -> None:
        if (held := self.held()) is not None:
            self.engine.complete_execution(held[0])
            del self.model.rows[held[1].name]

    def fail(self) -> None:
        if (held := self.held()) is not None:
            lease, row = held
            self.engine.fail_execution(lease, reason="r")
            if row.retries < row.max_retries:
                row.retries += 1
                row.state, row.due_ms, row.interrupted = "delayed", self.now + 20, False
            else:
                del self.model.rows[row.name]

    def delay(self) -> None:
        if (held := self.held()) is not None:
            lease, row = held
            until_ms = self.now + self.chance.choice((0, 10))
            self.engine.delay_execution(lease, delay_until_ms=until_ms)
            row.state, row.due_ms, row.interrupted = "delayed", until_ms, True

    def renew(self) -> None:
        if (held := self.held()) is not None:
            lease, row = held
            self.leases.append(self.engine.renew_lease(lease, lease_ttl_ms=50))
            row.lease = (row.lease[0], self.now + 50)

    def revoke(self) -> None:
        if (held := self.held()) is not None:
            self.operator.revoke_lease(held[1].name, reason="r")
            held[1].state = "lost"

    def operator_claim(self) -> None:
        """It ignores whatever closes a shelf, and counts (SPEC 7)."""
        row = self.row()
        if row is not None and row.state == "waiting" and row.grant is None:
            instance = self.chance.choice(INSTANCES)
            lease = self.operator.issue_grant_and_claim(
                row.name, worker_id=instance[0], worker_instance_id=instance, lease_ttl_ms=60
            )
            self.leases.append(lease)
            row.state, row.interrupted, row.lease = "leased", False, (instance, self.now + 60)

    # -- what closes shelves -----------------------------------------------------------------

    def turn_lane(self) -> None:
        name = self.chance.choice(LANES)
        state = self.chance.choice(("open", "open", "open", "paused", "draining"))
        turn = {
            "open": self.operator.resume_lane,
            "paused": self.operator.pause_lane,
            "draining": self.operator.drain_lane,
        }
        self.agree("lane", turn[state](name).state, state)
        self.model.lane(name).state = state

    def configure_lane(self) -> None:
        name = self.chance.choice(LANES)
        lane = self.model.lane(name)
        lane.max_leases, lane.aging_ms = (
            self.chance.choice((None, None, 3)),
            self.chance.choice((None, 7, 50)),
        )
        self.engine.configure_lane(name, max_leases=lane.max_leases, aging_ms_per_point=lane.aging_ms)

    def register(self) -> None:
        instance = self.chance.choice(INSTANCES)
        ttl_ms, ceiling = self.chance.choice((80, 400)), self.chance.choice((None, None, 2))
        lanes, has = self.some(LANES) or LANES, frozenset(self.some(TOKENS))
        self.engine.register_worker(
            instance[0],
            instance,
            lanes=lanes,
            capabilities=has,
            liveness_ttl_ms=ttl_ms,
            max_leases=ceiling,
        )
        self.model.workers[instance] = WorkerRow(instance[0], lanes, has, ttl_ms, self.now + ttl_ms, ceiling)

    def heartbeat(self) -> None:
        instance = self.chance.choice(INSTANCES)
        answer = self.engine.heartbeat_worker(instance)
        known = self.model.workers.get(instance)
        self.agree("heartbeat", type(answer).__name__, "NotRegistered" if known is None else "Refreshed")
        if known is not None:
            known.ends_ms = self.now + known.ttl_ms

    def bury(self) -> None:
        instance = self.chance.choice(INSTANCES)
        self.engine.mark_worker_dead(instance, reason="r")
        self.model.workers.pop(instance, None)

    def spend(self) -> None:
        name, row = self.chance.choice(tuple(BUDGETS)), self.row()
        budget = self.model.budgets[name]
        deltas = {dimension: self.chance.randrange(8) for dimension in budget.hard}
        for_whom = row.name if row is not None and self.chance.random() < 0.5 else None
        if for_whom is None:
            answer: object = self.engine.report_usage(name, deltas)
        else:
            answer = self.engine.record_spend(name, for_whom, deltas)
        breaks = budget.breaks(deltas, self.now)
        self.agree("spend", isinstance(answer, HardBreach), breaks)
        if not breaks:
            budget.add(deltas, for_whom)

    def release_budget(self) -> None:
        name = self.chance.choice(tuple(BUDGETS))
        budget = self.model.budgets[name]
        who = self.chance.choice([*budget.spent, "nobody"])
        self.agree("release", self.engine.release_budget(name, who), who in budget.spent)
        budget.release(who, self.now)

    def reset_budget(self) -> None:
        name = self.chance.choice(tuple(BUDGETS))
        budget = self.model.budgets[name]
        budget.usage.clear()
        budget.began_ms = self.now
        self.agree("reset", self.engine.reset_budget(name), budget.next_reset_ms())

    # -- time --------------------------------------------------------------------------------

    def pass_time(self) -> None:
        self.clock.advance(self.chance.choice((1, 1, 5, 25, 60)))

    def sleep(self) -> None:
        """As a tickless host does: to the very next change."""
        self.engine.advance()
        at_ms = self.engine.next_deadline_ms()
        self.agree("next_deadline_ms", at_ms, self.model.next_deadline_ms(self.now))
        if at_ms is not None:
            self.clock.set(at_ms)

    def check(self) -> None:
        self.engine.check()


OPERATIONS: Final[Mapping[str, int]] = {
    "create": 60,
    "claim": 50,
    "claim_many": 6,
    "take": 35,
    "complete": 20,
    "fail": 8,
    "delay": 5,
    "renew": 2,
    "revoke": 4,
    "withdraw": 3,
    "cancel": 10,
    "change_priority": 6,
    "operator_claim": 2,
    "peek": 5,
    "unmatched": 3,
    "would_grant": 10,
    "turn_lane": 4,
    "configure_lane": 1,
    "register": 5,
    "heartbeat": 4,
    "bury": 1,
    "spend": 4,
    "release_budget": 2,
    "reset_budget": 3,
    "pass_time": 20,
    "sleep": 8,
    "check": 1,
}
"""What happens how often."""
