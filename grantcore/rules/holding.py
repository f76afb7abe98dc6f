"""Holding a lease: renewing it and telling progress (SPEC 5, reference 5.1 and 5.4)."""

from __future__ import annotations

from typing import Final

from grantcore.model import events
from grantcore.model.errors import invalid
from grantcore.model.leases import Held, new_lease
from grantcore.model.past import tenure_of
from grantcore.model.phases import LEASED
from grantcore.model.records import Execution, rare_of
from grantcore.model.time import MAX_MS
from grantcore.rules.change import NONE_SET, Arguments, Change, step, touch
from grantcore.rules.fencing import held


def renew(record: Execution, now: int, fence: Held, ttl_ms: int) -> Change:
    """Decide a new end: ``now + ttl``, which may be sooner than before (I-08)."""
    held(record, fence)
    expires_at_ms = now + ttl_ms
    if expires_at_ms > MAX_MS:
        raise invalid("lease_ttl_ms", "such that its end is an instant before 2**53")
    lease = new_lease(tenure_of(record), expires_at_ms, now)
    return (_RENEWED, write_renewal, record, now, (lease,), expires_at_ms)


_RENEWED: Final = step(events.LeaseRenewed, LEASED, LEASED)
_PROGRESSED: Final = step(events.ProgressReported, LEASED, LEASED)


def write_renewal(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store the new end; neither epoch nor history nor transition changes."""
    (lease,) = arguments
    record.expires_at_ms = lease.expires_at_ms
    record.renewed_at_ms = record.last_mutation_at_ms = at_ms


def progress(record: Execution, now: int, fence: Held, pct: int | None, message: str | None) -> Change:
    """Decide to store what the holder says."""
    held(record, fence)
    return (_PROGRESSED, write_progress, record, now, (pct, message), NONE_SET)


def write_progress(record: Execution, at_ms: int, arguments: Arguments) -> None:
    """Store each part that was given."""
    pct, message = arguments
    rare = rare_of(record)
    if pct is not None:
        rare.progress_pct = pct
    if message is not None:
        rare.progress_message = message
    rare.progress_updated_at_ms = at_ms
    touch(record, at_ms)
