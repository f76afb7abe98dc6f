"""One job of a workload, whatever it came from."""

from __future__ import annotations

import attrs


@attrs.frozen
class Job:
    """What is submitted, and what a worker will find it to be.

    Args:
        submit_ms: the instant of submission; for one with ``after``: the earliest.
        run_ms: how long a worker of speed 1 needs for it.
        lane_id: the lane it waits in.
        priority: 0..9000.
        required_capabilities: what a worker must have.
        number: by which others name it in ``after``; None: nobody does.
        after: number of the job that must have ended before; None, or one that is not known: none.
        think_ms: from that end to this submission.
    """

    submit_ms: int
    run_ms: int
    lane_id: str = "default"
    priority: int = 0
    required_capabilities: tuple[str, ...] = ()
    number: int | None = None
    after: int | None = None
    think_ms: int = 0
