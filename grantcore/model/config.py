"""Limits of an engine (SPEC 11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from grantcore.model import checks
from grantcore.model.time import MAX_MS

MAX_TTL_MS: Final = 10 * 366 * 86_400_000
MAX_COUNT: Final = 2**31 - 1
MAX_BYTES: Final = 2**30

Validator = Callable[[object, "attrs.Attribute[object]", object], None]


def _upto(maximum: int, *, least: int = 1, optional: bool = False) -> Validator:
    """Accept an int in ``least..maximum``, or None where that is a setting."""

    def judge(_config: object, attribute: attrs.Attribute[object], value: object) -> None:
        if not (optional and value is None):
            checks.integer(attribute.name, value, least, maximum)

    return judge


def _is_flag(_config: object, attribute: attrs.Attribute[object], value: object) -> None:
    checks.flag(attribute.name, value)


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

    Raises:
        InvalidInput: a setting is out of range.
    """

    max_grant_ttl_ms: int = attrs.field(default=60_000, validator=_upto(MAX_TTL_MS))
    max_lease_ttl_ms: int = attrs.field(default=86_400_000, validator=_upto(MAX_TTL_MS))
    retention_ms: int | None = attrs.field(
        default=86_400_000, validator=_upto(MAX_TTL_MS, least=0, optional=True)
    )
    idempotency_window_ms: int = attrs.field(default=86_400_000, validator=_upto(MAX_TTL_MS, least=0))
    lease_history_limit: int = attrs.field(default=1_000, validator=_upto(MAX_COUNT))
    max_executions: int | None = attrs.field(default=None, validator=_upto(MAX_COUNT, optional=True))
    max_payload_bytes: int = attrs.field(default=1 << 20, validator=_upto(MAX_BYTES, least=0))
    max_text_bytes: int = attrs.field(default=4_096, validator=_upto(MAX_BYTES))
    max_route_snapshot_bytes: int = attrs.field(default=1 << 16, validator=_upto(MAX_BYTES, least=0))
    max_tags: int = attrs.field(default=64, validator=_upto(MAX_COUNT, least=0))
    max_shelves_per_lane: int = attrs.field(default=10_000, validator=_upto(MAX_COUNT))
    threadsafe: bool = attrs.field(default=True, validator=_is_flag)


__all__ = ["MAX_TTL_MS", "EngineConfig"]

assert MAX_TTL_MS < MAX_MS
