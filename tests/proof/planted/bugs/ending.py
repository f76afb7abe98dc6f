"""Bugs in `rules`: holding, ending, pausing, and what is no execution."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

_CREATING = "rules/creating.py"
_ENDING = "rules/ending.py"

ENDING: Final = (
    Plant(
        "an id is minted before the last guard",
        "SPEC 9",
        (
            "rules/suspending.py",
            '    held(record, fence)\n    pause = paused(record, now, "suspend")\n    suspension_id = _mint(ids, pause[0])\n',
            "    suspension_id = _mint(ids, record.past or Past({}, {}, 0))\n"
            '    held(record, fence)\n    pause = paused(record, now, "suspend")\n',
        ),
    ),
    Plant(
        "a paused attempt gains a millisecond",
        "SPEC 5",
        ("rules/pausing.py", "max(ends - now, 1)", "max(ends - now + 1, 1)"),
    ),
    Plant(
        "a pause does not name its attempt",
        "reference 1.4",
        ("rules/pausing.py", "with_attempt=True", "with_attempt=False"),
    ),
    Plant(
        "the attempt clock runs on while it waits",
        "SPEC 5",
        ("rules/pausing.py", "    rare.attempt_timeout_at_ms = NEVER\n", ""),
    ),
    Plant(
        "progress cannot be blanked",
        "reference 5.4",
        ("rules/holding.py", "    if pct is not None:\n", "    if pct:\n"),
    ),
    Plant(
        "a renewal adds to the old end",
        "SPEC 5",
        ("rules/holding.py", "expires_at_ms = now + ttl_ms", "expires_at_ms = record.expires_at_ms + ttl_ms"),
    ),
    Plant(
        "the renewal is due half way",
        "SPEC 5",
        ("model/leases.py", "* 2 // 3", "// 2"),
    ),
    Plant("no category is one", "reference 6.2", (_ENDING, "category or None", "category")),
    Plant("a retry is not counted", "I-31", (_ENDING, "    past.retry_count = retry_count\n", "")),
    Plant(
        "an attempt stays that is to be retried",
        "reference 6.2",
        (_ENDING, "    record.attempt_id = None\n", ""),
    ),
    Plant(
        "what has ended still tells why it waited",
        "reference 1.2",
        (
            _ENDING,
            '        record.rare.blocking_reason = None\n        record.rare.blocking_detail = ""\n',
            "",
        ),
    ),
    Plant(
        "a lapse is a transition",
        "reference 2.3",
        (
            "rules/lapsing.py",
            "        note(*line)\n    touch(record, at_ms)\n",
            "        note(*line)\n    record.last_transition_at_ms = record.last_mutation_at_ms = at_ms\n",
        ),
    ),
    Plant(
        "a lapse leaves no line",
        "reference 1.4",
        ("rules/lapsing.py", "    if line:\n        note(*line)\n", ""),
    ),
    Plant(
        "a suspension that is cancelled has failed",
        "reference 11.7",
        (
            "rules/suspending.py",
            '"ended_cancelled" if behavior == "cancel" else "ended_failure"',
            '"ended_failure"',
        ),
    ),
    Plant(
        "an escalation is not the operator's",
        "reference 11.7",
        ("rules/suspending.py", "    rare.blocking_reason = FOR_OPERATOR\n", ""),
    ),
    Plant(
        "unblock lifts any order",
        "SPEC 5",
        (
            "rules/admitting.py",
            "expected_reason is not None and expected_reason !=",
            "expected_reason is None and expected_reason !=",
        ),
    ),
    Plant(
        "a priority has no bounds",
        "SPEC 7",
        (_CREATING, "(record.priority, clamp(priority))", "(record.priority, priority)"),
    ),
    Plant(
        "tags are replaced",
        "reference 9.4",
        (_CREATING, "FrozenDict({**(record.cargo or NO_CARGO)[TAGS], **tags})", "FrozenDict({**tags})"),
    ),
    Plant(
        "a deadline in the past comes too early",
        "SPEC 3",
        (_CREATING, "else max(deadline_at_ms, now)", "else deadline_at_ms"),
    ),
    Plant(
        "one replay too many",
        "I-31",
        ("rules/replaying.py", "past.replay_count >= record", "past.replay_count > record"),
    ),
    Plant(
        "a purge does not raise the floor",
        "SPEC 11",
        ("rules/replaying.py", "    store.epoch_floor = floor\n", "    assert floor >= 0\n"),
    ),
    Plant(
        "a hard limit is a breach",
        "SPEC 8",
        ("rules/metering.py", "current + amount > hard", "current + amount >= hard"),
    ),
    Plant(
        "a budget gives back too much",
        "SPEC 8",
        ("rules/metering.py", "max(0, amount - ledger.get(name, 0))", "amount - ledger.get(name, 0)"),
    ),
    Plant(
        "a reset begins no period",
        "SPEC 8",
        ("rules/metering.py", "    budget.counted_from_ms = at_ms\n", ""),
    ),
    Plant(
        "a heartbeat does not move the end",
        "SPEC 8",
        (
            "rules/registering.py",
            "expires_at_ms=expires_at_ms)",
            "expires_at_ms=worker.expires_at_ms or expires_at_ms)",
        ),
    ),
)
