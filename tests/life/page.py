"""What the events tell of one execution: a page of the book that ``fold.py`` writes."""

from __future__ import annotations

from typing import Any, Final

import attrs

from grantcore import GrantRecord, Lease, LeaseEvent, Phase, events

HELD: Final = frozenset({Phase.LEASED, Phase.LEASE_EXPIRED, Phase.LEASE_REVOKED})
ENDED: Final = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED})


@attrs.define
class Page:
    """What is known of one execution."""

    created: events.Created
    phase: Phase
    priority: int
    tags: dict[str, str]
    deadline_at_ms: int | None
    transition_ms: int
    mutation_ms: int
    next_attempt: str = "pending_first_attempt"
    grant: GrantRecord | None = None
    lease: Lease | None = None
    renewed_ms: int | None = None
    epoch: int = 0
    attempt_id: str | None = None
    attempts: list[dict[str, Any]] = attrs.field(factory=list)
    history: list[LeaseEvent] = attrs.field(factory=list)
    retries: int = 0
    replays: int = 0
    reclaims: int = 0
    result: bytes | None = None
    delay_until_ms: int | None = None
    blocked: tuple[str, str] | None = None
    suspended: tuple[str, int | None] | None = None
    """The suspension's id, and when it times out."""

    timeout: events.Suspended | None = None
    """What was last told of a suspension."""

    started_ms: int | None = None
    completed_ms: int | None = None
    revoked: tuple[int, str] | None = None
    lost: tuple[int, int] | None = None
    """When the lease ended, and the number of the event that told it."""

    deadline_due_ms: int | None = None
    timeout_at_ms: int | None = None
    rest_ms: int | None = None
    marks: dict[str, Any] = attrs.field(factory=dict)
    """Fields of the snapshot that some event wrote as they are."""
