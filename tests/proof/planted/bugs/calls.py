"""Bugs in `engine`: single calls."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

_EXECUTIONS = "engine/executions.py"

CALLS: Final = (
    Plant(
        "the operator is not named",
        "SPEC 10",
        ("engine/operator.py", "now, reason, detail), self.identity)", "now, reason, detail), None)"),
    ),
    Plant(
        "leases are revoked in no order",
        "SPEC 8",
        ("engine/operator.py", "(record.expires_at_ms, record.execution_id)", "record.execution_id"),
    ),
    Plant(
        "a lane that was served pays nothing",
        "SPEC 7",
        ("engine/choosing.py", "credit - sum(weight for _, weight in heads)", "credit"),
    ),
    Plant(
        "a closed shelf is offered",
        "SPEC 7",
        ("engine/choosing.py", "            and _admits(core, now, seeker, shelf)\n        ):", "        ):"),
    ),
    Plant(
        "the worst head is the best",
        "SPEC 7",
        (
            "engine/choosing.py",
            "rank(head, shelf.aging_ms) < rank(chosen",
            "rank(head, shelf.aging_ms) > rank(chosen",
        ),
    ),
    Plant(
        "who wants no lost ones gets them",
        "SPEC 7",
        (
            "engine/choosing.py",
            "            shelf.kind in seeker.kinds\n            and (chosen",
            "            (chosen",
        ),
    ),
    Plant(
        "one execution over the limit",
        "SPEC 11",
        (_EXECUTIONS, "len(self._records) >= limit", "len(self._records) > limit"),
    ),
    Plant(
        "a draining lane takes more",
        "SPEC 7",
        (_EXECUTIONS, "spec.lane.state is LaneStatus.DRAINING:", "spec.lane.state is None:"),
    ),
    Plant(
        "a page begins where the last one ended",
        "SPEC 9",
        ("engine/looking.py", "*created(found[limit - 1])", "*created(found[limit])"),
    ),
    Plant(
        "a page of workers begins where the last one ended",
        "SPEC 8",
        ("engine/workers.py", "if name > cursor and", "if name >= cursor and"),
    ),
    Plant(
        "a lane without workers is closed",
        "SPEC 7",
        ("engine/explaining.py", "return not workers or any(", "return any("),
    ),
    Plant(
        "a delayed resume reads as waiting",
        "reference 11.6",
        ("engine/suspensions.py", '"delayed" if resume_delay_ms else "waiting"', '"waiting"'),
    ),
    Plant(
        "a lane that is given is not compared",
        "SPEC 5",
        (
            "engine/taking.py",
            "if lane_id is not None and lane_id != record.spec.lane_id:",
            "if lane_id == '':",
        ),
    ),
    Plant(
        "a de-duplication key lives for ever",
        "SPEC 8",
        ("engine/metering.py", "min(now + KEY_WINDOW_MS, MAX_MS)", "MAX_MS"),
    ),
)
