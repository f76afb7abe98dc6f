"""Who is admitted: the one place that says what closes a shelf, and what refuses a grant (SPEC 5, 7).

What is asked, in order: is the lane paused; is a budget used up; is the window of the quota policy full;
are all its slots taken; has the lane, or the worker instance, as many as it may. Each kind of grant
asks only some of these: a resumed attempt has been admitted before, a reclaimed one too, but it spends
anew. Nothing here is ever written into an execution: a shelf is closed while it is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from grantcore.model.errors import (
    BudgetExceeded,
    ConcurrencyLimitExceeded,
    GrantError,
    LanePaused,
    RateLimitExceeded,
)
from grantcore.model.grants import GrantKind
from grantcore.model.lanes import LaneStatus
from grantcore.model.records import CLAIM, RESUME, Spec, Store


class Tallies(Protocol):
    """Slots in use, as ``index/tallies.py`` counts them."""

    @property
    def by_quota(self) -> dict[str, int]:
        """By quota policy."""
        ...

    @property
    def by_lane(self) -> dict[str, int]:
        """By lane."""
        ...

    @property
    def by_instance(self) -> dict[str, int]:
        """By worker instance."""
        ...

    def ceiling(self, worker_instance_id: str) -> int | None:
        """The most a worker instance may hold."""
        ...


Closer = tuple[str, int | None]
"""The blocking reason of what closes a shelf, and when time alone opens it again."""


def paused(spec: Spec) -> None:
    """Refuse while the lane is paused."""
    if spec.lane.state is LaneStatus.PAUSED:
        raise LanePaused("the lane is paused")


def limit(
    kind: GrantKind, spec: Spec, instance_id: str, now: int, store: Store, tallies: Tallies
) -> GrantError | None:
    """What a grant is refused with for want of budget, rate or room; None: nothing."""
    for reason, opens_at_ms in _limits(kind, spec, now, store, tallies):
        return _refused(reason, opens_at_ms)
    most = spec.lane.max_leases
    if most is not None and tallies.by_lane.get(spec.lane_id, 0) >= most:
        return ConcurrencyLimitExceeded("the lane has as many as it may", scope="lane", retry_at_ms=None)
    most = tallies.ceiling(instance_id)
    if most is not None and tallies.by_instance.get(instance_id, 0) >= most:
        return ConcurrencyLimitExceeded("the worker has as many as it may", scope="worker", retry_at_ms=None)
    return None


def refusal(
    kind: GrantKind, spec: Spec, instance_id: str, now: int, store: Store, tallies: Tallies
) -> GrantError | None:
    """What issuing such a grant to this instance would be refused with; None: nothing."""
    if spec.lane.state is LaneStatus.PAUSED:
        return LanePaused("the lane is paused")
    return limit(kind, spec, instance_id, now, store, tallies)


def closers(kind: GrantKind, spec: Spec, now: int, store: Store, tallies: Tallies) -> Iterator[Closer]:
    """All that keeps such executions back (paused, budget, rate, slots, lane), and when time ends it."""
    if spec.lane.state is LaneStatus.PAUSED:
        yield "paused", None
    yield from _limits(kind, spec, now, store, tallies)
    most = spec.lane.max_leases
    if most is not None and tallies.by_lane.get(spec.lane_id, 0) >= most:
        yield "lane", None


def closed_until(kind: GrantKind, spec: Spec, now: int, store: Store, tallies: Tallies) -> Closer | None:
    """Why such executions are not granted, and when time alone ends that; None: they are."""
    if spec.lane.state is LaneStatus.PAUSED:
        return "paused_by_policy", None
    closers = list(_limits(kind, spec, now, store, tallies))
    if not closers:
        return None
    instants = [at_ms for _, at_ms in closers if at_ms is not None]
    return _REASONS[closers[0][0]], max(instants) if len(instants) == len(closers) else None


def _limits(kind: GrantKind, spec: Spec, now: int, store: Store, tallies: Tallies) -> Iterator[Closer]:
    """What keeps these executions back, in the order of the refusals."""
    if kind is not RESUME:
        used_up = [budget for name in spec.budget_ids if (budget := store.budgets[name]).is_used_up(now)]
        if used_up:
            resets = [budget.resets_at_ms(now) for budget in used_up]
            yield "budget", None if None in resets else max(at_ms for at_ms in resets if at_ms is not None)
    if spec.quota_policy_id is None:
        return
    quota = store.quotas[spec.quota_policy_id]
    if kind is CLAIM:
        opens_at_ms = quota.opens_at_ms(now)
        if opens_at_ms is not None:
            yield "rate", opens_at_ms
    if quota.max_concurrent and tallies.by_quota.get(spec.quota_policy_id, 0) >= quota.max_concurrent:
        yield "slots", None


_REASONS = {"budget": "waiting_for_budget", "rate": "waiting_for_quota", "slots": "waiting_for_quota"}


def _refused(reason: str, opens_at_ms: int | None) -> GrantError:
    if reason == "budget":
        return BudgetExceeded("a budget is used up", retry_at_ms=opens_at_ms)
    if reason == "rate":
        return RateLimitExceeded("the window of the quota policy is full", retry_at_ms=opens_at_ms)
    return ConcurrencyLimitExceeded(
        "all slots of the quota policy are taken", scope="quota", retry_at_ms=opens_at_ms
    )
