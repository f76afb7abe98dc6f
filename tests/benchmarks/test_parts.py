"""The parts of a whole do what the engine does, add up, and know their own costs from their loops'."""

from __future__ import annotations

import gc
from collections.abc import Callable
from inspect import signature

import attrs
import pytest

from benchmarks.bench import Bench
from benchmarks.lifecycle import INSTANCE_ID, LEASE_TTL_MS, WORKER_ID, Rig
from benchmarks.memory import held
from benchmarks.parts import batch, bodies, lapses, lifecycle, occupied
from benchmarks.parts.part import Part, catching_up_ns, collector_ns, shares
from benchmarks.rows import Group
from benchmarks.sizes import QUICK, Sizes
from grantcore import GrantEngine
from grantcore.model.leases import TAKING
from grantcore.model.records import Execution

pytestmark = pytest.mark.uncovered

ALL = {part.name: part for part in (*bodies.PARTS, bodies.MARK, *batch.PARTS)}


# -- the same as the engine ------------------------------------------------------------------------


def fields(record: Execution, *unlike: str) -> dict[str, object]:
    return {
        field.name: getattr(record, field.name)
        for field in attrs.fields(Execution)
        if field.name not in ("execution_id", *unlike)
    }


def test_the_part_that_makes_a_record_makes_what_a_call_makes() -> None:
    rig = Rig()
    bodies.make_records(rig, 300)
    *_, made = rig.engine._records.values()
    called = rig.engine._records[rig.create()]
    assert fields(made) == fields(called)
    assert made.execution_id < called.execution_id
    rig.engine.check()


def test_the_part_that_stores_stores_what_the_calls_store() -> None:
    rig = Rig()
    rig.create()
    waiting = rig.engine._records[rig.create()]
    lease = rig.engine.claim_execution(
        rig.grant(), worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
    )
    rig.engine.complete_execution(rig.engine.renew_lease(lease, lease_ttl_ms=LEASE_TTL_MS))
    bodies.store_lives(rig, [waiting], lease.tenure[TAKING])
    called = rig.engine._records[lease.execution_id]
    assert fields(waiting, "lease_id", "attempt_id") == fields(called, "lease_id", "attempt_id")
    rig.engine.check()


@pytest.mark.parametrize(
    "name",
    ["create_execution", "issue_claim_grant", "claim_execution", "renew_lease", "complete_execution"],
)
def test_a_call_that_does_nothing_is_called_as_one_that_does(name: str) -> None:
    still, engine = (
        signature(getattr(owner, name)).parameters.values() for owner in (bodies.Still, GrantEngine)
    )
    assert [(one.name, one.kind, one.default) for one in still] == [
        (one.name, one.kind, one.default) for one in engine
    ]


# -- what they cost --------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ALL.values(), ids=ALL)
def test_a_part_can_be_measured(part: Part) -> None:
    assert part.sample_ns(100) > 0


def test_parts_and_the_rest_are_the_whole() -> None:
    once, often = Part("once", "", int), Part("often", "", int, 5)
    medians = {"whole": 10.0, "once": 2.5, "often": 4.5, "loop": 0.5}
    rows = shares((once, often), medians, "what remains")
    assert [(row.what, *row.measured) for row in rows] == [
        ("once", 2.0),
        ("often", 2.0),
        ("all these", 4.0),
        ("the rest", 6.0),
    ]
    assert [row.ratio for row in rows] == [0.2, 0.2, 0.4, 0.6]


def test_the_time_of_the_collector_is_its_own() -> None:
    gc.collect()
    assert collector_ns(lambda: None) == 0
    assert collector_ns(gc.collect) > 0
    before = list(gc.callbacks)
    with pytest.raises(ZeroDivisionError):
        collector_ns(lambda: 1 // 0)
    assert gc.callbacks == before


def test_time_that_stands_still_costs_nothing() -> None:
    rig = Rig()
    rig.engine.now_ms()
    assert catching_up_ns(rig, rig.create) == 0
    rig.clock.advance(1)
    assert catching_up_ns(rig, rig.create) > 0


@pytest.mark.parametrize("measure", [lifecycle.measure, batch.measure, lapses.measure])
def test_every_share_is_of_the_whole(measure: Callable[[Sizes], Group]) -> None:
    rows = measure(QUICK).rows
    assert rows[0].what == "the whole"
    assert {row.base for row in rows} == {"whole"}
    assert len({row.what for row in rows}) == len(rows)


# -- bytes -----------------------------------------------------------------------------------------


def test_the_objects_of_a_lease_are_all_that_the_allocator_gave() -> None:
    """Those that can be reached from the engine, to within the few bytes that the allocator adds to each."""
    occupied_bytes, objects, weights = occupied.taken_apart(2_000)
    assert sum(weights.values()) == pytest.approx(occupied_bytes, rel=0.04)
    assert occupied_bytes == pytest.approx(held(Bench.leased, 2_000)[0], rel=0.01)
    assert objects["record"] == 1
    assert 1 <= objects["id"] < 1.01
    assert weights["record"] > weights["id"] > weights["dict"] > weights["others"]
