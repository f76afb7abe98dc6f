"""Small deterministic engines: a clock that stands, ids that are counted, executions in any phase.

A world can be built twice and is then the same to the last digit of its digest, so what a call should
lead to is found by making it in a twin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypedDict

import grantcore as gc
from grantcore.events import Event

LANE: Final = "main"
TTL: Final = 50_000
POLICY: Final = gc.ExecutionPolicy(
    retry=gc.RetryPolicy(max_retries=2, backoff=gc.Fixed(0)), max_reclaim_count=2, max_replay_count=2
)


class Who(TypedDict):
    """A worker, as every call names it."""

    worker_id: str
    worker_instance_id: str


WHO: Final[Who] = {"worker_id": "w", "worker_instance_id": "w-1"}


class SeededIds:
    """An id source whose position can be read and set."""

    def __init__(self) -> None:
        self.count = 0

    def _next(self, kind: str) -> str:
        self.count += 1
        return f"{kind}-{self.count:06d}"

    def execution_id(self, lane_id: str) -> str:
        return self._next(f"x-{lane_id}")

    def lease_id(self) -> str:
        return self._next("lease")

    def attempt_id(self) -> str:
        return self._next("attempt")

    def suspension_id(self) -> str:
        return self._next("suspension")


@dataclass
class World:
    """An engine, what drives it, and what its executions' holders have in hand."""

    engine: gc.GrantEngine
    clock: gc.ManualClock
    ids: SeededIds
    operator: gc.Operator
    leases: dict[str, gc.Lease] = field(default_factory=dict)
    grants: dict[str, gc.ClaimGrant | gc.ResumeGrant | gc.ReclaimGrant] = field(default_factory=dict)
    heard: list[list[Event]] = field(default_factory=list)

    def listen(self, observers: int = 2) -> None:
        """Subscribe so many lists."""
        for _ in range(observers):
            events: list[Event] = []
            self.heard.append(events)
            self.engine.subscribe(events.append)

    def lease(self, execution_id: str = "e") -> gc.Lease:
        return self.leases[execution_id]


Build = Callable[[World], object]
Call = Callable[[World], object]


def new_world(
    config: gc.EngineConfig | None = None, start_ms: int = 1_000, ids: SeededIds | None = None
) -> World:
    """An empty engine under a clock that stands."""
    clock, ids = gc.ManualClock(start_ms), ids or SeededIds()
    engine = gc.GrantEngine(clock=clock, ids=ids, config=config or gc.EngineConfig())
    return World(engine, clock, ids, engine.operator("op"))


def asking(ttl_ms: int = TTL, *, capabilities: tuple[str, ...] = ()) -> gc.IssueClaimGrantRequest:
    """Ask for a claim or resume grant."""
    return gc.IssueClaimGrantRequest(
        **WHO, lane_id=LANE, grant_ttl_ms=ttl_ms, worker_capabilities=capabilities
    )


def asking_back(ttl_ms: int = TTL, *, capabilities: tuple[str, ...] = ()) -> gc.IssueReclaimGrantRequest:
    """Ask for a reclaim grant."""
    return gc.IssueReclaimGrantRequest(
        **WHO, lane_id=LANE, grant_ttl_ms=ttl_ms, worker_capabilities=capabilities
    )


# -- one execution in each situation -----------------------------------------------------------------


def waiting(world: World, eid: str = "e", *, policy: gc.ExecutionPolicy = POLICY) -> None:
    world.engine.create_execution(lane_id=LANE, execution_id=eid, policy=policy)


def picky(world: World, eid: str = "e") -> None:
    """Waits for a worker that has a gpu."""
    world.engine.create_execution(
        lane_id=LANE, execution_id=eid, policy=POLICY, required_capabilities=("gpu",)
    )


def delayed(world: World, eid: str = "e", by_ms: int = TTL) -> None:
    until = world.clock() + by_ms
    world.engine.create_execution(lane_id=LANE, execution_id=eid, policy=POLICY, delay_until_ms=until)


def granted(world: World, eid: str = "e", ttl_ms: int = TTL, policy: gc.ExecutionPolicy = POLICY) -> None:
    waiting(world, eid, policy=policy)
    world.grants[eid] = world.engine.issue_claim_grant(eid, asking(ttl_ms))


def held(world: World, eid: str = "e", ttl_ms: int = TTL, policy: gc.ExecutionPolicy = POLICY) -> None:
    """A first lease: its past is derived from the record."""
    granted(world, eid, policy=policy)
    take(world, eid, ttl_ms)


def take(world: World, eid: str, ttl_ms: int = TTL) -> None:
    world.leases[eid] = world.engine.take(world.grants[eid], **WHO, lease_ttl_ms=ttl_ms)


def due_for_retry(world: World, eid: str = "e") -> None:
    held(world, eid)
    world.engine.fail_execution(world.leases[eid], reason="first")


def retried(world: World, eid: str = "e", ttl_ms: int = TTL) -> None:
    """The second attempt is held: the past is stored."""
    due_for_retry(world, eid)
    world.grants[eid] = world.engine.issue_claim_grant(eid, asking())
    take(world, eid, ttl_ms)


def lapsed(world: World, eid: str = "e", policy: gc.ExecutionPolicy = POLICY) -> None:
    held(world, eid, ttl_ms=1, policy=policy)
    world.clock.advance(1)
    world.engine.advance()


def lapsed_again(world: World, eid: str = "e") -> None:
    """A lost lease whose past is stored."""
    retried(world, eid, ttl_ms=1)
    world.clock.advance(1)
    world.engine.advance()


def revoked(world: World, eid: str = "e") -> None:
    held(world, eid)
    world.operator.revoke_lease(eid, reason="because")


def reclaimable(world: World, eid: str = "e") -> None:
    """A lost lease with a reclaim grant out."""
    lapsed(world, eid)
    answer = world.engine.issue_reclaim_grant(eid, asking_back())
    assert isinstance(answer, gc.Granted)
    world.grants[eid] = answer.grant


def released(world: World, eid: str = "e") -> None:
    """ELIGIBLE again, the attempt interrupted."""
    held(world, eid)
    world.engine.release_execution(world.leases[eid])
    world.engine.advance()


def resumable(world: World, eid: str = "e") -> None:
    """An interrupted attempt with a resume grant out."""
    released(world, eid)
    world.grants[eid] = world.engine.issue_resume_grant(eid, asking())


def parent(world: World, eid: str = "e") -> None:
    """Waits for children."""
    held(world, eid)
    world.engine.move_to_waiting_children(world.leases[eid])


def suspended(world: World, eid: str = "e", timeout_at_ms: int | None = None) -> None:
    """Waits for something outside."""
    held(world, eid)
    world.engine.suspend_execution(world.leases[eid], reason_code="manual_pause", timeout_at_ms=timeout_at_ms)


def blocked(world: World, eid: str = "e") -> None:
    waiting(world, eid)
    world.operator.block(eid, detail="held back")


def done(world: World, eid: str = "e") -> None:
    held(world, eid)
    world.engine.complete_execution(world.leases[eid], result=b"r")


def failed(world: World, eid: str = "e") -> None:
    held(world, eid, policy=gc.ExecutionPolicy())
    world.engine.fail_execution(world.leases[eid], reason="last")


def capped(world: World, eid: str = "e") -> None:
    """Lost, and may not be taken over even once."""
    lapsed(world, eid, policy=gc.ExecutionPolicy(max_reclaim_count=0))


def busy(world: World) -> None:
    """One execution in each situation, under its name, none of them ``e``."""
    for build in (lapsed, capped, reclaimable, lapsed_again):  # these let time pass: first
        build(world, build.__name__)
    for build in (waiting, picky, delayed, granted, held, retried, revoked, released, resumable):
        build(world, build.__name__)
    for build in (parent, suspended, blocked, done, failed):
        build(world, build.__name__)


def falling_due(world: World) -> None:
    """Six executions on which something falls due now, of six kinds; nobody has looked yet."""
    now, engine = world.clock(), world.engine
    if engine.describe_execution("due-lease") is not None:
        return
    engine.create_execution(lane_id=LANE, execution_id="due-deadline", deadline_at_ms=now + 1)
    held(world, "due-timeout", policy=gc.ExecutionPolicy(retry=POLICY.retry, attempt_timeout_ms=1))
    suspended(world, "due-suspension", timeout_at_ms=now + 1)
    held(world, "due-lease", ttl_ms=1)
    granted(world, "due-grant", ttl_ms=1)
    delayed(world, "due-delay", by_ms=1)
    world.clock.advance(1)


def bystanders(world: World) -> None:
    """Two that the call does not touch."""
    waiting(world, "by-waiting")
    held(world, "by-held")


# -- what is no execution ----------------------------------------------------------------------------


def metered(world: World) -> None:
    """A worker instance that is alive, a quota policy, a budget of which "e" has used a part."""
    engine = world.engine
    engine.register_worker(
        "other", "alive", lanes=[LANE], capabilities=["gpu"], liveness_ttl_ms=TTL, max_leases=9
    )
    engine.create_quota_policy("q", max_requests_per_window=5, max_concurrent=3)
    engine.create_budget("b", hard_limits={"usd": 100}, soft_limits={"usd": 1}, reset_interval_ms=10 * TTL)
    engine.record_spend("b", "e", {"usd": 5}, dedup_key="known")


def rationed(world: World) -> None:
    """Waits, and counts for a quota policy and a budget."""
    metered(world)
    world.engine.create_execution(
        lane_id=LANE, execution_id="e", policy=POLICY, quota_policy_id="q", budget_ids=["b"]
    )


def rationed_and_held(world: World) -> None:
    rationed(world)
    world.grants["e"] = world.engine.issue_claim_grant("e", asking())
    take(world, "e")


def missed(world: World) -> None:
    """A worker instance was silent for too long."""
    metered(world)
    world.clock.advance(TTL)
