"""An engine under a clock that stands, and the short way to do things with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import grantcore as gc

if TYPE_CHECKING:
    from grantcore.events import Event

LANE = "main"
TTL = 1_000


class Rig:
    """One engine, one operator, one worker."""

    def __init__(self, **config: Any) -> None:
        self.clock = gc.ManualClock(start_ms=10_000)
        self.engine = gc.GrantEngine(clock=self.clock, config=gc.EngineConfig(**config))
        self.operator = self.engine.operator("op")
        self.heard: list[Event] = []

    def listen(self) -> None:
        self.engine.subscribe(self.heard.append)

    def create(self, *names: str, **given: Any) -> None:
        for name in names:
            self.engine.create_execution(**{"lane_id": LANE, "execution_id": name, **given})

    def request(
        self, *, worker: str = "w", instance: str = "w-1", lane: str = LANE, ttl_ms: int = TTL
    ) -> gc.IssueClaimGrantRequest:
        return gc.IssueClaimGrantRequest(
            worker_id=worker, worker_instance_id=instance, lane_id=lane, grant_ttl_ms=ttl_ms
        )

    def issue(self, name: str, **asked: Any) -> gc.ClaimGrant | gc.ResumeGrant:
        snapshot = self.engine.describe_execution(name)
        assert snapshot is not None
        if snapshot.attempt_state == "attempt_interrupted":
            return self.engine.issue_resume_grant(name, self.request(**asked))
        return self.engine.issue_claim_grant(name, self.request(**asked))

    def reclaim(self, name: str) -> gc.Lease:
        answer = self.engine.issue_reclaim_grant(
            name,
            gc.IssueReclaimGrantRequest(
                worker_id="w", worker_instance_id="w-1", lane_id=LANE, grant_ttl_ms=TTL
            ),
        )
        assert isinstance(answer, gc.Granted)
        return self.take(answer.grant)

    def take(
        self, grant: gc.ClaimGrant | gc.ResumeGrant | gc.ReclaimGrant, *, instance: str = "w-1", **more: Any
    ) -> gc.Lease:
        given = {"worker_id": "w", "worker_instance_id": instance, "lease_ttl_ms": TTL, **more}
        return self.engine.take(grant, **given)

    def hold(self, name: str, **more: Any) -> gc.Lease:
        return self.take(self.issue(name), **more)

    def refused(self, name: str, **asked: Any) -> gc.GrantError:
        """The refusal of a grant, which writes nothing."""
        before = self.engine.digest()
        with pytest.raises(gc.GrantError) as refusal:
            self.issue(name, **asked)
        assert self.engine.digest() == before
        return refusal.value


@pytest.fixture
def rig() -> Rig:
    """A fresh one."""
    return Rig()
