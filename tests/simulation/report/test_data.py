"""The report as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from grantcore.simulation.measures import METRICS, measure
from grantcore.simulation.record import Record
from grantcore.simulation.report.data import SCHEMA, as_json, report_digest
from grantcore.simulation.scenario.model import CsvTable, Scenario, SwfLog
from grantcore.simulation.scenario.reading import from_data
from tests.simulation.report import records


def report_of(record: Record) -> Any:
    return json.loads(as_json(record, measure(record)))


def test_it_has_everything_that_was_measured() -> None:
    record = records.busy()
    found = measure(record)
    report = report_of(record)
    assert report["schema"] == SCHEMA
    assert report["seed"] == record.scenario.seed
    assert report["measures"] == {name: found.number(name) for name in METRICS}
    assert report["faults"] == dict(found.faults_by_kind)
    assert report["refused"] == dict(record.refused)
    assert report["ends"] == dict(record.ends)
    assert report["lanes"] == [attrs.asdict(lane) for lane in found.lanes]
    assert (report["event_digest"], report["state_digest"]) == (record.event_digest, record.state_digest)


def test_what_was_run_can_be_run_again_from_it() -> None:
    record = records.hostile()
    assert from_data(report_of(record)["scenario"]) == record.scenario


@pytest.mark.parametrize("make", [records.empty, records.single, records.busy, records.hostile, records.huge])
def test_it_is_canonical(make: Any) -> None:
    record = make()
    text = as_json(record, measure(record))
    assert text.isascii()
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=2) + "\n"
    assert text == as_json(make(), measure(make()))


def test_violations_are_there_in_full() -> None:
    assert report_of(records.hostile())["violations"] == [f"{records.HOSTILE} ran twice"]


COUNTS = sorted(
    name for name, value in attrs.asdict(records.empty(), recurse=False).items() if type(value) is int
)


@pytest.mark.parametrize("name", COUNTS)
def test_the_digest_changes_with_every_number(name: str) -> None:
    record = records.busy(jobs=50)
    before = report_digest(record, measure(record))
    setattr(record, name, getattr(record, name) + 10**6)
    assert report_digest(record, measure(record)) != before


def test_the_digest_changes_with_the_scenario_and_the_digests_of_the_run() -> None:
    record = records.single()
    digests = {report_digest(record, measure(record))}
    record.event_digest = "another"
    digests.add(report_digest(record, measure(record)))
    record.scenario = attrs.evolve(record.scenario, seed=7)
    digests.add(report_digest(record, measure(record)))
    assert len(digests) == 3


@pytest.mark.parametrize("kind", [SwfLog, CsvTable])
def test_the_folder_of_a_log_is_no_part_of_the_digest(kind: type[SwfLog | CsvTable]) -> None:
    def digest(path: str) -> str:
        record = Record(scenario=Scenario(workload=kind(path=Path(path))))
        return str(report_of(record)["report_digest"])

    assert digest("/here/log.swf") == digest("there/log.swf") != digest("/here/other.swf")
