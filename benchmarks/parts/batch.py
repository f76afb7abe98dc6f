"""Where the time of a lifecycle goes when a hundred share each call: what no batch can do without.

What a single call does but once for a batch (the call, the lock, the clock, the slot) is left out: a
hundredth of little. The bodies are in ``grantcore/engine/runs.py`` and ``batches.py``.
"""

from __future__ import annotations

from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import (
    ALIKE,
    BURST,
    INSTANCE_ID,
    LANE_ID,
    LEASE_TTL_MS,
    REQUEST,
    WORKER_ID,
    Rig,
    floor_ns,
    ids,
    warm,
)
from benchmarks.parts.bodies import answers_ns, record_ns
from benchmarks.parts.part import CALLS, Part, meanwhile, share, shares, sources
from benchmarks.rows import Group
from benchmarks.scenario import GOALS
from benchmarks.timing import interleaved
from grantcore import ClaimGrant, Created, Lease
from grantcore.engine.batches import NOTHING, _held, _listed
from grantcore.engine.leases import _fences
from grantcore.model.grants import KIND_OF

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes
    from grantcore.model.records import Execution

SAYS: Final = (
    f"Of one lifecycle of a new engine when {BURST} share each of the five calls; the ratio is to the whole "
    "of it. The last row is what the goal leaves for a lifecycle."
)


def measure(sizes: Sizes) -> Group:
    """Let the whole, its parts and the floor take turns."""
    many, floor_ids = sizes.lifecycles, ids(sizes.lifecycles)
    parts = (*PARTS, *meanwhile(Rig.batches_ns))
    medians = interleaved(
        {
            "whole": lambda: warm().batches_ns(many),
            **sources(parts, many),
            "floor": lambda: floor_ns(floor_ids),
        },
        sizes.samples,
    )
    whole, (goal, _) = medians["whole"], GOALS["batched"]
    rows = (
        share("the whole", f"one lifecycle of {BURST}", whole, whole),
        *shares(parts, medians, "judging each, storing what changes, moving the indexes"),
        share("the goal", f"{goal:g} times the floor", goal * medians["floor"], whole),
    )
    return Group("parts-batched", SAYS, rows)


def reading_ns(count: int) -> int:
    """Read the five batches to their ends and ask the types of their items."""
    rig = Rig()
    granted = [rig.grant() for _ in range(BURST)]
    leased = [rig.claim(grant) for grant in granted]
    names = [grant.execution_id for grant in granted]
    began_ns = process_time_ns()
    for _ in range(0, count, BURST):
        plain = [one == NOTHING for one in _listed("executions", ALIKE)]
        texts = [type(name) is str for name in _listed("execution_ids", names)]
        grants = [type(grant) in KIND_OF for grant in _listed("grants", granted)]
        fences = _fences(leased)
        held = _held(_listed("leases", leased))
        assert len(plain) == len(texts) == len(grants) == len(fences) == len(held)
    return process_time_ns() - began_ns


def finding_ns(count: int) -> int:
    """Find the record of each id four times; three times note that it is in the batch."""
    rig = Rig()
    bursts = [[rig.create() for _ in range(BURST)] for _ in range(0, count, BURST)]
    records = rig.engine._records  # noqa: SLF001 - what is inside is what is measured
    began_ns = process_time_ns()
    for names in bursts:
        for _ in range(CALLS - 2):
            run: dict[Execution, None] = {}
            for name in names:
                record = records.get(name)
                if record is None or record in run:
                    raise AssertionError
                run[record] = None
        for name in names:
            if records.get(name) is None:
                raise AssertionError
    return process_time_ns() - began_ns


def looking_ns(count: int) -> int:
    """Look at four of the five answers, as the benchmark does."""
    engine = Rig().engine
    created = engine.create_executions(ALIKE, lane_id=LANE_ID)
    granted = engine.issue_claim_grants(
        [one.execution_id for one in created if isinstance(one, Created)], REQUEST
    )
    claimed = engine.claim_many(
        [grant for grant in granted if isinstance(grant, ClaimGrant)],
        worker_id=WORKER_ID,
        worker_instance_id=INSTANCE_ID,
        lease_ttl_ms=LEASE_TTL_MS,
    )
    began_ns = process_time_ns()
    for _ in range(0, count, BURST):
        names = [one.execution_id for one in created if isinstance(one, Created)]
        grants = [grant for grant in granted if isinstance(grant, ClaimGrant)]
        leases = [lease for lease in claimed if isinstance(lease, Lease)]
        renewed = [lease for lease in claimed if isinstance(lease, Lease)]
        assert len(names) == len(grants) == len(leases) == len(renewed) == BURST
    return process_time_ns() - began_ns


def collecting_ns(count: int) -> int:
    """Put five answers into lists, one by one, and give these as tuples."""
    began_ns = process_time_ns()
    for _ in range(0, count, BURST):
        for _ in range(CALLS):
            answers: list[object] = []
            for number in range(BURST):
                answers.append(number)  # noqa: PERF402 - as they are made
            tuple(answers)
    return process_time_ns() - began_ns


PARTS: Final = (
    Part("record", "an id, a record with its fields, its place in the store", record_ns),
    Part("answers", "five frozen values, as in a single lifecycle", answers_ns),
    Part("collecting", "putting them into five lists, and these into tuples", collecting_ns, 0),
    Part("finding", "the record of an id four times, three times whether it is in the batch", finding_ns, 0),
    Part("reading", "the five batches to their ends, each item's type asked", reading_ns, 0),
    Part("looking", "what the benchmark itself does: four of the answers looked at", looking_ns, 0),
)
