"""Folding the events gives back every record, and every answer that is read from an index (I-65, I-34, I-36).

The small walks of test_walks.py fold as they go; here are the lives of the table, long walks, and cuts.
"""

from __future__ import annotations

from typing import Final

import attrs
import pytest

from grantcore import EngineConfig, GrantEngine, ManualClock, Phase
from grantcore.events import ExecutionEvent
from tests.life.cast import TIGHT, Settings
from tests.life.fold import FOLDS, Book
from tests.life.folded import differences
from tests.life.recipes import RECIPES, Recipe
from tests.life.stage import JOB, Stage
from tests.life.test_table import EDGES
from tests.life.walk import Walk
from tests.life.ways import WAYS
from tests.observing import of_executions

pytestmark = pytest.mark.uncovered

CONFIG: Final = EngineConfig()
LASTING: Final = Settings(config=attrs.evolve(TIGHT, retention_ms=None, max_executions=None), names=12)


def folded(told: list[ExecutionEvent], limit: int = CONFIG.lease_history_limit) -> Book:
    book = Book(limit)
    for event in told:
        book(event)
    return book


def agree(book: Book, engine: GrantEngine, config: EngineConfig = CONFIG) -> None:
    assert list(differences(book, engine, config.retention_ms)) == []


# -- lives ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [None, *Phase], ids=str)
def test_every_life_folds(phase: Phase | None) -> None:
    for recipe in RECIPES[phase]:
        stage = recipe.build()
        stage.engine.advance()
        agree(folded(stage.told), stage.engine)


def _after(recipe: Recipe, number: int) -> Stage | None:
    """The stage after one more event, if this way of causing it fits."""
    stage = recipe.build()
    if not WAYS[number].fits(stage):
        return None
    WAYS[number].go(stage)
    stage.engine.advance()
    return stage


@pytest.mark.parametrize(
    ("phase", "number"),
    [(p, n) for p, e in EDGES for n, w in enumerate(WAYS) if w.event is e and w.call != "advance"],
)
def test_every_event_folds_wherever_it_happens(phase: Phase | None, number: int) -> None:
    """A few recipes of each phase are enough: what they differ in is folded above."""
    for recipe in RECIPES[phase][::5]:
        stage = _after(recipe, number) if phase is not None else None
        if stage is not None:
            agree(folded(stage.told), stage.engine)


def test_every_event_class_has_a_fold() -> None:
    ends = {"Created", "Purged"}
    assert {event.__name__ for _, event in EDGES} == {event.__name__ for event in FOLDS} | ends


# -- walks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_long_life_without_purges_folds(seed: int) -> None:
    walk = Walk(seed + 50, LASTING, check_every=0, sample=0).go(2_000)
    walk.engine.advance()
    walk._hear()
    agree(walk.book, walk.engine, LASTING.config)
    assert [event.sequence for event in walk.run.told] == list(range(1, len(walk.run.told) + 1))
    assert walk.engine.stats().events == len(walk.run.told)


def test_keys_and_floor_fold_too() -> None:
    """What no record shows: idempotency keys that still answer, and the epoch floor."""
    walk = Walk(10, check_every=0, sample=0).go(1_500)
    walk.engine.advance()
    walk._hear()
    now, store = walk.run.clock(), walk.engine._store
    alive = {name: key for name, key in walk.book.keys.items() if key[1] > now}
    kept = {name: (key.execution_id, key.expires_at_ms) for name, key in store.keys.items()}
    assert {name: key for name, key in kept.items() if key[1] > now} == alive
    assert store.epoch_floor == walk.book.floor
    assert alive
    assert walk.book.floor


def test_the_stream_goes_on_where_a_snapshot_was_taken() -> None:
    """I-43, I-65: the tail told by a restored engine folds onto what was folded before."""
    walk = Walk(21, check_every=0, sample=0).go(700)
    walk.engine.advance()
    walk._hear()
    clock = ManualClock(walk.run.clock())
    engine = GrantEngine.restore(walk.engine.snapshot(), clock=clock, config=TIGHT)
    engine.subscribe(of_executions(walk.run.told.append))
    for entry in engine.list_executions().entries:
        engine.set_execution_tags(entry.execution_id, {"a.x": "after"})
    clock.advance(5_000)
    engine.advance()
    walk._hear()
    agree(walk.book, engine, TIGHT)


# -- the stream itself -----------------------------------------------------------------------------


def test_without_observers_the_number_counts_and_no_event_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """SPEC 10: the number counts, the object does not."""
    made: list[object] = []
    monkeypatch.setattr("grantcore.engine.core.event_of", lambda *_: made.append(1))
    engine = GrantEngine(clock=ManualClock(0))
    engine.create_execution(lane_id="main", execution_id=JOB)
    engine.operator("boss").cancel(JOB, reason="")
    assert engine.stats().events == 2
    assert made == []


def test_a_call_s_own_event_comes_after_those_of_the_lapses_it_applied() -> None:
    """SPEC 10; they are told even when the call is then refused."""
    stage = Stage()
    stage.create()
    stage.claim(ttl_ms=10)
    stage.clock.advance(10)
    stage.engine.set_execution_tags(JOB, {"a.b": "c"})
    assert stage.events_of()[-2:] == ["LeaseLapsed", "TagsChanged"]
    stage.claim(ttl_ms=10)
    stage.clock.advance(10)
    with pytest.raises(LookupError):
        stage.engine.purge_execution("nobody")
    assert stage.events_of()[-1] == "LeaseLapsed"


def test_the_fold_can_fail() -> None:
    """A book that missed any one event of a life says so, unless a later one says it all again."""
    stage = RECIPES[Phase.LEASE_EXPIRED][0].build()
    stage.engine.advance()
    mine = [i for i, event in enumerate(stage.told) if event.execution_id == JOB]
    for i in mine[1:]:
        rest = stage.told[:i] + stage.told[i + 1 :]
        try:
            wrong = list(differences(folded(rest), stage.engine, CONFIG.retention_ms))
        except (AssertionError, KeyError, IndexError, TypeError):
            continue
        assert wrong or type(stage.told[i]).__name__ in ("GrantIssued", "LeaseRenewed")
