"""SPEC 10, I-65, I-66: who is told, when, in what order, and what observers cannot do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NoReturn

import pytest

import grantcore as gc
from grantcore import events
from grantcore.events import Event
from tests.observing import of_executions
from tests.robustness import inside, worlds
from tests.robustness.worlds import LANE, World, new_world


class Stop(BaseException):
    """What an observer may raise on purpose to get through."""


def raising(error: BaseException) -> Callable[[Event], NoReturn]:
    """An observer that raises."""

    def observe(_: Event) -> NoReturn:
        raise error

    return observe


def listening(world: World) -> list[Event]:
    heard: list[Event] = []
    world.engine.subscribe(heard.append)
    return heard


# -- what observers raise --------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), gc.StaleLease("x"), StopIteration()])
def test_an_exception_is_logged_and_changes_nothing(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """I-66: the answer, the state and the other observers are as without it."""
    world, twin = new_world(), new_world()
    first = listening(world)
    world.engine.subscribe(raising(error))
    last = listening(world)
    with caplog.at_level(logging.ERROR, logger="grantcore"):
        worlds.done(world)
    worlds.done(twin)
    assert world.engine.digest() == twin.engine.digest()
    assert first == last
    assert len(first) == 4
    assert [record.name for record in caplog.records] == ["grantcore"] * 4
    assert all(record.exc_info for record in caplog.records)


def test_the_log_names_no_payload(caplog: pytest.LogCaptureFixture) -> None:
    """hostile-inputs section 6: texts name codes and ids only."""
    world = new_world()
    world.engine.subscribe(raising(ValueError("oops")))
    world.engine.create_execution(lane_id=LANE, execution_id="e", payload=b"secret-payload")
    assert "secret" not in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit(), Stop()])
def test_a_base_exception_passes_on_when_all_have_run(error: BaseException) -> None:
    """SPEC 10: raised after all have run, and the state is whole."""
    world, twin = new_world(), new_world()
    first = listening(world)
    subscription = world.engine.subscribe(raising(error))
    last = listening(world)
    with pytest.raises(type(error)) as raised:
        worlds.waiting(world)
    worlds.waiting(twin)
    assert raised.value is error
    assert len(first) == len(last) == 1
    assert not inside.is_halfway(world.engine)
    world.engine.check()
    assert world.engine.digest() == twin.engine.digest()
    subscription.close()
    world.operator.cancel("e", reason="")
    assert [event.sequence for event in last] == [1, 2]


def test_the_first_of_several_base_exceptions_is_raised() -> None:
    """SPEC 10: one is raised; each observer has been told once."""
    world = new_world()
    for error in (Stop("first"), ValueError("logged"), Stop("second")):
        world.engine.subscribe(raising(error))
    heard = listening(world)
    with pytest.raises(Stop, match="first"):
        worlds.waiting(world)
    assert len(heard) == 1


def test_a_base_exception_between_lapses_leaves_a_prefix() -> None:
    """I-41: a run of lapses commits one by one; what was not reached lapses in the next call."""
    world = new_world()
    worlds.falling_due(world)
    heard = listening(world)
    subscription = world.engine.subscribe(raising(Stop()))
    with pytest.raises(Stop):
        world.engine.advance()
    assert len(heard) == 1
    subscription.close()
    world.engine.check()
    assert len(heard) == 7
    assert [event.sequence for event in heard] == sorted(event.sequence for event in heard)


def test_a_base_exception_on_a_lapse_keeps_the_call_from_happening() -> None:
    """SPEC 10: the lapse is committed, the call was never decided."""
    world = new_world()
    worlds.falling_due(world)
    subscription = world.engine.subscribe(raising(Stop()))
    with pytest.raises(Stop):
        worlds.waiting(world, "new")
    subscription.close()
    assert world.engine.describe_execution("new") is None


# -- order -----------------------------------------------------------------------------------------------


def test_observers_are_told_in_order_of_subscription() -> None:
    """SPEC 10: one after the other, event by event."""
    world, order = new_world(), []
    for name in "abc":
        world.engine.subscribe(lambda event, name=name: order.append((event.sequence, name)))  # type: ignore[misc]
    worlds.granted(world)
    assert order == [(n, name) for n in (1, 2) for name in "abc"]


def test_lapses_come_before_the_calls_own_event() -> None:
    """SPEC 3, 10: in deadline order, kinds at one instant in theirs, each with its own stamp."""
    world = new_world()
    worlds.falling_due(world)
    world.clock.advance(10)
    heard = listening(world)
    worlds.waiting(world, "new")
    assert [type(event) for event in heard] == [
        events.DeadlinePassed,
        events.AttemptTimedOut,
        events.SuspensionTimedOut,
        events.LeaseLapsed,
        events.GrantLapsed,
        events.BecameDue,
        events.BecameDue,
        events.Created,
    ]
    assert [event.at_ms for event in heard] == [1_001] * 7 + [1_011]
    first = heard[0].sequence
    assert [event.sequence for event in heard] == list(range(first, first + 8))


@pytest.mark.parametrize("mismatch", [False, True])
def test_events_are_told_even_when_the_call_is_refused(mismatch: bool) -> None:
    """SPEC 10: the lapses' (and X18's stamp) are told although the caller gets a refusal."""
    world = new_world()
    (worlds.picky if mismatch else worlds.held)(world)
    worlds.falling_due(world)
    heard = listening(world)
    with pytest.raises(gc.CapabilityMismatch if mismatch else gc.ExecutionNotEligible):
        world.engine.issue_claim_grant("e", worlds.asking())
    assert len(heard) == 7 + mismatch
    assert isinstance(heard[-1], events.CapabilityMismatched) is mismatch


def test_reads_tell_lapses_too() -> None:
    """I-47: whoever looks first applies, and tells, what is due."""
    world = new_world()
    worlds.falling_due(world)
    heard = listening(world)
    assert world.engine.stats().events == heard[-1].sequence
    assert len(heard) == 7


def test_an_observer_sees_the_state_whole_and_the_caller_not_yet_answered() -> None:
    """SPEC 10: delivery is before the call returns, under the lock."""
    world, seen = new_world(), []
    world.engine.subscribe(
        of_executions(lambda event: seen.append((event.phase, inside.has_lock(world.engine))))
    )
    world.engine.create_execution(lane_id=LANE, execution_id="e")
    assert seen == [(gc.Phase.ELIGIBLE, True)]


# -- coming and going --------------------------------------------------------------------------------------


def test_a_late_observer_hears_only_what_comes() -> None:
    """SPEC 10: nothing is told again; sequence numbers go on."""
    world = new_world()
    worlds.waiting(world)
    heard = listening(world)
    world.operator.block("e")
    assert [event.sequence for event in heard] == [2]


def test_subscribe_applies_no_lapse() -> None:
    """SPEC 3: every public call lapses what is due, except ``subscribe`` and ``operator``."""
    world = new_world()
    worlds.falling_due(world)
    heard = listening(world)
    world.engine.operator("op")
    assert heard == []
    world.engine.now_ms()
    assert len(heard) == 7


def test_close_is_idempotent() -> None:
    """SPEC 10: closing twice is fine, and closing one of two subscriptions of the same observer too."""
    world = new_world()
    heard: list[Event] = []
    first, second = world.engine.subscribe(heard.append), world.engine.subscribe(heard.append)
    first.close()
    first.close()
    worlds.waiting(world)
    assert len(heard) == 1
    second.close()
    second.close()
    worlds.waiting(world, "f")
    assert len(heard) == 1


def test_a_subscription_is_a_context_manager() -> None:
    """SPEC 10: left by an exception, it is closed as well."""
    world = new_world()
    heard: list[Event] = []
    with pytest.raises(Stop), world.engine.subscribe(heard.append) as subscription:
        worlds.waiting(world)
        raise Stop
    worlds.waiting(world, "f")
    assert len(heard) == 1
    assert subscription.closed


def test_closing_during_dispatch() -> None:
    """hostile-inputs section 4: from inside an observer: itself, one before, one after."""
    world, heard = new_world(), []
    subscriptions: list[gc.Subscription] = []

    def observe(event: Event) -> None:
        heard.append(event)
        for subscription in subscriptions:
            subscription.close()

    before: list[Event] = []
    after: list[Event] = []
    subscriptions.append(world.engine.subscribe(before.append))
    subscriptions.append(world.engine.subscribe(observe))
    subscriptions.append(world.engine.subscribe(after.append))
    worlds.granted(world)
    assert [len(before), len(heard), len(after)] == [1, 1, 0]
    world.engine.check()


def test_subscribing_during_dispatch_is_refused() -> None:
    """SPEC 10, 11: any call from an observer gets ``Reentrant``, subscribing included."""
    world, refusals = new_world(), []

    def observe(_: Event) -> None:
        try:
            world.engine.subscribe(print)
        except gc.Reentrant as refusal:
            refusals.append(refusal)

    world.engine.subscribe(observe)
    worlds.waiting(world)
    assert len(refusals) == 1


def test_without_observers_the_number_counts_and_no_event_is_built() -> None:
    """SPEC 10: the number counts, the object does not."""
    world = new_world()
    built: list[object] = []
    original = events.Created.__init__

    def counting(self: events.Created, *arguments: object, **kwargs: object) -> None:
        built.append(self)
        original(self, *arguments, **kwargs)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events.Created, "__init__", counting)
        worlds.waiting(world)
        assert (world.engine.stats().events, built) == (1, [])
        world.engine.subscribe(print).close()
        heard = listening(world)
        worlds.waiting(world, "f")
    assert [event.sequence for event in heard] == [2]
    assert len(built) == 1
