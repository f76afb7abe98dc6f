"""One run of a scenario: ``run(scenario) -> Record``. The same scenario gives the same record anywhere."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Final

from simpy.core import EmptySchedule

from grantcore.simulation.fleet import Work, muster
from grantcore.simulation.garbage import few_collections
from grantcore.simulation.scenario.contradictions import judge_required
from grantcore.simulation.scenario.model import Synthetic
from grantcore.simulation.workloads import open_workload, survey
from grantcore.simulation.world.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from grantcore.simulation.fleet import Member
    from grantcore.simulation.record import Record
    from grantcore.simulation.scenario.model import Requirement, Scenario
    from grantcore.simulation.world.terms import Schedule

_STRIDE: Final = 512
"""Steps between two words of how far it is."""

_STEPS_PER_RECORD: Final = 20
"""So many steps go by for every execution that a check of the whole state has to look at."""

_LEAST_STEPS: Final = 10_000


def run(
    scenario: Scenario,
    *,
    schedule: Schedule | None = None,
    progress: Callable[[float], None] | None = None,
    observed: bool = False,
) -> Record:
    """Simulate a scenario to its end.

    Args:
        scenario: what to run.
        schedule: a scheduler of your own (:class:`~grantcore.simulation.world.terms.Schedule`); None: the
            engine's ``Scheduler.claim_for_worker``.
        progress: called now and then with the share of the jobs that have ended, 0..1.
        observed: whether auditor and report know nothing but the engine's events, which
            takes longer; else what a call's own answer tells is taken from it. The record is the same.

    Raises:
        ScenarioError: a job requires what no worker carries.
        LogError: a line of the log is malformed.
        OSError: the log cannot be read.

    O(events · log(workers + jobs that wait for time)), memory O(jobs alive or not purged yet), and a few
    bytes per job.
    """
    jobs, work = look_over(scenario)
    members = muster(scenario.workers, work)
    with nullcontext() if schedule else few_collections():
        return Run(scenario, members, jobs, schedule, observed=observed).to_the_end(progress)


def look_over(scenario: Scenario) -> tuple[int, Work]:
    """How many jobs there will be, and the work by what they require, in any unit.

    Of made-up jobs the mix says that; a log is read once more.

    Raises:
        ScenarioError: a job requires what no worker carries: it would wait for ever.
        LogError: a line of the log is malformed.
        OSError: the log cannot be read.
    """
    workload = scenario.workload
    if isinstance(workload, Synthetic):
        jobs, work = workload.jobs, _mixed(workload.requirements)
    else:
        found = survey(workload, scenario.seed)
        jobs, work = found.jobs, found.work_ms
    judge_required(scenario, work)
    return jobs, work


def _mixed(requirements: Iterable[Requirement]) -> Work:
    """The weights of a mix by what its jobs require; what is never drawn counts nothing."""
    work: Work = {}
    for row in requirements:
        if row.weight:
            tokens = tuple(sorted(row.capabilities))
            work[tokens] = work.get(tokens, 0) + round(row.weight * 1_000_000)
    return work


class Run:
    """Steps through one run."""

    def __init__(
        self,
        scenario: Scenario,
        members: Sequence[Member],
        jobs: int,
        schedule: Schedule | None = None,
        *,
        observed: bool = False,
    ) -> None:
        """Put the world together; ``jobs`` is how many there will be, for the progress."""
        self._scenario = scenario
        self._jobs = jobs
        self._late_ms = 0
        feed = open_workload(scenario.workload, scenario.seed)
        jobs_in_order = iter(feed)
        first = next(jobs_in_order, None)
        self._feed = feed
        self.site = Site(
            scenario, members, 0 if first is None else first.submit_ms, schedule, observed=observed
        )
        self.site.start(jobs_in_order if first is None else chain((first,), jobs_in_order))

    def to_the_end(self, progress: Callable[[float], None] | None = None) -> Record:
        """Run until everything has ended, or time is up, or nothing can happen any more."""
        site = self.site
        record = site.recorder.record
        next_check = self._check_after(0)
        ends = False
        while not ends:
            if progress is not None:
                progress(len(record.turnarounds_ms) / max(self._jobs, 1))
            most = min(_STRIDE, next_check - record.steps)
            taken = self._go_on(most)
            record.steps += taken
            ends = taken < most
            site.chronicle.flush()
            if record.steps == next_check:
                site.desk.check()
                next_check = self._check_after(record.steps)
        return self._close(record)

    def _go_on(self, most: int) -> int:
        """Take so many steps; answer how many it were: fewer, if there are no more to take."""
        site, env = self.site, self.site.env
        step = env.step
        taken = 0
        try:
            for taken in range(most):
                if site.over or (env.now > self._late_ms and self._is_late()):
                    return taken
                step()
        except EmptySchedule:
            return taken
        return most

    def _is_late(self) -> bool:
        """Whether all should have ended by now; else, when that is to be asked again."""
        site = self.site
        self._late_ms = site.recorder.last_submit_ms + self._scenario.drain_ms
        return site.submitter.finished and site.env.now > self._late_ms

    def _check_after(self, steps: int) -> int:
        """After how many steps the whole state is checked next."""
        if self._scenario.check_every is not None:
            return steps + self._scenario.check_every
        return steps + max(_LEAST_STEPS, _STEPS_PER_RECORD * self.site.desk.held())

    def _close(self, record: Record) -> Record:
        """Judge the whole, and finish the record."""
        site = self.site
        site.desk.check()
        site.auditor.close()
        site.recorder.close()
        record.skipped_lines = self._feed.skipped_lines
        record.engine_events = site.chronicle.facts
        record.violations = site.auditor.violations
        record.more_violations = site.auditor.found.total() - len(record.violations)
        record.event_digest = site.chronicle.digest()
        record.state_digest = site.engine.digest()
        return record
