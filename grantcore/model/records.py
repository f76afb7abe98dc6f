"""What the engine keeps of an execution.

One mutable record per execution, hot and small. Three things hang off it: the :class:`Spec` it shares
with all executions created alike; :class:`Rare`, made when one of its fields is first needed; and
:class:`Past`, made when something happened that the record's own stamps do not tell. Until then the
one attempt and its history are read off the record (``model/past.py``), and ``check()`` proves that
reading. Nothing here is a rule: rules decide, these are stored to.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import attrs

from grantcore.model.budgets import Budget
from grantcore.model.grants import GrantKind, HeldGrant
from grantcore.model.ids import Minted
from grantcore.model.lanes import Lane
from grantcore.model.leases import ATTEMPT_INDEX, LEASE_EPOCH, Taking
from grantcore.model.phases import ELIGIBLE, OFFERED, TERMINAL, Phase
from grantcore.model.policy import ExecutionPolicy
from grantcore.model.quotas import Quota
from grantcore.model.time import NEVER
from grantcore.model.values import FrozenDict
from grantcore.model.views import Attempt, LeaseEvent
from grantcore.model.workers import Registration

NO_TAGS: Final[Mapping[str, str]] = FrozenDict()


Cargo = tuple["bytes | None", "bytes | None", Mapping[str, str]]
"""What an execution carries for its users: payload, result, tags. The engine only hands it on.

A plain tuple that is replaced as a whole: most executions carry something, and it costs one object.
"""

PAYLOAD: Final = 0
RESULT: Final = 1
TAGS: Final = 2
"""Places in a cargo."""

NO_CARGO: Final[Cargo] = (None, None, NO_TAGS)


def cargo_of(payload: bytes | None, result: bytes | None, tags: Mapping[str, str]) -> Cargo | None:
    """A cargo, or None for an empty one."""
    return None if payload is None and result is None and not tags else (payload, result, tags)


def with_result(cargo: Cargo | None, result: bytes) -> Cargo:
    """The same cargo with a result."""
    payload, _, tags = cargo or NO_CARGO
    return (payload, result, tags)


class Origin(StrEnum):
    """What the next attempt of a waiting execution will be; of the others, what the last one was."""

    FIRST = "pending_first_attempt"
    RETRY = "pending_retry_attempt"
    REPLAY = "pending_replay_attempt"
    INTERRUPTED = "attempt_interrupted"

    __hash__ = str.__hash__


FIRST = Origin.FIRST
RETRY = Origin.RETRY
REPLAY = Origin.REPLAY
INTERRUPTED = Origin.INTERRUPTED

CLAIM = GrantKind.CLAIM
RESUME = GrantKind.RESUME
RECLAIM = GrantKind.RECLAIM


def _is_plain(spec: Spec) -> bool:
    return spec.quota_policy_id is None and not spec.budget_ids and spec.policy.attempt_timeout_ms is None


@attrs.define(eq=False, weakref_slot=False)
class Spec:
    """What all executions created alike share; interned by the engine, so it is compared by identity.

    It never changes, save for the mark of the shelves and what is made at its first use.
    """

    lane_id: str
    required: tuple[str, ...]
    namespace: str
    execution_kind: str
    creator_identity: str
    policy: ExecutionPolicy
    quota_policy_id: str | None
    budget_ids: tuple[str, ...]
    lane: Lane = attrs.field(default=attrs.Factory(lambda spec: Lane(spec.lane_id), takes_self=True))
    """The lane itself; no part of what a spec is told apart by."""

    is_plain: bool = attrs.field(init=False, default=attrs.Factory(_is_plain, takes_self=True))
    """Nothing is metered and no attempt times out: what ``engine/inner.py`` may do by itself."""

    is_shelved: bool = attrs.field(default=False, init=False)
    """Whether there is a shelf for fresh attempts of it, with room: derived (``index/waiting.py``)."""

    copied_policy: ExecutionPolicy | None = attrs.field(default=None, init=False)
    """The policy as events tell it: a copy, made when it is first told."""


def shown_policy(spec: Spec) -> ExecutionPolicy:
    """The policy as the engine shows it: never its own."""
    if spec.copied_policy is None:
        spec.copied_policy = copy.deepcopy(spec.policy)
    return spec.copied_policy


def shown_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Tags as the engine shows them: never its own."""
    return FrozenDict(tags) if tags else NO_TAGS


SpecFields = tuple[str, tuple[str, ...], str, str, str, ExecutionPolicy, "str | None", tuple[str, ...]]
"""The fields of a spec, in order: what it is interned by."""


def spec_fields(spec: Spec) -> SpecFields:
    """Take a spec apart."""
    return (
        spec.lane_id,
        spec.required,
        spec.namespace,
        spec.execution_kind,
        spec.creator_identity,
        spec.policy,
        spec.quota_policy_id,
        spec.budget_ids,
    )


@attrs.define(eq=False, weakref_slot=False)
class Rare:
    """What few executions have."""

    delay_until_ms: int | None = None
    deadline_at_ms: int | None = None
    deadline_due_ms: int = NEVER
    """``deadline_at_ms``, or the instant that set it when that was later (SPEC 3)."""

    attempt_timeout_at_ms: int = NEVER
    attempt_rest_ms: int | None = None

    blocking_reason: str | None = None
    """Why a BLOCKED or SUSPENDED execution waits; of DELAYED ones only those that were resumed have it."""

    blocking_detail: str = ""

    suspension_timeout_at_ms: int | None = None
    suspension_behavior: str = ""
    """What the timeout does; both only in SUSPENDED."""

    lease_revoked_at_ms: int | None = None
    lease_revoke_reason: str = ""
    last_capability_mismatch_at_ms: int | None = None

    progress_pct: int | None = None
    progress_message: str | None = None
    progress_updated_at_ms: int | None = None

    failure_reason: str | None = None
    cancellation_reason: str | None = None
    cancelled_by: str | None = None

    pending_retry_reason: str | None = None
    pending_replay_reason: str | None = None
    pending_replay_requested_by: str | None = None
    pending_previous_attempt_index: int | None = None


@attrs.define(eq=False, weakref_slot=False)
class Past:
    """Attempts and lease history once they are more than the record's stamps tell."""

    attempts: dict[int, Attempt]
    history: dict[int, LeaseEvent]
    """By number, from 0; the oldest are dropped beyond the limit."""

    noted: int
    """How many lease events there ever were."""

    first: int = 0
    """The number of the oldest one that is kept."""

    started_at_ms: int | None = None
    """When the first attempt of this life began: None while it has none."""

    retry_count: int = 0
    replay_count: int = 0
    reclaim_count: int = 0


@attrs.define(eq=False, weakref_slot=False, init=False)
class Execution:
    """One unit of work and who may, or does, work on it.

    Made by :func:`new_execution`, or blank, by a caller that stores every field itself.
    """

    execution_id: str
    spec: Spec
    phase: Phase | None
    priority: int
    created_at_ms: int
    last_transition_at_ms: int
    last_mutation_at_ms: int

    origin: Origin = FIRST
    grant: HeldGrant | None = None

    # The current lease, in LEASED; else the last one.
    taking: Taking | None = None
    lease_id: Minted | None = None
    attempt_id: Minted | None = None
    """Of the last attempt; None before the first and from a failure that is retried to the next lease."""

    acquired_at_ms: int = 0
    expires_at_ms: int = 0
    renewed_at_ms: int = 0
    lost_sequence: int = 0
    """Event number at which the lease was lost: the order of those that wait for reclaim."""

    cargo: Cargo | None = None
    rare: Rare | None = None
    past: Past | None = None

    # Marks of the indexes: derived, rebuilt with them.
    filed_ms: int = NEVER
    filed_as: int = 0
    """Kind of the deadline it is filed under."""

    queued: object = None
    """The line it stands in (``index/lines.py``)."""

    @property
    def lease_epoch(self) -> int:
        """The epoch of the last lease, 0 before the first (I-02)."""
        return 0 if self.taking is None else self.taking[LEASE_EPOCH]

    @property
    def attempt_count(self) -> int:
        """How many attempts there were: each began with a lease (I-27)."""
        return 0 if self.taking is None else self.taking[ATTEMPT_INDEX] + 1

    @property
    def started_at_ms(self) -> int | None:
        """When its first attempt began, since it was created or replayed."""
        if self.past is not None:
            return self.past.started_at_ms
        return None if self.taking is None else self.acquired_at_ms

    @property
    def completed_at_ms(self) -> int | None:
        """When it ended: nothing moves it after that but a new life."""
        return self.last_transition_at_ms if self.phase in TERMINAL else None

    @property
    def interrupted(self) -> bool:
        """Whether the next lease goes on with the last attempt."""
        return self.origin is INTERRUPTED

    @property
    def waits_for_children(self) -> bool:
        """Whether a BLOCKED execution waits for children, not for an order."""
        return self.rare is not None and self.rare.blocking_reason == WAITING_FOR_CHILDREN

    @property
    def offered(self) -> bool:
        """Whether it stands on a shelf: it waits or has lost its lease, and no grant is out (I-20)."""
        return self.grant is None and self.phase in OFFERED

    @property
    def next_kind(self) -> GrantKind:
        """The kind of grant that a waiting or lost one needs."""
        if self.phase is not ELIGIBLE:
            return RECLAIM
        return RESUME if self.origin is INTERRUPTED else CLAIM


def new_execution(execution_id: str, spec: Spec, priority: int, now_ms: int) -> Execution:
    """Make the record of an execution that has no phase yet."""
    record = Execution()
    fill: Any = record
    fill.__attrs_init__(execution_id, spec, None, priority, now_ms, now_ms, now_ms)
    return record


WAITING_FOR_CHILDREN: Final = "waiting_for_children"
WAITING_FOR_RESUME_DELAY: Final = "waiting_for_resume_delay"


def rare_of(record: Execution) -> Rare:
    """The record's rare part, made if it is not there yet; may be repeated."""
    if record.rare is None:
        record.rare = Rare()
    return record.rare


NOTHING: Final = Rare()
NO_PAST: Final = Past({}, {}, 0)
"""What an execution without a rare part or a past has; read, never written. Its counts are all zero, too:
for its attempt and its history there is ``past_of`` (``model/past.py``)."""


@attrs.define(eq=False, weakref_slot=False)
class Key:
    """An idempotency key: the execution it answers with, and until when."""

    execution_id: str
    expires_at_ms: int


@attrs.define(eq=False, weakref_slot=False)
class Store:
    """The truth of an engine: the records, the keys, the event number. All else is derived from it."""

    records: dict[str, Execution] = attrs.field(factory=dict[str, Execution])
    keys: dict[tuple[str, str], Key] = attrs.field(factory=dict[tuple[str, str], Key])
    """Idempotency keys by (namespace, key)."""

    lanes: dict[str, Lane] = attrs.field(factory=dict[str, "Lane"])
    workers: dict[tuple[str, str], Registration] = attrs.field(factory=dict[tuple[str, str], "Registration"])
    """Live ones, by (namespace, worker_instance_id)."""

    quotas: dict[str, Quota] = attrs.field(factory=dict[str, "Quota"])
    budgets: dict[str, Budget] = attrs.field(factory=dict[str, "Budget"])

    sequence: int = 0
    """Number of the last event."""

    epoch_floor: int = 0
    """The first lease of an execution has an epoch above this one: that of every purged execution."""

    restored_floor: int = 0
    """Every later lease has one above this: ``restore`` was told that such epochs had been seen."""

    def lane(self, lane_id: str) -> Lane:
        """The lane of this name, made if it is not there: one, whoever asks at the same time. O(1)."""
        lane = self.lanes.get(lane_id)
        return self.lanes.setdefault(lane_id, Lane(lane_id)) if lane is None else lane
