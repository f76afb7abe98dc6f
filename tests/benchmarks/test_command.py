"""``python -m benchmarks``: what it takes, what it prints, when it fails."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import recorded
from benchmarks.rows import Group, Row
from tests import readme

pytestmark = pytest.mark.uncovered

GOOD = Group("scenario", "about", (Row("calls", "some", (1.0,), "us", goal=2),))
BAD = Group("growth", "about", (Row("calls", "some", (3.0,), "us", goal=2),))


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(command.GROUPS, "scenario", lambda _sizes, _stock: GOOD)
    monkeypatch.setitem(command.GROUPS, "growth", lambda _sizes, _stock: BAD)


@pytest.mark.usefixtures("groups")
def test_a_missed_goal_fails_unless_sizes_are_small(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["scenario"]) == 0
    assert command.main(["scenario", "growth"]) == 1
    assert "MISSED" in capsys.readouterr().out
    assert command.main(["growth", "--quick"]) == 0
    assert "MISSED" not in capsys.readouterr().out


@pytest.mark.usefixtures("groups")
def test_rows_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["growth", "scenario", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert [group["name"] for group in data["groups"]] == ["scenario", "growth"]
    assert [row["ok"] for group in data["groups"] for row in group["rows"]] == [True, False]
    assert data["about"]["python"].endswith(platform.python_version())
    assert "processors" in data["about"]["machine"]


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["--record", "--quick"], ["--record", "growth"], ["--record", "--guard"]]
)
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(arguments)
    assert refused.value.code == 2


def test_recording_writes_all_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[str]] = []

    def rewrite(arguments: list[str]) -> int:
        told.append(arguments)
        return 0

    monkeypatch.setattr(readme, "main", rewrite)
    run = recorded.Recorded({"python": "P", "machine": "M"}, (GOOD,), {"lifecycle": 5.0})
    command.record(run, tmp_path)
    assert recorded.load(tmp_path / "recorded.json") == run
    assert (tmp_path / "RESULTS.md").read_text(encoding="utf-8") == recorded.markdown(run)
    assert told == [[]]
