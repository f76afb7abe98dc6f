"""Public calls about quota policies and budgets (SPEC 8)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final, cast

from grantcore.engine.core import Core
from grantcore.index.lazy import room
from grantcore.model import checks
from grantcore.model.budgets import Budget
from grantcore.model.config import MAX_TTL_MS
from grantcore.model.errors import BudgetNotFound, invalid
from grantcore.model.outcomes import (
    Added,
    AlreadySatisfied,
    BudgetStatus,
    HardBreach,
    UsageApplied,
)
from grantcore.model.quotas import Quota
from grantcore.model.time import MAX_MS, gone
from grantcore.model.values import FrozenDict
from grantcore.rules import metering
from grantcore.rules.metering import MAX_DIMENSIONS, NewKey

MAX_NAME_BYTES: Final = 256
MAX_REQUESTS: Final = 1_000_000
KEY_WINDOW_MS: Final = 86_400_000

NO_LIMITS: Final[Mapping[str, int]] = FrozenDict()


class Metering(Core):
    """Quota policies and budgets: how often, how many at once, how much."""

    def create_quota_policy(
        self,
        quota_policy_id: str,
        *,
        window_ms: int = 60_000,
        max_requests_per_window: int = 0,
        max_concurrent: int = 0,
    ) -> Added | AlreadySatisfied:
        """Make a quota policy; executions name it when they are created.

        Args:
            quota_policy_id: its name.
            window_ms: the sliding window in milliseconds; a claim grant counts for so long.
            max_requests_per_window: claim grants per window, at most 1,000,000; 0: no limit.
            max_concurrent: executions that hold a grant or a lease at once; 0: no limit.

        Returns:
            :class:`Added`, or ``AlreadySatisfied("exists")``; nothing is compared.

        Raises:
            InvalidInput: an argument is malformed.

        O(1). SPEC 8; reference 13; D-18.
        """
        quota = Quota(
            _name("quota_policy_id", quota_policy_id),
            checks.integer("window_ms", window_ms, 1, MAX_TTL_MS),
            checks.integer("max_requests_per_window", max_requests_per_window, 0, MAX_REQUESTS),
            checks.integer("max_concurrent", max_concurrent, 0, MAX_MS),
            0,
        )
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            if quota_policy_id in self._store.quotas:
                return AlreadySatisfied("exists")
            quota.created_at_ms = now
            self._commit_note(metering.create_quota(self._store, now, quota))
            return Added(quota_policy_id)
        finally:
            lock.release()

    def create_budget(
        self,
        budget_id: str,
        *,
        hard_limits: Mapping[str, int],
        soft_limits: Mapping[str, int] = NO_LIMITS,
        reset_interval_ms: int | None = None,
    ) -> Added | AlreadySatisfied:
        """Make a budget; executions name it when they are created, and wait while it is used up.

        Args:
            budget_id: its name.
            hard_limits: by dimension, the most that may be used; 0: no limit.
            soft_limits: by dimension, what is worth a warning; 0: no limit.
            reset_interval_ms: a period in milliseconds, counted from now; None: no periods.

        Returns:
            :class:`Added`, or ``AlreadySatisfied("exists")``; nothing is compared.

        Raises:
            InvalidInput: an argument is malformed.

        O(limits). SPEC 8; reference 14.
        """
        interval_ms = reset_interval_ms
        budget = Budget(
            _name("budget_id", budget_id),
            _amounts("hard_limits", hard_limits),
            _amounts("soft_limits", soft_limits),
            None if interval_ms is None else checks.integer("reset_interval_ms", interval_ms, 1, MAX_MS),
            0,
        )
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            if budget_id in self._store.budgets:
                return AlreadySatisfied("exists")
            budget.counted_from_ms = now
            self._commit_note(metering.create_budget(self._store, now, budget))
            return Added(budget_id)
        finally:
            lock.release()

    def report_usage(
        self, budget_id: str, deltas: Mapping[str, int], *, dedup_key: str | None = None
    ) -> UsageApplied | AlreadySatisfied | HardBreach:
        """Add amounts to what is used of a budget.

        Args:
            budget_id: the budget.
            deltas: by dimension, in their order, amounts from 0.
            dedup_key: the same key within 24 hours is answered ``AlreadySatisfied("already_applied")``.

        Returns:
            :class:`UsageApplied`, perhaps with the first soft limit that is passed; :class:`HardBreach` if a
            hard limit would be: then nothing is applied and the key is not remembered.

        Raises:
            BudgetNotFound: no such budget.
            InvalidInput: an argument is malformed.

        O(deltas). SPEC 8; reference 14.
        """
        return self._use(budget_id, deltas, None, dedup_key)

    def record_spend(
        self, budget_id: str, execution_id: str, deltas: Mapping[str, int], *, dedup_key: str | None = None
    ) -> UsageApplied | AlreadySatisfied | HardBreach:
        """Add what an execution spent, and remember its sum for :meth:`release_budget`.

        The execution need not exist. Otherwise as :meth:`report_usage`. SPEC 8; reference 14.
        """
        checks.execution_id(execution_id)
        return self._use(budget_id, deltas, execution_id, dedup_key)

    def _use(
        self, budget_id: str, deltas: object, execution_id: str | None, dedup_key: str | None
    ) -> UsageApplied | AlreadySatisfied | HardBreach:
        """Use a budget, unless the key says that this was counted already."""
        _name("budget_id", budget_id)
        amounts = _amounts("deltas", deltas)
        name = checks.optional_text("dedup_key", dedup_key, MAX_NAME_BYTES)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry(2)
        lock.acquire()
        try:
            now = self._begin()
            budget = self._budget(budget_id)
            key: NewKey | None = None
            if name is not None:
                key = (name, min(now + KEY_WINDOW_MS, MAX_MS))
                _forget_keys(budget, now)
            decided = metering.use(budget, now, amounts, execution_id, key)
            if not isinstance(decided, tuple):
                return decided
            self._commit_note(decided)
            return UsageApplied(budget_id, metering.soft_breach(budget, now, amounts))
        finally:
            lock.release()

    def release_budget(self, budget_id: str, execution_id: str) -> bool:
        """Give back what an execution spent, not below zero.

        Returns:
            True if it had spent something.

        Raises:
            BudgetNotFound: no such budget.
            InvalidInput: an argument is malformed.

        O(dimensions). SPEC 8; reference 14.
        """
        _name("budget_id", budget_id)
        checks.execution_id(execution_id)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            note = metering.release(self._budget(budget_id), now, execution_id)
            if note is None:
                return False
            self._commit_note(note)
            return True
        finally:
            lock.release()

    def reset_budget(self, budget_id: str) -> int | None:
        """Begin a new period now: nothing is used; the ledgers of executions stay.

        Returns:
            The instant of the next reset, None if there are no periods.

        Raises:
            BudgetNotFound: no such budget.
            InvalidInput: an argument is malformed.

        O(1). SPEC 8; reference 14.
        """
        _name("budget_id", budget_id)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            budget = self._budget(budget_id)
            self._commit_note(metering.reset(budget, now))
            return budget.resets_at_ms(now)
        finally:
            lock.release()

    def describe_budget(self, budget_id: str) -> BudgetStatus:
        """A budget as it stands in the present period.

        Raises:
            BudgetNotFound: no such budget.
            InvalidInput: the id is malformed.

        O(its ledgers). SPEC 8.
        """
        _name("budget_id", budget_id)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            budget = self._budget(budget_id)
            return BudgetStatus(
                budget_id,
                FrozenDict(budget.hard_limits),
                FrozenDict(budget.soft_limits),
                FrozenDict(budget.used(now)),
                FrozenDict({name: FrozenDict(ledger) for name, ledger in budget.by_execution.items()}),
                budget.resets_at_ms(now),
            )
        finally:
            lock.release()

    def _budget(self, budget_id: str) -> Budget:
        budget = self._store.budgets.get(budget_id)
        if budget is None:
            raise BudgetNotFound("no budget has this id")
        return budget


def _name(field: str, name: str) -> str:
    return checks.text(field, name, MAX_NAME_BYTES, least=1)


def _amounts(field: str, amounts: object) -> Mapping[str, int]:
    """Copy a bounded mapping of dimensions to amounts, in its order."""
    if not isinstance(amounts, Mapping):
        raise invalid(field, "a mapping of str to int")
    given = cast("Mapping[object, object]", amounts)
    copied: dict[str, int] = {}
    for name, amount in islice(given.items(), MAX_DIMENSIONS + 1):
        copied[checks.text(field, name, MAX_NAME_BYTES, least=1)] = checks.integer(field, amount, 0, MAX_MS)
    if len(copied) > MAX_DIMENSIONS:
        raise invalid(field, f"at most {MAX_DIMENSIONS} dimensions")
    return FrozenDict(copied)


def _forget_keys(budget: Budget, now: int) -> None:
    """Drop expired keys when they may outnumber the others. O(1) amortised."""
    if len(budget.keys) >= budget.keys_room:
        for name in [name for name, expires_at_ms in budget.keys.items() if gone(expires_at_ms, now)]:
            del budget.keys[name]
        budget.keys_room = room(len(budget.keys))
