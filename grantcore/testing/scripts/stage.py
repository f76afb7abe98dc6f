"""What a script runs on: a fresh engine, a clock that the script moves, and names for leases and grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from grantcore import (
    ClaimGrant,
    EngineConfig,
    GrantEngine,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    Operator,
    ReclaimGrant,
    ResumeGrant,
    Scheduler,
    events,
)
from grantcore.testing.ids import SeededIds
from grantcore.testing.scripts.words import Misspelt, Words

Grant = ClaimGrant | ResumeGrant | ReclaimGrant
Kept = TypeVar("Kept", Lease, Grant)

OPERATOR: Final = "root"
"""Who the operator of a script is, unless it says ``as=``."""


class Dial:
    """A clock that shows what it is set to; a script may set it back."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.reading_ms = 0

    def __call__(self) -> int:
        """The present instant, in milliseconds."""
        return self.reading_ms


class Stage:
    """The engine of one script, and what the script has in hand.

    The last lease and the last grant of an execution have its id for a name; ``lease=`` and ``grant=``
    give another.
    """

    def __init__(self) -> None:
        """Build a new engine at instant 0; its ids are seeded."""
        self.clock = Dial()
        self._ids = SeededIds()
        self._leases: dict[str, Lease] = {}
        self._grants: dict[str, Grant] = {}
        self._heard: list[events.Event] = []
        self.keep(GrantEngine(clock=self.clock, ids=self._ids))

    def keep(self, engine: GrantEngine) -> None:
        """Go on with this engine."""
        self.engine = engine
        self.scheduler = Scheduler(engine)
        engine.subscribe(self._heard.append)

    def configure(self, config: EngineConfig) -> None:
        """Go on with a new engine that has other limits."""
        self.keep(GrantEngine(clock=self.clock, ids=self._ids, config=config))

    def restart(self, *, back_at_ms: int | None, epoch_floor: int) -> None:
        """Go on with an engine that is restored from a snapshot of this one, perhaps later."""
        data = self.engine.snapshot()
        if back_at_ms is not None:
            self.clock.reading_ms = back_at_ms
        self.keep(GrantEngine.restore(data, clock=self.clock, ids=self._ids, epoch_floor=epoch_floor))

    def heard(self) -> list[events.Event]:
        """The events since the last time."""
        heard = self._heard[:]
        self._heard.clear()
        return heard

    def operator(self, words: Words) -> Operator:
        """The operator that a command names."""
        return self.engine.operator(words.text("as", OPERATOR))

    # -- leases and grants -------------------------------------------------------------------------

    def lease(self, name: str) -> Lease:
        """The lease of this name."""
        return _known("lease", self._leases, name)

    def grant(self, name: str) -> Grant:
        """The grant of this name."""
        return _known("grant", self._grants, name)

    def hold(self, lease: Lease, name: str | None = None) -> None:
        """Keep a lease by the id of its execution, and by ``name``."""
        self._leases[lease.execution_id] = self._leases[name or lease.execution_id] = lease

    def put(self, grant: Grant, name: str | None = None) -> None:
        """Keep a grant by the id of its execution, and by ``name``."""
        self._grants[grant.execution_id] = self._grants[name or grant.execution_id] = grant

    # -- requests ----------------------------------------------------------------------------------

    def claim_request(self, words: Words, execution_id: str) -> IssueClaimGrantRequest:
        """What a worker asks for; the lane is that of the execution unless the command says ``lane=``."""
        worker_id, instance_id = words.worker()
        return IssueClaimGrantRequest(
            worker_id=worker_id,
            worker_instance_id=instance_id,
            lane_id=self._lane(words, execution_id),
            grant_ttl_ms=words.ms("ttl"),
            worker_capabilities=words.names("has"),
        )

    def reclaim_request(self, words: Words, execution_id: str) -> IssueReclaimGrantRequest:
        """The same for a lost lease."""
        worker_id, instance_id = words.worker()
        return IssueReclaimGrantRequest(
            worker_id=worker_id,
            worker_instance_id=instance_id,
            lane_id=self._lane(words, execution_id),
            grant_ttl_ms=words.ms("ttl"),
            worker_capabilities=words.names("has"),
        )

    def _lane(self, words: Words, execution_id: str) -> str:
        shown = self.engine.describe_execution(execution_id)
        return words.text("lane", "main" if shown is None else shown.lane_id)


def _known(what: str, things: Mapping[str, Kept], name: str) -> Kept:
    if name not in things:
        raise Misspelt(f"no {what} is called {name}")
    return things[name]
