"""A sweep for other programmes: two tables as CSV, and all of it as JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import attrs

from grantcore import __version__
from grantcore.simulation.measures import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grantcore.simulation.sweep.findings import Findings
    from grantcore.simulation.sweep.runner import Finished
    from grantcore.simulation.sweep.summary import Summary


def runs_csv(findings: Findings) -> str:
    """Write one row for each run: what varies, the seed, every measure, the digests."""
    head = [*_keys(findings), "seed", *METRICS, "event_digest", "state_digest"]
    return _csv(head, map(_run_row, findings.outcome.finished))


def _run_row(one: Finished) -> list[object]:
    values = [value for _, value in one.run.setting.changes]
    measures = [one.result.measures[name] for name in METRICS]
    return [*values, one.run.seed, *measures, one.result.event_digest, one.result.state_digest]


def settings_csv(findings: Findings) -> str:
    """Write one row for each setting: what varies, marks, and mean, min and max of every measure."""
    head = [*_keys(findings), "seeds", "front", "advised"]
    head += [f"{name}_{what}" for name in METRICS for what in ("mean", "min", "max")]
    rows = (_setting_row(findings, place, summary) for place, summary in enumerate(findings.summaries))
    return _csv(head, rows)


def _setting_row(findings: Findings, place: int, summary: Summary) -> list[object]:
    spreads = [summary.spreads[name] for name in METRICS]
    return [
        *(value for _, value in summary.setting.changes),
        len(summary.seeds),
        int(place in findings.front),
        int(summary is findings.advice.chosen),
        *(value for spread in spreads for value in (spread.mean, spread.least, spread.most)),
    ]


def as_json(findings: Findings) -> str:
    """Write everything, in a fixed order."""
    plan, question = findings.outcome.plan, findings.question
    data = {
        "grantcore": __version__,
        "axes": [{"key": axis.key, "values": axis.values} for axis in plan.axes],
        "seeds": list(plan.seeds),
        "trade_off": question.trade_off,
        "objective": question.objective,
        "subject_to": [str(bound) for bound in question.bounds],
        "answer": findings.advice.sentence,
        "settings": [_setting(findings, place) for place in range(len(findings.summaries))],
        "runs": [_run(findings, one) for one in findings.outcome.finished],
        "failures": [
            {
                "changes": dict(failure.run.setting.changes),
                "seed": failure.run.seed,
                "error": failure.error,
                "replay": failure.replay,
            }
            for failure in findings.outcome.failures
        ],
    }
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def _setting(findings: Findings, place: int) -> dict[str, object]:
    summary = findings.summaries[place]
    return {
        "changes": dict(summary.setting.changes),
        "seeds": summary.seeds,
        "front": place in findings.front,
        "advised": summary is findings.advice.chosen,
        "measures": {name: attrs.asdict(spread) for name, spread in summary.spreads.items()},
    }


def _run(findings: Findings, one: Finished) -> dict[str, object]:
    return {
        "changes": dict(one.run.setting.changes),
        "seed": one.run.seed,
        "run": one.run.digest,
        "replay": findings.outcome.plan.replay(one.run),
        **one.result.as_data(),
        "measures": {name: one.result.measures[name] for name in METRICS},
    }


def _keys(findings: Findings) -> list[str]:
    return [axis.key for axis in findings.outcome.plan.axes]


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
