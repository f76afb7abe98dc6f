"""Bugs in `index`."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

_DEADLINES = "index/deadlines.py"
_INDEXES = "index/indexes.py"
_LINES = "index/lines.py"

INDEX: Final = (
    Plant(
        "what a lapsed grant frees stays hidden",
        "I-20",
        (_INDEXES, "        if record.phase in OFFERED:\n            self.waiting.offer(record)\n", ""),
    ),
    Plant(
        "a shelf is not re-keyed",
        "I-36",
        (
            _INDEXES,
            "        if record.offered:\n            self.waiting.offer(record)\n\n",
            "        assert record.offered in (True, False)\n\n",
        ),
    ),
    Plant(
        "a phase is never left",
        "I-35",
        (_INDEXES, "self.counts.add(source, -1)", "self.counts.add(source, -(source is not LEASED))"),
    ),
    Plant(
        "grants are counted twice",
        "SPEC 9",
        (
            _INDEXES,
            "            self.live_grants += 1\n            return",
            "            self.live_grants += 2\n            return",
        ),
    ),
    Plant(
        "a worker is missed too late",
        "I-54",
        (
            _INDEXES,
            "        self.deadlines.next_ms = min(self.deadlines.next_ms, worker.expires_at_ms)\n",
            "",
        ),
    ),
    Plant(
        "a purged record is still due",
        "I-34",
        (_INDEXES, "        record.filed_ms = -1\n        record.filed_as = NONE\n", ""),
    ),
    Plant(
        "a lost lease is not listed",
        "SPEC 8",
        (_INDEXES, "            if target in LOST:\n                self.losses.add(record)\n", ""),
    ),
    Plant(
        "a lost lease is listed twice",
        "SPEC 8",
        (
            "index/rolls.py",
            "record.phase in LOST and record.lost_sequence == self.sequences[row]",
            "record.phase in LOST and record.lost_sequence > 0",
        ),
    ),
    Plant(
        "the roll loses those of one millisecond",
        "SPEC 9",
        ("index/rolls.py", "record.created_at_ms >= edge", "record.created_at_ms > edge"),
    ),
    Plant(
        "who held it once holds it",
        "SPEC 8",
        (
            "index/holders.py",
            "return record.phase is LEASED and taking is not None and",
            "return taking is not None and",
        ),
    ),
    Plant(
        "a stale head is served",
        "I-34",
        (
            _LINES,
            "        if record.queued is not self:\n            return False\n        if record.offered",
            "        if record.offered",
        ),
    ),
    Plant(
        "lost ones go last",
        "SPEC 7",
        (_LINES, "return (first, record.phase not in LOST,", "return (first, record.phase in LOST,"),
    ),
    Plant(
        "ids of one millisecond change places",
        "I-36",
        (
            _LINES,
            "return one.execution_id < other.execution_id",
            "return one.execution_id > other.execution_id",
        ),
    ),
    Plant(
        "waiting weighs as much as priority",
        "SPEC 7",
        (
            _LINES,
            "record.created_at_ms - record.priority * aging_ms",
            "record.created_at_ms - record.priority",
        ),
    ),
    Plant(
        "an aged entry outlives its priority",
        "I-34",
        (_LINES, " and key[0] == urgency(record, self._aging_ms)", " and key[0] is not None"),
    ),
    Plant(
        "which shelves fit is remembered too long",
        "SPEC 7",
        (
            "index/waiting.py",
            "            aisle.forget()\n            aisle.claims += kind is CLAIM\n",
            "            aisle.claims += kind is CLAIM\n",
        ),
    ),
    Plant(
        "lines are in no order",
        "I-36",
        (
            "index/waiting.py",
            "for priority in sorted(self.lines, reverse=True):",
            "for priority in sorted(self.lines):",
        ),
    ),
    Plant(
        "a shelf for one more than the lane may have",
        "SPEC 11",
        ("index/waiting.py", "or aisle.claims < self.most", "or aisle.claims <= self.most"),
    ),
    Plant(
        "shelves of one lane do not part by tokens",
        "SPEC 7",
        (
            "index/waiting.py",
            "return (kind, spec.required, spec.quota_policy_id,",
            "return (kind, (), spec.quota_policy_id,",
        ),
    ),
    Plant(
        "a nearer deadline is not filed",
        "SPEC 3",
        (_DEADLINES, "if due_ms < record.filed_ms or (", "if due_ms < record.filed_ms == NEVER or ("),
    ),
    Plant(
        "one instant has no order by id",
        "SPEC 3",
        (
            _DEADLINES,
            "elif record.execution_id < last_id:",
            'elif record.execution_id < "":',
        ),
    ),
    Plant(
        "the last bucket is not looked at",
        "SPEC 9",
        (
            _DEADLINES,
            "irange(None, instant_ms >> BUCKET_BITS)",
            "irange(None, (instant_ms >> BUCKET_BITS) - 1)",
        ),
    ),
    Plant(
        "what has become later is lost",
        "SPEC 3",
        (_DEADLINES, "            self._move([record])\n", "            record.filed_ms = NEVER\n"),
    ),
    Plant(
        "a ceiling is the highest of all",
        "SPEC 8",
        ("index/liveness.py", "return min(ceilings, default=None)", "return max(ceilings, default=None)"),
    ),
    Plant(
        "a heartbeat leaves its old place behind",
        "SPEC 8",
        (
            "index/liveness.py",
            "registration.expires_at_ms == expires_at_ms:",
            "registration.expires_at_ms >= expires_at_ms:",
        ),
    ),
    Plant(
        "a slot is not counted for its lane",
        "SPEC 8",
        (
            "index/tallies.py",
            "                _add(self.by_lane, spec.lane_id, taken)\n",
            "                pass\n",
        ),
    ),
)
