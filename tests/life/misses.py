"""What goes wrong around a scheduler: calls that nearly fit, and calls that are nonsense.

A near miss is well formed and wrong in one point. Where it must be refused whatever the state, its step
is ``hopeless``. Garbage is a sensible step with one argument replaced by something malformed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from grantcore import (
    ClaimGrant,
    ExecutionSnapshot,
    Fence,
    GrantKind,
    Phase,
    ReclaimGrant,
    ResumeGrant,
)
from tests.life.cast import TIGHT, Cast, Grant
from tests.life.moves import (
    Move,
    Shown,
    await_children,
    block,
    cancel,
    change_priority,
    complete,
    create,
    delay,
    fail,
    issue,
    operator_cancel,
    operator_claim,
    operator_complete,
    operator_fail,
    progress,
    promote,
    release,
    renew,
    replay,
    resume,
    revoke,
    set_tags,
    simple,
    step,
    suspend,
    take,
    taking,
    unblock,
    withdraw,
)
from tests.life.script import Step

HOLDING: Final = (renew, progress, complete, fail, delay, release, await_children, suspend)

ANYTHING: Final[tuple[Move, ...]] = (
    *HOLDING,
    *(issue, take, withdraw, operator_claim, change_priority, set_tags, block, unblock, promote, cancel),
    *(operator_cancel, operator_complete, operator_fail, revoke, replay, resume),
    simple("purge_execution"),
)


def hopeless(made: Step) -> Step:
    return attrs.evolve(made, hopeless=True)


# -- near misses ---------------------------------------------------------------------------------


def any_call(cast: Cast, now: int, shown: Shown) -> Step:
    """The right arguments in what is probably the wrong phase."""
    return cast.pick(ANYTHING[:-1] if cast.settings.alone else ANYTHING)(cast, now, shown)


def old_lease(cast: Cast, now: int, shown: Shown) -> Step:
    """A lease that was replaced: the late worker."""
    held = cast.held.get(shown.execution_id)
    mine = [old for old in cast.past if old.execution_id == shown.execution_id]
    if not mine or held is None:
        return tampered_fence(cast, now, shown)
    made = cast.pick(HOLDING)(cast, now, shown)
    return hopeless(attrs.evolve(made, args=(cast.pick(mine),)))


def tampered_fence(cast: Cast, now: int, shown: Shown) -> Step:
    """One part of the fence is another, or missing."""
    held = cast.held.get(shown.execution_id)
    epoch = 0 if held is None else held.lease_epoch
    parts: dict[str, object] = {
        "lease_id": "?" if held is None else held.lease_id,
        "lease_epoch": epoch,
        "attempt_id": "?" if held is None else held.attempt_id,
    }
    parts |= cast.pick(
        (
            {"lease_id": "another"},
            {"lease_id": None},
            {"lease_epoch": epoch + 1},
            {"lease_epoch": max(epoch - 1, 0)},
            {"lease_epoch": None},
            {"attempt_id": "another"},
            {"attempt_id": ""},
            {"lease_id": None, "lease_epoch": None, "attempt_id": None},
        )
    )
    made = cast.pick(HOLDING)(cast, now, shown)
    return hopeless(attrs.evolve(made, args=(Fence(shown.execution_id, **parts),)))  # type: ignore[arg-type]


def wrong_worker(cast: Cast, now: int, shown: Shown) -> Step:
    """Somebody else uses the grant."""
    grant = cast.grants.get(shown.execution_id)
    if grant is None:
        return wrong_lane(cast, now, shown)
    others = [worker for worker in cast.workers if worker != cast.grantees[shown.execution_id]]
    return taking(cast, now, shown, grant, cast.pick(others), hopeless=True)


def wrong_kind(cast: Cast, now: int, shown: Shown) -> Step:
    """The grant under another type (D-03)."""
    grant = cast.grants.get(shown.execution_id)
    if grant is None:
        return unknown(cast, now, shown)
    name, end, lane = shown.execution_id, grant.expires_at_ms, shown.lane_id
    forged: list[Grant] = [ClaimGrant(name, end), ResumeGrant(name, end, lane), ReclaimGrant(name, end, lane)]
    others = [other for other in forged if type(other) is not type(grant)]
    return taking(cast, now, shown, cast.pick(others), cast.grantees[name], hopeless=True)


def wrong_lane(cast: Cast, now: int, shown: Shown) -> Step:
    """A grant asked for, or used, in another lane (D-12)."""
    lane = cast.lanes[shown.lane_id == cast.lanes[0]]
    grant = cast.grants.get(shown.execution_id)
    if grant is not None and cast.one_in(2):
        made = taking(cast, now, shown, grant, cast.grantees[shown.execution_id])
        if made.call != "take":
            return hopeless(attrs.evolve(made, given={**made.given, "lane_id": lane}))
    kind = cast.pick(tuple(GrantKind))
    request = cast.request(shown, kind, lane_id=lane)
    return step(f"issue_{kind}_grant", now, shown.execution_id, shown.execution_id, request, hopeless=True)


def too_long(cast: Cast, now: int, shown: Shown) -> Step:
    """A time to live beyond the limits of the engine."""
    if cast.one_in(2):
        request = cast.request(shown, GrantKind.CLAIM, grant_ttl_ms=TIGHT.max_grant_ttl_ms + 1)
        return step("issue_claim_grant", now, shown.execution_id, shown.execution_id, request, hopeless=True)
    made = renew(cast, now, shown)
    return hopeless(attrs.evolve(made, given={"lease_ttl_ms": TIGHT.max_lease_ttl_ms + 1}))


def lacking(cast: Cast, now: int, shown: Shown) -> Step:
    """A worker that lacks a token, if any is required (X18)."""
    kind = GrantKind.RECLAIM if shown.phase is not Phase.ELIGIBLE else GrantKind.CLAIM
    request = cast.request(shown, kind, worker_capabilities=())
    return step(f"issue_{kind}_grant", now, shown.execution_id, shown.execution_id, request)


def unknown(cast: Cast, now: int, shown: Shown) -> Step:
    """Any call about an execution that does not exist."""
    nobody = attrs.evolve(shown, execution_id=f"{cast.settings.prefix}nobody")
    return hopeless(cast.pick(ANYTHING)(cast, now, nobody))


def again(cast: Cast, now: int, shown: Shown) -> Step:
    """Created a second time."""
    return hopeless(create(cast, now, shown.execution_id))


def another_grant(cast: Cast, now: int, shown: Shown) -> Step:
    """A grant that is not exactly the live one is not withdrawn."""
    grant = cast.grants.get(shown.execution_id)
    if grant is None:
        return again(cast, now, shown)
    forged = attrs.evolve(grant, expires_at_ms=grant.expires_at_ms + 100_000)
    return hopeless(step("withdraw_grant", now, shown.execution_id, forged, worker_id=cast.workers[0]))


def wrong_word(cast: Cast, now: int, shown: Shown) -> Step:
    """A reason, tag name or lease id that cannot be meant."""
    name = shown.execution_id
    made = cast.pick(
        (
            step("operator.block", now, name, name, reason="because"),
            step("resume_execution", now, name, name, resume_delay_ms=-1),
            step("operator.unblock", now, name, name, expected_reason="because"),
            step("set_execution_tags", now, name, name, {"Upper.case": "x"}),
            step("set_execution_tags", now, name, name, {f"t.{i}": "x" for i in range(5)}),
            step("operator.revoke_lease", now, name, name, reason="", expected_lease_id="another"),
            step("cancel_execution", now, name, name, reason="", lease=Fence("other", "x", 1, "y")),
        )
    )
    return hopeless(made)


NEAR: Final[tuple[Move, ...]] = (
    *(any_call, any_call, any_call, any_call, old_lease, old_lease, tampered_fence, tampered_fence),
    *(wrong_worker, wrong_worker, wrong_kind, wrong_lane, too_long, lacking, lacking, unknown, again),
    *(another_grant, wrong_word),
)


# -- garbage -------------------------------------------------------------------------------------


class Sly(str):
    """A text that claims to be every other text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return str.__hash__(self)


class SlyInt(int):
    """A number that claims to be in every range."""

    __lt__ = __le__ = __gt__ = __ge__ = lambda _self, _other: True


HOSTILE: Final[tuple[object, ...]] = (
    *(1.5, float("nan"), float("inf"), True, False, 2**60, 10**5_000, -(2**60), SlyInt(5)),
    *("\ud800", Sly("main"), object(), ..., type, Exception("x"), 3j, b"main\xff" * 9, "x" * 100_000),
)
"""No argument of any call may be one of these (an empty or false one might mean "not set")."""


def _holes(made: Step) -> list[int | str]:
    return [*range(len(made.args)), *made.given]


def garbage(make: Callable[[], Step]) -> Callable[[Cast], Step]:
    """Replace one argument of a sensible step."""

    def ruin(cast: Cast) -> Step:
        made = make()
        holes = _holes(made)
        if not holes:
            return made
        hole, value = cast.pick(holes), cast.pick(HOSTILE)
        if type(hole) is int:
            args = (*made.args[:hole], value, *made.args[hole + 1 :])
            return hopeless(attrs.evolve(made, args=args))
        return hopeless(attrs.evolve(made, given={**made.given, str(hole): value}))

    return ruin


REQUEST_FIELDS: Final = (
    "worker_id",
    "worker_instance_id",
    "lane_id",
    "grant_ttl_ms",
    "capability_hash",
    "route_snapshot_json",
    "admission_summary",
    "worker_capabilities",
)


def ruined_request(cast: Cast, shown: ExecutionSnapshot) -> Callable[[], object]:
    """A request with a malformed field: it cannot even be built."""
    field, value = cast.pick(REQUEST_FIELDS), cast.pick(HOSTILE[:-1])  # long texts are judged when it is used
    return lambda: cast.request(shown, cast.pick(tuple(GrantKind)), **{field: value})
