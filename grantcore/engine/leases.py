"""Public calls about leases that somebody holds: keeping and ending them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, cast

from grantcore.engine import runs
from grantcore.engine.taking import Claims, leased
from grantcore.model import checks
from grantcore.model.errors import GrantError, InvariantBroken, invalid
from grantcore.model.events import RetryScheduled as RetryScheduledEvent
from grantcore.model.leases import Fenced, Held, Lease, named, read_fence
from grantcore.model.outcomes import (
    Cancelled,
    Completed,
    Delayed,
    LeaseLost,
    Moved,
    RetryScheduled,
    TerminalFailed,
)
from grantcore.model.records import Execution
from grantcore.rules import ending, holding, pausing
from grantcore.rules.change import Change

MAX_BATCH: Final = 100_000


class Leases(Claims):
    """Leases: who may work on an execution right now."""

    # -- holding -------------------------------------------------------------------------------

    def _renew(self, fence: Held, ttl: int) -> Lease:
        """Renew a lease that is named by its fence."""
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry(2)
        lock.acquire()
        try:
            return self._renew_now(self._begin(), fence, ttl)
        finally:
            lock.release()

    def _renew_now(self, now: int, fence: Held, ttl: int) -> Lease:
        """Renew a lease, the general way."""
        change = holding.renew(self._held_by(fence), now, fence, ttl)
        self._commit(change)
        return leased(change)

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
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            answers: list[Lease | LeaseLost] = []
            rest = iter(fences)
            while (fence := runs.renew(self, ttl, now, rest, answers)) is not None:
                answers.append(self._renew_one(now, cast("Held", fence), ttl))
            return tuple(answers)
        finally:
            lock.release()

    def _renew_one(self, now: int, fence: Held, ttl: int) -> Lease | LeaseLost:
        try:
            return self._renew_now(now, fence, ttl)
        except InvariantBroken:
            raise
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
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            self._commit(holding.progress(self._held_by(fence), now, fence, pct, message))
        finally:
            lock.release()

    # -- ending --------------------------------------------------------------------------------

    def _complete(self, lease: Fenced, result: bytes | None) -> Completed:
        """Complete an execution with a result, or by a bare fence."""
        fence = read_fence(lease)
        if result is not None:
            result = checks.blob("result", result, self._config.max_payload_bytes)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry(2)
        lock.acquire()
        try:
            return self._complete_now(self._begin(), fence, result)
        finally:
            lock.release()

    def _complete_now(self, now: int, fence: Held, result: bytes | None) -> Completed:
        """Complete an execution, the general way."""
        record = self._held_by(fence)
        self._commit(ending.complete(record, now, fence, result))
        return Completed(record.execution_id)

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
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            return self._fail(ending.fail(self._held_by(fence), now, fence, reason, category))
        finally:
            lock.release()

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
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            self._commit(pausing.delay(self._held_by(fence), now, fence, delay_until_ms))
            return Delayed(named(fence), delay_until_ms)
        finally:
            lock.release()

    def release_execution(self, lease: Fenced) -> Delayed:
        """Give the work back now: a delay until this instant. SPEC 5; refusals as :meth:`delay_execution`."""
        fence = read_fence(lease)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            self._commit(pausing.delay(self._held_by(fence), now, fence, now))
            return Delayed(named(fence), now)
        finally:
            lock.release()

    def move_to_waiting_children(self, lease: Fenced) -> Moved:
        """Give the work back until :meth:`promote_blocked_to_eligible`; the same attempt is resumed then.

        Raises:
            ExecutionNotFound, FenceRequired, PartialFenceTriple, ExecutionNotActive, LeaseRevoked,
                LeaseExpired, StaleLease, InvalidInput: as :meth:`renew_lease`.

        O(1). SPEC 5; reference 6.4.
        """
        fence = read_fence(lease)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            self._commit(pausing.await_children(self._held_by(fence), now, fence))
            return Moved(named(fence))
        finally:
            lock.release()

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
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            record = self._find(execution_id)
            return self._cancel(
                record, ending.cancel(record, now, fence, reason, cancelled_by, by_operator=False)
            )
        finally:
            lock.release()

    def _cancel(self, record: Execution, change: Change, operator: str | None = None) -> Cancelled:
        previous = record.phase
        assert previous is not None
        self._commit(change, operator)
        return Cancelled(record.execution_id, previous)


def _fences(leases: object) -> list[Held]:
    """Read a bounded batch of fences, before anything is written."""
    if isinstance(leases, (str, bytes, Mapping)) or not isinstance(leases, Iterable):
        raise invalid("leases", "an iterable of leases")
    given = cast("Iterable[object]", leases)
    fences: list[Held] = []
    for count, lease in enumerate(given):
        if count == MAX_BATCH:
            raise invalid("leases", f"at most {MAX_BATCH} leases")
        if type(lease) is Lease and hasattr(lease, "tenure"):
            fences.append(lease)
        else:
            fences.append(read_fence(lease, f"leases[{count}]"))
    return fences
