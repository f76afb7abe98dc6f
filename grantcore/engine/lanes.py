"""Public calls about lanes; pausing and draining are the operator's (SPEC 7)."""

from __future__ import annotations

from grantcore.engine.core import Core
from grantcore.model import checks
from grantcore.model.lanes import Lane, LaneStatus
from grantcore.model.outcomes import LaneState
from grantcore.model.time import MAX_MS
from grantcore.rules import laning


class Lanes(Core):
    """Lanes: named queues."""

    def configure_lane(
        self, lane_id: str, *, max_leases: int | None = None, aging_ms_per_point: int | None = None
    ) -> LaneState:
        """Set a lane's ceiling and its aging; what is left out is switched off.

        Args:
            lane_id: the lane; it need not have been used.
            max_leases: the most that may be held in it, live grants included; None: no ceiling.
            aging_ms_per_point: who has waited so many milliseconds longer comes before one whose priority is
                one point higher; None: priority alone counts.

        Raises:
            InvalidInput: an argument is malformed.

        O(executions that wait in the lane) when its aging changes; the first ceiling of an engine counts all.
        SPEC 7, 8.
        """
        checks.lane_id(lane_id)
        if max_leases is not None:
            checks.integer("max_leases", max_leases, 1, MAX_MS)
        if aging_ms_per_point is not None:
            checks.integer("aging_ms_per_point", aging_ms_per_point, 1, MAX_MS)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            lane = self._store.lane(lane_id)
            note = laning.configure(lane, now, max_leases, aging_ms_per_point)
            if note is not None:
                self._commit_note(note)
            return shown_lane(lane)
        finally:
            lock.release()


def turn_lane(core: Core, lane_id: str, state: LaneStatus, operator: str) -> LaneState:
    """Pause, drain or resume a lane, for an operator. O(1), whoever waits in it."""
    checks.lane_id(lane_id)
    lock = core._lock
    if lock._is_owned():
        core._refuse_entry(2)
    lock.acquire()
    try:
        now = core._begin()
        lane = core._store.lane(lane_id)
        note = laning.turn(lane, now, state)
        if note is not None:
            core._commit_note(note, operator)
        return shown_lane(lane)
    finally:
        lock.release()


def shown_lane(lane: Lane) -> LaneState:
    """A lane as the engine shows it."""
    return LaneState(lane.lane_id, lane.state, lane.max_leases, lane.aging_ms_per_point)
