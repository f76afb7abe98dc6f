"""Chapter 12: waiting for something outside (SPEC 5; reference 11.2, 11.6; D-19)."""

from __future__ import annotations

from grantcore import ExecutionNotSuspended, Fenced, Phase, Resumed, Suspended
from grantcore.testing.model import forms
from grantcore.testing.model.endings import BEHAVIORS
from grantcore.testing.model.holding import Holding

REASONS = {
    "waiting_for_approval": "waiting_for_approval",
    "waiting_for_callback": "waiting_for_callback",
    "waiting_for_tool_result": "waiting_for_tool_result",
    "paused_by_policy": "paused_by_policy",
    "waiting_for_operator_review": "paused_by_operator",
    "manual_pause": "paused_by_operator",
    "paused_by_budget": "waiting_for_budget",
}
"""By reason code; anything else is waiting_for_signal."""


class Suspending(Holding):
    """Suspended executions."""

    def suspend_execution(
        self,
        lease: Fenced,
        *,
        reason_code: str,
        timeout_at_ms: int | None = None,
        timeout_behavior: str = "fail",
    ) -> Suspended:
        """Give the work back until somebody resumes it, or a timeout does what it says."""
        fence = forms.fence(lease)
        forms.text("reason_code", reason_code, self._config.max_text_bytes)
        forms.optional_instant("timeout_at_ms", timeout_at_ms)
        if type(timeout_behavior) is not str or timeout_behavior not in BEHAVIORS:
            raise forms.refused("timeout_behavior", f"one of {', '.join(BEHAVIORS)}")
        now = self._enter()
        execution = self._held(fence)
        suspension_id = self._ids.suspension_id()
        self._pause_attempt(execution, now, suspension_id, "suspend")
        execution.blocked_for = REASONS.get(reason_code, "waiting_for_signal")
        execution.blocked_detail = f"suspended: awaiting {reason_code}"
        execution.suspension_id = suspension_id
        execution.suspension_behavior = timeout_behavior
        execution.suspension_timeout_at_ms = timeout_at_ms
        execution.suspension_due_ms = None if timeout_at_ms is None else max(timeout_at_ms, now)
        self._move(execution, Phase.SUSPENDED, now)
        self._tell("Suspended", execution.execution_id, now)
        return Suspended(execution.execution_id, suspension_id)

    def resume_execution(
        self, execution_id: str, *, trigger: str = "signal", resume_delay_ms: int = 0
    ) -> Resumed:
        """It may go on, now or after a delay; its timeout is void."""
        forms.text("trigger", trigger, self._config.max_text_bytes)
        forms.instant("resume_delay_ms", resume_delay_ms)
        now = self._enter()
        execution = self._find(execution_id)
        if execution.phase is not Phase.SUSPENDED:
            raise ExecutionNotSuspended
        until_ms = forms.instant("resume_delay_ms", now + resume_delay_ms)
        self._end_suspension(execution)
        if resume_delay_ms:
            self._delay(execution, now, until_ms, "waiting_for_resume_delay")
        else:
            self._move(execution, Phase.ELIGIBLE, now)
        self._tell("Resumed", execution_id, now)
        return Resumed(execution_id, "delayed" if resume_delay_ms else "waiting")
