"""A key by a short name, a value by a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation.scenario.keys import SCENARIO
from grantcore.simulation.scenario.model import CsvTable, Faults, Group, Leases, Scenario, SwfLog, Synthetic
from grantcore.simulation.scenario.reading import (
    AmbiguousKey,
    ScenarioError,
    UnknownKey,
    as_data,
    from_data,
    vary,
)
from tests.simulation.scenario.values import SCENARIOS

BASE = Scenario()
TWO = Scenario(workers=(Group(), Group(name="b")))
LOG = Scenario(workload=SwfLog(path=Path("a.swf")))
NO_GPU = Scenario(workload=attrs.evolve(Synthetic(), requirements=Synthetic().requirements[:1]))


def leases(**values: int) -> Scenario:
    return Scenario(leases=Leases(**values))


@pytest.mark.parametrize(
    ("key", "text", "varied"),
    [
        ("leases.lease_ttl_ms", "5000", leases(lease_ttl_ms=5_000)),
        ("lease_ttl_ms", "5_000", leases(lease_ttl_ms=5_000)),
        ("lease_ttl", "+5000", leases(lease_ttl_ms=5_000)),
        ("leases.lease_ttl", "5000", leases(lease_ttl_ms=5_000)),
        ("heartbeat", "7", leases(heartbeat_ms=7)),
        ("heartbeat", "none", BASE),
        ("seed", "9", Scenario(seed=9)),
        ("retention", "none", Scenario(retention_ms=None)),
        ("crash", ".25", Scenario(faults=Faults(crash=0.25))),
        ("faults.crash", "0", Scenario(faults=Faults(crash=0.0))),
        ("pause", "1e-3", Scenario(faults=Faults(pause=0.001))),
        ("stalls", "3", Scenario(faults=Faults(stalls_per_day=3.0))),
        ("workers.0.count", "5", Scenario(workers=(Group(count=5),))),
        ("workers.count", "5", Scenario(workers=(Group(count=5),))),
        ("count", "5", Scenario(workers=(Group(count=5),))),
        ("0.count", "5", Scenario(workers=(Group(count=5),))),
        ("name", "w", Scenario(workers=(Group(name="w"),))),
        ("workers.capabilities", "ssd gpu", Scenario(workers=(Group(capabilities=("gpu", "ssd")),))),
        ("arrivals", "bursty", Scenario(workload=Synthetic(arrivals="bursty"))),
        ("lanes", "b:1 a:2.5", Scenario(workload=Synthetic(lanes=(("a", 2.5), ("b", 1.0))))),
        ("priorities", "5:1", Scenario(workload=Synthetic(priorities=((5, 1.0),)))),
    ],
)
def test_a_key_is_known_by_its_end_with_or_without_its_unit(key: str, text: str, varied: Scenario) -> None:
    assert vary(BASE, key, text) == varied


def test_numbers_tell_groups_apart() -> None:
    assert vary(TWO, "workers.1.count", "5").workers == (Group(), Group(name="b", count=5))
    with pytest.raises(AmbiguousKey) as caught:
        vary(TWO, "count", "5")
    assert str(caught.value) == "count may mean workers.0.count, workers.1.count"


@pytest.mark.parametrize(
    ("key", "text", "varied"),
    [
        ("path", "b.swf", SwfLog(path=Path("b.swf"))),
        ("limit", "7", SwfLog(path=Path("a.swf"), limit=7)),
        ("lenient", "true", SwfLog(path=Path("a.swf"), lenient=True)),
        ("dependencies", "false", SwfLog(path=Path("a.swf"), dependencies=False)),
        ("lane", "user", SwfLog(path=Path("a.swf"), lane="user")),
        (
            "workload.capabilities",
            "partition processors",
            SwfLog(path=Path("a.swf"), capabilities=("processors", "partition")),
        ),
        ("workload.capabilities", "", SwfLog(path=Path("a.swf"), capabilities=())),
    ],
)
def test_the_keys_are_those_of_the_kind_of_workload(key: str, text: str, varied: SwfLog) -> None:
    assert vary(LOG, key, text).workload == varied
    with pytest.raises(UnknownKey):
        vary(LOG, "jobs", "5")
    with pytest.raises(UnknownKey):
        vary(Scenario(workload=CsvTable(path=Path("a"))), "workload.capabilities", "5")


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("leese_ttl", "1", "leese_ttl is no key here; there are leases.lease_ttl_ms"),
        ("faults.crush", "1", "faults.crush is no key here; there are faults.crash"),
        ("kind", "swf", "kind is no key here; there are seed, check_every"),
        ("workload", "swf", "workload is no key here; there are "),
        ("workers.1.count", "2", "workers.1.count is no key here; there are workers.0.count"),
        ("lease_ttl", "5s", "leases.lease_ttl_ms must be an integer of 1 to 86,400,000, not '5s'"),
        ("lease_ttl", "0", "leases.lease_ttl_ms must be an integer of 1 to 86,400,000, not 0"),
        ("lease_ttl", "none", "leases.lease_ttl_ms must be an integer of 1 to 86,400,000, not 'none'"),
        ("lease_ttl", "1" * 999, "leases.lease_ttl_ms must be an integer of 1 to 86,400,000, not '111"),
        ("lease_ttl", "1.5", "leases.lease_ttl_ms must be an integer of 1 to 86,400,000, not 1.5"),
        ("crash", "1e999", "faults.crash must be a number of 0 to 1, not inf"),
        ("crash", "nan", "faults.crash must be a number of 0 to 1, not 'nan'"),
        ("lanes", "a", "workload.lanes.'' must be a lane: 1 to 64 characters"),
        ("lanes", "a:x", "workload.lanes.a must be a number of 0 to 1e+09, not 'x'"),
        ("delivery", "10000", "scheduler.delivery_ms must be below leases.grant_ttl_ms, 10,000, not 10,000"),
    ],
)
def test_what_cannot_be_set_is_told(key: str, text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        vary(BASE, key, text)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 1_500


def test_the_list_of_keys_does_not_grow_with_the_groups() -> None:
    with pytest.raises(UnknownKey) as caught:
        vary(Scenario(workers=tuple(Group(name=f"w{n}") for n in range(99))), "xyz", "5")
    assert "workers.N.count" in str(caught.value)
    assert len(str(caught.value)) < 1_500


def as_text(value: Any) -> str:
    """Write a value as ``--vary`` takes it."""
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, dict):
        return " ".join(f"{name}:{weight!r}" for name, weight in value.items())
    return {None: "none", True: "true", False: "false"}[value] if value in (None, True, False) else str(value)


@pytest.mark.uncovered
@given(SCENARIOS, st.data())
@settings(max_examples=20)
def test_setting_every_key_to_what_it_is_changes_nothing(data: dict[str, Any], draw: Any) -> None:
    scenario = from_data(data)
    plain = as_data(scenario)
    path, _ = draw.draw(st.sampled_from(list(SCENARIO.leaves("", plain))))
    value: Any = plain
    for word in path.split("."):
        value = value[int(word) if isinstance(value, list) else word]
    if type(value) in {int, float}:
        assert vary(scenario, path, repr(value)) == scenario
    else:
        assert vary(scenario, path, as_text(value)) == scenario
