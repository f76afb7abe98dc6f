"""Every recorded operation as a call of grantcore, and its answer in the form of the trace.

``OPERATIONS`` is the whole list: what it does not name is a mismatch, and so is an argument that its
row does not name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

import grantcore
from tests.conformance.policies import Unsupported, read_policy, refuse_unknown
from tests.conformance.registry import Registry
from tests.conformance.trace_reader import Record

Grant = grantcore.ClaimGrant | grantcore.ResumeGrant | grantcore.ReclaimGrant
G = TypeVar("G", bound=Grant)

LIFECYCLE: Final = {
    grantcore.Phase.DELAYED: "runnable",
    grantcore.Phase.ELIGIBLE: "runnable",
    grantcore.Phase.BLOCKED: "runnable",
    grantcore.Phase.LEASED: "active",
    grantcore.Phase.LEASE_EXPIRED: "active",
    grantcore.Phase.LEASE_REVOKED: "active",
    grantcore.Phase.SUSPENDED: "suspended",
}
LONG_AGO_MS: Final = 1


@dataclass(kw_only=True)
class Session:
    """One engine, and what a caller of it remembers between calls."""

    engine: grantcore.GrantEngine
    operator: grantcore.Operator
    registry: Registry
    """Workers, quotas and budgets."""
    grants: dict[str, Grant] = field(default_factory=dict)
    """The grant each execution was last given."""
    snapshots: dict[str, grantcore.ExecutionSnapshot] = field(default_factory=dict)
    """How each execution looked after the step before: no call is made to find out."""


Call = Callable[[Session, Record], Record]


class Operation(NamedTuple):
    """How to make a call, and the arguments it may have."""

    call: Call
    arguments: frozenset[str]


def perform(session: Session, op: str, args: Record) -> Record:
    """Make the call and give its answer as the trace writes it.

    Raises:
        Unsupported: the operation, an argument or a combination of them is unknown.
    """
    if op not in OPERATIONS:
        raise Unsupported("op", op)
    operation = OPERATIONS[op]
    refuse_unknown("args", args, operation.arguments)
    try:
        return operation.call(session, args)
    except grantcore.GrantError as refusal:
        return refused(refusal)


# -- answers -----------------------------------------------------------------------------------


def ok(*detail: object) -> Record:
    """Write a success."""
    return {"status": "ok", "code": None, "detail": list(detail)}


def err(code: str, *detail: object) -> Record:
    """Write a refusal."""
    return {"status": "err", "code": code, "detail": list(detail)}


def refused(refusal: grantcore.GrantError) -> Record:
    """Write a refusal that came as an exception, with the details the reference gives."""
    match refusal:
        case grantcore.ExecutionNotActive():
            return err(
                refusal.code,
                refusal.terminal_outcome,
                refusal.lease_epoch,
                refusal.lifecycle_phase,
                refusal.attempt_id,
            )
        case grantcore.CapabilityMismatch():
            return err(refusal.code, ",".join(refusal.missing))
        case grantcore.InvalidCapabilities():
            return err(refusal.code, refusal.reason)
        case grantcore.InvalidTagKey():
            return err(refusal.code, refusal.key)
    return err(refusal.code)


def _not_reclaimable(answer: grantcore.NotReclaimable) -> Record:
    code, _, text = answer.detail.partition(": ")
    return err(code, text) if text else err(code)


# -- arguments ---------------------------------------------------------------------------------


def given(**arguments: object) -> dict[str, Any]:
    """Leave out what is not set: the trace's "not given" is the parameter's default."""
    return {name: value for name, value in arguments.items() if value not in (None, "")}


def _fence(args: Record) -> grantcore.Fence:
    parts = {name: args.get(name) for name in ("lease_id", "lease_epoch", "attempt_id")}
    return grantcore.Fence(execution_id=args["execution_id"], **parts)


def _has_fence(args: Record) -> bool:
    return any(args.get(part) not in (None, "") for part in ("lease_id", "lease_epoch", "attempt_id"))


def _is_operator(args: Record, *, possible: bool = True) -> bool:
    """Tell the operator's call from the holder's; no other source is known beside a fence."""
    source = args.get("source")
    if not source:
        return False
    if source == "operator_override" and possible and not _has_fence(args):
        return True
    raise Unsupported("args.source", source)


def _payload(text: str | None) -> bytes | None:
    return text.encode() if text else None


def _grant(session: Session, kind: type[G], execution_id: str, **fields: str) -> G:
    """Give the grant last issued, or, when there is none of this type, one that the engine does not know.

    A grant that has lapsed or was used is as good as an unknown one.
    """
    grant = session.grants.get(execution_id)
    if isinstance(grant, kind):
        return grant
    unknown: G = kind(execution_id=execution_id, expires_at_ms=LONG_AGO_MS, **fields)
    return unknown


def _request(args: Record) -> dict[str, Any]:
    return {
        "worker_id": args["worker_id"],
        "worker_instance_id": args["worker_instance_id"],
        "lane_id": args["lane_id"],
        "grant_ttl_ms": args["grant_ttl_ms"],
        "worker_capabilities": args["worker_capabilities"],
        **given(
            capability_hash=args.get("capability_hash"),
            route_snapshot_json=args.get("route_snapshot_json"),
            admission_summary=args.get("admission_summary"),
        ),
    }


def _taker(args: Record) -> dict[str, Any]:
    return {
        "worker_id": args["worker_id"],
        "worker_instance_id": args["worker_instance_id"],
        "lease_ttl_ms": args["lease_ttl_ms"],
    }


def _taken(lease: grantcore.Lease, how: str) -> Record:
    return ok(
        lease.lease_id, lease.lease_epoch, lease.expires_at_ms, lease.attempt_id, lease.attempt_index, how
    )


# -- the calls ---------------------------------------------------------------------------------


def _create(session: Session, args: Record) -> Record:
    rules = read_policy(args.get("policy_json"))
    answer = session.engine.create_execution(
        **given(
            execution_id=args["execution_id"],
            namespace=args.get("namespace"),
            lane_id=args["lane_id"],
            execution_kind=args.get("execution_kind"),
            priority=args.get("priority"),
            creator_identity=args.get("creator_identity"),
            payload=_payload(args.get("input_payload")),
            delay_until_ms=args.get("delay_until"),
            idempotency_key=args.get("idempotency_key"),
            tags=args.get("tags"),
            deadline_at_ms=args.get("execution_deadline_at"),
        ),
        required_capabilities=rules.required_capabilities,
        policy=rules.policy,
    )
    if isinstance(answer, grantcore.Duplicate):
        return {"status": "duplicate", "code": None, "detail": [answer.execution_id]}
    return ok(answer.execution_id, answer.public_state)


def _issue_claim_grant(session: Session, args: Record) -> Record:
    """An interrupted attempt takes the resume grant (D-30)."""
    execution_id = args["execution_id"]
    request = grantcore.IssueClaimGrantRequest(**_request(args))
    before = session.snapshots.get(execution_id)
    if before is not None and before.attempt_state == "attempt_interrupted":
        session.grants[execution_id] = session.engine.issue_resume_grant(execution_id, request)
    else:
        session.grants[execution_id] = session.engine.issue_claim_grant(execution_id, request)
    return ok(session.grants[execution_id].execution_id)


def _issue_reclaim_grant(session: Session, args: Record) -> Record:
    request = grantcore.IssueReclaimGrantRequest(**_request(args))
    match session.engine.issue_reclaim_grant(args["execution_id"], request):
        case grantcore.Granted(grant):
            session.grants[grant.execution_id] = grant
            return ok(grant.execution_id, grant.expires_at_ms)
        case grantcore.NotReclaimable() as answer:
            return _not_reclaimable(answer)
        case grantcore.ReclaimCapExceeded(_, count):
            return err("max_retries_exhausted", count)


def _claim(session: Session, args: Record) -> Record:
    lease = session.engine.claim_execution(
        _grant(session, grantcore.ClaimGrant, args["execution_id"]),
        lane_id=args["lane_id"],
        **_taker(args),
        **given(attempt_timeout_ms=args.get("attempt_timeout_ms")),
    )
    return _taken(lease, lease.attempt_type.value)


def _claim_resumed(session: Session, args: Record) -> Record:
    lease = session.engine.claim_resumed_execution(
        _grant(session, grantcore.ResumeGrant, args["execution_id"], lane_id=args["lane_id"]),
        lane_id=args["lane_id"],
        **_taker(args),
    )
    return _taken(lease, "resumed")


def _issue_grant_and_claim(session: Session, args: Record) -> Record:
    """The operator names no lane; that of the trace has to be the execution's."""
    before = session.snapshots.get(args["execution_id"])
    if before is not None and before.lane_id != args["lane_id"]:
        raise Unsupported("args.lane_id", args["lane_id"])
    lease = session.operator.issue_grant_and_claim(
        args["execution_id"], **_taker(args), **given(attempt_timeout_ms=args.get("attempt_timeout_ms"))
    )
    return ok(lease.lease_id, lease.lease_epoch, lease.attempt_index)


def _reclaim(session: Session, args: Record) -> Record:
    answer = session.engine.reclaim_execution(
        _grant(session, grantcore.ReclaimGrant, args["execution_id"], lane_id=args["lane_id"]),
        lane_id=args["lane_id"],
        **_taker(args),
        **given(attempt_timeout_ms=args.get("attempt_timeout_ms")),
    )
    match answer:
        case grantcore.Reclaimed(lease):
            return _taken(lease, lease.attempt_type.value)
        case grantcore.NotReclaimable():
            return _not_reclaimable(answer)
        case grantcore.GrantNotFound():
            return err("invalid_claim_grant")


def _renew(session: Session, args: Record) -> Record:
    return ok(session.engine.renew_lease(_fence(args), lease_ttl_ms=args["lease_ttl_ms"]).expires_at_ms)


def _complete(session: Session, args: Record) -> Record:
    result = _payload(args.get("result_payload"))
    if _is_operator(args):
        session.operator.complete(args["execution_id"], result=result)
    else:
        session.engine.complete_execution(_fence(args), result=result)
    return ok("completed")


def _fail(session: Session, args: Record) -> Record:
    reason, category = args["failure_reason"], args.get("failure_category") or ""
    if _is_operator(args):
        answer = session.operator.fail(args["execution_id"], reason=reason, category=category)
    else:
        answer = session.engine.fail_execution(_fence(args), reason=reason, category=category)
    if isinstance(answer, grantcore.RetryScheduled):
        return ok("retry_scheduled", answer.delay_until_ms)
    return ok("terminal_failed")


def _delay(session: Session, args: Record) -> Record:
    _is_operator(args, possible=False)
    return ok(session.engine.delay_execution(_fence(args), delay_until_ms=args["delay_until"]).delay_until_ms)


def _move(session: Session, args: Record) -> Record:
    _is_operator(args, possible=False)
    session.engine.move_to_waiting_children(_fence(args))
    return ok()


def _promote(session: Session, args: Record) -> Record:
    session.engine.promote_blocked_to_eligible(args["execution_id"])
    return ok()


def _progress(session: Session, args: Record) -> Record:
    session.engine.update_progress(
        _fence(args), **given(pct=args.get("progress_pct"), message=args.get("progress_message"))
    )
    return ok()


def _cancel(session: Session, args: Record) -> Record:
    execution_id, reason, source = args["execution_id"], args["reason"], args.get("source")
    if source == "lease_holder" and _has_fence(args):
        answer = session.engine.cancel_execution(execution_id, reason=reason, lease=_fence(args))
    elif _has_fence(args):
        raise Unsupported("args.source", source)
    elif _is_operator(args):
        answer = session.operator.cancel(execution_id, reason=reason)
    else:
        answer = session.engine.cancel_execution(execution_id, reason=reason)
    return ok("cancelled", LIFECYCLE[answer.previous_phase])


def _revoke(session: Session, args: Record) -> Record:
    answer = session.operator.revoke_lease(
        args["execution_id"],
        reason=args["reason"],
        **given(expected_lease_id=args.get("expected_lease_id")),
    )
    if isinstance(answer, grantcore.AlreadySatisfied):
        return {"status": "already_satisfied", "code": None, "detail": [answer.reason]}
    return ok("revoked", answer.lease_id, answer.lease_epoch)


def _change_priority(session: Session, args: Record) -> Record:
    answer = session.engine.change_priority(args["execution_id"], args["new_priority"])
    return ok(answer.old, answer.new)


def _block(session: Session, args: Record) -> Record:
    detail = args.get("blocking_detail") or ""
    session.operator.block(args["execution_id"], reason=args["blocking_reason"], detail=detail)
    return ok("blocked")


def _unblock(session: Session, args: Record) -> Record:
    session.operator.unblock(
        args["execution_id"], **given(expected_reason=args.get("expected_blocking_reason"))
    )
    return ok("unblocked")


def _replay(session: Session, args: Record) -> Record:
    session.engine.replay_execution(args["execution_id"])
    return ok(0)


def _set_tags(session: Session, args: Record) -> Record:
    session.engine.set_execution_tags(args["execution_id"], args["tags"])
    return ok(len(args["tags"]))


def _suspend(session: Session, args: Record) -> Record:
    answer = session.engine.suspend_execution(
        _fence(args),
        reason_code=args.get("reason_code") or "",
        **given(timeout_at_ms=args.get("timeout_at"), timeout_behavior=args.get("timeout_behavior")),
    )
    return ok(answer.suspension_id)


def _resume(session: Session, args: Record) -> Record:
    trigger = given(trigger=args.get("trigger_type"))
    return ok(session.engine.resume_execution(args["execution_id"], **trigger).public_state)


def _time_passes(session: Session, _args: Record) -> Record:
    session.engine.advance()
    return ok()


FENCE: Final = frozenset({"execution_id", "lease_id", "lease_epoch", "attempt_id"})
TAKING: Final = frozenset(
    {"execution_id", "lane_id", "worker_id", "worker_instance_id", "lease_id", "lease_ttl_ms"}
)
ISSUING: Final = frozenset(
    {"execution_id", "lane_id", "worker_id", "worker_instance_id", "grant_ttl_ms", "worker_capabilities"}
    | {"capability_hash", "route_snapshot_json", "admission_summary"}
)
CREATING: Final = frozenset(
    {"execution_id", "namespace", "lane_id", "execution_kind", "priority", "creator_identity", "policy_json"}
    | {"input_payload", "delay_until", "idempotency_key", "tags", "execution_deadline_at"}
)
ID: Final = frozenset({"execution_id"})
INSTANCE: Final = frozenset({"namespace", "worker_instance_id"})
REGISTERING: Final = INSTANCE | {"worker_id", "lanes", "capabilities", "liveness_ttl_ms"}
QUOTA: Final = frozenset({"quota_policy_id"})
# The limits are those of the policy, which is asked.
ADMITTING: Final = QUOTA | ID | {"window_seconds", "rate_limit", "concurrency_cap"}
LIMITING: Final = QUOTA | {"window_seconds", "max_requests_per_window", "max_concurrent"}
BUDGET: Final = frozenset({"budget_id"})
# Whose budget it is, and what the host does about a breach, is the host's business.
BUDGETING: Final = (
    BUDGET
    | {"dimensions", "reset_interval_ms", "scope_type", "scope_id"}
    | {
        "enforcement_mode",
        "on_hard_limit",
        "on_soft_limit",
    }
)
USING: Final = BUDGET | {"deltas", "dedup_key"}

SUSPENDING: Final = frozenset({"suspension_id", "reason_code", "timeout_at", "timeout_behavior"})
# What a suspension waits for, and who asked for it, is FlowFabric's; attempt_index as in renew_lease.
THE_HOSTS: Final = frozenset(
    {"attempt_index", "requested_by", "waitpoint_id", "waitpoint_key"}
    | {"resume_condition_json", "resume_policy_json"}
)

OPERATIONS: Final = {
    "create_execution": Operation(_create, CREATING),
    "issue_claim_grant": Operation(_issue_claim_grant, ISSUING),
    "issue_reclaim_grant": Operation(_issue_reclaim_grant, ISSUING),
    "claim_execution": Operation(_claim, TAKING | {"attempt_id", "attempt_timeout_ms"}),
    # The engine keeps the rest of the attempt's time itself; its end is compared as an index.
    "claim_resumed_execution": Operation(_claim_resumed, TAKING | {"remaining_attempt_timeout_ms"}),
    "issue_grant_and_claim": Operation(_issue_grant_and_claim, TAKING | {"attempt_id", "attempt_timeout_ms"}),
    "reclaim_execution": Operation(_reclaim, TAKING | {"attempt_id", "attempt_timeout_ms"}),
    # attempt_index is always that of the current attempt, and no part of the fence.
    "renew_lease": Operation(_renew, FENCE | {"attempt_index", "lease_ttl_ms"}),
    "complete_execution": Operation(_complete, FENCE | {"result_payload", "source"}),
    "fail_execution": Operation(_fail, FENCE | {"failure_reason", "failure_category", "source"}),
    "delay_execution": Operation(_delay, FENCE | {"delay_until", "source"}),
    "move_to_waiting_children": Operation(_move, FENCE | {"source"}),
    "promote_blocked_to_eligible": Operation(_promote, ID),
    "update_progress": Operation(_progress, FENCE | {"progress_pct", "progress_message"}),
    "cancel_execution": Operation(_cancel, FENCE | {"reason", "source"}),
    "revoke_lease": Operation(_revoke, ID | {"reason", "expected_lease_id"}),
    "change_priority": Operation(_change_priority, ID | {"new_priority"}),
    "block_execution_for_admission": Operation(_block, ID | {"blocking_reason", "blocking_detail"}),
    "unblock_execution": Operation(_unblock, ID | {"expected_blocking_reason"}),
    "replay_execution": Operation(_replay, ID),
    "suspend_execution": Operation(_suspend, FENCE | SUSPENDING | THE_HOSTS),
    "resume_execution": Operation(_resume, ID | {"trigger_type"}),
    "set_execution_tags": Operation(_set_tags, ID | {"tags"}),
    "mark_lease_expired_if_due": Operation(_time_passes, ID),
    "expire_execution": Operation(_time_passes, ID | {"expire_reason"}),
    "promote_delayed": Operation(_time_passes, ID),
    "register_worker": Operation(lambda session, args: session.registry.register_worker(args), REGISTERING),
    "heartbeat_worker": Operation(lambda session, args: session.registry.heartbeat_worker(args), INSTANCE),
    "mark_worker_dead": Operation(
        lambda session, args: session.registry.mark_worker_dead(args), INSTANCE | {"reason"}
    ),
    "create_quota_policy": Operation(
        lambda session, args: session.registry.create_quota_policy(args), LIMITING
    ),
    "check_admission": Operation(lambda session, args: session.registry.check_admission(args), ADMITTING),
    "release_admission": Operation(
        lambda session, args: session.registry.release_admission(args), QUOTA | ID
    ),
    "create_budget": Operation(lambda session, args: session.registry.create_budget(args), BUDGETING),
    "report_usage_and_check": Operation(lambda session, args: session.registry.report_usage(args), USING),
    "record_spend": Operation(lambda session, args: session.registry.record_spend(args), USING | ID),
    "release_budget": Operation(lambda session, args: session.registry.release_budget(args), BUDGET | ID),
    "reset_budget": Operation(lambda session, args: session.registry.reset_budget(args), BUDGET),
    "expire_suspension": Operation(_time_passes, ID),
}
