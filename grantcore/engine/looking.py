"""Public calls that only look: at executions, attempts, histories and leases."""

from __future__ import annotations

from itertools import islice
from typing import Final

import attrs

from grantcore.engine import explaining, reading
from grantcore.engine.core import Core
from grantcore.index.rolls import created, ended_at_ms, read_cursor
from grantcore.model import checks
from grantcore.model.errors import invalid
from grantcore.model.explanations import Explanation
from grantcore.model.leases import Lease
from grantcore.model.outcomes import ExecutionsPage, ExpiredLeasesPage
from grantcore.model.past import lease_of, past_of
from grantcore.model.phases import LEASED, Phase
from grantcore.model.records import NO_CARGO, PAYLOAD, RESULT, Execution
from grantcore.model.time import MAX_MS, gone
from grantcore.model.views import AttemptInfo, ExecutionSnapshot, LeaseEvent, shown_attempt

MAX_PAGE: Final = 100_000


class Looking(Core):
    """What there is."""

    def describe_execution(self, execution_id: str) -> ExecutionSnapshot | None:
        """Every field of an execution at this instant (reference 1.2), or None if there is none.

        Raises:
            InvalidInput: the id is malformed.

        O(1).
        """
        checks.execution_id(execution_id)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            record = self._records.get(execution_id)
            if record is None:
                return None
            return reading.snapshot_of(record, explaining.vectors(self, now)(record))
        finally:
            lock.release()

    def explain(self, execution_id: str) -> Explanation:
        """Why an execution is not running now: what is in the way and until when, and what changes next.

        ``str()`` of it is readable. It never says the same execution is kept back twice: what an operator
        or a delay holds back stands on no shelf, so shelves are not asked.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidInput: the id is malformed.

        O(live workers). SPEC 7.
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            return explaining.explain(self, self._find(execution_id), now)
        finally:
            lock.release()

    def attempts(self, execution_id: str) -> tuple[AttemptInfo, ...]:
        """All attempts, by index.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidInput: the id is malformed.

        O(attempts).
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            self._begin()
            attempts = past_of(self._find(execution_id)).attempts
            return tuple(shown_attempt(attempts[index]) for index in sorted(attempts))
        finally:
            lock.release()

    def read_payload(self, execution_id: str) -> bytes | None:
        """The payload given at creation, or None.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidInput: the id is malformed.

        O(1).
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            self._begin()
            return (self._find(execution_id).cargo or NO_CARGO)[PAYLOAD]
        finally:
            lock.release()

    def read_result(self, execution_id: str) -> bytes | None:
        """The result given at completion, or None.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidInput: the id is malformed.

        O(1).
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            self._begin()
            return (self._find(execution_id).cargo or NO_CARGO)[RESULT]
        finally:
            lock.release()

    def list_executions(
        self,
        *,
        lane_id: str | None = None,
        phase: Phase | None = None,
        after: str | None = None,
        limit: int = 1000,
    ) -> ExecutionsPage:
        """Page over executions by (created_at_ms, id), of one lane or phase if given.

        Args:
            lane_id: only of this lane.
            phase: only in this phase.
            after: ``next`` of the page before.
            limit: at most so many, 1..100,000.

        Raises:
            InvalidInput: an argument is malformed.

        O(log n + executions passed over). SPEC 9.
        """
        checks.optional_lane_id(lane_id)
        if phase is not None:
            checks.instance("phase", phase, Phase)
        cursor = read_cursor(after)
        checks.integer("limit", limit, 1, MAX_PAGE)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            fitting = (
                record
                for record in self._indexes.roll.after(cursor)
                if (lane_id is None or record.spec.lane_id == lane_id)
                and (phase is None or record.phase is phase)
            )
            found = list(islice(fitting, limit + 1))
            vector = explaining.vectors(self, now)
            entries = tuple(reading.snapshot_of(record, vector(record)) for record in found[:limit])
        finally:
            lock.release()
        following = None
        if len(found) > limit:
            following = "{}:{}".format(*created(found[limit - 1]))
        return ExecutionsPage(entries, following)

    def lease_history(self, execution_id: str) -> tuple[LeaseEvent, ...]:
        """The lease history of an execution, oldest first, at most config.lease_history_limit lines.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidInput: the id is malformed.

        O(lines). Reference 1.4, D-25.
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            self._begin()
            history = past_of(self._find(execution_id)).history
            latest = sorted(history)[-self._config.lease_history_limit :]
            return tuple(attrs.evolve(history[number]) for number in latest)
        finally:
            lock.release()

    def leases(self, *, worker_instance_id: str | None = None) -> tuple[Lease, ...]:
        """The current leases, of one instance if given, by (expires_at_ms, id).

        Raises:
            InvalidInput: the id is malformed.

        O(k log k) for k leases. SPEC 9.
        """
        if worker_instance_id is not None:
            checks.identity("worker_instance_id", worker_instance_id)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            self._begin()
            holders = self._indexes.holders
            held = holders.all() if worker_instance_id is None else holders.of(worker_instance_id)
            return tuple(lease_of(record) for record in sorted(held, key=_expiry))
        finally:
            lock.release()

    def leases_expiring_within(self, ms: int) -> tuple[Lease, ...]:
        """The current leases that end before ``now + ms``, by (expires_at_ms, id).

        Args:
            ms: a duration in milliseconds.

        Raises:
            InvalidInput: ``ms`` is no duration.

        O(deadlines until then). SPEC 9.
        """
        checks.instant("ms", ms)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            end_ms = min(self._begin() + ms, MAX_MS + 1)
            soon = [
                record
                for record in self._indexes.deadlines.until(end_ms)
                if record.phase is LEASED and gone(record.expires_at_ms, end_ms - 1)
            ]
            return tuple(lease_of(record) for record in sorted(soon, key=_expiry))
        finally:
            lock.release()

    def list_expired_leases(
        self, *, as_of_ms: int | None = None, after: str | None = None, limit: int = 1000
    ) -> ExpiredLeasesPage:
        """Page over what waits for reclaim, lapsed and revoked alike, by (ended_at_ms, sequence).

        The list is only appended to: between pages nothing is lost or repeated.

        Args:
            as_of_ms: only leases that had ended by this instant; None: all.
            after: ``next`` of the page before.
            limit: at most so many, 1..100,000.

        Raises:
            InvalidInput: an argument is malformed.

        O(log n + entries passed over). SPEC 8.
        """
        checks.optional_instant("as_of_ms", as_of_ms)
        cursor = read_cursor(after)
        checks.integer("limit", limit, 1, MAX_PAGE)
        start = None if cursor is None else (cursor[0], _sequence(cursor[1]))
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            self._begin()
            waiting = (
                record
                for record in self._indexes.losses.after(start)
                if as_of_ms is None or gone(ended_at_ms(record), as_of_ms)
            )
            found = list(islice(waiting, limit + 1))
            entries = tuple(reading.expired_lease_of(record, ended_at_ms(record)) for record in found[:limit])
            last = found[limit - 1] if len(found) > limit else None
            following = None if last is None else f"{ended_at_ms(last)}:{last.lost_sequence}"
        finally:
            lock.release()
        return ExpiredLeasesPage(entries, following)


def _expiry(record: Execution) -> tuple[int, str]:
    return (record.expires_at_ms, record.execution_id)


def _sequence(text: str) -> int:
    """Read the second half of a cursor of lost leases."""
    if text.isascii() and text.isdigit() and len(text) <= 16:  # noqa: PLR2004 - digits of 2**53
        return int(text)
    raise invalid("after", "the next of a page")
