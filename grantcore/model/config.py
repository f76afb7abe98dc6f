"""Limits of an engine (SPEC 11)."""

from __future__ import annotations

from typing import Final

import attrs

from grantcore.model import checks
from grantcore.model.time import MAX_MS

MAX_TTL_MS: Final = 10 * 366 * 86_400_000
MAX_COUNT: Final = 2**31 - 1
MAX_BYTES: Final = 2**30

_RANGES: Final = (
    ("max_grant_ttl_ms", 1, MAX_TTL_MS),
    ("max_lease_ttl_ms", 1, MAX_TTL_MS),
    ("retention_ms", 0, MAX_TTL_MS),
    ("idempotency_window_ms", 0, MAX_TTL_MS),
    ("lease_history_limit", 1, MAX_COUNT),
    ("max_executions", 1, MAX_COUNT),
    ("max_payload_bytes", 0, MAX_BYTES),
    ("max_text_bytes", 1, MAX_BYTES),
    ("max_route_snapshot_bytes", 0, MAX_BYTES),
    ("max_tags", 0, MAX_COUNT),
    ("max_shelves_per_lane", 1, MAX_COUNT),
)
"""Setting, least, greatest."""

_OPTIONAL: Final = ("retention_ms", "max_executions")
"""Settings that may be None."""


@attrs.frozen(kw_only=True)
class EngineConfig:
    """Limits and windows of one engine; durations in milliseconds, sizes in bytes.

    ========================== ============ ========= ============================================
    setting                    default      maximum   meaning
    ========================== ============ ========= ============================================
    max_grant_ttl_ms           60,000       10 years  longest time to live of a grant
    max_lease_ttl_ms           86,400,000   10 years  longest time to live of a lease
    retention_ms               86,400,000   10 years  ended executions are kept so long; None: for ever
    idempotency_window_ms      86,400,000   10 years  an idempotency key answers so long
    lease_history_limit        1,000        2^31-1    lease events kept per execution
    max_executions             None         2^31-1    executions in the store; None: no limit
    max_payload_bytes          1 MiB        1 GiB     a payload, a result
    max_text_bytes             4,096        1 GiB     a reason, summary, hash, message, tag value
    max_route_snapshot_bytes   64 KiB       1 GiB     route_snapshot_json of a request
    max_tags                   64           2^31-1    tags of an execution
    max_shelves_per_lane       10,000       2^31-1    distinct requirement sets waiting in a lane
    threadsafe                 True         -         one lock per engine
    ========================== ============ ========= ============================================

    ``threadsafe=False`` is for hosts with one thread, and for simulations: a mark of who is inside stands in
    for the lock. It refuses with ``Reentrant`` whatever calls from inside a call, as the lock does, and
    protects from nothing else: threads that share such an engine break it. What it saves is recorded in
    ``benchmarks/RESULTS.md``, lifecycle with lock on and off.

    Raises:
        InvalidInput: a setting is out of range.
    """

    max_grant_ttl_ms: int = 60_000
    max_lease_ttl_ms: int = 86_400_000
    retention_ms: int | None = 86_400_000
    idempotency_window_ms: int = 86_400_000
    lease_history_limit: int = 1_000
    max_executions: int | None = None
    max_payload_bytes: int = 1 << 20
    max_text_bytes: int = 4_096
    max_route_snapshot_bytes: int = 1 << 16
    max_tags: int = 64
    max_shelves_per_lane: int = 10_000
    threadsafe: bool = True

    def __attrs_post_init__(self) -> None:
        """Judge the ranges."""
        for name, least, greatest in _RANGES:
            value: object = getattr(self, name)
            if value is not None or name not in _OPTIONAL:
                checks.integer(name, value, least, greatest)
        checks.flag("threadsafe", self.threadsafe)


__all__ = ["MAX_TTL_MS", "EngineConfig"]

assert MAX_TTL_MS < MAX_MS
