"""Schedulers of users, for the tests."""

from __future__ import annotations

from collections.abc import Sequence

from grantcore import GrantEngine, Scheduler, Worker
from grantcore.simulation.world.terms import Grant

NOT_ONE = 7


class Outer:
    @staticmethod
    def refusing(*_args: object, **_more: object) -> None:
        raise RuntimeError("this scheduler refuses to work")


refusing = Outer.refusing


def last_lane_first(
    engine: GrantEngine, worker: Worker, *, lanes: Sequence[str], grant_ttl_ms: int
) -> Grant | None:
    """Serve the last lane first."""
    return Scheduler(engine).claim_for_worker(worker, lanes=tuple(lanes)[::-1], grant_ttl_ms=grant_ttl_ms)
