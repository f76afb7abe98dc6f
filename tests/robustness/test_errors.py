"""SPEC 11, the class table: every code, its class, what ``except`` sees, its attributes, who raises it."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any, Final

import attrs
import pytest

import grantcore as gc
from grantcore.model import errors
from tests.robustness import inside, worlds
from tests.robustness.test_fork import in_child, posix
from tests.robustness.worlds import LANE, TTL, WHO, World, asking, asking_back, new_world

TABLE: Final = """
retryable   Exception      execution_not_eligible
retryable   Exception      execution_not_in_eligible_set
retryable   Exception      execution_not_leaseable
retryable   Exception      execution_not_reclaimable
retryable   Exception      grant_already_exists
retryable   Exception      capability_mismatch .missing
retryable   Exception      invalid_claim_grant .reason
retryable   Exception      use_claim_resumed_execution
retryable   Exception      not_a_resumed_execution
retryable   Exception      rate_limit_exceeded .retry_at_ms
retryable   Exception      concurrency_limit_exceeded .scope .retry_at_ms
retryable   Exception      lane_paused
retryable   Exception      limit_exceeded .limit
cooperative Exception      budget_exceeded .retry_at_ms
cooperative Exception      lane_draining
terminal    Exception      stale_lease .current_epoch
terminal    Exception      lease_expired .expired_at_ms
terminal    Exception      lease_revoked .reason
terminal    Exception      execution_not_active .terminal_outcome .lease_epoch .lifecycle_phase .attempt_id
terminal    Exception      execution_not_terminal
terminal    Exception      max_replays_exhausted
terminal    Exception      not_runnable
terminal    Exception      not_blocked_by_deps
terminal    Exception      execution_not_suspended
terminal    Exception      instance_reassigned
terminal    LookupError    execution_not_found
terminal    LookupError    quota_policy_not_found
terminal    LookupError    budget_not_found
terminal    LookupError    worker_not_found
terminal    ValueError     invalid_input .field
terminal    ValueError     invalid_capabilities .reason
terminal    ValueError     invalid_blocking_reason
terminal    ValueError     invalid_tag_key .key
terminal    ValueError     fence_required
terminal    ValueError     partial_fence_triple
terminal    ValueError     snapshot_invalid
bug         RuntimeError   reentrant
bug         RuntimeError   forked
bug         RuntimeError   clock_error
bug         AssertionError invariant_broken
"""


@attrs.frozen
class Row:
    """One code of the table."""

    error_class: str
    parent: type[Exception]
    code: str
    attributes: tuple[str, ...]

    @property
    def kind(self) -> type[gc.GrantError]:
        name = "".join(word.capitalize() for word in self.code.split("_"))
        found: type[gc.GrantError] = getattr(gc, name)
        return found


PARENTS: Final = {
    kind.__name__: kind for kind in (Exception, LookupError, ValueError, RuntimeError, AssertionError)
}


def _row(line: str) -> Row:
    error_class, parent, code, *attributes = line.split()
    return Row(error_class, PARENTS[parent], code, tuple(name.lstrip(".") for name in attributes))


ROWS: Final = [_row(line) for line in TABLE.strip().split("\n")]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)

LATER: Final = {
    "rate_limit_exceeded": "quota",
    "concurrency_limit_exceeded": "quota, lanes, workers",
    "lane_paused": "lanes",
    "lane_draining": "lanes",
    "budget_exceeded": "budget",
    "instance_reassigned": "workers",
    "worker_not_found": "workers",
}
"""Codes that belong to later parts (SPEC 7, 8): defined now, raised then."""


# -- the table ---------------------------------------------------------------------------------------------


@every_row
def test_class_of_a_code(row: Row) -> None:
    """SPEC 11: class name = code in CamelCase, one error_class, one builtin parent."""
    assert row.kind.code == row.code
    assert row.kind.error_class == row.error_class
    assert issubclass(row.kind, gc.GrantError)
    others = {LookupError, ValueError, RuntimeError, AssertionError} - {row.parent}
    if row.parent is AssertionError:
        others -= {RuntimeError}
        assert issubclass(row.kind, RuntimeError)
    assert issubclass(row.kind, row.parent)
    assert not any(issubclass(row.kind, other) for other in others)
    assert not issubclass(row.kind, (TypeError, KeyError, IndexError, ArithmeticError, RecursionError))


@every_row
def test_attributes_of_a_code(row: Row) -> None:
    """SPEC 11: details are attributes, declared on the class, kept by pickle and copy, in neither text."""
    assert set(row.kind.__annotations__) == set(row.attributes)
    details = dict.fromkeys(row.attributes, "detail-of-it")
    error = row.kind("what happened", **details)
    assert str(error) == f"{row.code}: what happened"
    for again in (error, copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is row.kind
        assert [getattr(again, name) for name in row.attributes] == ["detail-of-it"] * len(row.attributes)
        assert str(again) == str(error)


def test_the_table_is_complete() -> None:
    """One class per code, in one tree, all of them public."""
    leaves = {
        kind.code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.GrantError) and not kind.__subclasses__()
    }
    assert leaves == {row.code for row in ROWS}
    assert len(ROWS) == len({row.code for row in ROWS}) == 40
    public = {name for name in gc.__all__ if isinstance(getattr(gc, name), type)}
    assert {row.kind.__name__ for row in ROWS} | {"GrantError"} <= public


def test_codes_are_what_the_reference_calls_them() -> None:
    """Codes are lower-case words; nothing else can be one."""
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", row.code) for row in ROWS)


# -- who raises them -----------------------------------------------------------------------------------------


def _built(build: worlds.Build, config: gc.EngineConfig | None = None) -> World:
    world = new_world(config)
    build(world)
    return world


def _take_twice(world: World) -> None:
    worlds.take(world, "e")
    worlds.take(world, "e")


def _exhaust_replays(world: World) -> None:
    for _ in range(9):
        world.engine.replay_execution("e")
        world.engine.cancel_execution("e", reason="")


def _fill(world: World) -> None:
    worlds.waiting(world)
    worlds.waiting(world, "f")


def _break(world: World) -> None:
    inside.break_record(world.engine, "e")
    world.engine.check()


def _call_in(world: World) -> None:
    inside.set_clock(world.engine, world.engine.now_ms)
    try:
        world.engine.now_ms()
    except gc.ClockError as error:
        assert error.__cause__ is not None
        raise error.__cause__ from None


def _stop_the_clock(world: World) -> None:
    inside.set_clock(world.engine, lambda: -1)
    world.engine.now_ms()


def _another_lane(world: World) -> object:
    request = attrs.evolve(asking(), lane_id="other")
    return world.engine.issue_claim_grant("e", request)


Provoke = Callable[[World], object]
RAISED: Final[dict[str, tuple[worlds.Build, Provoke]]] = {
    "execution_not_eligible": (worlds.held, lambda w: w.engine.issue_claim_grant("e", asking())),
    "execution_not_in_eligible_set": (worlds.waiting, _another_lane),
    "execution_not_leaseable": (worlds.granted, _take_twice),
    "execution_not_reclaimable": (worlds.reclaimable, _take_twice),
    "grant_already_exists": (worlds.granted, lambda w: w.engine.issue_claim_grant("e", asking())),
    "capability_mismatch": (worlds.picky, lambda w: w.engine.issue_claim_grant("e", asking())),
    "invalid_claim_grant": (
        worlds.granted,
        lambda w: w.engine.take(w.grants["e"], worker_id="x", worker_instance_id="x", lease_ttl_ms=5),
    ),
    "use_claim_resumed_execution": (worlds.released, lambda w: w.engine.issue_claim_grant("e", asking())),
    "not_a_resumed_execution": (worlds.waiting, lambda w: w.engine.issue_resume_grant("e", asking())),
    "limit_exceeded": (worlds.waiting, _fill),
    "stale_lease": (
        worlds.held,
        lambda w: w.engine.renew_lease(gc.Fence("e", "x", 1, "x"), lease_ttl_ms=5),
    ),
    "lease_expired": (worlds.lapsed, lambda w: w.engine.complete_execution(w.lease())),
    "lease_revoked": (worlds.revoked, lambda w: w.engine.complete_execution(w.lease())),
    "execution_not_active": (worlds.done, lambda w: w.engine.complete_execution(w.lease())),
    "execution_not_terminal": (worlds.held, lambda w: w.engine.purge_execution("e")),
    "max_replays_exhausted": (worlds.done, _exhaust_replays),
    "not_runnable": (worlds.held, lambda w: w.engine.promote_blocked_to_eligible("e")),
    "execution_not_suspended": (worlds.waiting, lambda w: w.engine.resume_execution("e")),
    "not_blocked_by_deps": (worlds.waiting, lambda w: w.engine.promote_blocked_to_eligible("e")),
    "execution_not_found": (worlds.waiting, lambda w: w.engine.attempts("nobody")),
    "quota_policy_not_found": (
        worlds.waiting,
        lambda w: w.engine.create_execution(lane_id=LANE, quota_policy_id="q"),
    ),
    "budget_not_found": (worlds.waiting, lambda w: w.engine.create_execution(lane_id=LANE, budget_ids=["b"])),
    "invalid_input": (worlds.waiting, lambda w: w.engine.change_priority("e", 2**53)),
    "invalid_capabilities": (
        worlds.waiting,
        lambda w: w.engine.create_execution(lane_id=LANE, required_capabilities=["a b"]),
    ),
    "invalid_blocking_reason": (worlds.waiting, lambda w: w.operator.block("e", reason="because")),
    "invalid_tag_key": (worlds.waiting, lambda w: w.engine.set_execution_tags("e", {"a": "b"})),
    "fence_required": (worlds.held, lambda w: w.engine.cancel_execution("e", reason="r")),
    "partial_fence_triple": (worlds.held, lambda w: w.engine.release_execution(gc.Fence("e", "x"))),
    "snapshot_invalid": (worlds.waiting, lambda w: gc.GrantEngine.restore(w.engine.snapshot()[1:])),
    "reentrant": (worlds.waiting, _call_in),
    "clock_error": (worlds.waiting, _stop_the_clock),
    "invariant_broken": (worlds.waiting, _break),
}


def _raised(code: str) -> gc.GrantError:
    build, provoke = RAISED[code]
    world = _built(build, gc.EngineConfig(max_executions=1))
    with pytest.raises(gc.GrantError) as raised:
        provoke(world)
    return raised.value


def test_every_code_is_raised_or_belongs_to_a_later_part() -> None:
    """Each row of the table is shown below, stands in LATER, or is ``forked``."""
    assert {*RAISED, *LATER, "forked"} == {row.code for row in ROWS}
    assert not RAISED.keys() & LATER.keys()


@pytest.mark.parametrize("code", RAISED)
def test_a_call_that_raises_the_code(code: str) -> None:
    """I-63, SPEC 11: the code, its attributes all set, a text that begins with the code."""
    error = _raised(code)
    (row,) = (row for row in ROWS if row.code == code)
    assert type(error) is row.kind
    assert set(vars(error)) == {"detail", *row.attributes}
    assert str(error).startswith(code)


@posix
def test_forked_is_raised_in_a_child() -> None:
    """SPEC 11: the one code that takes another process."""
    engine: Any = gc.GrantEngine(clock=gc.ManualClock())

    def child() -> str:
        try:
            engine.now_ms()
        except RuntimeError as error:
            return f"{type(error).__name__} {error}"
        return "served"

    assert in_child(child).startswith("Forked forked")


def test_details_of_the_refusals() -> None:
    """I-23, I-46, SPEC 11: what the attributes say."""
    assert vars(_raised("capability_mismatch"))["missing"] == ("gpu",)
    assert vars(_raised("limit_exceeded"))["limit"] == "max_executions"
    assert vars(_raised("stale_lease"))["current_epoch"] == 1
    assert vars(_raised("lease_expired"))["expired_at_ms"] == 1_001
    assert vars(_raised("lease_revoked"))["reason"] == "because"
    assert vars(_raised("invalid_input"))["field"] == "new_priority"
    assert vars(_raised("invalid_tag_key"))["key"] == "a"
    assert vars(_raised("invalid_capabilities"))["reason"] == "required:control_or_whitespace"
    ended = vars(_raised("execution_not_active"))
    assert (ended["terminal_outcome"], ended["lifecycle_phase"], ended["lease_epoch"]) == (
        "success",
        "terminal",
        1,
    )
    assert ended["attempt_id"] == "attempt-000001"


def test_reasons_of_an_invalid_claim_grant() -> None:
    """SPEC 5: absent, lapsed, other_worker, other_kind."""
    reasons = []
    for step in ("absent", "lapsed", "other_worker", "other_kind"):
        world = _built(worlds.granted)
        grant: Any = world.grants["e"]
        who = {**WHO, "lease_ttl_ms": TTL}
        if step == "absent":
            world.engine.withdraw_grant(grant, worker_id="w")
        elif step == "lapsed":
            world.clock.advance(TTL)
        elif step == "other_worker":
            who["worker_id"] = "x"
        else:
            grant = gc.ResumeGrant("e", grant.expires_at_ms, LANE)
        with pytest.raises(gc.InvalidClaimGrant) as raised:
            world.engine.take(grant, **who)  # type: ignore[arg-type]
        reasons.append(raised.value.reason)
    assert reasons == ["absent", "lapsed", "other_worker", "other_kind"]


def test_expected_outcomes_are_answers_not_errors() -> None:
    """SPEC 9: where several outcomes are expected, they are values."""
    world = _built(worlds.capped)
    assert world.engine.issue_reclaim_grant("e", asking_back()) == gc.ReclaimCapExceeded("e", 0)
    assert world.engine.issue_reclaim_grant("e", asking_back()) == gc.NotReclaimable(
        "e", "execution_not_reclaimable"
    )
    world = _built(worlds.revoked)
    assert world.operator.revoke_lease("e", reason="r") == gc.AlreadySatisfied("already_revoked")
    assert world.engine.create_execution(lane_id=LANE, execution_id="e") == gc.Duplicate("e", "execution_id")
