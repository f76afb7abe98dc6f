"""A cast that joins every random state: one execution for each thing that can be done to one.

They stand in a lane of their own, so that nothing random gets in their way, and share all indexes with those
that do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import grantcore as gc
from grantcore.testing.steps import Ref, Step

LANE: Final = "c"
FAR_MS: Final = 50_000
WHO: Final[dict[str, Any]] = {"worker_id": "cw", "worker_instance_id": "cw-1"}
TAKE: Final[dict[str, Any]] = {**WHO, "lease_ttl_ms": FAR_MS}
ASKED: Final[dict[str, Any]] = {**WHO, "lane_id": LANE, "grant_ttl_ms": FAR_MS}
ASKING: Final = gc.IssueClaimGrantRequest(**ASKED)
ASKING_BACK: Final = gc.IssueReclaimGrantRequest(**ASKED)
POLICY: Final = gc.ExecutionPolicy(retry=gc.RetryPolicy(max_retries=2, backoff=gc.Fixed(0)))
FIRST: Final = 10_000


class Cast:
    """The steps that bring them on, and afterwards a good call of every kind.

    Args:
        now_ms: the present instant.
    """

    def __init__(self, now_ms: int) -> None:
        self._number = FIRST
        self.leases: dict[str, Ref] = {}
        self.grants: dict[str, Ref] = {}
        self.entrance = list(self._enter(now_ms))

    def _step(self, call: str, *args: object, **kwargs: object) -> Step:
        self._number += 1
        return Step(self._number, call, args, kwargs)

    def _waiting(self, name: str) -> Step:
        return self._step("create_execution", lane_id=LANE, execution_id=name, policy=POLICY)

    def _granted(self, name: str, call: str = "issue_claim_grant") -> Step:
        step = self._step(call, name, ASKING_BACK if call == "issue_reclaim_grant" else ASKING)
        self.grants[name] = Ref(step.number)
        return step

    def _held(self, name: str, ttl_ms: int = FAR_MS) -> Iterator[Step]:
        yield self._waiting(name)
        yield self._granted(name)
        step = self._step("take", self.grants[name], **{**TAKE, "lease_ttl_ms": ttl_ms})
        self.leases[name] = Ref(step.number)
        yield step

    def _enter(self, now_ms: int) -> Iterator[Step]:
        """Those for whom time must pass come first."""
        for name in ("c-lapsed", "c-reclaimable"):
            yield from self._held(name, ttl_ms=1)
        yield self._step("at", now_ms + 1)
        yield self._granted("c-reclaimable", "issue_reclaim_grant")
        for name in ("c-released", "c-resumable"):
            yield from self._held(name)
            yield self._step("release_execution", self.leases[name])
        yield self._granted("c-resumable", "issue_resume_grant")
        yield from self._held("c-parent")
        yield self._step("move_to_waiting_children", self.leases["c-parent"])
        yield from self._held("c-suspended")
        yield self._step("suspend_execution", self.leases["c-suspended"], reason_code="r")
        yield from self._held("c-held")
        yield self._waiting("c-granted")
        yield self._granted("c-granted")
        yield self._waiting("c-waiting")
        yield self._waiting("c-blocked")
        yield self._step("operator.block", "c-blocked")
        yield self._step("create_budget", "cb", hard_limits={"usd": 100})
        yield self._step("record_spend", "cb", "c-held", {"usd": 5})
        registration: dict[str, Any] = {"lanes": [LANE], "capabilities": ["gpu"], "liveness_ttl_ms": FAR_MS}
        yield self._step("register_worker", "cw", "alive", **registration)
        yield from self._held("c-done")
        yield self._step("complete_execution", self.leases["c-done"])

    def calls(self) -> dict[str, Step]:
        """A good call of each kind."""
        made = [*self._by_holder(), *self._of_grants(), *self._of_executions(), *self._of_others()]
        return {step.call: step for step in made}

    def _by_holder(self) -> Iterator[Step]:
        lease = self.leases["c-held"]
        yield self._step("renew_lease", lease, lease_ttl_ms=9)
        yield self._step("renew_leases", [lease, self.leases["c-done"]], lease_ttl_ms=9)
        yield self._step("complete_many", [lease, self.leases["c-done"]], results=[b"r", None])
        yield self._step("fail_many", [lease, self.leases["c-done"]], reason="r")
        yield self._step("update_progress", lease, pct=5)
        yield self._step("complete_execution", lease, result=b"r")
        yield self._step("fail_execution", lease, reason="r")
        yield self._step("delay_execution", lease, delay_until_ms=2**40)
        yield self._step("release_execution", lease)
        yield self._step("move_to_waiting_children", lease)
        yield self._step("suspend_execution", lease, reason_code="r", timeout_at_ms=2**40)
        yield self._step("cancel_execution", "c-held", reason="r", lease=lease)

    def _of_grants(self) -> Iterator[Step]:
        yield self._step("issue_claim_grant", "c-waiting", ASKING)
        yield self._step("issue_resume_grant", "c-released", ASKING)
        yield self._step("issue_reclaim_grant", "c-lapsed", ASKING_BACK)
        yield self._step("withdraw_grant", self.grants["c-granted"], worker_id="cw")
        yield self._step("claim_execution", self.grants["c-granted"], **TAKE)
        yield self._step("claim_resumed_execution", self.grants["c-resumable"], **TAKE)
        yield self._step("reclaim_execution", self.grants["c-reclaimable"], **TAKE)
        yield self._step("take", self.grants["c-reclaimable"], **TAKE)
        yield self._step("issue_claim_grants", ["c-waiting", "c-held"], ASKING)
        yield self._step(
            "claim_many",
            [self.grants[name] for name in ("c-granted", "c-waiting", "c-resumable") if name in self.grants],
            **TAKE,
        )
        worker = gc.Worker("cw", "cw-1", ["gpu"])
        seek: dict[str, Any] = {"lanes": {LANE: 2, "a": 1}, "grant_ttl_ms": 9}
        yield self._step("scheduler.claim_for_worker", worker, **seek)
        yield self._step("scheduler.claim_many_for_worker", worker, **seek, n=3)
        yield self._step("scheduler.would_grant", "c-waiting", ASKING)

    def _of_executions(self) -> Iterator[Step]:
        yield self._step("create_execution", lane_id=LANE, idempotency_key="c", tags={"a.b": "c"})
        yield self._step("create_executions", [{"execution_id": "c-new"}, {"priority": 5}], lane_id=LANE)
        yield self._step("change_priority", "c-waiting", 7)
        yield self._step("set_execution_tags", "c-held", {"a.b": "c"})
        yield self._step("replay_execution", "c-done")
        yield self._step("purge_execution", "c-done")
        yield self._step("promote_blocked_to_eligible", "c-parent")
        yield self._step("resume_execution", "c-suspended")
        yield self._step("operator.cancel", "c-held", reason="r")
        yield self._step("operator.complete", "c-held")
        yield self._step("operator.fail", "c-held", reason="r")
        yield self._step("operator.revoke_lease", "c-held", reason="r")
        yield self._step("operator.revoke_leases_of", "cw-1", reason="r")
        yield self._step("operator.issue_grant_and_claim", "c-waiting", **TAKE)
        yield self._step("operator.block", "c-granted")
        yield self._step("operator.unblock", "c-blocked")

    def _of_others(self) -> Iterator[Step]:
        registration: dict[str, Any] = {"lanes": [LANE], "capabilities": ["gpu"], "liveness_ttl_ms": 9}
        yield self._step("register_worker", "cw", "new", **registration, max_leases=2)
        yield self._step("heartbeat_worker", "alive")
        yield self._step("mark_worker_dead", "alive", reason="r")
        yield self._step("configure_lane", LANE, max_leases=9, aging_ms_per_point=5)
        yield self._step("create_quota_policy", "cq", max_concurrent=2)
        yield self._step("create_budget", "new", hard_limits={"usd": 5})
        yield self._step("report_usage", "cb", {"usd": 5}, dedup_key="k")
        yield self._step("record_spend", "cb", "c-held", {"usd": 5})
        yield self._step("release_budget", "cb", "c-held")
        yield self._step("reset_budget", "cb")
        yield self._step("describe_budget", "cb")
        for call in ("pause_lane", "drain_lane", "resume_lane"):
            yield self._step(f"operator.{call}", LANE if call != "resume_lane" else "a")
