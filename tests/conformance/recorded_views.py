"""Works out, from the trace alone, what the engine's own views must answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.conformance.trace_reader import Record, Step

Shelf = tuple[str, tuple[str, ...]]

LOST: Final = {
    "lease_expired_reclaimable": ("lease_expired_at", "expired"),
    "lease_revoked": ("lease_revoked_at", "revoked"),
}
DEADLINES: Final = ("delayed", "attempt_timeout", "execution_deadline", "suspension_timeout")


def views_in(step: Step, shelves: list[Shelf]) -> dict[str, object]:
    """Give the expected answers of ``observing.views_of``."""
    return {
        "leases": [execution_id for _, execution_id in sorted(_leases(step))],
        "lost": sorted(_lost(step)),
        "next_deadline_ms": min(_deadlines(step), default=None),
        "next": {shelf: list(_waiting(step, shelf)) for shelf in shelves},
        "listed": sorted(step.states, key=lambda eid: (step.states[eid]["core"]["created_at"], eid)),
    }


def shelves_in(step: Step) -> list[Shelf]:
    """List the lanes with something waiting, each with every set that somebody there requires."""
    return sorted(
        {
            (name.partition(":")[2], required)
            for name, members in step.indexes.items()
            if name.startswith("eligible:")
            for execution_id in members
            for required in (_required(step, execution_id), ())
        }
    )


def _waiting(step: Step, shelf: Shelf) -> Iterator[str]:
    """Name who is offered to a worker that has these tokens, in order; a granted one is not."""
    lane_id, tokens = shelf
    members = step.indexes.get(f"eligible:{lane_id}", {})
    for execution_id in sorted(members, key=lambda eid: (members[eid], eid)):
        if set(_required(step, execution_id)) <= set(tokens) and _live_grant(step, execution_id) is None:
            yield execution_id


def _required(step: Step, execution_id: str) -> tuple[str, ...]:
    required: str = step.states[execution_id]["core"].get("required_capabilities") or ""
    return tuple(required.split(",")) if required else ()


def _live_grant(step: Step, execution_id: str) -> Record | None:
    grant: Record | None = step.states[execution_id].get("grant")
    return grant if grant and step.now_ms < grant["grant_expires_at"] else None


def _leases(step: Step) -> Iterator[tuple[int, str]]:
    for execution_id, expires_at_ms in step.indexes.get("lease_expiry", {}).items():
        if execution_id not in step.unleased and expires_at_ms is not None:
            yield expires_at_ms, execution_id


def _lost(step: Step) -> Iterator[tuple[int, str, str]]:
    for execution_id, state in step.states.items():
        if state["core"]["ownership_state"] in LOST:
            ended_at, cause = LOST[state["core"]["ownership_state"]]
            yield state["core"][ended_at], execution_id, cause


def _deadlines(step: Step) -> Iterator[int]:
    for name, members in step.indexes.items():
        if name.partition(":")[0] in DEADLINES:
            yield from (score for score in members.values() if score is not None)
    yield from (expires_at_ms for expires_at_ms, _ in _leases(step))
    for worker in step.aux.get("workers", {}).values():
        if worker.get("alive") and worker.get("alive_deadline"):
            yield worker["alive_deadline"]
    for execution_id in step.states:
        grant = _live_grant(step, execution_id)
        if grant is not None:
            yield grant["grant_expires_at"]
