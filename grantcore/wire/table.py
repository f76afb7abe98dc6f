"""Which values have a JSON form, and how each is called there (SPEC 9).

A class that comes later needs one line in :data:`OUTCOMES` or :data:`VALUES`; events and refusals join by
being public. All else is derived from the class.

What a call answers with is told by ``status``, an event by ``event``, a backoff by ``type``, a refusal by
``code``: these tags stand in every form of their family. A grant is what its route says it is, so it has
no tag (FlowFabric's claim answer has none), and neither has a lease; only where either is one of several
is ``kind`` or ``status`` added. The name is that of the class in snake_case; of a grant it is its kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from grantcore import events
from grantcore.model import config, errors, explanations, grants, leases, outcomes, policy, views, workers
from grantcore.model.requests import IssueClaimGrantRequest, IssueReclaimGrantRequest

OUTCOMES: Final = (
    outcomes.Added,
    outcomes.AlreadySatisfied,
    outcomes.Blocked,
    outcomes.Cancelled,
    outcomes.Completed,
    outcomes.Created,
    outcomes.Delayed,
    outcomes.Duplicate,
    outcomes.Granted,
    outcomes.GrantNotFound,
    outcomes.HardBreach,
    outcomes.LeaseLost,
    outcomes.Marked,
    outcomes.Moved,
    outcomes.NotReclaimable,
    outcomes.NotRegistered,
    outcomes.PriorityChanged,
    outcomes.ReclaimCapExceeded,
    outcomes.Reclaimed,
    outcomes.Refreshed,
    outcomes.Refused,
    outcomes.Registered,
    outcomes.Replayed,
    outcomes.Resumed,
    outcomes.RetryScheduled,
    outcomes.Revoked,
    outcomes.Suspended,
    outcomes.TerminalFailed,
    outcomes.Unblocked,
    outcomes.UsageApplied,
)
"""What calls answer with."""

VALUES: Final = (
    config.EngineConfig,
    explanations.Explanation,
    explanations.Obstacle,
    grants.GrantRecord,
    grants.Partition,
    leases.Fence,
    outcomes.AdvanceReport,
    outcomes.Breach,
    outcomes.BudgetStatus,
    outcomes.EngineStats,
    outcomes.ExecutionsPage,
    outcomes.ExpiredLease,
    outcomes.ExpiredLeasesPage,
    outcomes.LaneState,
    outcomes.WorkersPage,
    policy.ExecutionPolicy,
    policy.RetryPolicy,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    views.AttemptInfo,
    views.ExecutionSnapshot,
    views.LeaseEvent,
    workers.Registration,
    workers.Worker,
)
"""What is never one of several."""


def concrete(kinds: Iterable[object], family: type) -> tuple[type, ...]:
    """Those of a family that are not just what others among them have in common."""
    found = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, family)]
    return tuple(k for k in found if not any(other is not k and issubclass(other, k) for other in found))


EVENTS: Final = concrete((getattr(events, name) for name in events.__all__), events.Event)
REFUSALS: Final = concrete(vars(errors).values(), errors.GrantError)


def snake(name: str) -> str:
    """The name of a class as a tag.

    >>> snake("ReclaimCapExceeded")
    'reclaim_cap_exceeded'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@attrs.frozen
class Tag:
    """The field that tells a class among others, and what stands in it."""

    key: str
    name: str
    always: bool = True
    """Whether it stands there also where the class is known."""


def _tags(key: str, kinds: Iterable[type]) -> dict[type, Tag | None]:
    return {kind: Tag(key, snake(kind.__name__)) for kind in kinds}


TABLE: Final[Mapping[type, Tag | None]] = {
    **dict.fromkeys(VALUES),
    **_tags("status", OUTCOMES),
    **_tags("event", EVENTS),
    **_tags("type", (policy.Fixed, policy.Exponential)),
    **_tags("code", REFUSALS),
    **{kind: Tag("kind", name.value, always=False) for kind, name in grants.KIND_OF.items()},
    leases.Lease: Tag("status", "lease", always=False),
}
"""Every class that has a JSON form, and its tag; None: it has none."""


def members(kind: object) -> tuple[type, ...]:
    """The classes of the table that ``kind`` stands for: itself, or its whole family; none: unknown."""
    if not isinstance(kind, type):
        return ()
    if kind in TABLE:
        return (kind,)
    if issubclass(kind, (events.Event, errors.GrantError)):
        return tuple(member for member in TABLE if issubclass(member, kind))
    return ()
