"""Whatever stands in a file or in an object: a scenario, or a ScenarioError that can be shown."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation.scenario.errors import below, shown
from grantcore.simulation.scenario.keys import KEYS
from grantcore.simulation.scenario.model import Requirement, Scenario, Synthetic
from grantcore.simulation.scenario.reading import (
    ScenarioError,
    as_data,
    check,
    from_data,
    parse_scenario,
    read_scenario,
    vary,
)
from tests.simulation.scenario.values import JUNK

pytestmark = pytest.mark.uncovered

SCENARIO = Scenario()
LONGEST = 3_000


def shows(error: ScenarioError) -> None:
    """The message is short, and all of it can be printed anywhere."""
    text = str(error)
    assert len(text) < LONGEST
    assert text.isprintable()
    assert all((error.key, error.value, error.allowed))


@given(JUNK)
@settings(max_examples=60)
def test_any_data_is_a_scenario_or_refused(data: Any) -> None:
    try:
        scenario = from_data(data)
    except ScenarioError as error:
        shows(error)
    else:
        assert from_data(as_data(scenario)) == scenario


LINES = ("seed = 1\n", "crash = 0.5\n", "[faults]\n", "lanes = {a = 1}\n", "[workload]\n", "[[workers]]\n")
WORDS = ("seed", "kind", "path", '"swf"', "nan", "inf", "-1", "1e999", "1979-05-27", "é", "\ud800")
PIECES = st.sampled_from([*LINES, *WORDS, *'={}[].\n\r\0#"1', "'''", "0x" + "f" * 999, "9" * 999])


def utf_16(pieces: list[str]) -> bytes:
    return "".join(pieces).encode("utf-16", "surrogatepass")


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=30))
@settings(max_examples=80)
def test_any_text_is_a_scenario_or_refused(text: str) -> None:
    try:
        parse_scenario(text, Path())
    except ScenarioError as error:
        shows(error)


@given(st.binary(max_size=40) | st.lists(PIECES, max_size=12).map(utf_16))
@settings(max_examples=60)
def test_any_bytes_are_a_scenario_or_refused(raw: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.toml")
        path.write_bytes(raw)
        try:
            read_scenario(path)
        except ScenarioError as error:
            assert error.path == path


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"k{n}." + "a." * 2_000 + "a = 1" for n in range(2)),
        "x = " + "[" * 4_000,
        "x = " + "{a = " * 800,
        "\n".join("[[workers]]" for _ in range(4_000)),
        "[workload.lanes]\n" + "\n".join(f"q{n} = 1" for n in range(3_000)),
    ],
)
def test_texts_that_cost_much_are_refused_soon(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, Path())
    shows(caught.value)


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Scenario)])
@given(value=JUNK | st.tuples(JUNK))
@settings(max_examples=15)
def test_any_object_in_a_scenario_is_judged(name: str, value: Any) -> None:
    try:
        check(attrs.evolve(SCENARIO, **{name: value}))
    except ScenarioError as error:
        shows(error)
        assert error.key.startswith(name)


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Synthetic)])
@given(value=JUNK | st.tuples(JUNK) | st.tuples(st.tuples(JUNK, JUNK)))
@settings(max_examples=15)
def test_any_object_in_a_workload_is_judged(name: str, value: Any) -> None:
    try:
        check(Scenario(workload=attrs.evolve(Synthetic(), **{name: value})))
    except ScenarioError as error:
        shows(error)
        assert error.key.startswith("workload.")


@pytest.mark.parametrize(
    "lanes",
    [
        (("a", 1.0), ("a", 2.0)),
        ((1, 1.0),),
        ((["a"], 1.0),),
        ("ab", "cd"),
        (("a",),),
        (),
        {"a": 1.0},
        [("a", 1.0)],
        (("a", 1.0), ("", 1.0)),
    ],
)
def test_weights_that_are_no_pairs_or_name_one_twice_are_refused(lanes: Any) -> None:
    if lanes == {"a": 1.0}:  # as in a file: what it means is clear
        check(Scenario(workload=Synthetic(lanes=lanes)))
        return
    with pytest.raises(ScenarioError, match=r"workload\.lanes"):
        check(Scenario(workload=Synthetic(lanes=lanes)))


def test_a_subclass_is_not_taken_for_the_class() -> None:
    class Longer(Requirement):
        pass

    with pytest.raises(ScenarioError, match=r"requirements\.0 must be a table, not a Longer"):
        check(Scenario(workload=Synthetic(requirements=(Longer(weight=1.0),))))


NAMES = st.sampled_from([*KEYS, "", ".", "0", "count", "workers.0.count", "x" * 999, "\n"])


@given(NAMES | st.text(), st.text())
@settings(max_examples=50)
def test_any_variation_is_a_scenario_or_refused(key: str, text: str) -> None:
    try:
        vary(SCENARIO, key, text)
    except ScenarioError as error:
        shows(error)


@given(JUNK)
@settings(max_examples=30)
def test_any_value_can_be_shown(value: Any) -> None:
    assert len(shown(value)) < 500
    assert shown(value).isprintable()
    assert below("a", value).isprintable()
