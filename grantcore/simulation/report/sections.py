"""What a report shows, in which order: the same rows for the terminal and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from grantcore.simulation.measures import FAULT_KINDS, METRICS
from grantcore.simulation.report import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantcore.simulation.measures import Counts, LaneMeasures, Measures


@attrs.frozen
class Row:
    """One number.

    Attributes:
        label: its words.
        value: as it is in the JSON.
        unit: as in ``METRICS``.
        says: what it means.
    """

    label: str
    value: float
    unit: str
    says: str

    @property
    def text(self) -> str:
        """The number as people read it."""
        return words.number(self.value, self.unit)


@attrs.frozen
class Section:
    """A group of rows under a title."""

    title: str
    rows: tuple[Row, ...]


LAYOUT: Final = {
    "Jobs": (
        "jobs",
        "jobs_ended",
        "jobs_open",
        "makespan_ms",
        "jobs_per_hour",
        "skipped_lines",
        "late_lines",
    ),
    "Work": (
        "utilisation",
        "goodput",
        "wasted_share",
        "capacity_hours",
        "busy_hours",
        "useful_hours",
        "wasted_hours",
        "failed_hours",
    ),
    "Leases and grants": (
        "leases",
        "renewals",
        "renewals_per_lease",
        "renewals_per_hour",
        "recoveries",
        "reclaims",
        "retries",
        "grants_issued",
        "grants_used",
        "grants_lapsed",
        "grant_waste",
        "calls",
        "calls_per_job",
    ),
    "Faults": ("faults",),
    "Refused": ("effects", "effects_refused", "refused"),
    "Lanes": ("lane_fairness",),
    "Audit": ("violations", "checks", "engine_events", "steps"),
}
"""The metrics of each section; those of ``SPREADS`` have a table of their own."""

SPREADS: Final = {
    "wait": "from submission, after what the job depends on, to the first lease",
    "turnaround": "from submission to the end",
    "recovery": "from a fault that lost a lease to the next lease of the same execution",
}
"""What the durations are, of which a report gives the distribution."""

SPREAD_COLUMNS: Final = ("mean", "p50", "p90", "p95", "p99", "max")


def sections(measures: Measures) -> tuple[Section, ...]:
    """Put every number but times and lanes into its section."""
    extra = {
        "Jobs": _of(measures.ends, "ended as", "jobs", "executions whose last phase this was"),
        "Faults": _faults(measures.faults_by_kind),
        "Refused": _of(measures.refused_by_code, "", "calls", "refused with this code"),
    }
    return tuple(
        Section(title, (*(row(measures, name) for name in names), *extra.get(title, ())))
        for title, names in LAYOUT.items()
    )


def row(measures: Measures, name: str) -> Row:
    """Make the row of one metric."""
    metric = METRICS[name]
    return Row(words.label(name), measures.number(name), metric.unit, metric.says)


def spread(measures: Measures, what: str) -> tuple[Row, ...]:
    """Give the numbers of one row of the table of times, in the order of its columns."""
    return tuple(row(measures, f"{what}_{column}_ms") for column in SPREAD_COLUMNS)


def lane_rows(lane: LaneMeasures) -> tuple[Row, ...]:
    """Give the numbers of one row of the table of lanes."""
    return (
        Row("jobs", lane.jobs, "jobs", "that ended"),
        Row("wait", lane.wait_mean_ms, "ms", "mean, from submission to the first lease"),
        Row("run", lane.run_mean_ms, "ms", "mean, of a worker of speed 1"),
        Row("turnaround", lane.turnaround_mean_ms, "ms", "mean, from submission to the end"),
        Row("slowdown", lane.slowdown, "times", "turnaround over run time, jobs under 10 s counted as 10 s"),
    )


def busiest(lanes: Sequence[LaneMeasures], most: int) -> list[LaneMeasures]:
    """Choose the lanes with the most jobs, at most so many."""
    return sorted(lanes, key=lambda lane: (-lane.jobs, lane.lane_id))[:most]


def _of(counts: Counts, prefix: str, unit: str, says: str) -> Iterator[Row]:
    """Make a row of each count; their names come from outside the report."""
    for name, times in counts:
        yield Row(f"{prefix} {_spoken(name)}".lstrip(), times, unit, says)


def _faults(counts: Counts) -> Iterator[Row]:
    """Make a row of each kind of fault, also of those that never happened."""
    for kind, times in counts:
        says = FAULT_KINDS.get(kind, "faults of this kind")
        yield Row(_spoken(kind.removesuffix("_per_day")), times, "faults", says)


def _spoken(name: str) -> str:
    """Make words of a name."""
    return words.safe(name).replace("_", " ")
