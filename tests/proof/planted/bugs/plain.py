"""Bugs in the plain way alone (``engine/inner.py``): beside the rules, the hot calls have their plain case
written out there, so a bug of one way only is a bug as well.
"""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

_INNER = "engine/inner.py"

PLAIN: Final = (
    Plant(
        "plain creation: the priority has no bounds",
        "SPEC 7",
        (_INNER, "            or not 0 <= priority <= MAX_PRIORITY\n", ""),
    ),
    Plant(
        "plain creation: in a lane that drains",
        "SPEC 7",
        (
            _INNER,
            "                or spec.lane.state is not OPEN\n                or self._is_bounded\n",
            "                or self._is_bounded\n",
        ),
    ),
    Plant(
        "plain creation: over the limit",
        "SPEC 11",
        (_INNER, "                or self._is_bounded\n", ""),
    ),
    Plant(
        "plain grant: tokens are not compared",
        "I-22",
        (
            _INNER,
            "                or (spec.required and not request.worker_capabilities.issuperset(spec.required))\n",
            "",
        ),
    ),
    Plant(
        "plain grant: in a lane that is paused",
        "SPEC 7",
        (
            _INNER,
            "                or spec.lane.state is not OPEN\n                or request",
            "                or request",
        ),
    ),
    Plant(
        "plain grant: its end is not filed",
        "I-54",
        (
            _INNER,
            "            if expires_at_ms <= record.filed_ms:\n                deadlines",
            "            if expires_at_ms < 0:\n                deadlines",
        ),
    ),
    Plant(
        "plain claim: any worker may",
        "I-15",
        (_INNER, "                or held[TERMS][WORKER_ID] != worker_id\n", ""),
    ),
    Plant(
        "plain claim: the grant stays",
        "I-13",
        (
            _INNER,
            "            record.grant = None\n            record.taking = taking\n",
            "            record.taking = taking\n",
        ),
    ),
    Plant(
        "plain claim: the floor does not count",
        "SPEC 11",
        (_INNER, "epoch = store.epoch_floor + 1\n", "epoch = 1\n"),
    ),
    Plant(
        "plain claim: the wrong instant",
        "SPEC 5",
        (
            _INNER,
            "lease.basis_ms = now",
            "lease.basis_ms = now + 3",
        ),
    ),
    Plant(
        "plain renewal: of a lease that has lapsed",
        "I-04",
        (
            _INNER,
            "                or record.phase is not LEASED\n                or self._plain_ids is None\n",
            "                or self._plain_ids is None\n",
        ),
    ),
    Plant(
        "plain renewal: a sooner end is not filed",
        "I-54",
        (
            _INNER,
            "            if expires_at_ms <= record.filed_ms:\n                self._deadlines.stage(record, expires_at_ms)\n            store.sequence = sequence\n            self._pending = None\n            return renewed",
            "            store.sequence = sequence\n            self._pending = None\n            return renewed",
        ),
    ),
    Plant(
        "plain renewal: it is no mutation",
        "I-08",
        (_INNER, "record.renewed_at_ms = record.last_mutation_at_ms = now", "record.renewed_at_ms = now"),
    ),
    Plant(
        "plain completion: kept for ever",
        "SPEC 9",
        (
            _INNER,
            "            if now + self._retention_ms <= record.filed_ms:\n",
            "            if now < 0:\n",
        ),
    ),
    Plant(
        "plain completion: it has no number",
        "I-65",
        (
            _INNER,
            "                self._deadlines.file(record)\n            store.sequence = sequence\n",
            "                self._deadlines.file(record)\n",
        ),
    ),
    Plant(
        "plain way: interrupted, the indexes stay torn",
        "I-41",
        (
            _INNER,
            "    core._store.sequence = sequence\n    core._indexes.rebuild()\n",
            "    core._store.sequence = sequence\n",
        ),
    ),
)
