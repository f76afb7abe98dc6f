"""Do the runs of a plan through an executor, keep each that ends, and skip those that were kept."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from itertools import islice
from typing import TYPE_CHECKING

import attrs

from grantcore.simulation.sweep.build import build
from grantcore.simulation.sweep.store import NotThisRun, Store
from grantcore.simulation.sweep.work import Result, run_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from grantcore.simulation.sweep.plan import Plan, Run


class SweepBroken(Exception):
    """The executor can do no more runs; what was finished is kept."""


@attrs.frozen
class Failure:
    """A run that ended with an error: which, what was said, and the command that does it again."""

    run: Run
    error: str
    replay: str

    def __str__(self) -> str:
        return f"{self.run.setting.label}, seed {self.run.seed}: {self.error}\n  again: {self.replay}"


@attrs.frozen
class Finished:
    """A run and what came of it."""

    run: Run
    result: Result


@attrs.frozen
class Outcome:
    """What came of a sweep, in the order of the plan, in whatever order the runs ended.

    Attributes:
        plan: what was to be run.
        finished: the runs that have a result.
        failures: the runs that have none.
        kept: how many of the results were there before.
        notes: files that were redone, and why.
    """

    plan: Plan
    finished: tuple[Finished, ...]
    failures: tuple[Failure, ...]
    kept: int
    notes: tuple[str, ...]


@attrs.define
class Runner:
    """Runs a plan.

    Attributes:
        executor: where.
        store: what is finished is kept there.
        window: how many runs the executor is given at a time: no fewer than it can do at once.
        fresh: whether runs that were kept are done again.
        told: is told how many runs are over, and of how many.
    """

    executor: Executor
    store: Store
    window: int = 1
    fresh: bool = False
    told: Callable[[int, int], None] = lambda _over, _all: None

    def go(self, plan: Plan) -> Outcome:
        """Do what is missing. An interruption goes through, and all that was finished stays kept.

        Raises:
            SweepBroken: a process of the executor died, or the cluster went away.
            OSError: the log cannot be read, or a result cannot be kept.
        """
        runs = list(plan.runs())
        results: dict[str, Result] = {}
        errors: dict[str, str] = {}
        notes = [] if self.fresh else list(self._find(runs, results))
        kept = len(results)
        self.told(kept, len(runs))
        for run, answer in self._answers([run for run in runs if run.digest not in results]):
            if isinstance(answer, Result):
                self.store.keep(run.digest, run.work, answer)
                results[run.digest] = answer
            else:
                errors[run.digest] = answer
            self.told(len(results) + len(errors), len(runs))
        finished = tuple(Finished(run, results[run.digest]) for run in runs if run.digest in results)
        failures = tuple(
            Failure(run, errors[run.digest], plan.replay(run)) for run in runs if run.digest in errors
        )
        return Outcome(plan, finished, failures, kept, tuple(notes))

    def _find(self, runs: Iterable[Run], results: dict[str, Result]) -> Iterator[str]:
        """Put the results that were kept where they belong; tell of files that are of no use."""
        for run in runs:
            try:
                found = self.store.find(run.digest)
            except NotThisRun as problem:
                yield f"{problem}; the run is done again"
                continue
            if found is not None:
                results[run.digest] = found

    def _answers(self, runs: Sequence[Run]) -> Iterator[tuple[Run, Result | str]]:
        """Do the runs and give each with its result or its error, as they end."""
        waiting = iter(runs)
        running: dict[Future[dict[str, object]], Run] = {}
        try:
            while True:
                for run in islice(waiting, self.window - len(running)):
                    running[self.executor.submit(run_one, run.work)] = run
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), _answer(future)
        except BrokenExecutor as broken:
            raise SweepBroken(f"a process that ran a part of it has died ({broken})") from broken
        finally:
            for future in running:
                future.cancel()


def _answer(future: Future[dict[str, object]]) -> Result | str:
    """Give what came of a run: its result, or what was said of its error."""
    try:
        result = Result.from_data(future.result())
    except BrokenExecutor:
        raise
    except Exception as error:  # noqa: BLE001  # a run that fails must not take the others with it
        return f"{type(error).__name__}: {error}"
    if result.version != build():
        return f"it ran with grantcore {result.version}; here is {build()}"
    return result
