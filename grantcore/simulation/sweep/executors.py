"""Where runs happen: this process, other processes of this machine, or a Dask cluster.

Each is a ``concurrent.futures.Executor``; ``runner`` takes any. Processes are started afresh (``spawn``):
nothing of this process leaks into a run, and every platform does the same.
"""

from __future__ import annotations

import importlib
import multiprocessing
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, ParamSpec, TypeVar, cast

from grantcore.simulation.sweep.work import Stop, obey

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

TIMEOUT_S: Final = 10
"""So long a Dask scheduler may take to answer."""

DASK_WINDOW: Final = 1_000
"""So many runs a cluster is given at a time: it may grow meanwhile."""

P = ParamSpec("P")
T = TypeVar("T")


class Place(NamedTuple):
    """Where runs happen, and how many it is given at a time."""

    executor: Executor
    window: int


class NoCluster(Exception):
    """The Dask cluster cannot be used; the text says why."""


class InProcess(Executor):
    """Do at once what is submitted, here: no other process, no thread."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call it, and give a future that is done."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # it is the future's: who asks for the result gets it
            future.set_exception(error)
        return future


@contextmanager
def processes(jobs: int) -> Generator[Place]:
    """Run ``jobs`` at a time, each in a process; 1: in this one.

    On the way out runs that go on are told to stop; none is left behind.
    """
    if jobs == 1:
        yield Place(InProcess(), 1)
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(jobs, context, _begin, (stop,)) as pool:
        try:
            yield Place(pool, 2 * jobs)
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(stop: Stop) -> None:
    """Make a process obey ``stop``. Ctrl-C reaches every process of the terminal: the first one decides."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    obey(stop)


@contextmanager
def dask(address: str) -> Generator[Place]:
    """Run on the cluster whose scheduler is at ``address``; grantcore must be installed on its workers.

    A log or table must be readable there under the same path.

    Raises:
        NoCluster: ``distributed`` is not installed, or nobody answers at the address.
    """
    try:
        distributed = importlib.import_module("distributed")
    except ModuleNotFoundError as missing:
        raise NoCluster("a Dask cluster needs: pip install 'grantcore[dask]'") from missing
    try:
        client = distributed.Client(address, timeout=TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as problem:
        raise NoCluster(f"no Dask scheduler answers at {address!r}: {problem}") from problem
    with client:
        pool = cast("Executor", client.get_executor())
        try:
            yield Place(pool, DASK_WINDOW)
        finally:
            pool.shutdown(wait=False)  # Dask's word for: cancel what is not done
