"""Chapter 2: what there is. Plain records; everything else is looked up by going through all of them."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from grantcore import (
    AttemptInfo,
    ExecutionPolicy,
    GrantRecord,
    LaneStatus,
    Lease,
    LeaseEvent,
    Phase,
)

TERMINAL = (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED)
LOST = (Phase.LEASE_EXPIRED, Phase.LEASE_REVOKED)
ACTIVE = (Phase.LEASED, *LOST)
RUNNABLE = (Phase.DELAYED, Phase.ELIGIBLE, Phase.BLOCKED)


@attrs.define(kw_only=True, eq=False)
class Execution:
    """One unit of work."""

    execution_id: str
    lane_id: str
    required: tuple[str, ...]
    namespace: str
    execution_kind: str
    creator_identity: str
    policy: ExecutionPolicy
    quota_policy_id: str | None
    budget_ids: tuple[str, ...]
    payload: bytes | None
    tags: dict[str, str]
    created_at_ms: int

    phase: Phase
    priority: int
    next_attempt: str = "pending_first_attempt"
    """FlowFabric's attempt_state while nobody works on it: what the next attempt will be."""

    last_transition_at_ms: int
    last_mutation_at_ms: int
    started_at_ms: int | None = None
    completed_at_ms: int | None = None

    grant: GrantRecord | None = None
    lease: Lease | None = None
    """The current one, or the last there was."""

    lease_epoch: int = 0
    renewed_at_ms: int | None = None
    lost_at: tuple[int, int] | None = None
    """When the lease was lost, and the number of that event."""

    revoked_at_ms: int | None = None
    revoke_reason: str = ""

    attempts: list[AttemptInfo] = attrs.field(factory=list[AttemptInfo])
    attempt_id: str | None = None
    history: list[LeaseEvent] = attrs.field(factory=list[LeaseEvent])
    retry_count: int = 0
    replay_count: int = 0
    reclaim_count: int = 0

    deadline_at_ms: int | None = None
    deadline_due_ms: int | None = None
    delay_until_ms: int | None = None
    delay_due_ms: int | None = None
    delay_reason: str = "waiting_for_delay"
    timeout_at_ms: int | None = None
    rest_ms: int | None = None
    """What is left of the clock of an interrupted attempt."""

    blocked_for: str | None = None
    """An order's reason, or waiting_for_children."""

    blocked_detail: str = ""

    suspension_id: str | None = None
    suspension_behavior: str = ""
    suspension_timeout_at_ms: int | None = None
    suspension_due_ms: int | None = None
    """The timeout, or the instant that set it when that was later."""

    result: bytes | None = None
    failure_reason: str | None = None
    cancellation_reason: str | None = None
    cancelled_by: str | None = None
    mismatch_at_ms: int | None = None
    progress_pct: int | None = None
    progress_message: str | None = None
    progress_at_ms: int | None = None

    pending_retry_reason: str | None = None
    pending_replay_reason: str | None = None
    pending_replay_requested_by: str | None = None
    pending_previous_attempt_index: int | None = None

    @property
    def interrupted(self) -> bool:
        """Whether the next lease goes on with the last attempt."""
        return self.next_attempt == "attempt_interrupted"

    @property
    def offered(self) -> bool:
        """Whether it waits for a worker to ask for it (SPEC 7)."""
        return self.grant is None and (self.phase is Phase.ELIGIBLE or self.phase in LOST)


@attrs.define(eq=False)
class Key:
    """An idempotency key."""

    namespace: str
    key: str
    execution_id: str
    expires_at_ms: int


@attrs.define(eq=False)
class Lane:
    """A named queue; one that nobody has touched is open and without limits."""

    lane_id: str
    state: LaneStatus = LaneStatus.OPEN
    max_leases: int | None = None
    aging_ms_per_point: int | None = None
    credit: int = 0
    """Of the weighted round robin."""


@attrs.define(eq=False)
class Quota:
    """A quota policy, and when claim grants were issued under it; 0 is no limit."""

    quota_policy_id: str
    window_ms: int
    max_requests_per_window: int
    max_concurrent: int
    issued: list[int] = attrs.field(factory=list[int])


@attrs.define(eq=False)
class Budget:
    """A budget, and what was used of it since its period began."""

    budget_id: str
    hard_limits: dict[str, int]
    soft_limits: dict[str, int]
    reset_interval_ms: int | None
    began_at_ms: int
    usage: dict[str, int] = attrs.field(factory=dict[str, int])
    by_execution: dict[str, dict[str, int]] = attrs.field(factory=dict[str, "dict[str, int]"])
    keys: dict[str, int] = attrs.field(factory=dict[str, int])
    """De-duplication keys, and when each is forgotten."""


@attrs.frozen
class Told:
    """One event: its number, name, instant and subject."""

    sequence: int
    name: str
    at_ms: int
    subject: str


@attrs.frozen(order=True)
class Due:
    """A deadline: instant, rank of its kind (SPEC 3), id; and what it does."""

    at_ms: int
    rank: int
    subject: str
    namespace: str = ""
    apply: Callable[[int], None] = attrs.field(kw_only=True, order=False)
