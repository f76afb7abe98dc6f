"""Every key of a scenario: what it says, and what its value may be. The only place that says so.

Reading a file, judging a scenario made in Python, ``--vary`` and the pages of the documentation all ask
this table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast, get_args

import attrs

from grantcore.model.config import MAX_TTL_MS
from grantcore.model.time import MAX_MS
from grantcore.simulation.scenario.forms import Choice, File, Flag, Form, Maybe, Name, Real, Whole
from grantcore.simulation.scenario.mixes import WEIGHT, Choices, Lane, Priority, Tokens, Weights
from grantcore.simulation.scenario.model import (
    Arrivals,
    CapabilityRule,
    CsvTable,
    Dispatch,
    Durations,
    Faults,
    Group,
    LaneRule,
    Leases,
    Policy,
    Requirement,
    Scenario,
    SwfLog,
    Synthetic,
)
from grantcore.simulation.scenario.tables import Array, Entry, Kinds, Table

DAY_MS: Final = 86_400_000
YEAR_MS: Final = 366 * DAY_MS
MAX_WORKERS: Final = 100_000
MAX_PRIORITY: Final = 9_000

SHARE: Final = Real(0, 1)
WITHIN_A_DAY_MS: Final = Whole(0, DAY_MS)
PER_DAY: Final = Real(0, 86_400)

SYNTHETIC: Final = Table(
    Synthetic,
    {
        "jobs": Entry(Whole(1, 10_000_000), "how many jobs"),
        "arrivals": Entry(
            Choice(get_args(Arrivals)),
            "poisson: exponential gaps; bursty: burst_jobs at one instant, exponential gaps between bursts; "
            "diurnal: a Poisson process whose rate swings over day_ms",
        ),
        "mean_gap_ms": Entry(Whole(1, DAY_MS), "mean time between two jobs, bursts included"),
        "burst_jobs": Entry(Whole(1, 100_000), "jobs of a burst"),
        "day_ms": Entry(Whole(1_000, YEAR_MS), "length of the diurnal swing; it begins at the mean, rising"),
        "swing": Entry(SHARE, "height of the diurnal swing; 0: none, 1: down to nothing at night"),
        "durations": Entry(
            Choice(get_args(Durations)), "distribution of the run times; lognormal: sigma, pareto: alpha"
        ),
        "mean_run_ms": Entry(Whole(1, YEAR_MS), "mean run time, before the longest are cut"),
        "sigma": Entry(Real(0, 4), "of lognormal: deviation of the logarithm"),
        "alpha": Entry(Real(1, 100, above=True), "of pareto: the larger, the lighter the tail"),
        "max_run_ms": Entry(Whole(1, YEAR_MS), "longer run times are cut; not below mean_run_ms"),
        "lanes": Entry(Weights(Lane()), "weight by lane: how the jobs are shared out"),
        "priorities": Entry(Weights(Priority(MAX_PRIORITY)), "weight by priority, likewise"),
        "requirements": Entry(
            Array(
                Table(
                    Requirement,
                    {
                        "weight": Entry(WEIGHT, "the share of jobs that require this; any sum"),
                        "capabilities": Entry(Tokens(), "what they require"),
                    },
                    required=("weight",),
                ),
                high=1_000,
            )
        ),
    },
)

_LOG: Final = {
    "path": Entry(File(), "of the file, plain or gzip; relative to the scenario's"),
    "limit": Entry(Maybe(Whole(1, 1_000_000_000), "all"), "take this many jobs"),
    "lenient": Entry(Flag(), "malformed lines are skipped and counted, not refused"),
}

SWF: Final = Table(
    SwfLog,
    _LOG
    | {
        "lane": Entry(Choice(get_args(LaneRule)), "which field of the log names the lane"),
        "capabilities": Entry(
            Choices(get_args(CapabilityRule)),
            "which fields of the log become required capabilities; processors: rounded up to a power of two",
        ),
        "dependencies": Entry(Flag(), "a job waits for its preceding job and think time"),
    },
    required=("path",),
)

WORKLOAD: Final = Kinds(
    Choice(("synthetic", "swf", "csv")),
    {"synthetic": SYNTHETIC, "swf": SWF, "csv": Table(CsvTable, _LOG, required=("path",))},
)

GROUP: Final = Table(
    Group,
    {
        "name": Entry(Name(), "the ids of its workers are NAME-0, NAME-1, …"),
        "count": Entry(Whole(1, MAX_WORKERS), "how many workers"),
        "capabilities": Entry(
            Maybe(Tokens(), "shared out over what the workload requires"), "what each of them carries"
        ),
        "speed": Entry(Real(0.01, 100), "a job of run_ms takes run_ms / speed"),
    },
)

LEASES: Final = Table(
    Leases,
    {
        "lease_ttl_ms": Entry(Whole(1, DAY_MS), "time to live of a lease"),
        "heartbeat_ms": Entry(
            Maybe(Whole(1, DAY_MS), "a third of lease_ttl_ms"), "a worker renews so long after the last time"
        ),
        "grant_ttl_ms": Entry(Whole(1, 60_000), "time to live of a grant; above scheduler.delivery_ms"),
    },
)

POLICY: Final = Table(
    Policy,
    {
        "max_retries": Entry(Whole(0, 1_000), "retries of an execution whose work fails"),
        "retry_delay_ms": Entry(WITHIN_A_DAY_MS, "from a failure to the retry"),
        "max_reclaim_count": Entry(Whole(0, 10_000), "takeovers of an execution whose lease is lost"),
        "attempt_timeout_ms": Entry(Maybe(Whole(1, MAX_TTL_MS), "no limit"), "an attempt may take so long"),
    },
)

DISPATCH: Final = Table(
    Dispatch,
    {
        "interval_ms": Entry(WITHIN_A_DAY_MS, "it looks for work this often; 0: whenever something changed"),
        "delivery_ms": Entry(
            WITHIN_A_DAY_MS, "a grant takes so long to its worker; below leases.grant_ttl_ms"
        ),
    },
)

FAULTS: Final = Table(
    Faults,
    {
        "crash": Entry(SHARE, "share of leases whose worker vanishes"),
        "restart_ms": Entry(WITHIN_A_DAY_MS, "after so long it is back: the same id, another instance"),
        "pause": Entry(SHARE, "share of leases whose worker stops, then goes on as if nothing had happened"),
        "pause_ttls": Entry(Real(0, 1_000), "length of a pause, in times to live of the lease"),
        "slow_heartbeat": Entry(SHARE, "share of leases that are renewed too late"),
        "slow_factor": Entry(Real(1, 1_000), "so many times too late"),
        "lost_answer": Entry(SHARE, "share of calls whose answer is lost"),
        "retry_call_ms": Entry(Whole(1, DAY_MS), "after so long the call is repeated"),
        "fail": Entry(SHARE, "share of leases whose work fails"),
        "poison": Entry(SHARE, "share of jobs that kill every worker that touches them"),
        "clock_jumps_per_day": Entry(PER_DAY, "how often the engine's clock jumps"),
        "clock_jump_ms": Entry(WITHIN_A_DAY_MS, "by up to so much, either way"),
        "stalls_per_day": Entry(PER_DAY, "how often the scheduler stops"),
        "stall_ms": Entry(WITHIN_A_DAY_MS, "for so long"),
        "until_ms": Entry(Maybe(Whole(0, MAX_MS), "the last submission"), "no fault begins after this"),
    },
)

SCENARIO: Final = Table(
    Scenario,
    {
        "seed": Entry(Whole(0, MAX_MS), "of all that is drawn; same scenario and seed, same run"),
        "check_every": Entry(
            Maybe(Whole(1, 1_000_000_000), "so that they cost little"),
            "events of the simulation between two checks of the engine's whole state",
        ),
        "retention_ms": Entry(
            Maybe(Whole(0, MAX_TTL_MS), "never"), "the engine forgets what has ended after so long"
        ),
        "drain_ms": Entry(Whole(1, MAX_TTL_MS), "after the last submission all must have ended in that time"),
        "workload": Entry(WORKLOAD),
        "workers": Entry(Array(GROUP, high=1_000)),
        "leases": Entry(LEASES),
        "policy": Entry(POLICY),
        "scheduler": Entry(DISPATCH),
        "faults": Entry(FAULTS),
    },
)
"""The whole."""


@attrs.frozen
class Key:
    """One key.

    Attributes:
        path: dotted, as in the file; ``N`` for the number of a group of workers, or of a requirement.
        form: what its value may be.
        says: what it means.
        default: what an absent key means, as it would stand in the file; ``attrs.NOTHING``: it must be there.
        kinds: of workload that have it; empty: it is not of a workload.
    """

    path: str
    form: Form
    says: str
    default: object
    kinds: tuple[str, ...] = ()


def _keys(table: Table, where: str, kind: str = "") -> Iterator[Key]:
    """Name the keys of a table, and of all that are in it."""
    fields = {
        field.name: field.default for field in attrs.fields(cast("type[attrs.AttrsInstance]", table.make))
    }
    for name, entry in table.entries.items():
        path, form = f"{where}{name}", entry.form
        if isinstance(form, Kinds):
            for inner, one in form.tables.items():
                yield from _keys(one, f"{path}.", inner)
        elif isinstance(form, Array):
            yield from _keys(form.table, f"{path}.N.", kind)
        elif isinstance(form, Table):
            yield from _keys(form, f"{path}.", kind)
        else:
            default = fields[name]
            plain = default if default is attrs.NOTHING else form.plain(default)
            yield Key(path, form, entry.says, plain, (kind,) if kind else ())


def _by_path() -> Mapping[str, Key]:
    """Join the keys that several kinds of workload have."""
    keys: dict[str, Key] = {}
    for key in _keys(SCENARIO, ""):
        kinds = keys[key.path].kinds if key.path in keys else ()
        keys[key.path] = attrs.evolve(key, kinds=(*kinds, *key.kinds))
    return keys


KEYS: Final = _by_path()
"""All keys but ``workload.kind``, by their path."""
