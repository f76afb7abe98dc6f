"""Every public value has a JSON form that is read back as it was (SPEC 9)."""

from __future__ import annotations

import json
from types import UnionType
from typing import Any, Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grantcore as gc
from grantcore import events, wire
from grantcore.wire import table
from tests.robustness.calls import SCENARIOS, Scenario
from tests.robustness.worlds import new_world
from tests.wire.values import instances, one_of_members, told

KINDS: Final = sorted(table.TABLE, key=lambda kind: (kind.__module__, kind.__name__))
GRANT: Final[Any] = gc.ClaimGrant | gc.ResumeGrant | gc.ReclaimGrant


def named(kind: object) -> str:
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}" if isinstance(kind, type) else str(kind)


# -- all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=named)
@given(data=st.data())
@settings(max_examples=15)
def test_round_trip(kind: Any, data: st.DataObject) -> None:
    value = data.draw(instances(kind))
    written = wire.dumps(value)
    assert told(wire.loads(kind, written)) == told(value)
    assert json.loads(written) == wire.to_json(value)
    assert told(wire.from_json(kind, wire.to_json(value))) == told(value)


FAMILIES: Final[list[Any]] = [
    events.Event,
    events.ExecutionEvent,
    events.WorkerAlive,
    gc.GrantError,
    GRANT,
    GRANT | None,
    gc.Lease | gc.LeaseLost,
    gc.Granted | gc.NotReclaimable | gc.ReclaimCapExceeded,
    gc.Reclaimed | gc.NotReclaimable | gc.GrantNotFound,
    gc.ClaimGrant | None,
    events.BudgetEvent | events.LaneEvent,
]


def members(family: Any) -> tuple[type, ...]:
    parts = family.__args__ if isinstance(family, UnionType) else (family,)
    return tuple(member for part in parts for member in table.members(part))


@pytest.mark.parametrize("family", FAMILIES, ids=named)
@given(data=st.data())
@settings(max_examples=30)
def test_round_trip_of_one_of_several(family: Any, data: st.DataObject) -> None:
    value = data.draw(one_of_members(members(family)))
    assert told(wire.loads(family, wire.dumps(value, family))) == told(value)


@given(st.lists(one_of_members(members(GRANT)), max_size=5).map(tuple))
@settings(max_examples=30)
def test_round_trip_of_many(grants: tuple[Any, ...]) -> None:
    many: Any = tuple[GRANT, ...]
    assert wire.loads(many, wire.dumps(grants, many)) == grants


def test_none_is_null_where_it_is_allowed() -> None:
    assert wire.dumps(None, GRANT | None) == b"null"
    assert wire.loads(GRANT | None, b"null") is None
    with pytest.raises(gc.InvalidInput):
        wire.loads(GRANT, b"null")


def test_the_comparison_can_fail() -> None:
    """Values that differ in one type, deep inside, are not alike."""
    one, other = events.WorkerLapsed(1, 1, None, "w", "n"), events.WorkerLapsed(1, True, None, "w", "n")
    assert one == other
    assert told(one) != told(other)


# -- what an engine gives ------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.call != "subscribe"], ids=str)
def test_what_the_calls_answer_and_tell(scenario: Scenario) -> None:
    world = new_world(scenario.config)
    scenario.build(world)
    heard: list[Any] = []
    world.engine.subscribe(heard.append)
    try:
        heard.append(scenario.make(world))
    except gc.GrantError as refused:
        heard.append(refused)
    for value in (part for one in heard for part in (one if type(one) is tuple else (one,))):
        if type(value) in table.TABLE:
            assert told(wire.loads(type(value), wire.dumps(value))) == told(value)
        else:
            assert isinstance(value, (bool, int, str, bytes, type(None), gc.GrantEngine, gc.Operator))


# -- the table is whole --------------------------------------------------------------------------


def missing_from_the_table(public: dict[str, object]) -> set[str]:
    """Public classes whose instances are data and that are neither in the table nor a family of it."""
    return {
        name
        for name, kind in public.items()
        if isinstance(kind, type)
        and (attrs.has(kind) or issubclass(kind, gc.GrantError))
        and not table.members(kind)
    }


def public(module: Any) -> dict[str, object]:
    return {name: getattr(module, name) for name in module.__all__}


def test_every_public_value_type_is_in_the_table() -> None:
    assert missing_from_the_table(public(gc)) == set()
    assert missing_from_the_table(public(events)) == set()


def test_a_value_type_that_is_not_in_the_table_is_found() -> None:
    @attrs.frozen
    class Novelty:
        execution_id: str

    assert missing_from_the_table({"Novelty": Novelty, "Lease": gc.Lease}) == {"Novelty"}


# -- tags ----------------------------------------------------------------------------------------

TAGS: Final = {
    "status": """
        added already_satisfied blocked cancelled completed created delayed duplicate grant_not_found granted
        hard_breach lease lease_lost marked moved not_reclaimable not_registered priority_changed
        reclaim_cap_exceeded reclaimed refreshed registered replayed resumed retry_scheduled revoked suspended
        terminal_failed unblocked usage_applied
        """,
    "event": """
        attempt_timed_out became_due blocked budget_created budget_released budget_reset cancelled
        capability_mismatched children_awaited children_done completed created deadline_passed delayed failed
        grant_issued grant_lapsed grant_withdrawn lane_configured lane_drained lane_paused lane_resumed
        lease_acquired lease_lapsed lease_reclaimed lease_renewed lease_revoked priority_changed
        progress_reported purged quota_policy_created reclaim_cap_reached replayed resumed
        retry_scheduled spend_recorded suspended suspension_timed_out
        tags_changed unblocked usage_reported worker_lapsed worker_marked_dead
        worker_refreshed worker_registered
        """,
    "type": "exponential fixed",
    "kind": "claim reclaim resume",
    "code": """
        budget_exceeded budget_not_found capability_mismatch clock_error concurrency_limit_exceeded
        execution_not_active execution_not_eligible execution_not_found execution_not_in_eligible_set
        execution_not_leaseable execution_not_reclaimable execution_not_suspended execution_not_terminal
        fence_required forked grant_already_exists instance_reassigned invalid_blocking_reason
        invalid_capabilities invalid_claim_grant invalid_input invalid_tag_key invariant_broken lane_draining
        lane_paused lease_expired lease_revoked limit_exceeded max_replays_exhausted not_a_resumed_execution
        not_blocked_by_deps not_runnable partial_fence_triple quota_policy_not_found rate_limit_exceeded
        reentrant snapshot_invalid stale_lease use_claim_resumed_execution worker_not_found
        """,
}


def test_every_tag_is_pinned() -> None:
    told_apart: dict[str, list[str]] = {}
    for tag in table.TABLE.values():
        if tag is not None:
            told_apart.setdefault(tag.key, []).append(tag.name)
    assert {key: sorted(names) for key, names in told_apart.items()} == {
        key: sorted(names.split()) for key, names in TAGS.items()
    }


@pytest.mark.parametrize("kind", [k for k in KINDS if table.TABLE[k] is not None], ids=named)
@given(data=st.data())
@settings(max_examples=3)
def test_the_tag_stands_where_the_table_says(kind: Any, data: st.DataObject) -> None:
    tag = table.TABLE[kind]
    written: Any = wire.to_json(data.draw(instances(kind)))
    assert tag is not None
    assert written.get(tag.key) == (tag.name if tag.always else None)
