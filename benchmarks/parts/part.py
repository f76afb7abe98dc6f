"""A part of a lifecycle, and how its cost stands beside the whole."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import Rig, warm
from benchmarks.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Mapping

CALLS: Final = 5
"""Of a lifecycle."""


@dataclass(frozen=True)
class Part:
    """What the engine does in a lifecycle, and nothing else.

    Attributes:
        name: in a word.
        says: in a sentence.
        spent_ns: does what so many lifecycles do; answers the nanoseconds.
        loops: how many rounds of a bare loop are in that, for each lifecycle.
    """

    name: str
    says: str
    spent_ns: Callable[[int], int]
    loops: int = 1

    def sample_ns(self, count: int) -> float:
        """Do what so many lifecycles do; answer the nanoseconds of one, its loops included."""
        return self.spent_ns(count) / count

    def cost(self, medians: Mapping[str, float]) -> float:
        """What it costs in a lifecycle: its median less its loops."""
        return medians[self.name] - self.loops * medians["loop"]


def sources(parts: Iterable[Part], count: int) -> dict[str, Callable[[], float]]:
    """The parts and the bare loop, to take turns with the whole."""
    return {**{part.name: partial(part.sample_ns, count) for part in parts}, "loop": partial(loop_ns, count)}


def loop_ns(count: int) -> float:
    """One round of a loop that does nothing."""
    began_ns = process_time_ns()
    for _ in range(count):
        pass
    return (process_time_ns() - began_ns) / count


def total(parts: Iterable[Part], medians: Mapping[str, float]) -> float:
    """What they cost together."""
    return sum(part.cost(medians) for part in parts)


def shares(parts: Collection[Part], medians: Mapping[str, float], rest: str) -> list[Row]:
    """A row of each part, of all of them, and of what they leave of the whole, with its share of it."""
    whole, together = medians["whole"], total(parts, medians)
    return [
        *(share(part.name, part.says, part.cost(medians), whole) for part in parts),
        share("all these", "what no lifecycle does without", together, whole),
        share("the rest", rest, whole - together, whole),
    ]


def share(what: str, says: str, cost_us: float, whole_us: float) -> Row:
    """A row of a part."""
    return Row(what, says, (cost_us,), "us", cost_us / whole_us, base="whole")


@contextmanager
def uncollected() -> Generator[None]:
    """Keep the collector off."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def collector_ns(work: Callable[[], object]) -> int:
    """Do it; answer the nanoseconds that the collector ran meanwhile.

    That is more exact than to do it with the collector on and off: the difference is less than the noise.
    """
    instants: list[int] = []

    def note(_phase: str, _about: dict[str, int]) -> None:
        instants.append(process_time_ns())

    gc.callbacks.append(note)
    try:
        work()
    finally:
        gc.callbacks.remove(note)
    return sum(instants[1::2]) - sum(instants[::2])


def catching_up_ns(rig: Rig, work: Callable[[], object]) -> int:
    """Do it with this engine; answer the nanoseconds that it spends on what the time that passes changes."""
    catch_up = rig.engine._catch_up  # noqa: SLF001 - what is inside is what is measured
    spent_ns = 0

    def timed(reading: int) -> int:
        nonlocal spent_ns
        began_ns = process_time_ns()
        now = catch_up(reading)
        spent_ns += process_time_ns() - began_ns
        return now

    rig.engine._catch_up = timed  # type: ignore[method-assign]  # noqa: SLF001
    work()
    return spent_ns


def meanwhile(work: Callable[[Rig, int], object]) -> tuple[Part, Part]:
    """What new engines spend on the collector and on time while they do this."""

    def collecting(count: int) -> int:
        return collector_ns(partial(work, warm(), count))

    def catching_up(count: int) -> int:
        rig = warm()
        return catching_up_ns(rig, partial(work, rig, count))

    return (
        Part("collector", "what the garbage collector runs meanwhile", collecting, 0),
        Part("time", "when time has passed: finding what is due, moving deadlines", catching_up, 0),
    )
