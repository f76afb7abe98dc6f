"""The workers: who they are, what they can run, and who is idle."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs

from grantcore.simulation.job import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@attrs.define
class Worker:
    """One simulated worker: it runs one job at a time, and after a crash it is a new instance."""

    worker_id: str
    size: int
    starts: int = 1

    @property
    def worker_instance_id(self) -> str:
        """The process it is now."""
        return f"{self.worker_id}.{self.starts}"

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What it can run."""
        return tokens(self.size)


class Fleet:
    """Idle workers by size; who has been idle longest goes first.

    Sizes go round, the largest first, so that even a fleet of one can run every job.
    """

    def __init__(self, workers: int, largest: int) -> None:
        """Build a fleet of this many idle workers of up to this size, a power of two."""
        sizes = [1 << exponent for exponent in reversed(range(largest.bit_length()))]
        self._idle: dict[int, deque[Worker]] = {size: deque() for size in reversed(sizes)}
        for number in range(workers):
            self.rest(Worker(f"worker-{number}", sizes[number % len(sizes)]))

    def rest(self, worker: Worker) -> None:
        """Make a worker idle."""
        self._idle[worker.size].append(worker)

    def largest_idle(self) -> int | None:
        """Give the size of the largest idle worker, which can run what all others can; None: all busy."""
        return max(self._idle_sizes(), default=None)

    def hire_for(self, required_capabilities: Iterable[str]) -> Worker | None:
        """Take the smallest idle worker that has these capabilities, None if there is none."""
        required = set(required_capabilities)
        for size in self._idle_sizes():
            if required.issubset(tokens(size)):
                return self._idle[size].popleft()
        return None

    def _idle_sizes(self) -> Iterator[int]:
        """Go through the sizes that have an idle worker, smallest first: big ones are kept for big jobs."""
        return (size for size, workers in self._idle.items() if workers)
