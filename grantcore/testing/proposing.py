"""A generator of calls that looks at the state: about 70 % legal, 20 % near misses, 10 % garbage.

Durations are short and few, so that deadlines often fall on one instant; time mostly moves to a deadline
that is pending, to one millisecond before it, or after it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final, Protocol, TypeVar, cast

from grantcore import (
    ClaimGrant,
    Created,
    ExecutionPolicy,
    Exponential,
    Fence,
    Fixed,
    GrantKind,
    GrantRecord,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    LaneStatus,
    Lease,
    Phase,
    ReclaimGrant,
    ResumeGrant,
    RetryPolicy,
    Worker,
)
from grantcore.testing.model import Model
from grantcore.testing.model.batches import OWN
from grantcore.testing.model.records import LOST, TERMINAL, Execution
from grantcore.testing.steps import Altered, Ref, Step

MAX_MS: Final = 2**53 - 1

LANES: Final = ("a", "b")
TOKENS: Final = ("cpu", "gpu", "net")
WORKERS: Final = (("w1", "i1"), ("w1", "i2"), ("w2", "i3"))
TTLS: Final = (1, 3, 5, 8, 20, 50, 50)
REASONS: Final = ("", "broken", "tired")
CATEGORIES: Final = ("", "flaky", "timeout")
ORDERS: Final = (
    "waiting_for_budget",
    "waiting_for_quota",
    "waiting_for_capable_worker",
    "paused_by_operator",
    "paused_by_policy",
)
CODES: Final = (
    *ORDERS,
    "waiting_for_approval",
    "manual_pause",
    "paused_by_budget",
    "waiting_for_operator_review",
    "",
)
BEHAVIORS: Final = ("fail", "cancel", "expire", "auto_resume", "auto_resume_with_timeout_signal", "escalate")
POLICIES: Final = (
    ExecutionPolicy(),
    ExecutionPolicy(
        retry=RetryPolicy(2, Fixed(3)), attempt_timeout_ms=7, max_reclaim_count=1, max_replay_count=2
    ),
    ExecutionPolicy(
        retry=RetryPolicy(3, Exponential(2, 9, 2500, jitter=True), frozenset({"flaky", "timeout"}))
    ),
    ExecutionPolicy(retry=RetryPolicy(1, Exponential(0, 5)), attempt_timeout_ms=4, max_reclaim_count=2),
    ExecutionPolicy(
        retry=RetryPolicy(9, Fixed(0), frozenset({"timeout"})), attempt_timeout_ms=2, max_reclaim_count=0
    ),
)
PARTS: Final[tuple[Mapping[str, object], ...]] = (
    {"lease_epoch": 99},
    {"lease_epoch": None},
    {"lease_id": "other"},
    {"lease_id": ""},
    {"attempt_id": "other"},
    {"attempt_id": None},
    {"lease_id": None, "lease_epoch": None, "attempt_id": None},
    {},
)
"""What may be wrong with a fence."""
GARBAGE: Final[tuple[object, ...]] = (
    None,
    "",
    " ",
    "x" * 257,
    "\ud800",
    "a\x00b",
    b"",
    b"x",
    True,
    -1,
    0,
    1.0,
    2**53 - 1,
    2**53,
    (),
    [""],
    ["a,b"],
    ["ok", 1],
    {},
    {"": 1},
    {"Bad.tag": "x"},
    object,
)
"""What hostile callers give."""

T = TypeVar("T")


class Chance(Protocol):
    """Where choices come from; ``random.Random`` has it, and so has what ``hypothesis`` draws."""

    def randrange(self, stop: int, /) -> int:
        """One of 0..stop-1."""
        ...

    def choice(self, of: Sequence[T], /) -> T:
        """One of them."""
        ...

    def choices(self, population: Sequence[T], *, k: int) -> list[T]:
        """``k`` of them, any of them more than once."""
        ...

    def sample(self, population: Sequence[T], k: int) -> list[T]:
        """``k`` of them, each once."""
        ...


class Kind(Enum):
    """What a proposed call is meant to be: in seven, two and one of ten cases."""

    LEGAL = 7
    NEAR_MISS = 2
    GARBAGE = 1


KINDS: Final = tuple(kind for kind in Kind for _ in range(kind.value))

Given = tuple[str, tuple[object, ...], Mapping[str, object]]
"""A call and its arguments."""


def given(call: str, *args: object, **kwargs: object) -> Given:
    """Put a call together."""
    return (call, args, kwargs)


class Proposer:
    """Proposes the next call on a pair.

    Args:
        seed: of its choices; the same seed and the same answers give the same calls.
        model: to look at; nothing is called on it.
        crowd: about so many executions are kept at a time.

    Attributes:
        kind: what the last proposed call is meant to be.
    """

    def __init__(self, seed: int, model: Model, *, crowd: int = 9) -> None:
        """Nothing has happened yet."""
        self._chance: Chance = random.Random(seed)
        self.kind = Kind.LEGAL
        self._model = model
        self._crowd = crowd
        self._now = 0
        self._grants: dict[str, Ref] = {}
        self._leases: dict[str, Ref] = {}
        self._old: list[Ref] = []
        self._minted: dict[str, Ref] = {}
        self._by_phase: dict[Phase, tuple[Callable[[Execution], Given], ...]] = {
            Phase.DELAYED: (self._read, self._cancel, self._tag),
            Phase.ELIGIBLE: (self._grant, self._grant, self._grant, self._wait),
            Phase.BLOCKED: (self._unblock, self._cancel),
            Phase.SUSPENDED: (self._resume, self._resume, self._cancel, self._read),
            Phase.LEASED: (self._keep, self._let_go, self._let_go, self._pause, self._revoke),
            Phase.LEASE_EXPIRED: (self._reclaim, self._reclaim, self._cancel, self._revoke),
            Phase.LEASE_REVOKED: (self._reclaim, self._reclaim, self._cancel, self._revoke),
            **dict.fromkeys(TERMINAL, (self._replay, self._replay, self._purge, self._read, self._tag)),
        }

    # -- choosing ----------------------------------------------------------------------------------

    def step(self, number: int, now_ms: int, chance: Chance | None = None) -> Step:
        """The next call.

        Args:
            number: of the step.
            now_ms: the present instant.
            chance: where its choices come from; None: from the seed.
        """
        self._now = now_ms
        if chance is not None:
            self._chance = chance
        self.kind = self._chance.choice(KINDS)
        call, args, kwargs = self._proposed(self.kind)
        return Step(
            number,
            call,
            tuple(self._symbol(value) for value in args),
            {name: self._symbol(value) for name, value in kwargs.items()},
        )

    def _proposed(self, kind: Kind) -> Given:
        if kind is Kind.LEGAL:
            return self._legal()
        if kind is Kind.NEAR_MISS:
            return self._near_miss()
        return self._garbled(self._legal() if self._odds(2) else self._near_miss())

    def _symbol(self, value: object) -> object:
        """A minted id as part of the result that told it."""
        if type(value) is list:
            return [self._symbol(element) for element in cast("list[object]", value)]
        return self._minted.get(value, value) if type(value) is str else value

    def learn(self, step: Step, result: object) -> None:
        """Remember a lease or a grant that a step gave."""
        ref = Ref(step.number)
        if isinstance(result, Created) and "execution_id" not in step.kwargs:
            self._minted[result.execution_id] = Ref(step.number, "execution_id")
        if isinstance(result, Lease):
            self._leases[result.execution_id] = ref
        elif isinstance(result, (ClaimGrant, ResumeGrant, ReclaimGrant)):
            self._grants[result.execution_id] = ref
        else:
            return
        self._old = [*self._old[-30:], ref]

    def _odds(self, one_in: int) -> bool:
        return self._chance.randrange(one_in) == 0

    def _pick(self, *of: Callable[[], Given]) -> Given:
        return self._chance.choice(of)()

    def _ttl(self) -> int:
        return self._chance.choice(TTLS)

    def _reason(self) -> str:
        return self._chance.choice(REASONS)

    def _instant(self) -> int:
        """Soon, now, or just past."""
        return min(max(self._now + self._chance.choice((-1, 0, 1, 2, 5, 9)), 0), MAX_MS)

    def _tokens(self) -> list[str]:
        return self._chance.sample(TOKENS, self._chance.choice((0, 0, 1, 2)))

    # -- legal -------------------------------------------------------------------------------------

    def _legal(self) -> Given:
        executions = self._model.executions
        dice = self._chance.randrange(10)
        if dice == 0 or not executions:
            full = len(executions) >= self._crowd
            return self._look() if full else self._pick(self._create, self._create, self._turn)
        if dice <= 2:  # noqa: PLR2004 - one call of five moves time
            return self._time()
        if dice <= 4:  # noqa: PLR2004 - and one is about all lanes
            return self._schedule()
        execution = self._lively()
        return self._chance.choice(self._by_phase[execution.phase])(execution)

    def _lively(self) -> Execution:
        """An execution; rather one that somebody has or may take than one that has ended."""
        found = self._chance.choices(self._model.executions, k=3)
        found.sort(key=lambda execution: (execution.phase in TERMINAL, execution.grant is None))
        return found[0] if self._odds(2) else found[1]

    def _time(self) -> Given:
        instants = [due.at_ms + step for due in self._model.deadlines() for step in (-1, 0, 1)]
        near = sorted(at_ms for at_ms in instants if self._now <= at_ms <= MAX_MS)[:6]
        if near and not self._odds(8):
            return given("at", self._chance.choice(near))
        return given("at", min(self._now + self._chance.choice((0, 1, 2, 30, 3000)), MAX_MS))

    def _look(self) -> Given:
        return self._pick(
            lambda: given("look", self._chance.choice((1, 2, 3, 1000))),
            lambda: given("advance"),
            lambda: given("advance", limit=self._chance.choice((1, 2))),
            lambda: given("restart", self._chance.choice((0, 0, 5))),
            lambda: given("misread", max(self._now - 2, 0)),
            lambda: given("leases", worker_instance_id=self._worker()[1]),
            lambda: given("leases_expiring_within", self._ttl()),
            lambda: given(
                "list_executions", lane_id=self._chance.choice(LANES), phase=self._chance.choice(list(Phase))
            ),
            lambda: given("list_expired_leases", as_of_ms=self._instant()),
            lambda: given("scheduler.peek", self._chance.choice(LANES), self._tokens(), limit=3),
            lambda: given("renew_leases", list(self._leases.values())[-5:], lease_ttl_ms=self._ttl()),
            lambda: given("operator.revoke_leases_of", self._worker()[1], reason=self._reason()),
        )

    def _create(self) -> Given:
        chance = self._chance
        kwargs: dict[str, object] = {"lane_id": chance.choice(LANES), "policy": chance.choice(POLICIES)}
        options: dict[str, Callable[[], object]] = {
            "execution_id": lambda: f"e{chance.randrange(30)}",
            "priority": lambda: chance.choice((0, 1, 2, 9000, 9001, -5)),
            "required_capabilities": self._tokens,
            "delay_until_ms": self._instant,
            "deadline_at_ms": lambda: min(self._instant() + chance.choice((0, 10, 50)), MAX_MS),
            "payload": lambda: b"load",
            "tags": lambda: {"a.b": "c"},
            "idempotency_key": lambda: f"k{chance.randrange(4)}",
            "namespace": lambda: chance.choice(("default", "other")),
            "creator_identity": lambda: "me",
            "quota_policy_id": lambda: self._one([quota.quota_policy_id for quota in self._model.quotas]),
            "budget_ids": lambda: [budget.budget_id for budget in self._model.budgets][-2:],
        }
        for name, option in options.items():
            if self._odds(2 if name == "execution_id" else 4):
                kwargs[name] = option()
        return given("create_execution", **kwargs)

    def _one(self, names: list[str]) -> str | None:
        return self._chance.choice(names) if names else None

    def _worker(self) -> tuple[str, str]:
        return self._chance.choice(WORKERS)

    def _request(
        self, execution: Execution, *, lost: bool
    ) -> IssueClaimGrantRequest | IssueReclaimGrantRequest:
        worker_id, instance_id = self._worker()
        kind = IssueReclaimGrantRequest if lost else IssueClaimGrantRequest
        return kind(
            worker_id=worker_id,
            worker_instance_id=instance_id,
            lane_id=execution.lane_id,
            grant_ttl_ms=self._ttl(),
            capability_hash=self._chance.choice((None, "hash")),
            worker_capabilities=execution.required,
        )

    def _grant(self, execution: Execution) -> Given:
        if execution.grant is not None:
            return self._use(execution)
        if self._odds(6):
            return given(
                "operator.issue_grant_and_claim", execution.execution_id, **self._taker(self._worker()[0])
            )
        call = "issue_resume_grant" if execution.interrupted else "issue_claim_grant"
        return given(call, execution.execution_id, self._request(execution, lost=False))

    def _taker(self, worker_id: str) -> dict[str, object]:
        taker: dict[str, object] = {
            "worker_id": worker_id,
            "worker_instance_id": self._worker()[1],
            "lease_ttl_ms": self._ttl(),
        }
        if self._odds(4):
            taker["attempt_timeout_ms"] = self._ttl()
        return taker

    def _use(self, execution: Execution) -> Given:
        """Take the lease that a grant is for, or give the grant back."""
        grant = execution.grant
        ref = self._grants.get(execution.execution_id)
        if grant is None:
            return self._read(execution)
        if ref is None or self._odds(9):
            return given("take", _grant_of(execution, grant), **self._taker(grant.worker_id))
        if self._odds(6):
            return given("withdraw_grant", ref, worker_id=grant.worker_id)
        taker = self._taker(grant.worker_id)
        call = {
            "claim": "claim_execution",
            "resume": "claim_resumed_execution",
            "reclaim": "reclaim_execution",
        }
        if self._odds(2):
            return given("take", ref, **taker)
        if grant.kind == "resume":
            taker.pop("attempt_timeout_ms", None)
        if self._odds(3):
            taker["lane_id"] = execution.lane_id
        return given(call[grant.kind], ref, **taker)

    def _wait(self, execution: Execution) -> Given:
        execution_id = execution.execution_id
        return self._pick(
            lambda: given("change_priority", execution_id, self._chance.choice((0, 1, 2, 9999))),
            lambda: given(
                "operator.block", execution_id, reason=self._chance.choice(ORDERS), detail=self._reason()
            ),
            lambda: self._cancel(execution),
            lambda: self._tag(execution),
            self._look,
        )

    def _unblock(self, execution: Execution) -> Given:
        execution_id = execution.execution_id
        if execution.blocked_for == "waiting_for_children":
            return given("promote_blocked_to_eligible", execution_id)
        if self._odds(3):
            return given("operator.block", execution_id, reason=self._chance.choice(ORDERS))
        if self._odds(2):
            return given("operator.unblock", execution_id, expected_reason=execution.blocked_for)
        return given("operator.unblock", execution_id)

    def _resume(self, execution: Execution) -> Given:
        kwargs = {"resume_delay_ms": self._ttl()} if self._odds(3) else {}
        return given("resume_execution", execution.execution_id, trigger=self._reason(), **kwargs)

    def _lease(self, execution: Execution) -> object:
        """The last lease that was given for it; or an equal fence."""
        ref = self._leases.get(execution.execution_id)
        if ref is None:
            return Fence(execution.execution_id, "lost", 1, "lost")
        return Altered(ref, {}) if self._odds(5) else ref

    def _keep(self, execution: Execution) -> Given:
        lease = self._lease(execution)
        return self._pick(
            lambda: given("renew_lease", lease, lease_ttl_ms=self._ttl()),
            lambda: given("renew_lease", lease, lease_ttl_ms=self._ttl()),
            lambda: given(
                "renew_leases", [lease, *list(self._leases.values())[-2:]], lease_ttl_ms=self._ttl()
            ),
            lambda: given("update_progress", lease, pct=self._chance.choice((0, 50, 100))),
            lambda: given("update_progress", lease, message=self._reason()),
        )

    def _let_go(self, execution: Execution) -> Given:
        lease = self._lease(execution)
        execution_id = execution.execution_id
        why = {"reason": self._reason(), "category": self._chance.choice(CATEGORIES)}
        return self._pick(
            lambda: given("complete_execution", lease),
            lambda: given("complete_execution", lease, result=self._chance.choice((None, b"", b"done"))),
            lambda: given("fail_execution", lease, **why),
            lambda: given("fail_execution", lease, **why),
            lambda: given("cancel_execution", execution_id, reason=self._reason(), lease=lease),
            lambda: given("operator.complete", execution_id, result=b"by hand"),
            lambda: given("operator.fail", execution_id, **why),
            lambda: given("operator.cancel", execution_id, reason=self._reason()),
        )

    def _pause(self, execution: Execution) -> Given:
        lease = self._lease(execution)
        return self._pick(
            lambda: given("delay_execution", lease, delay_until_ms=self._instant()),
            lambda: given("release_execution", lease),
            lambda: given("move_to_waiting_children", lease),
            lambda: given("suspend_execution", lease, reason_code=self._chance.choice(CODES)),
            lambda: given(
                "suspend_execution",
                lease,
                reason_code=self._chance.choice(CODES),
                timeout_at_ms=self._instant(),
                timeout_behavior=self._chance.choice(BEHAVIORS),
            ),
        )

    def _revoke(self, execution: Execution) -> Given:
        if self._odds(3):
            return given("operator.revoke_leases_of", self._worker()[1], reason=self._reason())
        return given("operator.revoke_lease", execution.execution_id, reason=self._reason())

    def _reclaim(self, execution: Execution) -> Given:
        if execution.grant is not None:
            return self._use(execution)
        return given("issue_reclaim_grant", execution.execution_id, self._request(execution, lost=True))

    def _cancel(self, execution: Execution) -> Given:
        kwargs: dict[str, object] = {"reason": self._reason()}
        if execution.phase in LOST and self._odds(2):
            kwargs["lease"] = self._lease(execution)
        if self._odds(2):
            kwargs["cancelled_by"] = "me"
        return given("cancel_execution", execution.execution_id, **kwargs)

    def _tag(self, execution: Execution) -> Given:
        name = self._chance.choice(("a.b", "a.c", "x_1.y.z", "q.q"))
        return given("set_execution_tags", execution.execution_id, {name: self._reason()})

    def _replay(self, execution: Execution) -> Given:
        kwargs: dict[str, object] = {"requested_by": "me"} if self._odds(2) else {}
        if self._odds(3):
            kwargs["deadline_at_ms"] = self._instant()
        return given("replay_execution", execution.execution_id, reason=self._reason(), **kwargs)

    def _purge(self, execution: Execution) -> Given:
        return given("purge_execution", execution.execution_id)

    def _read(self, execution: Execution) -> Given:
        calls = (
            "describe_execution",
            "describe_grant",
            "attempts",
            "read_payload",
            "read_result",
            "lease_history",
        )
        return given(self._chance.choice(calls), execution.execution_id)

    # -- lanes, workers, quotas, budgets -----------------------------------------------------------

    def _schedule(self) -> Given:
        return self._pick(
            self._claim,
            self._claim,
            self._claim,
            self._ask,
            self._work,
            self._meter,
            self._turn,
            self._batch,
        )

    def _lanes(self) -> object:
        return self._chance.choice(({"a": 1, "b": 3}, {"b": 2, "a": 2}, ["a", "b"], ("b", "a"), ["b"]))

    def _seeker(self) -> object:
        known = self._one([worker.worker_instance_id for worker in self._model.workers])
        if known is not None and self._odds(2):
            return known
        return Worker(*self._worker(), capabilities=self._chance.choice((TOKENS, ["cpu"], [])))

    def _claim(self) -> Given:
        kwargs: dict[str, object] = {"lanes": self._lanes(), "grant_ttl_ms": self._ttl()}
        if self._odds(4):
            kwargs["reclaim"] = False
        if self._odds(4):
            return given(
                "scheduler.claim_many_for_worker", self._seeker(), n=self._chance.choice((1, 2, 9)), **kwargs
            )
        return given("scheduler.claim_for_worker", self._seeker(), **kwargs)

    def _ask(self) -> Given:
        lane_id = self._chance.choice(LANES)
        execution = self._chance.choice(self._model.executions)
        lost = execution.phase in LOST
        return self._pick(
            lambda: given("scheduler.peek", lane_id, self._tokens(), limit=self._chance.choice((1, 3))),
            lambda: given("scheduler.unmatched", lane_id),
            lambda: given(
                "scheduler.would_grant", execution.execution_id, self._request(execution, lost=lost)
            ),
            lambda: given("explain", execution.execution_id),
        )

    def _work(self) -> Given:
        worker_id, instance_id = self._worker()
        alive = [worker.worker_instance_id for worker in self._model.workers]
        kwargs: dict[str, object] = {"max_leases": self._chance.choice((1, 2))} if self._odds(3) else {}
        return self._pick(
            lambda: given(
                "register_worker",
                worker_id,
                instance_id,
                lanes=self._chance.choice((["a"], ["a", "b"])),
                capabilities=self._chance.choice((TOKENS, ["cpu"], ["gpu", "net"])),
                liveness_ttl_ms=self._chance.choice((5, 50, 300)),
                **kwargs,
            ),
            lambda: given("heartbeat_worker", self._one(alive) or instance_id),
            lambda: given("mark_worker_dead", self._one(alive) or instance_id, reason=self._reason()),
            lambda: given("list_workers", limit=1),
            lambda: given(
                "register_worker",
                "w2",
                "i9",
                lanes=["b"],
                capabilities=[],
                liveness_ttl_ms=self._ttl(),
                namespace=self._chance.choice(("other", "default")),
            ),
        )

    def _meter(self) -> Given:
        chance = self._chance
        budget_id = self._one([budget.budget_id for budget in self._model.budgets]) or "b0"
        usage = {"deltas": chance.choice(({"usd": 1}, {"usd": 3}, {"usd": 4, "io": 1}, {}))}
        key = {"dedup_key": f"d{chance.randrange(3)}"} if self._odds(3) else {}
        name = f"e{chance.randrange(30)}"
        return self._pick(
            lambda: given(
                "create_quota_policy",
                f"q{chance.randrange(3)}",
                window_ms=chance.choice((3, 20, 60)),
                max_requests_per_window=chance.choice((0, 1, 2)),
                max_concurrent=chance.choice((0, 1, 2)),
            ),
            lambda: given(
                "create_budget",
                f"b{chance.randrange(3)}",
                hard_limits=chance.choice(({"usd": 4}, {"usd": 3, "io": 0}, {})),
                soft_limits=chance.choice(({"usd": 2}, {})),
                reset_interval_ms=chance.choice((None, 10, 40)),
            ),
            lambda: given("report_usage", budget_id, **usage, **key),
            lambda: given("report_usage", budget_id, **usage, **key),
            lambda: given("record_spend", budget_id, name, **usage, **key),
            lambda: given("release_budget", budget_id, name),
            lambda: given("reset_budget", budget_id),
            lambda: given("describe_budget", budget_id),
        )

    def _turn(self) -> Given:
        turned = [lane.lane_id for lane in self._model.lanes if lane.state is not LaneStatus.OPEN]
        if turned and not self._odds(6):
            return given("operator.resume_lane", turned[0])
        lane_id = self._chance.choice(LANES)
        return self._pick(
            lambda: given("operator.pause_lane", lane_id),
            lambda: given("operator.drain_lane", lane_id),
            lambda: given("configure_lane", lane_id),
            lambda: given(
                "configure_lane",
                lane_id,
                max_leases=self._chance.choice((None, 1, 3)),
                aging_ms_per_point=self._chance.choice((None, 1, 20)),
            ),
        )

    # -- batches -----------------------------------------------------------------------------------

    def _batch(self) -> Given:
        """A call on several, of which some are right for it."""
        chance = self._chance
        execution = self._lively()
        names = [execution.execution_id, *(one.execution_id for one in self._some())]
        leases = [*list(self._leases.values())[-3:], *self._old[-1:], self._lease(execution)]
        return self._pick(
            self._create_batch,
            lambda: given("issue_claim_grants", names, self._request(execution, lost=False)),
            lambda: given(
                "claim_many",
                [*list(self._grants.values())[-4:], *self._old[-1:]],
                **self._taker(self._worker()[0]),
            ),
            lambda: given("complete_many", leases),
            lambda: given(
                "complete_many", leases, results=[chance.choice((None, b"", b"r")) for _ in leases]
            ),
            lambda: given("fail_many", leases, reason=self._reason(), category=chance.choice(CATEGORIES)),
        )

    def _some(self) -> list[Execution]:
        return self._chance.choices(self._model.executions, k=3)

    def _create_batch(self) -> Given:
        """The parts of a single creation, and others beside it that share what is not its own."""
        chance = self._chance
        call, _, kwargs = self._create()
        shared = {name: value for name, value in kwargs.items() if name not in OWN}
        own = {name: value for name, value in kwargs.items() if name in OWN}
        others = chance.sample(({}, {"priority": 2}, own, {"execution_id": "e1"}, {"tags": {"Bad": "x"}}), 3)
        return given(f"{call}s", [own, *others], **shared)

    # -- near misses -------------------------------------------------------------------------------

    def _near_miss(self) -> Given:
        """A call that would be right for another execution, worker, lane, lease, or moment."""
        executions = self._model.executions
        if not executions:
            return given("describe_grant", "nobody")
        execution = self._chance.choice(executions)
        return self._pick(
            lambda: self._out_of_phase(execution),
            lambda: self._out_of_phase(execution),
            lambda: self._strange_grant(execution),
            lambda: self._strange_request(execution),
            lambda: self._strange_fence(execution),
            lambda: self._unknown(execution),
        )

    def _out_of_phase(self, execution: Execution) -> Given:
        """What another phase would allow."""
        phase = self._chance.choice(list(self._by_phase))
        return self._chance.choice(self._by_phase[phase])(execution)

    def _strange_grant(self, execution: Execution) -> Given:
        """A used, lapsed or altered grant; another worker's; of another kind; for another lane."""
        ends = self._instant()
        grant: object = self._chance.choice(
            (
                *self._old[-8:],
                ClaimGrant(execution.execution_id, ends),
                ResumeGrant(execution.execution_id, ends, execution.lane_id),
                ReclaimGrant(execution.execution_id, ends, execution.lane_id),
            )
        )
        taker = self._taker(self._worker()[0])
        if self._odds(4):
            return given("withdraw_grant", grant, worker_id=taker["worker_id"])
        if self._odds(4):
            return given("claim_execution", grant, lane_id=self._chance.choice(LANES), **taker)
        return given(self._chance.choice(("take", "claim_execution", "reclaim_execution")), grant, **taker)

    def _strange_request(self, execution: Execution) -> Given:
        """Another lane, too few tokens, another kind of request."""
        worker_id, instance_id = self._worker()
        lost = execution.phase in LOST
        calls = ("issue_reclaim_grant",) if lost else ("issue_claim_grant", "issue_resume_grant")
        call = self._chance.choice(calls)
        kind = IssueReclaimGrantRequest if lost is not self._odds(9) else IssueClaimGrantRequest
        request = kind(
            worker_id=worker_id,
            worker_instance_id=instance_id,
            lane_id=execution.lane_id if self._odds(2) else self._chance.choice(LANES),
            grant_ttl_ms=self._ttl(),
            worker_capabilities=self._tokens(),
        )
        return given(call, execution.execution_id, request)

    def _strange_fence(self, execution: Execution) -> Given:
        """An old lease, or one with a part that is wrong or missing."""
        part = self._chance.choice(PARTS)
        ref = self._leases.get(execution.execution_id)
        if self._old and self._odds(2):
            ref = self._chance.choice(self._old)
        lease: object = Fence(execution.execution_id) if ref is None else Altered(ref, part)
        call, args, kwargs = self._pick(
            lambda: self._keep(execution), lambda: self._let_go(execution), lambda: self._pause(execution)
        )
        if args and not isinstance(args[0], (str, list)):
            return (call, (lease, *args[1:]), kwargs)
        return (call, args, {**kwargs, "lease": lease} if "lease" in kwargs else kwargs)

    def _unknown(self, execution: Execution) -> Given:
        """A name that nothing has."""
        return self._pick(
            lambda: given("purge_execution", "nobody"),
            lambda: given("renew_lease", Fence("nobody", "l", 1, "a"), lease_ttl_ms=5),
            lambda: given("operator.unblock", execution.execution_id, expected_reason="another"),
            lambda: given("operator.block", execution.execution_id, reason="no_reason"),
            lambda: given(
                "operator.revoke_lease", execution.execution_id, reason="", expected_lease_id="another"
            ),
            lambda: given("create_execution", lane_id="a", quota_policy_id="none"),
            lambda: given("create_execution", lane_id="a", budget_ids=["none"]),
            lambda: given("set_execution_tags", execution.execution_id, {"Bad": "x"}),
            lambda: given("heartbeat_worker", "nobody"),
            lambda: given(
                "register_worker",
                "w3",
                self._one([worker.worker_instance_id for worker in self._model.workers]) or "i1",
                lanes=["a"],
                capabilities=(),
                liveness_ttl_ms=9,
            ),
            lambda: given("promote_blocked_to_eligible", execution.execution_id),
            lambda: given("replay_execution", execution.execution_id),
            lambda: given("issue_resume_grant", execution.execution_id, self._request(execution, lost=False)),
            lambda: given("scheduler.claim_for_worker", "nobody", lanes=LANES, grant_ttl_ms=5),
            lambda: given("describe_budget", "none"),
            lambda: given("misread", self._chance.choice((None, -1, 1.5, 2**53, True, "5"))),
        )

    # -- garbage -----------------------------------------------------------------------------------

    def _garbled(self, chosen: Given) -> Given:
        """One argument of a call is nonsense."""
        call, args, kwargs = chosen
        if call in {"at", "misread", "restart", "look"}:
            return given("advance", limit=self._chance.choice(GARBAGE))
        nonsense = self._chance.choice(GARBAGE)
        place = self._chance.randrange(len(args) + len(kwargs)) if args or kwargs else -1
        if place < 0:
            return given("describe_execution", nonsense)
        if place < len(args):
            return (call, (*args[:place], nonsense, *args[place + 1 :]), kwargs)
        name = list(kwargs)[place - len(args)]
        return (call, args, {**kwargs, name: nonsense})


def _grant_of(execution: Execution, grant: GrantRecord) -> object:
    """A grant as its owner has it."""
    if grant.kind is GrantKind.CLAIM:
        return ClaimGrant(execution.execution_id, grant.expires_at_ms)
    kind = ResumeGrant if grant.kind is GrantKind.RESUME else ReclaimGrant
    return kind(execution.execution_id, grant.expires_at_ms, execution.lane_id)
