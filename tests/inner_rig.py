"""An engine on its plain way, and the calls of the inner loop (``engine/inner.py``) to be made on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grantcore as gc
from grantcore.model.ids import MintedIds

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST: Final = gc.IssueClaimGrantRequest(
    worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=100
)


class Rig:
    """Nothing is special in it: one execution of each stage of a life, the same each time."""

    def __init__(self) -> None:
        self.clock = gc.ManualClock(1_000)
        self.engine = gc.GrantEngine(clock=self.clock, ids=MintedIds("0" * 20))
        self.waiting, granted, held = (self.create() for _ in range(3))
        self.grant = self.engine.issue_claim_grant(granted, REQUEST)
        self.lease = self.take(self.engine.issue_claim_grant(held, REQUEST))

    def create(self) -> str:
        return self.engine.create_execution(lane_id="main").execution_id

    def take(self, grant: gc.ClaimGrant, instance: str = "w-1") -> gc.Lease:
        return self.engine.claim_execution(
            grant, worker_id="w", worker_instance_id=instance, lease_ttl_ms=500
        )


CALLS: Final[dict[str, Callable[[Rig], object]]] = {
    "create": lambda rig: rig.create(),
    "create with its own": lambda rig: rig.engine.create_execution(
        lane_id="main", execution_id="own", priority=5, payload=b"p", tags={"a.b": "c"}
    ),
    "issue": lambda rig: rig.engine.issue_claim_grant(rig.waiting, REQUEST),
    "claim": lambda rig: rig.take(rig.grant),
    "claim, the first of an instance": lambda rig: rig.take(rig.grant, "w-2"),
    "renew": lambda rig: rig.engine.renew_lease(rig.lease, lease_ttl_ms=50),
    "renew by a fence": lambda rig: rig.engine.renew_lease(_fence(rig.lease), lease_ttl_ms=50),
    "complete": lambda rig: rig.engine.complete_execution(rig.lease),
    "complete with a result": lambda rig: rig.engine.complete_execution(rig.lease, result=b"r"),
}


def _fence(lease: gc.Lease) -> gc.Fence:
    return gc.Fence(lease.execution_id, lease.lease_id, lease.lease_epoch, lease.attempt_id)
