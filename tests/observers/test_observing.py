"""The observers that are shipped, over a story in which everything happens."""

from __future__ import annotations

import json
import logging
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from grantcore import GrantEngine, InvalidInput, Phase, events
from grantcore.observing import tenures
from grantcore.observing.logs import LEVELS, EventLog, level_of, subject_of
from grantcore.observing.metrics import Metrics
from grantcore.observing.spans import NS_PER_MS, LeaseSpans
from grantcore.observing.timeline import Interval, Timeline
from tests.observers.every_event import KINDS, Story

PNG = b"\x89PNG\r\n\x1a\n"


def test_the_story_has_everything() -> None:
    story = Story()
    story.play()
    story.engine.check()
    assert {type(event) for event in story.told} == KINDS


# -- tenures -------------------------------------------------------------------------------------


def test_every_lease_begins_once_and_ends_once_or_goes_on() -> None:
    """What the events say of leases agrees with the engine after every one of them."""
    current: set[tenures.Key] = set()
    lost: set[tenures.Key] = set()

    def follow(event: events.Event) -> None:
        begun, ended = tenures.begun(event), tenures.ended(event)
        if begun is not None:
            assert tenures.key(begun) not in current
            current.add(tenures.key(begun))
        elif ended is not None and tenures.key(ended) in current:
            current.remove(tenures.key(ended))
            if tenures.was_taken(event):
                lost.add(tenures.key(ended))

    story = Story(follow)
    story.play()
    assert current == {tenures.key(lease) for lease in story.engine.leases()} == {("running", 1)}
    assert lost == {("lost", 1), ("lost", 2), ("slow", 1), ("dated", 1)}


# -- logging -------------------------------------------------------------------------------------


def logged(level: int, caplog: pytest.LogCaptureFixture) -> tuple[Story, list[logging.LogRecord]]:
    story = Story(EventLog())
    with caplog.at_level(level, logger="grantcore.events"):
        story.play()
    return story, [record for record in caplog.records if record.name == "grantcore.events"]


def test_one_record_per_event(caplog: pytest.LogCaptureFixture) -> None:
    story, records = logged(logging.DEBUG, caplog)
    assert [vars(record)["sequence"] for record in records] == [event.sequence for event in story.told]
    for record, event in zip(records, story.told, strict=True):
        extra = vars(record)
        assert record.getMessage() == f"{type(event).__name__} {extra['subject']}"
        assert record.levelno == level_of(event)
        assert (extra["event"], extra["at_ms"], extra["operator"]) == (
            type(event).__name__,
            event.at_ms,
            event.operator,
        )


def test_details_are_plain_and_have_no_payload(caplog: pytest.LogCaptureFixture) -> None:
    _, records = logged(logging.DEBUG, caplog)
    text = json.dumps([vars(record)["details"] for record in records])
    assert "secret" not in text
    assert '"reason": "maintenance"' in text
    assert '"tags": {"a.b": "c"}' in text
    assert '"expires_at_ms"' in text


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL])
def test_levels(level: int, caplog: pytest.LogCaptureFixture) -> None:
    story, records = logged(level, caplog)
    assert len(records) == sum(level_of(event) >= level for event in story.told)


def test_subjects() -> None:
    story = Story()
    story.play()
    subjects = {type(event): subject_of(event) for event in story.told}
    assert subjects[events.WorkerLapsed] == "ann-1"
    assert subjects[events.LanePaused] == "main"
    assert subjects[events.QuotaPolicyCreated] == "quota"
    assert subjects[events.SpendRecorded] == "budget"
    assert subjects[events.Completed] == "done"


def test_only_events_have_levels() -> None:
    assert set(LEVELS) <= KINDS


# -- metrics -------------------------------------------------------------------------------------


def test_counts_and_gauges() -> None:
    metrics = Metrics()
    story = Story(metrics)
    assert metrics.snapshot(story.engine.stats()).events == {}
    story.play()
    snapshot = metrics.snapshot(story.engine.stats())
    assert sum(snapshot.events.values()) == len(story.told)
    assert set(snapshot.events) == {kind.__name__ for kind in KINDS}
    assert (snapshot.lapses, snapshot.grant_lapses, snapshot.reclaims) == (1, 1, 1)
    assert snapshot.ended["Completed"] == 1
    assert snapshot.gauges.current_leases == 1
    assert snapshot.gauges.executions_by_phase[Phase.LEASED] == 1


def test_a_snapshot_stands_still() -> None:
    metrics = Metrics()
    story = Story(metrics)
    story.create("one")
    snapshot = metrics.snapshot(story.engine.stats())
    story.create("two")
    assert snapshot.events == {"Created": 1}


# -- spans ---------------------------------------------------------------------------------------


def traced() -> tuple[Story, list[ReadableSpan]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    story = Story(LeaseSpans(provider.get_tracer("test")))
    story.play()
    return story, list(exporter.get_finished_spans())


def test_one_span_per_lease_that_ended() -> None:
    story, spans = traced()
    begun = [event.lease for event in story.told if isinstance(event, events.LeaseAcquired)]
    assert len(spans) == len(begun) + 1 - 1, "one was reclaimed besides, one goes on"
    ends = [
        (
            (span.attributes or {})["grantcore.execution_id"],
            (span.attributes or {})["grantcore.end"],
            span.status.status_code,
        )
        for span in spans
    ]
    assert ends == [
        ("done", "Completed", StatusCode.OK),
        ("failing", "RetryScheduled", StatusCode.ERROR),
        ("failing", "Failed", StatusCode.ERROR),
        ("later", "Delayed", StatusCode.UNSET),
        ("later", "ChildrenAwaited", StatusCode.UNSET),
        ("waiting", "Suspended", StatusCode.UNSET),
        ("waiting", "Suspended", StatusCode.UNSET),
        ("lost", "LeaseLapsed", StatusCode.ERROR),
        ("lost", "LeaseRevoked", StatusCode.ERROR),
        ("slow", "AttemptTimedOut", StatusCode.ERROR),
        ("dated", "DeadlinePassed", StatusCode.ERROR),
    ]


def test_a_span_has_the_instants_of_the_engine() -> None:
    _, spans = traced()
    done, lapsed = spans[0], spans[7]
    assert (done.start_time, done.end_time) == (1_000_000 * NS_PER_MS, 1_000_300 * NS_PER_MS)
    assert [event.name for event in done.events] == ["renewed"]
    assert lapsed.start_time is not None
    assert lapsed.end_time == lapsed.start_time + 1_000 * NS_PER_MS, "the deadline, not when it was noticed"
    attributes = spans[8].attributes or {}
    assert attributes["grantcore.operator"] == "op"
    assert attributes["grantcore.lease_kind"] == "reclaimed"
    assert spans[8].status.description == "maintenance"


def test_a_lease_from_before_the_observer_has_no_span() -> None:
    story = Story()
    lease = story.take(story.create("old"))
    spans = LeaseSpans()
    with story.engine.subscribe(spans):
        story.engine.renew_lease(lease, lease_ttl_ms=5)
        story.engine.complete_execution(lease)
    assert spans._open == {}


# -- timeline ------------------------------------------------------------------------------------


def recorded(limit: int = 100) -> tuple[Story, Timeline]:
    timeline = Timeline(limit=limit)
    story = Story(timeline)
    story.play()
    return story, timeline


def test_intervals() -> None:
    _, timeline = recorded()
    lost = timeline.intervals(execution_id="lost")
    assert [(i.worker_id, i.lease_epoch, i.end) for i in lost] == [
        ("bob", 1, "LeaseLapsed"),
        ("eve", 2, "LeaseRevoked"),
    ]
    assert lost[0].ended_at_ms == lost[0].began_at_ms + 1_000
    (running,) = timeline.intervals(execution_id="running", worker_instance_id="eve-1")
    assert (running.ended_at_ms, running.end) == (None, None)
    assert {i.worker_instance_id for i in timeline.intervals()} == {"ann-1", "bob-1", "eve-1"}


@given(st.integers(1, 12))
def test_it_is_bounded(limit: int) -> None:
    _, timeline = recorded(limit)
    _, whole = recorded()
    *ended, running = whole.intervals()
    assert timeline.intervals() == (*ended[-limit:], running)


def test_leases_of_one_execution_do_not_overlap() -> None:
    """I-01, as the picture shows it."""
    story, timeline = recorded()
    by_execution: dict[str, list[Interval]] = {}
    for interval in sorted(timeline.intervals(), key=lambda interval: interval.lease_epoch):
        by_execution.setdefault(interval.execution_id, []).append(interval)
    assert any(len(intervals) > 1 for intervals in by_execution.values())
    for intervals in by_execution.values():
        for sooner, later in pairwise(intervals):
            assert sooner.ended_at_ms is not None
            assert sooner.ended_at_ms <= later.began_at_ms
    assert story.engine.stats().current_leases == 1


@pytest.mark.parametrize("by", ["worker", "execution"])
def test_drawn(by: str, tmp_path: Path) -> None:
    story, timeline = recorded()
    axes = timeline.draw(now_ms=story.engine.now_ms(), by=by)  # type: ignore[arg-type]
    names = [label.get_text() for label in axes.get_yticklabels()]
    field = "worker_instance_id" if by == "worker" else "execution_id"
    assert sorted(names) == sorted({getattr(interval, field) for interval in timeline.intervals()})
    bars = sum(len(collection.get_paths()) for collection in axes.collections)
    assert bars == len(timeline.intervals())
    legend = axes.get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == 5
    picture = tmp_path / "leases.png"
    assert isinstance(axes.figure, Figure)
    axes.figure.savefig(picture)
    assert picture.read_bytes().startswith(PNG)


def test_drawn_where_one_likes_and_when_there_is_nothing() -> None:
    axes = Figure().add_subplot()
    assert isinstance(axes, Axes)
    assert Timeline().draw(now_ms=5, ax=axes) is axes
    assert axes.get_legend() is None


def test_bad_input() -> None:
    with pytest.raises(InvalidInput, match="limit"):
        Timeline(limit=0)
    with pytest.raises(InvalidInput, match="by must be"):
        Timeline().draw(now_ms=0, by="lane")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="now_ms"):
        Timeline().draw(now_ms=-1)


def test_none_of_them_calls_the_engine(caplog: pytest.LogCaptureFixture) -> None:
    """A failing observer is logged by the engine, ``Reentrant`` too; here nothing is."""
    story = Story(EventLog(), Metrics(), LeaseSpans(), Timeline())
    with caplog.at_level(logging.ERROR, logger="grantcore"):
        story.play()
    assert "an observer failed" not in caplog.text
    assert isinstance(story.engine, GrantEngine)
