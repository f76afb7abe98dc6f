"""The machine: engine and model under ``hypothesis``; what it proposes, and that a planted bug is found."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from grantcore import GrantError
from grantcore.rules import creating
from grantcore.testing.machine import GrantMachine
from grantcore.testing.pair import Disagreement
from grantcore.testing.proposing import Kind, Proposer
from grantcore.testing.steps import Step

QUICK = settings(
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    deadline=None,
    max_examples=40,
    stateful_step_count=30,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_it_proposes_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """About 70 % legal, 20 % near misses, 10 % garbage; time moves to deadlines -1, 0, +1 ms."""
    proposed: Counter[Kind] = Counter()
    moves: Counter[int] = Counter()
    original = Proposer.step

    def step(self: Proposer, number: int, now_ms: int, chance: object = None) -> Step:
        pending = {due.at_ms for due in self._model.deadlines()}
        made = original(self, number, now_ms, chance)  # type: ignore[arg-type]  # as it was given
        proposed[self.kind] += 1
        if made.call == "at":
            moves.update(by for by in (-1, 0, 1) if made.args[0] - by in pending)  # type: ignore[operator]
        return made

    monkeypatch.setattr(Proposer, "step", step)
    run_state_machine_as_test(GrantMachine, settings=QUICK)
    calls = proposed.total()
    assert calls > 500
    for kind in Kind:
        assert abs(proposed[kind] / calls - kind.value / 10) < 0.12, proposed
    assert min(moves[by] for by in (-1, 0, 1)) > 0, moves


def test_a_planted_bug_is_found_and_told_as_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """The notes of the failure have the calls."""
    monkeypatch.setattr(creating, "clamp", lambda priority: priority + 1)
    with pytest.raises(Disagreement) as caught:
        run_state_machine_as_test(GrantMachine, settings=QUICK)
    assert "pair = Pair(0, config=" in "".join(getattr(caught.value, "__notes__", ()))


def test_calls_of_a_rule_go_to_both() -> None:
    """The backend answers and refuses as an engine does; what a call gave is named in the script."""
    machine = GrantMachine()
    assert machine.backend.create_execution(lane_id="a", execution_id="e").execution_id == "e"
    operator = machine.backend.operator("root")
    lease = operator.issue_grant_and_claim("e", worker_id="w", worker_instance_id="i", lease_ttl_ms=5)
    machine.backend.renew_lease(lease, lease_ttl_ms=5)
    with pytest.raises(GrantError):
        machine.backend.read_payload("nobody")
    assert machine.scheduler.peek("a", []) == ()
    assert machine.pair.model.now_ms() == machine.now_ms == 0
    assert "r2 = pair.call('renew_lease', r1, lease_ttl_ms=5)" in machine.script()
