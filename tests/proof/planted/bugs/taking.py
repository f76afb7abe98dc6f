"""Bugs in `rules`: admission, grants, fences, and taking a lease."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

_CLAIMING = "rules/claiming.py"
_GRANTING = "rules/granting.py"

TAKING: Final = (
    Plant(
        "the attempt is no part of the fence",
        "I-04",
        (
            "rules/fencing.py",
            "(lease_id, epoch, attempt_id) != current(record):",
            "(lease_id, epoch) != current(record)[:2]:",
        ),
    ),
    Plant(
        "the epoch is no part of the fence",
        "I-04",
        (
            "rules/fencing.py",
            "(lease_id, epoch, attempt_id) != current(record):",
            "(lease_id, attempt_id) != current(record)[::2]:",
        ),
    ),
    Plant(
        "the lease is no part of the fence",
        "I-04",
        (
            "rules/fencing.py",
            "(lease_id, epoch, attempt_id) != current(record):",
            "(epoch, attempt_id) != current(record)[1:]:",
        ),
    ),
    Plant(
        "the lease object of before is let in after the lapse",
        "I-04",
        (
            "rules/fencing.py",
            "fence.tenure[TAKING] is record.taking and record.phase is LEASED:",
            "fence.tenure[TAKING] is record.taking:",
        ),
    ),
    Plant(
        "revoked reads as late",
        "SPEC 5",
        (
            "rules/fencing.py",
            "    if record.phase is LEASE_REVOKED:\n        return revoked(record)\n    if record.phase is LEASE_EXPIRED:",
            "    if record.phase in (LEASE_REVOKED, LEASE_EXPIRED):",
        ),
    ),
    Plant(
        "a live grant is told before a pause",
        "SPEC 5: order of refusals",
        (
            _GRANTING,
            "    admission.paused(record.spec)\n    no_grant(record)\n    return _grant(",
            "    no_grant(record)\n    admission.paused(record.spec)\n    return _grant(",
        ),
    ),
    Plant(
        "limits are told before missing tokens",
        "SPEC 5: order of refusals",
        (
            _GRANTING,
            "    required = record.spec.required\n",
            "    early = admission.limit(kind, record.spec, request.worker_instance_id, now, store, tallies)\n"
            "    if early is not None:\n        raise early\n    required = record.spec.required\n",
        ),
    ),
    Plant(
        "a mismatch is a mutation",
        "I-23",
        (
            _GRANTING,
            "    rare_of(record).last_capability_mismatch_at_ms = at_ms\n",
            "    rare_of(record).last_capability_mismatch_at_ms = record.last_mutation_at_ms = at_ms\n",
        ),
    ),
    Plant(
        "withdraw looks at no expiry",
        "SPEC 5",
        (_GRANTING, "        grant[EXPIRES_AT_MS],\n    ):", "        expires_at_ms,\n    ):"),
    ),
    Plant(
        "the cap is one more",
        "I-31",
        (_GRANTING, "if reclaim_count < record.spec", "if reclaim_count <= record.spec"),
    ),
    Plant(
        "a resume asks for budgets",
        "SPEC 5",
        ("rules/admission.py", "    if kind is not RESUME:\n", "    if kind is not None:\n"),
    ),
    Plant(
        "a reclaim asks for rate",
        "SPEC 5",
        ("rules/admission.py", "if kind is CLAIM else None", "if kind is not RESUME else None"),
    ),
    Plant(
        "a lane holds one more than it may",
        "SPEC 8",
        (
            "rules/admission.py",
            "tallies.by_lane.get(spec.lane_id, 0) >= most:\n        yield",
            "tallies.by_lane.get(spec.lane_id, 0) > most:\n        yield",
        ),
    ),
    Plant(
        "a lease that cannot be costs its ids",
        "SPEC 9",
        (
            _CLAIMING,
            "    expires_at_ms = now + ttl\n    if expires_at_ms > MAX_MS:\n        raise",
            "    expires_at_ms = now + ttl\n    if expires_at_ms > MAX_MS:\n        ids.lease_id()\n        raise",
        ),
    ),
    Plant(
        "a resume does not raise the epoch",
        "I-02",
        (_CLAIMING, "store.restored_floor) + 1\n", "store.restored_floor) + (kind is not RESUMED)\n"),
    ),
    Plant(
        "the floor of a restored engine is forgotten",
        "SPEC 11",
        (_CLAIMING, "max(last[LEASE_EPOCH], store.restored_floor) + 1", "last[LEASE_EPOCH] + 1"),
    ),
    Plant(
        "a reclaim goes on with the old index",
        "I-27",
        (_CLAIMING, "last[ATTEMPT_INDEX] + (kind is not RESUMED)", "last[ATTEMPT_INDEX] + (kind is FRESH)"),
    ),
    Plant(
        "a claim leaves no line",
        "reference 1.4",
        (_CLAIMING, "= attempt\n    note(past, number, line)\n", "= attempt\n"),
    ),
    Plant("the reclaimed attempt does not end", "I-29", (_CLAIMING, "    old.ended_at_ms = at_ms\n", "")),
    Plant(
        "a resumed attempt starts its clock afresh",
        "SPEC 5",
        (
            _CLAIMING,
            "    timeout = _rest_until(record, now)\n",
            "    timeout = _timeout_at(record, now, taker)\n",
        ),
    ),
    Plant(
        "any worker may use a grant", "I-15", (_CLAIMING, " or grant[TERMS][WORKER_ID] != worker_id:", ":")
    ),
)
