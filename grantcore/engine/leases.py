"""Public calls about leases: taking, holding, ending, looking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final, cast

from grantcore.engine import plain, processes, reading
from grantcore.engine.core import Core
from grantcore.index.rolls import read_cursor
from grantcore.model import checks
from grantcore.model.config import MAX_TTL_MS
from grantcore.model.errors import ExecutionNotReclaimable, GrantError, InvalidClaimGrant, invalid
from grantcore.model.events import RetryScheduled as RetryScheduledEvent
from grantcore.model.grants import KIND_OF, ClaimGrant, Grant, ReclaimGrant, ResumeGrant
from grantcore.model.leases import Fenced, Held, Lease, named, read_fence
from grantcore.model.outcomes import (
    Cancelled,
    Completed,
    Delayed,
    ExpiredLeasesPage,
    GrantNotFound,
    LeaseLost,
    Moved,
    NotReclaimable,
    Reclaimed,
    RetryScheduled,
    TerminalFailed,
    new_completed,
)
from grantcore.model.past import lease_of
from grantcore.model.phases import LEASED
from grantcore.model.records import Execution
from grantcore.model.time import MAX_MS, gone
from grantcore.rules import claiming, ending, holding, pausing
from grantcore.rules.change import Change
from grantcore.rules.claiming import Taker

MAX_BATCH: Final = 100_000
MAX_PAGE: Final = 100_000


class Leases(Core):
    """Leases: who may work on an execution right now."""

    # -- taking --------------------------------------------------------------------------------

    def claim_execution(
        self,
        grant: ClaimGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
        lane_id: str | None = None,
    ) -> Lease:
        """Use a claim grant: a new attempt begins under a new lease, epoch + 1.

        Args:
            grant: the grant; only its execution and type count, the engine believes its own record.
            worker_id: must be the one the grant was issued to.
            worker_instance_id: the process; informational, stands in the lease.
            lease_ttl_ms: 1..config.max_lease_ttl_ms milliseconds.
            attempt_timeout_ms: of this attempt, in milliseconds; None: the policy's.
            lane_id: if given, must be the execution's.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotLeaseable: it is not ELIGIBLE.
            InvalidClaimGrant: no such grant for this worker: ``reason``. The grant stays with its owner.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5; reference 4.2.
        """
        if type(grant) is not ClaimGrant:
            raise invalid("grant", "a ClaimGrant")
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        if lane_id is not None:
            checks.lane_id(lane_id)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            now = self._begin()
            if lane_id is None and attempt_timeout_ms is None:
                lease = plain.claim(self, now, grant, worker_id, worker_instance_id, lease_ttl_ms)
                if lease is not None:
                    return lease
            return self._take(now, grant, taker, lane_id)
        finally:
            self._lock.release()

    def claim_resumed_execution(
        self,
        grant: ResumeGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        lane_id: str | None = None,
    ) -> Lease:
        """Use a resume grant: the interrupted attempt goes on under a new lease, epoch + 1.

        Its clock goes on with what was left. Arguments, refusals and complexity as
        :meth:`claim_execution`. SPEC 5; reference 4.3.
        """
        if type(grant) is not ResumeGrant:
            raise invalid("grant", "a ResumeGrant")
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, None)
        if lane_id is not None:
            checks.lane_id(lane_id)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            return self._take(self._begin(), grant, taker, lane_id)
        finally:
            self._lock.release()

    def reclaim_execution(
        self,
        grant: ReclaimGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
        lane_id: str | None = None,
    ) -> Reclaimed | NotReclaimable | GrantNotFound:
        """Use a reclaim grant: the lost attempt ends, a new one begins under a new lease, epoch + 1.

        Args: as :meth:`claim_execution`.

        Returns:
            :class:`Reclaimed`; :class:`NotReclaimable` if no lease of it is lost (any more);
            :class:`GrantNotFound` for a grant that is missing, used, lapsed or another worker's.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5; reference 7.2.
        """
        if type(grant) is not ReclaimGrant:
            raise invalid("grant", "a ReclaimGrant")
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        if lane_id is not None:
            checks.lane_id(lane_id)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            try:
                return Reclaimed(self._take(self._begin(), grant, taker, lane_id))
            except ExecutionNotReclaimable as refusal:
                return NotReclaimable(grant.execution_id, refusal.code)
            except InvalidClaimGrant:
                return GrantNotFound(grant.execution_id)
        finally:
            self._lock.release()

    def take(
        self,
        grant: ClaimGrant | ResumeGrant | ReclaimGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
    ) -> Lease:
        """Use a grant of any kind; refusals are exceptions.

        Args: as :meth:`claim_execution`; a resume grant takes no timeout, its attempt has one.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotLeaseable, ExecutionNotReclaimable: it is in another phase.
            InvalidClaimGrant: no such grant for this worker: ``reason``.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5, 9.
        """
        if type(grant) not in KIND_OF:
            raise invalid("grant", "a ClaimGrant, ResumeGrant or ReclaimGrant")
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            return self._take(self._begin(), grant, taker, None)
        finally:
            self._lock.release()

    def _taker(
        self, worker_id: str, worker_instance_id: str, lease_ttl_ms: int, timeout_ms: int | None
    ) -> Taker:
        """Judge who takes a lease, and for how long."""
        if worker_id is not self._last_worker_id:
            self._last_worker_id = checks.identity("worker_id", worker_id)
        if worker_instance_id is not self._last_instance_id:
            self._last_instance_id = checks.identity("worker_instance_id", worker_instance_id)
        if type(lease_ttl_ms) is not int or not 0 < lease_ttl_ms <= self._max_lease_ttl_ms:
            checks.integer("lease_ttl_ms", lease_ttl_ms, 1, self._max_lease_ttl_ms)
        if timeout_ms is not None:
            checks.integer("attempt_timeout_ms", timeout_ms, 1, MAX_TTL_MS)
        return (worker_id, worker_instance_id, lease_ttl_ms, timeout_ms)

    def _take(self, now: int, grant: Grant, taker: Taker, lane_id: str | None) -> Lease:
        """Consume a grant, exactly once."""
        record = self._find(getattr(grant, "execution_id", None))
        if lane_id is not None and lane_id != record.spec.lane_id:
            raise invalid("lane_id", "the lane of the execution")
        claiming.with_grant(record, now, grant, taker[0])
        decide = claiming.reclaim if type(grant) is ReclaimGrant else claiming.claim
        change = decide(record, now, taker, self._ids, self._store.epoch_floor)
        self._commit(change)
        return leased(change)

    # -- holding -------------------------------------------------------------------------------

    def renew_lease(self, lease: Fenced, *, lease_ttl_ms: int) -> Lease:
        """Keep a lease alive until ``now + lease_ttl_ms``, which may be sooner than before.

        The fence stays the same: the lease object of before still completes (I-08).

        Args:
            lease: the lease, or anything with its fence.
            lease_ttl_ms: 1..config.max_lease_ttl_ms milliseconds, from now.

        Raises:
            ExecutionNotFound: no such execution.
            FenceRequired, PartialFenceTriple: parts of the fence are missing.
            ExecutionNotActive: it has ended or waits; the attributes tell whose doing that was.
            LeaseRevoked: you were sent away. LeaseExpired: you are late. StaleLease: you were replaced.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5; reference 5.1.
        """
        fence = lease if type(lease) is Lease else read_fence(lease)
        if type(lease_ttl_ms) is not int or not 0 < lease_ttl_ms <= self._max_lease_ttl_ms:
            checks.integer("lease_ttl_ms", lease_ttl_ms, 1, self._max_lease_ttl_ms)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            now = self._begin()
            if type(fence) is Lease:
                renewed = plain.renew(self, now, fence, lease_ttl_ms)
                if renewed is not None:
                    return renewed
            change = holding.renew(self._held_by(fence), now, fence, lease_ttl_ms)
            self._commit(change)
            return leased(change)
        finally:
            self._lock.release()

    def renew_leases(self, leases: Iterable[Fenced], *, lease_ttl_ms: int) -> tuple[Lease | LeaseLost, ...]:
        """Renew many leases, each fenced by itself, in order; the lock is taken once.

        Args:
            leases: at most 100,000 leases or fences.
            lease_ttl_ms: as for one.

        Returns:
            For each the renewed lease, or :class:`LeaseLost` with the refusal.

        Raises:
            InvalidInput: an argument is malformed, any fence included; nothing is renewed.

        O(leases). SPEC 9.
        """
        fences = _fences(leases)
        ttl = checks.integer("lease_ttl_ms", lease_ttl_ms, 1, self._config.max_lease_ttl_ms)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            now = self._begin()
            return tuple([self._renew_one(now, fence, ttl) for fence in fences])
        finally:
            self._lock.release()

    def _renew_one(self, now: int, fence: Held, ttl: int) -> Lease | LeaseLost:
        try:
            change = holding.renew(self._held_by(fence), now, fence, ttl)
            self._commit(change)
            return leased(change)
        except GrantError as refusal:
            return LeaseLost(named(fence), refusal)

    def update_progress(self, lease: Fenced, *, pct: int | None = None, message: str | None = None) -> None:
        """Tell how far the work is; each part is stored only when given.

        Args:
            lease: the lease, or anything with its fence.
            pct: 0..100.
            message: at most config.max_text_bytes.

        Raises:
            ExecutionNotFound, FenceRequired, PartialFenceTriple, ExecutionNotActive, LeaseRevoked,
                LeaseExpired, StaleLease, InvalidInput: as :meth:`renew_lease`.

        O(1). Reference 5.4.
        """
        fence = read_fence(lease)
        if pct is not None:
            checks.integer("pct", pct, 0, 100)
        message = checks.optional_text("message", message, self._config.max_text_bytes)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            now = self._begin()
            self._commit(holding.progress(self._held_by(fence), now, fence, pct, message))
        finally:
            self._lock.release()

    # -- ending --------------------------------------------------------------------------------

    def complete_execution(self, lease: Fenced, *, result: bytes | None = None) -> Completed:
        """End the execution with success.

        Args:
            lease: the lease, or anything with its fence.
            result: opaque bytes, at most config.max_payload_bytes.

        Raises:
            ExecutionNotFound, FenceRequired, PartialFenceTriple, ExecutionNotActive, LeaseRevoked,
                LeaseExpired, StaleLease, InvalidInput: as :meth:`renew_lease`.

        O(1). SPEC 5; reference 6.1.
        """
        fence = lease if type(lease) is Lease else read_fence(lease)
        if result is not None:
            result = checks.blob("result", result, self._config.max_payload_bytes)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            now = self._begin()
            if result is None and type(fence) is Lease:
                completed = plain.complete(self, now, fence)
                if completed is not None:
                    return completed
            record = self._held_by(fence)
            self._commit(ending.complete(record, now, fence, result))
            return new_completed(record.execution_id)
        finally:
            self._lock.release()

    def fail_execution(
        self, lease: Fenced, *, reason: str, category: str = ""
    ) -> RetryScheduled | TerminalFailed:
        """End the attempt with failure; the policy decides whether there will be another (D-15).

        Args:
            lease: the lease, or anything with its fence.
            reason: free text.
            category: compared with the policy's retryable_categories.

        Raises:
            ExecutionNotFound, FenceRequired, PartialFenceTriple, ExecutionNotActive, LeaseRevoked,
                LeaseExpired, StaleLease, InvalidInput: as :meth:`renew_lease`.

        O(1). SPEC 5, 9; reference 6.2.
        """
        fence = read_fence(lease)
        checks.text("reason", reason, self._config.max_text_bytes)
        checks.text("category", category, self._config.max_text_bytes)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            now = self._begin()
            return self._fail(ending.fail(self._held_by(fence), now, fence, reason, category))
        finally:
            self._lock.release()

    def _fail(self, change: Change, operator: str | None = None) -> RetryScheduled | TerminalFailed:
        """Commit a failure and say what it led to."""
        self._commit(change, operator)
        step, _, record, _, arguments, _ = change
        if step.event is not RetryScheduledEvent:
            return TerminalFailed(record.execution_id)
        delay_until_ms = arguments[2]
        assert type(delay_until_ms) is int
        return RetryScheduled(record.execution_id, delay_until_ms, record.attempt_count)

    def delay_execution(self, lease: Fenced, *, delay_until_ms: int) -> Delayed:
        """Give the work back until later; the same attempt is resumed then, no failure is counted.

        Args:
            lease: the lease, or anything with its fence.
            delay_until_ms: an instant in milliseconds; a past one is due at once.

        Raises:
            ExecutionNotFound, FenceRequired, PartialFenceTriple, ExecutionNotActive, LeaseRevoked,
                LeaseExpired, StaleLease, InvalidInput: as :meth:`renew_lease`.

        O(1). SPEC 5; reference 6.3.
        """
        fence = read_fence(lease)
        checks.instant("delay_until_ms", delay_until_ms)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            now = self._begin()
            self._commit(pausing.delay(self._held_by(fence), now, fence, delay_until_ms))
            return Delayed(named(fence), delay_until_ms)
        finally:
            self._lock.release()

    def release_execution(self, lease: Fenced) -> Delayed:
        """Give the work back now: a delay until this instant. SPEC 5; refusals as :meth:`delay_execution`."""
        fence = read_fence(lease)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            now = self._begin()
            self._commit(pausing.delay(self._held_by(fence), now, fence, now))
            return Delayed(named(fence), now)
        finally:
            self._lock.release()

    def move_to_waiting_children(self, lease: Fenced) -> Moved:
        """Give the work back until :meth:`promote_blocked_to_eligible`; the same attempt is resumed then.

        Raises:
            ExecutionNotFound, FenceRequired, PartialFenceTriple, ExecutionNotActive, LeaseRevoked,
                LeaseExpired, StaleLease, InvalidInput: as :meth:`renew_lease`.

        O(1). SPEC 5; reference 6.4.
        """
        fence = read_fence(lease)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            now = self._begin()
            self._commit(pausing.await_children(self._held_by(fence), now, fence))
            return Moved(named(fence))
        finally:
            self._lock.release()

    def cancel_execution(
        self, execution_id: str, *, reason: str, lease: Fenced | None = None, cancelled_by: str = ""
    ) -> Cancelled:
        """End an execution as cancelled; a live grant is void.

        Args:
            execution_id: the execution.
            reason: free text.
            lease: needed while somebody holds it; the holder of a lapsed lease may give it too.
            cancelled_by: free text.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotActive: it has ended.
            FenceRequired: somebody holds it and no lease was given. PartialFenceTriple: parts are missing.
            LeaseRevoked: you were sent away. StaleLease: the lease is not the last one.
            InvalidInput: an argument is malformed, or the lease names another execution.

        O(1). SPEC 5 (D-09, D-29); reference 6.6.
        """
        checks.execution_id(execution_id)
        checks.text("reason", reason, self._config.max_text_bytes)
        checks.text("cancelled_by", cancelled_by, self._config.max_text_bytes)
        fence = None if lease is None else read_fence(lease)
        if fence is not None and named(fence) != execution_id:
            raise invalid("lease.execution_id", "the execution that is to be cancelled")
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            now = self._begin()
            record = self._find(execution_id)
            return self._cancel(
                record, ending.cancel(record, now, fence, reason, cancelled_by, by_operator=False)
            )
        finally:
            self._lock.release()

    def _cancel(self, record: Execution, change: Change, operator: str | None = None) -> Cancelled:
        previous = record.phase
        assert previous is not None
        self._commit(change, operator)
        return Cancelled(record.execution_id, previous)

    # -- looking -------------------------------------------------------------------------------

    def leases(self, *, worker_instance_id: str | None = None) -> tuple[Lease, ...]:
        """The current leases, of one instance if given, by (expires_at_ms, id).

        Raises:
            InvalidInput: the id is malformed.

        O(k log k) for k leases. SPEC 9.
        """
        if worker_instance_id is not None:
            checks.identity("worker_instance_id", worker_instance_id)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            self._begin()
            holders = self._indexes.holders
            held = holders.all() if worker_instance_id is None else holders.of(worker_instance_id)
            return tuple(lease_of(record) for record in sorted(held, key=_expiry))
        finally:
            self._lock.release()

    def leases_expiring_within(self, ms: int) -> tuple[Lease, ...]:
        """The current leases that end before ``now + ms``, by (expires_at_ms, id).

        Args:
            ms: a duration in milliseconds.

        Raises:
            InvalidInput: ``ms`` is no duration.

        O(deadlines until then). SPEC 9.
        """
        checks.instant("ms", ms)
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            end_ms = min(self._begin() + ms, MAX_MS + 1)
            soon = [
                record
                for record in self._indexes.deadlines.until(end_ms)
                if record.phase is LEASED and gone(record.expires_at_ms, end_ms - 1)
            ]
            return tuple(lease_of(record) for record in sorted(soon, key=_expiry))
        finally:
            self._lock.release()

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
        if self._lock._is_owned() or self._born != processes.generation:
            self._refuse_entry()
        self._lock.acquire()
        try:
            self._begin()
            waiting = (
                loss
                for loss in self._indexes.losses.after(start)
                if as_of_ms is None or gone(loss[0], as_of_ms)
            )
            found = list(islice(waiting, limit + 1))
            entries = tuple(reading.expired_lease_of(record, ended) for ended, _, record in found[:limit])
        finally:
            self._lock.release()
        following = "{}:{}".format(*found[limit - 1][:2]) if len(found) > limit else None
        return ExpiredLeasesPage(entries, following)


def leased(change: Change) -> Lease:
    """The lease a change has told of."""
    lease: Lease = change[4][0]
    return lease


def _expiry(record: Execution) -> tuple[int, str]:
    return (record.expires_at_ms, record.execution_id)


def _sequence(text: str) -> int:
    """Read the second half of a cursor of lost leases."""
    if text.isascii() and text.isdigit() and len(text) <= 16:  # noqa: PLR2004 - digits of 2**53
        return int(text)
    raise invalid("after", "the next of a page")


def _fences(leases: object) -> list[Held]:
    """Read a bounded batch of fences, before anything is written."""
    if isinstance(leases, (str, bytes, Mapping)) or not isinstance(leases, Iterable):
        raise invalid("leases", "an iterable of leases")
    given = cast("Iterable[object]", leases)
    fences: list[Held] = []
    for count, lease in enumerate(given):
        if count == MAX_BATCH:
            raise invalid("leases", f"at most {MAX_BATCH} leases")
        fences.append(read_fence(lease, f"leases[{count}]"))
    return fences
