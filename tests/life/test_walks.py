"""Random walks: whatever is done, in whatever order and time, every invariant holds (I-01..I-40, I-63, I-65).

Two walks of 1,500 operations with ``check()`` after every one in every run of the tests, and 14 more with
``-m nightly``; one of 6,000 over forty executions with ``-m proof``; ``-m nightly`` walks 1,000,000.
A failure names its seed and step.
"""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
import pytest

from grantcore import GrantError, InvalidClaimGrant
from grantcore.engine import core
from grantcore.index.indexes import Indexes
from grantcore.model import errors
from grantcore.model.life import CAUSES, LIFE
from grantcore.rules import admitting, claiming, fencing, replaying, suspending
from tests.life.cast import TIGHT, Settings
from tests.life.walk import Walk, WalkFailed
from tests.marks import one_in

pytestmark = pytest.mark.uncovered

SEEDS: Final = range(16)
STEPS: Final = 1_500

CROWD: Final = Settings(config=attrs.evolve(TIGHT, max_executions=60, retention_ms=3_000), names=40)


@functools.cache
def walked(seed: int) -> Walk:
    """One small walk: check() after every step, all tokens tried and all events folded every fifty.

    In every second one the engine makes its own ids.
    """
    return Walk(seed, Settings(minted=seed % 2 == 1), check_every=1, sample=0.1, probe_every=50).go(STEPS)


@pytest.mark.parametrize("seed", one_in(8, SEEDS))
def test_a_small_walk_is_clean(seed: int) -> None:
    walk = walked(seed)
    assert walk.made == walk.checks == STEPS


@pytest.mark.proof
def test_a_walk_over_many_executions_is_clean() -> None:
    walk = Walk(7, CROWD, check_every=20, sample=0.01, probe_every=500).go(6_000)
    assert walk.checks == 300


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 2])
def test_a_walk_of_half_a_million_operations_is_clean(seed: int) -> None:
    """Two of them make the million; checked every hundred operations."""
    walk = Walk(seed, check_every=100, sample=0.002, probe_every=2_000).go(500_000)
    assert walk.made == 500_000


# -- what they cover -----------------------------------------------------------------------------


@pytest.mark.proof
def test_the_walks_are_clean_and_go_along_every_edge_of_the_table() -> None:
    edges = {edge for seed in SEEDS for edge in walked(seed).auditor.edges}
    assert all(walked(seed).checks == STEPS for seed in SEEDS)
    wanted = {
        (phase, event.__name__, target)
        for phase, ways in LIFE.items()
        for event, targets in ways.items()
        for target in targets
    }
    assert edges == wanted


NOT_HERE: Final = frozenset(
    {
        *(
            "rate_limit_exceeded",
            "concurrency_limit_exceeded",
            "lane_paused",
            "budget_exceeded",
            "lane_draining",
        ),
        *("instance_reassigned", "worker_not_found"),
        *("quota_policy_not_found", "budget_not_found"),
        *("snapshot_invalid", "reentrant", "forked", "clock_error", "invariant_broken"),
    }
)
"""Codes of later tasks, and those that have tests of their own."""


@pytest.mark.proof
def test_the_walks_meet_every_refusal() -> None:
    told: Counter[str] = sum((walked(seed).told for seed in SEEDS), Counter())
    codes = {
        kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GrantError)
    }
    abstract = {"grant_error", *(f"{name}_error" for name in _KINDS)}
    assert codes - abstract - NOT_HERE <= set(told)


_KINDS: Final = ("retryable", "cooperative", "terminal", "bug", "missing", "misuse")


def test_the_walks_make_every_call() -> None:
    walk = Walk(3, check_every=0, sample=0, record=True).go(3_000)
    assert set(CAUSES) <= {step.call for step in walk.steps}


def test_the_mix_is_as_promised() -> None:
    """About one step in ten is certain to be refused, and most are not refused at all."""
    walk = Walk(5, check_every=0, sample=0, record=True).go(2_000)
    hopeless = sum(step.hopeless for step in walk.steps)
    assert 0.15 < hopeless / walk.made < 0.3


def test_a_seed_gives_one_walk() -> None:
    """I-42, in one process; test_digests.py compares processes."""
    one, other = (Walk(11, check_every=0, sample=0).go(800) for _ in range(2))
    assert one.engine.digest() == other.engine.digest()
    assert one.told == other.told


# -- planted bugs --------------------------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], None]


def _replace(monkeypatch: pytest.MonkeyPatch, old: Callable[..., Any], new: Callable[..., Any]) -> None:
    """Put a function in the place of another wherever the engine has imported it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("grantcore"):
            for attribute in [key for key, value in vars(module).items() if value is old]:
                monkeypatch.setattr(module, attribute, new)


def late_worker_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    _replace(monkeypatch, fencing.held, lambda record, _fence: fencing.holding(record))


def any_worker_uses_the_grant(monkeypatch: pytest.MonkeyPatch) -> None:
    original = claiming.with_grant

    def with_grant(*args: Any) -> None:
        try:
            original(*args)
        except InvalidClaimGrant as refusal:
            if refusal.reason != "other_worker":
                raise

    _replace(monkeypatch, original, with_grant)


def refused_block_leaves_a_stamp(monkeypatch: pytest.MonkeyPatch) -> None:
    original = admitting.block

    def block(record: Any, now: int, *rest: Any) -> Any:
        try:
            return original(record, now, *rest)
        except GrantError:
            record.last_mutation_at_ms = now
            raise

    _replace(monkeypatch, original, block)


def block_keeps_the_grant(monkeypatch: pytest.MonkeyPatch) -> None:
    original = admitting.write_block

    def write_block(record: Any, *rest: Any) -> None:
        grant = record.grant
        original(record, *rest)
        record.grant = grant

    _replace(monkeypatch, original, write_block)


def purge_forgets_the_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    original = replaying.write_purge

    def write_purge(record: Any, at_ms: int, arguments: Any) -> None:
        store = arguments[-1]
        floor = store.epoch_floor
        original(record, at_ms, arguments)
        store.epoch_floor = floor

    _replace(monkeypatch, original, write_purge)


def history_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "trim", lambda *_: None)


def lapsed_grant_leaves_its_execution_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Indexes.changed_grant

    def changed_grant(self: Indexes, record: Any, before: Any) -> None:
        phase, record.phase = record.phase, None
        original(self, record, before)
        record.phase = phase

    monkeypatch.setattr(Indexes, "changed_grant", changed_grant)


def retries_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the state shows it; the fold of the events does."""
    from grantcore.rules import ending  # noqa: PLC0415 - beside its use

    original = ending.write_retry

    def write_retry(record: Any, *rest: Any) -> None:
        original(record, *rest)
        record.past.retry_count = 0

    _replace(monkeypatch, original, write_retry)


def suspension_forgets_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    original = suspending.write_suspension

    def write_suspension(record: Any, *rest: Any) -> None:
        original(record, *rest)
        record.rare.attempt_rest_ms = None

    _replace(monkeypatch, original, write_suspension)


PLANTS: Final[tuple[Plant, ...]] = (
    late_worker_passes,
    any_worker_uses_the_grant,
    refused_block_leaves_a_stamp,
    block_keeps_the_grant,
    purge_forgets_the_floor,
    history_grows,
    lapsed_grant_leaves_its_execution_hidden,
    retries_are_not_counted,
    suspension_forgets_the_rest,
)


@pytest.fixture
def planted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    request.param(monkeypatch)
    yield request.param.__name__
    monkeypatch.undo()


@pytest.mark.parametrize("planted", one_in(4, PLANTS), indirect=True, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(planted: str) -> None:
    """By walks of the same kind as above, within the first few seeds; the failure names seed and step."""
    with pytest.raises(WalkFailed, match=r"^seed \d+, step \d+: "):
        for seed in SEEDS[:8]:
            Walk(seed, check_every=1, sample=0.2, probe_every=25).go(STEPS)
    assert planted
