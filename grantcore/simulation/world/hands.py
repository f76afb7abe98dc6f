"""A worker of the world: who it is at the moment, and where a grant reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from grantcore import Worker

if TYPE_CHECKING:
    import simpy

    from grantcore.simulation.fleet import Member


@attrs.define(eq=False)
class Hand:
    """One worker. After a crash it is a new instance of the same id.

    Attributes:
        worker_id: who it is.
        capabilities: what it can run, in order.
        speed_permille: thousandths of a job's pace.
        starts: how often it was started.
        worker: who it is now, for the engine.
        inbox: the event by which the next grant reaches it; its value is the grant.
    """

    worker_id: str
    capabilities: tuple[str, ...]
    speed_permille: int
    worker: Worker
    inbox: simpy.Event
    starts: int = 1

    def start_again(self) -> None:
        """Be a new instance."""
        self.starts += 1
        self.worker = _worker(self.worker_id, self.starts, self.capabilities)


def hire(env: simpy.Environment, member: Member) -> Hand:
    """Start a worker."""
    worker = _worker(member.worker_id, 1, member.capabilities)
    return Hand(member.worker_id, member.capabilities, member.speed_permille, worker, env.event())


def _worker(worker_id: str, starts: int, capabilities: tuple[str, ...]) -> Worker:
    return Worker(worker_id, f"{worker_id}.{starts}", capabilities)
