"""Who is admitted: the one place that says what closes a shelf (SPEC 5, 7)."""

# ruff: noqa: ARG001 - quotas and budgets are still to come

from __future__ import annotations

from grantcore.model.errors import GrantError, LanePaused
from grantcore.model.grants import GrantKind
from grantcore.model.lanes import LaneStatus
from grantcore.model.records import Spec, Store


def refusal(
    kind: GrantKind, spec: Spec, instance_id: str, now: int, store: Store, tallies: object
) -> GrantError | None:
    """What issuing such a grant to this instance would be refused with; None: nothing."""
    if spec.lane.state is LaneStatus.PAUSED:
        return LanePaused("the lane is paused")
    return None


def closed_until(
    kind: GrantKind, spec: Spec, now: int, store: Store, tallies: object
) -> tuple[str, int | None] | None:
    """Why such executions are not granted, and when time alone ends that; None: they are."""
    if spec.lane.state is LaneStatus.PAUSED:
        return "paused_by_policy", None
    return None
