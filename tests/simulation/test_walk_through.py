"""Every number that the walk-through quotes is that of a run (``docs/simulation/README.md``; issue 6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import pytest

from grantcore.simulation.measures import Measures, measure
from grantcore.simulation.record import Record
from grantcore.simulation.report.words import duration
from grantcore.simulation.run import run
from grantcore.simulation.scenario.model import Scenario, SwfLog
from grantcore.simulation.scenario.reading import scenario_for, vary
from grantcore.simulation.sweep import executors, wording
from grantcore.simulation.sweep.findings import Findings, Question
from grantcore.simulation.sweep.plan import Axis, Plan, Source
from grantcore.simulation.sweep.runner import Runner
from grantcore.simulation.sweep.store import Store
from grantcore.simulation.sweep.summary import OBJECTIVES

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs" / "simulation"
LOG: Final = ROOT.parent / "shared" / "workloads" / "NASA-iPSC-1993-3.1-cln.swf"
TOLD: Final = " ".join((FOLDER / "README.md").read_text(encoding="utf-8").split())

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not LOG.exists(), reason="the log does not lie beside the repository"),
]


def scenario(*changes: tuple[str, str]) -> Scenario:
    """The scenario of the page, with the log where it lies."""
    made = scenario_for(FOLDER / "nasa.toml")
    assert isinstance(made.workload, SwfLog)
    made = attrs.evolve(made, workload=attrs.evolve(made.workload, path=LOG))
    for key, value in changes:
        made = vary(made, key, value)
    return made


def percent(share: float) -> str:
    return f"{share * 100:.2f} %"


def one_run(record: Record, measures: Measures) -> Iterator[str]:
    """Section 3."""
    ends = dict(measures.ends)
    spread = (measures.recovery_p50_ms, measures.recovery_p95_ms, measures.recovery_max_ms)
    yield f"of {measures.jobs:,} | {measures.jobs_ended:,}; {ends['failed']} of them failed for good |"
    yield f"lost to a fault and taken again | {measures.leases:,}, {measures.recoveries:,} |"
    yield f"| {measures.wasted_hours:.2f} worker-hours, {percent(measures.wasted_share)} of the work |"
    yield f"half within, 95 % within, longest | {', '.join(map(duration, spread))} |"
    yield f"| renewals per hour inside leases | {measures.renewals_per_hour:.2f} |"
    yield f"that the resource refused | {measures.refused}, {measures.effects_refused} |"
    yield f"| what the auditor found wrong | {measures.violations or 'nothing'} |"
    yield f"| event digest | `{record.event_digest}` |"


def chosen(record: Record, measures: Measures, before: Measures) -> Iterator[str]:
    """Section 5."""
    yield f"half within {duration(measures.recovery_p50_ms)} (it was {duration(before.recovery_p50_ms)})"
    yield f"95 % within {duration(measures.recovery_p95_ms)} ({duration(before.recovery_p95_ms)})"
    yield f"{percent(measures.wasted_share)} of the work wasted ({percent(before.wasted_share)})"
    yield f"{measures.renewals_per_hour:.2f} renewals per hour ({before.renewals_per_hour:.2f})"
    yield f"Event digest `{record.event_digest}`"


def swept(findings: Findings) -> Iterator[str]:
    """Section 4: the table, a row for each setting, in order; the advised one is bold."""
    for place, summary in enumerate(findings.summaries):
        mark = findings.mark(place)
        spreads = summary.spreads
        cells = [
            *(f"{int(value.replace('_', '')) // 1000} s" for _, value in summary.setting.changes),
            wording.mean("recovery_p95_ms", spreads["recovery_p95_ms"]),
            percent(spreads["wasted_share"].mean),
            wording.digits(spreads["renewals_per_hour"].mean),
        ]
        if mark == "take":
            cells = [f"**{cell}**" for cell in [*cells, "advised"]]
        else:
            cells.append({"front": "on the front", "": ""}[mark])
        yield " ".join(f"| {' | '.join(cells)} |".split())


def untold(quotes: Iterator[str]) -> list[str]:
    """Which of these, at least one, the page does not say."""
    said = list(quotes)
    assert said
    return [quote for quote in said if quote not in TOLD]


def test_the_runs() -> None:
    first, last = run(scenario()), run(scenario(("lease_ttl_ms", "150_000")))
    assert untold(one_run(first, measure(first))) == []
    assert untold(chosen(last, measure(last), measure(first))) == []


def test_the_sweep(tmp_path: Path) -> None:
    axes = ["lease_ttl_ms=90_000,150_000,300_000,600_000", "heartbeat_ms=30_000,60_000"]
    plan = Plan.make(scenario(("workload.limit", "6000")), list(map(Axis.parse, axes)), 3, Source())
    with executors.processes(2) as place:
        outcome = Runner(place.executor, Store(tmp_path), place.window).go(plan)
    assert (len(outcome.finished), outcome.failures) == (24, ())
    bounds = ("wasted_share<=0.02", "renewals_per_hour<=150")
    found = Findings.of(outcome, Question.parse(",".join(OBJECTIVES), "recovery_p95_ms", bounds))
    assert untold(swept(found)) == []
    low, high = (percent(end) for end in _range(found, ("150_000", "30_000")))
    assert f"{low} to {high}" in TOLD


def _range(found: Findings, values: tuple[str, str]) -> tuple[float, float]:
    """The least and the most of the wasted share over the seeds of a setting."""
    (summary,) = (one for one in found.summaries if tuple(v for _, v in one.setting.changes) == values)
    spread = summary.spreads["wasted_share"]
    return spread.least, spread.most
