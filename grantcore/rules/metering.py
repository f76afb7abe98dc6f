"""Quota policies and budgets: making them, using them, giving back (SPEC 8, reference 13 and 14)."""

from __future__ import annotations

from grantcore.model import events
from grantcore.model.budgets import Amounts, Budget
from grantcore.model.errors import invalid
from grantcore.model.outcomes import AlreadySatisfied, Breach, HardBreach
from grantcore.model.quotas import Quota
from grantcore.model.records import Store
from grantcore.model.time import MAX_MS, gone
from grantcore.model.values import FrozenDict
from grantcore.rules.change import Note

MAX_DIMENSIONS = 64

NewKey = tuple[str, int]
"""A de-duplication key, and when it is forgotten."""


def create_quota(store: Store, now: int, quota: Quota) -> Note:
    """Decide a new quota policy."""
    told = (quota.quota_policy_id, quota.window_ms, quota.max_requests_per_window, quota.max_concurrent)
    return (events.QuotaPolicyCreated, told, now, write_quota, (store, quota))


def write_quota(store: Store, quota: Quota) -> None:
    """Store a quota policy."""
    store.quotas[quota.quota_policy_id] = quota


def create_budget(store: Store, now: int, budget: Budget) -> Note:
    """Decide a new budget."""
    limits = (FrozenDict(budget.hard_limits), FrozenDict(budget.soft_limits))
    told = (budget.budget_id, *limits, budget.reset_interval_ms)
    return (events.BudgetCreated, told, now, write_budget, (store, budget))


def write_budget(store: Store, budget: Budget) -> None:
    """Store a budget."""
    store.budgets[budget.budget_id] = budget


def use(
    budget: Budget, now: int, deltas: Amounts, execution_id: str | None, key: NewKey | None
) -> Note | AlreadySatisfied | HardBreach:
    """Decide to add amounts, for an execution or for nobody; or that they were, or that they are too much."""
    if key is not None and not gone(budget.keys.get(key[0], 0), now):
        return AlreadySatisfied("already_applied")
    used = budget.used(now)
    for name, amount in deltas.items():
        current, hard = used.get(name, 0), budget.hard_limits.get(name, 0)
        if hard and current + amount > hard:
            return HardBreach(budget.budget_id, name, current, hard)
    usage = _sum("deltas", used, deltas)
    dedup_key = None if key is None else key[0]
    if execution_id is None:
        told = (budget.budget_id, FrozenDict(deltas), dedup_key)
        return (events.UsageReported, told, now, write_usage, (budget, now, usage, key, None, None))
    ledger = _sum("deltas", budget.by_execution.get(execution_id, {}), deltas)
    spent = (budget.budget_id, execution_id, FrozenDict(deltas), dedup_key)
    return (events.SpendRecorded, spent, now, write_usage, (budget, now, usage, key, execution_id, ledger))


def _sum(field: str, one: Amounts, other: Amounts) -> Amounts:
    total = {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
    if len(total) > MAX_DIMENSIONS or any(amount > MAX_MS for amount in total.values()):
        raise invalid(field, f"such that at most {MAX_DIMENSIONS} dimensions are used, none over 2**53-1")
    return total


def soft_breach(budget: Budget, now: int, deltas: Amounts) -> Breach | None:
    """The first soft limit among the dimensions that is passed now."""
    used = budget.used(now)
    for name in deltas:
        soft = budget.soft_limits.get(name, 0)
        if soft and used.get(name, 0) > soft:
            return Breach(name, used[name], soft)
    return None


def write_usage(
    budget: Budget,
    at_ms: int,
    usage: Amounts,
    key: NewKey | None,
    execution_id: str | None,
    ledger: Amounts | None,
) -> None:
    """Store what is used now, and the ledger of an execution: its sum, or that it has none (any more)."""
    budget.usage = usage
    budget.used_at_ms = at_ms
    if key is not None:
        name, expires_at_ms = key
        budget.keys[name] = expires_at_ms
    if execution_id is not None:
        if ledger is None:
            budget.by_execution.pop(execution_id, None)
        else:
            budget.by_execution[execution_id] = ledger


def release(budget: Budget, now: int, execution_id: str) -> Note | None:
    """Decide to give back what an execution spent, not below zero; None: it spent nothing."""
    ledger = budget.by_execution.get(execution_id)
    if ledger is None:
        return None
    used = budget.used(now)
    usage = {name: max(0, amount - ledger.get(name, 0)) for name, amount in used.items()}
    told = (budget.budget_id, execution_id)
    return (events.BudgetReleased, told, now, write_usage, (budget, now, usage, None, execution_id, None))


def reset(budget: Budget, now: int) -> Note:
    """Decide that a new period begins; ledgers are not touched (reference 14)."""
    return (events.BudgetReset, (budget.budget_id,), now, write_reset, (budget, now))


def write_reset(budget: Budget, at_ms: int) -> None:
    """Store the new period."""
    budget.usage = dict.fromkeys(budget.usage, 0)
    budget.used_at_ms = at_ms
    budget.counted_from_ms = at_ms
