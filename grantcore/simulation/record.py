"""What came of a run, as raw numbers; ``measures`` makes of it what a report shows.

Memory is bounded: a few bytes per job (``array``), and a fixed number of points and bars for the pictures.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from grantcore.simulation.scenario.model import Scenario


def _longs() -> array[int]:
    return array("q")


@attrs.define
class LaneRecord:
    """Of one lane: jobs that ended, and the sums that tell how it was treated."""

    jobs: int = 0
    wait_ms: int = 0
    run_ms: int = 0
    turnaround_ms: int = 0


@attrs.frozen
class Point:
    """The queue at an instant: what waits (lost leases included), what is leased, who is idle."""

    at_ms: int
    waiting: int
    leased: int
    idle: int


@attrs.frozen
class Tenure:
    """One lease of the slice that the timeline shows; ``end``: completed, failed, lapsed, revoked, open."""

    worker_id: str
    execution_id: str
    lease_epoch: int
    begin_ms: int
    end_ms: int
    end: str


@attrs.define(kw_only=True)
class Record:
    """One run. Times are virtual milliseconds.

    Attributes:
        scenario: what was run.
        submitted: jobs that were submitted.
        skipped_lines: of the log, malformed (``lenient``).
        late_lines: of the log, out of order, submitted at once.
        first_submit_ms: the first submission.
        last_end_ms: the last end of an execution.
        ends: executions by the phase in which they ended.
        waits_ms: per job that got one: from submission (after its dependencies) to its first lease.
        turnarounds_ms: per job that ended: from submission to its end.
        recoveries_ms: per lease that was lost to a fault: from the fault to the next lease of the same
            execution, whoever took it.
        capacity_ms: workers' time, from start to end of the run, crashed time not counted.
        busy_ms: workers' time inside leases they believed to hold.
        useful_ms: of it, work of attempts that completed.
        wasted_ms: of it, work that was done for leases that were lost (to be done again, or refused).
        failed_ms: of it, work of attempts that failed by themselves.
        leases: taken, of any kind.
        renewals: accepted.
        reclaims: lost leases that were taken over.
        retries: attempts that failed and were given another.
        grants_issued: of any kind.
        grants_used: of them, by a claim.
        grants_lapsed: of them, unused (or withdrawn, or void).
        effects: written to the downstream resource.
        effects_refused: by it: of workers who came too late, by the epoch they came with.
        refused: calls of workers that were refused, by code.
        faults: that happened, by the name of the field of ``Faults``.
        lanes: by lane.
        points: of the queue over time, equally far apart, at most 2,000.
        timeline: the leases of a slice of the run, by begin; at most 400.
        calls: made to the engine by workers and scheduler.
        engine_events: committed by the engine.
        steps: events of the simulation.
        checks: how often every invariant was checked on the whole state.
        violations: what the auditor found wrong, of each rule the first; empty is right.
        more_violations: found beside those.
        scheduler: the user's own, ``package.module:callable``; None: the engine's, or one of no name.
        event_digest: SHA-256 over all events of the engine.
        state_digest: of the engine's state at the end.
    """

    scenario: Scenario
    submitted: int = 0
    skipped_lines: int = 0
    late_lines: int = 0
    first_submit_ms: int = 0
    last_end_ms: int = 0
    ends: Counter[str] = attrs.field(factory=Counter[str])
    waits_ms: array[int] = attrs.field(factory=_longs)
    turnarounds_ms: array[int] = attrs.field(factory=_longs)
    recoveries_ms: array[int] = attrs.field(factory=_longs)
    capacity_ms: int = 0
    busy_ms: int = 0
    useful_ms: int = 0
    wasted_ms: int = 0
    failed_ms: int = 0
    leases: int = 0
    renewals: int = 0
    reclaims: int = 0
    retries: int = 0
    grants_issued: int = 0
    grants_used: int = 0
    grants_lapsed: int = 0
    effects: int = 0
    effects_refused: int = 0
    refused: Counter[str] = attrs.field(factory=Counter[str])
    faults: Counter[str] = attrs.field(factory=Counter[str])
    lanes: dict[str, LaneRecord] = attrs.field(factory=dict[str, LaneRecord])
    points: list[Point] = attrs.field(factory=list[Point])
    timeline: list[Tenure] = attrs.field(factory=list[Tenure])
    calls: int = 0
    engine_events: int = 0
    steps: int = 0
    checks: int = 0
    violations: list[str] = attrs.field(factory=list[str])
    more_violations: int = 0
    scheduler: str | None = None
    event_digest: str = ""
    state_digest: str = ""

    @property
    def found(self) -> int:
        """How many violations the auditor found."""
        return len(self.violations) + self.more_violations
