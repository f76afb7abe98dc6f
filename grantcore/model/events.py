"""One frozen class per event of the life cycle (SPEC 4, 10).

An event tells one committed transition of one execution. Its own fields are what the call or lapse
wrote that does not follow from earlier events; what the same transition did to the execution's grant,
lease and attempt is in ``voided_grant``, ``released_lease`` and ``closed_attempt``. Folding all events
gives back every record (I-65).
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from grantcore.model.grants import GrantRecord
from grantcore.model.leases import Lease
from grantcore.model.phases import Phase
from grantcore.model.policy import ExecutionPolicy
from grantcore.model.views import AttemptInfo


@attrs.frozen
class Event:
    """Something that happened: ``sequence`` is gap-free from 1, ``at_ms`` never falls."""

    sequence: int
    at_ms: int
    operator: str | None


@attrs.frozen
class ExecutionEvent(Event):
    """Something that happened to one execution; ``phase`` is that after it (None: gone)."""

    execution_id: str
    lane_id: str
    phase: Phase | None
    voided_grant: GrantRecord | None
    released_lease: Lease | None
    closed_attempt: AttemptInfo | None


# -- creation and waiting ------------------------------------------------------------------


@attrs.frozen
class Created(ExecutionEvent):
    """An execution came to be; all the arguments of its creation."""

    priority: int
    required_capabilities: tuple[str, ...]
    namespace: str
    execution_kind: str
    creator_identity: str
    policy: ExecutionPolicy
    quota_policy_id: str | None
    budget_ids: tuple[str, ...]
    payload: bytes | None = attrs.field(repr=False)
    tags: Mapping[str, str]
    delay_until_ms: int | None
    deadline_at_ms: int | None
    idempotency_key: str | None
    key_expires_at_ms: int | None


@attrs.frozen
class BecameDue(ExecutionEvent):
    """A delay or backoff is over."""


@attrs.frozen
class PriorityChanged(ExecutionEvent):
    """It stands elsewhere in its queue now."""

    old: int
    new: int


@attrs.frozen
class TagsChanged(ExecutionEvent):
    """These tags were merged into the old ones."""

    tags: Mapping[str, str]


@attrs.frozen
class Blocked(ExecutionEvent):
    """An operator keeps it from being granted."""

    reason: str
    detail: str


@attrs.frozen
class Unblocked(ExecutionEvent):
    """The order is lifted."""


@attrs.frozen
class ChildrenDone(ExecutionEvent):
    """The host says that the children are done."""


# -- grants --------------------------------------------------------------------------------


@attrs.frozen
class GrantIssued(ExecutionEvent):
    """A worker may take the next lease.

    ``lane_credits``: where each lane stands in the weighted round robin that chose it; else empty.
    """

    grant: GrantRecord
    lane_credits: tuple[tuple[str, int], ...]


@attrs.frozen
class GrantLapsed(ExecutionEvent):
    """Nobody used the grant in time; it is in ``voided_grant``."""


@attrs.frozen
class GrantWithdrawn(ExecutionEvent):
    """Its worker gave the grant back; it is in ``voided_grant``."""


@attrs.frozen
class CapabilityMismatched(ExecutionEvent):
    """A worker asked for a grant and lacks these tokens (X18)."""

    worker_id: str
    missing: tuple[str, ...]


# -- leases --------------------------------------------------------------------------------


@attrs.frozen
class LeaseAcquired(ExecutionEvent):
    """A claim, a resumed claim, or the operator's; the grant it used is in ``voided_grant``."""

    lease: Lease
    attempt_timeout_at_ms: int | None
    admission_skipped: bool


@attrs.frozen
class LeaseReclaimed(ExecutionEvent):
    """Somebody took over a lost lease; the attempt that lost it is in ``closed_attempt``."""

    lease: Lease
    attempt_timeout_at_ms: int | None


@attrs.frozen
class LeaseRenewed(ExecutionEvent):
    """The lease ends later (or sooner) than before; the fence is the same."""

    lease: Lease


@attrs.frozen
class ProgressReported(ExecutionEvent):
    """What the holder says of its progress; None: not said."""

    pct: int | None
    message: str | None


@attrs.frozen
class LeaseLapsed(ExecutionEvent):
    """The lease ran out; ``at_ms`` is its very end."""

    lease: Lease


@attrs.frozen
class LeaseRevoked(ExecutionEvent):
    """An operator took the lease away."""

    lease: Lease
    reason: str


# -- ends of an attempt --------------------------------------------------------------------


@attrs.frozen
class Completed(ExecutionEvent):
    """It succeeded."""

    result: bytes | None = attrs.field(repr=False)


@attrs.frozen
class RetryScheduled(ExecutionEvent):
    """The attempt failed and there will be another."""

    reason: str
    category: str
    delay_until_ms: int


@attrs.frozen
class Failed(ExecutionEvent):
    """The attempt failed and it was the last."""

    reason: str
    category: str


@attrs.frozen
class Delayed(ExecutionEvent):
    """The holder gave the work back until later; the attempt will be resumed."""

    delay_until_ms: int
    attempt_rest_ms: int | None


@attrs.frozen
class ChildrenAwaited(ExecutionEvent):
    """The holder waits for children; the attempt will be resumed."""

    attempt_rest_ms: int | None


@attrs.frozen
class Suspended(ExecutionEvent):
    """The holder waits for something outside; the attempt will be resumed."""

    suspension_id: str
    reason_code: str
    timeout_at_ms: int | None
    timeout_behavior: str
    attempt_rest_ms: int | None


@attrs.frozen
class Resumed(ExecutionEvent):
    """What it waited for has come; it may go on at ``delay_until_ms`` (None: now)."""

    trigger: str
    delay_until_ms: int | None


@attrs.frozen
class SuspensionTimedOut(ExecutionEvent):
    """What it waited for did not come in time; ``phase`` is what that led to."""

    timeout_behavior: str


@attrs.frozen
class AttemptTimedOut(ExecutionEvent):
    """The attempt ran too long: a failure of category ``timeout``, retried or not (D-16)."""

    reason: str
    category: str
    delay_until_ms: int | None


@attrs.frozen
class ReclaimCapReached(ExecutionEvent):
    """It was taken over as often as its policy allows and has failed (D-05)."""

    reclaim_count: int


@attrs.frozen
class Cancelled(ExecutionEvent):
    """Somebody cancelled it."""

    reason: str
    cancelled_by: str
    previous_phase: Phase


@attrs.frozen
class DeadlinePassed(ExecutionEvent):
    """Its deadline passed."""


# -- after the end -------------------------------------------------------------------------


@attrs.frozen
class Replayed(ExecutionEvent):
    """It lives again (D-17)."""

    requested_by: str
    reason: str
    deadline_at_ms: int | None


@attrs.frozen
class Purged(ExecutionEvent):
    """Its record is gone; later epochs start above ``epoch_floor``."""

    epoch_floor: int


# -- workers, lanes, quotas, budgets ---------------------------------------------------------


@attrs.frozen
class WorkerEvent(Event):
    """Something that happened to one worker instance."""

    worker_instance_id: str
    namespace: str


@attrs.frozen
class WorkerAlive(WorkerEvent):
    """A worker instance is alive, and this is what it can do."""

    worker_id: str
    lanes: tuple[str, ...]
    capabilities: tuple[str, ...]
    liveness_ttl_ms: int
    max_leases: int | None
    expires_at_ms: int


@attrs.frozen
class WorkerRegistered(WorkerAlive):
    """A worker instance says what it can do."""


@attrs.frozen
class WorkerRefreshed(WorkerAlive):
    """It is still alive; by a heartbeat, or by registering again, perhaps with other abilities."""


@attrs.frozen
class WorkerLapsed(WorkerEvent):
    """It was silent for too long."""


@attrs.frozen
class WorkerMarkedDead(WorkerEvent):
    """Somebody says that it is dead."""

    reason: str


@attrs.frozen
class LaneEvent(Event):
    """Something that happened to one lane."""

    lane_id: str


@attrs.frozen
class LanePaused(LaneEvent):
    """No grant of any kind is issued in it."""


@attrs.frozen
class LaneDrained(LaneEvent):
    """It takes no new executions."""


@attrs.frozen
class LaneResumed(LaneEvent):
    """It is open again."""


@attrs.frozen
class LaneConfigured(LaneEvent):
    """Its ceiling and its aging are these."""

    max_leases: int | None
    aging_ms_per_point: int | None


@attrs.frozen
class QuotaEvent(Event):
    """Something that happened to one quota policy."""

    quota_policy_id: str


@attrs.frozen
class QuotaPolicyCreated(QuotaEvent):
    """A quota policy came to be."""

    window_ms: int
    max_requests_per_window: int
    max_concurrent: int


@attrs.frozen
class BudgetEvent(Event):
    """Something that happened to one budget."""

    budget_id: str


@attrs.frozen
class BudgetCreated(BudgetEvent):
    """A budget came to be."""

    hard_limits: Mapping[str, int]
    soft_limits: Mapping[str, int]
    reset_interval_ms: int | None


@attrs.frozen
class UsageReported(BudgetEvent):
    """Somebody used so much."""

    deltas: Mapping[str, int]
    dedup_key: str | None


@attrs.frozen
class SpendRecorded(BudgetEvent):
    """An execution spent so much."""

    execution_id: str
    deltas: Mapping[str, int]
    dedup_key: str | None


@attrs.frozen
class BudgetReleased(BudgetEvent):
    """What an execution spent is given back."""

    execution_id: str


@attrs.frozen
class BudgetReset(BudgetEvent):
    """A new period begins, by order."""
