"""I-62: what the engine returns is frozen, a value, and its own copy; nothing internal is ever returned."""

from __future__ import annotations

import copy
import enum
import pickle
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
import pytest

import grantcore as gc
from grantcore.events import Event
from grantcore.model.values import FrozenDict
from tests.robustness import worlds
from tests.robustness.calls import SCENARIOS, Scenario, named
from tests.robustness.worlds import World, new_world

PLAIN: Final = (str, int, bytes, bool, type(None), enum.Enum)


def parts(value: object, *, into_policies: bool = True) -> Iterator[object]:
    """A value and everything that hangs off it."""
    if isinstance(value, gc.ExecutionPolicy) and not into_policies:
        return
    yield value
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from parts(key, into_policies=into_policies)
            yield from parts(entry, into_policies=into_policies)
    elif isinstance(value, (tuple, frozenset, list, set)):
        for entry in value:
            yield from parts(entry, into_policies=into_policies)
    elif attrs.has(kind := type(value)):
        for field in attrs.fields(kind):
            yield from parts(getattr(value, field.name, None), into_policies=into_policies)


def spoil(value: object) -> int:
    """Overwrite what can be overwritten by force; answer how much. (Policies: see their own test.)"""
    spoiled = 0
    for part in list(parts(value, into_policies=False)):
        if isinstance(part, (dict, list, set)):
            part.clear()
            spoiled += 1
        elif attrs.has(type(part)):
            spoiled += sum(_overwrite(part, name) for name in _stored(type(part)))
    return spoiled


def _stored(kind: type[Any]) -> set[str]:
    """The names under which instances of a class store something."""
    slots = {slot for base in kind.__mro__ for slot in getattr(base, "__slots__", ())}
    return slots | {field.name for field in attrs.fields(kind)}


def _overwrite(part: object, name: str) -> bool:
    try:
        object.__setattr__(part, name, "spoiled")
    except AttributeError:  # derived, not stored
        return False
    return True


def _returned(scenario: Scenario) -> tuple[World, object, list[Event]]:
    """A call's answer and its events; a refusal counts as an answer."""
    world = new_world(scenario.config)
    scenario.build(world)
    heard: list[Event] = []
    world.engine.subscribe(heard.append)
    try:
        return world, scenario.make(world), heard
    except gc.GrantError as refusal:
        return world, refusal, heard


SHOWN: Final = [s for s in SCENARIOS if s.call != "subscribe"]


@pytest.mark.uncovered
@pytest.mark.parametrize("scenario", SHOWN, ids=str)
def test_spoiling_what_is_returned_changes_nothing(scenario: Scenario) -> None:
    """I-62, hostile-inputs section 4: ``object.__setattr__`` on results and events, to their last part."""
    world, result, heard = _returned(scenario)
    digest = world.engine.digest()
    spoil((result, tuple(heard)))
    world.engine.check()
    assert world.engine.digest() == digest


def test_spoiling_everything_an_engine_shows() -> None:
    """I-62: records of every phase, their attempts, histories, grants, leases, events."""
    world = new_world()
    heard: list[Event] = []
    world.engine.subscribe(heard.append)
    worlds.busy(world)
    world.engine.set_execution_tags("waiting", {"a.b": "c"})
    engine = world.engine
    digest = engine.digest()
    shown: list[Any] = [
        engine.list_executions(),
        engine.leases(),
        engine.list_expired_leases(),
        engine.stats(),
    ]
    for entry in engine.list_executions().entries:
        eid = entry.execution_id
        shown += [engine.attempts(eid), engine.lease_history(eid), engine.describe_grant(eid)]
    spoiled = spoil((tuple(shown), tuple(heard)))
    assert spoiled > 2_000
    engine.check()
    assert engine.digest() == digest
    assert all(entry.execution_id != "spoiled" for entry in engine.list_executions().entries)


@pytest.mark.uncovered
@pytest.mark.parametrize("scenario", SHOWN, ids=str)
def test_only_immutable_containers(scenario: Scenario) -> None:
    """hostile-inputs section 4: tuple, frozenset, a mapping that is frozen; frozen classes; plain values."""
    _, result, heard = _returned(scenario)
    for part in parts((result, tuple(heard))):
        assert not isinstance(part, (list, dict, set, bytearray)), part
        if attrs.has(kind := type(part)):
            with pytest.raises(AttributeError):
                setattr(part, attrs.fields(kind)[0].name, 5)
        else:
            assert isinstance(part, (*PLAIN, tuple, frozenset, FrozenDict, gc.GrantError))


@pytest.mark.uncovered
@pytest.mark.every_python
@pytest.mark.parametrize("scenario", SHOWN, ids=str)
def test_values_copy_as_values(scenario: Scenario) -> None:
    """hostile-inputs section 4: records copy and pickle as values; refusals too."""
    _, result, heard = _returned(scenario)
    untagged = [event for event in heard if not getattr(event, "tags", None)]
    for value in (result, *untagged):
        for copied in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            assert type(copied) is type(value)
            if isinstance(value, gc.GrantError):
                assert (str(copied), vars(copied)) == (str(value), vars(value))
            else:  # a LeaseLost holds an exception, and those are equal to themselves only
                assert copied == value or repr(copied) == repr(value)


def test_values_with_tags_copy_as_values() -> None:
    """hostile-inputs section 4: an execution with tags, and the event that tells them."""
    world = new_world()
    heard: list[Event] = []
    world.engine.subscribe(heard.append)
    world.engine.create_execution(lane_id="main", execution_id="e", tags={"a.b": "c"})
    for value in (world.engine.describe_execution("e"), heard[0]):
        for copied in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            assert copied == value


def test_spoiling_the_tags_that_are_shown() -> None:
    """I-62, hostile-inputs section 4: a private copy also where a mapping hangs off a record."""
    world = new_world()
    heard: list[Any] = []
    world.engine.subscribe(heard.append)
    world.engine.create_execution(lane_id="main", execution_id="e", tags={"a.b": "c"})
    digest = world.engine.digest()
    snapshot = world.engine.describe_execution("e")
    assert snapshot is not None
    for tags in (snapshot.tags, heard[0].tags):
        for slot in getattr(type(tags), "__slots__", ()):
            object.__setattr__(tags, slot, {"a.b": "spoiled"})
    assert world.engine.digest() == digest


def test_the_callers_own_policy_is_not_the_engines() -> None:
    """I-62, hostile-inputs section 2: tampering with the caller's copy has no effect."""
    world = new_world()
    policy = gc.ExecutionPolicy(max_reclaim_count=3)
    world.engine.create_execution(lane_id="main", execution_id="e", policy=policy)
    digest = world.engine.digest()
    object.__setattr__(policy, "max_reclaim_count", 0)
    assert world.engine.digest() == digest


def test_the_policy_an_event_tells_is_not_the_engines() -> None:
    """I-62: nothing internal is ever returned, also not by an event."""
    world = new_world()
    heard: list[Any] = []
    world.engine.subscribe(heard.append)
    world.engine.create_execution(lane_id="main", execution_id="e", policy=gc.ExecutionPolicy())
    digest = world.engine.digest()
    object.__setattr__(heard[0].policy, "max_reclaim_count", 0)
    assert world.engine.digest() == digest


def test_a_lease_kept_and_spoiled_is_only_the_callers() -> None:
    """I-62: the caller can ruin its own lease, nobody else's."""
    world = new_world()
    worlds.held(world)
    mine, shown = world.lease(), world.engine.leases()[0]
    assert mine == shown
    spoil(mine)
    assert world.engine.leases()[0] == shown
    world.engine.complete_execution(shown)


def test_repr_hides_payloads() -> None:
    """hostile-inputs section 6: neither payload nor result stands in a repr."""
    world = new_world()
    heard: list[Event] = []
    world.engine.subscribe(heard.append)
    world.engine.create_execution(lane_id="main", execution_id="e", payload=b"secret-in")
    world.grants["e"] = world.engine.issue_claim_grant("e", worlds.asking())
    worlds.take(world, "e")
    world.engine.complete_execution(world.lease(), result=b"secret-out")
    shown = [world.engine, world.engine.list_executions(), world.engine.attempts("e"), *heard]
    assert not [text for text in map(repr, shown) if "secret" in text]


def test_bytes_are_bytes() -> None:
    """I-62: what was given as bytes comes back as bytes."""
    world = new_world()
    worlds.done(world)
    assert named("read_result", "done").make(world) == b"r"
