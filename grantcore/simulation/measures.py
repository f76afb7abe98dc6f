"""What a record means: percentiles, shares, costs and fairness, each with its unit.

Durations are integer milliseconds, means of them are rounded down, percentiles are of the nearest rank.
Ratios are the nearest floats, rounded to ``RATIO_DIGITS``, so that every machine prints the same. A ratio to
nothing is 0, of nothing to nothing too; the fairness of no lanes is 1.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import attrs

from grantcore.simulation.scenario.model import Faults

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from grantcore.simulation.record import LaneRecord, Record

RATIO_DIGITS: Final = 6
HOUR_MS: Final = 3_600_000
SHORT_JOB_MS: Final = 10_000
"""Slowdown counts a shorter job as this long: else a job of nothing is slowed down without bound."""

FAULT_KINDS: Final[Mapping[str, str]] = {
    "crash": "workers that vanished inside a lease, and came back as new instances",
    "pause": "workers that stopped inside a lease and went on as if nothing had happened",
    "slow_heartbeat": "leases that were renewed too late",
    "lost_answer": "calls whose answer was lost, and which were made again",
    "fail": "attempts whose work itself failed",
    "poison": "workers killed by a job that kills every worker",
    "clock_jumps_per_day": "jumps of the clock that the engine reads",
    "stalls_per_day": "times that the scheduler stopped for a while",
}
"""The fields of ``Faults`` that say how often something goes wrong, and what is counted of each."""

assert {field.name for field in attrs.fields(Faults)}.issuperset(FAULT_KINDS)

Better = Literal["higher", "lower", "neither"]
Counts = tuple[tuple[str, int], ...]


class Metric(NamedTuple):
    """What a number of ``Measures`` is: its unit, what it says, and which way is better."""

    unit: str
    says: str
    better: Better


@attrs.frozen
class LaneMeasures:
    """How one lane was treated. Times are means over its jobs that ended.

    Attributes:
        lane_id: which one.
        jobs: of it that ended.
        wait_mean_ms: from submission to first lease.
        run_mean_ms: how long a worker of speed 1 needs.
        turnaround_mean_ms: from submission to end.
        slowdown: turnaround over run time, with no job counted as shorter than ``SHORT_JOB_MS``; at least 1.
    """

    lane_id: str
    jobs: int
    wait_mean_ms: int
    run_mean_ms: int
    turnaround_mean_ms: int
    slowdown: float


@attrs.frozen(kw_only=True)
class Measures:
    """The numbers of a run; ``METRICS`` says what each of them means.

    Those that are not plain numbers: ``ends``, executions by the phase in which they ended;
    ``refused_by_code``; ``faults_by_kind``, every kind, also when it never happened; ``lanes``, by id.
    """

    jobs: int
    jobs_ended: int
    jobs_open: int
    skipped_lines: int
    late_lines: int
    makespan_ms: int
    jobs_per_hour: float

    wait_mean_ms: int
    wait_p50_ms: int
    wait_p90_ms: int
    wait_p95_ms: int
    wait_p99_ms: int
    wait_max_ms: int
    turnaround_mean_ms: int
    turnaround_p50_ms: int
    turnaround_p90_ms: int
    turnaround_p95_ms: int
    turnaround_p99_ms: int
    turnaround_max_ms: int
    recoveries: int
    recovery_mean_ms: int
    recovery_p50_ms: int
    recovery_p90_ms: int
    recovery_p95_ms: int
    recovery_p99_ms: int
    recovery_max_ms: int

    utilisation: float
    goodput: float
    wasted_share: float
    capacity_hours: float
    busy_hours: float
    useful_hours: float
    wasted_hours: float
    failed_hours: float

    leases: int
    renewals: int
    renewals_per_lease: float
    renewals_per_hour: float
    reclaims: int
    retries: int
    grants_issued: int
    grants_used: int
    grants_lapsed: int
    grant_waste: float
    calls: int
    calls_per_job: float
    engine_events: int

    refused: int
    effects: int
    effects_refused: int
    faults: int
    lane_fairness: float

    steps: int
    checks: int
    violations: int

    ends: Counts
    refused_by_code: Counts
    faults_by_kind: Counts
    lanes: tuple[LaneMeasures, ...]

    def number(self, name: str) -> float:
        """Give the number that ``METRICS`` knows by this name; KeyError: it knows none."""
        if name not in METRICS:
            raise KeyError(name)
        value: float = getattr(self, name)
        return value


def measure(record: Record) -> Measures:
    """Make the numbers of a report of the raw ones: O(n log n) in jobs, for the percentiles."""
    lanes = tuple(_lane(lane_id, record.lanes[lane_id]) for lane_id in sorted(record.lanes))
    ended = sum(record.ends.values())
    makespan_ms = max(record.last_end_ms - record.first_submit_ms, 0)
    return Measures(
        jobs=record.submitted,
        jobs_ended=ended,
        jobs_open=record.submitted - ended,
        skipped_lines=record.skipped_lines,
        late_lines=record.late_lines,
        makespan_ms=makespan_ms,
        jobs_per_hour=ratio(ended * HOUR_MS, makespan_ms),
        **_spread("wait", record.waits_ms),
        **_spread("turnaround", record.turnarounds_ms),
        recoveries=len(record.recoveries_ms),
        **_spread("recovery", record.recoveries_ms),
        utilisation=ratio(record.busy_ms, record.capacity_ms),
        goodput=ratio(record.useful_ms, record.busy_ms),
        wasted_share=ratio(record.wasted_ms, record.useful_ms + record.wasted_ms),
        capacity_hours=ratio(record.capacity_ms, HOUR_MS),
        busy_hours=ratio(record.busy_ms, HOUR_MS),
        useful_hours=ratio(record.useful_ms, HOUR_MS),
        wasted_hours=ratio(record.wasted_ms, HOUR_MS),
        failed_hours=ratio(record.failed_ms, HOUR_MS),
        leases=record.leases,
        renewals=record.renewals,
        renewals_per_lease=ratio(record.renewals, record.leases),
        renewals_per_hour=ratio(record.renewals * HOUR_MS, record.busy_ms),
        reclaims=record.reclaims,
        retries=record.retries,
        grants_issued=record.grants_issued,
        grants_used=record.grants_used,
        grants_lapsed=record.grants_lapsed,
        grant_waste=ratio(record.grants_lapsed, record.grants_issued),
        calls=record.calls,
        calls_per_job=ratio(record.calls, record.submitted),
        engine_events=record.engine_events,
        refused=sum(record.refused.values()),
        effects=record.effects,
        effects_refused=record.effects_refused,
        faults=sum(record.faults.values()),
        lane_fairness=jain([Fraction(lane.slowdown) for lane in lanes if lane.jobs]),
        steps=record.steps,
        checks=record.checks,
        violations=record.found,
        ends=_counts(record.ends),
        refused_by_code=_counts(record.refused),
        faults_by_kind=_counts(dict.fromkeys(FAULT_KINDS, 0) | record.faults),
        lanes=lanes,
    )


def percentile(ordered: Sequence[int], percent: int) -> int:
    """Give the nearest-rank percentile, 1..100, of sorted numbers; 0 of none.

    >>> percentile([1, 2, 3, 4], 50), percentile([1, 2, 3, 4], 95), percentile([], 50)
    (2, 4, 0)
    """
    rank = -(-percent * len(ordered) // 100)
    return ordered[rank - 1] if ordered else 0


def ratio(part: int, whole: int) -> float:
    """Divide, to ``RATIO_DIGITS`` digits; by nothing: 0.

    >>> ratio(1, 3), ratio(0, 0)
    (0.333333, 0.0)
    """
    return round(part / whole, RATIO_DIGITS) if whole else 0.0


def jain(values: Iterable[Fraction]) -> float:
    """Jain's index of fairness: 1 when all are equal, 1/n when one of n has everything; 1 of none.

    Jain, Chiu, Hawe: A Quantitative Measure of Fairness, DEC-TR-301, 1984.

    >>> jain([Fraction(2), Fraction(2)]), jain([Fraction(1), Fraction(0)]), jain([])
    (1.0, 0.5, 1.0)
    """
    kept = list(values)
    squares = sum((value * value for value in kept), Fraction(0))
    if not squares:
        return 1.0
    return round(float(sum(kept, Fraction(0)) ** 2 / (len(kept) * squares)), RATIO_DIGITS)


def _spread(what: str, times_ms: Sequence[int]) -> dict[str, int]:
    """Give mean, percentiles and greatest of some durations, under their names in ``Measures``."""
    ordered = sorted(times_ms)
    spread = {f"{what}_mean_ms": sum(ordered) // max(len(ordered), 1)}
    spread |= {f"{what}_p{percent}_ms": percentile(ordered, percent) for percent in (50, 90, 95, 99)}
    spread[f"{what}_max_ms"] = percentile(ordered, 100)
    return spread


def _lane(lane_id: str, lane: LaneRecord) -> LaneMeasures:
    """Make means of the sums of a lane."""
    jobs = max(lane.jobs, 1)
    slowdown = ratio(lane.turnaround_ms, max(lane.run_ms, jobs * SHORT_JOB_MS))
    return LaneMeasures(
        lane_id,
        lane.jobs,
        lane.wait_ms // jobs,
        lane.run_ms // jobs,
        lane.turnaround_ms // jobs,
        max(slowdown, 1.0),
    )


def _counts(counter: Mapping[str, int]) -> Counts:
    """Put counts in the order of their names."""
    return tuple(sorted(counter.items()))


def _spread_metrics(what: str, says: str) -> dict[str, Metric]:
    """Say what the numbers of ``_spread`` are."""
    metrics = {f"{what}_mean_ms": Metric("ms", f"{says}, mean", "lower")}
    for percent in (50, 90, 95, 99):
        metrics[f"{what}_p{percent}_ms"] = Metric("ms", f"{says}: {percent} % took no longer", "lower")
    metrics[f"{what}_max_ms"] = Metric("ms", f"{says}, the longest", "lower")
    return metrics


METRICS: Final[Mapping[str, Metric]] = {
    "jobs": Metric("jobs", "jobs that were submitted", "neither"),
    "jobs_ended": Metric("jobs", "jobs that ended, however they ended", "higher"),
    "jobs_open": Metric("jobs", "jobs that had not ended when the run did", "lower"),
    "skipped_lines": Metric("lines", "malformed lines of the log, skipped", "lower"),
    "late_lines": Metric("lines", "lines of the log out of order, submitted at once", "neither"),
    "makespan_ms": Metric("ms", "from the first submission to the last end", "lower"),
    "jobs_per_hour": Metric("jobs/h", "jobs that ended, per hour of the makespan", "higher"),
    **_spread_metrics("wait", "from submission to the first lease"),
    **_spread_metrics("turnaround", "from submission to the end"),
    "recoveries": Metric("leases", "leases lost to a fault whose execution was leased again", "neither"),
    **_spread_metrics("recovery", "from a fault to the next lease of the same execution"),
    "utilisation": Metric("share", "of the workers' time that was spent inside leases", "higher"),
    "goodput": Metric("share", "of the time inside leases that went into attempts that completed", "higher"),
    "wasted_share": Metric("share", "of the work that was done under leases that were lost", "lower"),
    "capacity_hours": Metric("worker-hours", "the workers' time, without what they were down", "neither"),
    "busy_hours": Metric("worker-hours", "the workers' time inside leases they believed to hold", "neither"),
    "useful_hours": Metric("worker-hours", "work of attempts that completed", "neither"),
    "wasted_hours": Metric("worker-hours", "work under leases that were lost, to be done again", "lower"),
    "failed_hours": Metric("worker-hours", "work of attempts that failed by themselves", "lower"),
    "leases": Metric("leases", "leases that were taken", "neither"),
    "renewals": Metric("calls", "renewals that were accepted", "lower"),
    "renewals_per_lease": Metric("calls/lease", "renewals that a lease needed, mean", "lower"),
    "renewals_per_hour": Metric("calls/h", "renewals per hour inside leases: load of heartbeats", "lower"),
    "reclaims": Metric("leases", "lost leases that another attempt took over", "neither"),
    "retries": Metric("attempts", "attempts that failed and were given another", "neither"),
    "grants_issued": Metric("grants", "grants that the scheduler issued", "neither"),
    "grants_used": Metric("grants", "grants that a worker turned into a lease", "neither"),
    "grants_lapsed": Metric("grants", "grants that ended unused", "lower"),
    "grant_waste": Metric("share", "of the grants that ended unused", "lower"),
    "calls": Metric("calls", "calls to the engine, of workers and scheduler", "lower"),
    "calls_per_job": Metric("calls/job", "calls to the engine that a job needed, mean", "lower"),
    "engine_events": Metric("events", "events that the engine committed", "neither"),
    "refused": Metric("calls", "calls of workers that the engine refused", "neither"),
    "effects": Metric("effects", "effects that workers wrote to the downstream resource", "neither"),
    "effects_refused": Metric("effects", "effects it refused, of workers who had lost the lease", "neither"),
    "faults": Metric("faults", "faults that happened, of any kind", "neither"),
    "lane_fairness": Metric(
        "index", "Jain's index over the slowdowns of the lanes: 1 when all are slowed alike", "higher"
    ),
    "steps": Metric("events", "events of the simulation", "neither"),
    "checks": Metric("checks", "times that every invariant was checked on the whole state", "neither"),
    "violations": Metric("violations", "broken promises that the auditor found", "lower"),
}
"""Every plain number of ``Measures``, in the order of its fields."""
