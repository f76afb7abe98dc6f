"""A report as JSON: canonical, so that the same run gives the same bytes everywhere."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from grantcore.simulation.measures import METRICS
from grantcore.simulation.scenario import reading
from grantcore.simulation.scenario.model import Synthetic

if TYPE_CHECKING:
    from grantcore.simulation.measures import Measures
    from grantcore.simulation.record import Record
    from grantcore.simulation.scenario.model import Scenario

SCHEMA: Final = "grantcore.simulation.report/1"


def as_json(record: Record, measures: Measures) -> str:
    """Write the report: sorted keys, ASCII, two spaces, a line end; O(n) in lanes and violations."""
    report = as_data(record, measures) | {"report_digest": report_digest(record, measures)}
    return json.dumps(report, sort_keys=True, indent=2, allow_nan=False) + "\n"


def report_digest(record: Record, measures: Measures) -> str:
    """Give the SHA-256 of the rest of the report, written without spaces.

    A file of the workload counts by its name: the folder it lies in is no part of the run.
    """
    report = as_data(record, measures) | {"scenario": reading.as_data(anywhere(record.scenario))}
    text = json.dumps(report, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def as_data(record: Record, measures: Measures) -> dict[str, object]:
    """Give the report as plain data, without its digest; a scheduler of one's own is named."""
    named: dict[str, object] = {} if record.scheduler is None else {"scheduler": record.scheduler}
    return named | {
        "schema": SCHEMA,
        "scenario": reading.as_data(record.scenario),
        "seed": record.scenario.seed,
        "measures": {name: measures.number(name) for name in METRICS},
        "ends": dict(measures.ends),
        "faults": dict(measures.faults_by_kind),
        "refused": dict(measures.refused_by_code),
        "lanes": [attrs.asdict(lane) for lane in measures.lanes],
        "violations": list(record.violations),
        "event_digest": record.event_digest,
        "state_digest": record.state_digest,
    }


def anywhere(scenario: Scenario) -> Scenario:
    """Give the scenario without the folder of its workload: the same on every machine."""
    workload = scenario.workload
    if isinstance(workload, Synthetic):
        return scenario
    return attrs.evolve(scenario, workload=attrs.evolve(workload, path=Path(workload.path.name)))
