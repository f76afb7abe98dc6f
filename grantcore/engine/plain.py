"""The plain case of the five calls that a scheduler's inner loop is made of, unrolled.

Creating, granting, claiming, renewing and completing an execution, when nothing else is going on: no
observer, no earlier attempt, no timeout, delay, payload or result. That is most of what most hosts do, and
going through a rule, a change, the commit and the indexes costs it twice as much as the work itself. So
these functions do the same in one body each: look, fill the slot with the very change the rule would have
decided, store, move the indexes, clear the slot.

They decide nothing. Whatever is not plain, a refusal above all, they leave alone by answering None, and the
general way goes on from there, with the one rule that knows. An interruption is finished by the general
writer, which the slot names. ``tests/test_plain.py`` runs the same commands both ways (an observer
makes every call take the general way) and compares results, state and digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grantcore.model import events
from grantcore.model.grants import GrantKind, HeldGrant, new_claim_grant, new_held_grant
from grantcore.model.ids import MintedIds
from grantcore.model.leases import ATTEMPT_ID, AttemptType, LeaseKind, new_lease
from grantcore.model.outcomes import new_completed, new_created
from grantcore.model.phases import ELIGIBLE, LEASED, SUCCEEDED
from grantcore.model.records import INTERRUPTED, NO_TAGS, Execution
from grantcore.model.time import MAX_MS
from grantcore.rules.change import ASK, NONE_SET, step
from grantcore.rules.claiming import write_first_lease
from grantcore.rules.creating import MAX_PRIORITY, write_creation
from grantcore.rules.ending import write_success
from grantcore.rules.granting import write_grant
from grantcore.rules.holding import write_renewal

if TYPE_CHECKING:
    from grantcore.engine.core import Core
    from grantcore.model.grants import ClaimGrant
    from grantcore.model.leases import Lease
    from grantcore.model.outcomes import Completed, Created
    from grantcore.model.records import Spec
    from grantcore.model.requests import IssueClaimGrantRequest

_CREATED: Final = step(events.Created, None, ELIGIBLE)
_ISSUED: Final = step(events.GrantIssued, ELIGIBLE, ELIGIBLE)
_ACQUIRED: Final = step(events.LeaseAcquired, ELIGIBLE, LEASED)
_RENEWED: Final = step(events.LeaseRenewed, LEASED, LEASED)
_COMPLETED: Final = step(events.Completed, LEASED, SUCCEEDED)

_CLAIM: Final = GrantKind.CLAIM
_FRESH: Final = LeaseKind.FRESH.value
_INITIAL: Final = AttemptType.INITIAL.value


def create(core: Core, now: int, spec: Spec, execution_id: str, priority: int) -> Created | None:
    """Create an execution that waits and has nothing rare."""
    if core._subscriptions or not 0 <= priority <= MAX_PRIORITY:
        return None
    record = Execution(execution_id, spec, ELIGIBLE, priority, now, now, now)
    store = core._store
    sequence = store.sequence + 1
    told = (None, NO_TAGS, None, None, None, store)
    core._pending = (sequence, (_CREATED, write_creation, record, now, told, NONE_SET), None, None)
    core._records[execution_id] = record
    indexes = core._indexes
    indexes.counts[ELIGIBLE] += 1
    indexes.roll.add(record)
    indexes.waiting.offer(record)
    store.sequence = sequence
    core._pending = None
    return new_created(execution_id, "waiting")


def issue(core: Core, now: int, execution_id: str, request: IssueClaimGrantRequest) -> ClaimGrant | None:
    """Grant a waiting execution that the worker may take."""
    record = core._records.get(execution_id) if type(execution_id) is str else None
    if (
        record is None
        or record.phase is not ELIGIBLE
        or record.grant is not None
        or record.origin is INTERRUPTED
        or core._subscriptions
    ):
        return None
    spec = record.spec
    expires_at_ms = now + request.grant_ttl_ms
    if (
        request.lane_id != spec.lane_id
        or expires_at_ms > MAX_MS
        or (spec.required and not request.worker_capabilities.issuperset(spec.required))
    ):
        return None
    grant = new_held_grant(HeldGrant, (_CLAIM, now, expires_at_ms, request.terms))
    store = core._store
    sequence = store.sequence + 1
    core._pending = (sequence, (_ISSUED, write_grant, record, now, (grant,), expires_at_ms), None, None)
    record.grant = grant
    core._indexes.live_grants += 1
    if expires_at_ms <= record.filed_ms:
        core._deadlines.file(record)
    store.sequence = sequence
    core._pending = None
    return new_claim_grant(execution_id, expires_at_ms)


def claim(
    core: Core, now: int, given: ClaimGrant, worker_id: str, worker_instance_id: str, ttl: int
) -> Lease | None:
    """Take the first lease of an execution with its grant."""
    record = core._records.get(given.execution_id)
    if record is None:
        return None
    grant = record.grant
    ids = core._ids
    spec = record.spec
    expires_at_ms = now + ttl
    if (
        grant is None
        or grant.kind is not _CLAIM
        or grant.terms[0] != worker_id
        or record.tenure is not None
        or record.rare is not None
        or record.past is not None
        or spec.policy.attempt_timeout_ms is not None
        or core._subscriptions
        or type(ids) is not MintedIds
        or expires_at_ms > MAX_MS
    ):
        return None
    store = core._store
    attempt_id = ids.pair()
    tenure = (
        record.execution_id,
        spec.lane_id,
        attempt_id + 1,
        store.epoch_floor + 1,
        attempt_id,
        0,
        _INITIAL,
        _FRESH,
        worker_id,
        worker_instance_id,
        now,
        ids.prefix,
    )
    lease = new_lease(tenure, expires_at_ms, now + ttl * 2 // 3)
    sequence = store.sequence + 1
    change = (_ACQUIRED, write_first_lease, record, now, (lease, None, False), expires_at_ms)
    core._pending = (sequence, change, None, None)
    record.grant = None
    record.tenure = tenure
    record.attempt_id = tenure[ATTEMPT_ID]
    record.expires_at_ms = expires_at_ms
    record.renewed_at_ms = record.started_at_ms = now
    record.last_transition_at_ms = record.last_mutation_at_ms = now
    record.phase = LEASED
    indexes = core._indexes
    indexes.live_grants -= 1
    counts = indexes.counts
    counts[ELIGIBLE] -= 1
    counts[LEASED] += 1
    indexes.holders.add(record)
    if expires_at_ms <= record.filed_ms:
        core._deadlines.file(record)
    store.sequence = sequence
    core._pending = None
    return lease


def renew(core: Core, now: int, lease: Lease, ttl: int) -> Lease | None:
    """Move the end of a lease whose holder hands in the lease itself."""
    tenure = lease.tenure
    record = core._records.get(tenure[0])
    expires_at_ms = now + ttl
    if (
        record is None
        or record.tenure is not tenure
        or record.phase is not LEASED
        or core._subscriptions
        or expires_at_ms > MAX_MS
    ):
        return None
    renewed = new_lease(tenure, expires_at_ms, now + ttl * 2 // 3)
    store = core._store
    sequence = store.sequence + 1
    core._pending = (sequence, (_RENEWED, write_renewal, record, now, (renewed,), expires_at_ms), None, None)
    record.expires_at_ms = expires_at_ms
    record.renewed_at_ms = record.last_mutation_at_ms = now
    if expires_at_ms <= record.filed_ms:
        core._deadlines.file(record)
    store.sequence = sequence
    core._pending = None
    return renewed


def complete(core: Core, now: int, lease: Lease) -> Completed | None:
    """End the first lease of an execution with success, for the holder that hands in the lease itself."""
    tenure = lease.tenure
    record = core._records.get(tenure[0])
    if (
        record is None
        or record.tenure is not tenure
        or record.phase is not LEASED
        or record.past is not None
        or record.rare is not None
        or core._subscriptions
    ):
        return None
    store = core._store
    sequence = store.sequence + 1
    core._pending = (sequence, (_COMPLETED, write_success, record, now, (None,), ASK), None, None)
    record.completed_at_ms = record.last_transition_at_ms = record.last_mutation_at_ms = now
    record.phase = SUCCEEDED
    counts = core._indexes.counts
    counts[LEASED] -= 1
    counts[SUCCEEDED] += 1
    if now + core._retention_ms <= record.filed_ms:
        core._deadlines.file(record)
    store.sequence = sequence
    core._pending = None
    return new_completed(record.execution_id)
