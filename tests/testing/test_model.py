"""The model offers what the engine offers, and shares none of its rules."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import grantcore
from grantcore import GrantEngine, ManualClock, Operator, Scheduler
from grantcore.testing import Model, ModelOperator, ModelScheduler, SeededIds
from grantcore.testing.model.looking import partition

OF_THE_ENGINE_ALONE = {"subscribe", "check", "digest", "snapshot", "restore"}
"""About observers and the whole state as bytes."""


def _calls(kind: type) -> dict[str, list[tuple[str, object, object]]]:
    """Parameters of the public methods: name, kind, default."""
    return {
        name: [(p.name, p.kind, p.default) for p in inspect.signature(method).parameters.values()]
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("ours", "theirs"), [(GrantEngine, Model), (Operator, ModelOperator), (Scheduler, ModelScheduler)]
)
def test_the_model_has_the_calls_of_the_engine(ours: type, theirs: type) -> None:
    """SPEC 9: names, parameters, defaults."""
    wanted = {name: call for name, call in _calls(ours).items() if name not in OF_THE_ENGINE_ALONE}
    found = _calls(theirs)
    assert {name: found.get(name) for name in wanted} == wanted


def test_the_model_shares_no_rule_with_the_engine() -> None:
    """It imports what grantcore shows to everybody, its own chapters, and the standard library."""
    for path in (Path(grantcore.__file__).parent / "testing" / "model").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                inside = (node.module or "").startswith("grantcore.")
                assert not inside or (node.module or "").startswith("grantcore.testing.model"), path


def test_each_chapter_can_be_read_at_one_sitting() -> None:
    for path in (Path(grantcore.__file__).parent / "testing" / "model").glob("*.py"):
        assert len(path.read_text().splitlines()) < 400, path


def _minted(ids: SeededIds) -> list[str]:
    return [ids.execution_id("main"), ids.attempt_id(), ids.lease_id(), ids.suspension_id()]


def test_seeded_ids_follow_from_the_seed() -> None:
    assert _minted(SeededIds(5)) == _minted(SeededIds(5))
    assert len({*_minted(SeededIds(5)), *_minted(SeededIds(-5))}) == 8


@pytest.mark.parametrize(
    "execution_id", ["e", "{fp:7}:e", "{fp:256}:e", "{fp:07}:e", "{fp:٣}:e", "{fp:}:e", "{fp:7}"]
)
def test_partitions_are_read_alike(execution_id: str) -> None:
    """SPEC 9: N of a prefix, else the CRC of the id."""
    assert partition(execution_id) == grantcore.ClaimGrant(execution_id, 1).partition


def test_a_model_stands_alone() -> None:
    """It needs a clock and ids, and no engine."""
    clock = ManualClock()
    model = Model(clock=clock, ids=SeededIds())
    model.create_execution(lane_id="main", execution_id="e", deadline_at_ms=5)
    assert model.next_deadline_ms() == 5
    clock.advance(5)
    assert model.advance() == grantcore.AdvanceReport(1, more=False)
    assert [told.name for told in model.story] == ["Created", "DeadlinePassed"]
