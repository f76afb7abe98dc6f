"""Submits the jobs of a workload: in order, but those that wait for others when these have ended."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from grantcore.simulation.chance import Chance
from grantcore.simulation.life import Life

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    import simpy

    from grantcore.simulation.job import Job
    from grantcore.simulation.record import Record
    from grantcore.simulation.scenario.model import Faults
    from grantcore.simulation.world.chronicle import Chronicle
    from grantcore.simulation.world.desk import Desk

_UNKNOWN: Final = -1
_DENSE: Final = 4
_FEW: Final = 1_024


class Submitter:
    """Goes through the feed once. Memory: jobs that are held back, and eight bytes per numbered job.

    Attributes:
        when_finished: called when all has been submitted.
    """

    def __init__(
        self,
        env: simpy.Environment,
        desk: Desk,
        chronicle: Chronicle,
        record: Record,
        faults: Faults,
        seed: int,
    ) -> None:
        """Begin with nothing submitted."""
        self.when_finished: Callable[[], None] = _nothing
        self._env = env
        self._desk = desk
        self._chronicle = chronicle
        self._record = record
        self._poison = faults.poison
        self._poison_until_ms = faults.until_ms
        self._chance = Chance(seed, "jobs")
        self._exhausted = False
        self._waiting = 0
        self._coming = 0
        self._waiting_for: dict[int, list[Job]] = {}
        self._ends = Ends()

    def run(self, feed: Iterable[Job]) -> Generator[simpy.Event, object, None]:
        """Run as a process. A job that should have come before now comes at once, and is counted."""
        env = self._env
        for job in feed:
            wait_ms = job.submit_ms - env.now
            if wait_ms > 0:
                yield env.timeout(wait_ms)
            elif wait_ms < 0:
                self._record.late_lines += 1
            self._take_in(job)
        self._exhausted = True
        self._finish()

    @property
    def finished(self) -> bool:
        """Whether nothing comes any more, but for what waits for jobs that have not ended."""
        return self._exhausted and not self._coming

    def ended(self, number: int | None) -> None:
        """The job of this number has ended: those that waited for it come, after their think time."""
        if number is None:
            return
        now = int(self._env.now)
        self._ends.note(number, now)
        for job in self._waiting_for.pop(number, ()):
            self._waiting -= 1
            self._submit_after(job, now)

    def _take_in(self, job: Job) -> None:
        """Submit a job that is read, or hold it back."""
        if job.after is None:
            self._submit(job)
        elif (waiting := self._waiting_for.get(job.after)) is not None:
            self._waiting += 1
            waiting.append(job)
        elif (ended_ms := self._ends.of(job.after)) is not None:
            self._submit_after(job, ended_ms)
        else:
            self._submit(job)
        if job.number is not None:
            self._waiting_for.setdefault(job.number, [])

    def _submit_after(self, job: Job, ended_ms: int) -> None:
        """Submit a job when its think time after that end is over, but not in the midst of another call."""
        self._coming += 1
        wait_ms = max(ended_ms + job.think_ms - int(self._env.now), 0)
        self._env.process(self._come(job, wait_ms))

    def _come(self, job: Job, wait_ms: int) -> Generator[simpy.Event, object, None]:
        yield self._env.timeout(wait_ms)
        self._coming -= 1
        self._submit(job)
        self._finish()

    def _submit(self, job: Job) -> None:
        chance = self._chance
        now = int(self._env.now)
        poison, fate, moment = chance.share(), chance.share(), chance.share()
        poisoned = poison < self._poison and (self._poison_until_ms is None or now <= self._poison_until_ms)
        execution_id = self._desk.create(job)
        self._chronicle.submitted(Life(execution_id, job, now, poisoned, fate, moment))

    def _finish(self) -> None:
        if self.finished and not self._waiting:
            self.when_finished()


class Ends:
    """When jobs ended, by number: eight bytes each where numbers are dense, as those of logs are."""

    def __init__(self) -> None:
        """Begin with no ends."""
        self._dense = array("q")
        self._count = 0
        self._sparse: dict[int, int] = {}

    def note(self, number: int, at_ms: int) -> None:
        """A job has ended. O(1) amortised."""
        self._count += 1
        if not 0 <= number < _FEW + _DENSE * self._count:
            self._sparse[number] = at_ms
            return
        missing = number + 1 - len(self._dense)
        if missing > 0:
            self._dense.extend([_UNKNOWN] * missing)
        self._dense[number] = at_ms

    def of(self, number: int) -> int | None:
        """The last end of this number; None: it has not ended. O(1)."""
        if 0 <= number < len(self._dense) and self._dense[number] != _UNKNOWN:
            return self._dense[number]
        return self._sparse.get(number)


def _nothing() -> None:
    """Nobody waits for the last submission."""
