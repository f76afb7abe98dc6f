"""What the comparison leaves out: this table, and nothing else.

The ids are those of the corpus's README, the decisions those of SPEC 12. Each row edits one part of
what is compared, on the recorded and on the observed side alike: ``state`` (one execution),
``result``, ``events`` (lease history), ``indexes`` or ``aux`` (registry, quota, budget).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from tests.conformance.trace_reader import Json, Record, Step, strip

Part = Literal["state", "result", "events", "indexes", "aux"]

LEASE_TIMES: Final = (
    "lease_acquired_at",
    "lease_expires_at",
    "lease_last_renewed_at",
    "lease_renewal_deadline",
    "lease_expired_at",
    "lease_revoked_at",
    "lease_revoke_reason",
)
OLD_LIFE: Final = (
    "failure_reason",
    "cancellation_reason",
    "started_at",
    "delay_until",
    "progress_pct",
    "progress_message",
    "progress_updated_at",
    "pending_replay_reason",
    "pending_replay_requested_by",
    "pending_previous_attempt_index",
)
REPLAY_LINEAGE: Final = ("replay_reason", "replay_requested_by", "replayed_from_attempt_index")
REPLAY_EVENT: Final = ("event", "ts", "replay_count", "replay_type")
WORKER: Final = (
    "worker_id",
    "lanes_csv",
    "caps_csv",
    "ttl_ms",
    "registered_at_ms",
    "last_heartbeat_ms",
    "alive_deadline",
)
NEW_TEXTS: Final = {
    "lease_lease_expired_reclaimable": "lease_expired",
    "lease_lease_revoked": "lease_revoked",
}


class Exemption(NamedTuple):
    """One row: the edit makes both sides equal where they may differ."""

    id: str
    part: Part
    what: str
    decision: str
    edit: Callable[[Json, Step], None]


def plain(part: Part, value: Json, step: Step) -> Json:
    """Copy one side of a comparison, without what is not set and what is exempt."""
    copied = _copied_indexes(value) if part == "indexes" else strip(value)
    for row in EXEMPTIONS:
        if row.part == part:
            row.edit(copied, step)
    return copied


def _copied_indexes(indexes: Record) -> Record:
    """In an index None is a membership without a score, not a missing one."""
    return {name: dict(members) for name, members in indexes.items()}


def _drop(record: Record, *names: str) -> None:
    for name in names:
        record.pop(name, None)


def _core(state: Record) -> Record:
    core: Record = state.get("core", {})
    return core


def _reclaim_texts(state: Record, _step: Step) -> None:
    for attempt in state.get("attempts", {}).values():
        for name in ("failure_reason", "reclaim_reason"):
            if name in attempt:
                attempt[name] = NEW_TEXTS.get(attempt[name], attempt[name])


def _ended_lease(state: Record, _step: Step) -> None:
    if _core(state).get("lifecycle_phase") != "active":
        _drop(_core(state), *LEASE_TIMES)
    if _core(state).get("ownership_state") != "leased":
        _drop(state, "lease")


def _blocked_public_state(state: Record, _step: Step) -> None:
    if _core(state).get("eligibility_state") in ("blocked_by_route", "blocked_by_operator"):
        _drop(_core(state), "public_state")


def _canceller(state: Record, _step: Step) -> None:
    _drop(_core(state), "cancelled_by")


def _life_before_replay(state: Record, _step: Step) -> None:
    _drop(_core(state), "pending_replay_attempt")
    if _core(state).get("replay_count"):
        _drop(_core(state), *OLD_LIFE)
        _drop(state, "result")
        for attempt in state.get("attempts", {}).values():
            _drop(attempt, *REPLAY_LINEAGE)


def _replay_event(events: list[Record], _step: Step) -> None:
    for event in events:
        if event["event"] == "replay_initiated":
            _drop(event, *(set(event) - set(REPLAY_EVENT)))


def _scores(indexes: Record, _step: Step) -> None:
    for name, members in indexes.items():
        if name.split(":")[0] in ("active", "suspended", "blocked"):
            members.update(dict.fromkeys(members))


def _lost_leases(indexes: Record, step: Step) -> None:
    for name in list(indexes):
        if name.split(":")[0] in ("lease_expiry", "worker_leases"):
            _drop(indexes[name], *step.unleased)
            if not indexes[name]:
                del indexes[name]


def _waitpoints(state: Record, _step: Step) -> None:
    _drop(state, "suspension", "waitpoints")
    _drop(_core(state), "current_waitpoint_id")
    if _core(state).get("lifecycle_phase") == "suspended":
        _drop(_core(state), "blocking_detail")


def _waitpoint_details(result: Record, step: Step) -> None:
    if step.op == "suspend_execution" and result.get("status") == "ok":
        del result["detail"][1:]


def _time_driven_result(result: Record, step: Step) -> None:
    if step.time_driven:
        result.clear()


def _stale_revoke_detail(result: Record, step: Step) -> None:
    if step.op == "revoke_lease" and result.get("code") == "stale_lease":
        result["detail"] = []


def _auxiliary(aux: Record, step: Step) -> None:
    kept = {
        "workers": {
            worker: {name: record[name] for name in WORKER if name in record}
            for worker, record in aux.get("workers", {}).items()
            if record.get("alive")
        },
        "quotas": {
            quota: {"concurrency": record.get("concurrency", 0)}
            for quota, record in aux.get("quotas", {}).items()
            if step.aux.get("quotas", {}).get(quota, {}).get("definition", {}).get("active_concurrency_cap")
        },
        "budgets": {
            budget: {name: record[name] for name in ("limits", "usage", "by_execution") if name in record}
            for budget, record in aux.get("budgets", {}).items()
        },
    }
    aux.clear()
    aux.update(strip(kept))


EXEMPTIONS: Final = (
    Exemption("X-1", "state", "attempt texts of reclaimed leases are read anew", "D-23", _reclaim_texts),
    Exemption("X-2", "state", "times of a lease that ended, and its record", "D-07", _ended_lease),
    Exemption(
        "X-3", "state", "public_state while blocked by route or operator", "D-08", _blocked_public_state
    ),
    Exemption("X-4", "state", "cancelled_by", "D-09", _canceller),
    Exemption("X-5", "state", "what is left of the life before a replay", "D-17", _life_before_replay),
    Exemption("X-5", "events", "all but four fields of replay_initiated", "D-17", _replay_event),
    Exemption("X-6", "indexes", "scores of active, suspended and blocked", "D-10", _scores),
    Exemption("X-7", "indexes", "lease indexes of what is not leased", "D-02, D-10", _lost_leases),
    Exemption("X-8", "state", "suspension records, waitpoints, their texts", "not in grantcore", _waitpoints),
    Exemption("X-8", "result", "waitpoint of a suspension", "not in grantcore", _waitpoint_details),
    Exemption("X-9", "result", "results of time-driven steps", "D-02", _time_driven_result),
    Exemption("X-9", "result", "detail of a stale revocation", "D-02", _stale_revoke_detail),
    Exemption("X-10", "aux", "all but live workers, capped concurrency, budgets", "D-18", _auxiliary),
)
