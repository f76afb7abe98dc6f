"""Slots in use: how many executions hold a grant or a lease, by quota policy, lane and worker instance.

An execution *holds* while a grant is out or somebody has its lease; one that waits to be reclaimed holds
nothing. So a slot is taken by the grant, goes on with the lease, and goes back exactly once, however
that ends (SPEC 7, D-18): there is no counter to forget.

Quota policies are always counted. Lanes and instances only once there is a ceiling (``watching``): most
hosts have none, and every call would pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from grantcore.index.liveness import Liveness
from grantcore.model.grants import TERMS
from grantcore.model.leases import WORKER_INSTANCE_ID
from grantcore.model.phases import LEASED
from grantcore.model.records import Execution, Spec, Store

INSTANCE_ID: Final = 1
"""Place of the instance in the terms of a grant."""


def holding(record: Execution) -> str | None:
    """The worker instance that has its grant or lease, as stated there; None if nobody has."""
    if record.grant is not None:
        return record.grant[TERMS][INSTANCE_ID]
    if record.phase is LEASED:
        assert record.taking is not None
        return record.taking[WORKER_INSTANCE_ID]
    return None


class Tallies:
    """The numbers."""

    __slots__ = ("by_instance", "by_lane", "by_quota", "liveness", "watching")

    def __init__(self, liveness: Liveness, *, watching: bool = False) -> None:
        self.liveness = liveness
        self.watching = watching
        self.by_quota: dict[str, int] = {}
        self.by_lane: dict[str, int] = {}
        self.by_instance: dict[str, int] = {}

    def ceiling(self, worker_instance_id: str) -> int | None:
        """The most a worker instance may hold. O(1)."""
        return self.liveness.ceiling(worker_instance_id)

    def counts(self, spec: Spec) -> bool:
        """Whether executions of this spec are counted at all."""
        return self.watching or spec.quota_policy_id is not None

    def moved(self, spec: Spec, before: str | None, after: str | None) -> None:
        """Follow an execution from one holder to another, or nobody. O(1)."""
        taken = (after is not None) - (before is not None)
        if taken and spec.quota_policy_id is not None:
            _add(self.by_quota, spec.quota_policy_id, taken)
        if self.watching:
            if taken:
                _add(self.by_lane, spec.lane_id, taken)
            if before is not None:
                _add(self.by_instance, before, -1)
            if after is not None:
                _add(self.by_instance, after, 1)


def _add(tally: dict[str, int], name: str, number: int) -> None:
    total = tally.get(name, 0) + number
    if total:
        tally[name] = total
    else:
        tally.pop(name, None)


def has_ceiling(store: Store) -> bool:
    """Whether some lane or worker may only hold so many."""
    return any(lane.max_leases is not None for lane in store.lanes.values()) or any(
        worker.max_leases is not None for worker in store.workers.values()
    )


def counted(records: Iterable[Execution], liveness: Liveness, *, watching: bool) -> Tallies:
    """Count anew; O(n)."""
    tallies = Tallies(liveness, watching=watching)
    for record in records:
        if tallies.counts(record.spec):
            tallies.moved(record.spec, None, holding(record))
    return tallies
