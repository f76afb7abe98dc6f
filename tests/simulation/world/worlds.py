"""Scenarios that the tests share, and small worlds of a few jobs."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from simpy.core import EmptySchedule

from grantcore.events import Event
from grantcore.simulation.fleet import Member, muster
from grantcore.simulation.run import Run, look_over
from grantcore.simulation.scenario.model import Faults, Scenario, Synthetic
from grantcore.simulation.world.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grantcore.simulation.job import Job
    from grantcore.simulation.record import Record
    from grantcore.simulation.world.terms import Schedule

E = TypeVar("E", bound=Event)

NO_FAULTS = Faults(
    crash=0,
    pause=0,
    slow_heartbeat=0,
    lost_answer=0,
    fail=0,
    poison=0,
    clock_jumps_per_day=0,
    stalls_per_day=0,
)
HARSH = Scenario(
    seed=5,
    workload=Synthetic(jobs=120, mean_gap_ms=4_000),
    faults=Faults(
        crash=0.2,
        pause=0.25,
        slow_heartbeat=0.25,
        lost_answer=0.08,
        fail=0.15,
        poison=0.02,
        clock_jumps_per_day=500,
        stalls_per_day=500,
    ),
)
QUIET = Scenario(faults=NO_FAULTS)
ANN = Member("ann", (), 1_000)
BOB = Member("bob", (), 1_000)


class World:
    """A site whose events are kept."""

    def __init__(
        self,
        jobs: Iterable[Job],
        scenario: Scenario = QUIET,
        members: Iterable[Member] = (ANN,),
        schedule: Schedule | None = None,
        start_ms: int = 0,
    ) -> None:
        self.events: list[Event] = []
        self.site = Site(scenario, tuple(members), start_ms, schedule)
        self.site.engine.subscribe(self.events.append)
        self.site.start(jobs)

    @property
    def record(self) -> Record:
        return self.site.recorder.record

    def play(self, steps: int = 20_000) -> World:
        """Go on until it is over, nothing can happen, or there were so many steps."""
        with suppress(EmptySchedule):
            while not self.site.over and steps:
                self.site.env.step()
                steps -= 1
        return self

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def instants(self, kind: type[Event]) -> list[int]:
        """When they happened."""
        return [event.at_ms for event in self.of(kind)]


def run_of(
    scenario: Scenario, *, schedule: Schedule | None = None, observed: bool = False, steps: int = 1_000
) -> Record:
    """Run a scenario; one that does not end fails."""

    def count(_share: float) -> None:
        nonlocal steps
        steps -= 1
        assert steps, "it does not end"

    jobs, work = look_over(scenario)
    return Run(scenario, muster(scenario.workers, work), jobs, schedule, observed=observed).to_the_end(count)


def rules(record: Record) -> set[str]:
    """The rules that the auditor found broken."""
    return {violation.split()[0] for violation in record.violations}
