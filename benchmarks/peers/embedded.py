"""Peers that run in the process: they need no server, and most know no lease."""

from __future__ import annotations

from importlib import import_module
from queue import PriorityQueue
from time import process_time_ns
from typing import TYPE_CHECKING, Final, Protocol, cast

from benchmarks.lifecycle import BURST
from benchmarks.peers.peer import Absent

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from benchmarks.peers.peer import Work

LEASE_S: Final = 30
WORKER: Final = "worker"
PAYLOAD: Final = "job"


def _module(name: str) -> object:
    try:
        return import_module(name)
    except ImportError as error:
        raise Absent(f"no module {name}") from error


def priority_queue() -> Work:
    """The standard library's, with a lock around each call."""
    queue = PriorityQueue[tuple[int, int]]()

    def work(count: int) -> float:
        began_ns = process_time_ns()
        for number in range(count):
            queue.put((0, number))
            queue.get()
            queue.task_done()
        return (process_time_ns() - began_ns) / count

    return work


class _Caches(Protocol):
    def TTLCache(self, maxsize: int, ttl: int) -> MutableMapping[int, str]: ...  # noqa: N802 - its name


def ttl_cache() -> Work:
    """A lease kept as an entry with a time to live; the host finds work by itself."""
    cache = cast("_Caches", _module("cachetools")).TTLCache(1_000_000, LEASE_S)

    def work(count: int) -> float:
        began_ns = process_time_ns()
        for number in range(count):
            cache[number] = WORKER
            assert cache[number] is WORKER
            cache[number] = WORKER
            del cache[number]
        return (process_time_ns() - began_ns) / count

    return work


class _Message(Protocol):
    message_id: str


class _LiteQueue(Protocol):
    def put(self, data: str) -> object: ...
    def pop(self) -> _Message: ...
    def done(self, message_id: str) -> object: ...


class _LiteQueues(Protocol):
    def LiteQueue(self, *, memory: bool) -> _LiteQueue: ...  # noqa: N802 - its name


def litequeue() -> Work:
    """SQLite in memory."""
    queue = cast("_LiteQueues", _module("litequeue")).LiteQueue(memory=True)

    def work(count: int) -> float:
        began_ns = process_time_ns()
        for _ in range(count):
            queue.put(PAYLOAD)
            queue.done(queue.pop().message_id)
        return (process_time_ns() - began_ns) / count

    return work


class _Huey(Protocol):
    def task(self) -> Callable[[Callable[[], None]], Callable[[], object]]: ...
    def dequeue(self) -> object: ...
    def execute(self, task: object) -> object: ...


class _Hueys(Protocol):
    def MemoryHuey(self, *, results: bool) -> _Huey: ...  # noqa: N802 - its name


def huey() -> Work:
    """The in-memory backend, its consumer's two calls made in this thread, no results kept."""
    queue = cast("_Hueys", _module("huey")).MemoryHuey(results=False)

    def job() -> None:
        """Do nothing."""

    enqueue = queue.task()(job)

    def work(count: int) -> float:
        began_ns = process_time_ns()
        for _ in range(count):
            enqueue()
            queue.execute(queue.dequeue())
        return (process_time_ns() - began_ns) / count

    return work


class _AckQueue(Protocol):
    def put(self, item: str) -> object: ...
    def get(self, *, raw: bool) -> dict[str, object]: ...
    def ack(self, *, id: object) -> object: ...  # noqa: A002 - its name
    def clear_acked_data(self, *, max_delete: int, keep_latest: int) -> object: ...


class _AckQueues(Protocol):
    def SQLiteAckQueue(self, path: str) -> _AckQueue: ...  # noqa: N802 - its name


def persist_queue() -> Work:
    """The queue with acknowledgements, its SQLite in memory, cleared so often that it stays quick."""
    queue = cast("_AckQueues", _module("persistqueue")).SQLiteAckQueue(":memory:")

    def work(count: int) -> float:
        began_ns = process_time_ns()
        for number in range(count):
            queue.put(PAYLOAD)
            queue.ack(id=queue.get(raw=True)["pqid"])
            if number % BURST == 0:
                queue.clear_acked_data(max_delete=2 * BURST, keep_latest=0)
        return (process_time_ns() - began_ns) / count

    return work
