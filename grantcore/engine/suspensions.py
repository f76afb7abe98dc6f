"""Public calls about suspension: waiting for something that the host knows of (SPEC 5)."""

from __future__ import annotations

from grantcore.engine.core import Core
from grantcore.model import checks
from grantcore.model.leases import Fenced, read_fence
from grantcore.model.outcomes import Resumed, Suspended
from grantcore.model.time import MAX_MS
from grantcore.rules import suspending


class Suspensions(Core):
    """Interrupting an attempt until somebody says that it may go on."""

    def suspend_execution(
        self,
        lease: Fenced,
        *,
        reason_code: str,
        timeout_at_ms: int | None = None,
        timeout_behavior: str = "fail",
    ) -> Suspended:
        """Give the work back until :meth:`resume_execution`; the same attempt is resumed then.

        Its clock stands still meanwhile. What ``timeout_behavior`` says happens at ``timeout_at_ms``:
        fail, cancel and expire end the execution; auto_resume, and auto_resume_with_timeout_signal alike,
        resume it; escalate leaves it suspended, with no timeout, for an operator.

        Args:
            lease: the lease, or anything with its fence.
            reason_code: what it waits for, any text; decides blocking_reason, stands in blocking_detail.
            timeout_at_ms: an instant in milliseconds; a past one is due at once. None: no timeout.
            timeout_behavior: what the timeout does.

        Raises:
            ExecutionNotFound: no such execution.
            FenceRequired, PartialFenceTriple: parts of the fence are missing.
            ExecutionNotActive: it has ended or waits; the attributes tell whose doing that was.
            LeaseRevoked: you were sent away. LeaseExpired: you are late. StaleLease: you were replaced.
            InvalidInput: an argument is malformed.

        O(attempts). SPEC 5 (D-19); reference 11.2, 11.7.
        """
        fence = read_fence(lease)
        checks.text("reason_code", reason_code, self._config.max_text_bytes)
        checks.optional_instant("timeout_at_ms", timeout_at_ms)
        checks.choice("timeout_behavior", timeout_behavior, suspending.BEHAVIORS)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            record = self._held_by(fence)
            change = suspending.suspend(
                record, now, fence, self._ids, reason_code, timeout_at_ms, timeout_behavior
            )
            self._commit(change)
            suspension_id: str = change[4][0]
            return Suspended(record.execution_id, suspension_id)
        finally:
            lock.release()

    def resume_execution(
        self, execution_id: str, *, trigger: str = "signal", resume_delay_ms: int = 0
    ) -> Resumed:
        """Let a suspended execution go on: its next grant is a resume grant. Its timeout is void.

        Args:
            execution_id: the execution.
            trigger: what it was, any text; kept in the event only.
            resume_delay_ms: in milliseconds from now; until then it is DELAYED (D-19).

        Returns:
            :class:`Resumed` with public_state waiting or delayed.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotSuspended: it is in another phase.
            InvalidInput: an argument is malformed.

        O(log n) for the old place in the queue. SPEC 5 (D-19); reference 11.6.
        """
        checks.text("trigger", trigger, self._config.max_text_bytes)
        checks.integer("resume_delay_ms", resume_delay_ms, 0, MAX_MS)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            record = self._find(execution_id)
            self._commit(suspending.resume(record, now, trigger, resume_delay_ms))
            return Resumed(record.execution_id, "delayed" if resume_delay_ms else "waiting")
        finally:
            lock.release()
