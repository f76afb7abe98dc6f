"""The harness finds what it is for: engines that are not atomic, planted one by one (I-41).

Each plant leaves uninterrupted calls as they were; only an interruption tells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from grantcore.engine import observers as engine_observers
from grantcore.engine.core import Core
from grantcore.index.indexes import Indexes
from grantcore.model.records import Execution, Past
from grantcore.rules import claiming, creating, ending
from tests.marks import one_in
from tests.robustness.calls import Scenario, named
from tests.robustness.injection import Tally, inject, planned

pytestmark = pytest.mark.uncovered

Plant = Callable[[pytest.MonkeyPatch], None]
TAKEN: Final = named("take", "granted")
RETRIED: Final = named("fail_execution", "retried")
LAPSING: Final = named("advance", "a_slice")


def _an_incrementing_writer(patch: pytest.MonkeyPatch) -> None:
    """A writer that adds one where it should store the decided count."""
    write = ending.write_retry

    def increment(record: Execution, at_ms: int, arguments: Any) -> None:
        (past,) = (part for part in arguments if isinstance(part, Past))
        count = past.retry_count
        write(record, at_ms, arguments)
        past.retry_count = count + 1

    patch.setattr(ending, "write_retry", increment)


def _no_pending_slot(patch: pytest.MonkeyPatch) -> None:
    """A commit whose change is never put in hand."""
    patch.setattr(Core, "_pending", property(lambda _: None, lambda _, __: None), raising=False)


def _no_rebuild(patch: pytest.MonkeyPatch) -> None:
    """A recovery that trusts the indexes an interruption left."""
    patch.setattr(Indexes, "rebuild", lambda _: None)


def _no_recovery(patch: pytest.MonkeyPatch) -> None:
    """An engine that forgets the change in hand."""

    def forget(core: Core, _pending: object) -> None:
        core._pending = None
        core._indexes.rebuild()

    patch.setattr(Core, "_recover", forget)


def _a_recovery_that_tells_nothing(patch: pytest.MonkeyPatch) -> None:
    """A recovery that does not deliver the event that was due."""
    recover = Core._recover

    def quietly(core: Core, pending: Any) -> None:
        recover(core, (*pending[:3], None))

    patch.setattr(Core, "_recover", quietly)


def _a_forgetful_postman(patch: pytest.MonkeyPatch) -> None:
    """A delivery that notes nobody as told before the last has heard."""

    def tell(subscriptions: Any, event: Any) -> None:
        for subscription in subscriptions:
            subscription.observer(event)

    patch.setattr(engine_observers, "tell", tell)
    patch.setattr("grantcore.engine.core.tell", tell)


def _a_write_before_the_decision_is_whole(patch: pytest.MonkeyPatch) -> None:
    """A rule that voids the grant while it is still deciding."""
    decide = claiming.claim

    def hasty(record: Execution, *arguments: Any, **kwargs: Any) -> Any:
        grant, record.grant = record.grant, None
        change = decide(record, *arguments, **kwargs)
        record.grant = grant
        return change

    patch.setattr(claiming, "claim", hasty)


def _a_clock_of_its_own(patch: pytest.MonkeyPatch) -> None:
    """A writer that stamps each repetition anew."""
    write = creating.write_priority

    def stamp(record: Execution, at_ms: int, arguments: Any) -> None:
        repeated = record.priority == arguments[1]
        write(record, at_ms, arguments)
        record.last_mutation_at_ms = at_ms + repeated

    patch.setattr(creating, "write_priority", stamp)


PLANTS: Final[tuple[tuple[Plant, Scenario], ...]] = (
    (_an_incrementing_writer, RETRIED),
    (_no_pending_slot, TAKEN),
    (_no_pending_slot, LAPSING),
    (_no_rebuild, TAKEN),
    (_no_recovery, TAKEN),
    (_no_recovery, RETRIED),
    (_a_recovery_that_tells_nothing, TAKEN),
    (_a_forgetful_postman, TAKEN),
    (_a_write_before_the_decision_is_whole, TAKEN),
    (_a_clock_of_its_own, named("change_priority", "waiting")),
)


def _found(scenario: Scenario) -> Tally:
    return inject(planned(scenario, observers=2), KeyboardInterrupt, stride=3 if scenario is LAPSING else 1)


@pytest.mark.parametrize(("plant", "scenario"), one_in(4, PLANTS))
def test_a_planted_bug_is_found(plant: Plant, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-41: what finds nothing in the engine finds each of these."""
    assert _found(scenario).wrong == []
    plant(monkeypatch)
    assert _found(scenario).wrong


@pytest.mark.parametrize(("plant", "scenario"), PLANTS)
def test_a_planted_bug_shows_only_when_interrupted(
    plant: Plant, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plants are no bugs that any test would find."""
    right = planned(scenario)
    plant(monkeypatch)
    planted = planned(scenario)
    assert (planted.allowed, planted.events) == (right.allowed, right.events)
