"""What the engine shows of an execution: frozen copies with FlowFabric's names, instants in ``_ms``."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Final

import attrs

from grantcore.model.leases import AttemptType
from grantcore.model.phases import Phase


@attrs.frozen(kw_only=True)
class ExecutionSnapshot:
    """Every field of an execution (reference 1.2) at one instant; absent ones are None."""

    execution_id: str
    namespace: str
    lane_id: str
    execution_kind: str
    partition_id: int
    creator_identity: str
    priority: int
    required_capabilities: tuple[str, ...]
    quota_policy_id: str | None
    budget_ids: tuple[str, ...]
    tags: Mapping[str, str]

    phase: Phase
    lifecycle_phase: str
    ownership_state: str
    eligibility_state: str
    blocking_reason: str
    blocking_detail: str | None
    terminal_outcome: str
    attempt_state: str
    public_state: str

    total_attempt_count: int
    retry_count: int
    replay_count: int
    lease_reclaim_count: int

    current_attempt_index: int | None
    current_attempt_id: str | None
    current_lease_id: str | None
    current_lease_epoch: int
    current_worker_id: str | None
    current_worker_instance_id: str | None
    current_lane: str
    current_suspension_id: str | None

    lease_acquired_at_ms: int | None
    lease_expires_at_ms: int | None
    lease_last_renewed_at_ms: int | None
    lease_renewal_deadline_ms: int | None
    lease_expired_at_ms: int | None
    lease_revoked_at_ms: int | None
    lease_revoke_reason: str | None

    created_at_ms: int
    started_at_ms: int | None
    completed_at_ms: int | None
    last_transition_at_ms: int
    last_mutation_at_ms: int
    last_capability_mismatch_at_ms: int | None
    delay_until_ms: int | None
    deadline_at_ms: int | None

    failure_reason: str | None
    cancellation_reason: str | None
    cancelled_by: str | None
    pending_retry_reason: str | None
    pending_replay_reason: str | None
    pending_replay_requested_by: str | None
    pending_previous_attempt_index: int | None

    progress_pct: int | None
    progress_message: str | None
    progress_updated_at_ms: int | None


@attrs.define(kw_only=True, eq=False, weakref_slot=False)
class Attempt:
    """One try at an execution (reference 1.5), as the engine keeps it."""

    execution_id: str
    attempt_id: str
    attempt_index: int
    attempt_type: AttemptType
    attempt_state: str
    created_at_ms: int
    started_at_ms: int
    lease_id: str
    lease_epoch: int
    worker_id: str
    worker_instance_id: str
    ended_at_ms: int | None = None
    failure_reason: str | None = None
    failure_category: str | None = None
    suspended_at_ms: int | None = None
    suspension_id: str | None = None
    resumed_at_ms: int | None = None
    previous_attempt_index: int | None = None
    retry_reason: str | None = None
    reclaim_reason: str | None = None
    replay_reason: str | None = None
    replay_requested_by: str | None = None
    replayed_from_attempt_index: int | None = None


@attrs.frozen(kw_only=True, weakref_slot=False)  # pyright: ignore[reportGeneralTypeIssues] - and so it is
class AttemptInfo(Attempt):
    """One try at an execution, as the engine shows it."""


_ATTEMPT: Final = tuple(field.name for field in attrs.fields(Attempt))
_values_of: Final = attrgetter(*_ATTEMPT)


def shown_attempt(attempt: Attempt) -> AttemptInfo:
    """An attempt as the engine shows it: a copy."""
    return frozen(Attempt(**dict(zip(_ATTEMPT, _values_of(attempt), strict=True))))


def frozen(attempt: Attempt) -> AttemptInfo:
    """Show an attempt that nobody else has: it becomes the frozen one (``model/values.py``)."""
    attempt.__class__ = AttemptInfo
    return attempt  # type: ignore[return-value]


@attrs.frozen(kw_only=True)
class LeaseEvent:
    """One line of an execution's lease history (reference 1.4); fields that do not apply are None."""

    event: str
    at_ms: int
    lease_id: str | None = None
    lease_epoch: int | None = None
    attempt_id: str | None = None
    attempt_index: int | None = None
    worker_id: str | None = None
    worker_instance_id: str | None = None
    reason: str | None = None
    old_lease_epoch: int | None = None
    new_lease_id: str | None = None
    new_lease_epoch: int | None = None
    new_attempt_id: str | None = None
    new_attempt_index: int | None = None
    replay_count: int | None = None
    replay_type: str | None = None
    requested_by: str | None = None
