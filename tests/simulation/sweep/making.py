"""Plans, results and outcomes, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from grantcore.simulation.measures import METRICS
from grantcore.simulation.scenario.model import Scenario, Synthetic
from grantcore.simulation.sweep.build import build
from grantcore.simulation.sweep.findings import Findings, Question
from grantcore.simulation.sweep.plan import Axis, Plan, Run, Source
from grantcore.simulation.sweep.runner import Failure, Finished, Outcome
from grantcore.simulation.sweep.work import Result

SMALL = Scenario(workload=Synthetic(jobs=5))


def result(measures: Mapping[str, float] = {}, violations: Sequence[str] = (), tag: str = "") -> Result:
    """A result with these measures; the others are 0."""
    return Result(
        version=build(),
        measures=dict.fromkeys(METRICS, 0.0) | dict(measures),
        violations=len(violations),
        first_violations=tuple(violations),
        event_digest=f"e{tag}",
        state_digest=f"s{tag}",
    )


def plan(*axes: str, seeds: int = 1, scenario: Scenario = SMALL, source: Source | None = None) -> Plan:
    return Plan.make(scenario, [Axis.parse(axis) for axis in axes], seeds, source or Source())


def outcome(made: Plan, come: Callable[[Run], Result | str]) -> Outcome:
    """What comes of a plan: a result for each run, or the text of its error."""
    finished: list[Finished] = []
    failures: list[Failure] = []
    for run in made.runs():
        answer = come(run)
        if isinstance(answer, Result):
            finished.append(Finished(run, answer))
        else:
            failures.append(Failure(run, answer, made.replay(run)))
    return Outcome(made, tuple(finished), tuple(failures), 0, ())


def trade(run: Run) -> Result:
    """A plausible trade: longer leases recover later, waste less, and are renewed less often."""
    ttl_ms = run.setting.scenario.leases.lease_ttl_ms
    return result(
        {
            "recovery_p95_ms": ttl_ms * (1 + run.seed / 10),
            "wasted_share": 1 / (1 + ttl_ms / 10_000),
            "renewals_per_hour": 3_600_000 / run.setting.scenario.leases.renews_after_ms,
            "goodput": 0.5,
        },
        tag=str(run.seed),
    )


def findings(*axes: str, seeds: int = 2, question: Question | None = None) -> Findings:
    return Findings.of(outcome(plan(*axes, seeds=seeds), trade), question or Question())
