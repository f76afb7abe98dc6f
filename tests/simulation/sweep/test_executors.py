"""Runs in this process, in others and on a cluster: the same results."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from grantcore.simulation.measures import METRICS
from grantcore.simulation.scenario.model import Scenario, Synthetic
from grantcore.simulation.sweep import executors, work
from grantcore.simulation.sweep.executors import NoCluster, dask, processes
from grantcore.simulation.sweep.runner import Outcome, Runner
from grantcore.simulation.sweep.store import Store
from tests.simulation.sweep.making import plan

TINY = Scenario(workload=Synthetic(jobs=20))
AXIS = "lease_ttl=20000,60000"


@pytest.fixture(autouse=True)
def unstopped() -> Iterator[None]:
    yield
    work.Worker.stop = None


def run_in(place: executors.Place, folder: Path, seeds: int = 1) -> Outcome:
    return Runner(place.executor, Store(folder), place.window).go(plan(AXIS, seeds=seeds, scenario=TINY))


def here(folder: Path, seeds: int = 1) -> Outcome:
    with processes(1) as place:
        return run_in(place, folder, seeds)


@pytest.mark.uncovered
def test_a_run_is_all_in_its_data(tmp_path: Path) -> None:
    outcome = here(tmp_path)
    assert not outcome.failures
    one, two = (finished.result for finished in outcome.finished)
    assert one.measures.keys() == METRICS.keys()
    assert one.measures["jobs"] == one.measures["jobs_ended"] == 20
    assert one.event_digest != two.event_digest
    assert one.violations == 0


def test_processes_give_what_this_one_gives(tmp_path: Path) -> None:
    with processes(2) as place:
        assert run_in(place, tmp_path / "processes") == here(tmp_path / "here")


def test_an_error_here_is_the_future_s() -> None:
    with processes(1) as place:
        future = place.executor.submit(int, "x")
    assert isinstance(future.exception(), ValueError)


def test_a_run_stops_soon_after_it_is_asked_to() -> None:
    stop = threading.Event()
    executors._begin(stop)
    (run,) = plan(scenario=attrs.evolve(TINY, workload=Synthetic(jobs=300))).runs()
    stop.set()
    with pytest.raises(work.Stopped):
        work.run_one(run.work)


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The signals that are set: not those of the tests."""
    signals: list[object] = []
    monkeypatch.setattr("signal.signal", lambda number, _handler: signals.append(number))
    return signals


def test_only_a_main_thread_may_leave_ctrl_c_to_others(heard: list[object]) -> None:
    thread = threading.Thread(target=executors._begin, args=(threading.Event(),))
    thread.start()
    thread.join()
    assert not heard
    executors._begin(threading.Event())
    assert heard == [signal.SIGINT]


@pytest.mark.parametrize("seeds", [1, pytest.param(3, marks=pytest.mark.proof)])
def test_a_dask_cluster_gives_what_this_process_gives(tmp_path: Path, seeds: int) -> None:
    distributed = pytest.importorskip("distributed", reason="distributed is not installed (extra dask)")
    cluster = distributed.LocalCluster(
        n_workers=1 if seeds == 1 else 2, threads_per_worker=1, processes=seeds > 1, dashboard_address=None
    )
    with cluster, dask(cluster.scheduler_address) as place:
        outcome = run_in(place, tmp_path / "dask", seeds)
    assert outcome == here(tmp_path / "here", seeds)


def test_a_cluster_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="distributed is not installed (extra dask)")
    monkeypatch.setattr(executors, "TIMEOUT_S", 0.05)
    with (
        pytest.raises(NoCluster, match="no Dask scheduler answers at 'tcp://"),
        dask("tcp://127.0.0.1:1"),
    ):
        pass


def test_without_distributed_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(NoCluster, match=r"pip install 'grantcore\[dask\]'"), dask("tcp://127.0.0.1:1"):
        pass


@pytest.mark.parametrize("name", ["refusing", "Outer.refusing"])
def test_a_scheduler_is_found_by_its_name(name: str) -> None:
    with pytest.raises(RuntimeError, match="refuses to work"):
        work.named(f"tests.simulation.sweep.schedulers:{name}")()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "package.module:callable"),
        ("a", "package.module:callable"),
        (":b", "package.module:callable"),
        ("no_such_module:f", "cannot be imported: No module"),
        ("tests.simulation.sweep.schedulers:nothing", "cannot be imported"),
        ("tests.simulation.sweep.schedulers:NOT_ONE", "is no callable: it is a int"),
        ("..:f", "cannot be imported"),
    ],
)
def test_a_scheduler_that_is_not_there_is_refused(name: str, said: str) -> None:
    with pytest.raises(work.SchedulerError, match=said):
        work.named(name)


def test_the_scheduler_of_the_user_decides() -> None:
    (run,) = plan(scenario=TINY).runs()
    with pytest.raises(RuntimeError, match="refuses to work"):
        work.run_one({**run.work, "scheduler": "tests.simulation.sweep.schedulers:refusing"})
