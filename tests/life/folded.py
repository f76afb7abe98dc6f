"""What the folded book says the engine must show (I-65), and the comparison with what it shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from grantcore import (
    AttemptInfo,
    ExecutionSnapshot,
    ExpiredLease,
    GrantEngine,
    Lease,
    Phase,
    Scheduler,
)
from grantcore.model.ids import partition_index
from tests.life.fold import Book
from tests.life.page import ENDED, HELD, Page
from tests.life.plain import plain

ORDERS: Final = {
    "waiting_for_budget": ("blocked_by_budget", "rate_limited"),
    "waiting_for_quota": ("blocked_by_quota", "rate_limited"),
    "waiting_for_capable_worker": ("blocked_by_route", "waiting"),
    "paused_by_operator": ("blocked_by_operator", "waiting"),
    "paused_by_policy": ("blocked_by_lane_state", "waiting"),
}


# -- comparing -----------------------------------------------------------------------------------


def differences(book: Book, engine: GrantEngine, retention_ms: int | None) -> Iterator[str]:
    """Everything in which the engine shows something else than the events tell."""
    shown = {entry.execution_id for entry in engine.list_executions(limit=100_000).entries}
    if shown != set(book.pages):
        yield f"there are {sorted(shown)}, not {sorted(book.pages)}"
        return
    pairs = list(_of_the_whole(engine, book, retention_ms))
    for execution_id, page in book.pages.items():
        pairs += _of_one(engine, execution_id, page)
    for what, wanted, got in pairs:
        if plain(wanted) != plain(got):
            yield f"{what}: folded {wanted!r}, shown {got!r}"


Pair = tuple[str, object, object]


def _of_one(engine: GrantEngine, execution_id: str, page: Page) -> Iterator[Pair]:
    """What was folded and what is shown of one execution, thing by thing."""
    folded, shown = snapshot_of(page), engine.describe_execution(execution_id)
    for field in attrs.fields(ExecutionSnapshot):
        yield f"{execution_id}.{field.name}", folded[field.name], getattr(shown, field.name)
    attempts = tuple(AttemptInfo(**attempt) for attempt in page.attempts)
    yield f"{execution_id}.grant", page.grant, engine.describe_grant(execution_id)
    yield f"{execution_id}.attempts", attempts, engine.attempts(execution_id)
    yield f"{execution_id}.payload", page.created.payload, engine.read_payload(execution_id)
    yield f"{execution_id}.result", page.result, engine.read_result(execution_id)
    yield f"{execution_id}.history", tuple(page.history), engine.lease_history(execution_id)


def _of_the_whole(engine: GrantEngine, book: Book, retention_ms: int | None) -> Iterator[Pair]:
    """What is answered from indexes (I-20, I-34, I-36): queues, pages, deadlines, counts."""
    pages = book.pages.values()
    everything = [page.created.execution_id for page in sorted(pages, key=_age)]
    yield "list", everything, [entry.execution_id for entry in engine.list_executions(limit=100_000).entries]
    yield "next deadline", next_deadline_ms(pages, retention_ms), engine.next_deadline_ms()
    leases = [page.lease for page in pages if page.phase is Phase.LEASED and page.lease is not None]
    leases.sort(key=lambda lease: (lease.expires_at_ms, lease.execution_id))
    yield "leases", leases, list(engine.leases())
    for instance in {lease.worker_instance_id for lease in leases}:
        mine = [lease for lease in leases if lease.worker_instance_id == instance]
        yield f"leases of {instance}", mine, list(engine.leases(worker_instance_id=instance))
    yield "lost", lost_leases(pages), list(engine.list_expired_leases(limit=100_000).entries)
    yield from _queues(engine, book)


def _queues(engine: GrantEngine, book: Book) -> Iterator[Pair]:
    """Who would be offered what: every lane, every set of tokens."""
    pages = book.pages.values()
    tokens = sorted({token for page in pages for token in page.created.required_capabilities})
    for lane in {page.created.lane_id for page in pages}:
        for n in range(2 ** len(tokens)):
            has = [token for i, token in enumerate(tokens) if n >> i & 1]
            yield f"queue of {lane} for {has}", queue(pages, lane, has), Scheduler(engine).peek(lane, has)


def _age(page: Page) -> tuple[int, str]:
    return (page.created.at_ms, page.created.execution_id)


def queue(pages: Iterable[Page], lane: str, has: Iterable[str]) -> list[str]:
    """Priority high first, then creation, then id; granted ones are not offered (I-20, I-36)."""
    able = frozenset(has)
    waiting = [
        page
        for page in pages
        if page.phase is Phase.ELIGIBLE
        and page.grant is None
        and page.created.lane_id == lane
        and able.issuperset(page.created.required_capabilities)
    ]
    return [
        page.created.execution_id for page in sorted(waiting, key=lambda page: (-page.priority, _age(page)))
    ]


def lost_leases(pages: Iterable[Page]) -> list[ExpiredLease]:
    """By the instant at which they ended, then by the event that told it."""
    lost = [page for page in pages if page.phase in (Phase.LEASE_EXPIRED, Phase.LEASE_REVOKED)]
    return [_expired(page) for page in sorted(lost, key=lambda page: page.lost or (0, 0))]


def _expired(page: Page) -> ExpiredLease:
    assert page.lease is not None
    assert page.lost is not None
    return ExpiredLease(
        page.created.execution_id,
        page.created.lane_id,
        page.created.required_capabilities,
        page.lease,
        "expired" if page.phase is Phase.LEASE_EXPIRED else "revoked",
        page.lost[0],
    )


def next_deadline_ms(pages: Iterable[Page], retention_ms: int | None) -> int | None:
    """SPEC 3: the earliest instant at which something changes if no call comes."""
    return min((at_ms for page in pages for at_ms in _deadlines(page, retention_ms)), default=None)


def _deadlines(page: Page, retention_ms: int | None) -> list[int]:
    if page.phase in ENDED:
        assert page.completed_ms is not None
        return [] if retention_ms is None else [page.completed_ms + retention_ms]
    pending = [page.deadline_due_ms]
    if page.grant is not None:
        pending.append(page.grant.expires_at_ms)
    if page.phase is Phase.DELAYED:
        assert page.delay_until_ms is not None
        pending.append(max(page.delay_until_ms, page.transition_ms))
    if page.phase is Phase.SUSPENDED and page.suspended is not None:
        pending.append(page.suspended[1])
    if page.phase in HELD:
        pending.append(page.timeout_at_ms)
    if page.phase is Phase.LEASED and page.lease is not None:
        pending.append(page.lease.expires_at_ms)
    return [at_ms for at_ms in pending if at_ms is not None]


# -- what is shown -------------------------------------------------------------------------------


def _vector(page: Page) -> tuple[str, str, str, str, str, str]:
    """lifecycle, ownership, eligibility, blocking_reason, outcome, public_state (reference 1.2)."""
    phase = page.phase
    if phase is Phase.BLOCKED:
        assert page.blocked is not None
        reason = page.blocked[0]
        children = ("blocked_by_dependencies", "waiting_children")
        eligibility, public = children if reason == "waiting_for_children" else ORDERS[reason]
        return ("runnable", "unowned", eligibility, reason, "none", public)
    if phase is Phase.DELAYED:
        retry = page.next_attempt == "pending_retry_attempt"
        why = "waiting_for_retry_backoff" if retry else "waiting_for_delay"
        why = page.blocked[0] if page.blocked else why
        return ("runnable", "unowned", "not_eligible_until_time", why, "none", "delayed")
    if phase is Phase.SUSPENDED:
        assert page.blocked is not None
        return ("suspended", "unowned", "not_applicable", page.blocked[0], "none", "suspended")
    if phase in ENDED:
        outcome = "success" if phase is Phase.SUCCEEDED else phase.value
        public = "completed" if phase is Phase.SUCCEEDED else phase.value
        return ("terminal", "unowned", "not_applicable", "none", outcome, public)
    if phase is Phase.ELIGIBLE:
        return ("runnable", "unowned", "eligible_now", "waiting_for_worker", "none", "waiting")
    owner = "lease_expired_reclaimable" if phase is Phase.LEASE_EXPIRED else phase.value
    why = "none" if phase is Phase.LEASED else "waiting_for_worker"
    return ("active", owner, "not_applicable", why, "none", "active")


def _attempt_state(page: Page) -> str:
    if page.phase in ENDED and page.attempts:
        return "attempt_terminal"
    if page.phase in HELD:
        return "running_attempt" if page.phase is Phase.LEASED else "attempt_interrupted"
    return page.next_attempt


def _detail(page: Page) -> str | None:
    if page.phase in (Phase.BLOCKED, Phase.SUSPENDED):
        return page.blocked[1] or None if page.blocked else None
    if page.phase is Phase.LEASE_EXPIRED:
        return "lease expired, awaiting reclaim"
    if page.phase is Phase.LEASE_REVOKED:
        return f"lease revoked: {page.revoked[1] if page.revoked else ''}"
    if page.phase is not Phase.DELAYED:
        return None
    if page.next_attempt != "pending_retry_attempt":
        return f"delayed until {page.delay_until_ms}"
    index, why = page.marks["pending_previous_attempt_index"], page.marks["pending_retry_reason"] or ""
    return f"retry backoff until {page.delay_until_ms} (attempt {index} failed: {why})"


def snapshot_of(page: Page) -> dict[str, Any]:
    """Every field of the snapshot."""
    created, lease = page.created, page.lease
    lifecycle, owner, eligibility, reason, outcome, public = _vector(page)
    fields: dict[str, Any] = dict.fromkeys(field.name for field in attrs.fields(ExecutionSnapshot))
    same = ("execution_id", "namespace", "lane_id", "execution_kind", "creator_identity")
    fields |= {name: getattr(created, name) for name in (*same, "required_capabilities")}
    fields |= {"quota_policy_id": created.quota_policy_id, "budget_ids": created.budget_ids}
    fields |= {"partition_id": partition_index(created.execution_id), "current_lane": created.lane_id}
    fields |= {"priority": page.priority, "tags": page.tags, "phase": page.phase}
    fields |= {"lifecycle_phase": lifecycle, "ownership_state": owner, "eligibility_state": eligibility}
    fields |= {"blocking_reason": reason, "terminal_outcome": outcome, "public_state": public}
    fields |= {"blocking_detail": _detail(page), "attempt_state": _attempt_state(page)}
    fields |= {"total_attempt_count": len(page.attempts), "retry_count": page.retries}
    fields |= {"replay_count": page.replays, "lease_reclaim_count": page.reclaims}
    fields |= {"current_attempt_index": len(page.attempts) - 1 if page.attempts else None}
    fields |= {"current_attempt_id": page.attempt_id, "current_lease_epoch": page.epoch}
    fields |= {"created_at_ms": created.at_ms, "started_at_ms": page.started_ms}
    fields |= {"completed_at_ms": page.completed_ms, "delay_until_ms": page.delay_until_ms}
    fields |= {"last_transition_at_ms": page.transition_ms, "last_mutation_at_ms": page.mutation_ms}
    fields |= {"deadline_at_ms": page.deadline_at_ms, **page.marks}
    fields |= {"current_suspension_id": page.suspended[0] if page.suspended else None}
    return fields | (_lease_fields(page, lease) if lease is not None else {})


def _lease_fields(page: Page, lease: Lease) -> dict[str, Any]:
    revoked_at_ms, why = page.revoked or (None, None)
    return {
        "current_lease_id": lease.lease_id,
        "current_worker_id": lease.worker_id,
        "current_worker_instance_id": lease.worker_instance_id,
        "lease_acquired_at_ms": lease.acquired_at_ms,
        "lease_expires_at_ms": lease.expires_at_ms,
        "lease_last_renewed_at_ms": page.renewed_ms,
        "lease_renewal_deadline_ms": lease.renewal_deadline_ms,
        "lease_expired_at_ms": lease.expires_at_ms if page.phase is Phase.LEASE_EXPIRED else None,
        "lease_revoked_at_ms": revoked_at_ms,
        "lease_revoke_reason": why or None,
    }
