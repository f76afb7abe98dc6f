"""Who and what a random walk plays with, and what it has been given so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Any, Final, TypeVar

import attrs

from grantcore import (
    ClaimGrant,
    EngineConfig,
    ExecutionPolicy,
    ExecutionSnapshot,
    Exponential,
    Fixed,
    Granted,
    GrantKind,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    Reclaimed,
    ReclaimGrant,
    ResumeGrant,
    RetryPolicy,
)
from grantcore.model.grants import KIND_OF
from tests.life.script import Step

Grant = ClaimGrant | ResumeGrant | ReclaimGrant
T = TypeVar("T")

TIGHT: Final = EngineConfig(
    max_grant_ttl_ms=1_000,
    max_lease_ttl_ms=5_000,
    retention_ms=900,
    idempotency_window_ms=700,
    lease_history_limit=6,
    max_executions=9,
    max_payload_bytes=8,
    max_text_bytes=32,
    max_route_snapshot_bytes=16,
    max_tags=4,
    max_shelves_per_lane=3,
)
"""Limits so narrow that a walk runs into all of them."""

ROOMY: Final = attrs.evolve(
    TIGHT,
    retention_ms=None,
    max_executions=None,
    max_shelves_per_lane=10_000,
    idempotency_window_ms=86_400_000,
)
"""Limits that executions do not share."""


@attrs.frozen(kw_only=True)
class Settings:
    """How a walk goes."""

    config: EngineConfig = TIGHT
    names: int = 6
    """How many execution ids there are to play with."""

    prefix: str = ""
    """Stands before every id, lane, worker, token, namespace and key."""

    start_ms: int = 1_000_000
    minted: bool = False
    """Whether the engine makes its own ids."""

    jitter: bool = True
    alone: bool = False
    """Only commands on one execution, and nothing that executions share."""

    same_instant: float = 0.55
    """How often no time passes between two steps."""


def policies(*, jitter: bool) -> tuple[ExecutionPolicy, ...]:
    """Retries of every kind, attempt timeouts, narrow caps."""
    some = frozenset({"net", "timeout"})
    return (
        ExecutionPolicy(),
        ExecutionPolicy(retry=RetryPolicy(2, Fixed(20))),
        ExecutionPolicy(retry=RetryPolicy(3, Fixed(0)), attempt_timeout_ms=60),
        ExecutionPolicy(retry=RetryPolicy(3, Exponential(8, 50, 1_700, jitter)), max_reclaim_count=1),
        ExecutionPolicy(retry=RetryPolicy(1, Exponential(30, 30, 1_000), some), attempt_timeout_ms=40),
        ExecutionPolicy(attempt_timeout_ms=90, max_reclaim_count=2, max_replay_count=1),
        ExecutionPolicy(retry=RetryPolicy(9, Exponential(5, 40, 2_000, jitter)), max_replay_count=3),
    )


class Cast:
    """The names of a walk, its chance, and the grants and leases it has seen."""

    def __init__(self, chance: Random, settings: Settings) -> None:
        self.chance = chance
        self.settings = settings
        prefix = settings.prefix
        self.names = tuple(f"{prefix}e{i:02}" for i in range(settings.names))
        self.last = self.names[0]
        self.lanes = (f"{prefix}main", f"{prefix}side")
        self.workers = tuple(f"{prefix}w{i}" for i in range(3))
        self.tokens = tuple(f"{prefix}{token}" for token in ("cpu", "gpu", "ssd"))
        self.policies = policies(jitter=settings.jitter)
        self.grants: dict[str, Grant] = {}
        self.grantees: dict[str, str] = {}
        self.held: dict[str, Lease] = {}
        self.past: deque[Lease] = deque(maxlen=60)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.chance.random() * len(choices))]

    def someone(self) -> str:
        """An execution to do something with: often the one of before, so that lives get somewhere."""
        if not self.one_in(3):
            return self.last
        self.last = self.pick(self.names)
        return self.last

    def one_in(self, n: int) -> bool:
        return self.chance.random() * n < 1

    # -- what calls need -----------------------------------------------------------------------

    def request(
        self, shown: ExecutionSnapshot, kind: GrantKind, **changed: object
    ) -> IssueClaimGrantRequest | IssueReclaimGrantRequest:
        """A request that suits the execution, save for what is changed."""
        worker = self.pick(self.workers)
        given: dict[str, object] = {
            "worker_id": worker,
            "worker_instance_id": f"{worker}-{self.pick((1, 2))}",
            "lane_id": shown.lane_id,
            "grant_ttl_ms": self.pick((1, 20, 50, 100, 100)),
            "worker_capabilities": self.tokens if self.one_in(2) else (*shown.required_capabilities,),
        }
        if self.one_in(5):
            given |= {"capability_hash": "h", "route_snapshot_json": "{}", "admission_summary": "ok"}
        make = IssueReclaimGrantRequest if kind is GrantKind.RECLAIM else IssueClaimGrantRequest
        return make(**{**given, **changed})  # type: ignore[arg-type]

    def taker(self, worker_id: str) -> dict[str, Any]:
        return {
            "worker_id": worker_id,
            "worker_instance_id": f"{worker_id}-{self.pick((1, 2))}",
            "lease_ttl_ms": self.pick((1, 20, 50, 100, 100, 200)),
        }

    def later(self, now: int) -> int:
        """An instant about now, most of them to come."""
        return now + self.pick((-5, 0, 1, 10, 20, 50, 120))

    def text(self) -> str:
        return self.pick(("", "broken", "net", "why not"))

    # -- what calls give -----------------------------------------------------------------------

    def learn(self, step: Step, answer: object) -> None:
        """Remember the grants and leases that were handed out."""
        if type(answer) is tuple:
            for entry in answer:
                self.learn(step, entry)
            return
        grant = answer.grant if type(answer) is Granted else answer
        if isinstance(grant, (ClaimGrant, ResumeGrant, ReclaimGrant)):
            request = step.args[1]
            assert isinstance(request, (IssueClaimGrantRequest, IssueReclaimGrantRequest))
            self.grants[grant.execution_id] = grant
            self.grantees[grant.execution_id] = request.worker_id
        elif type(answer) is Reclaimed:
            self._hold(answer.lease)
        elif type(answer) is Lease:
            self._hold(answer)

    def _hold(self, lease: Lease) -> None:
        old = self.held.get(lease.execution_id)
        if old is not None and old.lease_id != lease.lease_id:
            self.past.append(old)
        self.held[lease.execution_id] = lease


def kind_of(grant: Grant) -> GrantKind:
    return KIND_OF[type(grant)]
