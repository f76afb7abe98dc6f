"""Bugs in the lapses of many leases alone (``engine/lapses.py``): plain ones do without a commit for each."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

_LAPSES = "engine/lapses.py"

LAPSES: Final = (
    Plant(
        "lapses at once: one that was renewed comes in its old place",
        "SPEC 3",
        (_LAPSES, "            or record.filed_ms != expires_at_ms\n", ""),
    ),
    Plant(
        "lapses at once: one that is not due yet",
        "I-54",
        (_LAPSES, "            or expires_at_ms > until_ms\n", ""),
    ),
    Plant(
        "lapses at once: before the worker that lapses sooner",
        "SPEC 3",
        (
            "engine/core.py",
            "        until_ms = now if worker is None else min(now, worker.expires_at_ms)\n",
            "        until_ms = now\n",
        ),
    ),
    Plant(
        "lapses at once: all under one number",
        "SPEC 8",
        (_LAPSES, "        sequence += 1\n", "        sequence = store.sequence + 1\n"),
    ),
    Plant(
        "lapses at once: stamped when it was noticed",
        "D-02",
        (_LAPSES, "last_mutation_at_ms = expires_at_ms", "last_mutation_at_ms = until_ms"),
    ),
    Plant(
        "lapses at once: with a slot of a quota policy",
        "D-18",
        (_LAPSES, "            if not spec.is_plain:\n                break\n", ""),
    ),
    Plant(
        "lapses at once: with an earlier attempt",
        "I-33",
        (_LAPSES, "            or record.past is not None\n", ""),
    ),
    Plant(
        "lapses at once: more than was asked for",
        "SPEC 3",
        (_LAPSES, "MAX_RUN if limit is None else min(limit, MAX_RUN)", "MAX_RUN"),
    ),
    Plant(
        "lapses at once: of those that are alike only one is offered",
        "I-20",
        (_LAPSES, "        alike.append(record)\n", "        alike[:] = [record]\n"),
    ),
)
