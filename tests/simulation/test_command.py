"""The command line, and the report it prints."""

from __future__ import annotations

import inspect
import io
import os
import runpy
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from grantcore import GrantEngine, InvariantBroken, __main__
from grantcore.simulation import command, report
from grantcore.simulation.outcome import Outcome

if TYPE_CHECKING:
    from pathlib import Path

LOG = """\
; Computer: none
1  0 -1  60  1 -1 -1 -1 -1 -1 1 1 1 1  0 -1 -1 -1
2 10 -1 900 16 -1 -1 -1 -1 -1 1 1 1 1 -1 -1 -1 -1
3 20 -1   5  4 -1 -1 -1 -1 -1 1 1 1 1  2 -1 -1 -1
"""
OUTCOME = Outcome(
    jobs=1_234,
    succeeded=1_230,
    failed=4,
    makespan_ms=90_061_001,
    waits_ms=(0, 1_000, 2_000),
    leases=2_000,
    renewals=3_000,
    retries=10,
    crashes=20,
    stalls=30,
    reclaims=50,
    refused={"lease_expired": 10, "stale_lease": 20},
    events=9_000,
    checks=7,
    violations=(),
    digest="0f",
)
REPORT = """\
jobs                 1,234
  succeeded          1,230
  failed             4
makespan             1 d 1:01:01
wait, mean           1.000 s
wait, p50            1.000 s
wait, p95            2.000 s
wait, max            2.000 s
leases               2,000
  renewals           3,000
  reclaims           50
retries              10
worker crashes       20
workers late         30
refused stale calls  30
  lease_expired      10
  stale_lease        20
events               9,000
invariants checked   7 times
audit                clean
digest               0f
wall time            1.2 s"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log of three jobs."""
    path = tmp_path / "three.swf"
    path.write_text(LOG)
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command.cli, ["simulate", *map(str, arguments)])


def shown(result: Result) -> dict[str, str]:
    """Read the report back, without the wall time."""
    lines = (line.split("  ", 1) for line in result.output.splitlines() if not line.startswith(" "))
    return {name: text.strip() for name, text in lines if name != "wall time"}


def test_a_log_is_run_to_the_end(log: Path) -> None:
    result = run(log)
    assert result.exit_code == 0
    assert shown(result)["jobs"] == "3"
    assert shown(result)["audit"] == "clean"
    assert shown(run(log)) == shown(result)


def test_a_limit_takes_the_first_jobs(log: Path) -> None:
    assert shown(run(log, "--limit", "2"))["jobs"] == "2"


def test_without_a_file_a_workload_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SYNTHETIC_JOBS", 50)
    assert shown(run())["jobs"] == "50"
    assert shown(run("--limit", "20"))["jobs"] == "20"


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--seed", "-1", "0<=x<="),
        ("--seed", "x", "not a valid integer"),
        ("--workers", "0", "1<=x<=100000"),
        ("--workers", "9" * 5_000, "not a valid integer"),
        ("--lease-ttl-ms", "999", "1000<=x<=86400000"),
        ("--crash-rate", "1.1", "number of 0 to 1"),
        ("--crash-rate", "nan", "number of 0 to 1"),
        ("--late-rate", "-0.1", "number of 0 to 1"),
        ("--late-rate", "much", "not a valid float"),
        ("--check-every", "0", "1<=x<="),
        ("--limit", "0", "1<=x<="),
    ],
)
def test_a_bad_option_is_named_with_what_is_allowed(option: str, value: str, allowed: str) -> None:
    result = run(option, value)
    assert result.exit_code == 2
    assert f"'{option}'" in result.output
    assert allowed in " ".join(result.output.split())


def test_a_damaged_log_is_an_error_with_its_place(log: Path) -> None:
    log.write_text(LOG + "4 x" + " -1" * 16)
    result = run(log)
    assert result.exit_code == 1
    assert f"{log}:5: submit_time must be an integer of -1 (unknown)" in result.output


def test_a_missing_log_or_a_directory_is_an_error(tmp_path: Path) -> None:
    assert "does not exist" in run(tmp_path / "none.swf").output
    assert "is a directory" in run(tmp_path).output


def test_what_the_audit_finds_is_shown_and_fails(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    def broken(_engine: GrantEngine) -> None:
        raise InvariantBroken("I-34")

    monkeypatch.setattr(GrantEngine, "check", broken)
    result = run(log, "--check-every", "1")
    assert result.exit_code == 1
    assert int(shown(result)["audit"].split()[0]) > report.SHOWN_VIOLATIONS
    assert result.output.count("invariant_broken: I-34") == report.SHOWN_VIOLATIONS


def test_help_names_every_option_and_its_range() -> None:
    text = run("--help").output
    for option in (
        "--seed",
        "--workers",
        "--lease-ttl-ms",
        "--crash-rate",
        "--late-rate",
        "--check-every",
        "--limit",
    ):
        assert option in text
    assert text.isascii()


# -- the report ------------------------------------------------------------------------------


def test_plain_text_is_aligned() -> None:
    assert report.plain(report.rows(OUTCOME, 1.23)) == REPORT


def test_a_terminal_gets_a_table() -> None:
    screen = io.StringIO()
    Console(file=screen, width=80).print(report.table(report.rows(OUTCOME, 1.23)))
    assert "│ makespan            │ 1 d 1:01:01 │" in screen.getvalue()


def test_the_table_is_chosen_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(SystemExit) as ended:
        command.cli(["simulate", "--limit", "5"])
    assert ended.value.code == 0
    assert "grantcore simulate" in capsys.readouterr().out


# -- python -m grantcore -----------------------------------------------------------------------


def test_the_module_runs_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["grantcore", "simulate", "--limit", "5"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(inspect.getfile(__main__), run_name="__main__")
    assert ended.value.code == 0
    assert "digest" in capsys.readouterr().out


@pytest.mark.parametrize("absent", ["click", "rich"])
def test_a_missing_extra_is_one_line_and_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], absent: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == absent]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("command", "report"):
        monkeypatch.delitem(sys.modules, f"grantcore.simulation.{name}")
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.err == "grantcore: the command line needs: pip install 'grantcore[simulation]'\n"
    assert not said.out


def test_another_missing_module_is_no_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "grantcore.simulation.command")
    monkeypatch.setitem(sys.modules, "grantcore.simulation.world", None)
    with pytest.raises(ModuleNotFoundError):
        __main__.main()


def test_the_library_needs_neither_click_nor_rich() -> None:
    code = (
        "import sys, grantcore, grantcore.__main__; sys.exit('click' in sys.modules or 'rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("seed", ["7", "8"])
def test_hash_seeds_and_processes_change_nothing(seed: str) -> None:
    def report_of(hash_seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "grantcore", "simulate", "--limit", "200", "--seed", seed],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.rpartition("wall time")[0]

    assert report_of("0") == report_of("1")
