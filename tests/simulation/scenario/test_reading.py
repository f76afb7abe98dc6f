"""A scenario is read, judged, written and read again."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs.scenario import FOLDER, example, keys_page, written
from grantcore.simulation.scenario.contradictions import judge_required
from grantcore.simulation.scenario.keys import KEYS, SCENARIO
from grantcore.simulation.scenario.model import (
    CsvTable,
    Dispatch,
    Faults,
    Group,
    Leases,
    Requirement,
    Scenario,
    SwfLog,
    Synthetic,
)
from grantcore.simulation.scenario.reading import (
    ScenarioError,
    UnknownKey,
    as_data,
    check,
    from_data,
    parse_scenario,
    read_scenario,
    scenario_for,
)
from tests.simulation.scenario.values import SCENARIOS, right, wrong

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path("here")


def refused(call: Callable[[], object]) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        call()
    return caught.value


def said(text: str) -> str:
    return str(refused(lambda: parse_scenario(text, HERE)))


# -- what is right ------------------------------------------------------------------------------


def test_an_empty_file_is_the_default_scenario() -> None:
    assert parse_scenario("", HERE) == Scenario() == check(Scenario())


@pytest.mark.uncovered
@given(SCENARIOS)
@settings(max_examples=30)
def test_a_scenario_is_written_and_read_again(data: dict[str, Any]) -> None:
    scenario = from_data(data)
    plain = as_data(scenario)
    assert check(scenario) == scenario
    assert from_data(plain) == scenario
    assert from_data(json.loads(json.dumps(plain, sort_keys=True, allow_nan=False))) == scenario
    assert parse_scenario(written(scenario), Path()) == scenario


@pytest.mark.uncovered
@given(SCENARIOS, st.randoms())
@settings(max_examples=15)
def test_scenarios_that_do_the_same_have_the_same_data(data: dict[str, Any], chance: Any) -> None:
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return [shuffled(part) for part in value] if isinstance(value, list) else value
        names = chance.sample(list(value), len(value))
        return {name: shuffled(value[name]) for name in names}

    assert json.dumps(as_data(from_data(shuffled(data)))) == json.dumps(as_data(from_data(data)))


def test_capabilities_and_weights_are_sorted_and_numbers_are_of_one_kind() -> None:
    loose = Synthetic(
        lanes=(("b", 1), ("a", 2)),
        priorities=((100, 1), (20, -0.0)),
        requirements=(Requirement(weight=1, capabilities=("b", "a", "b")),),
    )
    load = check(Scenario(workload=loose)).workload
    assert isinstance(load, Synthetic)
    assert (load.lanes, load.priorities) == ((("a", 2.0), ("b", 1.0)), ((20, 0.0), (100, 1.0)))
    assert str(load.priorities[0][1]) == "0.0"
    assert load.requirements[0].capabilities == ("a", "b")
    assert as_data(Scenario(workload=loose)) == as_data(Scenario(workload=load))


@pytest.mark.parametrize("path", KEYS)
def test_every_key_may_stand_in_a_file_by_itself(path: str) -> None:
    key = KEYS[path]
    for kind in key.kinds or ("synthetic",):
        plain = as_data(from_data(nested("seed", 1, kind)))
        for default in {"none", None} if key.default is None else [key.default]:
            if default is not attrs.NOTHING and "requirements" not in path:
                assert as_data(from_data(nested(path, default, kind))) == plain


def test_nothing_is_none_in_data_and_a_word_in_a_file() -> None:
    assert from_data({"retention_ms": None}).retention_ms is None
    assert parse_scenario('retention_ms = "none"', HERE).retention_ms is None
    assert refused(lambda: from_data({"seed": None})).key == "seed"
    assert refused(lambda: parse_scenario('seed = "none"', HERE)).key == "seed"


def test_a_heartbeat_that_is_not_below_the_ttl_is_allowed() -> None:
    leases = Leases(lease_ttl_ms=1, heartbeat_ms=5)
    assert check(Scenario(leases=leases)).leases.renews_after_ms == 5


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for kind, made in (("swf", SwfLog), ("csv", CsvTable)):
        path.write_text(f'[workload]\nkind = "{kind}"\npath = "logs/a"\n')
        assert read_scenario(path).workload == made(path=tmp_path / "logs" / "a")
        path.write_text(f'[workload]\nkind = "{kind}"\npath = "{tmp_path.as_posix()}/b"\n')
        assert read_scenario(path).workload == made(path=tmp_path / "b")


@pytest.mark.parametrize("name", ["a.swf", "a.SWF", "a.swf.gz", "b.csv", "b.Csv.GZ"])
def test_a_log_is_a_scenario_with_this_workload(name: str) -> None:
    made = SwfLog if "swf" in name.lower() else CsvTable
    assert scenario_for(Path("x", name)) == Scenario(workload=made(path=Path("x", name)))


def test_a_scenario_file_is_known_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("seed = 5")
    assert scenario_for(path) == Scenario(seed=5)
    for name in ("a.txt", "swf", "a.toml.gz", "b.gz"):
        error = refused(lambda name=name: scenario_for(tmp_path / name))  # type: ignore[misc]
        assert (error.key, error.value) == ("the file", repr(name))
        assert ".swf.gz" in error.allowed


# -- what is wrong ------------------------------------------------------------------------------


def nested(path: str, value: object, kind: str) -> dict[str, Any]:
    """Give the data of a scenario in which this key stands, and of others what must."""
    data: dict[str, Any] = {"workload": {"kind": kind} | ({} if kind == "synthetic" else {"path": "a"})}
    words = path.split(".")
    if words[0] == "workers":
        data["workers"] = [{words[-1]: value}]
    elif "requirements" in words:
        data["workload"]["requirements"] = [{"weight": 1.0} | {words[-1]: value}]
    elif len(words) == 1:
        data[path] = value
    else:
        data[words[0]] = data.get(words[0], {}) | {words[1]: value}
    return data


@pytest.mark.uncovered
@pytest.mark.parametrize("path", KEYS)
@given(st.data())
@settings(max_examples=5)
def test_every_key_takes_what_is_right(path: str, data: Any) -> None:
    key = KEYS[path]
    kind = data.draw(st.sampled_from(key.kinds or ("synthetic",)))
    SCENARIO.read("", nested(path, data.draw(right(key.form)), kind))


@pytest.mark.parametrize("path", KEYS)
def test_every_key_refuses_what_is_wrong_by_name(path: str) -> None:
    key = KEYS[path]
    for value in wrong(key.form):
        error = refused(lambda value=value: from_data(nested(path, value, (key.kinds or ("synthetic",))[0])))  # type: ignore[misc]
        assert error.key.startswith(path.replace("N", "0"))
        assert error.allowed in str(error)
        assert error.value in str(error)
        assert len(str(error)) < 500
        if error.key == path:
            assert error.allowed == key.form.allowed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[leases]\nlease_ttl_ms = 0", "leases.lease_ttl_ms must be an integer of 1 to 86,400,000, not 0"),
        (
            "[[workers]]\n[[workers]]\nspeed = 0",
            "workers.1.speed must be a number of 0.01 to 100, not 0",
        ),
        (
            "[workload]\nalpha = 1.0",
            "workload.alpha must be a number above 1, up to 100, not 1.0",
        ),
        (
            '[workload]\narrivals = "daily"',
            "workload.arrivals must be one of poisson, bursty, diurnal, not 'daily'",
        ),
        ('[workload]\nkind = "SWF"', "workload.kind must be one of synthetic, swf, csv, not 'SWF'"),
        ('[workload]\nkind = "swf"', "workload.path must be the path of a file, not none"),
        ("[workload]\nlanes = { q0 = nan }", "workload.lanes.q0 must be a number of 0 to 1e+09, not nan"),
        (
            "[workload]\npriorities = { 05 = 1 }",
            "workload.priorities.05 must be a priority: an integer of 0 to ",
        ),
        (
            "[workload]\npriorities = { 9001 = 1 }",
            "workload.priorities.9001 must be a priority: an integer of ",
        ),
        ("workers = []", "workers must be an array of 1 to 1,000 tables, not an array"),
        ("workers = [5]", "workers.0 must be a table, not 5"),
        ("faults = [[1]]", "faults must be a table, not an array"),
        ("seed = 1979-05-27", "seed must be an integer of 0 to 9,007,199,254,740,991, not a date"),
        ("seed = 0x" + "f" * 4_000, "not an integer of 16000 bits"),
        ("[leases]\nlease_tll_ms = 5", "leases.lease_tll_ms is no key here; there are lease_ttl_ms, "),
        ("leases.'a b' = 5", "leases.'a b' is no key here"),
        ("lease = 5", "lease is no key here; there are leases, "),
        (
            '[workload]\nkind = "csv"\nlane = "q"',
            "workload.lane is no key here; there are path, limit, lenient",
        ),
        ("seed = 1\nseed = 2", "the file must be TOML: "),
        ("seed = ", "the file must be TOML: "),
        ("seed = " + "9" * 4_080, "seed must be an integer"),
        ("x = " + "[" * 4_000, "the file must be TOML: nested too deep"),
        ("x = 1\n# " + "x" * 5_000, "line 2 must be at most 4,096 characters long, not '# xxx"),
    ],
)
def test_the_message_names_key_value_and_what_is_allowed(text: str, message: str) -> None:
    assert message in said(text)


def test_an_unknown_key_is_told_with_the_nearest_first() -> None:
    error = refused(lambda: from_data({"leases": {"heartbeat": 5}}))
    assert isinstance(error, UnknownKey)
    assert (error.key, error.value) == ("leases.heartbeat", "5")
    assert error.allowed == "heartbeat_ms, lease_ttl_ms, grant_ttl_ms"


CONTRADICTIONS = [
    (Scenario(workers=(Group(), Group(count=1))), "workers.1.name"),
    (Scenario(workers=(Group(count=99_999), Group(name="b", count=2))), "workers"),
    (Scenario(leases=Leases(grant_ttl_ms=7), scheduler=Dispatch(delivery_ms=7)), "scheduler.delivery_ms"),
    (Scenario(workload=Synthetic(max_run_ms=9, mean_run_ms=10)), "workload.max_run_ms"),
    (Scenario(workload=Synthetic(requirements=(Requirement(weight=0),))), "workload.requirements"),
    (Scenario(workers=(Group(capabilities=("gpu",)),)), "workload.requirements.2.capabilities"),
]


@pytest.mark.parametrize(("scenario", "key"), CONTRADICTIONS)
def test_contradictions_are_refused(scenario: Scenario, key: str) -> None:
    assert refused(lambda: check(scenario)).key == key


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(workers=(Group(count=99_999), Group(name="b", count=1))),
        Scenario(leases=Leases(grant_ttl_ms=8), scheduler=Dispatch(delivery_ms=7)),
        Scenario(workload=Synthetic(max_run_ms=10, mean_run_ms=10)),
        Scenario(workers=(Group(capabilities=("gpu",)), Group(name="b", capabilities=("gpu", "ssd")))),
        Scenario(workers=(Group(capabilities=("gpu",)), Group(name="b"))),
        Scenario(workers=(Group(capabilities=()),), workload=SwfLog(path=Path("a"))),
        Scenario(
            workers=(Group(capabilities=("procs-8",)),),
            workload=Synthetic(
                requirements=(
                    Requirement(weight=1, capabilities=("procs-4",)),
                    Requirement(weight=0, capabilities=("gpu",)),
                )
            ),
        ),
    ],
)
def test_what_is_just_no_contradiction_is_allowed(scenario: Scenario) -> None:
    assert check(scenario) == scenario


@pytest.mark.parametrize(
    ("scenario", "key"),
    [
        (Scenario(workers=7), "workers"),  # type: ignore[arg-type]
        (Scenario(leases=7), "leases"),  # type: ignore[arg-type]
        (Scenario(workload=7), "workload"),  # type: ignore[arg-type]
        (Scenario(workload=Synthetic(lanes=7)), "workload.lanes"),  # type: ignore[arg-type]
    ],
)
def test_an_object_of_another_class_is_refused(scenario: Scenario, key: str) -> None:
    error = refused(lambda: check(scenario))
    assert (error.key, error.value) == (key, "7")


def test_what_a_log_requires_is_judged_when_it_is_known() -> None:
    log = SwfLog(path=Path("a"))
    explicit = Scenario(
        workload=log, workers=(Group(capabilities=("procs-8",)), Group(name="b", capabilities=()))
    )
    judge_required(explicit, [("procs-1",), ("procs-8",), ()])
    judge_required(Scenario(workload=log), [("gpu",)])
    error = refused(lambda: judge_required(explicit, [("procs-8",), ("procs-16", "x")]))
    assert str(error) == (
        "workers must be such that some group carries whatever a job requires, not 'procs-16 x'"
    )


# -- files, and what is no file ------------------------------------------------------------------


def test_errors_of_a_file_name_it_and_survive_pickling(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[faults]\ncrash = 1.5")
    error = refused(lambda: read_scenario(path))
    assert str(error) == f"{path}: faults.crash must be a number of 0 to 1, not 1.5"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.key, again.path) == (type(error), str(error), "faults.crash", path)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"seed = 1\n# \xff", "the file must be UTF-8, not byte 0xff at 11"),
        (b"#\n" * 5_000_000, "the file must be at most 65,536 bytes long, not more"),
        (b"\x00", "the file must be TOML: "),
        (b"\xef\xbb\xbfseed = 1", "the file must be TOML: "),
    ],
)
def test_files_that_are_no_scenario_are_refused(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(raw)
    assert str(refused(lambda: read_scenario(path))).startswith(f"{path}: {message}")


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_scenario(tmp_path / "a.toml")


# -- documentation ---------------------------------------------------------------------------------


def test_the_pages_are_those_of_the_table() -> None:
    rule = "python -m docs.scenario writes them again"
    assert (FOLDER / "keys.md").read_text("utf-8") == keys_page(), rule
    assert (FOLDER / "example.toml").read_text("utf-8") == example(), rule


def test_the_example_is_the_default_scenario() -> None:
    assert read_scenario(FOLDER / "example.toml") == Scenario()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.name)
def test_every_example_is_a_scenario(path: Path) -> None:
    assert check(read_scenario(path)) == read_scenario(path)


def test_every_key_is_on_the_page_with_what_it_says() -> None:
    page = keys_page()
    for key in KEYS.values():
        assert key.says
        assert f"| `{key.path}` | " in page
        assert f" | {key.form.allowed} | " in page
    assert "| `workload.path` | must be there | the path of a file | swf, csv: " in page
    assert "| `workload.jobs` | `2_000` | " in page


def test_every_field_of_the_model_has_a_key() -> None:
    named = {path.rpartition(".")[2] for path in KEYS}
    for part in (Synthetic, SwfLog, CsvTable, Requirement, Group, Leases, Dispatch, Faults):
        assert named >= {field.name for field in attrs.fields(part)} - {"requirements"}
