"""The events alone, folded: every record, built without looking at the engine (I-65).

Written from SPEC 4, 10 and the reference's effects (reference 3 to 10); it shares no code with the rules.
``Book`` hears events and keeps a page for each execution; ``folded.py`` says what those pages should show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from grantcore import AttemptInfo, Lease, LeaseEvent, LeaseKind, Phase
from grantcore import events as E  # noqa: N812 - read often
from grantcore.events import ExecutionEvent
from tests.life.page import HELD, Page


def due_ms(deadline_at_ms: int | None, set_at_ms: int) -> int | None:
    """SPEC 3: an instant already past is due when it is set."""
    return None if deadline_at_ms is None else max(deadline_at_ms, set_at_ms)


class Book:
    """All pages, in the order things happened."""

    def __init__(self, history_limit: int) -> None:
        self.pages: dict[str, Page] = {}
        self.history_limit = history_limit
        self.keys: dict[tuple[str, str], tuple[str, int]] = {}
        self.floor = 0

    def __call__(self, event: ExecutionEvent) -> None:
        """Hear one event."""
        if isinstance(event, E.Created):
            self._create(event)
            return
        page = self.pages[event.execution_id]
        if isinstance(event, E.Purged):
            self.floor = event.epoch_floor
            del self.pages[event.execution_id]
            return
        FOLDS[type(event)](page, event)
        assert event.phase is not None
        if event.voided_grant is not None:
            page.grant = None
        page.phase = event.phase
        if event.phase not in HELD:
            page.lease = None
        del page.history[: -self.history_limit]

    def _create(self, event: E.Created) -> None:
        assert event.phase is not None
        page = Page(
            event,
            event.phase,
            event.priority,
            dict(event.tags),
            event.deadline_at_ms,
            event.at_ms,
            event.at_ms,
        )
        page.deadline_due_ms = due_ms(event.deadline_at_ms, event.at_ms)
        if event.phase is Phase.DELAYED:
            page.delay_until_ms = event.delay_until_ms
        self.pages[event.execution_id] = page
        if event.idempotency_key is not None:
            assert event.key_expires_at_ms is not None
            self.keys[event.namespace, event.idempotency_key] = (event.execution_id, event.key_expires_at_ms)


# -- folds of single events ----------------------------------------------------------------------


def _touch(page: Page, event: ExecutionEvent) -> None:
    page.mutation_ms = event.at_ms


def _move(page: Page, event: ExecutionEvent) -> None:
    page.transition_ms = page.mutation_ms = event.at_ms


def _nothing(_page: Page, _event: ExecutionEvent) -> None:
    """The grant is all that changes."""


def _granted(page: Page, event: E.GrantIssued) -> None:
    page.grant = event.grant


def _mismatched(page: Page, event: E.CapabilityMismatched) -> None:
    page.marks["last_capability_mismatch_at_ms"] = event.at_ms


def _priority(page: Page, event: E.PriorityChanged) -> None:
    assert event.old == page.priority
    page.priority = event.new
    _touch(page, event)


def _tags(page: Page, event: E.TagsChanged) -> None:
    page.tags |= event.tags
    _touch(page, event)


def _blocked(page: Page, event: E.Blocked) -> None:
    page.blocked = (event.reason, event.detail)
    _move(page, event)


def _lifted(page: Page, event: ExecutionEvent) -> None:
    page.blocked = None
    page.delay_until_ms = None
    _move(page, event)


def _note(page: Page, event: ExecutionEvent, what: str, **fields: Any) -> None:
    page.history.append(LeaseEvent(event=what, at_ms=event.at_ms, **fields))


def _hold(page: Page, event: E.LeaseAcquired | E.LeaseReclaimed) -> None:
    lease = event.lease
    page.lease, page.renewed_ms, page.epoch = lease, event.at_ms, lease.lease_epoch
    page.attempt_id = lease.attempt_id
    page.timeout_at_ms, page.rest_ms = event.attempt_timeout_at_ms, None
    page.revoked = page.lost = None
    if page.started_ms is None:
        page.started_ms = event.at_ms
    _move(page, event)


def _acquired(page: Page, event: E.LeaseAcquired) -> None:
    lease = event.lease
    if lease.kind is LeaseKind.RESUMED:
        rest = page.rest_ms
        assert event.attempt_timeout_at_ms == (None if rest is None else event.at_ms + rest)
        _resume(page.attempts[-1], event)
    else:
        _begin(page, lease, **_lineage(page))
        for name in PENDING:
            page.marks.pop(name, None)
    resumed = lease.kind is LeaseKind.RESUMED
    reason = "claim_resumed" if resumed else None
    if event.admission_skipped:
        reason = "issue_grant_and_claim_resumed" if resumed else "issue_grant_and_claim"
    _note(
        page,
        event,
        "acquired",
        lease_id=lease.lease_id,
        lease_epoch=lease.lease_epoch,
        attempt_id=lease.attempt_id,
        attempt_index=lease.attempt_index,
        worker_id=lease.worker_id,
        reason=reason,
    )
    _hold(page, event)


PENDING: Final = (
    "pending_retry_reason",
    "pending_replay_reason",
    "pending_replay_requested_by",
    "pending_previous_attempt_index",
)


def _lineage(page: Page) -> dict[str, Any]:
    """What a new attempt tells of where it comes from."""
    marks = page.marks
    if page.next_attempt == "pending_retry_attempt":
        return {
            "retry_reason": marks.get("pending_retry_reason"),
            "previous_attempt_index": marks.get("pending_previous_attempt_index"),
        }
    if page.next_attempt == "pending_replay_attempt":
        return {
            "replay_reason": marks.get("pending_replay_reason"),
            "replay_requested_by": marks.get("pending_replay_requested_by"),
            "replayed_from_attempt_index": marks.get("pending_previous_attempt_index"),
        }
    return {}


def _begin(page: Page, lease: Lease, **lineage: Any) -> None:
    same = ("execution_id", "attempt_id", "attempt_index", "attempt_type", "lease_id", "lease_epoch")
    page.attempts.append(
        {
            **{name: getattr(lease, name) for name in (*same, "worker_id", "worker_instance_id")},
            "attempt_state": "started",
            "created_at_ms": lease.acquired_at_ms,
            "started_at_ms": lease.acquired_at_ms,
            **lineage,
        }
    )


def _resume(attempt: dict[str, Any], event: E.LeaseAcquired) -> None:
    for name in ("lease_id", "lease_epoch", "worker_id", "worker_instance_id"):
        attempt[name] = getattr(event.lease, name)
    attempt |= {"attempt_state": "started", "resumed_at_ms": event.at_ms}
    attempt |= {"suspended_at_ms": None, "suspension_id": None}


def _reclaimed(page: Page, event: E.LeaseReclaimed) -> None:
    why = "lease_expired" if page.phase is Phase.LEASE_EXPIRED else "lease_revoked"
    _close(page, event, "interrupted_reclaimed", why)
    _note(
        page,
        event,
        "reclaimed",
        old_lease_epoch=page.epoch,
        new_lease_id=event.lease.lease_id,
        new_lease_epoch=event.lease.lease_epoch,
        new_attempt_id=event.lease.attempt_id,
        new_attempt_index=event.lease.attempt_index,
        worker_id=event.lease.worker_id,
    )
    _begin(page, event.lease, reclaim_reason=why, previous_attempt_index=len(page.attempts) - 1)
    page.reclaims += 1
    _hold(page, event)


def _renewed(page: Page, event: E.LeaseRenewed) -> None:
    page.lease, page.renewed_ms = event.lease, event.at_ms
    _touch(page, event)


def _progress(page: Page, event: E.ProgressReported) -> None:
    given = {"progress_pct": event.pct, "progress_message": event.message}
    page.marks |= {name: value for name, value in given.items() if value is not None}
    page.marks["progress_updated_at_ms"] = event.at_ms
    _touch(page, event)


def _lost(page: Page, event: E.LeaseLapsed | E.LeaseRevoked) -> None:
    reason = event.reason if isinstance(event, E.LeaseRevoked) else None
    names = ("lease_id", "lease_epoch", "attempt_id", "attempt_index", "worker_id", "worker_instance_id")
    fields = {name: getattr(event.lease, name) for name in names}
    what = "expired" if reason is None else "revoked"
    _note(page, event, what, **fields, reason=reason or None)
    page.lost = (event.at_ms, event.sequence)
    if reason is not None:
        page.revoked = (event.at_ms, reason)
    _touch(page, event)


# -- folds of ends -------------------------------------------------------------------------------


def _close(
    page: Page, event: ExecutionEvent, state: str, reason: str | None = None, category: str | None = None
) -> None:
    """End the attempt; the event must tell the same (SPEC 10)."""
    page.attempts[-1] |= {"attempt_state": state, "ended_at_ms": event.at_ms}
    page.attempts[-1] |= {"failure_reason": reason or None, "failure_category": category or None}
    assert event.closed_attempt == AttemptInfo(**page.attempts[-1])


def _released(page: Page, event: ExecutionEvent, reason: str, *, with_attempt: bool = False) -> None:
    lease = event.released_lease
    assert lease is not None
    assert page.lease == lease
    _note(
        page,
        event,
        "released",
        lease_id=lease.lease_id,
        lease_epoch=lease.lease_epoch,
        attempt_id=lease.attempt_id if with_attempt else None,
        attempt_index=lease.attempt_index,
        reason=reason,
    )


def _end(page: Page, event: ExecutionEvent) -> None:
    page.blocked = page.suspended = None
    page.completed_ms = event.at_ms
    _move(page, event)


def _completed(page: Page, event: E.Completed) -> None:
    page.result = event.result
    _released(page, event, "completed")
    _close(page, event, "ended_success")
    _end(page, event)


def _retry(page: Page, event: E.RetryScheduled | E.AttemptTimedOut) -> None:
    _released(page, event, "failed_retry_scheduled")
    _close(page, event, "ended_failure", event.reason, event.category)
    page.retries += 1
    page.attempt_id = None
    page.next_attempt = "pending_retry_attempt"
    page.delay_until_ms = event.delay_until_ms
    page.marks["failure_reason"] = page.marks["pending_retry_reason"] = event.reason or None
    page.marks["pending_previous_attempt_index"] = len(page.attempts) - 1
    _move(page, event)


def _failed(page: Page, event: E.Failed) -> None:
    _released(page, event, "failed_terminal")
    _close(page, event, "ended_failure", event.reason, event.category)
    page.marks["failure_reason"] = event.reason or None
    _end(page, event)


def _timed_out(page: Page, event: E.AttemptTimedOut) -> None:
    if event.delay_until_ms is not None:
        _retry(page, event)
        return
    _expire(page, event, event.reason)


def _deadline(page: Page, event: E.DeadlinePassed) -> None:
    _expire(page, event, "execution_deadline")


def _expire(page: Page, event: ExecutionEvent, reason: str) -> None:
    if page.phase in HELD:
        _released(page, event, f"expired:{reason}")
    if page.phase in HELD or page.phase is Phase.SUSPENDED:
        _close(page, event, "ended_failure", reason)
    page.marks["failure_reason"] = reason
    _end(page, event)


def _capped(page: Page, event: E.ReclaimCapReached) -> None:
    assert event.reclaim_count == page.reclaims
    _close(page, event, "ended_failure", "max_reclaims_exceeded")
    page.marks["failure_reason"] = "max_reclaims_exceeded"
    _end(page, event)


def _cancelled(page: Page, event: E.Cancelled) -> None:
    assert event.previous_phase is page.phase
    if page.phase in HELD:
        _released(page, event, "cancelled")
    if page.phase in HELD or page.phase is Phase.SUSPENDED:
        _close(page, event, "ended_cancelled", f"cancelled: {event.reason}")
    page.marks["cancellation_reason"] = event.reason or None
    page.marks["cancelled_by"] = event.cancelled_by or None
    _end(page, event)


def _paused(page: Page, event: E.Delayed | E.ChildrenAwaited) -> None:
    delayed = isinstance(event, E.Delayed)
    why = "worker_delay" if delayed else "waiting_children"
    _released(page, event, why, with_attempt=True)
    page.attempts[-1] |= {
        "attempt_state": "suspended",
        "suspended_at_ms": event.at_ms,
        "suspension_id": why,
    }
    if isinstance(event, E.Delayed):
        page.delay_until_ms = event.delay_until_ms
    else:
        page.blocked = ("waiting_for_children", "waiting for child executions to complete")
    _keep_rest(page, event)
    page.next_attempt = "attempt_interrupted"
    _move(page, event)


def _suspended(page: Page, event: E.Suspended) -> None:
    _released(page, event, "suspend", with_attempt=True)
    page.attempts[-1] |= {
        "attempt_state": "suspended",
        "suspended_at_ms": event.at_ms,
        "suspension_id": event.suspension_id,
    }
    why = BLOCKING.get(event.reason_code, "waiting_for_signal")
    page.blocked = (why, f"suspended: awaiting {event.reason_code}")
    page.suspended = (event.suspension_id, due_ms(event.timeout_at_ms, event.at_ms))
    _keep_rest(page, event)
    page.next_attempt = "attempt_interrupted"
    page.timeout = event
    _move(page, event)


BLOCKING: Final = {
    **{name: name for name in ("waiting_for_signal", "waiting_for_approval", "waiting_for_callback")},
    **{name: name for name in ("waiting_for_tool_result", "paused_by_policy")},
    **dict.fromkeys(("waiting_for_operator_review", "manual_pause"), "paused_by_operator"),
    "paused_by_budget": "waiting_for_budget",
}
"""Reference 11.2."""


def _resumed(page: Page, event: E.Resumed) -> None:
    page.suspended = page.blocked = None
    if event.phase is Phase.DELAYED:
        page.delay_until_ms = event.delay_until_ms
        page.blocked = ("waiting_for_resume_delay", f"delayed until {event.delay_until_ms}")
    _move(page, event)


def _suspension_over(page: Page, event: E.SuspensionTimedOut) -> None:
    """Reference 11.7."""
    assert page.timeout is not None
    assert page.suspended is not None
    assert event.at_ms == page.suspended[1]
    assert event.timeout_behavior == page.timeout.timeout_behavior
    if event.phase is Phase.SUSPENDED:
        detail = f"suspension escalated: timeout at {page.timeout.timeout_at_ms}"
        page.blocked = ("paused_by_operator", detail)
        page.suspended = (page.suspended[0], None)
        _move(page, event)
    elif event.phase is Phase.ELIGIBLE:
        page.suspended = page.blocked = None
        _move(page, event)
    else:
        reason = f"suspension_timeout:{event.timeout_behavior}"
        page.attempts[-1] |= {"suspended_at_ms": None, "suspension_id": None}
        state = "ended_cancelled" if event.phase is Phase.CANCELLED else "ended_failure"
        _close(page, event, state, reason)
        page.marks["failure_reason"] = reason
        _end(page, event)


def _keep_rest(page: Page, event: E.Delayed | E.ChildrenAwaited | E.Suspended) -> None:
    """SPEC 5: the attempt's clock stops and keeps the rest, at least a millisecond."""
    ends = page.timeout_at_ms
    assert event.attempt_rest_ms == (None if ends is None else max(ends - event.at_ms, 1))
    page.rest_ms = event.attempt_rest_ms


def _replayed(page: Page, event: E.Replayed) -> None:
    page.retries = page.reclaims = 0
    page.replays += 1
    page.result = page.started_ms = page.completed_ms = page.delay_until_ms = None
    page.deadline_at_ms = event.deadline_at_ms
    page.deadline_due_ms = due_ms(event.deadline_at_ms, event.at_ms)
    kept = page.marks.get("last_capability_mismatch_at_ms")
    page.marks = {
        "last_capability_mismatch_at_ms": kept,
        "pending_replay_reason": event.reason or None,
        "pending_replay_requested_by": event.requested_by or None,
        "pending_previous_attempt_index": len(page.attempts) - 1 if page.attempts else None,
    }
    page.next_attempt = "pending_replay_attempt"
    _note(
        page,
        event,
        "replay_initiated",
        replay_count=page.replays,
        replay_type="normal",
        reason=event.reason or None,
        requested_by=event.requested_by or None,
    )
    _move(page, event)


FOLDS: Final[Mapping[type[ExecutionEvent], Callable[[Page, Any], None]]] = {
    E.BecameDue: _lifted,
    E.PriorityChanged: _priority,
    E.TagsChanged: _tags,
    E.Blocked: _blocked,
    E.Unblocked: _lifted,
    E.ChildrenDone: _lifted,
    E.GrantIssued: _granted,
    E.GrantLapsed: _nothing,
    E.GrantWithdrawn: _nothing,
    E.CapabilityMismatched: _mismatched,
    E.LeaseAcquired: _acquired,
    E.LeaseReclaimed: _reclaimed,
    E.LeaseRenewed: _renewed,
    E.ProgressReported: _progress,
    E.LeaseLapsed: _lost,
    E.LeaseRevoked: _lost,
    E.Completed: _completed,
    E.RetryScheduled: _retry,
    E.Failed: _failed,
    E.Delayed: _paused,
    E.ChildrenAwaited: _paused,
    E.Suspended: _suspended,
    E.Resumed: _resumed,
    E.SuspensionTimedOut: _suspension_over,
    E.AttemptTimedOut: _timed_out,
    E.ReclaimCapReached: _capped,
    E.Cancelled: _cancelled,
    E.DeadlinePassed: _deadline,
    E.Replayed: _replayed,
}
