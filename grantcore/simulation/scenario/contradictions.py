"""What is wrong with a scenario although each of its values is right by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grantcore.simulation.scenario.errors import refusal
from grantcore.simulation.scenario.keys import MAX_WORKERS
from grantcore.simulation.scenario.model import Synthetic
from grantcore.simulation.sizes import carried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from grantcore.simulation.scenario.model import Scenario


def judge(scenario: Scenario) -> None:
    """Refuse the first contradiction.

    Raises:
        ScenarioError: there is one.
    """
    for contradiction in CONTRADICTIONS:
        contradiction(scenario)


def _one_name_twice(scenario: Scenario) -> None:
    """Two groups of one name would have the same workers."""
    names: set[str] = set()
    for number, group in enumerate(scenario.workers):
        if group.name in names:
            raise refusal(f"workers.{number}.name", group.name, "another name than those of the groups above")
        names.add(group.name)


def _too_many_workers(scenario: Scenario) -> None:
    """All groups together."""
    total = sum(group.count for group in scenario.workers)
    if total > MAX_WORKERS:
        raise refusal("workers", total, f"at most {MAX_WORKERS:,} workers in all groups together")


def _grants_die_on_the_way(scenario: Scenario) -> None:
    """A grant that lapses before it is delivered starts nothing, for ever."""
    ttl_ms, delivery_ms = scenario.leases.grant_ttl_ms, scenario.scheduler.delivery_ms
    if delivery_ms >= ttl_ms:
        raise refusal("scheduler.delivery_ms", delivery_ms, f"below leases.grant_ttl_ms, {ttl_ms:,}")


def _mean_above_the_cut(scenario: Scenario) -> None:
    """Run times of that mean would all be cut."""
    load = scenario.workload
    if isinstance(load, Synthetic) and load.max_run_ms < load.mean_run_ms:
        least = f"at least workload.mean_run_ms, {load.mean_run_ms:,}"
        raise refusal("workload.max_run_ms", load.max_run_ms, least)


def _nothing_required(scenario: Scenario) -> None:
    """The weights of the mix are all 0."""
    load = scenario.workload
    if isinstance(load, Synthetic) and not any(row.weight for row in load.requirements):
        raise refusal("workload.requirements", 0, "a mix of weights that are not all 0")


def _nobody_can_run_it(scenario: Scenario) -> None:
    """A made-up job that no worker can run would wait for ever."""
    load = scenario.workload
    if not isinstance(load, Synthetic):
        return
    for number, row in enumerate(load.requirements):
        if row.weight and not _can_run(scenario, row.capabilities):
            key = f"workload.requirements.{number}.capabilities"
            raise refusal(key, " ".join(row.capabilities), "carried by the workers of some group")


def judge_required(scenario: Scenario, required: Iterable[tuple[str, ...]]) -> None:
    """Refuse the first of the capability sets that no group can run.

    What a log requires is known when it has been looked over (``workloads.survey``), not before.

    Raises:
        ScenarioError: nobody could run a job that requires it.
    """
    for tokens in required:
        if not _can_run(scenario, tokens):
            allowed = "such that some group carries whatever a job requires"
            raise refusal("workers", " ".join(tokens), allowed)


def _can_run(scenario: Scenario, required: tuple[str, ...]) -> bool:
    """Whether some group carries these; one without capabilities of its own carries what it has to."""
    fleet = [group.capabilities for group in scenario.workers]
    return any(tokens is None or set(carried(tokens)).issuperset(required) for tokens in fleet)


CONTRADICTIONS: Final[tuple[Callable[[Scenario], None], ...]] = (
    _one_name_twice,
    _too_many_workers,
    _grants_die_on_the_way,
    _mean_above_the_cut,
    _nothing_required,
    _nobody_can_run_it,
)
