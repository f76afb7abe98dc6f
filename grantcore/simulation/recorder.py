"""Fills the record of a run, in memory that does not grow but by a few bytes per job.

Times are SimPy's, read here when something is told. Two things are bounded by thinning out: the points of
the queue (when there are too many, every other one goes and they are taken half as often) and the timeline
(the leases around the first one that is lost; without a loss, the last ones).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from grantcore.simulation.life import Row
from grantcore.simulation.record import LaneRecord, Point, Record, Tenure

if TYPE_CHECKING:
    import simpy

    from grantcore.simulation.life import Life, Standing
    from grantcore.simulation.scenario.model import Scenario

MAX_POINTS: Final = 2_000
MAX_TENURES: Final = 400
BEFORE_LOSS: Final = 200
"""So many leases of the timeline may have begun before the first loss is seen."""

_STEP_MS: Final = 1_000


class Recorder:
    """Counts, sums up and keeps what a report needs; O(1) amortised for each fact."""

    def __init__(self, env: simpy.Environment, scenario: Scenario, workers: int) -> None:
        """Begin a record; all workers are idle."""
        self.record = Record(scenario=scenario, first_submit_ms=int(env.now))
        self.last_submit_ms = self.record.first_submit_ms
        self._env = env
        self._workers = workers
        self._idle = workers
        self._numbers: dict[Standing, int] = {"waiting": 0, "leased": 0, "delayed": 0}
        self._step_ms = _STEP_MS
        self._point_ms = self.record.first_submit_ms
        self._rows: deque[Row] = deque(maxlen=BEFORE_LOSS)
        self._saw_loss = False
        self._shows = True
        self._down_since: dict[str, int] = {}
        self._down_ms = 0

    # -- executions --------------------------------------------------------------------------

    def submitted(self, life: Life) -> None:
        """A job was submitted."""
        self._look()
        self.record.submitted += 1
        self.last_submit_ms = life.submit_ms
        self._numbers["waiting"] += 1

    def leased(self, life: Life, epoch: int, worker_id: str, *, reclaimed: bool) -> None:
        """Somebody took a lease of it."""
        now = self._stands(life, "leased")
        record = self.record
        record.leases += 1
        record.grants_used += 1
        if life.wait_ms is None:
            life.wait_ms = now - life.submit_ms
            record.waits_ms.append(life.wait_ms)
        if reclaimed:
            record.reclaims += 1
            if life.fault_ms is not None:
                record.recoveries_ms.append(now - life.fault_ms)
        life.fault_ms = None
        life.epoch = epoch
        if self._shows:
            self._show(life, Row(worker_id, life.execution_id, epoch, now))

    def lapsed(self, life: Life) -> None:
        """Its lease ran out. What befell the lease began now, if nothing else is known."""
        now = self._stands(life, "waiting")
        if life.fault_ms is None:
            life.fault_ms = now
        if not self._saw_loss:
            self._keep_around(life.row)
        self._close_row(life, now, "lapsed")

    def delayed(self, life: Life, how: str) -> None:
        """The attempt ended and another will follow."""
        now = self._stands(life, "delayed")
        self.record.retries += 1
        life.fault_ms = None
        self._close_row(life, now, how)

    def due(self, life: Life) -> None:
        """Its delay is over."""
        self._stands(life, "waiting")

    def ended(self, life: Life, phase: str, how: str) -> None:
        """It ended."""
        now = self._look()
        self._numbers[life.standing] -= 1
        self._close_row(life, now, how)
        record = self.record
        turnaround_ms = now - life.submit_ms
        record.ends[phase] += 1
        record.last_end_ms = now
        record.turnarounds_ms.append(turnaround_ms)
        lane = record.lanes.get(life.job.lane_id)
        if lane is None:
            lane = record.lanes[life.job.lane_id] = LaneRecord()
        lane.jobs += 1
        lane.wait_ms += turnaround_ms if life.wait_ms is None else life.wait_ms
        lane.run_ms += life.job.run_ms
        lane.turnaround_ms += turnaround_ms

    # -- workers -----------------------------------------------------------------------------

    def idles(self, number: int) -> None:
        """So many more workers are idle now (or fewer)."""
        self._look()
        self._idle += number

    def down(self, worker_id: str) -> None:
        """A worker vanished."""
        self._down_since[worker_id] = int(self._env.now)

    def back(self, worker_id: str) -> None:
        """It is back."""
        self._down_ms += int(self._env.now) - self._down_since.pop(worker_id)

    def worked(self, busy_ms: int, work_ms: int, outcome: str) -> None:
        """A worker's time inside a lease is over: so long, so much of it work, and what came of it."""
        record = self.record
        record.busy_ms += busy_ms
        if outcome == "useful":
            record.useful_ms += work_ms
        elif outcome == "failed":
            record.failed_ms += work_ms
        else:
            record.wasted_ms += work_ms

    # -- the end -----------------------------------------------------------------------------

    def close(self) -> Record:
        """Finish the record."""
        now = self._look()
        record = self.record
        for since_ms in self._down_since.values():
            self._down_ms += now - since_ms
        record.capacity_ms = self._workers * (now - record.first_submit_ms) - self._down_ms
        record.grants_lapsed = record.grants_issued - record.grants_used
        record.timeline = sorted(
            (
                Tenure(
                    row.worker_id,
                    row.execution_id,
                    row.lease_epoch,
                    row.begin_ms,
                    now if row.end_ms is None else row.end_ms,
                    row.end,
                )
                for row in self._rows
            ),
            key=lambda tenure: tenure.begin_ms,
        )
        record.refused = type(record.refused)(dict(sorted(record.refused.items())))
        record.faults = type(record.faults)(dict(sorted(record.faults.items())))
        record.lanes = dict(sorted(record.lanes.items()))
        return record

    # -- pictures ----------------------------------------------------------------------------

    def _stands(self, life: Life, standing: Standing) -> int:
        """Move an execution; answer the present instant."""
        now = self._look()
        self._numbers[life.standing] -= 1
        self._numbers[standing] += 1
        life.standing = standing
        return now

    def _look(self) -> int:
        """Take the points up to now, before something changes; answer the present instant."""
        now = int(self._env.now)
        if now > self._point_ms:
            self._take_points(now)
        return now

    def _take_points(self, now: int) -> None:
        points = self.record.points
        numbers = self._numbers
        while self._point_ms < now:
            points.append(Point(self._point_ms, numbers["waiting"], numbers["leased"], self._idle))
            self._point_ms += self._step_ms
            if len(points) == MAX_POINTS:
                del points[1::2]
                self._point_ms = points[-1].at_ms + 2 * self._step_ms
                self._step_ms *= 2

    def _show(self, life: Life, row: Row) -> None:
        life.row = row
        self._rows.append(row)
        if self._saw_loss and len(self._rows) == MAX_TENURES:
            self._shows = False

    def _keep_around(self, lost: Row | None) -> None:
        """Keep what came before the first loss, and the lease that is lost, however long ago it began."""
        self._saw_loss = True
        self._rows = deque(self._rows, maxlen=MAX_TENURES)
        if lost is not None and lost not in self._rows:
            self._rows.appendleft(lost)

    def _close_row(self, life: Life, now: int, how: str) -> None:
        row = life.row
        if row is not None:
            row.end_ms = now
            row.end = how
            life.row = None
