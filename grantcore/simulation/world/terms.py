"""What every call of a run has in common, and what a scheduler of your own looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from grantcore import ClaimGrant, ReclaimGrant, ResumeGrant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantcore import ExecutionPolicy, GrantEngine, Worker

Grant = ClaimGrant | ResumeGrant | ReclaimGrant


class Schedule(Protocol):
    """A scheduler of your own: decides what an idle worker is granted.

    It is asked for one worker at a time, whenever something has changed, with the engine that is
    simulated: use its public calls to look (``list_executions``, ``Scheduler.peek``, …) and to issue the
    grant. It may order as well (``change_priority``, ``block_execution``, …), but not create executions,
    take leases, or purge.
    """

    def __call__(
        self, engine: GrantEngine, worker: Worker, *, lanes: Sequence[str], grant_ttl_ms: int
    ) -> Grant | None:
        """Issue a grant for this worker, or give None: there is nothing for it now.

        Args:
            engine: the engine.
            worker: who is idle, and what it can run.
            lanes: in which something waits that this worker could run; it was granted something of the
                first of them longest ago.
            grant_ttl_ms: of the scenario.
        """
        ...


@attrs.frozen(kw_only=True)
class Terms:
    """What every call of a run has in common.

    Attributes:
        policy: of every execution.
        lease_ttl_ms: of every lease.
        grant_ttl_ms: of every grant.
        delivery_ms: how long a grant is under way; one that is not never lapses.
        retention_ms: what has ended is purged after that long; None: never.
        schedule: a user's own scheduler; None: the engine's.
        observed: whether every fact is to be an event.
    """

    policy: ExecutionPolicy
    lease_ttl_ms: int
    grant_ttl_ms: int
    delivery_ms: int
    retention_ms: int | None
    schedule: Schedule | None
    observed: bool
