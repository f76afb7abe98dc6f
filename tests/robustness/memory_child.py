"""Fails the n-th allocation of a call, for every n: run by ``test_atomic_stack`` in a process of its own.

``python -m tests.robustness.memory_child CALL SITUATION`` prints ``points interrupted wrong`` and what
was wrong. Needs ``_testcapi``, which not every build of CPython brings.
"""

from __future__ import annotations

import sys
from functools import partial

from tests.robustness.calls import named
from tests.robustness.injection import TELLING, Plan, Tally, judge, planned
from tests.robustness.worlds import World

ENOUGH = 2_000


def _failing(at: int, world: World, plan: Plan) -> BaseException | None:
    """Make the call with its ``at``-th allocation failing."""
    import _testcapi  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    call = partial(plan.scenario.make, world)
    _testcapi.set_nomemory(at, at + 1)
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - anything may come out
        return error
    finally:
        _testcapi.remove_mem_hooks()
    return None


def main(call: str, situation: str) -> Tally:
    """Fail one allocation after the other until the call needs no more."""
    plan, tally, quiet = planned(named(call, situation), observers=1), Tally(), 0
    for at in range(1, ENOUGH):
        world = plan.world()
        raised = _failing(at, world, plan)
        tally.note(world.engine, raised, MemoryError)
        wrong = judge(plan, world, at, TELLING)
        if wrong:
            tally.wrong.append(f"allocation {at}: {wrong}")
        quiet = 0 if isinstance(raised, MemoryError) else quiet + 1
        if quiet > 40:
            break
    return tally


if __name__ == "__main__":
    result = main(*sys.argv[1:])
    print(result.points, result.interrupted, len(result.wrong))
    print(*result.wrong, sep="\n")
