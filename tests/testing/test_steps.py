"""Calls as data."""

from __future__ import annotations

import pytest

from grantcore import Fence, Phase
from grantcore.testing.comparing import shortest
from grantcore.testing.steps import Absent, Altered, Ref, Step, altered, resolved, script


def test_a_step_reads_as_python() -> None:
    step = Step(7, "list_executions", (Ref(3), Altered(Ref(2), {"lease_epoch": 9})), {"phase": Phase.LEASED})
    assert (
        repr(step) == "r7 = pair.call('list_executions', r3, altered(r2, lease_epoch=9), phase=Phase.LEASED)"
    )


def test_a_script_begins_with_its_setting() -> None:
    assert script([Step(0, "now_ms")], "Pair(1)").splitlines()[-2:] == [
        "pair = Pair(1)",
        "r0 = pair.call('now_ms')",
    ]


def test_results_are_put_where_they_are_referred_to() -> None:
    fence = Fence("e", "l", 1, "a")
    results = {1: fence}
    assert resolved(Ref(1), results) is fence
    assert resolved([Ref(1), 5], results) == [fence, 5]
    assert resolved(Altered(Ref(1), {"attempt_id": None}), results) == Fence("e", "l", 1, None)
    with pytest.raises(Absent):
        resolved(Ref(2), results)


def test_altering_something_without_parts_gives_an_empty_fence() -> None:
    assert altered(object(), execution_id="e") == Fence("e")


def test_the_shortest_list_keeps_what_is_needed_to_fail() -> None:
    steps = [Step(number, "now_ms") for number in range(100)]
    needed = {steps[3], steps[50], steps[99]}
    assert shortest(steps, lambda some: needed <= set(some)) == [steps[3], steps[50], steps[99]]
