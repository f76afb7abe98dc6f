"""Chapter 6: who is admitted (SPEC 5, 7, 8; D-18). All is counted anew whenever it is asked."""

from __future__ import annotations

from collections.abc import Iterator

from grantcore import (
    BudgetExceeded,
    ConcurrencyLimitExceeded,
    GrantError,
    GrantKind,
    LanePaused,
    LaneStatus,
    Phase,
    RateLimitExceeded,
)
from grantcore.testing.model.forms import MAX_MS
from grantcore.testing.model.records import Budget, Execution, Quota
from grantcore.testing.model.world import World

Closer = tuple[str, str, int | None, GrantError]
"""What keeps an execution back: a name, the blocking_reason, when time alone ends it, the refusal."""


class Admission(World):
    """Budgets, quotas, ceilings, pauses."""

    # -- what there is -----------------------------------------------------------------------------

    def _quota(self, quota_policy_id: str | None) -> Quota | None:
        return next((quota for quota in self.quotas if quota.quota_policy_id == quota_policy_id), None)

    def _budget_of(self, budget_id: str) -> Budget | None:
        return next((budget for budget in self.budgets if budget.budget_id == budget_id), None)

    def _roll(self, budget: Budget) -> None:
        """Begin the period that now is in; whatever was used before counts no more (SPEC 3)."""
        interval = budget.reset_interval_ms
        if interval is not None and self._now - budget.began_at_ms >= interval:
            budget.began_at_ms += (self._now - budget.began_at_ms) // interval * interval
            budget.usage = dict.fromkeys(budget.usage, 0)

    def _next_reset(self, budget: Budget) -> int | None:
        self._roll(budget)
        if budget.reset_interval_ms is None:
            return None
        resets_at_ms = budget.began_at_ms + budget.reset_interval_ms
        return resets_at_ms if resets_at_ms <= MAX_MS else None

    def _is_used_up(self, budget: Budget) -> bool:
        self._roll(budget)
        return any(hard and budget.usage.get(name, 0) >= hard for name, hard in budget.hard_limits.items())

    def _slots(self) -> list[tuple[Execution, str]]:
        """Who has a live grant or a lease, and which instance is named in it (SPEC 7, 8)."""
        found: list[tuple[Execution, str]] = []
        for execution in self.executions:
            if execution.grant is not None:
                found.append((execution, execution.grant.worker_instance_id))
            elif execution.phase is Phase.LEASED and execution.lease is not None:
                found.append((execution, execution.lease.worker_instance_id))
        return found

    # -- what keeps an execution back --------------------------------------------------------------

    def _closers(self, execution: Execution, kind: GrantKind) -> Iterator[Closer]:
        """Pause, budgets (not of a resumed attempt), rate (of claims), slots, ceiling: in this order."""
        lane = self._lane(execution.lane_id)
        if lane.state is LaneStatus.PAUSED:
            yield "paused", "paused_by_policy", None, LanePaused()
        if kind is not GrantKind.RESUME:
            yield from self._used_up(execution)
        quota = self._quota(execution.quota_policy_id)
        if quota is not None:
            yield from self._quota_full(quota, kind)
        if lane.max_leases is not None:
            held = sum(other.lane_id == execution.lane_id for other, _ in self._slots())
            if held >= lane.max_leases:
                yield "lane", "lane_ceiling", None, ConcurrencyLimitExceeded(scope="lane", retry_at_ms=None)

    def _used_up(self, execution: Execution) -> Iterator[Closer]:
        budgets = [b for b in self.budgets if b.budget_id in execution.budget_ids and self._is_used_up(b)]
        if budgets:
            resets = [self._next_reset(budget) for budget in budgets]
            known = [at_ms for at_ms in resets if at_ms is not None]
            opens = max(known) if len(known) == len(resets) else None
            yield "budget", "waiting_for_budget", opens, BudgetExceeded(retry_at_ms=opens)

    def _quota_full(self, quota: Quota, kind: GrantKind) -> Iterator[Closer]:
        """The rate before the slots; who waits for reclaim has no slot."""
        counted = [at_ms for at_ms in quota.issued if self._now < at_ms + quota.window_ms]
        most = quota.max_requests_per_window
        if kind is GrantKind.CLAIM and most and len(counted) >= most:
            opens = counted[-most] + quota.window_ms
            yield "rate", "waiting_for_quota", opens, RateLimitExceeded(retry_at_ms=opens)
        taken = sum(other.quota_policy_id == quota.quota_policy_id for other, _ in self._slots())
        if quota.max_concurrent and taken >= quota.max_concurrent:
            refusal = ConcurrencyLimitExceeded(scope="quota", retry_at_ms=None)
            yield "slots", "waiting_for_quota", None, refusal

    def _instance_is_full(self, instance_id: str) -> bool:
        """Whether a worker instance holds as many as one of its registrations lets it."""
        held = sum(named == instance_id for _, named in self._slots())
        ceilings = [w.max_leases for w in self.workers if w.worker_instance_id == instance_id]
        return any(most is not None and held >= most for most in ceilings)

    def _must_not_be_paused(self, lane_id: str) -> None:
        if self._lane(lane_id).state is LaneStatus.PAUSED:
            raise LanePaused

    def _must_be_admitted(self, execution: Execution, kind: GrantKind, instance_id: str) -> None:
        """Budgets, rate, slots, lane, worker: the first that says no."""
        for _, _, _, refusal in self._closers(execution, kind):
            raise refusal
        if self._instance_is_full(instance_id):
            raise ConcurrencyLimitExceeded(scope="worker", retry_at_ms=None)

    def _is_admitted(self, execution: Execution, instance_id: str) -> bool:
        closed = any(True for _ in self._closers(execution, next_kind(execution)))
        return not closed and not self._instance_is_full(instance_id)

    # -- closed shelves ----------------------------------------------------------------------------

    def _is_matched(self, execution: Execution) -> bool:
        """Whether a live worker registered for the lane can, alone, run it; not asked where none is."""
        workers = [worker for worker in self.workers if execution.lane_id in worker.lanes]
        able = [worker for worker in workers if set(execution.required) <= set(worker.capabilities)]
        return not workers or bool(able)

    def _shelf_closers(self, execution: Execution) -> list[Closer]:
        """What closes its shelf: not a ceiling (SPEC 7)."""
        closers = self._closers(execution, next_kind(execution))
        return [closer for closer in closers if closer[0] != "lane"]

    def _closed_for(self, execution: Execution) -> str | None:
        """Why its shelf is closed; a member that holds a live grant is not shown as blocked."""
        if not execution.offered:
            return None
        for _, reason, _, _ in self._shelf_closers(execution):
            return reason
        return None if self._is_matched(execution) else "waiting_for_capable_worker"

    def _opens_at(self, execution: Execution) -> int | None:
        """When its shelf opens by time alone; one that no worker can run stays closed.

        Time opens what a budget or a quota policy closes, and nothing else.
        """
        metered = execution.quota_policy_id is not None or execution.budget_ids
        asked = metered and execution.offered and self._is_matched(execution)
        closers = self._shelf_closers(execution) if asked else []
        instants = [at_ms for _, _, at_ms, _ in closers if at_ms is not None]
        opens = max(instants) if instants and len(instants) == len(closers) else MAX_MS + 1
        return opens if opens <= MAX_MS else None

    def _openings(self) -> list[int]:
        """When closed shelves with somebody on them open by time alone."""
        return [at_ms for execution in self.executions if (at_ms := self._opens_at(execution)) is not None]


def next_kind(execution: Execution) -> GrantKind:
    """The kind of grant it needs next."""
    if execution.phase is not Phase.ELIGIBLE:
        return GrantKind.RECLAIM
    return GrantKind.RESUME if execution.interrupted else GrantKind.CLAIM
