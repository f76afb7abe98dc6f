"""Bugs in the batches alone (``engine/runs.py``): their plain items are decided there, and committed together."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

_RUNS = "engine/runs.py"

RUNS: Final = (
    Plant(
        "batch creation: over the limit",
        "SPEC 11",
        (_RUNS, "spec.lane.state is not OPEN or core._is_bounded:", "spec.lane.state is not OPEN:"),
    ),
    Plant(
        "batch creation: one id twice",
        "SPEC 5",
        (_RUNS, "execution_id in records or execution_id in fresh:", "execution_id in records:"),
    ),
    Plant(
        "batch creation: it counts as one event",
        "SPEC 8",
        (_RUNS, "core._store.sequence + len(fresh)", "core._store.sequence + 1"),
    ),
    Plant(
        "batch creation: nobody is offered",
        "I-20",
        (_RUNS, "        indexes.waiting.staged += fresh.values()\n", ""),
    ),
    Plant(
        "batch grant: tokens are not compared",
        "I-22",
        (_RUNS, "            or (spec.required and not has.issuperset(spec.required))\n", ""),
    ),
    Plant(
        "batch grant: the same twice",
        "I-12",
        (
            _RUNS,
            "            or record in run\n            or not (spec := record.spec).is_plain\n            or spec.lane",
            "            or not (spec := record.spec).is_plain\n            or spec.lane",
        ),
    ),
    Plant(
        "batch grant: they do not count",
        "I-12",
        (_RUNS, "        core._indexes.live_grants += len(run)\n", ""),
    ),
    Plant(
        "batch claim: any worker may",
        "I-15",
        (_RUNS, "            or held[TERMS][WORKER_ID] != worker_id\n", ""),
    ),
    Plant(
        "batch claim: the grant stays",
        "I-13",
        (_RUNS, "            record.grant = None\n", ""),
    ),
    Plant(
        "batch claim: nobody holds them",
        "I-34",
        (_RUNS, "        holders.enter(worker_instance_id).records.extend(run)\n", ""),
    ),
    Plant(
        "batch claim: all in the lane of the first",
        "I-01",
        (_RUNS, "        if taking[LANE_ID] != spec.lane_id:\n", "        if taking is NOT_TAKEN:\n"),
    ),
    Plant(
        "batch renewal: of a lease that has lapsed",
        "I-04",
        (_RUNS, "            or record.phase is not LEASED\n        ):\n", "        ):\n"),
    ),
    Plant(
        "batch renewal: it is no mutation",
        "I-08",
        (_RUNS, "record.renewed_at_ms = record.last_mutation_at_ms = now", "record.renewed_at_ms = now"),
    ),
    Plant(
        "batch completion: twice",
        "I-33",
        (
            _RUNS,
            "            or record in run\n            or not record.spec.is_plain\n",
            "            or not record.spec.is_plain\n",
        ),
    ),
    Plant(
        "batch completion: kept for ever",
        "SPEC 9",
        (
            _RUNS,
            "            if ends_at_ms <= record.filed_ms:\n                core._deadlines.file(record)\n",
            "",
        ),
    ),
)
