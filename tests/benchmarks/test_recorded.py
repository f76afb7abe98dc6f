"""The recorded run can be read, and the table written from it is current (as README.md's: test_readme.py)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import recorded
from benchmarks.__main__ import GROUPS
from benchmarks.peers.everyone import PEERS

pytestmark = pytest.mark.uncovered


def test_the_table_is_that_of_the_recorded_run() -> None:
    run = recorded.load()
    written = recorded.RESULTS.read_text(encoding="utf-8")
    assert written == recorded.markdown(run), "run: python -m benchmarks --record"
    names = [group.name for group in run.groups]
    assert names == [name for name in GROUPS if name in names], "a group that was recorded is no longer there"
    assert all(f"| {row.what}: {row.says} |" in written for group in run.groups for row in group.rows)


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    run = recorded.load()
    run.save(tmp_path / "recorded.json")
    assert recorded.load(tmp_path / "recorded.json") == run


def test_another_run_gives_another_text() -> None:
    run = recorded.load()
    scenario = next(group for group in run.groups if group.name == "scenario")
    row = replace(scenario.rows[0], measured=(12.34,), goal=99)
    other = replace(run, groups=(replace(scenario, rows=(row,)),))
    assert "12.3 us" in recorded.markdown(other)
    assert "<= 99 x floor" in recorded.goals(other)
    assert recorded.goals(other) != recorded.goals(run)


def test_a_peer_that_was_not_there_is_told() -> None:
    table = recorded.peers(replace(recorded.load(), groups=()))
    assert table.count("not measured") == len(PEERS)
    assert all(f"| {peer.name} | " in table and peer.lacks in table for peer in PEERS)
