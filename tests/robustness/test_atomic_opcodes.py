"""I-41 finer than lines: an exception before every opcode of the calls of a scheduler's inner loop."""

from __future__ import annotations

import sys
from typing import Final

import pytest

from tests.marks import one_in
from tests.robustness.calls import Scenario, named
from tests.robustness.injection import OpcodeTracer, inject, planned

pytestmark = [pytest.mark.uncovered, pytest.mark.every_python]

HOT: Final = (
    named("claim_execution", "granted"),
    named("renew_lease", "held"),
    named("complete_execution", "held"),
    named("complete_execution", "retried"),
    named("fail_execution", "held"),
    named("reclaim_execution", "reclaimable"),
)


EACH: Final = sys.version_info < (3, 13)
"""CPython 3.13 does not trace every opcode any more once a trace function has raised."""

LONG: Final = HOT[-2:]
"""Every second opcode of these; with ``-m nightly`` each of them."""


@pytest.mark.parametrize("scenario", one_in(3, HOT), ids=str)
def test_interrupted_at_every_opcode(scenario: Scenario) -> None:
    """I-41, I-65: hostile-inputs section 4, the k-th opcode."""
    stride = 2 if scenario in LONG else 1
    tally = inject(planned(scenario, observers=1), KeyboardInterrupt, tracer=OpcodeTracer, stride=stride)
    assert tally.wrong == []
    assert tally.points > 250
    assert not EACH or (tally.points > 500 and tally.halfway > 100)


@pytest.mark.proof
def test_a_run_of_lapses_interrupted_between_opcodes() -> None:
    """I-41: six lapses of six kinds and a retry that is due at once; every thirteenth opcode."""
    plan = planned(named("advance", "falling_due"))
    tally = inject(plan, KeyboardInterrupt, MemoryError, tracer=OpcodeTracer, stride=13)
    assert tally.wrong == []
    assert tally.points > 200
    assert not EACH or (tally.points > 400 and tally.halfway > 150)


@pytest.mark.parametrize("scenario", HOT[1:3], ids=str)
def test_without_a_lock_every_opcode(scenario: Scenario) -> None:
    """SPEC 11: entry and exit of the owner mark of ``threadsafe=False`` are interrupted too."""
    tally = inject(planned(scenario.unlocked()), KeyboardInterrupt, tracer=OpcodeTracer)
    assert tally.wrong == []
    assert tally.points > 150
    assert tally.left_over >= 3


@pytest.mark.nightly
@pytest.mark.parametrize("scenario", HOT, ids=str)
def test_interrupted_at_every_opcode_while_things_fall_due(scenario: Scenario) -> None:
    """I-41, all of it."""
    for error in (KeyboardInterrupt, MemoryError):
        tally = inject(planned(scenario, due=True, observers=2), error, tracer=OpcodeTracer)
        assert tally.wrong == []
