"""The table of calls has every public call; each is made on what it is about, and nothing stays behind."""

from __future__ import annotations

import pytest

from benchmarks.bench import Bench
from benchmarks.calls import CALLS, NOT_HERE, Call
from benchmarks.lifecycle import Rig
from benchmarks.memory import PHASES
from grantcore import GrantEngine, Operator, Scheduler

pytestmark = pytest.mark.uncovered


def public(owner: type) -> set[str]:
    return {name for name in dir(owner) if not name.startswith("_") and callable(getattr(owner, name))}


def test_every_public_call_is_measured_or_named() -> None:
    names = [call.name for call in CALLS]
    assert len(names) == len(set(names))
    assert set(names) | set(NOT_HERE) == public(GrantEngine) | public(Operator) | public(Scheduler)
    assert not set(names) & set(NOT_HERE)


@pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
def test_each_call_leaves_as_much_as_there_was(call: Call) -> None:
    rig = Rig()
    rig.lease_many(3)
    bench = Bench(rig)
    before = rig.engine.stats().executions_by_phase
    assert call.sample_ns(bench, 2) > 0
    rig.engine.check()
    assert rig.engine.stats().executions_by_phase == before
    assert rig.engine.list_workers().entries == ()


@pytest.mark.parametrize("name", PHASES)
def test_what_is_weighed_is_in_its_phase(name: str) -> None:
    rig = Rig()
    bench = Bench(rig)
    PHASES[name](bench)
    rig.clock.advance(1)
    phases = [phase.name for phase, count in rig.engine.stats().executions_by_phase.items() if count]
    assert phases == [IN_PHASE[name]]


IN_PHASE = {
    "waiting": "ELIGIBLE",
    "granted": "ELIGIBLE",
    "leased": "LEASED",
    "lease lost": "LEASE_EXPIRED",
    "suspended": "SUSPENDED",
    "waiting for children": "BLOCKED",
    "blocked": "BLOCKED",
    "delayed": "DELAYED",
    "succeeded": "SUCCEEDED",
    "reclaimed, leased": "LEASED",
}
