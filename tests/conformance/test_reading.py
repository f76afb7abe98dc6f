"""What the reader adds up, what the comparison leaves out, and that it leaves out nothing else."""

from __future__ import annotations

import pytest

from tests.conformance.compare import Observed, differences
from tests.conformance.exemptions import EXEMPTIONS, plain
from tests.conformance.trace_reader import Json, Record, Step, Trace, lazily, merge, strip

CORE = {"ownership_state": "leased", "lifecycle_phase": "active", "created_at": 1}


def row(i: int, op: str = "renew_lease", **members: Json) -> Record:
    args = {"execution_id": "e"}
    return {
        "i": i,
        "now_ms": i,
        "op": op,
        "args": args,
        "result": {"status": "ok", "code": None, "detail": []},
    } | members


def trace(*rows: Record, **header: Json) -> Trace:
    config = {"start_ms": 0, "lanes": [], "worker_instances": [], "partitions": []}
    return Trace({"trace": "t", "seed": 0, "generator_version": 1, "config": config} | header, list(rows))


def only_step(**members: Json) -> Step:
    (step,) = trace(row(1, state={"e": {"core": CORE}}, **members))
    return step


def found(step: Step, **observed: Json) -> list[str]:
    """Name the differences when the engine shows exactly the recording, but for ``observed``."""
    same = {"result": step.result, "states": step.states, "events": step.lease_history}
    rest = {"indexes": step.indexes, "aux": step.aux}
    return [field for field, _, _ in differences(step, Observed(**{**same, **rest, **observed}), {})]


def test_merge_goes_into_objects_removes_null_and_leaves_the_old_record_alone() -> None:
    old = {"a": {"b": 1, "c": 2}, "d": 3}
    assert merge(old, {"a": {"b": None, "e": 4}, "d": [5]}) == {"a": {"c": 2, "e": 4}, "d": [5]}
    assert old == {"a": {"b": 1, "c": 2}, "d": 3}


def test_not_set_is_null_empty_or_missing_but_not_zero() -> None:
    assert strip({"a": None, "b": "", "c": {"d": None}, "e": 0, "f": ["", 0]}) == {"e": 0, "f": [None, 0]}


def test_lazily_the_events_of_skipped_steps_come_first() -> None:
    lapse = row(1, "promote_delayed", state={"e": {"core": CORE, "lease_history": [{"event": "a"}]}})
    call = row(2, state={"e": {"lease_history": [{"event": "b"}]}})
    last = row(3, "promote_delayed", state={"e": {"lease_history": [{"event": "c"}]}})
    steps = list(lazily(trace(lapse, call, last)))
    assert [step.i for step in steps] == [2, 3]
    assert [[event["event"] for event in step.lease_history] for step in steps] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"surprise": 1}, "row.surprise"),
        ({"result": {"status": "ok", "code": None, "detail": [], "more": 1}}, "row.result.more"),
        ({"index_changes": {"eligible:a": {"put": {}, "swap": {}}}}, "row.index_changes.eligible:a.swap"),
        ({"indexes": {"eligible:a": [[1, "e"]]}}, "row.indexes"),
        ({"full_state": {"e": {"core": {**CORE, "priority": 1}}}}, "row.full_state.e.core.priority"),
        ({"aux": {"workers": {"w": {"alive": 1}}}}, "row.aux"),
    ],
)
def test_what_the_reader_does_not_know_or_cannot_confirm_is_a_difference(members: Record, field: str) -> None:
    assert field in found(only_step(**members))


def test_a_step_changes_its_own_execution_only() -> None:
    (step,) = trace(row(1, state={"e": {"core": CORE}, "other": {"core": CORE}}))
    assert "row.state.other" in found(step)


def test_an_unknown_header_is_a_defect() -> None:
    assert [field for field, _, _ in trace(more=1).defects] == ["header.more"]
    assert [field for field, _, _ in trace(generator_version=2).defects] == ["header.generator_version"]
    assert [field for field, _, _ in trace(config={"zone": 1}).defects] == ["header.config.zone"]


@pytest.mark.parametrize(
    ("observed", "field"),
    [
        ({"result": {"status": "err", "code": "x", "detail": []}}, "result.code"),
        ({"states": {"e": {"core": {**CORE, "new": 1}}}}, "state.core.new"),
        ({"states": {"e": {"core": CORE, "new": "x"}}}, "state.new"),
        ({"states": {}}, "state.core"),
        ({"events": [{"event": "expired"}]}, "events[0]"),
        ({"indexes": {"new": {"e": 1}}}, "indexes.new"),
        ({"aux": {"workers": {"w": {"alive": 1, "worker_id": "w"}}}}, "aux.workers"),
        ({"views": {"next": 1}}, "views.next"),
    ],
)
def test_a_single_difference_is_named_at_its_leaf(observed: Record, field: str) -> None:
    assert field in found(only_step(), **observed)


def test_nothing_differs_from_itself() -> None:
    assert found(only_step()) == []


def test_all_executions_are_compared_on_the_last_step() -> None:
    first = row(1, state={"e": {"core": CORE}})
    second = row(2, args={"execution_id": "f"}, state={"f": {"core": CORE}})
    *_, step = trace(first, second)
    assert found(step, states={"f": {"core": CORE}}) == ["state[e].core"]


def test_the_table_of_exemptions_is_that_of_the_corpus() -> None:
    assert list(dict.fromkeys(exemption.id for exemption in EXEMPTIONS)) == [f"X-{n}" for n in range(1, 11)]
    assert all(exemption.what and exemption.decision for exemption in EXEMPTIONS)


@pytest.mark.parametrize(
    ("core", "gone"),
    [
        ({}, {"cancelled_by", "pending_replay_attempt", "current_waitpoint_id"}),
        ({"lifecycle_phase": "terminal"}, {"lease_expires_at"}),
        ({"eligibility_state": "blocked_by_route"}, {"public_state"}),
        ({"replay_count": 1}, {"failure_reason", "started_at"}),
        ({"lifecycle_phase": "suspended"}, {"blocking_detail", "lease_expires_at"}),
    ],
)
def test_an_exemption_holds_only_where_it_says(core: Record, gone: set[str]) -> None:
    always = {"cancelled_by", "pending_replay_attempt", "current_waitpoint_id"}
    sometimes = {"lease_expires_at", "public_state", "failure_reason", "started_at", "blocking_detail"}
    full = {**CORE, **dict.fromkeys(always | sometimes, "x"), **core}
    kept = plain("state", {"core": full}, only_step())["core"]
    assert full.keys() - kept.keys() == gone | always


def test_scores_and_lost_leases_are_exempt_where_the_table_says() -> None:
    indexes = {
        "active:a": {"e": 1},
        "eligible:a": {"e": 2},
        "lease_expiry": {"e": 3, "lost": 4},
        "worker_leases:w": {"lost": None},
    }
    lost = {"core": {**CORE, "ownership_state": "lease_revoked"}}
    *_, step = trace(
        row(1, state={"e": {"core": CORE}}), row(2, args={"execution_id": "lost"}, state={"lost": lost})
    )
    kept = plain("indexes", indexes, step)
    assert kept == {"active:a": {"e": None}, "eligible:a": {"e": 2}, "lease_expiry": {"e": 3}}
