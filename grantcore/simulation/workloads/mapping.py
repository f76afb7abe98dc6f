"""The rule that makes jobs of the lines of a Standard Workload Format log.

=====================  ======================================================================================
of a job               from the line
=====================  ======================================================================================
``submit_ms``          submit time; unknown: 0
``run_ms``             run time; unknown: 0
``lane_id``            by ``lane``: ``q3`` (queue), ``partition-3``, ``user-3``, ``group-3``; of an unknown
                       one, and for ``single``: ``default``
required capabilities  one token for each word of ``capabilities``: ``procs-64`` (processors),
                       ``partition-3``, ``queue-3``, ``executable-3``; of an unknown one: none
``number``             job number, where ``dependencies`` count
``after``              preceding job, where ``dependencies`` count; unknown, or itself: none
``think_ms``           think time; unknown: 0
=====================  ======================================================================================

The processors of a job are those it was allocated, else those it requested, else 1, rounded up to a power
of two: a job requires one token ``procs-N``, and a worker of size S carries ``procs-1``, ``procs-2``,
``procs-4`` … up to ``procs-S`` (``grantcore.simulation.sizes``). So a worker may run what fits. A worker is
whole: one job at a time, whatever its size.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from grantcore.simulation.job import Job
from grantcore.simulation.workloads.swf import UNKNOWN, SwfJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantcore.simulation.scenario.model import SwfLog


def size(line: SwfJob) -> int:
    """Give the processors of a job, rounded up to a power of two."""
    processors = line.allocated_processors
    if processors == UNKNOWN:
        processors = line.requested_processors
    return 1 << (max(processors, 1) - 1).bit_length()


LANES: Final[dict[str, tuple[str, Callable[[SwfJob], int]]]] = {
    "queue": ("q", lambda line: line.queue),
    "partition": ("partition-", lambda line: line.partition),
    "user": ("user-", lambda line: line.user),
    "group": ("group-", lambda line: line.group),
    "single": ("", lambda _line: UNKNOWN),
}
"""By the word of the rule: how lanes begin, and the field that names them."""

TOKENS: Final[dict[str, tuple[str, Callable[[SwfJob], int]]]] = {
    "processors": ("procs-", size),
    "partition": ("partition-", lambda line: line.partition),
    "queue": ("queue-", lambda line: line.queue),
    "executable": ("executable-", lambda line: line.executable),
}
"""By the word of the rule: how tokens begin, and the field that names them."""


def mapped(log: SwfLog) -> Callable[[SwfJob], Job]:
    """Give the rule of this log; O(1) a line."""
    begins, lane_of = LANES[log.lane]
    rules = [TOKENS[word] for word in log.capabilities]

    def job(line: SwfJob) -> Job:
        number = lane_of(line)
        return Job(
            submit_ms=max(line.submit_time, 0) * 1000,
            run_ms=max(line.run_time, 0) * 1000,
            lane_id="default" if number == UNKNOWN else _named(begins, number),
            required_capabilities=_required(tuple((begin, field(line)) for begin, field in rules)),
            number=_known(line.job_number) if log.dependencies else None,
            after=_preceding(line) if log.dependencies else None,
            think_ms=max(round(line.think_time * 1000), 0),
        )

    return job


def _known(number: int) -> int | None:
    return None if number == UNKNOWN else number


def _preceding(line: SwfJob) -> int | None:
    return None if line.preceding_job == line.job_number else _known(line.preceding_job)


@lru_cache(maxsize=4_096)
def _named(begins: str, number: int) -> str:
    """Name a lane or a token; the same text each time, so that jobs share it."""
    return f"{begins}{number}"


@lru_cache(maxsize=4_096)
def _required(fields: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """Name what a job requires; jobs that require the same share it."""
    return tuple(sorted(_named(begins, number) for begins, number in fields if number != UNKNOWN))
