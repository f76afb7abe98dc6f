"""Where the time of a lifecycle goes, with the lock on and off, and how much of it the goals leave."""

from __future__ import annotations

from functools import partial
from itertools import count as counter
from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import Rig, floor_ns, fresh_ns, ids
from benchmarks.parts.bodies import LOCK, MARK, PARTS
from benchmarks.parts.part import meanwhile, share, shares, sources, total
from benchmarks.peers import embedded
from benchmarks.peers.everyone import PEERS
from benchmarks.peers.peer import Absent
from benchmarks.rows import Group
from benchmarks.scenario import GOALS
from benchmarks.timing import interleaved

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.rows import Row
    from benchmarks.sizes import Sizes

SAYS: Final = (
    "Of one lifecycle of a new engine; the ratio is to the whole of it with the lock on. What the goals are "
    "held against takes turns with it: the last rows are what each goal leaves for a lifecycle."
)


def measure(sizes: Sizes) -> Group:
    """Let the wholes, the parts and the yardsticks take turns."""
    many, floor_ids, probe = sizes.lifecycles, ids(sizes.lifecycles), Probe(sizes)
    skipped: list[str] = []
    peers = _peers(many, skipped)
    parts = (*PARTS, *meanwhile(Rig.lifecycles_ns))
    medians = interleaved(
        {
            "whole": lambda: fresh_ns(many),
            "off": lambda: fresh_ns(many, threadsafe=False),
            **sources((*parts, MARK), many),
            "cold": lambda: probe.most_ns(many) - probe.few_ns(many),
            "floor": lambda: floor_ns(floor_ids),
            **peers,
        },
        sizes.samples,
    )
    probed = f"looking for a new id in a dict of {sizes.most:,}, beyond what one of {sizes.live[0]:,} takes"
    unlocked = [MARK if part is LOCK else part for part in parts]

    def row(what: str, says: str, cost_us: float) -> Row:
        return share(what, says, cost_us, medians["whole"])

    def goal(key: str) -> Row:
        most, _ = GOALS[key]
        return row(f"the goal, lock {key}", f"{most:g} times the floor", most * medians["floor"])

    def peer(name: str) -> Row:
        least = LEAST[name]
        return row(f"the goal, {name}", f"what its lifecycle costs, by {least:g}", medians[name] / least)

    rows = (
        row("the whole", "one lifecycle, lock on", medians["whole"]),
        *shares(parts, medians, "finding the record, judging the case, and that all this comes in turn"),
        row("cold probe", probed, medians["cold"]),
        row("the whole, lock off", "one lifecycle with `threadsafe=False`", medians["off"]),
        row(MARK.name, MARK.says, MARK.cost(medians)),
        row("all these, lock off", "with the mark in place of the lock", total(unlocked, medians)),
        *map(goal, ("on", "off")),
        *map(peer, peers),
    )
    return Group("parts", SAYS, rows, tuple(skipped))


class Probe:
    """Looks for ids that are not there, in a dict that the processor has at hand and in one too large."""

    def __init__(self, sizes: Sizes) -> None:
        self._number = counter()
        self._few = dict.fromkeys(self._names(sizes.live[0]))
        self._most = dict.fromkeys(self._names(sizes.most))

    def _names(self, count: int) -> list[str]:
        return [f"{{fp:213}}:{next(self._number):032x}" for _ in range(count)]

    def few_ns(self, count: int) -> float:
        """Look into the small one."""
        return self._sample_ns(self._few, count)

    def most_ns(self, count: int) -> float:
        """Look into the large one."""
        return self._sample_ns(self._most, count)

    def _sample_ns(self, records: dict[str, None], count: int) -> float:
        names = self._names(count)
        began_ns = process_time_ns()
        for name in names:
            if name in records:
                raise AssertionError
        return (process_time_ns() - began_ns) / count


LEAST: Final = {peer.name: peer.goal for peer in PEERS if peer.goal is not None}
"""How many times the engine's lifecycle a peer's is to cost."""

_OPEN: Final = {"PriorityQueue": embedded.priority_queue, "litequeue, in memory": embedded.litequeue}


def _peers(count: int, skipped: list[str]) -> dict[str, Callable[[], float]]:
    """Those that run in the process and have a goal; note who is not here."""
    here: dict[str, Callable[[], float]] = {}
    for name, work in _OPEN.items():
        try:
            here[name] = partial(work(), count)
        except Absent as absent:
            skipped.append(f"{name}: {absent}")
    return here
