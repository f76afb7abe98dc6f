"""D-17 to D-33 undone."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

_ADMITTING = "rules/admitting.py"
_CLAIMING = "rules/claiming.py"
_ENDING = "rules/ending.py"
_GRANTING = "rules/granting.py"
_INNER = "engine/inner.py"
_LIFE = "model/life.py"

LAST: Final = (
    Plant(
        "D-17",
        "a replay keeps the retries and reclaims that are spent",
        ("rules/replaying.py", "    past.retry_count = past.reclaim_count = 0\n", ""),
    ),
    Plant(
        "D-17b",
        "a replay keeps the deadline",
        (
            "rules/replaying.py",
            "        deadline_at_ms=deadline_at_ms,\n",
            "        deadline_at_ms=deadline_at_ms or old.deadline_at_ms,\n",
        ),
    ),
    Plant(
        "D-18",
        "a slot is released twice",
        (
            "index/tallies.py",
            "_add(self.by_quota, spec.quota_policy_id, taken)",
            "_add(self.by_quota, spec.quota_policy_id, min(taken, 2 * taken))",
        ),
    ),
    Plant(
        "D-18b",
        "a slot stays taken for as long as its execution waits to be reclaimed",
        (
            "index/tallies.py",
            "    if record.phase is LEASED:\n",
            '    if record.phase in (LEASED, "lease_expired"):\n',
        ),
    ),
    Plant(
        "D-19",
        "a resume with a delay is a dead end",
        ("rules/suspending.py", "(trigger, until_ms), until_ms)", "(trigger, until_ms), NONE_SET)"),
    ),
    Plant(
        "D-19b",
        "a suspension without a timeout lapses",
        (
            "model/deadlines.py",
            "return NEVER if timeout_at_ms is None else max(timeout_at_ms, record.last_transition_at_ms)",
            "return max(timeout_at_ms or 0, record.last_transition_at_ms)",
        ),
    ),
    Plant(
        "D-20",
        "namespaces do not tell idempotency keys apart",
        ("engine/executions.py", "self._store.keys.get((namespace, key))", 'self._store.keys.get(("", key))'),
        ("engine/executions.py", "return ((spec.namespace, key), Key(", 'return (("", key), Key('),
    ),
    Plant(
        "D-21",
        "an instance is registered again under another worker id",
        (
            "rules/registering.py",
            "if known is not None and known.worker_id != wanted.worker_id:",
            "if known is not None and known.worker_id == '':",
        ),
    ),
    Plant(
        "D-22",
        "empty tokens of a worker are skipped",
        (
            "model/capabilities.py",
            "    for token in given:\n",
            '    for token in given:\n        if side == "worker" and token == "":\n            continue\n',
        ),
    ),
    Plant(
        "D-23",
        "the reference's texts",
        (
            _CLAIMING,
            'new.reclaim_reason = "lease_expired" if',
            'new.reclaim_reason = "lease_lease_expired_reclaimable" if',
        ),
    ),
    Plant(
        "D-24",
        "the operator's claim ignores eligibility for interrupted attempts",
        (
            _CLAIMING,
            "    if record.phase is not ELIGIBLE:\n        raise ExecutionNotEligible",
            '    if record.phase is not ELIGIBLE and (record.phase != "delayed" or not record.interrupted):\n'
            "        raise ExecutionNotEligible",
        ),
        (
            _CLAIMING,
            "    arguments = (*told, timeout, past, past.noted, attempt, line)\n    return (_ACQUIRED, ",
            "    arguments = (*told, timeout, past, past.noted, attempt, line)\n"
            "    return (step(events.LeaseAcquired, record.phase, LEASED), ",
        ),
        (
            _LIFE,
            "        BecameDue: _to(ELIGIBLE),\n",
            "        BecameDue: _to(ELIGIBLE),\n        LeaseAcquired: _to(LEASED),\n",
        ),
    ),
    Plant(
        "D-25",
        "the history is trimmed at about the limit",
        (
            "model/past.py",
            "    while past.first < past.noted - limit:\n",
            "    while past.noted - limit > 1 and past.first < past.noted - limit:\n",
        ),
        (
            "engine/looking.py",
            "latest = sorted(history)[-self._config.lease_history_limit :]",
            "latest = sorted(history)",
        ),
    ),
    Plant(
        "D-26",
        "required capabilities given as an object mean none",
        (
            "model/capabilities.py",
            "    elif isinstance(tokens, (str, bytes, bytearray, Mapping))",
            "    elif isinstance(tokens, Mapping):\n        return ()\n    elif isinstance(tokens, (str, bytes, bytearray, Mapping))",
        ),
    ),
    Plant(
        "D-27",
        "an idempotency key is good at its end",
        (
            "engine/executions.py",
            "known is not None and not gone(known.expires_at_ms, now)",
            "known is not None and not gone(known.expires_at_ms + 1, now)",
        ),
    ),
    Plant(
        "D-27b",
        "a worker is alive at the end of its registration",
        (
            "rules/registering.py",
            "expires_at_ms = now + worker.liveness_ttl_ms\n",
            "expires_at_ms = now + worker.liveness_ttl_ms + 1\n",
        ),
    ),
    Plant(
        "D-27c",
        "a de-duplication key is good at its end",
        (
            "rules/metering.py",
            "not gone(budget.keys.get(key[0], 0), now)",
            "budget.keys.get(key[0], -1) >= now",
        ),
    ),
    Plant(
        "D-28",
        "a duplicate is answered before the call is judged",
        (
            _INNER,
            "        last = self._last_alike\n",
            "        if type(execution_id) is str and execution_id in self._records:\n"
            '            return Duplicate(execution_id, "execution_id")\n'
            "        last = self._last_alike\n",
        ),
    ),
    Plant(
        "D-29",
        "a lease given to cancel what is not active is ignored",
        (
            _ENDING,
            "    elif phase is not LEASE_EXPIRED or parts(",
            "    elif phase is LEASE_EXPIRED and parts(",
        ),
    ),
    Plant(
        "D-30",
        "a claim grant is issued for an interrupted attempt",
        (
            _GRANTING,
            "if (record.origin is INTERRUPTED) is not (kind is RESUME):",
            "if kind is RESUME and record.origin is not INTERRUPTED:",
        ),
    ),
    Plant(
        "D-31",
        "a lapsed lease can be revoked",
        (
            "rules/lapsing.py",
            '    if record.phase is LEASE_EXPIRED:\n        return AlreadySatisfied("already_expired")\n',
            "",
        ),
        (
            "rules/lapsing.py",
            "    return (_REVOKED, write",
            "    return (step(events.LeaseRevoked, record.phase, LEASE_REVOKED), write",
        ),
        (
            _LIFE,
            "    LEASE_EXPIRED: {**_granting(LEASE_EXPIRED), ",
            "    LEASE_EXPIRED: {LeaseRevoked: _to(LEASE_REVOKED), **_granting(LEASE_EXPIRED), ",
        ),
    ),
    Plant(
        "D-32",
        "the claim moves the deadline",
        (
            _CLAIMING,
            "    rare.attempt_timeout_at_ms = timeout\n",
            "    rare.attempt_timeout_at_ms = timeout\n"
            "    if rare.deadline_at_ms is not None and timeout != NEVER:\n"
            "        rare.deadline_at_ms = rare.deadline_due_ms = timeout\n",
        ),
    ),
    Plant(
        "D-33",
        "what waits for children is blocked, unblocked and runs early",
        (
            _ADMITTING,
            "return record.phase is BLOCKED and not record.waits_for_children",
            "return record.phase is BLOCKED",
        ),
    ),
)
