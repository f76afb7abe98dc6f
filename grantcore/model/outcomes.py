"""Results of calls: small frozen values, to be used with ``match`` (SPEC 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from grantcore.model.errors import GrantError
from grantcore.model.grants import ReclaimGrant
from grantcore.model.lanes import LaneStatus
from grantcore.model.leases import Lease
from grantcore.model.phases import Phase
from grantcore.model.views import ExecutionSnapshot
from grantcore.model.workers import Registration


class CreatedLayout:
    """The slots of :class:`Created` (``model/values.py``)."""

    __slots__ = ("execution_id", "public_state")

    execution_id: str
    public_state: str


@attrs.frozen(weakref_slot=False)
class Created(CreatedLayout):
    """The execution exists now; ``public_state`` is waiting or delayed."""

    execution_id: str
    public_state: str


@attrs.frozen
class Duplicate:
    """The execution exists already; ``matched`` says what told so."""

    execution_id: str
    matched: Literal["execution_id", "idempotency_key"]


class OpenCreated(CreatedLayout):
    """Becomes a :class:`Created`."""

    __slots__ = ()


class CompletedLayout:
    """The slots of :class:`Completed`."""

    __slots__ = ("execution_id",)

    execution_id: str


@attrs.frozen(weakref_slot=False)
class Completed(CompletedLayout):
    """The execution has succeeded."""

    execution_id: str


class OpenCompleted(CompletedLayout):
    """Becomes a :class:`Completed`."""

    __slots__ = ()


@attrs.frozen
class RetryScheduled:
    """The attempt failed; the next one may start at ``delay_until_ms``."""

    execution_id: str
    delay_until_ms: int
    next_attempt_index: int


@attrs.frozen
class TerminalFailed:
    """The execution has failed for good."""

    execution_id: str


@attrs.frozen
class Delayed:
    """The attempt is interrupted and may be resumed from ``delay_until_ms`` on."""

    execution_id: str
    delay_until_ms: int


@attrs.frozen
class Moved:
    """The attempt is interrupted and waits for children."""

    execution_id: str


@attrs.frozen
class Suspended:
    """The attempt is interrupted until :meth:`grantcore.GrantEngine.resume_execution`, or its timeout."""

    execution_id: str
    suspension_id: str


@attrs.frozen
class Resumed:
    """The attempt may go on; ``public_state`` is waiting or delayed."""

    execution_id: str
    public_state: str


@attrs.frozen
class Replayed:
    """The execution lives again."""

    execution_id: str
    public_state: str


@attrs.frozen
class Cancelled:
    """The execution is cancelled; ``previous_phase`` is where it was."""

    execution_id: str
    previous_phase: Phase


@attrs.frozen
class PriorityChanged:
    """Priority before and after, clamped to 0..9000."""

    execution_id: str
    old: int
    new: int


@attrs.frozen
class Granted:
    """The reclaim grant that was asked for."""

    grant: ReclaimGrant


@attrs.frozen
class NotReclaimable:
    """There is nothing to take over for this worker; ``detail`` is ``code`` or ``code: text``."""

    execution_id: str
    detail: str


@attrs.frozen
class ReclaimCapExceeded:
    """It has been taken over ``reclaim_count`` times, which was all; it has now failed (D-05)."""

    execution_id: str
    reclaim_count: int


@attrs.frozen
class Reclaimed:
    """The lease of the new attempt."""

    lease: Lease


@attrs.frozen
class GrantNotFound:
    """No such reclaim grant: missing, used, lapsed, or another worker's."""

    execution_id: str


@attrs.frozen
class LeaseLost:
    """One lease of many could not be renewed; ``error`` is the refusal."""

    execution_id: str
    error: GrantError


@attrs.frozen
class Refused:
    """One item of a batch was refused; ``error`` is what the single call would have raised."""

    error: GrantError


@attrs.frozen
class Revoked:
    """The lease is revoked; its fence is named."""

    execution_id: str
    lease_id: str
    lease_epoch: int


@attrs.frozen
class AlreadySatisfied:
    """There was nothing to do; ``reason`` says why."""

    reason: str


@attrs.frozen
class Blocked:
    """The execution is blocked by order."""

    execution_id: str


@attrs.frozen
class Unblocked:
    """The order is lifted."""

    execution_id: str


@attrs.frozen
class AdvanceReport:
    """How many lapses were applied, and whether more are due."""

    lapsed: int
    more: bool


@attrs.frozen
class ExecutionsPage:
    """Some executions; ``next`` is given as ``after`` for the following ones, None at the end."""

    entries: tuple[ExecutionSnapshot, ...]
    next: str | None


@attrs.frozen
class ExpiredLease:
    """A lease that ended and waits to be reclaimed."""

    execution_id: str
    lane_id: str
    required_capabilities: tuple[str, ...]
    lease: Lease
    cause: Literal["expired", "revoked"]
    ended_at_ms: int


@attrs.frozen
class ExpiredLeasesPage:
    """Some lost leases, oldest first; ``next`` as in :class:`ExecutionsPage`."""

    entries: tuple[ExpiredLease, ...]
    next: str | None


@attrs.frozen
class LaneState:
    """A lane as it is set up."""

    lane_id: str
    state: LaneStatus
    max_leases: int | None
    aging_ms_per_point: int | None


@attrs.frozen
class Registered:
    """The worker instance is known and alive until ``expires_at_ms``."""

    worker_instance_id: str
    expires_at_ms: int


@attrs.frozen
class Refreshed:
    """It was alive already, and is until ``expires_at_ms``."""

    worker_instance_id: str
    ttl_ms: int
    expires_at_ms: int


@attrs.frozen
class NotRegistered:
    """No live worker instance has this id."""

    worker_instance_id: str


@attrs.frozen
class Marked:
    """It counts as dead from now on; its leases end by their own TTL."""

    worker_instance_id: str


@attrs.frozen
class WorkersPage:
    """Some live worker instances; ``next`` as in :class:`ExecutionsPage`."""

    entries: tuple[Registration, ...]
    next: str | None


@attrs.frozen
class Added:
    """The quota policy or budget exists now."""

    id: str


@attrs.frozen
class Breach:
    """A limit that was passed: what is or would be used, and the limit."""

    dimension: str
    current: int
    limit: int


@attrs.frozen
class UsageApplied:
    """The amounts are added; ``soft_breach`` is the first soft limit that is passed now."""

    budget_id: str
    soft_breach: Breach | None


@attrs.frozen
class HardBreach:
    """Nothing is applied: the dimension would pass its hard limit; ``current`` is what is used."""

    budget_id: str
    dimension: str
    current: int
    limit: int


@attrs.frozen
class BudgetStatus:
    """A budget as it stands in the present period."""

    budget_id: str
    hard_limits: Mapping[str, int]
    soft_limits: Mapping[str, int]
    usage: Mapping[str, int]
    by_execution: Mapping[str, Mapping[str, int]]
    next_reset_at_ms: int | None


@attrs.frozen
class EngineStats:
    """Counts, read in O(1)."""

    executions_by_phase: Mapping[Phase, int]
    live_grants: int
    current_leases: int
    waiting_for_reclaim: int
    live_workers: int
    events: int
    clock_clamped: int
