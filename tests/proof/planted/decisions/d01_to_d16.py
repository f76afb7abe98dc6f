"""D-01 to D-16 undone."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

_ADMITTING = "rules/admitting.py"
_CLAIMING = "rules/claiming.py"
_CREATING = "rules/creating.py"
_ENDING = "rules/ending.py"
_GRANTING = "rules/granting.py"
_INNER = "engine/inner.py"
_LIFE = "model/life.py"

FIRST: Final = (
    Plant(
        "D-01",
        "a grant is still good at its expiry",
        (
            "model/deadlines.py",
            "record.grant[EXPIRES_AT_MS], GRANT)",
            "record.grant[EXPIRES_AT_MS] + 1, GRANT)",
        ),
    ),
    Plant(
        "D-02",
        "what lapsed is stamped with the late call that noticed it",
        ("engine/core.py", "LAPSES[kind](record, at_ms, ", "LAPSES[kind](record, now, "),
    ),
    Plant(
        "D-02b",
        "lapses wait for advance()",
        ("engine/core.py", "        if now >= self._deadlines.next_ms:\n            self._lapse(now)\n", ""),
    ),
    Plant(
        "D-03",
        "a grant carries no kind",
        (_CLAIMING, "grant is None or grant[KIND] is not KIND_OF[type(given)] or ", "grant is None or "),
    ),
    Plant(
        "D-04",
        "a grant survives a cancellation",
        (
            _ENDING,
            "attempt_rest_ms = None\n    record.grant = None\n",
            "attempt_rest_ms = None\n",
        ),
    ),
    Plant(
        "D-04b",
        "a grant survives a block",
        (_ADMITTING, "    record.grant = None\n", ""),
    ),
    Plant(
        "D-04c",
        "a reclaim grant survives the timeout of the attempt",
        (
            _ENDING,
            "    record.attempt_id = None\n    record.grant = None\n",
            "    record.attempt_id = None\n",
        ),
    ),
    Plant(
        "D-05",
        "the cap is not tested when a reclaim grant is asked for",
        (_GRANTING, "return cap(record, now) or _grant(", "return _grant("),
        ("engine/choosing.py", "granting.cap(record, now) if kind is RECLAIM else None", "None"),
    ),
    Plant(
        "D-06",
        "a reclaimed attempt keeps the timeout of the old one",
        (
            _CLAIMING,
            "    timeout = _timeout_at(record, now, taker)\n    lease = _lease(record, now, taker, ids, store, RECLAIMED",
            "    timeout = (record.rare or NOTHING).attempt_timeout_at_ms\n"
            "    lease = _lease(record, now, taker, ids, store, RECLAIMED",
        ),
    ),
    Plant(
        "D-07",
        "the mark of a revocation outlives the lease",
        (_CLAIMING, '    rare.lease_revoked_at_ms = None\n    rare.lease_revoke_reason = ""\n', ""),
    ),
    Plant(
        "D-08",
        "every block reads rate_limited",
        ("model/vector.py", '("blocked_by_operator", "waiting")', '("blocked_by_operator", "rate_limited")'),
        (
            "model/vector.py",
            '("blocked_by_lane_state", "waiting")',
            '("blocked_by_lane_state", "rate_limited")',
        ),
    ),
    Plant(
        "D-08b",
        "paused_by_policy cannot be unblocked",
        (
            _ADMITTING,
            "    if not _blocked_by_order(record):\n",
            '    if not _blocked_by_order(record) or (record.rare or NOTHING).blocking_reason == "paused_by_policy":\n',
        ),
    ),
    Plant(
        "D-09",
        "an active execution is cancelled without a fence",
        (
            _ENDING,
            "        if phase is LEASED:\n            raise FenceRequired",
            "        if False:\n            raise FenceRequired",
        ),
    ),
    Plant(
        "D-10",
        "block works on what is delayed",
        (
            _ADMITTING,
            "if record.phase is not ELIGIBLE and not _blocked_by_order(record):",
            'if record.phase is not ELIGIBLE and record.phase != "delayed" and not _blocked_by_order(record):',
        ),
        (
            _LIFE,
            "        BecameDue: _to(ELIGIBLE),\n",
            "        BecameDue: _to(ELIGIBLE),\n        Blocked: _to(BLOCKED),\n",
        ),
    ),
    Plant(
        "D-11",
        "a resume grant ignores eligibility",
        (
            _GRANTING,
            '    if record.phase is not ELIGIBLE:\n        raise ExecutionNotEligible("only a waiting execution is granted")',
            '    if record.phase is not ELIGIBLE and (kind is not RESUME or record.phase != "blocked"):\n'
            '        raise ExecutionNotEligible("only a waiting execution is granted")',
        ),
        (
            _LIFE,
            "        Unblocked: _to(ELIGIBLE),\n",
            "        Unblocked: _to(ELIGIBLE),\n        GrantIssued: _to(BLOCKED),\n",
        ),
    ),
    Plant(
        "D-12",
        "the lane in the request is believed",
        (
            _GRANTING,
            "    if request.lane_id != record.spec.lane_id:\n        raise ExecutionNotInEligibleSet",
            "    if False:\n        raise ExecutionNotInEligibleSet",
        ),
    ),
    Plant(
        "D-13",
        "a delay in the past delays",
        (_CREATING, "delay_until_ms is not None and delay_until_ms > now", "delay_until_ms is not None"),
    ),
    Plant(
        "D-14",
        "a lease may be renewed for 0 ms",
        (
            _INNER,
            'checks.integer("lease_ttl_ms", lease_ttl_ms, 1, self._max_lease_ttl_ms)\n        if type(lease)',
            'checks.integer("lease_ttl_ms", lease_ttl_ms, 0, self._max_lease_ttl_ms)\n        if type(lease)',
        ),
    ),
    Plant(
        "D-14b",
        "a refused call leaves something written",
        (
            _ADMITTING,
            "    if reason not in ORDERS:\n",
            "    if reason not in ORDERS:\n        record.last_mutation_at_ms = now + 1\n",
        ),
    ),
    Plant(
        "D-15",
        "retryable_categories are ignored",
        (
            "model/policy.py",
            "wanted = not self.retryable_categories or category in self.retryable_categories",
            "wanted = category is not None",
        ),
    ),
    Plant(
        "D-15b",
        "jitter is ignored",
        (
            "model/policy.py",
            "type(self.backoff) is Exponential and self.backoff.jitter:",
            "type(self.backoff) is int:",
        ),
    ),
    Plant(
        "D-15c",
        "the backoff is fractional",
        (
            "model/policy.py",
            "delay * self.multiplier_permille // 1000, self",
            "round(delay * self.multiplier_permille / 1000 + 0.5), self",
        ),
    ),
    Plant(
        "D-16",
        "an attempt timeout ends the execution whatever retries remain",
        (_ENDING, '    delay_until = _retry_at(record, now, "timeout")\n', "    delay_until = None\n"),
    ),
)
