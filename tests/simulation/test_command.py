"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import inspect
import json
import os
import pty
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from grantcore import __main__
from grantcore.simulation import command, simulating, sweeping, waiting
from grantcore.simulation.measures import METRICS
from grantcore.simulation.record import Record
from grantcore.simulation.report import data, plots, terminal
from grantcore.simulation.run import run as real_run
from grantcore.simulation.scenario.model import Scenario
from grantcore.simulation.sweep import executors, page, plot, work
from grantcore.simulation.sweep.runner import Runner, SweepBroken

LOG = """\
; Computer: none
1  0 -1  60  1 -1 -1 -1 -1 -1 1 1 1 1  0 -1 -1 -1
2 10 -1 900 16 -1 -1 -1 -1 -1 1 1 1 1 -1 -1 -1 -1
3 20 -1   5  4 -1 -1 -1 -1 -1 1 1 1 1  2 -1 -1 -1
"""
REFUSING = "tests.simulation.sweep.schedulers:refusing"
REFUSES = "this scheduler refuses to work"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def log(folder: Path) -> Path:
    path = folder / "three.swf"
    path.write_text(LOG)
    return path


@pytest.fixture
def drawn() -> None:
    """The runs and sweeps of this test draw."""


@pytest.fixture(autouse=True)
def undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes a second: most runs and sweeps here do without."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr(plot, "as_png", lambda _findings: b"")
        monkeypatch.setattr(page, "page", lambda _findings: "")
        monkeypatch.setattr(plots, "PLOTS", {})


def call(*arguments: object) -> Result:
    return CliRunner().invoke(command.cli, list(map(str, arguments)))


def simulate(*arguments: object) -> Result:
    return call("simulate", *arguments)


def sweep(*arguments: object) -> Result:
    return call("sweep", "--jobs", 1, *arguments)


def digest(result: Result) -> str:
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("digest"))
    return line


def violating(scenario: Scenario, **_more: Any) -> Record:
    record = real_run(scenario)
    record.violations.append("two workers inside one fence")
    return record


# -- simulate --------------------------------------------------------------------------------


def test_a_log_is_run_to_the_end_with_one_digest(log: Path) -> None:
    first, second = simulate(log), simulate(log)
    assert first.exit_code == second.exit_code == 0
    assert digest(first) == digest(second) != digest(simulate(log, "--seed", 2))
    assert "clean" in first.stdout
    assert "wall time" in first.stdout
    assert first.stderr == ""


def test_json_is_all_of_stdout_and_the_same_every_time(log: Path) -> None:
    result = simulate(log, "--json")
    report = json.loads(result.stdout)
    assert report["measures"]["jobs"] == 3
    assert "wall" not in result.stdout
    assert result.stdout == simulate(log, "--json").stdout
    assert result.stderr == ""


def scenario_of(*arguments: object) -> dict[str, Any]:
    result = simulate("--json", *arguments)
    assert result.exit_code == 0, result.output
    scenario: dict[str, Any] = json.loads(result.stdout)["scenario"]
    return scenario


def test_shorthands_and_sets_change_the_scenario(log: Path) -> None:
    scenario = scenario_of(
        *("--limit", 4, "--set", "crash=0.5", "--set", "lease_ttl=9000", "--lease-ttl-ms", 7_000),
        *("--workers", 5, "--check-every", 10, "--seed", 9),
    )
    assert scenario["workload"]["jobs"] == 4
    assert scenario["faults"]["crash"] == 0.5
    assert scenario["leases"]["lease_ttl_ms"] == 7_000
    assert scenario["workers"][0]["count"] == 5
    assert (scenario["check_every"], scenario["seed"]) == (10, 9)
    assert scenario_of(log, "--limit", 2, "--lenient")["workload"] | {"path": ""} == scenario_of(
        log, "--set", "workload.limit=2", "--set", "lenient=true"
    )["workload"] | {"path": ""}


def test_a_scenario_file_is_run(folder: Path) -> None:
    (folder / "a.toml").write_text("seed = 4\n[workload]\nkind = 'synthetic'\njobs = 6\n")
    assert scenario_of("a.toml")["seed"] == 4


@pytest.mark.uncovered
@pytest.mark.usefixtures("drawn")
def test_a_page_is_written(log: Path, folder: Path) -> None:
    assert simulate(log, "--html", "page.html").exit_code == 0
    text = (folder / "page.html").read_text()
    assert "grantcore simulate" in text
    assert "--seed 1" in text
    assert text.count("<svg") == len(plots.PLOTS) > 0


def one_line(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "nothing=1"], "nothing is no key here"),
        (["--set", "lease_ttl=0"], "leases.lease_ttl_ms must be an integer of 1 to 86,400,000, not 0"),
        (["--set", "crash=2"], "faults.crash must be"),
        (["--set", "crash"], "--set 'crash': must be KEY=VALUE"),
        (["--set", "=1"], "must be KEY=VALUE"),
        (["--scheduler", "nothing"], "package.module:callable"),
        (["--scheduler", "no_such_module:f"], "cannot be imported"),
        (["--lenient"], "workload.lenient"),
        (["--limit", "1", "--html", "no/such/folder.html"], "there is no folder no/such"),
        (["bad.swf"], "bad.swf:5"),
        (["bad.toml"], "bad.toml"),
        (["bad.txt"], "bad.txt"),
        (["--replay", "bad.toml"], "is no report"),
        (["--replay", "list.json"], "no scenario under"),
        (["--replay", "list.json", "bad.swf"], "give no other"),
        (["--replay", "list.json", "--seed", "1"], "give no other"),
        (["--replay", "empty.json"], "no scenario under"),
        (["--replay", "worse.json"], "no scenario under"),
        (["--replay", "nameless.json"], "its scheduler has no name"),
    ],
)
def test_bad_input_is_one_line_and_code_2(folder: Path, arguments: list[str], said: str) -> None:
    (folder / "bad.swf").write_text(LOG + "4 x" + " -1" * 16)
    (folder / "bad.toml").write_text("lease")
    (folder / "bad.txt").write_text("")
    (folder / "list.json").write_text("[1]")
    schema = {"schema": data.SCHEMA}
    (folder / "empty.json").write_text(json.dumps(schema))
    (folder / "worse.json").write_text(json.dumps(schema | {"scenario": [1]}))
    (folder / "nameless.json").write_text(json.dumps(schema | {"scenario": {}, "scheduler": 7}))
    assert said in one_line(simulate(*arguments))


@pytest.mark.parametrize(
    ("option", "value"),
    [("--seed", "-1"), ("--seed", "x"), ("--workers", "0"), ("--workers", "9" * 5_000), ("--limit", "0")],
)
def test_a_bad_option_is_named(option: str, value: str) -> None:
    result = simulate(option, value)
    assert result.exit_code == 2
    assert f"'{option}'" in result.stderr
    assert "Traceback" not in result.output


def test_what_the_auditor_finds_is_code_1_and_the_command_that_replays_it(
    monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    monkeypatch.setattr(simulating, "run", violating)
    result = simulate(log.name, "--set", "crash=0.5", "--scheduler", "json:loads", "--limit", 1)
    assert result.exit_code == 1
    assert result.stderr == (
        "1 violations; again: grantcore simulate three.swf --set crash=0.5 --set workload.limit=1"
        " --scheduler json:loads --seed 1\n"
    )


def test_the_scheduler_of_the_user_is_asked(log: Path) -> None:
    assert str(simulate(log, "--scheduler", REFUSING).exception) == REFUSES


def test_nobody_reads_on_is_no_bad_input(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_arguments: object, **_more: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(terminal, "show", closed)
    assert simulate(log).exit_code == 1
    assert "Error" not in simulate(log).output


# -- replay ----------------------------------------------------------------------------------


@pytest.fixture
def report(log: Path, folder: Path) -> Path:
    path = folder / "report.json"
    path.write_text(simulate(log, "--json", "--set", "crash=0.5").stdout)
    return path


def test_a_report_is_replayed(report: Path) -> None:
    result = simulate("--replay", report)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.partition("  ")[0] for line in lines] == ["event digest", "state digest", "report digest"]
    assert all("  the same: " in line for line in lines)


def test_a_replay_asks_the_scheduler_that_the_report_names(folder: Path) -> None:
    own = ("--scheduler", "tests.simulation.sweep.schedulers:last_lane_first")
    (folder / "own.json").write_text(simulate("--limit", 9, "--json", *own).stdout)
    assert json.loads((folder / "own.json").read_text())["scheduler"] == own[1]
    assert simulate("--replay", "own.json").exit_code == 0
    assert str(simulate("--replay", "own.json", "--scheduler", REFUSING).exception) == REFUSES


def test_a_replay_from_events_alone_comes_out_the_same(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def watched(scenario: Scenario, *, observed: bool, **more: Any) -> Record:
        asked.append(observed)
        return real_run(scenario, observed=observed, **more)

    monkeypatch.setattr(simulating, "run", watched)
    for option in ([], ["--observed"]):
        assert simulate("--replay", report, *option).stdout.count("the same") == 3
        assert simulate("--limit", 3, *option).exit_code == 0
    assert asked == [False, False, True, True]


def test_a_replay_gives_the_same_report(report: Path, folder: Path) -> None:
    result = simulate("--replay", report, "--json", "--html", "again.html")
    assert result.stdout == report.read_text()
    assert result.stderr.count("the same") == 3
    assert "--replay" in (folder / "again.html").read_text()


@pytest.mark.parametrize("name", ["event_digest", "state_digest", "report_digest"])
def test_a_replay_that_comes_out_otherwise_is_code_1(report: Path, name: str) -> None:
    changed = json.loads(report.read_text()) | {name: "0f"}
    report.write_text(json.dumps(changed))
    result = simulate("--replay", report)
    assert result.exit_code == 1
    assert f"{name.replace('_', ' ')}  differs: was 0f, is " in result.stdout
    assert result.stdout.count("the same") == 2


# -- sweep -----------------------------------------------------------------------------------

VARY = ("--vary", "lease_ttl=20000,60000", "--seeds", 2, "--limit", 15)


@pytest.mark.uncovered
@pytest.mark.usefixtures("drawn")
def test_a_sweep_shows_and_writes_what_it_found(folder: Path) -> None:
    result = sweep(*VARY, "--objective", "recovery_p95_ms", "--out", "out")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert "Take lease_ttl=" in result.stdout
    assert result.stdout.endswith("4 runs done, 0 kept from before; all of it is in out\n")
    names = {"runs", "runs.csv", "settings.csv", "sweep.json", "sweep.html", "trade-off.png"}
    assert {path.name for path in (folder / "out").iterdir()} == names
    assert len(list((folder / "out" / "runs").iterdir())) == 4


def test_a_sweep_started_again_does_what_is_missing(folder: Path) -> None:
    whole = sweep(*VARY, "--json").stdout
    runs = sorted((folder / "default-sweep" / "runs").iterdir())
    runs[0].unlink()
    runs[1].write_text("{")
    result = sweep(*VARY)
    assert "2 runs done, 2 kept from before" in result.stdout
    assert "is damaged" in result.stderr
    assert sweep(*VARY, "--fresh", "--json").stdout == whole == sweep(*VARY, "--json").stdout
    assert "4 runs done, 0 kept" in sweep(*VARY, "--fresh").stdout


def test_the_folder_is_named_after_the_scenario(log: Path, folder: Path) -> None:
    assert sweep(log, "--seeds", 1).exit_code == 0
    assert (folder / "three-sweep" / "sweep.json").exists()


def test_an_interrupted_sweep_says_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []

    def interrupted(scenario: Scenario, **more: Any) -> Record:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(scenario)
        return real_run(scenario, **more)

    with monkeypatch.context() as patch:
        patch.setattr(work, "run", interrupted)
        result = sweep(*VARY)
    assert result.exit_code == 130
    assert result.stderr == (
        "interrupted: of 4 runs, 3 are over and kept in default-sweep; the same command goes on\n"
    )
    assert "1 runs done, 3 kept" in sweep(*VARY).stdout


def test_a_dead_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise SweepBroken("it died")

    monkeypatch.setattr(Runner, "go", broken)
    result = sweep(*VARY)
    assert (result.exit_code, result.stderr[:9]) == (1, "it died: ")


def test_runs_that_fail_or_are_unsound_are_told_and_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    result = sweep("--seeds", 1, "--limit", 5, "--scheduler", REFUSING, "--out", "a")
    assert result.exit_code == 1
    assert "failed: as it is, seed 1: RuntimeError: this scheduler refuses" in result.stderr
    assert f"again: grantcore simulate --set workload.jobs=5 --scheduler {REFUSING} --seed 1" in result.stderr
    monkeypatch.setattr(work, "run", violating)
    result = sweep("--seeds", 1, "--limit", 5, "--out", "b")
    assert result.exit_code == 1
    assert "1 violations: as it is, seed 1: two workers inside one fence\n  again: grant" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--vary", "x"], "--vary 'x': must be KEY=V1,V2"),
        (["--vary", "nothing=1"], "nothing is no key here"),
        (["--vary", "crash=2"], "faults.crash must be"),
        (["--vary", "seed=1,2"], "every setting has the same seeds"),
        (["--objective", "luck"], "there is no measure 'luck'"),
        (["--objective", "jobs"], "neither more nor less"),
        (["--subject-to", "wasted_share<=1"], "needs an --objective"),
        (["--objective", "goodput", "--subject-to", "x"], "must be METRIC<=NUMBER"),
        (["--trade-off", "goodput"], "three different measures"),
        (["--dask", "tcp://127.0.0.1:1"], "--jobs and --dask"),
        (["--limit", "1", "--seeds", "1", "--out", "file/below"], "file"),
    ],
)
def test_a_bad_sweep_is_one_line_and_code_2(folder: Path, arguments: list[str], said: str) -> None:
    (folder / "file").write_text("")
    assert said in one_line(sweep(*arguments))


def test_a_cluster_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def dask(address: str) -> Any:
        asked.append(address)
        return executors.processes(1)

    monkeypatch.setattr(executors, "dask", dask)
    assert call("sweep", "--dask", "tcp://here", "--seeds", 1, "--limit", 5).exit_code == 0
    assert asked == ["tcp://here"]


def test_every_core_is_used_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sweeping.cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert sweeping.cores() == (os.cpu_count() or 1)


def test_the_measures_are_listed() -> None:
    lines = sweep("--metrics").stdout.splitlines()
    assert len(lines) == len(METRICS)
    assert any(line.startswith("wasted_share\tshare\tlower\t") for line in lines)


def test_a_terminal_gets_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "is_terminal", True)
    assert "settings, 2 seeds each" in sweep(*VARY).stdout
    assert "what it says" in sweep("--metrics").stdout


# -- terminals -------------------------------------------------------------------------------


def on_a_terminal(code: str, columns: int) -> str:
    """Run Python on a pseudo-terminal; give what was seen there."""
    primary, secondary = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=secondary, stdout=secondary, stderr=secondary, env=environment
    )
    os.close(secondary)
    seen = b""
    try:
        while part := os.read(primary, 65_536):
            seen += part
    except OSError:  # the other end was closed
        pass
    os.close(primary)
    assert process.wait() == 0, seen
    return seen.decode()


CODE = """
import sys
from grantcore.simulation import command, waiting
waiting.AFTER_S = 0.01
for arguments in ({arguments}):
    try:
        command.cli(arguments)
    except SystemExit as ended:
        assert ended.code == 0, ended
"""
ARGUMENTS = (
    ["simulate", "--limit", "200"],
    ["sweep", "--limit", "40", "--jobs", "1", "--seeds", "2", "--vary", "lease_ttl=20000,60000"],
    ["sweep", "--metrics"],
)


@pytest.mark.uncovered
@pytest.mark.parametrize("columns", [80, pytest.param(120, marks=pytest.mark.proof)])
def test_a_terminal_sees_bars_and_tables_that_fit(columns: int) -> None:
    seen = on_a_terminal(CODE.format(arguments=ARGUMENTS), columns)
    assert "simulating" in seen
    assert "of 4 runs" in seen
    assert "\x1b[?25l" in seen, "no bar"
    assert "wasted share" in seen
    assert "what it says" in seen


def test_a_pipe_sees_no_bar(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "AFTER_S", 0.0)
    with pytest.raises(SystemExit):
        command.cli(["simulate", "--limit", "100"])
    seen = capfd.readouterr()
    assert seen.err == ""
    assert "\x1b" not in seen.out


@pytest.mark.parametrize("ends", [True, False])
def test_a_bar_comes_after_a_while_and_goes(monkeypatch: pytest.MonkeyPatch, ends: bool) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(waiting, "AFTER_S", 60.0 if ends else 0.0)
    with waiting.Bar("waiting") as bar:
        if not ends:
            bar._timer.join()
        assert bar._progress.live.is_started is not ends
        bar.tell(0.5, "half")
        assert bar._progress.tasks[0].description == "half"
        bar.tell(0.6)
        assert bar._progress.tasks[0].description == "half"
    assert not bar._progress.live.is_started


# -- python -m grantcore -----------------------------------------------------------------------


def test_the_module_runs_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["grantcore", "simulate", "--limit", "5"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(inspect.getfile(__main__), run_name="__main__")
    assert ended.value.code == 0
    assert "digest" in capsys.readouterr().out


@pytest.mark.uncovered
@pytest.mark.parametrize("absent", ["click", "rich", "simpy", "matplotlib"])
def test_a_missing_extra_is_one_line_and_code_2(absent: str) -> None:
    code = f"import sys; sys.modules[{absent!r}] = None; import grantcore.__main__ as m; m.main()"
    arguments = ["simulate", "--limit", "2", "--html", os.devnull]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "grantcore: the command line needs: pip install 'grantcore[simulation]'\n"


@pytest.mark.parametrize("name", ["click", "rich.table", "simpy", "matplotlib.figure"])
def test_a_library_that_is_missed_late_is_told_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    def missing(**_more: object) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(command, "cli", missing)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 2
    assert "pip install 'grantcore[simulation]'" in capsys.readouterr().err


def test_another_missing_module_is_no_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "grantcore.simulation.command")
    monkeypatch.setitem(sys.modules, "grantcore.simulation.command", None)
    with pytest.raises(ModuleNotFoundError):
        __main__.main()


@pytest.mark.uncovered
@pytest.mark.parametrize("arguments", [["--help"], ["simulate", "--help"], ["sweep", "--help"]])
def test_help_loads_no_library_but_click(arguments: list[str]) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from grantcore.simulation import command\n"
        f"assert CliRunner().invoke(command.cli, {arguments!r}).exit_code == 0\n"
        "sys.exit(any(name in sys.modules for name in ('simpy', 'matplotlib', 'rich', 'distributed')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.uncovered
def test_hash_seeds_and_processes_change_nothing() -> None:
    def report_of(hash_seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "grantcore", "simulate", "--limit", "100", "--json"],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert report_of("0") == report_of("1")
