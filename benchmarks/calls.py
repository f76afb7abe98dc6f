"""Each call of a lifecycle by itself, with pytest-benchmark: ``pytest benchmarks/calls.py``.

A round is :data:`CALLS` calls on as many executions, prepared beforehand: milliseconds per round are
microseconds per call. This shows where the time goes; the goals are ``python -m benchmarks``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import pytest

from benchmarks.lifecycle import INSTANCE_ID, LANE_ID, LEASE_TTL_MS, REQUEST, WORKER_ID, Rig

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantcore import GrantEngine

CALLS: Final = 1_000
ROUNDS: Final = 20

T = TypeVar("T")


class PerCall(Protocol):
    """What the fixture gives."""

    def __call__(self, prepare: Callable[[Rig], T], call: Callable[[GrantEngine, T], object]) -> None:
        """Measure a call on subjects that are prepared one by one."""


class Pedantic(Protocol):
    """The part of pytest-benchmark's untyped fixture that is used here."""

    def pedantic(self, target: Callable[..., None], *, setup: Callable[[], object], rounds: int) -> None:
        """Measure rounds of the target, each on new arguments from the setup."""


@pytest.fixture
def per_call(benchmark: Pedantic) -> PerCall:
    """Measure rounds of calls, each round on an engine of its own."""

    def measure(prepare: Callable[[Rig], T], call: Callable[[GrantEngine, T], object]) -> None:
        def prepared() -> tuple[tuple[GrantEngine, list[T]], dict[str, object]]:
            rig = Rig()
            return (rig.engine, [prepare(rig) for _ in range(CALLS)]), {}

        def one_round(engine: GrantEngine, subjects: list[T]) -> None:
            for subject in subjects:
                call(engine, subject)

        benchmark.pedantic(one_round, setup=prepared, rounds=ROUNDS)

    return measure


def test_create_execution(per_call: PerCall) -> None:
    """A new execution with a minted id."""
    per_call(lambda _: LANE_ID, lambda engine, lane_id: engine.create_execution(lane_id=lane_id))


def test_issue_claim_grant(per_call: PerCall) -> None:
    """A grant, its request reused."""
    per_call(
        lambda rig: rig.engine.create_execution(lane_id=LANE_ID).execution_id,
        lambda engine, execution_id: engine.issue_claim_grant(execution_id, REQUEST),
    )


def test_claim_execution(per_call: PerCall) -> None:
    """The first lease of an execution."""
    per_call(
        Rig.grant,
        lambda engine, grant: engine.claim_execution(
            grant, worker_id=WORKER_ID, worker_instance_id=INSTANCE_ID, lease_ttl_ms=LEASE_TTL_MS
        ),
    )


def test_renew_lease(per_call: PerCall) -> None:
    """A renewal."""
    per_call(
        lambda rig: rig.claim(rig.grant()),
        lambda engine, lease: engine.renew_lease(lease, lease_ttl_ms=LEASE_TTL_MS),
    )


def test_complete_execution(per_call: PerCall) -> None:
    """A success without a result."""
    per_call(
        lambda rig: rig.claim(rig.grant()),
        lambda engine, lease: engine.complete_execution(lease),
    )


def test_advance(per_call: PerCall) -> None:
    """Nothing is due."""
    per_call(lambda rig: rig.claim(rig.grant()), lambda engine, _: engine.advance())
