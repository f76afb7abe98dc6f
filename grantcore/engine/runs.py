"""Runs: the plain items of a batch that follow one another, decided one by one and committed as one.

What ``engine/inner.py`` does for a single call is done here for many: look, and if the case is plain, decide
without asking a rule. Deciding writes nothing. Then one store puts the whole run into the slot, its changes
are stored, the indexes move once for all of them, and the slot is cleared. An interrupted run is finished by
the next call, from the slot, by the general writers: so a batch leaves a prefix.

A run takes items from ``rest`` and adds their answers to ``answers`` until it meets one that is not plain,
which it gives back (None: there is none). That one goes the general way, and another run begins.
An execution whose change is in the run already is not plain: the run ends before it.

Nothing becomes due within a run: it happens at one instant, and whatever it sets ends later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from grantcore.engine.core import Core
from grantcore.index.holders import NOT_TAKEN
from grantcore.model.deadlines import STAGED
from grantcore.model.grants import KIND, TERMS, WORKER_ID, ClaimGrant, GrantKind, HeldGrant, OpenClaimGrant
from grantcore.model.ids import LOW
from grantcore.model.lanes import OPEN
from grantcore.model.leases import (
    EXECUTION_ID,
    LANE_ID,
    TAKING,
    Lease,
    OpenLease,
    Tenure,
)
from grantcore.model.outcomes import Completed, Created, OpenCompleted, OpenCreated
from grantcore.model.phases import ELIGIBLE, LEASED, SUCCEEDED
from grantcore.model.records import FIRST, INTERRUPTED, Cargo, Execution, Spec
from grantcore.model.requests import IssueClaimGrantRequest
from grantcore.model.time import NEVER
from grantcore.rules.claiming import Taker, first_taking, write_first_lease
from grantcore.rules.ending import write_success
from grantcore.rules.granting import write_grant
from grantcore.rules.holding import write_renewal

_CLAIM: Final = GrantKind.CLAIM

Plain = tuple["str | None", int, "Cargo | None"]
"""What a plain execution has of its own: an id (None: it is minted), a priority, a cargo."""


def nothing(_now: int, rest: Iterator[Any], _answers: list[Any]) -> object:
    """No item is plain."""
    return next(rest, None)


def create(  # noqa: PLR0915 - unrolled
    core: Core, spec: Spec, now: int, rest: Iterator[Any], answers: list[Any]
) -> object:
    """Create executions that have nothing of their own but an id, a priority and a cargo."""
    ids = core._plain_ids
    if ids is None or not spec.is_shelved or spec.lane.state is not OPEN or core._is_bounded:
        return next(rest, None)
    records, lane_id = core._records, spec.lane_id
    head, high, count = ids.heads.get(lane_id), ids.high, ids.count
    fresh: dict[str, Execution] = {}
    left: object = None
    for item in rest:
        if item.__class__ is not tuple:
            left = item
            break
        execution_id, priority, cargo = item
        minted = execution_id is None
        if minted:
            count += 1
            if head is None or count >> 8 != high:
                ids.count = count - 1
                execution_id = ids.execution_id(lane_id)
                head, high = ids.heads[lane_id], ids.high
            else:
                execution_id = head + LOW[count & 255]
        if execution_id in records or execution_id in fresh:
            count -= minted
            left = item
            break
        record = Execution()
        record.execution_id = execution_id
        record.spec = spec
        record.phase = ELIGIBLE
        record.priority = priority
        record.created_at_ms = record.last_transition_at_ms = record.last_mutation_at_ms = now
        record.origin = FIRST
        record.grant = record.taking = record.lease_id = record.attempt_id = record.queued = None
        record.acquired_at_ms = record.expires_at_ms = record.renewed_at_ms = record.lost_sequence = 0
        record.cargo = cargo
        record.rare = record.past = None
        record.filed_as = 0
        record.filed_ms = NEVER
        fresh[execution_id] = record
        created = OpenCreated()
        created.execution_id = execution_id
        created.public_state = "waiting"
        created.__class__ = Created  # type: ignore[assignment]
        answers.append(created)
    ids.count = count
    if fresh:
        sequence = core._store.sequence + len(fresh)
        core._pending = (_finish_creations, sequence, fresh, None)
        records.update(fresh)
        indexes = core._indexes
        indexes.waiting.staged += fresh.values()
        core._store.sequence = sequence
        core._pending = None
    return left


def issue(
    core: Core, request: IssueClaimGrantRequest, now: int, rest: Iterator[Any], answers: list[Any]
) -> object:
    """Issue claim grants for executions that wait, with nothing metered."""
    if core._plain_ids is None:
        return next(rest, None)
    records, lane_id, has = core._records, request.lane_id, request.worker_capabilities
    expires_at_ms = now + request.grant_ttl_ms
    run: dict[Execution, None] = {}
    left: object = None
    for execution_id in rest:
        record = records.get(execution_id) if type(execution_id) is str else None
        if (
            record is None
            or record.phase is not ELIGIBLE
            or record.grant is not None
            or record.origin is INTERRUPTED
            or record in run
            or not (spec := record.spec).is_plain
            or spec.lane.state is not OPEN
            or lane_id != spec.lane_id
            or (spec.required and not has.issuperset(spec.required))
        ):
            left = execution_id
            break
        run[record] = None
        granted = OpenClaimGrant()
        granted.execution_id = record.execution_id
        granted.expires_at_ms = expires_at_ms
        granted.__class__ = ClaimGrant  # type: ignore[assignment]
        answers.append(granted)
    if run:
        grant = (_CLAIM, now, expires_at_ms, request.terms)
        sequence = core._store.sequence + len(run)
        core._pending = (_finish_issues, sequence, run, grant)
        deadlines = core._deadlines
        staged = deadlines.staged
        for record in run:
            record.grant = grant
            if expires_at_ms <= record.filed_ms:
                record.filed_ms = expires_at_ms
                if record.filed_as is not STAGED:
                    record.filed_as = STAGED
                    staged.append(record)
        deadlines.next_ms = min(deadlines.next_ms, expires_at_ms)
        core._indexes.live_grants += len(run)
        core._store.sequence = sequence
        core._pending = None
    return left


def claim(core: Core, taker: Taker, now: int, rest: Iterator[Any], answers: list[Any]) -> object:
    """Use claim grants for the first attempt of executions that have no timeout."""
    ids = core._plain_ids
    worker_id, worker_instance_id, lease_ttl_ms, timeout_ms = taker
    if ids is None or timeout_ms is not None:
        return next(rest, None)
    records, store = core._records, core._store
    count, epoch = ids.count, store.epoch_floor + 1
    expires_at_ms = now + lease_ttl_ms
    taking = NOT_TAKEN
    run: dict[Execution, Lease] = {}
    left: object = None
    for grant in rest:
        try:
            record = records.get(grant.execution_id) if type(grant) is ClaimGrant else None
        except (AttributeError, TypeError):
            record = None
        if (
            record is None
            or (held := record.grant) is None
            or held[KIND] is not _CLAIM
            or held[TERMS][WORKER_ID] != worker_id
            or record.taking is not None
            or record.rare is not None
            or record.past is not None
            or record in run
            or not (spec := record.spec).is_plain
        ):
            left = grant
            break
        if taking[LANE_ID] != spec.lane_id:
            taking = first_taking(spec.lane_id, epoch, worker_id, worker_instance_id, ids.prefix)
        count += 1
        lease = OpenLease()
        lease.tenure = (record.execution_id, count, count, now, taking)
        lease.expires_at_ms = expires_at_ms
        lease.basis_ms = now
        lease.__class__ = Lease  # type: ignore[assignment]
        run[record] = lease  # type: ignore[assignment]
    if run:
        ids.count = count
        sequence = store.sequence + len(run)
        core._pending = (_finish_claims, sequence, run, now)
        indexes = core._indexes
        for record, taken in run.items():
            _, record.lease_id, record.attempt_id, record.acquired_at_ms, record.taking = taken.tenure
            record.grant = None
            record.expires_at_ms = expires_at_ms
            record.renewed_at_ms = record.last_transition_at_ms = record.last_mutation_at_ms = now
            record.phase = LEASED
            if expires_at_ms <= record.filed_ms:
                core._deadlines.stage(record, expires_at_ms)
        indexes.live_grants -= len(run)
        indexes.counts.leased += len(run)
        holders = indexes.holders
        holders.enter(worker_instance_id).records.extend(run)
        holders.entries += len(run)
        if holders.entries > holders.room:
            holders.tidy()
        store.sequence = sequence
        core._pending = None
        answers += run.values()
    return left


def renew(core: Core, ttl_ms: int, now: int, rest: Iterator[Any], answers: list[Any]) -> object:
    """Renew leases that are the ones held; one may be renewed twice."""
    if core._plain_ids is None:
        return next(rest, None)
    records = core._records
    expires_at_ms = now + ttl_ms
    run: list[Execution] = []
    left: object = None
    for lease in rest:
        tenure: Tenure | None = lease.tenure if type(lease) is Lease else None
        record = None if tenure is None else records.get(tenure[EXECUTION_ID])
        if (
            tenure is None
            or record is None
            or record.taking is not tenure[TAKING]
            or record.phase is not LEASED
        ):
            left = lease
            break
        renewed = OpenLease()
        renewed.tenure = tenure
        renewed.expires_at_ms = expires_at_ms
        renewed.basis_ms = now
        renewed.__class__ = Lease  # type: ignore[assignment]
        run.append(record)
        answers.append(renewed)
    if run:
        sequence = core._store.sequence + len(run)
        core._pending = (_finish_renewals, sequence, run, answers[-1])
        for record in run:
            record.expires_at_ms = expires_at_ms
            record.renewed_at_ms = record.last_mutation_at_ms = now
            if expires_at_ms <= record.filed_ms:
                core._deadlines.stage(record, expires_at_ms)
        core._store.sequence = sequence
        core._pending = None
    return left


def complete(core: Core, now: int, rest: Iterator[Any], answers: list[Any]) -> object:
    """Complete first attempts that are held, without results."""
    ends_at_ms = now + core._retention_ms
    if core._plain_ids is None or ends_at_ms == now:
        return next(rest, None)
    records = core._records
    run: dict[Execution, None] = {}
    left: object = None
    for lease in rest:
        tenure: Tenure | None = lease.tenure if type(lease) is Lease else None
        record = None if tenure is None else records.get(tenure[EXECUTION_ID])
        if (
            tenure is None
            or record is None
            or record.taking is not tenure[TAKING]
            or record.phase is not LEASED
            or record.past is not None
            or record.rare is not None
            or record in run
            or not record.spec.is_plain
        ):
            left = lease
            break
        run[record] = None
        completed = OpenCompleted()
        completed.execution_id = record.execution_id
        completed.__class__ = Completed  # type: ignore[assignment]
        answers.append(completed)
    if run:
        sequence = core._store.sequence + len(run)
        core._pending = (_finish_completions, sequence, run, now)
        for record in run:
            record.last_transition_at_ms = record.last_mutation_at_ms = now
            record.phase = SUCCEEDED
            if ends_at_ms <= record.filed_ms:
                core._deadlines.file(record)
        counts = core._indexes.counts
        counts.leased -= len(run)
        counts.succeeded += len(run)
        core._store.sequence = sequence
        core._pending = None
    return left


# -- finishing a run that was interrupted --------------------------------------------------------------


def _finish_creations(core: Core, sequence: int, fresh: dict[str, Execution], _nothing: None) -> None:
    core._records.update(fresh)
    _finish(core, sequence)


def _finish_issues(core: Core, sequence: int, run: dict[Execution, None], grant: HeldGrant) -> None:
    for record in run:
        write_grant(record, 0, (grant, (), (), None))
    _finish(core, sequence)


def _finish_claims(core: Core, sequence: int, run: dict[Execution, Lease], at_ms: int) -> None:
    for record, lease in run.items():
        write_first_lease(record, at_ms, (lease, None, False))
        record.phase = LEASED
    _finish(core, sequence)


def _finish_renewals(core: Core, sequence: int, run: list[Execution], lease: Lease) -> None:
    """Of the last lease: all have its instants."""
    for record in run:
        write_renewal(record, lease.basis_ms, (lease,))
    _finish(core, sequence)


def _finish_completions(core: Core, sequence: int, run: dict[Execution, None], at_ms: int) -> None:
    for record in run:
        write_success(record, at_ms, (None,))
        record.phase = SUCCEEDED
    _finish(core, sequence)


def _finish(core: Core, sequence: int) -> None:
    core._store.sequence = sequence
    core._indexes.rebuild()
