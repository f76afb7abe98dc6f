"""Public calls about executions: creating, changing, replaying, purging."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Final, cast

import attrs

from grantcore.engine.core import TIDYING, Alike, Core
from grantcore.index.lazy import room
from grantcore.model import capabilities, checks
from grantcore.model.errors import (
    BudgetNotFound,
    LaneDraining,
    LimitExceeded,
    QuotaPolicyNotFound,
    invalid,
)
from grantcore.model.ids import MintedIds
from grantcore.model.lanes import LaneStatus
from grantcore.model.outcomes import Created, Duplicate, PriorityChanged
from grantcore.model.outcomes import Replayed as ReplayedOutcome
from grantcore.model.phases import DELAYED
from grantcore.model.policy import ExecutionPolicy
from grantcore.model.records import (
    NO_CARGO,
    NO_TAGS,
    TAGS,
    Cargo,
    Key,
    Spec,
    SpecFields,
    cargo_of,
    spec_fields,
)
from grantcore.model.time import MAX_MS, gone
from grantcore.rules import creating, pausing, replaying

NO_POLICY: Final = ExecutionPolicy()
MAX_NAME_BYTES: Final = 256
MAX_BUDGETS: Final = 64
MAX_REMEMBERED: Final = 64

Given = tuple[int, "int | None", "int | None", "bytes | None", Mapping[str, str]]
"""What a caller gives that an execution has of its own: priority, delay, deadline, payload, tags."""

Own = tuple[int, "int | None", "int | None", "Cargo | None"]
"""The same, judged: priority, delay_until_ms, deadline_at_ms, cargo."""

_UNCHANGING: Final = (tuple, frozenset)
_shared: Final = attrgetter(*(field.name for field in attrs.fields(Alike) if field.init))


class Executions(Core):
    """Executions: what is to be done."""

    def _create(
        self, spec: Spec, execution_id: str | None, idempotency_key: str | None, given: Given
    ) -> Created | Duplicate:
        """Judge what an execution has of its own, and create it."""
        own = self._judge_own(execution_id, idempotency_key, given)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry(2)
        lock.acquire()
        try:
            return self._create_now(self._begin(), spec, execution_id, idempotency_key, own)
        finally:
            lock.release()

    def _judge_own(self, execution_id: object, idempotency_key: object, given: Given) -> Own:
        """Judge what an execution has of its own; what is foreign in it is copied."""
        priority, delay_until_ms, deadline_at_ms, payload, tags = given
        checks.integer("priority", priority, -MAX_MS, MAX_MS)
        if execution_id is not None:
            checks.execution_id(execution_id)
        checks.optional_instant("delay_until_ms", delay_until_ms)
        checks.optional_instant("deadline_at_ms", deadline_at_ms)
        cargo = self._judge_cargo(payload, tags)
        checks.optional_text("idempotency_key", idempotency_key, MAX_NAME_BYTES)
        return (priority, delay_until_ms, deadline_at_ms, cargo)

    def _judge_cargo(self, payload: bytes | None, tags: Mapping[str, str]) -> Cargo | None:
        """Judge what an execution carries; what is foreign in it is copied."""
        if payload is not None:
            payload = checks.blob("payload", payload, self._config.max_payload_bytes)
        if tags is not NO_TAGS:
            tags = checks.tags(tags, self._config.max_tags, self._config.max_text_bytes)
            checks.tag_names(tags)
        return cargo_of(payload, None, tags)

    def _create_now(
        self, now: int, spec: Spec, execution_id: str | None, idempotency_key: str | None, own: Own
    ) -> Created | Duplicate:
        """Create an execution, the general way, unless it is there already."""
        if idempotency_key is not None or execution_id is not None:
            duplicate = self._duplicate(now, spec.namespace, idempotency_key, execution_id)
            if duplicate is not None:
                return duplicate
        self._may_create(spec)
        if execution_id is None:
            execution_id = self._ids.execution_id(spec.lane_id)
            if type(self._ids) is not MintedIds or execution_id in self._records:
                self._refuse_used(execution_id)
        key = None if idempotency_key is None else self._key(now, spec, execution_id, idempotency_key)
        change = creating.create(self._store, now, spec, execution_id, *own, key)
        self._commit(change)
        return Created(execution_id, "delayed" if change[2].phase is DELAYED else "waiting")

    def _key(self, now: int, spec: Spec, execution_id: str, key: str) -> creating.NewKey:
        """An idempotency key and what it answers, for the window."""
        expires_at_ms = min(now + self._config.idempotency_window_ms, MAX_MS)
        return ((spec.namespace, key), Key(execution_id, expires_at_ms))

    def _spec(self, given: Alike) -> Spec:
        """Judge what executions share, and find the one spec of those created alike.

        What was given is remembered, by identity, if it cannot change: most executions are created like
        the one before, and nearly all others like one not long ago.
        """
        names = tuple(map(id, _shared(given)))
        known = self._alikes.get(names)
        if known is not None:
            self._last_alike = known
            return known.spec
        fields = (
            checks.lane_id(given.lane_id),
            capabilities.read("required", given.required_capabilities),
            checks.text("namespace", given.namespace, MAX_NAME_BYTES),
            checks.text("execution_kind", given.execution_kind, MAX_NAME_BYTES),
            checks.text("creator_identity", given.creator_identity, MAX_NAME_BYTES),
            checks.instance("policy", given.policy, ExecutionPolicy),
            checks.optional_text("quota_policy_id", given.quota_policy_id, MAX_NAME_BYTES),
            _names("budget_ids", given.budget_ids),
        )
        spec = self._interned(fields)
        if type(given.required_capabilities) in _UNCHANGING and type(given.budget_ids) in _UNCHANGING:
            given.spec = spec
            self._last_alike = given
            if len(self._alikes) == MAX_REMEMBERED:
                self._alikes.clear()
            self._alikes[names] = given
        return spec

    def _duplicate(
        self, now: int, namespace: str, key: str | None, execution_id: str | None
    ) -> Duplicate | None:
        """Look for a remembered key first, then for the id; expired keys are no keys (D-27)."""
        if key is not None:
            known = self._store.keys.get((namespace, key))
            if known is not None and not gone(known.expires_at_ms, now):
                return Duplicate(known.execution_id, "idempotency_key")
            self._forget_keys(now)
        if execution_id is not None and execution_id in self._records:
            return Duplicate(execution_id, "execution_id")
        return None

    def _forget_keys(self, now: int) -> None:
        """Drop expired keys when they may outnumber the others. O(1) amortised."""
        keys = self._store.keys
        if len(keys) >= self._keys_limit:
            for name in [name for name, key in keys.items() if gone(key.expires_at_ms, now)]:
                del keys[name]
            self._keys_limit = room(len(keys))

    def _may_create(self, spec: Spec) -> None:
        """Refuse what does not exist or does not fit."""
        if spec.quota_policy_id is not None and spec.quota_policy_id not in self._store.quotas:
            raise QuotaPolicyNotFound("no quota policy has this id")
        if spec.budget_ids and not self._store.budgets.keys() >= set(spec.budget_ids):
            raise BudgetNotFound("no budget has this id")
        if spec.lane.state is LaneStatus.DRAINING:
            raise LaneDraining("the lane takes no new executions")
        limit = self._config.max_executions
        if limit is not None and len(self._records) >= limit:
            raise LimitExceeded("the store is full", limit="max_executions")
        if spec.is_shelved:
            return
        self._pending = TIDYING
        has_room = self._indexes.waiting.has_room(spec)
        self._pending = None
        if not has_room:
            raise LimitExceeded("too many distinct requirement sets wait here", limit="max_shelves_per_lane")

    def _refuse_used(self, execution_id: str) -> None:
        """Refuse what an id source gave if it is no id, or in use."""
        checks.execution_id(execution_id, "ids.execution_id")
        if execution_id in self._records:
            raise invalid("ids.execution_id", "an id that is not in use")

    def _interned(self, alike: SpecFields) -> Spec:
        """The one spec of all executions created alike. O(1) amortised."""
        spec = self._specs.get(alike)
        if spec is None:
            if len(self._specs) > room(len(self._records)):
                self._specs = {spec_fields(record.spec): record.spec for record in self._records.values()}
                self._alikes.clear()
            spec = self._specs[alike] = Spec(
                *alike[:5], copy.deepcopy(alike[5]), *alike[6:], self._store.lane(alike[0])
            )
        return spec

    def change_priority(self, execution_id: str, new_priority: int) -> PriorityChanged:
        """Move a waiting execution to another place in its queue.

        Args:
            execution_id: the execution.
            new_priority: clamped to 0..9000.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotEligible: it is not ELIGIBLE; a live grant does not matter.
            InvalidInput: an argument is malformed.

        O(log n). SPEC 5; reference 9.3.
        """
        checks.integer("new_priority", new_priority, -MAX_MS, MAX_MS)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            record = self._find(execution_id)
            old = record.priority
            self._commit(creating.change_priority(record, now, new_priority))
            return PriorityChanged(execution_id, old, record.priority)
        finally:
            lock.release()

    def set_execution_tags(self, execution_id: str, tags: Mapping[str, str]) -> None:
        """Merge tags into those there are, in any phase.

        Args:
            execution_id: the execution.
            tags: at least one; names are lower-case letters, digits and underscores, a dot, a name.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidTagKey: a name is malformed; nothing is written.
            InvalidInput: another argument is malformed, or there would be more than config.max_tags.

        O(tags). Reference 9.4.
        """
        tags = checks.tags(tags, self._config.max_tags, self._config.max_text_bytes)
        if not tags:
            raise invalid("tags", "at least one entry")
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            record = self._find(execution_id)
            checks.tag_names(tags)
            old = (record.cargo or NO_CARGO)[TAGS]
            if len(old.keys() | tags.keys()) > self._config.max_tags:
                raise invalid("tags", f"at most {self._config.max_tags} entries")
            self._commit(creating.set_tags(record, now, tags))
        finally:
            lock.release()

    def promote_blocked_to_eligible(self, execution_id: str) -> None:
        """Say that the children are done: the execution waits for a worker, its attempt for a resume.

        Raises:
            ExecutionNotFound: no such execution.
            NotRunnable: it is active or has ended.
            NotBlockedByDeps: it does not wait for children (an order is lifted by ``unblock``).
            InvalidInput: the id is malformed.

        O(1). SPEC 5; reference 6.5.
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            self._commit(pausing.promote(self._find(execution_id), now))
        finally:
            lock.release()

    def replay_execution(
        self,
        execution_id: str,
        *,
        requested_by: str = "",
        reason: str = "",
        deadline_at_ms: int | None = None,
    ) -> ReplayedOutcome:
        """Give an ended execution a new life: counts, marks, result and progress are gone.

        Epoch, attempt indexes and history go on; the next attempt is of type replay (D-17).

        Args:
            execution_id: the execution.
            requested_by: who wants it; kept as lineage.
            reason: why; kept as lineage.
            deadline_at_ms: a new deadline, in milliseconds; None: none.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotTerminal: it has not ended.
            MaxReplaysExhausted: the policy allows no further replay.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5; reference 10.
        """
        checks.text("requested_by", requested_by, self._config.max_text_bytes)
        checks.text("reason", reason, self._config.max_text_bytes)
        checks.optional_instant("deadline_at_ms", deadline_at_ms)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            record = self._find(execution_id)
            self._commit(replaying.replay(record, now, requested_by, reason, deadline_at_ms))
            return ReplayedOutcome(execution_id, "waiting")
        finally:
            lock.release()

    def purge_execution(self, execution_id: str) -> None:
        """Forget an ended execution now; after config.retention_ms it happens by itself.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotTerminal: it has not ended.
            InvalidInput: the id is malformed.

        O(1) amortised. SPEC 5, 11.
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            self._commit(replaying.purge(self._find(execution_id), now, self._store))
        finally:
            lock.release()


def _names(field: str, names: object) -> tuple[str, ...]:
    """Read a bounded list of ids."""
    if type(names) is tuple and not names:
        return ()
    if isinstance(names, (str, bytes, Mapping)) or not isinstance(names, Iterable):
        raise invalid(field, "an iterable of str")
    given = cast("Iterable[object]", names)
    read: dict[str, None] = {}
    for count, name in enumerate(given):
        if count == MAX_BUDGETS:
            raise invalid(field, f"at most {MAX_BUDGETS} names")
        read[checks.text(field, name, MAX_NAME_BYTES, least=1)] = None
    return tuple(read)
