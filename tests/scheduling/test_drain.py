"""I-57: a loop of ``claim_for_worker`` and ``take`` brings every execution to an end."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from grantcore import ExecutionPolicy, Fixed, Lease, Phase, RetryPolicy
from tests.scheduling.stage import ALL, ANN, Grant, Stage

LANES: Final = {"main": 3, "side": 1}
ENDED: Final = {Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED}


def filled(chance: Random) -> Stage:
    stage = Stage(retention_ms=None)
    stage.engine.create_quota_policy("q", max_concurrent=3, max_requests_per_window=5, window_ms=200)
    stage.engine.create_budget("b", hard_limits={"usd": 10}, reset_interval_ms=300)
    for number in range(60):
        stage.create(
            f"e{number}",
            lane=chance.choice(tuple(LANES)),
            needs=chance.sample(ALL, 2),
            priority=chance.randrange(3),
            quota_policy_id=chance.choice((None, "q")),
            budget_ids=chance.choice(((), ("b",))),
            delay_until_ms=stage.clock() + chance.choice((0, 100)),
            policy=ExecutionPolicy(
                retry=RetryPolicy(max_retries=2, backoff=Fixed(30)),
                max_reclaim_count=2,
                attempt_timeout_ms=chance.choice((None, 150)),
            ),
        )
    return stage


def work(stage: Stage, lease: Lease, chance: Random) -> None:
    """One of the things that happen to a lease; nothing, most of the time: it lapses."""
    fate = chance.randrange(6)
    if fate == 0:
        stage.engine.complete_execution(lease)
    elif fate == 1:
        stage.engine.fail_execution(lease, reason="r")
    elif fate == 2:
        stage.operator.revoke_lease(lease.execution_id, reason="r")
    elif fate == 3:
        stage.engine.report_usage("b", {"usd": min(3, _left(stage))})


def _left(stage: Stage) -> int:
    return 10 - stage.engine.describe_budget("b").usage.get("usd", 0)


def open_ones(stage: Stage) -> list[str]:
    return [e.execution_id for e in stage.engine.list_executions().entries if e.phase not in ENDED]


def drain(stage: Stage, use: Callable[[Grant], object]) -> int:
    """The loop of a tickless host: grant what there is, then sleep until something changes."""
    rounds = 0
    while True:
        while (grant := stage.claim(ANN, LANES, ttl_ms=50)) is not None:
            use(grant)
        next_ms = stage.engine.next_deadline_ms()
        if next_ms is None:
            return rounds
        assert next_ms > stage.clock()
        stage.clock.set(next_ms)
        rounds += 1


@pytest.mark.uncovered
@pytest.mark.parametrize("seed", range(6))
def test_the_loop_drains_everything(seed: int) -> None:
    """Lapses, revocations, retries, timeouts, unused grants, quotas and budgets included."""
    chance = Random(seed)
    stage = filled(chance)

    def use(grant: Grant) -> None:
        if chance.random() < 0.9:
            work(stage, stage.take(grant, 40), chance)

    assert drain(stage, use) > 20
    assert open_ones(stage) == []
    stage.engine.check()


def test_claim_and_take_alone_drain_as_well() -> None:
    """Whoever takes and never answers: lapses and the cap end it all."""
    stage = filled(Random(99))
    drain(stage, lambda grant: stage.take(grant, 40))
    assert open_ones(stage) == []
    stage.engine.check()


def test_the_loop_can_fail_to_drain() -> None:
    """What no worker can run stays: the assertion above has something to see."""
    stage = Stage(retention_ms=None)
    stage.create("e", needs=["something-else"])
    assert stage.claim() is None
    assert stage.engine.next_deadline_ms() is None
    assert open_ones(stage) == ["e"]
