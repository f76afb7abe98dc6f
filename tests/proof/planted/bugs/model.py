"""Bugs in `model`."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

MODEL: Final = (
    Plant(
        "alive at the very end",
        "SPEC 3",
        ("model/time.py", "expires_at_ms <= now_ms", "expires_at_ms < now_ms"),
    ),
    Plant(
        "a partial fence reads as none",
        "I-06",
        (
            "model/leases.py",
            "    if lease_id or epoch is not None or attempt_id:\n        raise",
            "    if False:\n        raise",
        ),
    ),
    Plant(
        "epoch 0 reads as missing",
        "SPEC 5",
        (
            "model/leases.py",
            "if lease_id and epoch is not None and attempt_id:",
            "if lease_id and epoch and attempt_id:",
        ),
    ),
    Plant(
        "one retry too many",
        "I-31",
        ("model/policy.py", "retry_count < self.max_retries", "retry_count <= self.max_retries"),
    ),
    Plant(
        "jitter depends on the process",
        "SPEC 9, I-42",
        (
            "model/policy.py",
            'binascii.crc32(f"{execution_id}#{attempt_index}".encode())',
            'hash(f"{execution_id}#{attempt_index}")',
        ),
    ),
    Plant(
        "the backoff grows too early",
        "SPEC 9",
        ("model/policy.py", "range(retry_count)", "range(retry_count + 1)"),
    ),
    Plant(
        "two deadlines of one instant change places",
        "SPEC 3",
        (
            "model/deadlines.py",
            "EXECUTION: Final = 0\nATTEMPT: Final = 1\n",
            "EXECUTION: Final = 1\nATTEMPT: Final = 0\n",
        ),
    ),
    Plant(
        "two kinds of lapse change places",
        "SPEC 3",
        (
            "model/deadlines.py",
            "GRANT: Final = 4\nDELAY: Final = 5\n",
            "GRANT: Final = 5\nDELAY: Final = 4\n",
        ),
    ),
    Plant(
        "no deadline while it is leased",
        "SPEC 4",
        (
            "model/deadlines.py",
            "    due = min(due, (rare.deadline_due_ms, EXECUTION))\n",
            "    if record.phase is not LEASED:\n        due = min(due, (rare.deadline_due_ms, EXECUTION))\n",
        ),
    ),
    Plant(
        "retention counts from creation",
        "SPEC 9",
        (
            "model/deadlines.py",
            "due_ms = record.last_transition_at_ms + retention_ms",
            "due_ms = record.created_at_ms + retention_ms",
        ),
    ),
    Plant(
        "a delay in the past is due before it was set",
        "SPEC 3",
        (
            "model/deadlines.py",
            "return max(record.rare.delay_until_ms, record.last_transition_at_ms)",
            "return record.rare.delay_until_ms",
        ),
    ),
    Plant(
        "tokens stay in the order given",
        "SPEC 6",
        ("model/capabilities.py", "tuple(sorted(set(seen)))", "tuple(dict.fromkeys(seen))"),
    ),
    Plant(
        "the last token is one too many",
        "I-24",
        ("model/capabilities.py", "len(seen) == MAX_TOKENS:", "len(seen) == MAX_TOKENS - 1:"),
    ),
    Plant(
        "a missing token is not missed",
        "I-22",
        ("model/capabilities.py", "for token in required if", "for token in required[1:] if"),
    ),
    Plant(
        "a window is a millisecond longer",
        "SPEC 7",
        (
            "model/quotas.py",
            "gone(issued[0][1] + self.window_ms, now_ms)",
            "gone(issued[0][1] + self.window_ms + 1, now_ms)",
        ),
    ),
    Plant(
        "a window has room for one more",
        "SPEC 7",
        ("model/quotas.py", "None if len(alive) < most", "None if len(alive) <= most"),
    ),
    Plant(
        "a budget is used up when it is passed",
        "SPEC 7",
        ("model/budgets.py", "used.get(name, 0) >= hard", "used.get(name, 0) > hard"),
    ),
    Plant(
        "a period begins a millisecond late",
        "SPEC 3",
        ("model/budgets.py", "self.used_at_ms >= began_ms", "self.used_at_ms > began_ms"),
    ),
    Plant(
        "the history does not name the instance",
        "reference 1.4",
        (
            "model/past.py",
            "        worker_instance_id=lease.worker_instance_id,\n        reason=reason or None,",
            "        reason=reason or None,",
        ),
    ),
    Plant(
        "ids carry another partition",
        "SPEC 9",
        ("model/ids.py", "{crc_partition(lane_id)}", "{crc_partition(self.prefix)}"),
    ),
    Plant(
        "an id comes twice",
        "SPEC 9",
        (
            "model/ids.py",
            "self.count = count = self.count + 1\n        return",
            "count = self.count + 1\n        return",
        ),
    ),
    Plant(
        "True is 1",
        "SPEC 11",
        ("model/checks.py", "type(value) is not int or not low", "not isinstance(value, int) or not low"),
    ),
    Plant(
        "a tag needs no dot", "reference 9.4", ("model/checks.py", "[a-z0-9_]*\\.[^.]", "[a-z0-9_]*\\.?[^.]")
    ),
)
