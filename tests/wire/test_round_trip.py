"""Every public value has a JSON form that is read back as it was (SPEC 9)."""

from __future__ import annotations

import json
from types import UnionType
from typing import Any, Final

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


@pytest.mark.uncovered
@pytest.mark.every_python
@pytest.mark.parametrize("kind", KINDS, ids=named)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
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
    gc.Lease | gc.Refused,
    gc.ClaimGrant | gc.Refused,
    gc.Granted | gc.NotReclaimable | gc.ReclaimCapExceeded,
    gc.Reclaimed | gc.NotReclaimable | gc.GrantNotFound,
    gc.ClaimGrant | None,
    events.BudgetEvent | events.LaneEvent,
]


def members(family: Any) -> tuple[type, ...]:
    parts = family.__args__ if isinstance(family, UnionType) else (family,)
    return tuple(member for part in parts for member in table.members(part))


@pytest.mark.uncovered
@pytest.mark.parametrize("family", FAMILIES, ids=named)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_round_trip_of_one_of_several(family: Any, data: st.DataObject) -> None:
    value = data.draw(one_of_members(members(family)))
    assert told(wire.loads(family, wire.dumps(value, family))) == told(value)


@given(st.lists(one_of_members(members(GRANT)), max_size=5).map(tuple))
@settings(max_examples=30, deadline=None)
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


@pytest.mark.uncovered
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
