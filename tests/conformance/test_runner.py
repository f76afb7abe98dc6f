"""The runner skips nothing: what it does not know is a mismatch, and its exit code says so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.__main__ import main
from tests.conformance.kept import KEPT
from tests.conformance.runner import Report, replay_file

Rows = list[dict[str, Any]]

GOOD = KEPT / "complete_ok.jsonl"
RETRIES = KEPT / "fail_retry_fixed.jsonl"


def spoiled(folder: Path, source: Path, spoil: Callable[[Rows], object]) -> Path:
    """Copy a trace with one thing changed."""
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    spoil(rows)
    copy = folder / source.name
    copy.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return copy


def first(rows: Rows, op: str) -> dict[str, Any]:
    return next(row for row in rows[1:] if row["op"] == op)


def fields(report: Report) -> set[str]:
    return {mismatch.field for mismatch in report.mismatches}


def test_a_good_trace_has_no_mismatch() -> None:
    report = replay_file(GOOD)
    assert report.mismatches == ()
    assert report.steps > 0


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda rows: rows[1].update(op="create_everything"), "op"),
        (lambda rows: rows[1].update(surprise=1), "row.surprise"),
        (lambda rows: rows[0].update(surprise=1), "header.surprise"),
        (lambda rows: rows[0]["config"].update(zones=[]), "header.config.zones"),
        (lambda rows: rows[0].update(generator_version=2), "header.generator_version"),
        (lambda rows: rows[1]["args"].update(urgency=1), "args.urgency"),
        (lambda rows: rows[1]["args"].update(policy_json='{"speed":1}'), "args.policy_json.speed"),
        (lambda rows: rows[1]["args"].update(policy_json="{"), "args.policy_json"),
        (
            lambda rows: rows[1]["args"].update(policy_json='{"retry_policy":{"pause":1}}'),
            "args.policy_json.retry_policy.pause",
        ),
        (
            lambda rows: rows[1]["args"].update(policy_json='{"routing_requirements":{"zone":1}}'),
            "args.policy_json.routing_requirements.zone",
        ),
        (lambda rows: rows[1]["args"].pop("lane_id"), "exception"),
        (lambda rows: first(rows, "complete_execution")["args"].update(source="root"), "args.source"),
        (lambda rows: rows[1]["result"].update(status="err"), "result.status"),
        (lambda rows: rows[1]["result"].update(code="late"), "result.code"),
        (lambda rows: rows[1]["result"].update(more=1), "row.result.more"),
    ],
)
def test_what_the_adapter_does_not_know_is_a_mismatch(
    tmp_path: Path, spoil: Callable[[Rows], object], field: str
) -> None:
    assert field in fields(replay_file(spoiled(tmp_path, GOOD, spoil)))


def test_an_unknown_field_of_the_state_is_a_mismatch(tmp_path: Path) -> None:
    def spoil(rows: Rows) -> None:
        (state,) = rows[1]["state"].values()
        state["core"]["mood"] = "good"
        state["shadow"] = {"of": 1}

    found = fields(replay_file(spoiled(tmp_path, GOOD, spoil)))
    assert {"state.core.mood", "state.shadow"} <= found


def test_an_unknown_event_index_or_auxiliary_record_is_a_mismatch(tmp_path: Path) -> None:
    def spoil(rows: Rows) -> None:
        claim = first(rows, "claim_execution")
        (state,) = claim["state"].values()
        state["lease_history"][0]["mood"] = "good"
        claim["index_changes"]["shadow"] = {"put": {"x": 1}}
        claim["aux_changes"] = {"workers": {"w": {"alive": 1, "worker_id": "w"}}}

    found = fields(replay_file(spoiled(tmp_path, GOOD, spoil)))
    assert {"events[0].mood", "indexes.shadow", "aux.workers"} <= found


@pytest.mark.parametrize("mode", ["driven", "lazy"])
def test_a_wrong_stamp_is_found_in_both_modes(tmp_path: Path, mode: str) -> None:
    def spoil(rows: Rows) -> None:
        (state,) = rows[-1].setdefault("state", {"e": {}}).values()
        state.setdefault("core", {})["last_transition_at"] = 1

    report = replay_file(spoiled(tmp_path, RETRIES, spoil))
    assert mode in {mismatch.mode for mismatch in report.mismatches}


@pytest.mark.parametrize("text", ["", "{", "[]\n", "{}\n", '{"trace": "t"}\n'])
def test_what_is_no_trace_is_a_mismatch(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(text, encoding="utf-8")
    assert len(replay_file(path).mismatches) == 1


def test_main_ends_with_the_totals_and_success(capsys: pytest.CaptureFixture[str]) -> None:
    steps = replay_file(GOOD).steps
    assert main([str(GOOD)]) == 0
    assert capsys.readouterr().out.splitlines() == [f"1 traces, {steps} steps, 0 mismatches"]


def test_main_tells_every_mismatch_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoiled(tmp_path, GOOD, lambda rows: rows[1]["result"].update(code="late"))
    assert main([str(tmp_path)]) == 1
    *told, last = capsys.readouterr().out.splitlines()
    assert told[0] == (
        "complete_ok.jsonl: driven, step 1 (create_execution): result.code: expected 'late', got (absent)"
    )
    assert len(told) == 2
    assert last.endswith(" steps, 2 mismatches")


def test_main_fails_on_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.jsonl")]) == 1
    assert capsys.readouterr().out.endswith("1 traces, 0 steps, 1 mismatches\n")


def test_main_wants_to_be_told_what_to_replay() -> None:
    assert main([]) == 2


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "tests.conformance", str(GOOD)]
    run = subprocess.run(command, cwd=KEPT.parents[2], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.count("\n")) == (0, 1)
