"""Chapter 7: time (SPEC 3). Every call reads the clock once and applies all that is due, one by one.

There is no book of deadlines: each time, all deadlines of everything are written down, and the earliest
is applied, stamped with its own instant, until none is due.
"""

from __future__ import annotations

from grantcore import AdvanceReport, ClockError, Phase, Registration
from grantcore.testing.model import forms
from grantcore.testing.model.admission import Admission
from grantcore.testing.model.endings import Endings
from grantcore.testing.model.forms import MAX_MS
from grantcore.testing.model.records import ACTIVE, TERMINAL, Due, Execution

EXECUTION, ATTEMPT, SUSPENSION, LEASE, GRANT, DELAY, WORKER, RETENTION = range(8)
"""The order of what falls on one instant."""


class Passing(Endings, Admission):
    """Time passes."""

    def now_ms(self) -> int:
        """The present instant."""
        return self._enter()

    def advance(self, *, limit: int | None = None) -> AdvanceReport:
        """Apply what is due, at most ``limit`` lapses."""
        forms.optional_integer("limit", limit, 1, 2**31 - 1)
        self._read_clock()
        lapsed = self._lapse(limit)
        return AdvanceReport(lapsed, bool(self._due()))

    def next_deadline_ms(self) -> int | None:
        """When something changes next if nobody calls."""
        self._enter()
        return min([at_ms for at_ms, _, _ in self._instants()] + self._openings(), default=None)

    def _enter(self) -> int:
        """Begin a call; those of a batch are all at one reading of the clock."""
        if not self._standing:
            self._read_clock()
        self._lapse()
        return self._now

    def _read_clock(self) -> None:
        try:
            reading: object = self._clock()
        except Exception as error:
            raise ClockError from error
        if type(reading) is not int or not 0 <= reading <= MAX_MS:
            raise ClockError
        self._clamped += int(reading < self._now)
        self._now = max(self._now, reading)

    def _lapse(self, limit: int | None = None) -> int:
        """Apply the earliest of what is due, again and again; a lapse may set a deadline that is due."""
        count = 0
        while count != limit and (due := self._due()):
            first = min(due)
            first.apply(first.at_ms)
            count += 1
        return count

    def _due(self) -> list[Due]:
        return [self._made(*instant) for instant in self._instants() if instant[0] <= self._now]

    def deadlines(self) -> list[Due]:
        """Everything that time will do to what there is."""
        return [self._made(*instant) for instant in self._instants()]

    def _instants(self) -> list[tuple[int, int, Execution | Registration]]:
        """Every deadline there is: when, its rank, and whose it is."""
        found: list[tuple[int, int, Execution | Registration]] = []
        for execution in self.executions:
            found += [(at_ms, rank, execution) for at_ms, rank in self._deadlines_of(execution)]
        return found + [(worker.expires_at_ms, WORKER, worker) for worker in self.workers]

    def _deadlines_of(self, execution: Execution) -> list[tuple[int, int]]:
        """Every deadline that one execution has: when, and its rank."""
        phase, kept = execution.phase, self._config.retention_ms
        if phase in TERMINAL:
            assert execution.completed_at_ms is not None
            ends = MAX_MS + 1 if kept is None else execution.completed_at_ms + kept
            return [(ends, RETENTION)] if ends <= MAX_MS else []
        found = [(execution.deadline_due_ms, EXECUTION), (execution.suspension_due_ms, SUSPENSION)]
        if phase in ACTIVE:
            found.append((execution.timeout_at_ms, ATTEMPT))
        if phase is Phase.LEASED and execution.lease is not None:
            found.append((execution.lease.expires_at_ms, LEASE))
        if execution.grant is not None:
            found.append((execution.grant.expires_at_ms, GRANT))
        if phase is Phase.DELAYED:
            found.append((execution.delay_due_ms, DELAY))
        return [(at_ms, rank) for at_ms, rank in found if at_ms is not None and at_ms <= MAX_MS]

    def _made(self, at_ms: int, rank: int, of: Execution | Registration) -> Due:
        """A deadline, and what it does."""
        if isinstance(of, Execution):
            return Due(at_ms, rank, of.execution_id, apply=lambda at: self._strike(of, rank, at))
        return Due(
            at_ms, rank, of.worker_instance_id, of.namespace, apply=lambda at: self._lapse_worker(of, at)
        )

    def _lapse_worker(self, worker: Registration, at_ms: int) -> None:
        """A worker that is silent is forgotten; its leases are not (SPEC 8)."""
        self.workers.remove(worker)
        self._tell("WorkerLapsed", worker.worker_instance_id, at_ms)

    def _strike(self, execution: Execution, rank: int, at_ms: int) -> None:
        """A deadline of an execution has come."""
        strike = {
            EXECUTION: self._pass_deadline,
            ATTEMPT: self._time_out,
            SUSPENSION: self._time_out_suspension,
            LEASE: self._lapse_lease,
            GRANT: self._lapse_grant,
            DELAY: self._become_due,
            RETENTION: self._purge,
        }
        strike[rank](execution, at_ms)
