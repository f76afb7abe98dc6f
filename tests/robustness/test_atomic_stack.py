"""I-41, I-63: the caller's own end of the stack, or of memory, wherever in a call it comes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import pytest

import grantcore as gc
from tests.marks import one_in
from tests.robustness.calls import SCENARIOS, Scenario
from tests.robustness.injection import TELLING, Tally, judge, planned

pytestmark = [pytest.mark.uncovered, pytest.mark.every_python]


def _room() -> int:
    """How many more Python frames fit on the stack."""
    try:
        return 1 + _room()
    except RecursionError:
        return 0


def _deeper(frames: int, call: Callable[[], object]) -> object:
    return _deeper(frames - 1, call) if frames > 0 else call()


def _with_room_for(frames: int, call: Callable[[], object]) -> BaseException | None:
    """Make a call where so many frames are left; what it raises is the answer."""
    try:
        _deeper(_room() - frames, call)
    except Exception as error:  # noqa: BLE001 - judged by the test
        return error
    return None


def _ended_by_the_stack(error: BaseException | None) -> bool:
    """RecursionError passes through; inside the clock it may read as the clock's (SPEC 3)."""
    return isinstance(error, RecursionError) or isinstance(getattr(error, "__cause__", None), RecursionError)


def _expected(error: BaseException | None) -> bool:
    """I-63: nothing but the stack's own end, or a documented refusal."""
    return error is None or isinstance(error, gc.GrantError) or _ended_by_the_stack(error)


@pytest.mark.parametrize("scenario", one_in(4, SCENARIOS), ids=str)
def test_called_at_the_end_of_the_stack(scenario: Scenario) -> None:
    """hostile-inputs section 4: called at stack depth limit - k, for all k that matter."""
    plan, tally, ended = planned(scenario, observers=1), Tally(), 0
    for frames in range(1, 26):
        world = plan.world()
        raised = _with_room_for(frames, partial(scenario.make, world))
        ended += _ended_by_the_stack(raised)
        tally.note(world.engine, raised, RecursionError)
        wrong = judge(plan, world, frames, TELLING) or (None if _expected(raised) else repr(raised))
        if wrong:
            tally.wrong.append(f"{scenario} with {frames} frames: {wrong}")
    assert tally.wrong == []
    assert ended >= 2
    assert ended < tally.points, "with more frames the call succeeds"


@pytest.mark.parametrize(
    ("call", "situation"),
    [
        ("create_execution", "rich"),
        ("take", "granted"),
        ("renew_lease", "held"),
        ("complete_execution", "retried"),
        ("fail_execution", "held"),
        ("advance", "falling_due"),
    ],
)
def test_every_allocation_fails_once(call: str, situation: str) -> None:
    """hostile-inputs section 4: MemoryError at the n-th allocation (SQLite's loop), I-41."""
    pytest.importorskip("_testcapi", reason="this build of CPython cannot fail allocations on request")
    child = [sys.executable, "-m", "tests.robustness.memory_child", call, situation]
    ran = subprocess.run(child, capture_output=True, text=True, check=False, timeout=120)
    if ran.returncode < 0 and sys.version_info >= (3, 12):
        pytest.skip("this CPython itself does not survive a failed allocation")
    assert ran.returncode == 0, ran.stderr
    points, interrupted, wrong = map(int, ran.stdout.split("\n")[0].split())
    assert wrong == 0, ran.stdout
    assert points > 40
    assert interrupted > 10
