"""Who is admitted: the one place that says what closes a shelf, and what refuses a grant (SPEC 5, 7).

What is asked, in order: is the lane paused; is a budget used up; is the window of the quota policy full;
are all its slots taken; has the lane, or the worker instance, as many as it may. Each kind of grant
asks only some of these: a resumed attempt has been admitted before, a reclaimed one too, but it spends
anew. Nothing here is ever written into an execution: a shelf is closed while it is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

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
"""What keeps executions back (paused, budget, rate, slots, lane), and when time alone ends that."""

LANE: Final = "lane"
"""The closer that closes no shelf: a lane's ceiling refuses grants, and is not shown (SPEC 7, 8)."""


def paused(spec: Spec) -> None:
    """Refuse while the lane is paused."""
    if spec.lane.state is LaneStatus.PAUSED:
        raise LanePaused("the lane is paused")


def closers(kind: GrantKind, spec: Spec, now: int, store: Store, tallies: Tallies) -> Iterator[Closer]:
    """All that keeps such executions back, in the order of the refusals, and when time alone ends it."""
    if spec.lane.state is LaneStatus.PAUSED:
        yield "paused", None
    if kind is not RESUME:
        used_up = [budget for name in spec.budget_ids if (budget := store.budgets[name]).is_used_up(now)]
        if used_up:
            yield "budget", _last(budget.resets_at_ms(now) for budget in used_up)
    if spec.quota_policy_id is not None:
        quota = store.quotas[spec.quota_policy_id]
        opens_at_ms = quota.opens_at_ms(now) if kind is CLAIM else None
        if opens_at_ms is not None:
            yield "rate", opens_at_ms
        if quota.max_concurrent and tallies.by_quota.get(spec.quota_policy_id, 0) >= quota.max_concurrent:
            yield "slots", None
    most = spec.lane.max_leases
    if most is not None and tallies.by_lane.get(spec.lane_id, 0) >= most:
        yield LANE, None


def refusal(
    kind: GrantKind, spec: Spec, instance_id: str, now: int, store: Store, tallies: Tallies
) -> GrantError | None:
    """What issuing such a grant to this instance is refused with; None: nothing."""
    for closer, opens_at_ms in closers(kind, spec, now, store, tallies):
        return _refused(closer, opens_at_ms)
    most = tallies.ceiling(instance_id)
    if most is not None and tallies.by_instance.get(instance_id, 0) >= most:
        return ConcurrencyLimitExceeded("the worker has as many as it may", scope="worker", retry_at_ms=None)
    return None


def opens_at_ms(kind: GrantKind, spec: Spec, now: int, store: Store, tallies: Tallies) -> int | None:
    """When time alone opens a shelf; None: it is open, or time alone does not. A ceiling closes no shelf."""
    return _last(at_ms for closer, at_ms in closers(kind, spec, now, store, tallies) if closer != LANE)


def _last(instants: Iterable[int | None]) -> int | None:
    """The last of the instants; None if there is none, or one of them never comes."""
    last = None
    for at_ms in instants:
        if at_ms is None:
            return None
        last = at_ms if last is None else max(last, at_ms)
    return last


def _refused(closer: str, opens_at_ms: int | None) -> GrantError:
    match closer:
        case "paused":
            return LanePaused("the lane is paused")
        case "budget":
            return BudgetExceeded("a budget is used up", retry_at_ms=opens_at_ms)
        case "rate":
            return RateLimitExceeded("the window of the quota policy is full", retry_at_ms=opens_at_ms)
        case "slots":
            return ConcurrencyLimitExceeded(
                "all slots of the quota policy are taken", scope="quota", retry_at_ms=opens_at_ms
            )
        case _:
            return ConcurrencyLimitExceeded(
                "the lane has as many as it may", scope="lane", retry_at_ms=opens_at_ms
            )
