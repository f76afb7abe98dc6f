"""I-62, I-65: an event says for ever what it said when it was told; who has closed costs nothing more."""

from __future__ import annotations

import enum
import threading
import weakref
from collections.abc import Iterator, Mapping
from typing import Final

import attrs
import pytest

from grantcore import (
    EngineConfig,
    ExecutionPolicy,
    Fixed,
    GrantEngine,
    ManualClock,
    RetryPolicy,
    Subscription,
    events,
)
from grantcore.model.values import FrozenDict
from tests.observers.every_event import Story

PLAIN: Final = (str, int, bytes, bool, type(None), enum.Enum)


def parts(value: object) -> Iterator[object]:
    """A value and everything that hangs off it."""
    yield value
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from parts(name)
            yield from parts(entry)
    elif isinstance(value, (tuple, frozenset)):
        for entry in value:
            yield from parts(entry)
    elif attrs.has(kind := type(value)):
        for field in attrs.fields(kind):
            yield from parts(getattr(value, field.name))


def test_every_event_is_immutable_to_its_last_part() -> None:
    """So nothing in it has to be copied when it is told."""
    story = Story()
    story.play()
    for event in story.told:
        for part in parts(event):
            if attrs.has(kind := type(part)):
                with pytest.raises(attrs.exceptions.FrozenInstanceError):
                    setattr(part, attrs.fields(kind)[0].name, "other")
            else:
                assert type(part) in (tuple, frozenset, FrozenDict) or isinstance(part, PLAIN), part


def test_events_stand_still_while_the_story_goes_on() -> None:
    """What happens to a record later changes no event of it."""
    said: list[str] = []
    story = Story(lambda event: said.append(repr(event)))
    story.play()
    assert [repr(event) for event in story.told] == said


def test_what_a_caller_changes_after_the_call_changes_neither_event_nor_record() -> None:
    """Everything mutable that can be handed in: tokens, budgets, tags, the categories of a policy."""
    engine = GrantEngine(clock=ManualClock())
    engine.create_budget("budget", hard_limits={"usd": 5})
    told: list[events.Event] = []
    engine.subscribe(told.append)
    tokens, budgets, tags, categories = ["gpu"], ["budget"], {"a.b": "c"}, {"net"}
    engine.create_execution(
        lane_id="main",
        execution_id="e",
        required_capabilities=tokens,
        budget_ids=budgets,
        tags=tags,
        policy=ExecutionPolicy(retry=RetryPolicy(2, Fixed(5), categories)),
    )
    engine.set_execution_tags("e", tags)
    said, shown, digest = [repr(event) for event in told], engine.describe_execution("e"), engine.digest()
    for given in (tokens, budgets, tags, categories):
        given.clear()
    assert [repr(event) for event in told] == said
    assert (engine.describe_execution("e"), engine.digest()) == (shown, digest)
    assert type(created := told[0]) is events.Created
    assert (created.required_capabilities, created.budget_ids) == (("gpu",), ("budget",))
    assert created.tags == {"a.b": "c"}
    assert created.policy.retry is not None
    assert created.policy.retry.retryable_categories == {"net"}


def test_executions_created_alike_tell_one_policy_which_is_not_the_engine_s() -> None:
    """It is copied once, not for each event."""
    engine = GrantEngine(clock=ManualClock())
    told: list[events.Event] = []
    engine.subscribe(told.append)
    policy = ExecutionPolicy(max_reclaim_count=3)
    for _ in range(2):
        engine.create_execution(lane_id="main", policy=policy)
    first, second = [event.policy for event in told if isinstance(event, events.Created)]
    assert first is second
    assert first == policy
    assert first is not policy
    assert all(first is not record.spec.policy for record in engine._records.values())


# -- closing ---------------------------------------------------------------------------------------


def is_plain(engine: GrantEngine) -> bool:
    """Whether the plain way of ``engine/inner.py`` is open."""
    return engine._plain_ids is not None


def test_closing_opens_the_plain_way_at_once() -> None:
    engine = GrantEngine(clock=ManualClock())
    subscription = engine.subscribe(print)
    assert not is_plain(engine)
    subscription.close()
    subscription.close()
    assert is_plain(engine)
    assert engine._subscriptions == ()


def test_the_plain_way_stays_shut_while_somebody_listens() -> None:
    engine = GrantEngine(clock=ManualClock())
    told: list[events.Event] = []
    first, last = engine.subscribe(print), engine.subscribe(told.append)
    first.close()
    assert not is_plain(engine)
    assert engine._subscriptions == (last,)
    engine.create_execution(lane_id="main")
    assert len(told) == 1


def test_an_observer_that_closes_itself_opens_it_with_this_event() -> None:
    engine = GrantEngine(clock=ManualClock())
    subscriptions: list[Subscription] = []
    subscriptions.append(engine.subscribe(lambda _event: subscriptions[0].close()))
    engine.create_execution(lane_id="main")
    assert is_plain(engine)


@pytest.mark.parametrize("threadsafe", [True, False])
def test_without_threads_it_is_the_same(threadsafe: bool) -> None:
    engine = GrantEngine(clock=ManualClock(), config=EngineConfig(threadsafe=threadsafe))
    engine.subscribe(print).close()
    assert is_plain(engine)
    assert not engine._lock._is_owned()


def test_closing_waits_for_nobody() -> None:
    """Whoever closes may hold what an observer, under the engine's lock, is waiting for."""
    engine = GrantEngine(clock=ManualClock())
    told: list[events.Event] = []
    inside, closed = threading.Event(), threading.Event()

    def wait(_event: events.Event) -> None:
        inside.set()
        assert closed.wait(10)

    subscription, other = engine.subscribe(wait), engine.subscribe(told.append)
    call = threading.Thread(target=lambda: engine.create_execution(lane_id="main"))
    call.start()
    assert inside.wait(10)
    subscription.close()
    other.close()
    closed.set()
    call.join(10)
    assert told == []
    assert is_plain(engine)


def test_a_subscription_does_not_hold_its_engine() -> None:
    """Nor does an engine hold itself by it: it goes when the last name of it goes."""
    engine = GrantEngine(clock=ManualClock())
    subscription, gone = engine.subscribe(print), weakref.ref(engine)
    del engine
    assert gone() is None
    subscription.close()
    assert subscription.closed
