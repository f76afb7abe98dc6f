"""A seeded generator of calls that goes where it is sent: any phase, any call, right or wrong.

It is given a phase and a call; brings an execution into that phase by one of many ways if none is there; and
makes the call on it, with arguments that are right, nearly right, or nonsense. What comes of it is chance, so
that rare outcomes are only as rare as their own conditions.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import grantcore
from grantcore import (
    ClaimGrant,
    EngineConfig,
    ExecutionPolicy,
    Fence,
    Fixed,
    Granted,
    GrantEngine,
    GrantError,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    ManualClock,
    Operator,
    Phase,
    Reclaimed,
    ReclaimGrant,
    ResumeGrant,
    RetryPolicy,
    Scheduler,
    Worker,
    events,
)
from grantcore.testing.ids import SeededIds
from grantcore.testing.visits import Visits, Watched

MAX_MS: Final = 2**53 - 1
CONFIG: Final = EngineConfig(
    retention_ms=400, idempotency_window_ms=2_000, max_executions=30, max_grant_ttl_ms=1_000, max_tags=3
)
STEPS_PER_WORLD: Final = 120
LANES: Final = ("a", "b")
WORKERS: Final = (("w1", "i1"), ("w2", "i2"))
POLICIES: Final = (
    ExecutionPolicy(),
    ExecutionPolicy(max_replay_count=1),
    ExecutionPolicy(retry=RetryPolicy(2, Fixed(20)), max_reclaim_count=1),
    ExecutionPolicy(max_reclaim_count=0, max_replay_count=0),
    ExecutionPolicy(attempt_timeout_ms=60, retry=RetryPolicy(1, Fixed(0))),
    ExecutionPolicy(attempt_timeout_ms=40),
)
NONSENSE: Final = (None, "", -1, b"x")

SETUP: Final = """from grantcore import *
from grantcore.testing import SeededIds

clock = ManualClock({start})
engine = GrantEngine(clock=clock, ids=SeededIds({seed}), config={config})
scheduler = Scheduler(engine)"""


def _start_ms(seed: int) -> int:
    """Some worlds are near the end of time."""
    return MAX_MS - 4_000 if random.Random(seed).random() < 0.1 else 0


Grant = ClaimGrant | ResumeGrant | ReclaimGrant
Call = Callable[[str], object]


class World:
    """One engine, and what its callers have in hand.

    Args:
        seed: of every choice.
        visits: where to count.
    """

    def __init__(self, seed: int, visits: Visits) -> None:
        self.chance = random.Random(seed)
        self.made: list[Made] = []
        clock = ManualClock(_start_ms(seed))
        engine = GrantEngine(clock=clock, ids=SeededIds(seed), config=CONFIG)
        self.phases: dict[str, Phase] = {}
        self.lanes: dict[str, str] = {}
        self.leases: dict[str, list[Lease]] = {}
        self.grants: dict[str, list[Grant]] = {}
        self.names = 0
        engine.subscribe(self._hear)
        watched = Watched(engine, visits)
        operator = watched.engine.operator("root")
        self.clock = cast("ManualClock", Written(clock, "clock", self.made))
        self.engine = cast("GrantEngine", Written(watched.engine, "engine", self.made))
        self.scheduler = cast("Scheduler", Written(watched.scheduler, "scheduler", self.made))
        self.operator = cast("Operator", Written(operator, 'engine.operator("root")', self.made))
        self.engine.create_quota_policy("rate", window_ms=200, max_requests_per_window=1)
        self.engine.create_quota_policy("slots", window_ms=30, max_concurrent=1)
        self.engine.create_budget("budget", hard_limits={"usd": 1}, reset_interval_ms=None)

    def _hear(self, event: events.Event) -> None:
        match event:
            case events.ExecutionEvent(execution_id=name, phase=None):
                del self.phases[name]
            case events.ExecutionEvent(execution_id=name, phase=Phase() as phase, lane_id=lane_id):
                self.phases[name] = phase
                self.lanes[name] = lane_id
            case _:
                pass

    # -- stepping ----------------------------------------------------------------------------------

    def step(self, wanted: Phase | None, call: str) -> None:
        """This call on an execution in this phase; sometimes the weather changes before."""
        if self.odds(6):
            self._weather()
        name = self._nobody() if wanted is None else self._somebody(wanted)
        self.keep(self.tried(lambda: CALLS[call](self, name)))

    def _nobody(self) -> str:
        """One that never was, or is gone."""
        gone = [name for name in self.lanes if name not in self.phases]
        return self.chance.choice([*gone[-3:], "nobody"])

    def _somebody(self, wanted: Phase) -> str:
        """An execution in this phase, or on its way there."""
        there = [name for name, phase in self.phases.items() if phase is wanted]
        if there and not self.odds(3):
            return self.chance.choice(there)
        name = self.new_name()
        self.tried(lambda: self.create(name))
        self.tried(lambda: WAYS[wanted](self, name))
        return name

    def _weather(self) -> None:
        """Something about all: time, lanes, budgets, workers."""
        chance, engine = self.chance, self.engine
        lane_id = chance.choice(LANES)
        change = chance.choice(
            (
                lambda: self.pass_time(chance.choice((1, 5, 25, 100))),
                lambda: self.pass_time(chance.choice((1, 5, 25, 100))),
                lambda: self.operator.pause_lane(lane_id),
                lambda: self.operator.drain_lane(lane_id),
                *(lambda: self.operator.resume_lane(lane_id),) * 4,
                lambda: engine.configure_lane(lane_id, max_leases=chance.choice((None, None, None, 1))),
                lambda: engine.report_usage("budget", {"usd": 1}),
                lambda: engine.reset_budget("budget"),
                lambda: engine.register_worker(
                    "w1", "i1", lanes=LANES, capabilities=["gpu"], liveness_ttl_ms=50
                ),
            )
        )
        self.tried(change)

    def new_name(self) -> str:
        self.names += 1
        return f"e{self.names}"

    # -- choosing ----------------------------------------------------------------------------------

    def odds(self, one_in: int) -> bool:
        return self.chance.randrange(one_in) == 0

    def or_nonsense(self, value: Any) -> Any:
        """Seldom something else."""
        return self.chance.choice(NONSENSE) if self.odds(9) else value

    def id(self, name: str) -> str:
        return str(name) if not self.odds(9) else " "

    def reason(self) -> Any:
        return self.chance.choice(("because", "because", "", 5))

    def number(self, usual: int) -> Any:
        return self.chance.choice((usual, usual, usual, usual, -1.5))

    def ttl(self) -> Any:
        return self.number(self.chance.choice((1, 10, 10, 80, 5_000)))

    def create(self, name: str) -> None:
        """A new execution that waits."""
        chance = self.chance
        self.engine.create_execution(
            execution_id=name,
            lane_id=chance.choice(LANES),
            policy=chance.choice(POLICIES),
            required_capabilities=chance.choice(((), (), ("gpu",))),
            payload=chance.choice((None, b"load")),
            quota_policy_id=chance.choice((None, None, "rate", "slots")),
            budget_ids=chance.choice(((), (), ("budget",))),
            idempotency_key=f"key of {name}",
            deadline_at_ms=self.clock() + 50 if self.odds(9) else None,
            delay_until_ms=self.clock() + chance.choice((30, 100)) if self.odds(9) else None,
        )

    def lease_it(self, name: str, ttl: int = 30) -> Lease:
        worker_id, instance_id = self.chance.choice(WORKERS)
        lease = self.operator.issue_grant_and_claim(
            name, worker_id=worker_id, worker_instance_id=instance_id, lease_ttl_ms=ttl
        )
        self.keep(lease)
        return lease

    def request(self, name: str) -> IssueClaimGrantRequest:
        return IssueClaimGrantRequest(**self._terms(name))

    def reclaim_request(self, name: str) -> IssueReclaimGrantRequest:
        return IssueReclaimGrantRequest(**self._terms(name))

    def _terms(self, name: str) -> dict[str, Any]:
        worker_id, instance_id = self.chance.choice(WORKERS)
        lane_id = self.lanes.get(name, "a")
        return {
            "worker_id": worker_id,
            "worker_instance_id": instance_id,
            "lane_id": self.chance.choice(LANES) if self.odds(6) else lane_id,
            "grant_ttl_ms": 5_000 if self.odds(12) else self.chance.choice((1, 20)),
            "worker_capabilities": () if self.odds(3) else ("gpu",),
        }

    def grant(self, name: str) -> Grant:
        """One that was issued, of now or before, or a forged one."""
        known = self.grants.get(name, [])
        if known and not self.odds(2):
            return self.chance.choice((known[-1], known[-1], self.chance.choice(known)))
        ends = min(max(self.clock() + self.chance.choice((-1, 20)), 0), MAX_MS)
        lane_id = self.lanes.get(name, "a")
        forged = (ClaimGrant(name, ends), ResumeGrant(name, ends, lane_id), ReclaimGrant(name, ends, lane_id))
        return self.chance.choice(forged)

    def grant_of(self, kind: type[Grant], name: str) -> Any:
        """One of this kind, mostly."""
        grant = self.grant(name)
        while type(grant) is not kind:
            grant = self.grant(name)
        return self.or_nonsense(grant)

    def taker(self) -> dict[str, Any]:
        worker_id, instance_id = self.chance.choice(WORKERS)
        return {"worker_id": worker_id, "worker_instance_id": instance_id, "lease_ttl_ms": self.ttl()}

    def fence(self, name: str) -> Lease | Fence:
        """The last lease; or an old one; or one that is altered, incomplete or nonsense."""
        known = self.leases.get(name, [])
        whole: Lease | Fence = known[-1] if known else Fence(name, "lease", 1, "attempt")
        dice = self.chance.randrange(10)
        if dice < 5:
            return whole
        if dice == 5 and known:
            return self.chance.choice(known)
        parts = {"lease_id": whole.lease_id, "lease_epoch": whole.lease_epoch, "attempt_id": whole.attempt_id}
        for part in self.chance.sample(list(parts), 3 if dice == 6 else 1):
            parts[part] = {6: None, 7: "", 8: 99, 9: 1.5}.get(dice)  # type: ignore[assignment]
        if dice == 8:
            parts = {"lease_id": whole.lease_id, "lease_epoch": 99, "attempt_id": whole.attempt_id}
        return Fence(name, **parts)  # type: ignore[arg-type]  # malformed on purpose

    # -- keeping -----------------------------------------------------------------------------------

    def pass_time(self, ms: int) -> None:
        self.clock.set(min(self.clock() + ms, MAX_MS))

    def tried(self, call: Callable[[], object]) -> object:
        try:
            return call()
        except GrantError:
            return None

    def keep(self, answer: object) -> None:
        """Remember leases and grants."""
        for one in answer if isinstance(answer, tuple) else (answer,):
            match one:
                case Reclaimed(lease=lease) | (Lease() as lease):
                    self.leases.setdefault(lease.execution_id, []).append(lease)
                case Granted(grant=grant) | (ClaimGrant() | ResumeGrant() | ReclaimGrant() as grant):
                    self.grants.setdefault(grant.execution_id, []).append(grant)
                case _:
                    pass


# -- telling -----------------------------------------------------------------------------------------


Made = tuple[str, tuple[object, ...], dict[str, object]]
"""A call that was made, and its arguments."""


class Written:
    """Passes every call on, and writes it down."""

    def __init__(self, face: object, name: str, written: list[Made]) -> None:
        self._face = face
        self._name = name
        self._written = written

    def __call__(self) -> object:
        """The reading of a clock, which is not a line."""
        return self._face()  # type: ignore[operator]

    def __getattr__(self, call: str) -> Callable[..., object]:
        method: Callable[..., object] = getattr(self._face, call)

        def written(*args: object, **kwargs: object) -> object:
            self._written.append((f"{self._name}.{call}", args, kwargs))
            return method(*args, **kwargs)

        return written


def line(made: Made) -> str:
    """The source of a call."""
    call, args, kwargs = made
    given = [*map(_literal, args), *(f"{name}={_literal(value)}" for name, value in kwargs.items())]
    return f"{call}({', '.join(given)})"


def _literal(value: object) -> str:
    """The source of a value; of a lease its fence."""
    if isinstance(value, Lease):
        return repr(Fence(value.execution_id, value.lease_id, value.lease_epoch, value.attempt_id))
    return f"[{', '.join(map(_literal, value))}]" if isinstance(value, list) else repr(value)


def script(seed: int, lines: Sequence[str]) -> str:
    """What can be pasted; each call may be refused."""
    return "\n".join([SETUP.format(seed=seed, start=_start_ms(seed), config=CONFIG), *lines])


def replayed(seed: int, lines: Sequence[str]) -> Visits:
    """What the lines of a world visit."""
    clock = ManualClock(_start_ms(seed))
    watched = Watched(GrantEngine(clock=clock, ids=SeededIds(seed), config=CONFIG))
    own = {"clock": clock, "engine": watched.engine, "scheduler": watched.scheduler}
    for line in lines:
        with contextlib.suppress(GrantError):
            exec(line, {**vars(grantcore), **own})  # noqa: S102 - our own lines
    return watched.visits


# -- ways into each phase ----------------------------------------------------------------------------

Way = Callable[[World, str], object]


def _one_of(*ways: Way) -> Way:
    return lambda world, name: world.chance.choice(ways)(world, name)


def _interrupted(world: World, name: str) -> None:
    world.engine.release_execution(world.lease_it(name))
    world.engine.now_ms()


def _granted(world: World, name: str) -> None:
    issue = world.engine.issue_claim_grant
    if world.odds(2):
        _interrupted(world, name)
        world.keep(world.engine.issue_resume_grant(name, world.request(name)))
    else:
        world.keep(issue(name, world.request(name)))


def _delay(world: World, name: str) -> None:
    world.engine.delay_execution(world.lease_it(name), delay_until_ms=world.clock() + 40)


def _retry(world: World, name: str) -> None:
    world.engine.fail_execution(world.lease_it(name), reason="broken")


def _lapse(world: World, name: str) -> None:
    world.lease_it(name, 1)
    world.pass_time(1)
    world.engine.now_ms()
    if world.odds(3):
        world.keep(world.engine.issue_reclaim_grant(name, world.reclaim_request(name)))


def _revoke(world: World, name: str) -> None:
    world.lease_it(name)
    world.operator.revoke_lease(name, reason="")
    if world.odds(3):
        world.keep(world.engine.issue_reclaim_grant(name, world.reclaim_request(name)))


def _suspend(world: World, name: str) -> None:
    world.engine.suspend_execution(
        world.lease_it(name),
        reason_code="waiting_for_approval",
        timeout_at_ms=world.chance.choice((None, world.clock() + 20)),
        timeout_behavior=world.chance.choice(("auto_resume", "escalate")),
    )


def _succeed(world: World, name: str) -> None:
    world.engine.complete_execution(world.lease_it(name), result=world.chance.choice((None, b"done")))


def _time_out(behavior: str) -> Way:
    def way(world: World, name: str) -> None:
        world.engine.suspend_execution(
            world.lease_it(name), reason_code="", timeout_at_ms=world.clock(), timeout_behavior=behavior
        )
        world.engine.now_ms()

    return way


def _cap(world: World, name: str) -> None:
    _lapse(world, name)
    world.engine.issue_reclaim_grant(name, world.reclaim_request(name))


def _again(way: Way) -> Way:
    """Replayed once before, so that the policy may allow no more."""

    def twice(world: World, name: str) -> None:
        world.operator.cancel(name, reason="")
        world.engine.replay_execution(name)
        way(world, name)

    return lambda world, name: (twice if world.odds(4) else way)(world, name)


WAYS: Final[dict[Phase, Way]] = {
    Phase.DELAYED: _one_of(_delay, _retry),
    Phase.ELIGIBLE: _one_of(lambda _world, _name: None, _interrupted, _granted, _granted),
    Phase.BLOCKED: _one_of(
        lambda world, name: world.operator.block(name),
        lambda world, name: world.engine.move_to_waiting_children(world.lease_it(name)),
    ),
    Phase.LEASED: lambda world, name: world.lease_it(name, 100),
    Phase.LEASE_EXPIRED: _lapse,
    Phase.LEASE_REVOKED: _revoke,
    Phase.SUSPENDED: _suspend,
    Phase.SUCCEEDED: _again(_succeed),
    Phase.FAILED: _again(_one_of(_time_out("fail"), _cap)),
    Phase.CANCELLED: _again(
        _one_of(_time_out("cancel"), lambda world, name: world.operator.cancel(name, reason=""))
    ),
    Phase.EXPIRED: _again(_time_out("expire")),
}


# -- calls -------------------------------------------------------------------------------------------


def _create(world: World, name: str) -> object:
    """Again, by the same id or with the same key; or new; or of what does not exist."""
    chance = world.chance
    key = f"key of {name}" if world.odds(2) else None
    wrong = chance.choice(
        (
            {},
            {},
            {},
            {"quota_policy_id": "none"},
            {"budget_ids": ["none"]},
            {"priority": "high"},
            {"required_capabilities": [""]},
            {"tags": {"Bad": "x"}},
        )
    )
    return world.engine.create_execution(
        lane_id=chance.choice(LANES),
        execution_id=world.new_name() if name == "nobody" or world.odds(3) else name,
        idempotency_key=key,
        **wrong,
    )


def _by_id(call: str) -> Way:
    return lambda world, name: getattr(world.engine, call)(world.id(name))


def _held(call: str, **more: Callable[[World], object]) -> Way:
    """A holder's call."""
    return lambda world, name: getattr(world.engine, call)(
        world.fence(name), **{key: make(world) for key, make in more.items()}
    )


def _taking(call: str, kind: type[Grant] | None) -> Way:
    """A call that uses a grant of this kind; None: of any."""
    return lambda world, name: getattr(world.engine, call)(
        world.grant(name) if kind is None else world.grant_of(kind, name), **world.taker()
    )


def _by_operator(call: str, **more: Callable[[World], object]) -> Way:
    return lambda world, name: getattr(world.operator, call)(
        world.id(name), **{key: make(world) for key, make in more.items()}
    )


def _reason(world: World) -> object:
    return world.reason()


def _ttl(world: World) -> object:
    return world.ttl()


def _result(world: World) -> object:
    return world.chance.choice((None, b"done", "text"))


def _tags(world: World) -> Any:
    return world.chance.choice(({"a.b": "c"}, {"Bad": "x"}, {}, {"a.b": 1}))


def _cancel(world: World, name: str) -> object:
    lease = None if world.odds(2) else world.fence(name)
    return world.engine.cancel_execution(world.id(name), reason=world.reason(), lease=lease)


def _would_grant(world: World, name: str) -> object:
    request = world.reclaim_request(name) if world.odds(2) else world.request(name)
    return world.scheduler.would_grant(world.id(name), request)


def _seek(world: World) -> dict[str, Any]:
    lanes = world.chance.choice((["a", "b"], {"a": 1, "b": 2}, ["b"], ["nowhere"]))
    return {"lanes": lanes, "grant_ttl_ms": world.number(20)}


def _seeker(world: World) -> str | Worker:
    return world.chance.choice(("i1", "unknown", Worker("w2", "i2", ["gpu"]), Worker("w1", "i1", [])))


def _renew_all(world: World, name: str) -> object:
    other = world.chance.choice((name, *world.phases))
    return world.engine.renew_leases([world.fence(name), world.fence(other)], lease_ttl_ms=world.ttl())


def _create_many(world: World, name: str) -> object:
    """As one, beside another."""
    chance = world.chance
    own: Any = {
        "execution_id": world.new_name() if name == "nobody" or world.odds(3) else name,
        "idempotency_key": f"key of {name}" if world.odds(2) else None,
        **chance.choice(({}, {}, {"priority": "high"}, {"tags": {"Bad": "x"}})),
    }
    shared: Any = chance.choice(
        ({}, {}, {}, {"quota_policy_id": "none"}, {"budget_ids": ["none"]}, {"required_capabilities": [""]})
    )
    return world.engine.create_executions([{}, own], lane_id=chance.choice(LANES), **shared)


def _another(world: World, name: str) -> str:
    return world.chance.choice((name, *world.phases))


def _issue_many(world: World, name: str) -> object:
    """Sometimes at the end of time, after which no grant can end."""
    if world.clock() > MAX_MS - 4_000 and world.odds(4):
        world.pass_time(4_000)
    names = [world.id(name), _another(world, name)]
    return world.engine.issue_claim_grants(names, world.or_nonsense(world.request(name)))


def _claim_many(world: World, name: str) -> object:
    grants = [world.or_nonsense(world.grant(name)), world.grant(_another(world, name))]
    return world.engine.claim_many(grants, **world.taker())


def _complete_many(world: World, name: str) -> object:
    leases = [world.fence(name), world.fence(_another(world, name))]
    return world.engine.complete_many(leases, results=[_result(world), None] if world.odds(2) else None)  # type: ignore[list-item]  # malformed on purpose


def _fail_many(world: World, name: str) -> object:
    leases = [world.fence(name), world.fence(_another(world, name))]
    return world.engine.fail_many(leases, reason=world.reason())


CALLS: Final[dict[str, Way]] = {
    "create_execution": _create,
    "create_executions": _create_many,
    "issue_claim_grants": _issue_many,
    "claim_many": _claim_many,
    "complete_many": _complete_many,
    "fail_many": _fail_many,
    **{
        call: _by_id(call)
        for call in (
            "describe_execution",
            "describe_grant",
            "attempts",
            "lease_history",
            "explain",
            "read_payload",
            "read_result",
            "purge_execution",
            "promote_blocked_to_eligible",
        )
    },
    "replay_execution": lambda world, name: world.engine.replay_execution(name, reason=world.reason()),
    "change_priority": lambda world, name: world.engine.change_priority(name, world.number(7)),
    "set_execution_tags": lambda world, name: world.engine.set_execution_tags(name, _tags(world)),
    "resume_execution": lambda world, name: world.engine.resume_execution(
        name, resume_delay_ms=world.chance.choice((0, 20, -1)), trigger=world.reason()
    ),
    "issue_claim_grant": lambda world, name: world.engine.issue_claim_grant(
        world.id(name), world.request(name)
    ),
    "issue_resume_grant": lambda world, name: world.engine.issue_resume_grant(
        world.id(name), world.request(name)
    ),
    "issue_reclaim_grant": lambda world, name: world.engine.issue_reclaim_grant(
        world.id(name), world.reclaim_request(name)
    ),
    "withdraw_grant": lambda world, name: world.engine.withdraw_grant(
        world.grant(name), worker_id=world.chance.choice(("w1", "w2", "w1", "w2", " "))
    ),
    "claim_execution": _taking("claim_execution", ClaimGrant),
    "claim_resumed_execution": _taking("claim_resumed_execution", ResumeGrant),
    "reclaim_execution": _taking("reclaim_execution", ReclaimGrant),
    "take": _taking("take", None),
    "renew_lease": _held("renew_lease", lease_ttl_ms=_ttl),
    "renew_leases": _renew_all,
    "update_progress": _held("update_progress", pct=lambda world: world.chance.choice((None, 50, 101))),
    "complete_execution": _held("complete_execution", result=_result),
    "fail_execution": _held("fail_execution", reason=_reason),
    "delay_execution": _held(
        "delay_execution", delay_until_ms=lambda world: world.number(min(world.clock() + 20, MAX_MS))
    ),
    "release_execution": _held("release_execution"),
    "move_to_waiting_children": _held("move_to_waiting_children"),
    "suspend_execution": _held("suspend_execution", reason_code=_reason),
    "cancel_execution": _cancel,
    "operator.cancel": _by_operator("cancel", reason=_reason),
    "operator.complete": _by_operator("complete", result=_result),
    "operator.fail": _by_operator("fail", reason=_reason),
    "operator.revoke_lease": _by_operator(
        "revoke_lease", reason=_reason, expected_lease_id=lambda world: world.chance.choice((None, "another"))
    ),
    "operator.revoke_leases_of": lambda world, _name: world.operator.revoke_leases_of(
        world.chance.choice(("i1", "i2", " ")), reason=world.reason()
    ),
    "operator.issue_grant_and_claim": lambda world, name: world.operator.issue_grant_and_claim(
        world.id(name), **world.taker()
    ),
    "operator.block": _by_operator(
        "block", reason=lambda world: world.chance.choice(("paused_by_operator", "fun", b"x"))
    ),
    "operator.unblock": _by_operator(
        "unblock",
        expected_reason=lambda world: world.chance.choice((None, None, "paused_by_operator", "other", 5)),
    ),
    "scheduler.claim_for_worker": lambda world, _name: world.scheduler.claim_for_worker(
        _seeker(world), **_seek(world)
    ),
    "scheduler.claim_many_for_worker": lambda world, _name: world.scheduler.claim_many_for_worker(
        _seeker(world), n=2, **_seek(world)
    ),
    "scheduler.would_grant": _would_grant,
}
"""By name: makes the call on this execution, or on whomever it finds."""
