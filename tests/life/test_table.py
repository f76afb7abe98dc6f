"""The life-cycle table, walked: every event it allows leads where it says (I-33, SPEC 4)."""

from __future__ import annotations

from typing import Final

import attrs
import pytest

from grantcore import GrantEngine, Operator, Phase, Scheduler, events
from grantcore.model.life import CAUSES, LIFE, OTHER_CAUSES, SCHEDULER_CAUSES, TIME_DRIVEN, EventType
from grantcore.model.phases import TERMINAL
from tests.life.recipes import RECIPES, Recipe
from tests.life.stage import JOB, Stage
from tests.life.ways import WAYS, Way
from tests.marks import one_in

pytestmark = pytest.mark.uncovered

SPECIFIED: Final = """
(none) | Created → ELIGIBLE, DELAYED
DELAYED | BecameDue → ELIGIBLE
ELIGIBLE | GrantIssued, GrantLapsed, GrantWithdrawn, CapabilityMismatched, PriorityChanged → ELIGIBLE · LeaseAcquired → LEASED · Blocked → BLOCKED
BLOCKED | Unblocked, ChildrenDone → ELIGIBLE · Blocked → BLOCKED
LEASED | LeaseRenewed, ProgressReported → LEASED · Completed → SUCCEEDED · RetryScheduled → DELAYED · Failed → FAILED · Delayed → DELAYED · ChildrenAwaited → BLOCKED · Suspended → SUSPENDED · LeaseLapsed → LEASE_EXPIRED · LeaseRevoked → LEASE_REVOKED · AttemptTimedOut → DELAYED, EXPIRED
LEASE_EXPIRED, LEASE_REVOKED | GrantIssued, GrantLapsed, GrantWithdrawn, CapabilityMismatched → same · LeaseReclaimed → LEASED · ReclaimCapReached → FAILED · AttemptTimedOut → DELAYED, EXPIRED
SUSPENDED | Resumed → ELIGIBLE, DELAYED · SuspensionTimedOut → FAILED, CANCELLED, EXPIRED, ELIGIBLE, SUSPENDED
SUCCEEDED, FAILED, CANCELLED, EXPIRED | Replayed → ELIGIBLE · Purged → (none)
alive | Cancelled → CANCELLED · DeadlinePassed → EXPIRED
every | TagsChanged → same
"""  # noqa: E501 - the words of SPEC 4
"""The table of SPEC 4."""

READS: Final = frozenset(
    {
        "now_ms",
        "next_deadline_ms",
        "describe_budget",
        "list_workers",
        "describe_execution",
        "describe_grant",
        "attempts",
        "read_payload",
        "read_result",
        "list_executions",
        "leases",
        "leases_expiring_within",
        "list_expired_leases",
        "lease_history",
        "stats",
        "check",
        "digest",
        "snapshot",
        "restore",
        "subscribe",
        "operator",
        "explain",
    }
)
"""The public calls that are not in ``CAUSES``: they change no execution."""

Edge = tuple[Phase | None, EventType]
EDGES: Final[tuple[Edge, ...]] = tuple((phase, event) for phase, ways in LIFE.items() for event in ways)


def name_of(part: object) -> str:
    return part.__name__ if isinstance(part, type) else str(part)


# -- the table itself ----------------------------------------------------------------------------


def _phases_of(text: str) -> tuple[Phase | None, ...]:
    if text == "every":
        return tuple(Phase)
    if text == "alive":
        return tuple(phase for phase in Phase if phase not in TERMINAL)
    return tuple(None if name == "(none)" else Phase[name] for name in text.split(", "))


def specified() -> dict[Phase | None, dict[str, set[Phase | None]]]:
    """Read the specification's own table."""
    table: dict[Phase | None, dict[str, set[Phase | None]]] = {None: {}, **{phase: {} for phase in Phase}}
    for row in SPECIFIED.strip().splitlines():
        sources, ways = row.split(" | ")
        for source in _phases_of(sources):
            for way in ways.split(" · "):
                names, targets = way.split(" → ")
                for name in names.split(", "):
                    table[source][name] = {source} if targets == "same" else set(_phases_of(targets))
    return table


def test_the_table_is_the_specification_s() -> None:
    told = {
        phase: {event.__name__: set(targets) for event, targets in ways.items()}
        for phase, ways in LIFE.items()
    }
    assert told == specified()


def test_every_event_is_in_the_table_and_has_a_cause() -> None:
    """SPEC 4: which call may cause which events is data too."""
    told = {getattr(events, name) for name in events.__all__}
    classes = {event for event in told if issubclass(event, events.ExecutionEvent)} - {events.ExecutionEvent}
    assert {event for _, event in EDGES} == classes
    assert set().union(*CAUSES.values()) == classes
    assert CAUSES["advance"] == TIME_DRIVEN | {events.Purged}
    assert all(attrs.has(event) and issubclass(event, events.ExecutionEvent) for event in classes)


def test_every_cause_is_a_public_call() -> None:
    for name in CAUSES:
        owner, method = (Operator, name[9:]) if name.startswith("operator.") else (GrantEngine, name)
        assert callable(getattr(owner, method)), name


def test_every_public_call_is_a_cause_or_a_read() -> None:
    public = {name for name in dir(GrantEngine) if not name.startswith("_")}
    override = {f"operator.{name}" for name in dir(Operator) if not name.startswith("_")}
    assert public | override == set(CAUSES) | set(OTHER_CAUSES) | READS | {"operator.identity"}
    assert not READS & (set(CAUSES) | set(OTHER_CAUSES))


def test_what_the_scheduler_causes_are_grants_and_ends_at_the_cap() -> None:
    """SPEC 7, D-05: it asks for grants as anybody, and is told of no mismatch."""
    asked = CAUSES["issue_claim_grant"] | CAUSES["issue_reclaim_grant"]
    for call, told in SCHEDULER_CAUSES.items():
        assert callable(getattr(Scheduler, call.removeprefix("scheduler.")))
        assert told == asked - {events.CapabilityMismatched}


def test_every_other_event_has_a_cause() -> None:
    """SPEC 10: those of workers, lanes, quota policies and budgets."""
    told = {getattr(events, name) for name in events.__all__}
    bases = {base for event in told for base in event.__mro__[1:]}
    others = {event for event in told - bases if not issubclass(event, events.ExecutionEvent)}
    assert set().union(*OTHER_CAUSES.values()) == others


def test_every_cause_of_every_event_is_played() -> None:
    """The walk below leaves no entry of ``CAUSES`` out."""
    told = {(call, event) for call, told in CAUSES.items() for event in told}
    assert {(way.call, way.event) for way in WAYS} == told


def test_every_phase_has_recipes() -> None:
    assert set(RECIPES) == {None, *Phase}
    assert all(RECIPES.values())


# -- the walk ------------------------------------------------------------------------------------

ON_THE_WAY: Final = (events.LeaseRenewed, events.GrantLapsed)
"""What may happen first: a lease is shortened to let it lapse; a grant ends before the attempt's clock."""


def _built(recipe: Recipe, way: Way) -> Stage:
    """Play the recipe; a deadline, where one is to pass, comes a millisecond after it and before all else."""
    if way.event is not events.DeadlinePassed:
        return recipe.build()
    return recipe.build(deadline_at_ms=recipe.build().now + 1)


def _walk(stage: Stage, recipe: Recipe, way: Way) -> Phase | None:
    """Cause the event and see where it leads."""
    before = len(stage.told)
    target = way.leads(stage)
    way.go(stage)
    mine = [event for event in stage.told[before:] if event.execution_id == JOB]
    told = [event for event in mine if type(event) is way.event]
    assert len(told) == 1, f"{recipe.name}: {way.call} told {mine}"
    assert told[0].phase is target, recipe.name
    assert {type(event) for event in mine} <= {way.event, *ON_THE_WAY}, f"{recipe.name}: {mine}"
    stage.engine.check()
    return target


@pytest.mark.parametrize(("phase", "event"), one_in(3, EDGES), ids=name_of)
def test_an_allowed_event_leads_where_the_table_says(phase: Phase | None, event: EventType) -> None:
    reached: set[Phase | None] = set()
    for recipe in RECIPES[phase]:
        for way in (way for way in WAYS if way.event is event):
            stage = _built(recipe, way)
            if way.fits(stage):
                reached.add(_walk(stage, recipe, way))
    assert reached == LIFE[phase][event]
