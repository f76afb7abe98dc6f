"""What the five calls of a lifecycle do, taken apart as ``grantcore/engine/inner.py`` does it.

Each of these does one thing, and nothing else, on a real engine or on real records, and answers the
nanoseconds that so many lifecycles spend on it.
"""
# ruff: noqa: SLF001 - what is inside is what is measured

from __future__ import annotations

from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import INSTANCE_ID, LANE_ID, LEASE_TTL_MS, REQUEST, WORKER_ID, Rig
from benchmarks.parts.part import CALLS, Part, uncollected
from grantcore import ClaimGrant, Completed, Created, ExecutionPolicy, Lease
from grantcore.engine.executions import NO_POLICY
from grantcore.index.holders import NOT_TAKEN
from grantcore.model.deadlines import STAGED
from grantcore.model.grants import GrantKind, OpenClaimGrant
from grantcore.model.ids import LOW
from grantcore.model.leases import TAKING, OpenLease, Taking
from grantcore.model.outcomes import OpenCompleted, OpenCreated
from grantcore.model.phases import ELIGIBLE, LEASED, SUCCEEDED
from grantcore.model.records import FIRST, NO_TAGS, Execution
from grantcore.model.time import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CLAIM: Final = GrantKind.CLAIM


class Still:
    """The five calls as an engine has them, which do nothing."""

    def create_execution(
        self,
        *,
        lane_id: str,
        execution_id: str | None = None,
        priority: int = 0,
        required_capabilities: Iterable[str] = (),
        delay_until_ms: int | None = None,
        deadline_at_ms: int | None = None,
        policy: ExecutionPolicy = NO_POLICY,
        payload: bytes | None = None,
        tags: Mapping[str, str] = NO_TAGS,
        namespace: str = "default",
        execution_kind: str = "",
        creator_identity: str = "",
        idempotency_key: str | None = None,
        quota_policy_id: str | None = None,
        budget_ids: Iterable[str] = (),
    ) -> None:
        """Create nothing."""

    def issue_claim_grant(self, execution_id: str, request: object) -> None:
        """Issue nothing."""

    def claim_execution(
        self,
        grant: object,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
        lane_id: str | None = None,
    ) -> None:
        """Claim nothing."""

    def renew_lease(self, lease: object, *, lease_ttl_ms: int) -> None:
        """Renew nothing."""

    def complete_execution(self, lease: object, *, result: bytes | None = None) -> None:
        """Complete nothing."""


def calls_ns(count: int) -> int:
    """Call methods that do nothing."""
    still = Still()
    began_ns = process_time_ns()
    for _ in range(count):
        still.create_execution(lane_id=LANE_ID)
        still.issue_claim_grant(LANE_ID, REQUEST)
        still.claim_execution(
            None, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
        )
        still.renew_lease(None, lease_ttl_ms=LEASE_TTL_MS)
        still.complete_execution(None)
    return process_time_ns() - began_ns


def lock_ns(count: int, *, threadsafe: bool = True) -> int:
    """Ask for the owner of the engine's lock, or of its mark, take it and give it back."""
    engine = Rig(threadsafe=threadsafe).engine
    began_ns = process_time_ns()
    for _ in range(CALLS * count):
        lock = engine._lock
        if lock._is_owned():
            raise AssertionError
        lock.acquire()
        try:
            pass
        finally:
            lock.release()
    return process_time_ns() - began_ns


def mark_ns(count: int) -> int:
    """The same with the mark."""
    return lock_ns(count, threadsafe=False)


def clock_ns(count: int) -> int:
    """Read a clock that stands still and find that there is nothing to catch up with."""
    engine = Rig().engine
    engine.now_ms()
    began_ns = process_time_ns()
    for _ in range(CALLS * count):
        clock = engine._clock
        try:
            now = clock()
        except Exception as error:
            raise AssertionError from error
        if now is not engine._last_ms or now >= engine._deadlines.next_ms or engine._pending is not None:
            raise AssertionError
    return process_time_ns() - began_ns


def slot_ns(count: int) -> int:
    """Note a change and its event's number, as it begins and as it is done."""
    engine = Rig().engine
    began_ns = process_time_ns()
    for _ in range(CALLS * count):
        store = engine._store
        sequence = store.sequence + 1
        engine._pending = (_finish, sequence, engine, None)
        store.sequence = sequence
        engine._pending = None
    return process_time_ns() - began_ns


def _finish(*_: object) -> None:
    """Nothing is interrupted here."""


def record_ns(count: int) -> int:
    """Make records, without the collector, which is another part."""
    rig = Rig()
    with uncollected():
        began_ns = process_time_ns()
        make_records(rig, count)
        return process_time_ns() - began_ns


def make_records(rig: Rig, count: int) -> None:
    """Mint ids; make records with their fields, and put them into the store and into line."""
    rig.create()
    engine, spec, now = rig.engine, rig.engine._last_alike.spec, rig.engine.now_ms()
    for _ in range(count):
        ids = engine._plain_ids
        assert ids is not None
        number = ids.count + 1
        head = ids.heads.get(spec.lane_id)
        if head is not None and number >> 8 == ids.high:
            ids.count = number
            execution_id = head + LOW[number & 255]
        else:
            execution_id = ids.execution_id(spec.lane_id)
        records = engine._records
        if execution_id in records:
            raise AssertionError
        record = Execution()
        record.execution_id = execution_id
        record.spec = spec
        record.phase = ELIGIBLE
        record.priority = 0
        record.created_at_ms = record.last_transition_at_ms = record.last_mutation_at_ms = now
        record.origin = FIRST
        record.grant = record.taking = record.lease_id = record.attempt_id = record.queued = None
        record.acquired_at_ms = record.expires_at_ms = record.renewed_at_ms = record.lost_sequence = 0
        record.cargo = None
        record.rare = record.past = None
        record.filed_ms = NEVER
        record.filed_as = 0
        records[execution_id] = record
        engine._indexes.waiting.staged.append(record)


def answers_ns(count: int) -> int:
    """Make the five values and freeze them."""
    lease_id = 0
    began_ns = process_time_ns()
    for now in range(count):
        created = OpenCreated()
        created.execution_id = LANE_ID
        created.public_state = "waiting"
        created.__class__ = Created  # type: ignore[assignment]
        granted = OpenClaimGrant()
        granted.execution_id = LANE_ID
        granted.expires_at_ms = now
        granted.__class__ = ClaimGrant  # type: ignore[assignment]
        lease = OpenLease()
        lease.tenure = tenure = (LANE_ID, lease_id, lease_id, now, NOT_TAKEN)
        lease.expires_at_ms = now
        lease.basis_ms = now
        lease.__class__ = Lease  # type: ignore[assignment]
        renewed = OpenLease()
        renewed.tenure = tenure
        renewed.expires_at_ms = now
        renewed.basis_ms = now
        renewed.__class__ = Lease  # type: ignore[assignment]
        completed = OpenCompleted()
        completed.execution_id = LANE_ID
        completed.__class__ = Completed  # type: ignore[assignment]
    return process_time_ns() - began_ns


def storing_ns(count: int) -> int:
    """Store into records what becomes of them."""
    rig = Rig()
    taking = rig.claim(rig.grant()).tenure[TAKING]
    records = [rig.engine._records[rig.create()] for _ in range(count)]
    began_ns = process_time_ns()
    store_lives(rig, records, taking)
    return process_time_ns() - began_ns


def store_lives(rig: Rig, records: Iterable[Execution], taking: Taking) -> None:
    """Store into each record what the four calls after its creation change, and move the indexes."""
    engine = rig.engine
    indexes, ids = engine._indexes, engine._plain_ids
    assert ids is not None
    for record in records:
        now = record.created_at_ms

        expires_at_ms = now + REQUEST.grant_ttl_ms
        grant = (_CLAIM, now, expires_at_ms, REQUEST.terms)
        record.grant = grant
        indexes.live_grants += 1
        if expires_at_ms <= record.filed_ms:
            deadlines = engine._deadlines
            record.filed_ms = expires_at_ms
            if record.filed_as is not STAGED:
                record.filed_as = STAGED
                deadlines.staged.append(record)
            if expires_at_ms < deadlines.next_ms:  # noqa: PLR1730 - a third of the price of min()
                deadlines.next_ms = expires_at_ms

        holders = indexes.holders
        ids.count = lease_id = ids.count + 1
        expires_at_ms = now + LEASE_TTL_MS
        record.grant = None
        record.taking = taking
        record.lease_id = record.attempt_id = lease_id
        record.expires_at_ms = expires_at_ms
        record.acquired_at_ms = record.renewed_at_ms = now
        record.last_transition_at_ms = record.last_mutation_at_ms = now
        record.phase = LEASED
        indexes.live_grants -= 1
        indexes.counts.leased += 1
        if holders.entries < holders.room:
            holders.held[INSTANCE_ID].records.append(record)
            holders.entries += 1
        else:
            holders.add(record)
        if expires_at_ms <= record.filed_ms:
            engine._deadlines.stage(record, expires_at_ms)

        expires_at_ms = now + LEASE_TTL_MS
        record.expires_at_ms = expires_at_ms
        record.renewed_at_ms = record.last_mutation_at_ms = now
        if expires_at_ms <= record.filed_ms:
            engine._deadlines.stage(record, expires_at_ms)

        record.last_transition_at_ms = record.last_mutation_at_ms = now
        record.phase = SUCCEEDED
        counts = indexes.counts
        counts.leased -= 1
        counts.succeeded += 1
        if now + engine._retention_ms <= record.filed_ms:
            engine._deadlines.file(record)


LOCK: Final = Part(
    "lock",
    "five times asking for the owner of a re-entrant lock, taking it and giving it back",
    lock_ns,
    CALLS,
)
MARK: Final = Part(
    "mark", "what there is in place of the lock, a mark of the owner, as often", mark_ns, CALLS
)
PARTS: Final = (
    Part("calls", "five calls with their arguments, of methods that do nothing", calls_ns),
    LOCK,
    Part(
        "clock",
        "five readings of a clock that stands still, compared with the last and with the next deadline",
        clock_ns,
        CALLS,
    ),
    Part("slot", "five times the change in hand and its number: what makes a call atomic", slot_ns, CALLS),
    Part("record", "once an id, a record with its fields, its place in the store", record_ns),
    Part("answers", "five frozen values: Created, ClaimGrant, Lease twice, Completed", answers_ns),
    Part("storing", "what the calls store into the record and into the indexes", storing_ns),
)
