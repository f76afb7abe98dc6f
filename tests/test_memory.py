"""``settle_memory`` does what it says, to the whole process (issue 7)."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

import grantcore
from grantcore import GrantEngine, IssueClaimGrantRequest, ManualClock, settle_memory


class Knot:
    """Something that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """Each test leaves the collector as it was."""
    thresholds = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.unfreeze()
    assert gc.get_threshold() == thresholds
    assert gc.isenabled()


def test_what_is_garbage_is_collected_and_what_is_alive_is_frozen() -> None:
    garbage = weakref.ref(Knot())
    kept = Knot()
    frozen = settle_memory()
    assert garbage() is None
    assert frozen == gc.get_freeze_count() > 0
    assert not any(each is kept for each in gc.get_objects())


def test_the_records_of_an_engine_are_looked_at_no_more() -> None:
    """A full collection has next to nothing left to visit."""
    engine = GrantEngine(clock=ManualClock())
    engine.create_executions([{}] * 2_000, lane_id="main")
    before = len(gc.get_objects())
    settle_memory()
    assert len(gc.get_objects()) < before - 2_000


def test_what_is_frozen_is_freed_all_the_same() -> None:
    """An engine makes no cycles: what it forgets goes at once, though the collector does not look at it."""
    clock = ManualClock()
    engine = GrantEngine(clock=clock, config=grantcore.EngineConfig(retention_ms=10))
    engine.create_executions([{}] * 2_000, lane_id="main", policy=grantcore.ExecutionPolicy())
    names = [entry.execution_id for entry in engine.list_executions(limit=2_000).entries]
    frozen = settle_memory()
    for name in names:
        engine.cancel_execution(name, reason="")
    clock.advance(10)
    engine.advance()
    del names
    assert engine.stats().executions_by_phase[grantcore.Phase.CANCELLED] == 0
    assert gc.get_freeze_count() < frozen - 1_800  # the indexes let go of the last ones later


def test_the_engine_goes_on_as_before() -> None:
    engine = GrantEngine(clock=ManualClock())
    engine.create_execution(lane_id="main", execution_id="job-1")
    digest = engine.digest()
    settle_memory()
    assert engine.digest() == digest
    request = IssueClaimGrantRequest(worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=5)
    grant = engine.issue_claim_grant("job-1", request)
    lease = engine.take(grant, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=5)
    settle_memory()
    engine.complete_execution(lease)
    engine.check()
