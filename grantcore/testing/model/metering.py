"""Chapter 16: lanes, quota policies and budgets (SPEC 7, 8; reference 13, 14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from grantcore import (
    Added,
    AlreadySatisfied,
    Breach,
    BudgetNotFound,
    BudgetStatus,
    HardBreach,
    LaneState,
    LaneStatus,
    UsageApplied,
)
from grantcore.testing.model import forms
from grantcore.testing.model.passing import Passing
from grantcore.testing.model.records import Budget, Quota

DAY_MS = 86_400_000
MAX_DIMENSIONS = 64
NO_LIMITS: Mapping[str, int] = {}

EVENTS = {
    LaneStatus.OPEN: "LaneResumed",
    LaneStatus.PAUSED: "LanePaused",
    LaneStatus.DRAINING: "LaneDrained",
}


class Metering(Passing):
    """How many at once, how often, how much."""

    def configure_lane(
        self, lane_id: str, *, max_leases: int | None = None, aging_ms_per_point: int | None = None
    ) -> LaneState:
        """Ceiling and aging; what is left out is off."""
        forms.lane_id(lane_id)
        forms.optional_integer("max_leases", max_leases, 1, forms.MAX_MS)
        forms.optional_integer("aging_ms_per_point", aging_ms_per_point, 1, forms.MAX_MS)
        now = self._enter()
        lane = self._lane(lane_id)
        if (lane.max_leases, lane.aging_ms_per_point) != (max_leases, aging_ms_per_point):
            lane.max_leases = max_leases
            lane.aging_ms_per_point = aging_ms_per_point
            self._tell("LaneConfigured", lane_id, now)
        return LaneState(lane_id, lane.state, lane.max_leases, lane.aging_ms_per_point)

    def _turn_lane(self, lane_id: str, state: LaneStatus) -> LaneState:
        """Pause, drain or open; an event only if that is something new."""
        forms.lane_id(lane_id)
        now = self._enter()
        lane = self._lane(lane_id)
        if lane.state is not state:
            lane.state = state
            self._tell(EVENTS[state], lane_id, now)
        return LaneState(lane_id, lane.state, lane.max_leases, lane.aging_ms_per_point)

    def create_quota_policy(
        self,
        quota_policy_id: str,
        *,
        window_ms: int = 60_000,
        max_requests_per_window: int = 0,
        max_concurrent: int = 0,
    ) -> Added | AlreadySatisfied:
        """0 is no limit."""
        forms.text("quota_policy_id", quota_policy_id, forms.MAX_NAME_BYTES, 1)
        forms.integer("window_ms", window_ms, 1, forms.MAX_TTL_MS)
        forms.integer("max_requests_per_window", max_requests_per_window, 0, 1_000_000)
        forms.integer("max_concurrent", max_concurrent, 0, forms.MAX_MS)
        now = self._enter()
        if self._quota(quota_policy_id) is not None:
            return AlreadySatisfied("exists")
        self.quotas.append(Quota(quota_policy_id, window_ms, max_requests_per_window, max_concurrent))
        self._tell("QuotaPolicyCreated", quota_policy_id, now)
        return Added(quota_policy_id)

    def create_budget(
        self,
        budget_id: str,
        *,
        hard_limits: Mapping[str, int],
        soft_limits: Mapping[str, int] = NO_LIMITS,
        reset_interval_ms: int | None = None,
    ) -> Added | AlreadySatisfied:
        """Periods are counted from now."""
        forms.text("budget_id", budget_id, forms.MAX_NAME_BYTES, 1)
        hard, soft = _amounts("hard_limits", hard_limits), _amounts("soft_limits", soft_limits)
        forms.optional_integer("reset_interval_ms", reset_interval_ms, 1, forms.MAX_MS)
        now = self._enter()
        if self._budget_of(budget_id) is not None:
            return AlreadySatisfied("exists")
        self.budgets.append(Budget(budget_id, hard, soft, reset_interval_ms, now))
        self._tell("BudgetCreated", budget_id, now)
        return Added(budget_id)

    def report_usage(
        self, budget_id: str, deltas: Mapping[str, int], *, dedup_key: str | None = None
    ) -> UsageApplied | AlreadySatisfied | HardBreach:
        """Add amounts."""
        return self._use(budget_id, deltas, None, dedup_key)

    def record_spend(
        self, budget_id: str, execution_id: str, deltas: Mapping[str, int], *, dedup_key: str | None = None
    ) -> UsageApplied | AlreadySatisfied | HardBreach:
        """Add amounts for an execution, which need not exist."""
        forms.execution_id(execution_id)
        return self._use(budget_id, deltas, execution_id, dedup_key)

    def _use(
        self, budget_id: str, deltas: object, execution_id: str | None, dedup_key: str | None
    ) -> UsageApplied | AlreadySatisfied | HardBreach:
        """Key, hard limits (nothing is written, the key not remembered), all amounts, soft limits."""
        forms.text("budget_id", budget_id, forms.MAX_NAME_BYTES, 1)
        amounts = _amounts("deltas", deltas)
        key = forms.optional_text("dedup_key", dedup_key, forms.MAX_NAME_BYTES)
        now = self._enter()
        budget = self._existing(budget_id)
        if key is not None and now < budget.keys.get(key, 0):
            return AlreadySatisfied("already_applied")
        for name, amount in amounts.items():
            used, hard = budget.usage.get(name, 0), budget.hard_limits.get(name, 0)
            if hard and used + amount > hard:
                return HardBreach(budget_id, name, used, hard)
        spent = {} if execution_id is None else budget.by_execution.get(execution_id, {})
        usage, ledger = _sum(budget.usage, amounts), _sum(spent, amounts)
        budget.usage = usage
        if key is not None:
            budget.keys[key] = min(now + DAY_MS, forms.MAX_MS)
        if execution_id is None:
            self._tell("UsageReported", budget_id, now)
        else:
            budget.by_execution[execution_id] = ledger
            self._tell("SpendRecorded", budget_id, now)
        return UsageApplied(budget_id, _soft_breach(budget, amounts))

    def release_budget(self, budget_id: str, execution_id: str) -> bool:
        """Take back what an execution spent, not below zero."""
        forms.text("budget_id", budget_id, forms.MAX_NAME_BYTES, 1)
        forms.execution_id(execution_id)
        now = self._enter()
        budget = self._existing(budget_id)
        if execution_id not in budget.by_execution:
            return False
        spent = budget.by_execution.pop(execution_id)
        budget.usage = {name: max(0, used - spent.get(name, 0)) for name, used in budget.usage.items()}
        self._tell("BudgetReleased", budget_id, now)
        return True

    def reset_budget(self, budget_id: str) -> int | None:
        """A new period begins now; ledgers stay."""
        forms.text("budget_id", budget_id, forms.MAX_NAME_BYTES, 1)
        now = self._enter()
        budget = self._existing(budget_id)
        budget.began_at_ms = now
        budget.usage = dict.fromkeys(budget.usage, 0)
        self._tell("BudgetReset", budget_id, now)
        return self._next_reset(budget)

    def describe_budget(self, budget_id: str) -> BudgetStatus:
        """As it stands in the present period."""
        forms.text("budget_id", budget_id, forms.MAX_NAME_BYTES, 1)
        self._enter()
        budget = self._existing(budget_id)
        return BudgetStatus(
            budget_id,
            budget.hard_limits,
            budget.soft_limits,
            budget.usage,
            budget.by_execution,
            self._next_reset(budget),
        )

    def _existing(self, budget_id: str) -> Budget:
        budget = self._budget_of(budget_id)
        if budget is None:
            raise BudgetNotFound
        self._roll(budget)
        return budget


def _amounts(field: str, value: object) -> dict[str, int]:
    """Amounts by dimension, in their order."""
    if not isinstance(value, Mapping):
        raise forms.refused(field, "a mapping")
    given = cast("Mapping[object, object]", value)
    read: dict[str, int] = {}
    for name, amount in given.items():
        read[forms.text(field, name, forms.MAX_NAME_BYTES, 1)] = forms.instant(field, amount)
    if len(read) > MAX_DIMENSIONS:
        raise forms.refused(field, f"at most {MAX_DIMENSIONS} dimensions")
    return read


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    total = {name: one.get(name, 0) + other.get(name, 0) for name in [*one, *other]}
    if len(total) > MAX_DIMENSIONS or any(amount > forms.MAX_MS for amount in total.values()):
        raise forms.refused("deltas", "less")
    return total


def _soft_breach(budget: Budget, amounts: Mapping[str, int]) -> Breach | None:
    for name in amounts:
        soft = budget.soft_limits.get(name, 0)
        if soft and budget.usage[name] > soft:
            return Breach(name, budget.usage[name], soft)
    return None
