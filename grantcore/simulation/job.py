"""A job of a workload, and the rule that makes an execution of it.

Lane: ``q`` and the queue number (``q0``); ``default`` where the queue is unknown.

Capabilities: a job requires one token, ``procs-N``, N being its processors rounded up to a power of
two; a worker of size S carries ``procs-1``, ``procs-2``, ``procs-4`` … up to ``procs-S``. So a worker
may run what fits, and admission is asked for every grant.
"""

from __future__ import annotations

from functools import cache

import attrs


@attrs.frozen
class Job:
    """One job: when it comes, how long it runs (both in milliseconds), how wide it is.

    Args:
        submit_ms: the instant of submission.
        run_ms: how long a worker needs for it.
        processors: at least 1.
        queue: number of its queue, None if unknown.
    """

    submit_ms: int
    run_ms: int
    processors: int = 1
    queue: int | None = None

    @property
    def lane_id(self) -> str:
        """The lane it waits in.

        >>> Job(0, 1000, queue=3).lane_id, Job(0, 1000).lane_id
        ('q3', 'default')
        """
        return "default" if self.queue is None else f"q{self.queue}"

    @property
    def size(self) -> int:
        """Its processors, rounded up to a power of two.

        >>> Job(0, 1000, processors=33).size
        64
        """
        return 1 << (self.processors - 1).bit_length()

    @property
    def required_capabilities(self) -> tuple[str, ...]:
        """What a worker must have.

        >>> Job(0, 1000, processors=33).required_capabilities
        ('procs-64',)
        """
        return (token(self.size),)


def token(size: int) -> str:
    """Name the capability of running jobs of this size, a power of two."""
    return f"procs-{size}"


@cache
def tokens(size: int) -> tuple[str, ...]:
    """Name all capabilities of a worker of this size, a power of two.

    >>> tokens(4)
    ('procs-1', 'procs-2', 'procs-4')
    """
    return tuple(token(1 << exponent) for exponent in range(size.bit_length()))
