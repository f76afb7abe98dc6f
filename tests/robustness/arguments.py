"""Every argument of every public call: a good call, and the form each of its arguments must have."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import attrs

import grantcore as gc
from tests.robustness import hostile as h
from tests.robustness import worlds
from tests.robustness.hostile import Form
from tests.robustness.worlds import LANE, WHO, World, asking, asking_back, new_world

Good = Mapping[str, Any]


def one_of_each() -> World:
    """An engine in which each of the good calls below finds what it needs."""
    world = new_world()
    worlds.busy(world)
    worlds.held(world, "e")
    worlds.metered(world)
    return world


@attrs.frozen
class Target:
    """A public callable, the arguments of a good call, and the forms of those arguments."""

    call: str
    find: Callable[[World], Callable[..., object]]
    good: Callable[[World], Good]
    forms: Mapping[str, Form]

    def __str__(self) -> str:
        return self.call


def _engine(call: str, forms: Mapping[str, Form], good: Callable[[World], Good]) -> Target:
    return Target(call, lambda world: getattr(world.engine, call), good, forms)


def _operator(call: str, forms: Mapping[str, Form], good: Callable[[World], Good]) -> Target:
    return Target(f"operator.{call}", lambda world: getattr(world.operator, call), good, forms)


def _with(**arguments: object) -> Callable[[World], Good]:
    return lambda _world: arguments


def _about(eid: str, **arguments: object) -> Callable[[World], Good]:
    return _with(execution_id=eid, **arguments)


def _lease(**arguments: object) -> Callable[[World], Good]:
    return lambda world: {"lease": world.leases["e"], **arguments}


def _grant(eid: str, **arguments: object) -> Callable[[World], Good]:
    return lambda world: {"grant": world.grants[eid], **WHO, "lease_ttl_ms": 9, **arguments}


ID: Final = {"execution_id": h.name}
LEASE: Final = {"lease": h.nothing}
TAKER: Final = {
    "grant": h.nothing,
    "worker_id": h.name,
    "worker_instance_id": h.name,
    "lease_ttl_ms": h.LEASE_TTL,
}
AND_TIMEOUT: Final = {**TAKER, "attempt_timeout_ms": h.TIMEOUT}
LANE_FORM: Final = {"lane_id": h.or_none(h.lane)}
PAGED: Final = {"after": h.or_none(h.nothing), "limit": h.PAGE}
CREATION: Final[Mapping[str, Form]] = {
    "lane_id": h.lane,
    "execution_id": h.or_none(h.name),
    "priority": h.PRIORITY,
    "delay_until_ms": h.or_none(h.INSTANT),
    "deadline_at_ms": h.or_none(h.INSTANT),
    "policy": h.nothing,
    "payload": h.blob,
    "namespace": h.SHORT,
    "execution_kind": h.SHORT,
    "creator_identity": h.SHORT,
    "idempotency_key": h.or_none(h.SHORT),
    "quota_policy_id": h.or_none(h.SHORT),
}
INSTANCE: Final = {"worker_instance_id": h.name, "namespace": h.SHORT}
SETTINGS: Final = {
    "max_leases": h.or_none(h.whole(1, h.LAST)),
    "aging_ms_per_point": h.or_none(h.whole(1, h.LAST)),
}
OWN: Final = {
    "execution_id",
    "priority",
    "delay_until_ms",
    "deadline_at_ms",
    "payload",
    "idempotency_key",
}
"""What each execution of a batch has for itself: its form is judged item by item."""
ITERABLES: Final = {"required_capabilities", "tags", "budget_ids", "capabilities", "leases"} | {
    *("executions", "execution_ids", "grants", "results"),
    "lanes",
    "hard_limits",
    "soft_limits",
    "deltas",
}
"""Arguments with a module of their own: ``test_hostile_iterables``."""

BEHAVIORS: Final = frozenset(
    {"fail", "cancel", "expire", "auto_resume", "auto_resume_with_timeout_signal", "escalate"}
)

TARGETS: Final = (
    _engine("advance", {"limit": h.or_none(h.whole(1, 2**31 - 1))}, _with()),
    _engine("create_execution", CREATION, _with(lane_id=LANE, execution_id="new")),
    _engine(
        "create_executions",
        {name: form for name, form in CREATION.items() if name not in OWN},
        _with(executions=[{"execution_id": "new"}], lane_id=LANE),
    ),
    _engine("describe_execution", ID, _about("e")),
    _engine("explain", ID, _about("e")),
    _engine("describe_grant", ID, _about("e")),
    _engine("attempts", ID, _about("e")),
    _engine("read_payload", ID, _about("e")),
    _engine("read_result", ID, _about("e")),
    _engine(
        "list_executions",
        {"lane_id": h.or_none(h.lane), "phase": h.or_none(h.nothing), **PAGED},
        _with(),
    ),
    _engine("change_priority", {**ID, "new_priority": h.PRIORITY}, _about("waiting", new_priority=5)),
    _engine("set_execution_tags", ID, _about("e", tags={"a.b": "c"})),
    _engine(
        "replay_execution",
        {**ID, "requested_by": h.REASON, "reason": h.REASON, "deadline_at_ms": h.or_none(h.INSTANT)},
        _about("done"),
    ),
    _engine("purge_execution", ID, _about("done")),
    _engine("issue_claim_grant", {**ID, "request": h.nothing}, _about("waiting", request=asking())),
    _engine("issue_claim_grants", {"request": h.nothing}, _with(execution_ids=["waiting"], request=asking())),
    _engine("issue_resume_grant", {**ID, "request": h.nothing}, _about("released", request=asking())),
    _engine("issue_reclaim_grant", {**ID, "request": h.nothing}, _about("lapsed", request=asking_back())),
    _engine(
        "withdraw_grant",
        {"grant": h.nothing, "worker_id": h.name},
        lambda world: {"grant": world.grants["granted"], "worker_id": "w"},
    ),
    _engine("claim_execution", {**AND_TIMEOUT, **LANE_FORM}, _grant("granted")),
    _engine("claim_resumed_execution", {**TAKER, **LANE_FORM}, _grant("resumable")),
    _engine("reclaim_execution", {**AND_TIMEOUT, **LANE_FORM}, _grant("reclaimable")),
    _engine("take", AND_TIMEOUT, _grant("granted")),
    _engine(
        "claim_many",
        {name: form for name, form in AND_TIMEOUT.items() if name != "grant"},
        lambda world: {"grants": [world.grants["granted"]], **WHO, "lease_ttl_ms": 9},
    ),
    _engine("renew_lease", {**LEASE, "lease_ttl_ms": h.LEASE_TTL}, _lease(lease_ttl_ms=9)),
    _engine("renew_leases", {"lease_ttl_ms": h.LEASE_TTL}, _with(leases=[], lease_ttl_ms=9)),
    _engine(
        "update_progress",
        {**LEASE, "pct": h.or_none(h.whole(0, 100)), "message": h.or_none(h.REASON)},
        _lease(),
    ),
    _engine("complete_execution", {**LEASE, "result": h.blob}, _lease()),
    _engine("complete_many", {}, lambda world: {"leases": [world.leases["e"]], "results": [b"r"]}),
    _engine(
        "fail_many",
        {"reason": h.REASON, "category": h.REASON},
        lambda world: {"leases": [world.leases["e"]], "reason": "r"},
    ),
    _engine("fail_execution", {**LEASE, "reason": h.REASON, "category": h.REASON}, _lease(reason="r")),
    _engine("delay_execution", {**LEASE, "delay_until_ms": h.INSTANT}, _lease(delay_until_ms=9)),
    _engine("release_execution", LEASE, _lease()),
    _engine("move_to_waiting_children", LEASE, _lease()),
    _engine("promote_blocked_to_eligible", ID, _about("parent")),
    _engine(
        "suspend_execution",
        {
            **LEASE,
            "reason_code": h.REASON,
            "timeout_at_ms": h.or_none(h.INSTANT),
            "timeout_behavior": lambda value: type(value) is str and value in BEHAVIORS,
        },
        _lease(reason_code="r"),
    ),
    _engine(
        "resume_execution",
        {**ID, "trigger": h.REASON, "resume_delay_ms": h.INSTANT},
        _about("suspended"),
    ),
    _engine(
        "cancel_execution",
        {**ID, "reason": h.REASON, "cancelled_by": h.REASON, "lease": h.or_none(h.nothing)},
        _about("waiting", reason="r"),
    ),
    _engine("leases", {"worker_instance_id": h.or_none(h.name)}, _with()),
    _engine("leases_expiring_within", {"ms": h.INSTANT}, _with(ms=5)),
    _engine("list_expired_leases", {"as_of_ms": h.or_none(h.INSTANT), **PAGED}, _with()),
    _engine("operator", {"identity": h.name}, _with(identity="op")),
    _engine("subscribe", {"observer": h.anything_callable}, _with(observer=print)),
    _engine("lease_history", ID, _about("e")),
    _operator("cancel", {**ID, "reason": h.REASON}, _about("e", reason="r")),
    _operator("complete", {**ID, "result": h.blob}, _about("e")),
    _operator("fail", {**ID, "reason": h.REASON, "category": h.REASON}, _about("e", reason="r")),
    _operator(
        "revoke_lease",
        {**ID, "reason": h.REASON, "expected_lease_id": h.or_none(h.SHORT)},
        _about("e", reason="r"),
    ),
    _operator(
        "revoke_leases_of",
        {"worker_instance_id": h.name, "reason": h.REASON},
        _with(worker_instance_id="w-1", reason="r"),
    ),
    _operator(
        "issue_grant_and_claim",
        {**ID, **{name: form for name, form in AND_TIMEOUT.items() if name != "grant"}},
        _about("waiting", **WHO, lease_ttl_ms=9),
    ),
    _operator("block", {**ID, "reason": h.REASON, "detail": h.REASON}, _about("waiting")),
    _operator("unblock", {**ID, "expected_reason": h.or_none(h.REASON)}, _about("blocked")),
    _engine(
        "register_worker",
        {
            "worker_id": h.name,
            "worker_instance_id": h.name,
            "liveness_ttl_ms": h.whole(1, h.YEARS),
            "namespace": h.SHORT,
            "max_leases": h.or_none(h.whole(1, h.LAST)),
        },
        _with(**WHO, lanes=[LANE], capabilities=["gpu"], liveness_ttl_ms=9),
    ),
    _engine("heartbeat_worker", INSTANCE, _with(worker_instance_id="alive")),
    _engine(
        "mark_worker_dead", {**INSTANCE, "reason": h.line}, _with(worker_instance_id="alive", reason="r")
    ),
    _engine("list_workers", {"namespace": h.or_none(h.SHORT), **PAGED}, _with()),
    _engine("configure_lane", {"lane_id": h.lane, **SETTINGS}, _with(lane_id=LANE, max_leases=9)),
    _engine(
        "create_quota_policy",
        {
            "quota_policy_id": h.short_name,
            "window_ms": h.whole(1, h.YEARS),
            "max_requests_per_window": h.whole(0, 1_000_000),
            "max_concurrent": h.INSTANT,
        },
        _with(quota_policy_id="new"),
    ),
    _engine(
        "create_budget",
        {"budget_id": h.short_name, "reset_interval_ms": h.or_none(h.whole(1, h.LAST))},
        _with(budget_id="new", hard_limits={"usd": 5}),
    ),
    _engine(
        "report_usage",
        {"budget_id": h.short_name, "dedup_key": h.or_none(h.SHORT)},
        _with(budget_id="b", deltas={"usd": 1}),
    ),
    _engine(
        "record_spend",
        {"budget_id": h.short_name, **ID, "dedup_key": h.or_none(h.SHORT)},
        _with(budget_id="b", execution_id="e", deltas={"usd": 1}),
    ),
    _engine("release_budget", {"budget_id": h.short_name, **ID}, _with(budget_id="b", execution_id="e")),
    _engine("reset_budget", {"budget_id": h.short_name}, _with(budget_id="b")),
    _engine("describe_budget", {"budget_id": h.short_name}, _with(budget_id="b")),
    _operator("pause_lane", {"lane_id": h.lane}, _with(lane_id=LANE)),
    _operator("drain_lane", {"lane_id": h.lane}, _with(lane_id=LANE)),
    _operator("resume_lane", {"lane_id": h.lane}, _with(lane_id=LANE)),
    Target(
        "scheduler.peek",
        lambda world: gc.Scheduler(world.engine).peek,
        _with(lane_id=LANE, capabilities=()),
        {"lane_id": h.lane, "limit": h.PAGE},
    ),
    Target(
        "scheduler.claim_for_worker",
        lambda world: gc.Scheduler(world.engine).claim_for_worker,
        _with(worker=gc.Worker("w", "w-1", ()), lanes=(LANE,), grant_ttl_ms=5),
        {"worker": h.name, "lanes": h.lanes, "grant_ttl_ms": h.whole(1, 60_000), "reclaim": h.flag},
    ),
    Target(
        "scheduler.claim_many_for_worker",
        lambda world: gc.Scheduler(world.engine).claim_many_for_worker,
        _with(worker=gc.Worker("w", "w-1", ()), lanes=(LANE,), grant_ttl_ms=5, n=2),
        {
            "worker": h.name,
            "lanes": h.lanes,
            "grant_ttl_ms": h.whole(1, 60_000),
            "n": h.whole(1, 100_000),
            "reclaim": h.flag,
        },
    ),
    Target(
        "scheduler.would_grant",
        lambda world: gc.Scheduler(world.engine).would_grant,
        _about("waiting", request=asking()),
        {**ID, "request": h.nothing},
    ),
    Target(
        "scheduler.unmatched",
        lambda world: gc.Scheduler(world.engine).unmatched,
        _with(lane_id=LANE),
        {"lane_id": h.lane},
    ),
    Target(
        "restore",
        lambda world: partial(gc.GrantEngine.restore, world.engine.snapshot()),
        _with(),
        {
            "clock": h.or_none(h.anything_callable),
            "config": h.nothing,
            "epoch_floor": h.EPOCH,
            "ids": h.or_none(h.nothing),
        },
    ),
)

REQUEST: Final[Mapping[str, Form]] = {
    "worker_id": h.name,
    "worker_instance_id": h.name,
    "lane_id": h.lane,
    "grant_ttl_ms": h.GRANT_TTL,
    "capability_hash": h.or_none(h.words(2**30)),
    "route_snapshot_json": h.or_none(h.words(2**30)),
    "admission_summary": h.or_none(h.words(2**30)),
}
ASKING: Final = _with(**WHO, lane_id=LANE, grant_ttl_ms=5)
COUNT: Final = h.whole(0, 1_000_000)
SIZE: Final = h.whole(1, 2**31 - 1)


def _built(kind: Callable[..., object], forms: Mapping[str, Form], good: Callable[[World], Good]) -> Target:
    return Target(getattr(kind, "__name__", ""), lambda _world: kind, good, forms)


VALUES_OF_OURS: Final = (
    _built(gc.IssueClaimGrantRequest, REQUEST, ASKING),
    _built(gc.IssueReclaimGrantRequest, REQUEST, ASKING),
    _built(
        gc.ExecutionPolicy,
        {
            "retry": h.or_none(h.nothing),
            "attempt_timeout_ms": h.TIMEOUT,
            "max_reclaim_count": COUNT,
            "max_replay_count": COUNT,
        },
        _with(),
    ),
    _built(gc.RetryPolicy, {"max_retries": COUNT, "backoff": h.nothing}, _with()),
    _built(gc.Fixed, {"delay_ms": h.whole(0, h.YEARS)}, _with()),
    _built(
        gc.Exponential,
        {
            "initial_delay_ms": h.whole(0, h.YEARS),
            "max_delay_ms": h.whole(0, h.YEARS),
            "multiplier_permille": COUNT,
            "jitter": lambda value: type(value) is bool,
        },
        _with(),
    ),
    _built(gc.ManualClock, {"start_ms": h.INSTANT}, _with()),
    _built(
        gc.EngineConfig,
        {
            "max_grant_ttl_ms": h.whole(1, h.YEARS),
            "max_lease_ttl_ms": h.whole(1, h.YEARS),
            "retention_ms": h.or_none(h.whole(0, h.YEARS)),
            "idempotency_window_ms": h.whole(0, h.YEARS),
            "lease_history_limit": SIZE,
            "max_executions": h.or_none(SIZE),
            "max_payload_bytes": h.whole(0, 2**30),
            "max_text_bytes": h.whole(1, 2**30),
            "max_route_snapshot_bytes": h.whole(0, 2**30),
            "max_tags": h.whole(0, 2**31 - 1),
            "max_shelves_per_lane": SIZE,
            "threadsafe": lambda value: type(value) is bool,
        },
        _with(),
    ),
    _built(
        gc.GrantEngine,
        {
            "clock": h.or_none(h.anything_callable),
            "config": h.nothing,
            "ids": h.or_none(h.nothing),
        },
        _with(),
    ),
    _built(gc.Scheduler, {"engine": h.nothing}, lambda world: {"engine": world.engine}),
)

ALL: Final = (*TARGETS, *VALUES_OF_OURS)


def parameters(target: Target, world: World) -> set[str]:
    """The names of all parameters of a call."""
    return set(inspect.signature(target.find(world)).parameters)
