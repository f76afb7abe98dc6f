"""Interruptions of the inner loop's five calls on their plain way (I-41, SPEC 11, Atomic).

The other tests of atomicity observe, or bring ids of their own, and so take the general way. Here an
exception is raised at every line of the unrolled bodies, and at every opcode; the next call, whichever, must
find the state before or the state after.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pytest

from grantcore import Scheduler
from grantcore.engine import inner
from tests.inner_rig import CALLS, Rig
from tests.robustness import inside
from tests.robustness.injection import OpcodeTracer, Tracer, traced

if TYPE_CHECKING:
    from collections.abc import Callable


def state(rig: Rig) -> str:
    """The digest of the state as it stands."""
    return inside.bare_digest(rig.engine)


class Points(NamedTuple):
    """How many points of a call were interrupted, and how many of them with the slot full."""

    interrupted: int
    halfway: int


def interrupted(call: Callable[[Rig], object], tracer: type[Tracer]) -> Points:
    """Interrupt a call at every line, or opcode, each time on a new engine; the judgement is made here."""
    before, after = Rig(), Rig()
    call(after)
    allowed = {state(before), state(after)}
    halfway = at = 0
    while True:
        at += 1
        rig = Rig()
        if tracer.forgetful:
            traced(tracer(), partial(call, Rig()))
        if traced(tracer(at), partial(call, rig)) is None:
            return Points(at, halfway)
        halfway += inside.is_halfway(rig.engine)
        rig.engine.now_ms()
        rig.engine.check()
        assert state(rig) in allowed, at


@pytest.mark.parametrize("tracer", [Tracer, OpcodeTracer])
@pytest.mark.parametrize("name", CALLS)
def test_the_state_is_the_one_before_or_the_one_after(name: str, tracer: type[Tracer]) -> None:
    """I-41; many points, some of them between the slot and the last store."""
    points = interrupted(CALLS[name], tracer)
    assert points.interrupted > (20 if tracer is Tracer else 100)
    assert points.halfway > 3


def test_a_slot_that_nobody_finishes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judgement can fail: without the finisher the state is torn."""
    monkeypatch.setattr(inner, "write_first_lease", lambda *_: None)
    with pytest.raises(AssertionError):
        interrupted(CALLS["claim"], Tracer)


def test_an_id_in_use_is_refused_and_nothing_is_written() -> None:
    """SPEC 9: a caller may have brought the very id that comes next; the next call gets another."""
    twin = Rig()
    coming = twin.create()
    rig = Rig()
    rig.engine.create_execution(lane_id="main", execution_id=coming)
    before = state(rig)
    with pytest.raises(ValueError, match=r"ids\.execution_id"):
        rig.create()
    assert state(rig) == before
    assert rig.create() != coming
    rig.engine.check()


def test_an_interrupted_check_forgets_nobody() -> None:
    """I-41: ``check()`` puts newcomers into line; at every line the next call finds all who wait."""
    at = 0
    while True:
        at += 1
        rig = Rig()
        waiting = (rig.waiting, rig.create(), rig.create())
        error = traced(Tracer(at), rig.engine.check)
        assert Scheduler(rig.engine).peek("main", ()) == waiting, at
        rig.engine.check()
        if error is None:
            break
    assert at > 100
