"""What takes the bytes of a lease: the objects that an engine leads to, by their types.

Two ways to one sum: what the allocator counts of all that loading leaves behind (as group *memory* does), and
the sizes of the objects that can be reached from the engine. The second way knows what they are.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Final

from benchmarks.bench import Bench
from benchmarks.lifecycle import Rig
from benchmarks.memory import load, traced
from benchmarks.rows import Group, Row
from grantcore.model.records import Execution

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

PARTS: Final[dict[type, tuple[str, str]]] = {
    Execution: ("record", "per lease: its slots, and what the collector keeps with them"),
    str: ("id", "per lease: the text of its id"),
    int: ("integers", "per lease: when it was taken, when it ends, its number"),
    dict: ("dict", "dicts: its place in the store, by its id"),
    list: ("lists", "lists: its places in the indexes of deadlines, holders and arrivals"),
}
OTHER: Final = ("others", "others: buckets of deadlines, and what all leases share")
_ENDS: Final = (type, ModuleType, FunctionType, BuiltinFunctionType)
"""What is there once, and leads everywhere."""


def measure(sizes: Sizes) -> Group:
    """Load leases, count what the allocator gave, and weigh what it was given for."""
    occupied, objects, weights = taken_apart(sizes.phase)

    def row(what: str, says: str, part: float) -> Row:
        return Row(what, says, (part,), "bytes", part / occupied, base="whole")

    rest = occupied - sum(weights.values())
    rows = (
        row("the whole", "what the allocator counts", occupied),
        *(row(what, f"{objects[what]:.2f} {says}", weights[what]) for what, says in (*PARTS.values(), OTHER)),
        row("the rest", "what the allocator gives beyond their sizes: an integer of 28 bytes has 32", rest),
    )
    says = (
        f"Of one leased execution among {sizes.phase:,}, its minted id included; the ratio is to the whole."
    )
    return Group("parts-bytes", says, rows)


def taken_apart(count: int) -> tuple[float, dict[str, float], dict[str, float]]:
    """Lease so many; answer the bytes of each, and for each part how many objects and how many bytes."""
    bench = Bench(Rig())
    objects_before, bytes_before = weighed(bench.engine)
    occupied = traced(lambda: load(bench, Bench.leased, count))
    objects, weights = weighed(bench.engine)

    def each(now: Counter[str], before: Counter[str]) -> dict[str, float]:
        return {what: (now[what] - before[what]) / count for what in now}

    return occupied / count, each(objects, objects_before), each(weights, bytes_before)


def weighed(root: object) -> tuple[Counter[str], Counter[str]]:
    """Count the objects that can be reached, and their bytes, by the part that they are."""
    objects, weights = Counter[str](), Counter[str]()
    seen, found = {id(root)}, [root]
    while found:
        one = found.pop()
        what, _ = PARTS.get(type(one), OTHER)
        objects[what] += 1
        weights[what] += sys.getsizeof(one)
        for other in gc.get_referents(one):
            if id(other) not in seen and not isinstance(other, _ENDS):
                seen.add(id(other))
                found.append(other)
    return objects, weights
