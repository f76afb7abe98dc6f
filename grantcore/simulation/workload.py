"""A made-up workload for those who have no log at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grantcore.simulation.job import Job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantcore.simulation.chance import Chance

QUEUES: Final = 3
LARGEST_EXPONENT: Final = 5
"""Jobs take up to 32 processors."""

LONGEST_EXPONENT: Final = 22
"""Jobs run up to 4,194 s, most of them for seconds or minutes."""

MEAN_GAP_MS: Final = 20_000
"""Mean time between two submissions, in milliseconds."""


def synthetic(chance: Chance, jobs: int) -> Iterator[Job]:
    """Make up this many jobs, in the order of their submission."""
    submit_ms = 0
    for _ in range(jobs):
        submit_ms += chance.below(2 * MEAN_GAP_MS)
        yield Job(
            submit_ms=submit_ms,
            run_ms=chance.below(1 << chance.below(LONGEST_EXPONENT + 1)),
            processors=1 << chance.below(LARGEST_EXPONENT + 1),
            queue=chance.below(QUEUES),
        )
