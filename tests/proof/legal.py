"""Legal arguments that do not depend on the state, and what stands in a step for what no literal names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

import grantcore as gc
from grantcore.testing.comparing import SMALL
from grantcore.testing.proposing import BEHAVIORS, CODES, LANES, ORDERS, POLICIES, TOKENS, WORKERS
from tests.proof.arena import ROOT

TTLS: Final = (1, 3, 20, 50, 50)


@attrs.frozen(repr=False)
class Snapshot:
    """The engine's own snapshot, in a step; with one byte changed, or whole."""

    spoilt: int | None = None

    def __repr__(self) -> str:
        return f"arena.data({self.spoilt})"


@attrs.frozen(repr=False)
class Own:
    """Something that the arena has and no literal names."""

    name: str

    def __repr__(self) -> str:
        return f"arena.own({self.name!r})"


_TEXTS: Final = ("", "because", "tired")
_TOKEN_SETS: Final = ((), ("cpu",), ["gpu", "cpu"], TOKENS)
_COUNTS: Final = (0, 1, 3)
_SIZES: Final = (1, 5, 900)

LEGAL: Final[Mapping[str, Sequence[object]]] = {
    "lane_id": LANES,
    "worker_instance_id": tuple(instance for _, instance in WORKERS),
    "identity": (ROOT, "me"),
    "observer": (Own("hear"),),
    "limit": (None, 1, 2, 1000),
    "list_executions.limit": (1, 2, 1000),
    "list_expired_leases.limit": (1, 1000),
    "list_workers.limit": (1, 1000),
    "scheduler.peek.limit": (1, 3),
    "phase": (None, *gc.Phase),
    "namespace": ("default", "default", "other"),
    "priority": (0, 1, 9000, 9001, -5),
    "new_priority": (0, 5, 9001),
    "required_capabilities": _TOKEN_SETS,
    "worker_capabilities": _TOKEN_SETS,
    "capabilities": _TOKEN_SETS,
    "executions": ([], [{}, {}], [{"execution_id": "e3", "payload": b"load"}, {"priority": 7}], [{}, 5]),
    "results": (None, None, [], [b"r"], [None, b"", b"r", None]),
    "policy": POLICIES,
    "payload": (None, b"load"),
    "result": (None, b"", b"r"),
    "tags": ({}, {"a.b": "c"}),
    "execution_kind": ("", "kind"),
    "creator_identity": ("", "me"),
    "idempotency_key": (None, "k0", "k1"),
    "quota_policy_id": ("q0", "q1"),
    "create_execution.quota_policy_id": (None, None, "q0", "q1"),
    "budget_ids": ((), ("b0",), ["b0", "b1"]),
    "budget_id": ("b0", "b1"),
    "requested_by": _TEXTS,
    "reason": _TEXTS,
    "operator.block.reason": ORDERS,
    "category": ("", "flaky", "timeout"),
    "cancelled_by": _TEXTS,
    "trigger": _TEXTS,
    "detail": _TEXTS,
    "message": (None, "half"),
    "pct": (None, 0, 50, 100),
    "expected_reason": (None, *ORDERS),
    "expected_lease_id": (None, "", "another"),
    "reason_code": CODES,
    "timeout_behavior": BEHAVIORS,
    "resume_delay_ms": (0, 0, 5),
    "lease_ttl_ms": TTLS,
    "grant_ttl_ms": TTLS,
    "liveness_ttl_ms": (50, 300),
    "attempt_timeout_ms": (None, 7, 50),
    "ms": (0, 5, 50),
    "max_leases": (None, 2, 5),
    "aging_ms_per_point": (None, 1, 20),
    "window_ms": (20, 60),
    "max_requests_per_window": (0, 5),
    "max_concurrent": (0, 2),
    "hard_limits": ({}, {"usd": 40}, {"usd": 30, "io": 0}),
    "soft_limits": ({}, {"usd": 2}),
    "deltas": ({}, {"usd": 1}, {"usd": 4, "io": 1}),
    "reset_interval_ms": (None, 10, 40),
    "dedup_key": (None, "d0", "d1"),
    "lanes": (LANES, ["a"], {"a": 1, "b": 3}),
    "register_worker.lanes": (LANES, ["a"]),
    "worker": ("i1", "i2", gc.Worker("w1", "i1", TOKENS), gc.Worker("w2", "i3", ())),
    "reclaim": (True, False),
    "n": (1, 2, 9),
    "clock": (None, Own("clock")),
    "ids": (None,),
    "config": (gc.EngineConfig(), SMALL),
    "epoch_floor": (0, 5),
    "engine": (Own("engine"),),
    "capability_hash": (None, "hash"),
    "route_snapshot_json": (None, "{}"),
    "admission_summary": (None, "fine"),
    "retry": (None, gc.RetryPolicy()),
    "max_reclaim_count": _COUNTS,
    "max_replay_count": _COUNTS,
    "max_retries": _COUNTS,
    "backoff": (gc.Fixed(), gc.Exponential()),
    "retryable_categories": ((), frozenset({"flaky"})),
    "delay_ms": _COUNTS,
    "initial_delay_ms": _COUNTS,
    "max_delay_ms": _COUNTS,
    "multiplier_permille": (1000, 2500),
    "jitter": (True, False),
    "start_ms": _COUNTS,
    "max_grant_ttl_ms": _SIZES,
    "max_lease_ttl_ms": _SIZES,
    "retention_ms": (None, *_COUNTS),
    "idempotency_window_ms": _COUNTS,
    "lease_history_limit": _SIZES,
    "max_executions": (None, *_SIZES),
    "max_payload_bytes": _SIZES,
    "max_text_bytes": _SIZES,
    "max_route_snapshot_bytes": _SIZES,
    "max_tags": _COUNTS,
    "max_shelves_per_lane": _SIZES,
    "threadsafe": (True, False),
    "lease_id": (None, "", "l"),
    "lease_epoch": (None, 1),
    "attempt_id": (None, "a"),
}
"""By the name of a parameter, or CALL.PARAMETER."""
