"""Lanes: named queues, open until somebody pauses or drains them (SPEC 7)."""

from __future__ import annotations

from enum import StrEnum

import attrs


class LaneStatus(StrEnum):
    """Whether a lane takes executions in, and gives them out."""

    OPEN = "open"
    PAUSED = "paused"
    DRAINING = "draining"

    __hash__ = str.__hash__


OPEN = LaneStatus.OPEN


@attrs.define(eq=False)
class Lane:
    """What the engine keeps of a lane; one that was never touched is as good as none."""

    lane_id: str
    state: LaneStatus = LaneStatus.OPEN
    max_leases: int | None = None
    aging_ms_per_point: int | None = None

    credit: int = 0
    """Position of the smooth weighted round robin (``engine/choosing.py``)."""

    @property
    def is_set_up(self) -> bool:
        """Whether it is not as a lane that was never touched."""
        settings = (self.max_leases, self.aging_ms_per_point)
        return self.state is not OPEN or settings != (None, None) or self.credit != 0
