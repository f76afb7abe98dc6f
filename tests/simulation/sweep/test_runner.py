"""Runs through any executor: finished ones are kept, missing ones are done."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from grantcore.simulation.sweep import runner
from grantcore.simulation.sweep.executors import InProcess
from grantcore.simulation.sweep.plan import Plan, Source
from grantcore.simulation.sweep.runner import Outcome, Runner, SweepBroken
from grantcore.simulation.sweep.store import Store, digest_of
from tests.simulation.sweep.making import plan, result

Work = Mapping[str, Any]


def quick(work: Work) -> dict[str, object]:
    """Stands for a run: its result is made of its data alone."""
    return result({"jobs": work["scenario"]["leases"]["lease_ttl_ms"]}, tag=digest_of(work)[:8]).as_data()


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Work]:
    """The runs that were done, in order."""
    done: list[Work] = []

    def noted(work: Work) -> dict[str, object]:
        done.append(work)
        return quick(work)

    monkeypatch.setattr(runner, "run_one", noted)
    return done


@attrs.define
class Shuffled(Executor):
    """Ends what it was given in any order, when it is asked to wait."""

    chance: random.Random
    given: list[tuple[Future[Any], Callable[..., Any], Any]] = attrs.field(factory=list)
    most: int = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_more: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.given.append((future, fn, args))
        self.most = max(self.most, len(self.given))
        return future

    def wait(self, running: Any, **_more: Any) -> Any:
        self.chance.shuffle(self.given)
        for _ in range(self.chance.randint(1, len(self.given))):
            future, fn, args = self.given.pop()
            future.set_result(fn(*args))
        return attrs.make_class("Waited", ["done"])([future for future in running if future.done()])


def go(made: Plan, folder: Path, executor: Executor | None = None, **options: Any) -> Outcome:
    return Runner(executor or InProcess(), Store(folder), **options).go(made)


def test_every_run_is_done_once_and_told(tmp_path: Path, ran: list[Work]) -> None:
    told: list[tuple[int, int]] = []
    made = plan("lease_ttl=1000,2000", seeds=2)
    outcome = go(made, tmp_path, told=lambda over, of: told.append((over, of)))
    assert [run.work for run in made.runs()] == ran == [one.run.work for one in outcome.finished]
    assert [one.result.measures["jobs"] for one in outcome.finished] == [1000, 1000, 2000, 2000]
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert (outcome.kept, outcome.failures, outcome.notes) == (0, (), ())


@pytest.mark.uncovered
@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_runs_end_changes_nothing(
    tmp_path: Path, ran: list[Work], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    made = plan("lease_ttl=1000,2000,3000", "count=1,2", seeds=2)
    expected = go(made, tmp_path / "in order")
    done_in_order = list(ran)
    ran.clear()
    shuffled = Shuffled(random.Random(seed))
    monkeypatch.setattr(runner, "wait", shuffled.wait)
    outcome = go(made, tmp_path / "shuffled", shuffled, window=5)
    assert outcome == expected
    assert ran != done_in_order, "the executor did not shuffle"
    assert shuffled.most == 5, "the window was not used, or not kept"
    in_order, other = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("in order", "shuffled")
    )
    assert in_order == other


def test_threads_can_be_used(tmp_path: Path, ran: list[Work]) -> None:
    made = plan("lease_ttl=1000,2000,3000", seeds=3)
    with ThreadPoolExecutor(3) as threads:
        outcome = go(made, tmp_path / "threads", threads, window=4)
    assert len(ran) == 9
    assert outcome == go(made, tmp_path / "alone")


@pytest.mark.parametrize("stops_after", [0, 1, 5, 7])
def test_an_interrupted_sweep_does_exactly_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: list[Work], stops_after: int
) -> None:
    made = plan("lease_ttl=1000,2000", "count=1,2", seeds=2)
    expected = go(made, tmp_path / "whole")
    ran.clear()

    def interrupted(work: Work) -> dict[str, object]:
        if len(ran) == stops_after:
            raise KeyboardInterrupt
        ran.append(work)
        return quick(work)

    with monkeypatch.context() as patch:
        patch.setattr(runner, "run_one", interrupted)
        with pytest.raises(KeyboardInterrupt):
            go(made, tmp_path / "parts")
    first = list(ran)
    ran.clear()
    outcome = go(made, tmp_path / "parts")
    assert [*first, *ran] == [run.work for run in made.runs()]
    assert outcome == attrs.evolve(expected, kept=stops_after)
    ran.clear()
    assert go(made, tmp_path / "parts").kept == 8
    assert not ran


def test_what_was_given_is_taken_back_when_a_sweep_is_interrupted(tmp_path: Path) -> None:
    class Interrupted(Executor):
        futures: ClassVar[list[Future[Any]]] = []

        def submit(self, _fn: Callable[..., Any], /, *_args: Any, **_more: Any) -> Future[Any]:
            if len(self.futures) == 2:
                raise KeyboardInterrupt
            self.futures.append(Future())
            return self.futures[-1]

    with pytest.raises(KeyboardInterrupt):
        go(plan(seeds=3), tmp_path, Interrupted(), window=3)
    assert [future.cancelled() for future in Interrupted.futures] == [True, True]


def test_more_seeds_and_values_use_what_was_kept(tmp_path: Path, ran: list[Work]) -> None:
    go(plan("lease_ttl=1000,2000", seeds=2), tmp_path)
    ran.clear()
    assert go(plan("lease_ttl=2000,3000", seeds=3), tmp_path).kept == 2
    assert len(ran) == 4


def test_fresh_does_all_again(tmp_path: Path, ran: list[Work]) -> None:
    made = plan(seeds=3)
    before = go(made, tmp_path)
    assert go(made, tmp_path, fresh=True) == before
    assert len(ran) == 6


def test_a_damaged_or_foreign_file_is_redone_and_said(tmp_path: Path, ran: list[Work]) -> None:
    made = plan(seeds=3)
    before = go(made, tmp_path)
    one, two, three = (tmp_path / f"{run.digest}.json" for run in made.runs())
    one.write_text("{")
    two.write_bytes(three.read_bytes())
    ran.clear()
    outcome = go(made, tmp_path)
    assert len(ran) == 2
    assert outcome.finished == before.finished
    assert "damaged" in outcome.notes[0]
    assert "of another run" in outcome.notes[1]
    assert all(note.endswith("; the run is done again") for note in outcome.notes)
    assert go(made, tmp_path).notes == ()


def test_a_run_that_fails_is_told_with_its_command_and_done_again_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(work: Work) -> dict[str, object]:
        if work["scenario"]["seed"] == 2:
            raise ZeroDivisionError("by nothing")
        return quick(work)

    monkeypatch.setattr(runner, "run_one", failing)
    made = plan("lease_ttl=1000", seeds=3, source=Source(path=Path("a b.toml"), scheduler="m:f"))
    outcome = go(made, tmp_path)
    assert [one.run.seed for one in outcome.finished] == [1, 3]
    (failure,) = outcome.failures
    assert str(failure) == (
        "lease_ttl=1000, seed 2: ZeroDivisionError: by nothing\n"
        "  again: grantcore simulate 'a b.toml' --set lease_ttl=1000 --scheduler m:f --seed 2"
    )
    monkeypatch.setattr(runner, "run_one", quick)
    assert (go(made, tmp_path).kept, go(made, tmp_path).failures) == (2, ())


def test_a_result_of_another_version_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "run_one", lambda work: quick(work) | {"version": "0.0.9"})
    (failure,) = go(plan(), tmp_path).failures
    assert "it ran with grantcore 0.0.9; here is " in failure.error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("when", ["submit", "result"])
def test_a_process_that_dies_ends_the_sweep(tmp_path: Path, when: str) -> None:
    class Broken(Executor):
        def submit(self, _fn: Callable[..., Any], /, *_args: Any, **_more: Any) -> Future[Any]:
            if when == "submit":
                raise BrokenExecutor("it died")
            future: Future[Any] = Future()
            future.set_exception(BrokenExecutor("it died"))
            return future

    with pytest.raises(SweepBroken, match="it died"):
        go(plan(seeds=2), tmp_path, Broken(), window=2)
