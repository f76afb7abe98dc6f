"""The peers, what each can and lacks, and their group of rows."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import floor_ns, fresh_ns, ids, warm
from benchmarks.peers import embedded
from benchmarks.peers.beanstalkd import pipelined
from benchmarks.peers.peer import Absent, Peer, always
from benchmarks.rows import Group, Row
from benchmarks.timing import interleaved

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.peer import Work
    from benchmarks.sizes import Sizes

SERVER: Final = "serves many processes, in any language, over a network; can keep a log on disk"
TO_THE_SECOND: Final = "a lease that outlives its connection; its time to run is in whole seconds"
ALL_LACK: Final = (
    "No peer has epochs or a fence to hand on, capabilities, attempts and history, quotas and budgets, or "
    "says why something does not run."
)

PEERS: Final = (
    Peer(
        "PriorityQueue",
        "put, get, task_done",
        "standard library; consumers block until there is work",
        "a lease: what a dead worker took is gone",
        always(embedded.priority_queue),
        goal=0.6,
        stretch=1,
    ),
    Peer(
        "cachetools TTLCache",
        "set, get, set again, delete",
        "a mapping of any values, bounded, least recently used out first",
        "a queue: the host must find the work; lapses are silent; no lock",
        always(embedded.ttl_cache),
    ),
    Peer(
        "huey, in memory",
        "enqueue, dequeue, execute",
        "runs functions: registry, retries, periodic tasks; other backends keep tasks on disk or in Redis",
        "a lease, a keep-alive: what a dead worker took is gone",
        always(embedded.huey),
    ),
    Peer(
        "litequeue, in memory",
        "put, pop, done",
        "the same code on a file survives the process and serves several; SQL may look inside",
        "a lease that ends by itself (it has a lock time), a keep-alive, priorities",
        always(embedded.litequeue),
        goal=12,
        stretch=19,
    ),
    Peer(
        "persist-queue, in memory",
        "put, get, ack; what was acknowledged is cleared by 100",
        "the same code on a file survives the process; items are any that can be pickled",
        "a lease that ends by itself (a restart gives back what was not acknowledged); priorities",
        always(embedded.persist_queue),
    ),
    Peer(
        "beanstalkd, pipelined by 100",
        "put, reserve, touch, delete",
        SERVER,
        TO_THE_SECOND,
        pipelined(100),
        goal=5,
        stretch=8,
    ),
    Peer("beanstalkd, one by one", "put, reserve, touch, delete", SERVER, TO_THE_SECOND, pipelined(1)),
)

QUOTED: Final = (
    "FlowFabric's functions on Redis 7: there is no Redis here. Quoted, not measured, from another machine: "
    "549 us pipelined by 100, 1,305 us one by one, client and server"
)
SAYS: Final = (
    "One lifecycle of each, put to completion, kept alive once where there is such a call, and how many "
    "times the engine's it costs. The engine's issues grants by id; in the second row it chooses as well. "
    "beanstalkd's cost is the processor time of client and server."
)


def measure(sizes: Sizes, peers: tuple[Peer, ...] = PEERS) -> Group:
    """Let the engine, the floor and all peers that are here take turns."""
    count, floor_ids = sizes.lifecycles, ids(sizes.lifecycles)
    skipped: list[str] = []
    with ExitStack() as stack:
        here = {peer: work for peer in peers if (work := _opened(stack, peer, skipped))}
        sources: dict[str, Callable[[], float]] = {
            "engine": lambda: fresh_ns(count),
            "loop": lambda: warm().loops_ns(count),
            "floor": lambda: floor_ns(floor_ids),
            **{peer.name: partial(work, count) for peer, work in here.items()},
        }
        medians = interleaved(sources, sizes.samples)
    own = medians["engine"]

    def ratio(name: str) -> tuple[tuple[float], str, float, str]:
        return (medians[name],), "us", medians[name] / own, "engine"

    rows = (
        Row("engine", "create, issue, claim, renew, complete", *ratio("engine")),
        Row("engine, choosing", "create, claim_for_worker, take, renew, complete", *ratio("loop")),
        Row("floor", "the same five calls on a dict, nothing else", *ratio("floor")),
        *(Row(p.name, p.does, *ratio(p.name), p.goal, p.stretch, ">=") for p in here),
    )
    return Group("peers", SAYS, rows, (*skipped, QUOTED))


def _opened(stack: ExitStack, peer: Peer, skipped: list[str]) -> Work | None:
    """Open a peer for as long as the stack lasts, or note why not."""
    try:
        return stack.enter_context(peer.open())
    except Absent as absent:
        skipped.append(f"{peer.name}: {absent}")
        return None
