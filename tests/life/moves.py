"""What a walk can sensibly do with an execution, by the phase it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from grantcore import ExecutionSnapshot, Fence, GrantKind, Lease, Phase
from tests.life.cast import Cast, Grant, kind_of
from tests.life.script import Step

Shown = ExecutionSnapshot
Move = Callable[[Cast, int, Shown], Step]
"""Given the cast, the instant and what is shown of the execution."""


def step(call: str, now: int, name: str, *args: object, hopeless: bool = False, **given: object) -> Step:
    """A step about an execution."""
    return Step(now, call, args, given, name, hopeless)


def simple(call: str) -> Move:
    """A call that needs only the id."""
    return lambda _cast, now, shown: step(call, now, shown.execution_id, shown.execution_id)


KEYS: Final = ("k", "l")

# -- creation ------------------------------------------------------------------------------------


def create(cast: Cast, now: int, name: str) -> Step:
    given: dict[str, Any] = {"lane_id": cast.pick(cast.lanes), "execution_id": name}
    given["policy"] = cast.pick(cast.policies)
    options: dict[str, Callable[[], object]] = {
        "priority": lambda: cast.pick((-1, 0, 1, 5, 9_000, 9_001)),
        "required_capabilities": lambda: [cast.pick(cast.tokens) for _ in range(cast.pick((1, 2, 3)))],
        "delay_until_ms": lambda: cast.later(now),
        "deadline_at_ms": lambda: cast.later(now) + 60,
        "payload": lambda: b"in",
        "tags": lambda: {"a.x": "1", "b.y": "2"},
        "namespace": lambda: f"{cast.settings.prefix}other",
        "idempotency_key": lambda: cast.settings.prefix + (name if cast.settings.alone else cast.pick(KEYS)),
    }
    for option, make in options.items():
        if cast.one_in(3):
            given[option] = make()
    return step("create_execution", now, name, **given)


promote: Final = simple("promote_blocked_to_eligible")

# -- waiting -------------------------------------------------------------------------------------


def change_priority(cast: Cast, now: int, shown: Shown) -> Step:
    return step("change_priority", now, shown.execution_id, shown.execution_id, cast.pick((0, 1, 5, 9_999)))


def set_tags(cast: Cast, now: int, shown: Shown) -> Step:
    tags = {cast.pick(("a.x", "b.y", "c.z")): cast.text()}
    return step("set_execution_tags", now, shown.execution_id, shown.execution_id, tags)


def block(cast: Cast, now: int, shown: Shown) -> Step:
    reasons = ("waiting_for_budget", "waiting_for_quota", "paused_by_operator", "paused_by_policy")
    return step(
        "operator.block",
        now,
        shown.execution_id,
        shown.execution_id,
        reason=cast.pick(reasons),
        detail=cast.text(),
    )


def unblock(cast: Cast, now: int, shown: Shown) -> Step:
    if shown.blocking_reason == "waiting_for_children":
        return promote(cast, now, shown)
    expected: dict[str, Any] = {} if cast.one_in(2) else {"expected_reason": shown.blocking_reason}
    return step("operator.unblock", now, shown.execution_id, shown.execution_id, **expected)


# -- grants --------------------------------------------------------------------------------------


def kind_wanted(shown: Shown) -> GrantKind:
    if shown.phase is not Phase.ELIGIBLE:
        return GrantKind.RECLAIM
    return GrantKind.RESUME if shown.attempt_state == "attempt_interrupted" else GrantKind.CLAIM


def issue(cast: Cast, now: int, shown: Shown) -> Step:
    kind = kind_wanted(shown)
    request = cast.request(shown, kind)
    return step(f"issue_{kind}_grant", now, shown.execution_id, shown.execution_id, request)


TAKING: Final[Mapping[GrantKind, str]] = {
    GrantKind.CLAIM: "claim_execution",
    GrantKind.RESUME: "claim_resumed_execution",
    GrantKind.RECLAIM: "reclaim_execution",
}


def take(cast: Cast, now: int, shown: Shown) -> Step:
    """Use the grant that was handed out last, or ask for one."""
    grant = cast.grants.get(shown.execution_id)
    if grant is None or grant.expires_at_ms <= now or kind_of(grant) is not kind_wanted(shown):
        return issue(cast, now, shown)
    return taking(cast, now, shown, grant, cast.grantees[shown.execution_id])


def taking(cast: Cast, now: int, shown: Shown, grant: Grant, worker_id: str, **changed: object) -> Step:
    call = TAKING[kind_of(grant)] if cast.one_in(2) else "take"
    given = cast.taker(worker_id)
    if cast.one_in(4) and kind_of(grant) is not GrantKind.RESUME:
        given["attempt_timeout_ms"] = cast.pick((5, 45))
    if call != "take" and cast.one_in(3):
        given["lane_id"] = shown.lane_id
    hopeless = bool(changed.pop("hopeless", False))
    return step(call, now, shown.execution_id, grant, hopeless=hopeless, **{**given, **changed})


def create_many(cast: Cast, now: int, shown: Shown) -> Step:
    """One that is there already, and one whose key may be known."""
    executions = [{"execution_id": shown.execution_id}, {"execution_id": shown.execution_id, "priority": 2}]
    return Step(now, "create_executions", (executions,), {"lane_id": cast.pick(cast.lanes)})


def issue_many(cast: Cast, now: int, shown: Shown) -> Step:
    names = [cast.someone(), shown.execution_id, cast.someone()]
    return Step(now, "issue_claim_grants", (names, cast.request(shown, GrantKind.CLAIM)), {})


def claim_many(cast: Cast, now: int, shown: Shown) -> Step:
    grants = [*list(cast.grants.values())[-2:]]
    if shown.execution_id in cast.grants:
        grants.append(cast.grants[shown.execution_id])
    return Step(now, "claim_many", (grants,), cast.taker(cast.pick(cast.workers)))


def withdraw(cast: Cast, now: int, shown: Shown) -> Step:
    grant = cast.grants.get(shown.execution_id)
    if grant is None:
        return issue(cast, now, shown)
    worker_id = cast.grantees[shown.execution_id]
    return step("withdraw_grant", now, shown.execution_id, grant, worker_id=worker_id)


def operator_claim(cast: Cast, now: int, shown: Shown) -> Step:
    taker = cast.taker(cast.pick(cast.workers))
    return step("operator.issue_grant_and_claim", now, shown.execution_id, shown.execution_id, **taker)


# -- holding -------------------------------------------------------------------------------------


def lease_of(cast: Cast, shown: Shown) -> Lease | Fence:
    """The last lease, as it was handed out or as its bare fence."""
    held = cast.held.get(shown.execution_id)
    if held is None:
        return Fence(shown.execution_id, "none", 1, "none")
    if cast.one_in(3):
        return Fence(held.execution_id, held.lease_id, held.lease_epoch, held.attempt_id)
    return held


Arguments = Callable[[Cast, int], dict[str, Any]]


def holding(call: str, arguments: Arguments) -> Move:
    """A call that needs a lease."""

    def move(cast: Cast, now: int, shown: Shown) -> Step:
        return step(call, now, shown.execution_id, lease_of(cast, shown), **arguments(cast, now))

    return move


def _ttl(cast: Cast, _now: int) -> dict[str, object]:
    return {"lease_ttl_ms": cast.pick((1, 30, 50, 100, 200))}


def _progress(cast: Cast, _now: int) -> dict[str, object]:
    return {"pct": cast.pick((None, 0, 50, 100)), "message": cast.pick((None, "so far"))}


def _failure(cast: Cast, _now: int) -> dict[str, object]:
    return {"reason": cast.text(), "category": cast.pick(("", "net", "cpu"))}


renew: Final = holding("renew_lease", _ttl)
progress: Final = holding("update_progress", _progress)
complete: Final = holding("complete_execution", lambda cast, _: {"result": cast.pick((None, b"", b"out"))})
fail: Final = holding("fail_execution", _failure)
delay: Final = holding("delay_execution", lambda cast, now: {"delay_until_ms": cast.later(now)})
release: Final = holding("release_execution", lambda *_: {})
await_children: Final = holding("move_to_waiting_children", lambda *_: {})


def _suspension(cast: Cast, now: int) -> dict[str, object]:
    given: dict[str, object] = {"reason_code": cast.pick(REASON_CODES)}
    if not cast.one_in(4):
        given |= {"timeout_at_ms": cast.later(now), "timeout_behavior": cast.pick(BEHAVIORS)}
    return given


REASON_CODES: Final = ("", "waiting_for_approval", "manual_pause", "paused_by_budget", "step_boundary")
BEHAVIORS: Final = (
    "fail",
    "cancel",
    "expire",
    "auto_resume",
    "auto_resume_with_timeout_signal",
    "escalate",
)
suspend: Final = holding("suspend_execution", _suspension)


def resume(cast: Cast, now: int, shown: Shown) -> Step:
    given: dict[str, Any] = {} if cast.one_in(2) else {"resume_delay_ms": cast.pick((0, 1, 20, 60))}
    return step("resume_execution", now, shown.execution_id, shown.execution_id, **given)


def renew_many(cast: Cast, now: int, shown: Shown) -> Step:
    leases = (lease_of(cast, shown), *(cast.pick(cast.past) for _ in range(2 if cast.past else 0)))
    return Step(now, "renew_leases", (leases,), {"lease_ttl_ms": 40})


def _leases_of_many(cast: Cast, shown: Shown) -> list[Lease | Fence]:
    return [lease_of(cast, shown), *(cast.pick(cast.past) for _ in range(2 if cast.past else 0))]


def complete_many(cast: Cast, now: int, shown: Shown) -> Step:
    return Step(now, "complete_many", (_leases_of_many(cast, shown),), {})


def fail_many(cast: Cast, now: int, shown: Shown) -> Step:
    return Step(now, "fail_many", (_leases_of_many(cast, shown),), _failure(cast, now))


def cancel(cast: Cast, now: int, shown: Shown) -> Step:
    given: dict[str, Any] = {"reason": cast.text(), "cancelled_by": cast.text()}
    if shown.phase is Phase.LEASED or (shown.phase is Phase.LEASE_EXPIRED and cast.one_in(2)):
        given["lease"] = lease_of(cast, shown)
    return step("cancel_execution", now, shown.execution_id, shown.execution_id, **given)


# -- the operator --------------------------------------------------------------------------------


def overriding(call: str, arguments: Arguments) -> Move:
    def move(cast: Cast, now: int, shown: Shown) -> Step:
        return step(f"operator.{call}", now, shown.execution_id, shown.execution_id, **arguments(cast, now))

    return move


def _reason(cast: Cast, _now: int) -> dict[str, object]:
    return {"reason": cast.text()}


operator_cancel: Final = overriding("cancel", _reason)
operator_complete: Final = overriding("complete", lambda *_: {"result": b"hand"})
operator_fail: Final = overriding("fail", _failure)
revoke: Final = overriding("revoke_lease", _reason)


def revoke_all(cast: Cast, now: int, shown: Shown) -> Step:
    instance = shown.current_worker_instance_id or f"{cast.workers[0]}-1"
    return Step(now, "operator.revoke_leases_of", (instance,), _reason(cast, now))


# -- the end -------------------------------------------------------------------------------------


def replay(cast: Cast, now: int, shown: Shown) -> Step:
    given: dict[str, Any] = {"reason": cast.text(), "requested_by": cast.pick(("", "ann"))}
    if cast.one_in(3):
        given["deadline_at_ms"] = cast.later(now) + 30
    return step("replay_execution", now, shown.execution_id, shown.execution_id, **given)


def wait(_cast: Cast, now: int, _shown: Shown) -> Step:
    return Step(now, "advance", (), {})


Weighted = tuple[Move, ...]
"""A move stands as often as it weighs."""

_WITH_GRANTS: Final[Weighted] = (take, take, take, take, take, take, take, issue, withdraw)
_ALONE: Final[Mapping[Phase, Weighted]] = {
    Phase.DELAYED: (set_tags, set_tags, operator_cancel, cancel, *([wait] * 9)),
    Phase.ELIGIBLE: (*_WITH_GRANTS, change_priority, set_tags, block, operator_claim, cancel),
    Phase.BLOCKED: (unblock, unblock, unblock, set_tags, block, promote, cancel, wait),
    Phase.LEASED: (
        *(renew, renew, progress, complete, complete, fail, fail, fail, delay, release, await_children),
        *(suspend, suspend, suspend),
        *(revoke, revoke, operator_complete, operator_fail, set_tags, cancel, operator_cancel),
        *(wait, wait, wait),
    ),
    Phase.LEASE_EXPIRED: (*_WITH_GRANTS, *_WITH_GRANTS, set_tags, cancel, operator_cancel, wait),
    Phase.LEASE_REVOKED: (*_WITH_GRANTS, *_WITH_GRANTS, set_tags, cancel, operator_cancel, wait),
    Phase.SUSPENDED: (resume, resume, resume, set_tags, cancel, operator_cancel, *([wait] * 9)),
    **dict.fromkeys(
        (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED), (replay, replay, set_tags, wait)
    ),
}
_TOGETHER: Final[Mapping[Phase, Weighted]] = {
    **dict.fromkeys(Phase, ()),
    Phase.LEASED: (renew_many, revoke_all, complete_many, fail_many),
    Phase.ELIGIBLE: (issue_many, claim_many),
    **dict.fromkeys(
        (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED),
        (simple("purge_execution"), create_many),
    ),
}


def moves(*, alone: bool) -> Mapping[Phase, Weighted]:
    """What can be done in each phase; alone: without what touches other executions."""
    return {phase: (*_ALONE[phase], *(() if alone else _TOGETHER[phase])) for phase in Phase}
