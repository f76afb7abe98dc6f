"""Planted defects: each makes a method defective, and the auditor names the rule that is broken."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable
from typing import Any, cast

import attrs
import pytest

from grantcore import GrantEngine, GrantError, InvariantBroken, Lease, Scheduler, StaleLease
from grantcore.events import Event, ExecutionEvent, LeaseLapsed
from grantcore.model.phases import TERMINAL
from grantcore.simulation.scenario.model import Dispatch, Policy, Synthetic
from grantcore.simulation.world.resource import Resource
from tests.simulation.world.worlds import HARSH, rules, run_of

Method = Callable[..., Any]
FIELDS = tuple(inspect.signature(Lease).parameters)


def altered(lease: Lease, **fields: int) -> Lease:
    return Lease(**{name: getattr(lease, name) for name in FIELDS} | fields)


def accepts_what_is_stale(call: Method) -> Method:
    def defective(engine: GrantEngine, lease: Lease) -> object:
        try:
            return call(engine, lease)
        except GrantError:
            return None

    return defective


def refuses_holders(_call: Method) -> Method:
    def defective(_engine: GrantEngine, _lease: Lease, **_options: object) -> object:
        raise StaleLease

    return defective


def finds_itself_impossible(_check: Method) -> Method:
    def defective(_engine: GrantEngine) -> None:
        raise InvariantBroken("I-34")

    return defective


def lets_all_in(_write: Method) -> Method:
    def defective(resource: Resource, execution_id: str, epoch: int) -> bool:
        resource._auditor.effect(execution_id, epoch, accepted=True)
        return True

    return defective


def shuts_all_out(_write: Method) -> Method:
    def defective(resource: Resource, execution_id: str, epoch: int) -> bool:
        resource._auditor.effect(execution_id, epoch, accepted=False)
        return False

    return defective


def takes_one_for_another(create: Method) -> Method:
    first: list[object] = []

    def defective(engine: GrantEngine, **job: object) -> object:
        first.append(create(engine, **job))
        return first[0]

    return defective


def grants_nothing(_claim: Method) -> Method:
    def defective(_scheduler: Scheduler, _worker: object, **_options: object) -> None:
        return None

    return defective


def keeps_what_it_should_purge(_purge: Method) -> Method:
    def defective(_engine: GrantEngine, _execution_id: str) -> None:
        raise StaleLease

    return defective


def skips_epochs(claim: Method) -> Method:
    def defective(engine: GrantEngine, grant: object, **options: object) -> Lease:
        lease = cast("Lease", claim(engine, grant, **options))
        return altered(lease, lease_epoch=lease.lease_epoch + 7 * (lease.attempt_index > 0))

    return defective


def tells_another_end(later_ms: int) -> Callable[[Method], Method]:
    def plant(renew: Method) -> Method:
        def defective(engine: GrantEngine, lease: Lease, **options: object) -> Lease:
            renewed = cast("Lease", renew(engine, lease, **options))
            return altered(renewed, expires_at_ms=max(renewed.expires_at_ms + later_ms, 0))

        return defective

    return plant


def hides_lapses(subscribe: Method) -> Method:
    def defective(engine: GrantEngine, observer: Callable[[Event], None]) -> object:
        def hear(event: Event) -> None:
            if not isinstance(event, LeaseLapsed):
                observer(event)

        return subscribe(engine, hear)

    return defective


def tells_it_twice(subscribe: Method) -> Method:
    def defective(engine: GrantEngine, observer: Callable[[Event], None]) -> object:
        def hear(event: Event) -> None:
            observer(event)
            observer(event)

        return subscribe(engine, hear)

    return defective


def tells_old_news(subscribe: Method) -> Method:
    """When an execution ends, all its life is told once more."""

    def defective(engine: GrantEngine, observer: Callable[[Event], None]) -> object:
        told: defaultdict[str, list[ExecutionEvent]] = defaultdict(list)

        def hear(event: Event) -> None:
            observer(event)
            if isinstance(event, ExecutionEvent):
                told[event.execution_id].append(event)
                if event.phase in TERMINAL:
                    for old in told[event.execution_id]:
                        observer(old)

        return subscribe(engine, hear)

    return defective


SCENARIO = attrs.evolve(HARSH, workload=Synthetic(jobs=60, mean_gap_ms=4_000), retention_ms=60_000)
LATE = attrs.evolve(
    SCENARIO,
    faults=attrs.evolve(HARSH.faults, fail=0.4, clock_jumps_per_day=5_000),
    policy=Policy(max_retries=1, max_reclaim_count=3),
    scheduler=Dispatch(delivery_ms=9_500),
)
PLANTS: list[tuple[type, str, Callable[[Method], Method], set[str]]] = [
    (GrantEngine, "complete_execution", accepts_what_is_stale, {"I-38", "I-11", "I-65"}),
    (GrantEngine, "renew_lease", refuses_holders, {"I-55"}),
    (GrantEngine, "renew_lease", tells_another_end(60_000), {"I-55"}),
    (GrantEngine, "renew_lease", tells_another_end(-30_000), {"I-54"}),
    (GrantEngine, "renew_lease", tells_another_end(-205_000), {"I-04"}),
    (GrantEngine, "renew_lease", tells_another_end(-400_000), {"I-08"}),
    (GrantEngine, "check", finds_itself_impossible, {"invariant_broken"}),
    (GrantEngine, "create_execution", takes_one_for_another, {"I-39"}),
    (GrantEngine, "purge_execution", keeps_what_it_should_purge, {"I-39"}),
    (GrantEngine, "claim_execution", skips_epochs, {"I-02"}),
    (GrantEngine, "take", skips_epochs, {"I-02"}),
    (GrantEngine, "subscribe", hides_lapses, {"I-01", "I-65"}),
    (GrantEngine, "subscribe", tells_it_twice, {"I-01", "I-38", "I-39"}),
    (Scheduler, "claim_for_worker", grants_nothing, {"I-57"}),
    (Resource, "write", lets_all_in, {"I-11"}),
    (Resource, "write", shuts_all_out, {"I-11"}),
]


@pytest.mark.parametrize(("kind", "method", "plant", "found"), PLANTS)
def test_a_planted_defect_is_found(
    monkeypatch: pytest.MonkeyPatch,
    kind: type,
    method: str,
    plant: Callable[[Method], Method],
    found: set[str],
) -> None:
    monkeypatch.setattr(kind, method, plant(getattr(kind, method)))
    assert found <= rules(run_of(SCENARIO))


@pytest.mark.parametrize("observed", [False, True])
def test_nothing_is_found_where_nothing_is_planted(observed: bool) -> None:
    assert not rules(run_of(SCENARIO, observed=observed))


def test_old_news_are_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GrantEngine, "subscribe", tells_old_news(GrantEngine.subscribe))
    record = run_of(LATE, observed=True)
    assert {"I-38", "I-39"} <= rules(record)
    assert sum(record.ends.values()) == record.submitted
