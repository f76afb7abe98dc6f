"""A scenario: everything that decides what a run does. Same scenario and seed, same run.

Durations are integer milliseconds (``_ms``), shares are numbers of 0 to 1. The ranges are in ``keys``, by
which ``reading`` judges files and scenarios made in Python alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs

Arrivals = Literal["poisson", "bursty", "diurnal"]
Durations = Literal["lognormal", "pareto", "fixed"]
LaneRule = Literal["queue", "partition", "user", "group", "single"]
CapabilityRule = Literal["processors", "partition", "queue", "executable"]


@attrs.frozen(kw_only=True)
class Requirement:
    """One row of the mix: this share of the jobs (weights, any sum) requires these capabilities."""

    weight: float
    capabilities: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Synthetic:
    """A made-up workload.

    Attributes:
        jobs: how many.
        arrivals: ``poisson``: gaps are exponential; ``bursty``: a burst of ``burst_jobs`` at one instant, the
            gaps between bursts exponential; ``diurnal``: a Poisson process whose rate swings over ``day_ms``
            by ``swing`` (0: not at all, 1: down to nothing at night).
        mean_gap_ms: mean time between two jobs (bursts included).
        durations: ``lognormal`` (``sigma``), ``pareto`` (``alpha`` > 1) or ``fixed``, of mean
            ``mean_run_ms`` before the long ones are cut.
        max_run_ms: longer ones are cut.
        lanes: weight by lane.
        priorities: weight by priority.
        requirements: the mix of required capabilities.
    """

    jobs: int = 2_000
    arrivals: Arrivals = "poisson"
    mean_gap_ms: int = 20_000
    burst_jobs: int = 20
    day_ms: int = 86_400_000
    swing: float = 0.8
    durations: Durations = "lognormal"
    mean_run_ms: int = 240_000
    sigma: float = 1.5
    alpha: float = 1.5
    max_run_ms: int = 86_400_000
    lanes: tuple[tuple[str, float], ...] = (("q0", 1.0), ("q1", 1.0), ("q2", 1.0))
    priorities: tuple[tuple[int, float], ...] = ((0, 9.0), (100, 1.0))
    requirements: tuple[Requirement, ...] = (
        Requirement(weight=6.0),
        Requirement(weight=3.0, capabilities=("gpu",)),
        Requirement(weight=1.0, capabilities=("gpu", "ssd")),
    )


@attrs.frozen(kw_only=True)
class SwfLog:
    """A log in the Standard Workload Format, plain or gzip, and the rule that makes executions of its jobs.

    Attributes:
        path: of the file; in a scenario file, relative to it.
        limit: take this many jobs; None: all.
        lenient: malformed lines are skipped and counted instead of refused.
        lane: which field names the lane.
        capabilities: which fields become required tokens; ``processors`` is rounded up to a power of two, and
            a worker of a size has the tokens of all smaller ones.
        dependencies: whether a job waits for its ``preceding_job`` and think time.
    """

    path: Path
    limit: int | None = None
    lenient: bool = False
    lane: LaneRule = "queue"
    capabilities: tuple[CapabilityRule, ...] = ("processors",)
    dependencies: bool = True


@attrs.frozen(kw_only=True)
class CsvTable:
    """A table of jobs; its header has ``submit_ms,run_ms``, and more if wanted (``workloads.table``).

    Attributes:
        path: of the file; in a scenario file, relative to it.
        limit: take this many jobs; None: all.
        lenient: malformed lines are skipped and counted instead of refused.
    """

    path: Path
    limit: int | None = None
    lenient: bool = False


Workload = Synthetic | SwfLog | CsvTable


@attrs.frozen(kw_only=True)
class Group:
    """Workers that are alike.

    Attributes:
        name: their ids are ``NAME-0``, ``NAME-1``, …
        count: how many.
        capabilities: their tokens; None: shared out over what the workload requires, in proportion to the
            work that requires it, at least one worker each where there are enough.
        speed: a job of ``run_ms`` takes ``run_ms / speed``.
    """

    name: str = "worker"
    count: int = 16
    capabilities: tuple[str, ...] | None = None
    speed: float = 1.0


@attrs.frozen(kw_only=True)
class Leases:
    """How long leases and grants live.

    Attributes:
        lease_ttl_ms: time to live of a lease.
        heartbeat_ms: a worker renews this long after the lease or its last renewal; None: a third of the ttl.
        grant_ttl_ms: time to live of a grant.
    """

    lease_ttl_ms: int = 300_000
    heartbeat_ms: int | None = None
    grant_ttl_ms: int = 10_000

    @property
    def renews_after_ms(self) -> int:
        """The heartbeat that is used."""
        return max(self.lease_ttl_ms // 3, 1) if self.heartbeat_ms is None else self.heartbeat_ms


@attrs.frozen(kw_only=True)
class Policy:
    """What an execution may do: retries, takeovers, time per attempt (``ExecutionPolicy``)."""

    max_retries: int = 3
    retry_delay_ms: int = 1_000
    max_reclaim_count: int = 20
    attempt_timeout_ms: int | None = None


@attrs.frozen(kw_only=True)
class Dispatch:
    """The scheduler's loop.

    Attributes:
        interval_ms: it looks for work this often; 0: whenever something has changed.
        delivery_ms: a grant takes this long to reach its worker.
    """

    interval_ms: int = 0
    delivery_ms: int = 0


@attrs.frozen(kw_only=True)
class Faults:
    """What goes wrong, and until when. Rates are shares of leases unless said otherwise.

    Attributes:
        crash: the worker vanishes; ``restart_ms`` later it is back as a new instance of the same id.
        pause: the worker stops for ``pause_ttls`` times the lease's ttl (as a collection of garbage would
            stop it), then goes on as if nothing had happened.
        slow_heartbeat: the worker renews ``slow_factor`` times too late.
        lost_answer: share of calls whose answer is lost; the worker calls again after ``retry_call_ms``.
        fail: the work itself fails, and the policy retries.
        poison: share of jobs that kill every worker that touches them.
        clock_jumps_per_day: how often the clock the engine reads jumps, by up to ``clock_jump_ms``, either
            way (the engine clamps what falls).
        stalls_per_day: how often the scheduler stops, for ``stall_ms``.
        until_ms: no fault begins later than that; None: the last submission.
    """

    crash: float = 0.05
    restart_ms: int = 60_000
    pause: float = 0.05
    pause_ttls: float = 1.5
    slow_heartbeat: float = 0.02
    slow_factor: float = 4.0
    lost_answer: float = 0.01
    retry_call_ms: int = 1_000
    fail: float = 0.02
    poison: float = 0.001
    clock_jumps_per_day: float = 1.0
    clock_jump_ms: int = 30_000
    stalls_per_day: float = 2.0
    stall_ms: int = 60_000
    until_ms: int | None = None


@attrs.frozen(kw_only=True)
class Scenario:
    """All of it.

    Attributes:
        seed: of everything that is drawn, and of the ids.
        check_every: events of the simulation between two ``engine.check()``; None: so that they cost little.
        retention_ms: the engine forgets what has ended after that long; None: never (memory grows with the
            jobs).
        drain_ms: after the last submission all must have ended within this time, else something was lost.
    """

    seed: int = 1
    workload: Workload = Synthetic()
    workers: tuple[Group, ...] = (Group(),)
    leases: Leases = Leases()
    policy: Policy = Policy()
    scheduler: Dispatch = Dispatch()
    faults: Faults = Faults()
    check_every: int | None = None
    retention_ms: int | None = 3_600_000
    drain_ms: int = 365 * 86_400_000
