"""Scenarios from files, from data, from Python: read, judged, written, varied.

A file is TOML. Its keys are those of ``keys.KEYS``; an absent one has its default, an empty file is the
default scenario. None is the text ``none`` there. What is made in Python is judged by the same rules
(:func:`check`).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import attrs

from grantcore.simulation.scenario.contradictions import judge
from grantcore.simulation.scenario.errors import (
    AmbiguousKey,
    ScenarioError,
    UnknownKey,
    Unreadable,
    refusal,
    shown,
)
from grantcore.simulation.scenario.keys import KEYS, SCENARIO, Key
from grantcore.simulation.scenario.model import CsvTable, Scenario, SwfLog, Synthetic
from grantcore.simulation.scenario.varying import find, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grantcore.simulation.scenario.model import Workload

__all__ = [
    "KEYS",
    "AmbiguousKey",
    "Key",
    "ScenarioError",
    "UnknownKey",
    "Unreadable",
    "as_data",
    "check",
    "from_data",
    "parse_scenario",
    "read_scenario",
    "scenario_for",
    "vary",
]

MAX_FILE_BYTES: Final = 1 << 16
MAX_LINE_CHARACTERS: Final = 4_096
"""The parser's time grows with the square of the length of a dotted key."""

MAX_PROBLEM_CHARACTERS: Final = 200
ENDINGS: Final = ".toml, .swf, .swf.gz, .csv, .csv.gz"


def scenario_for(path: Path) -> Scenario:
    """Read a scenario, or take the default one with this log; the ending of the name says which.

    Raises:
        ScenarioError: another ending; or as :func:`read_scenario`.
        OSError: the scenario cannot be read; a log is not looked at yet.
    """
    name = path.name.lower().removesuffix(".gz")
    if path.name.lower().endswith(".toml"):
        return read_scenario(path)
    if name.endswith(".swf"):
        return check(Scenario(workload=SwfLog(path=path)))
    if name.endswith(".csv"):
        return check(Scenario(workload=CsvTable(path=path)))
    raise refusal("the file", path.name, f"a scenario or a log, its name ending in one of {ENDINGS}")


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file; the paths in it are relative to its folder.

    Raises:
        ScenarioError: it is no scenario; the error names key, value and what is allowed.
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        raw = stream.read(MAX_FILE_BYTES + 1)
    try:
        return parse_scenario(_decoded(raw), path.parent)
    except ScenarioError as error:
        error.path = path
        raise


def _decoded(raw: bytes) -> str:
    """Take text."""
    if len(raw) > MAX_FILE_BYTES:
        raise ScenarioError("the file", "more", f"at most {MAX_FILE_BYTES:,} bytes long")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ScenarioError("the file", f"byte {raw[error.start]:#x} at {error.start:,}", "UTF-8") from None


def parse_scenario(text: str, folder: Path) -> Scenario:
    """Read the text of a scenario file; the paths in it are relative to ``folder``.

    Raises:
        ScenarioError: it is no scenario.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > MAX_LINE_CHARACTERS:
            allowed = f"at most {MAX_LINE_CHARACTERS:,} characters long"
            raise ScenarioError(f"line {number:,}", shown(line), allowed)
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise Unreadable("the file", "nested too deep", "TOML") from None
    except ValueError as error:  # TOMLDecodeError, and what int() says about very long numbers
        raise Unreadable("the file", _problem(error), "TOML") from None
    scenario = from_data(data)
    return attrs.evolve(scenario, workload=_placed(scenario.workload, folder))


def _problem(error: ValueError) -> str:
    """Say what the parser says, which may quote the file."""
    return ascii(str(error)[:MAX_PROBLEM_CHARACTERS]).strip("'\"")


def _placed(workload: Workload, folder: Path) -> Workload:
    """Take the path of a log relative to a folder."""
    if isinstance(workload, Synthetic):
        return workload
    return attrs.evolve(workload, path=folder / workload.path)


def from_data(data: Mapping[str, object]) -> Scenario:
    """Take a scenario from plain data: what TOML gives, or :func:`as_data`, through JSON or not.

    Raises:
        ScenarioError: it is none.
    """
    scenario = SCENARIO.read("", data)
    assert isinstance(scenario, Scenario), "the table makes it"
    judge(scenario)
    return scenario


def as_data(scenario: Scenario) -> dict[str, object]:
    """Give a scenario as plain data, for JSON: every key, in one order, None for nothing.

    Scenarios that do the same have the same data.

    Raises:
        ScenarioError: it is not allowed as it stands.
    """
    return _plain(check(scenario))


def check(scenario: Scenario) -> Scenario:
    """Judge a scenario made in Python; give it in its canonical form (capabilities and weights sorted).

    Raises:
        ScenarioError: a value is not allowed, or two of them contradict each other.
    """
    return from_data(_plain(scenario))


def _plain(scenario: Scenario) -> dict[str, object]:
    return cast("dict[str, object]", SCENARIO.plain(scenario))


def vary(scenario: Scenario, key: str, text: str) -> Scenario:
    """Give the scenario with one value set to what a text says; all of it is judged again.

    Args:
        scenario: as it was.
        key: dotted as in the file (``leases.lease_ttl_ms``, ``workers.0.count``), or the end of that, with
            or without numbers and unit (``_ms``, ``_per_day``), if it means one key only: ``heartbeat``,
            ``count``, ``faults.crash``.
        text: a number, ``true``, a word; ``none`` for nothing; several capabilities have blanks
            between them; weights are written ``q0:1 q1:2``.

    Raises:
        ScenarioError: no such key, or more than one; the value is not allowed.

    >>> vary(Scenario(), "lease_ttl", "5_000").leases.lease_ttl_ms
    5000
    """
    data = as_data(scenario)
    path, form = find(dict(SCENARIO.leaves("", data)), key, text)
    place(data, path, form.words(text))
    return from_data(data)
