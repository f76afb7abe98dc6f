"""What each call of a lifecycle asks before it goes the plain way, as ``engine/inner.py`` asks it."""
# ruff: noqa: SLF001 - what is inside is what is measured

from __future__ import annotations

from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import INSTANCE_ID, LANE_ID, REQUEST, WORKER_ID, Rig
from grantcore import ClaimGrant, Lease
from grantcore.engine.executions import NO_POLICY
from grantcore.model.grants import KIND, TERMS, GrantKind
from grantcore.model.grants import WORKER_ID as GRANTED_TO
from grantcore.model.lanes import OPEN
from grantcore.model.leases import EXECUTION_ID, LEASE_EPOCH, TAKING
from grantcore.model.leases import LANE_ID as LANE
from grantcore.model.leases import WORKER_ID as TAKER
from grantcore.model.phases import ELIGIBLE, LEASED
from grantcore.model.records import INTERRUPTED
from grantcore.rules.creating import MAX_PRIORITY

if TYPE_CHECKING:
    from grantcore import ExecutionPolicy

_CLAIM: Final = GrantKind.CLAIM


class NotPlain(AssertionError):
    """A case that is plain was not found to be."""


def judging_ns(count: int) -> int:
    """Ask all that, and find the record by its id in four of them."""
    rig = Rig()
    execution_id, grant, lease = rig.create(), rig.grant(), rig.claim(rig.grant())
    began_ns = process_time_ns()
    _create(rig, count, LANE_ID)
    _issue(rig, count, execution_id)
    _claim(rig, count, grant)
    _renew(rig, count, lease)
    _complete(rig, count, lease)
    return process_time_ns() - began_ns


def _create(
    rig: Rig,
    count: int,
    lane_id: str,
    required: tuple[str, ...] = (),
    policy: ExecutionPolicy = NO_POLICY,
    namespace: str = "default",
    kind: str = "",
    priority: int = 0,
    nothing: object = None,
) -> None:
    engine = rig.engine
    for _ in range(count):
        last = engine._last_alike
        if (
            lane_id is last.lane_id
            and required is last.required_capabilities
            and policy is last.policy
            and namespace is last.namespace
            and kind is last.execution_kind
            and kind is last.creator_identity
            and nothing is last.quota_policy_id
            and required is last.budget_ids
        ):
            spec = last.spec
        else:
            raise NotPlain
        if not (
            nothing is None
            and type(priority) is int
            and 0 <= priority <= MAX_PRIORITY
            and nothing is None
            and nothing is None
            and nothing is None
            and nothing is None
        ):
            raise NotPlain
        ids = engine._plain_ids
        if ids is None or not spec.is_shelved or spec.lane.state is not OPEN or engine._is_bounded:
            raise NotPlain


def _issue(rig: Rig, count: int, execution_id: str) -> None:
    engine, request = rig.engine, REQUEST
    for _ in range(count):
        if request is not engine._last_request:
            raise NotPlain
        record = engine._records.get(execution_id) if type(execution_id) is str else None
        if (
            record is None
            or record.phase is not ELIGIBLE
            or record.grant is not None
            or record.origin is INTERRUPTED
            or engine._plain_ids is None
        ):
            raise NotPlain
        spec = record.spec
        if (
            not spec.is_plain
            or spec.lane.state is not OPEN
            or request.lane_id != spec.lane_id
            or (spec.required and not request.worker_capabilities.issuperset(spec.required))
        ):
            raise NotPlain


def _claim(rig: Rig, count: int, grant: ClaimGrant, nothing: object = None) -> None:
    engine, worker_id, instance_id = rig.engine, WORKER_ID, INSTANCE_ID
    ttl_ms, holders, store = engine._last_ttl_ms, engine._indexes.holders, engine._store
    for _ in range(count):
        if type(grant) is not ClaimGrant:
            raise NotPlain
        if worker_id is not engine._last_worker_id or instance_id is not engine._last_instance_id:
            raise NotPlain
        if ttl_ms is not engine._last_ttl_ms or nothing is not None or nothing is not None:
            raise NotPlain
        ids = engine._plain_ids
        try:
            record = engine._records.get(grant.execution_id)
        except (AttributeError, TypeError):
            record = None
        if (
            ids is None
            or record is None
            or (held := record.grant) is None
            or held[KIND] is not _CLAIM
            or held[TERMS][GRANTED_TO] != worker_id
            or record.taking is not None
            or record.rare is not None
            or record.past is not None
            or not (spec := record.spec).is_plain
            or nothing is not None
            or nothing is not None
        ):
            raise NotPlain
        holding = holders.held.get(instance_id) or holders.enter(instance_id)
        taking = holding.taking
        epoch = store.epoch_floor + 1
        if taking[LEASE_EPOCH] != epoch or taking[TAKER] != worker_id or taking[LANE] != spec.lane_id:
            raise NotPlain


def _renew(rig: Rig, count: int, lease: Lease) -> None:
    engine = rig.engine
    ttl_ms = engine._last_ttl_ms
    for _ in range(count):
        if ttl_ms is not engine._last_ttl_ms:
            raise NotPlain
        if type(lease) is not Lease:
            raise NotPlain
        try:
            tenure = lease.tenure
            taking = tenure[TAKING]
            record = engine._records.get(tenure[EXECUTION_ID])
        except (AttributeError, TypeError, IndexError) as error:
            raise NotPlain from error
        if (
            record is None
            or record.taking is not taking
            or record.phase is not LEASED
            or engine._plain_ids is None
        ):
            raise NotPlain


def _complete(rig: Rig, count: int, lease: Lease, result: bytes | None = None) -> None:
    engine = rig.engine
    for _ in range(count):
        if result is not None or type(lease) is not Lease:
            raise NotPlain
        try:
            tenure = lease.tenure
            taking = tenure[TAKING]
            record = engine._records.get(tenure[EXECUTION_ID])
        except (AttributeError, TypeError, IndexError) as error:
            raise NotPlain from error
        if (
            record is None
            or record.taking is not taking
            or record.phase is not LEASED
            or record.past is not None
            or record.rare is not None
            or not record.spec.is_plain
            or engine._plain_ids is None
        ):
            raise NotPlain
