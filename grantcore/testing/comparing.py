"""Running many compared steps; when engine and model part, the shortest way there is found and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from grantcore import EngineConfig
from grantcore.testing.pair import Disagreement, Pair
from grantcore.testing.proposing import MAX_MS, Proposer
from grantcore.testing.steps import Absent, Step, resolved, script

USUAL: Final = EngineConfig(retention_ms=500)

SMALL: Final = EngineConfig(
    max_grant_ttl_ms=50,
    max_lease_ttl_ms=50,
    retention_ms=100,
    idempotency_window_ms=40,
    lease_history_limit=4,
    max_executions=8,
    max_payload_bytes=16,
    max_text_bytes=16,
    max_route_snapshot_bytes=16,
    max_tags=3,
    max_shelves_per_lane=2,
)
"""Every limit is near."""


@attrs.frozen(kw_only=True)
class Setting:
    """How a run is set up: what the seed does not say.

    Args:
        config: of both.
        start_ms: the first instant.
        observed: whether an observer listens.
        minted: whether ids are of the engine's own kind.
        look_every: how many steps pass between two looks at everything.
        state_every: see :class:`grantcore.testing.pair.Pair`; a failing run is repeated with 1.
        rest_every: the same.
    """

    config: EngineConfig = USUAL
    start_ms: int = 0
    observed: bool = False
    minted: bool = False
    look_every: int = 100
    state_every: int = 6
    rest_every: int = 24

    def pair(self, seed: int) -> Pair:
        """Build a pair that compares all after each call."""
        return self._pair(seed, state_every=1, rest_every=1)

    def long_pair(self, seed: int) -> Pair:
        """Build a pair for a long run."""
        return self._pair(seed, state_every=self.state_every, rest_every=self.rest_every)

    def _pair(self, seed: int, *, state_every: int, rest_every: int) -> Pair:
        return Pair(
            seed,
            config=self.config,
            start_ms=self.start_ms,
            observed=self.observed,
            minted=self.minted,
            state_every=state_every,
            rest_every=rest_every,
        )


SETTINGS: Final = (
    Setting(minted=True),
    Setting(config=SMALL, observed=True),
    Setting(config=SMALL, minted=True, look_every=30),
    Setting(start_ms=MAX_MS - 25_000, observed=True),
    Setting(config=EngineConfig(retention_ms=0, threadsafe=False), minted=True),
    Setting(start_ms=MAX_MS - 60_000, minted=True),
    Setting(config=EngineConfig(retention_ms=100, max_shelves_per_lane=2), minted=True),
)
"""With and without the engine's shorter ways, with near limits, at the end of time. Seeds take turns."""


@attrs.frozen
class Failure(Exception):
    """Engine and model part."""

    seed: int
    steps: tuple[Step, ...]
    setting: str
    reason: str

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.reason}\n\n{script(self.steps, self.setting)}\n"


def compare(seed: int, steps: int, setting: Setting | None = None) -> int:
    """Run ``steps`` compared steps, and look at everything at the end.

    Args:
        seed: of ids, choices and setting.
        steps: how many.
        setting: None: the seed's.

    Returns:
        How many were compared: all of them.

    Raises:
        Failure: engine and model part; it has the shortest list of calls found that shows it.
    """
    setting = SETTINGS[seed % len(SETTINGS)] if setting is None else setting
    pair = setting.long_pair(seed)
    proposer = Proposer(seed, pair.model, crowd=4 + seed // len(SETTINGS) % 7)
    run: list[Step] = []
    results: dict[int, object] = {}
    for number in range(steps + 1):
        step = proposer.step(number, _now(pair, setting))
        if number == steps or number % setting.look_every == setting.look_every - 1:
            step = Step(number, "look")
        run.append(step)
        try:
            _make(pair, step, results)
        except Exception as error:
            raise _failure(seed, run, setting, error) from error
        proposer.learn(step, results.get(number))
        del run[:-10_000]
    return steps


def _now(pair: Pair, setting: Setting) -> int:
    reading = pair.dial.reading
    return reading if type(reading) is int else setting.start_ms


def _make(pair: Pair, step: Step, results: dict[int, object]) -> None:
    """Make the call of a step, unless what it refers to is gone."""
    try:
        args = [resolved(value, results) for value in step.args]
        kwargs = {name: resolved(value, results) for name, value in step.kwargs.items()}
    except Absent:
        return
    answer = pair.call(step.call, *args, **kwargs)
    if answer is not None and not isinstance(answer, Exception):
        results[step.number] = answer


def _failure(seed: int, run: Sequence[Step], setting: Setting, error: Exception) -> Failure:
    """The shortest way to fail alike, when everything is compared after each call."""
    about = _about(_error(seed, run, setting) or error)

    def fails(steps: Sequence[Step]) -> bool:
        again = _error(seed, steps, setting)
        return again is not None and _about(again) == about

    steps = shortest(run, fails)
    again = _error(seed, steps, setting)
    reason = f"not again: {error!r}" if again is None else _told(again)
    return Failure(seed, tuple(steps), setting.pair(seed).setting, reason)


def _error(seed: int, steps: Sequence[Step], setting: Setting) -> Exception | None:
    """How these steps fail; None if they do not."""
    pair = setting.pair(seed)
    results: dict[int, object] = {}
    try:
        for step in steps:
            _make(pair, step, results)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        return error
    return None


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, Disagreement) else repr(error)


def _about(error: Exception) -> object:
    return error.about if isinstance(error, Disagreement) else type(error)


def shortest(steps: Sequence[Step], fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    """Leave out what is not needed to fail: by halves, quarters, and so on to single steps."""
    kept = list(steps)
    size = max(len(kept) // 2, 1)
    while True:
        shorter = _without(kept, size, fails)
        if len(shorter) == len(kept) and size == 1:
            return kept
        kept = shorter
        size = max(min(size // 2, len(kept)), 1)


def _without(steps: list[Step], size: int, fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    """Try to do without each piece of ``size`` steps, from the end."""
    end = len(steps)
    while end > 0:
        start = max(end - size, 0)
        candidate = steps[:start] + steps[end:]
        if candidate and fails(candidate):
            steps = candidate
        end = start
    return steps


__all__ = ["SETTINGS", "Failure", "Setting", "compare", "shortest"]
