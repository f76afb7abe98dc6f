"""Lanes: opened and closed by an operator, with ceilings and aging (SPEC 7)."""

from __future__ import annotations

from grantcore.model import events
from grantcore.model.lanes import Lane, LaneStatus
from grantcore.rules.change import Note

_EVENTS = {
    LaneStatus.OPEN: events.LaneResumed,
    LaneStatus.PAUSED: events.LanePaused,
    LaneStatus.DRAINING: events.LaneDrained,
}


def turn(lane: Lane, now: int, state: LaneStatus) -> Note | None:
    """Decide to pause, drain or resume a lane; None: it is so already."""
    if lane.state is state:
        return None
    return (_EVENTS[state], (lane.lane_id,), now, write_state, (lane, state))


def write_state(lane: Lane, state: LaneStatus) -> None:
    """Store the state; nothing is written into those that wait."""
    lane.state = state


def configure(lane: Lane, now: int, max_leases: int | None, aging_ms: int | None) -> Note | None:
    """Decide a ceiling and how fast waiting counts; None: it is so already."""
    if (lane.max_leases, lane.aging_ms_per_point) == (max_leases, aging_ms):
        return None
    told = (lane.lane_id, max_leases, aging_ms)
    return (events.LaneConfigured, told, now, write_settings, (lane, max_leases, aging_ms))


def write_settings(lane: Lane, max_leases: int | None, aging_ms: int | None) -> None:
    """Store both settings."""
    lane.max_leases = max_leases
    lane.aging_ms_per_point = aging_ms
