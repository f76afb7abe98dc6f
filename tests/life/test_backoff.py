"""Backoff in integers, and jitter that is no chance (SPEC 9, D-15)."""

from __future__ import annotations

import pytest

from grantcore import ExecutionPolicy, Exponential, Fixed, Phase, RetryPolicy
from tests.life.stage import Stage


def _delays(backoff: Fixed | Exponential, retries: int) -> list[int]:
    stage = Stage(policy=ExecutionPolicy(retry=RetryPolicy(retries, backoff)))
    stage.create()
    delays = []
    for _ in range(retries):
        stage.claim()
        stage.fail()
        delays.append((stage.told[-1].delay_until_ms) - stage.now)  # type: ignore[attr-defined]
        stage.wait(delays[-1])
    stage.claim()
    stage.fail()
    assert stage.phase() is Phase.FAILED
    return delays


@pytest.mark.parametrize(
    ("backoff", "wanted"),
    [
        (Fixed(), [1_000] * 4),
        (Fixed(0), [0] * 4),
        (Exponential(), [1_000, 2_000, 4_000, 8_000]),
        (Exponential(1_000, 3_000), [1_000, 2_000, 3_000, 3_000]),
        (Exponential(5_000, 3_000), [3_000] * 4),
        (Exponential(100, 60_000, 1_555), [100, 155, 241, 374]),
        (Exponential(100, 60_000, 500), [100, 50, 25, 12]),
        (Exponential(100, 60_000, 0), [100, 0, 0, 0]),
        (Exponential(0, 60_000), [0] * 4),
    ],
)
def test_backoff_in_integers(backoff: Fixed | Exponential, wanted: list[int]) -> None:
    """SPEC 9: ``d * permille // 1000``, capped each time."""
    assert _delays(backoff, 4) == wanted


def test_jitter_stays_between_half_and_whole_and_depends_on_id_and_attempt_only() -> None:
    """A pure function of execution id and attempt index: lapses need no random source."""
    found: dict[str, list[int]] = {}
    for name in (f"job-{i}" for i in range(300)):
        policy = RetryPolicy(3, Exponential(1_001, 1_001, jitter=True))
        found[name] = [policy.delay_ms(0, name, index) for index in range(5)]
        assert found[name] == [policy.delay_ms(2, name, index) for index in range(5)]
    delays = [delay for all_of_one in found.values() for delay in all_of_one]
    assert 500 <= min(delays) < 510
    assert 991 < max(delays) <= 1_001
    assert len(set(delays)) > 400
    assert _delays(Exponential(1_001, 1_001, jitter=True), 3) == _delays(
        Exponential(1_001, 1_001, jitter=True), 3
    )


@pytest.mark.parametrize(("delay_ms", "wanted"), [(0, {0}), (1, {0, 1}), (2, {1, 2}), (3, {1, 2, 3})])
def test_jitter_of_almost_nothing(delay_ms: int, wanted: set[int]) -> None:
    policy = RetryPolicy(1, Exponential(delay_ms, delay_ms, jitter=True))
    assert {policy.delay_ms(0, f"job-{i}", 0) for i in range(200)} == wanted
