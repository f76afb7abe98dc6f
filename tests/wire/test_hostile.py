"""Hostile JSON is refused with a typed error naming the place; nothing is guessed (hostile-inputs 1, 5)."""

from __future__ import annotations

import copy
import re
import timeit
import types
from collections.abc import Callable, Iterator
from typing import Any, Final, Never

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import grantcore as gc
from grantcore import events, wire
from grantcore.wire import table, text
from grantcore.wire.forms import Form
from tests.wire.test_round_trip import KINDS, named
from tests.wire.values import instances

ANSWER: Final = gc.Granted | gc.NotReclaimable | gc.ReclaimCapExceeded
MISUSE: Final = (gc.InvalidInput, gc.InvalidCapabilities)


def refused(call: Callable[[], object]) -> gc.InvalidInput:
    with pytest.raises(gc.InvalidInput) as caught:
        call()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


# -- bytes ---------------------------------------------------------------------------------------

DOCUMENTS: Final[dict[str, tuple[bytes, str]]] = {
    "empty": (b"", "data"),
    "not JSON": (b"grant", "data"),
    "two documents": (b"{} {}", "data"),
    "cut off": (b'{"a": "', "data"),
    "control character": (b'{"a": "\n"}', "data"),
    "bad UTF-8": (b'{"a": "\xff"}', "data"),
    "UTF-8 surrogate": (b'{"a": "\xed\xa0\x80"}', "data"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "data"),
    "BOM": (b"\xef\xbb\xbf{}", "data"),
    "NaN": (b'{"a": NaN}', "data"),
    "Infinity": (b'{"a": -Infinity}', "data"),
    "beyond double": (b'{"a": 1e400}', "data"),
    "beyond double, spelt out": (b'{"a": ' + b"9" * 400 + b".0}", "data"),
    "a long fraction": (b'{"a": 1.' + b"0" * 31 + b"}", "data"),
    "4,300 digits": (b'{"a": ' + b"9" * 4300 + b"}", "data"),
    "5,000 digits": (b'{"a": ' + b"9" * 5000 + b"}", "data"),
    "deep arrays": (b"[" * 100_000, "data"),
    "deep objects": (b'{"a":' * 100_000, "data"),
    "deep and closed": (b"[" * 17 + b"]" * 17, "data"),
    "brackets behind an escaped quote": (b'{"\\"' + b"[" * 50 + b'": ' + b"[" * 50, "data"),
    "many values": (b"[" + b"0," * 1_000_000 + b"0]", "data"),
    "duplicate key": (b'{"status": "granted", "status": "granted"}', "status"),
    "duplicate key, escaped": (b'{"status": 1, "\\u0073tatus": 1}', "status"),
    "duplicate key, long": (b'{"%(k)s": 1, "%(k)s": 1}' % {b"k": b"\\n" * 1000}, "\\n" * 32),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name: str) -> None:
    data, field = DOCUMENTS[name]
    assert refused(lambda: wire.loads(ANSWER, data)).field == field


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (rb'{"status": "moved", "execution_id": "\ud800"}', "execution_id"),
        (rb'{"status": "moved", "execution_id": "\udc00\ud800"}', "execution_id"),
        (rb'{"status": "moved", "execution_id": "a", "\ud800": 1}', "value"),
        (rb'{"status": "\ud800", "execution_id": "a"}', "status"),
        (rb'"\ud800"', "value"),
    ],
)
def test_lone_surrogates_behind_escapes(data: bytes, field: str) -> None:
    assert refused(lambda: wire.loads(gc.Moved, data)).field == field
    pair = rb'{"status": "moved", "execution_id": "\ud83d\ude00"}'
    assert wire.loads(gc.Moved, pair) == gc.Moved("\U0001f600")


@pytest.mark.parametrize(
    "data", [None, 5, "{}", bytearray(b"{}"), memoryview(b"{}")], ids=lambda data: type(data).__name__
)
def test_only_bytes_are_read(data: Any) -> None:
    assert refused(lambda: wire.loads(ANSWER, data)).field == "data"


def test_the_bounds_are_exact() -> None:
    """Total bytes, values, depth: so many and no more."""
    data = b'{"status":"moved","execution_id":"a,[{"}'
    assert wire.loads(gc.Moved, data, max_bytes=len(data), max_values=3) == gc.Moved("a,[{")
    assert refused(lambda: wire.loads(gc.Moved, data, max_bytes=len(data) - 1)).field == "data"
    assert refused(lambda: wire.loads(gc.Moved, data, max_values=2)).field == "data"
    deep = b"[" * text.MAX_DEPTH + b"]" * text.MAX_DEPTH
    assert type(text.read(deep, 100, 100)) is list
    assert refused(lambda: text.read(b"[" + deep + b"]", 100, 100)).field == "data"


def test_breadth_is_not_depth() -> None:
    assert text.read(b"[[],[],[],[]]" * 1, 100, 9) == [[], [], [], []]
    wide = b"[" + b",".join([b"[{}]"] * 100) + b"]"
    assert text.read(wide, 1000, 301) == [[{}]] * 100


@pytest.mark.parametrize(
    "unit", [b'"', b'\\"', b'"\\"', b"\\", b'"\\', b"[", b"[]", b'"",', b"9", b"-", b"{"]
)
def test_a_refusal_takes_linear_time(unit: bytes) -> None:
    assert times_as_long(unit) < 100


def times_as_long(unit: bytes) -> float:
    """How much longer twenty times the text takes: about 20, or 400 where the time is quadratic."""

    def seconds(size: int) -> float:
        data = b'"' + unit * (size // len(unit))
        return min(timeit.repeat(lambda: refused(lambda: wire.loads(gc.Moved, data)), number=1, repeat=3))

    return seconds(10_000) / (seconds(500) + 0.0002)


def test_quadratic_time_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not step over a string that nothing closes, tries again at every quote in it."""
    planted = text._MARKS.pattern.replace(rb'(?:"|\\?\Z)', b'"')
    assert planted != text._MARKS.pattern
    monkeypatch.setattr(text, "_MARKS", re.compile(planted, re.DOTALL))
    assert times_as_long(b'\\"') > 100


@pytest.mark.uncovered
@settings(deadline=None)
@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda given: given.encode("utf-8", "replace")))
def test_any_bytes(data: bytes) -> None:
    """Whatever the bytes, the only exception is ours."""
    for kind in (gc.ExecutionPolicy, events.Event, gc.Partition):
        with pytest.raises(MISUSE):
            wire.loads(kind, data)


# -- values --------------------------------------------------------------------------------------

JUNK: Final[list[object]] = [
    None,
    True,
    -1,
    2**53,
    10**400,
    1.5,
    float("nan"),
    "",
    "x",
    "1",
    "\ud800",
    [],
    ["x"],
    [["x", -1]],
    {},
    {"x": "x"},
    {"x": 1},
]
"""Of every JSON type, at its borders."""

JSON: Final = st.recursive(
    st.sampled_from(JUNK) | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a JSON value."""
    yield way
    parts = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    for name, part in parts:
        yield from places(part, (*way, name))


def replaced(value: Any, way: tuple[Any, ...], junk: object) -> Any:
    if not way:
        return junk
    changed = copy.copy(value)
    changed[way[0]] = replaced(value[way[0]], way[1:], junk)
    return changed


def holds(whole: Any, given: Any) -> bool:
    """All that was given is there as it was, types included; beside it there may be defaults."""
    if type(given) is dict:
        return type(whole) is dict and all(k in whole and holds(whole[k], v) for k, v in given.items())
    if type(given) is list:
        return type(whole) is list and len(whole) == len(given) and all(map(holds, whole, given))
    return (type(whole), whole) == (type(given), given)


def read_as_it_is(kind: Any, given: Any) -> bool:
    """Read it; what is not refused must be written again as it was: then nothing was guessed."""
    try:
        value = wire.from_json(kind, given)
    except MISUSE:
        return False
    assert holds(wire.to_json(value), given)
    return True


@pytest.mark.parametrize("kind", KINDS, ids=named)
@given(data=st.data())
@settings(max_examples=1, deadline=None, phases=[Phase.generate])
def test_junk_anywhere_is_refused_or_is_what_it_says(kind: Any, data: st.DataObject) -> None:
    """In each place of a value every third junk, another third in the next place."""
    written = wire.to_json(data.draw(instances(kind)))
    for number, way in enumerate(places(written)):
        for junk in JUNK[number % 3 :: 3]:
            read_as_it_is(kind, replaced(written, way, junk))


def test_guessing_is_found_out() -> None:
    """The property above fails for a reader that takes true for 1, or drops what it does not know."""
    assert read_as_it_is(gc.Fence, {"execution_id": "a", "lease_epoch": 1})
    assert not read_as_it_is(gc.Fence, {"execution_id": "a", "lease_epoch": True})
    assert holds({"a": [1, {"b": "c"}], "d": None}, {"a": [1, {}]})
    wrong: list[Any] = [
        {"a": [True, {}]},
        {"a": [1]},
        {"a": [1.0, {}]},
        {"e": 1},
        {"a": [1, {"b": None}]},
        {"a": {}},
    ]
    assert not any(holds({"a": [1, {"b": "c"}], "d": None}, guessed) for guessed in wrong)


@pytest.mark.parametrize("kind", KINDS, ids=named)
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_an_unknown_key_is_refused_by_name(kind: Any, data: st.DataObject) -> None:
    written: Any = wire.to_json(data.draw(instances(kind)))
    assert refused(lambda: wire.from_json(kind, {**written, "new_field": 1})).field == "new_field"


@pytest.mark.uncovered
@pytest.mark.parametrize("kind", KINDS, ids=named)
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_a_missing_key_is_refused_or_has_its_default(kind: Any, data: st.DataObject) -> None:
    written: Any = wire.to_json(data.draw(instances(kind)))
    for name in written:
        rest = {key: part for key, part in written.items() if key != name}
        try:
            read: Any = wire.to_json(wire.from_json(kind, rest))
        except gc.InvalidInput:
            continue
        assert {key: part for key, part in read.items() if key != name} == rest


@pytest.mark.uncovered
@given(JSON)
@settings(max_examples=200, deadline=None)
def test_any_json(value: object) -> None:
    for kind in (gc.GrantError, events.Event, ANSWER, gc.IssueClaimGrantRequest, tuple[gc.Lease, ...]):
        with pytest.raises(MISUSE) if value != [] else pytest.raises((*MISUSE, Emptied)):
            wire.from_json(kind, value)
            raise Emptied


class Emptied(Exception):
    """The empty list is a tuple of no leases."""


# -- places --------------------------------------------------------------------------------------

LEASE: Final[dict[str, Any]] = {
    "execution_id": "a",
    "lane_id": "main",
    "lease_id": "l",
    "lease_epoch": 1,
    "attempt_id": "t",
    "attempt_index": 0,
    "attempt_type": "initial",
    "kind": "fresh",
    "worker_id": "w",
    "worker_instance_id": "w-1",
    "acquired_at_ms": 0,
    "expires_at_ms": 9,
    "renewal_deadline_ms": 6,
}


def page(lease: Any) -> dict[str, Any]:
    entry = {
        "execution_id": "a",
        "lane_id": "main",
        "required_capabilities": [],
        "lease": lease,
        "cause": "expired",
        "ended_at_ms": 9,
    }
    return {"entries": [entry], "next": None}


FIVE: Final[dict[Any, Any]] = {5: 1}

PLACES: Final[list[tuple[Any, Any, str]]] = [
    (gc.ExpiredLeasesPage, page({**LEASE, "lease_epoch": "1"}), "entries[0].lease.lease_epoch"),
    (gc.ExpiredLeasesPage, page({**LEASE, "worker_id": " "}), "entries[0].lease.worker_id"),
    (gc.ExpiredLeasesPage, page({**LEASE, "new": 1}), "entries[0].lease.new"),
    (gc.ExpiredLeasesPage, page({**LEASE, "\n" * 99: 1}), "entries[0].lease." + "\\n" * 32),
    (gc.ExpiredLeasesPage, page({**LEASE, **FIVE}), "entries[0].lease"),
    (gc.ExpiredLeasesPage, page({}), "entries[0].lease.execution_id"),
    (gc.ExpiredLeasesPage, page([]), "entries[0].lease"),
    (gc.ExpiredLeasesPage, {"entries": {}, "next": None}, "entries"),
    (gc.ExpiredLeasesPage, [], "value"),
    (gc.Lease, None, "value"),
    (gc.Lease, {**LEASE, "kind": "stolen"}, "kind"),
    (gc.ExecutionPolicy, {"retry_policy": {"max_retries": -1}}, "retry_policy.max_retries"),
    (gc.ExecutionPolicy, {"retry_policy": {"max_retries": 2**40}}, "retry_policy.max_retries"),
    (gc.ExecutionPolicy, {"retry_policy": {"backoff": {"type": "linear"}}}, "retry_policy.backoff.type"),
    (
        gc.ExecutionPolicy,
        {"retry_policy": {"backoff": {"type": "exponential", "multiplier": 0.0001}}},
        "retry_policy.backoff.multiplier",
    ),
    (
        gc.ExecutionPolicy,
        {"retry_policy": {"retryable_categories": [1]}},
        "retry_policy.retryable_categories",
    ),
    (gc.ExecutionPolicy, {"retry": None}, "retry"),
    (gc.EngineConfig, {"threadsafe": 1}, "threadsafe"),
    (ANSWER, {"status": "moved", "execution_id": "a"}, "status"),
    (ANSWER, {"status": ["granted"]}, "status"),
    (ANSWER, {}, "status"),
    (gc.Moved, {"status": "completed", "execution_id": "a"}, "status"),
    (gc.Moved, {"execution_id": "a"}, "status"),
    (gc.AlreadySatisfied, {"status": "already_satisfied", "reason": b"exists"}, "reason"),
    (
        gc.GrantError,
        {"code": "stale_lease", "error_class": "terminal", "detail": "", "current_epoch": None},
        "current_epoch",
    ),
    (gc.GrantError, {"code": "stale_lease", "error_class": "terminal", "detail": ""}, "current_epoch"),
    (
        gc.GrantError,
        {"code": "stale_lease", "error_class": "bug", "detail": "", "current_epoch": 1},
        "error_class",
    ),
    (
        gc.GrantError,
        {"code": "lane_paused", "error_class": "retryable", "detail": "", "lane_id": "main"},
        "lane_id",
    ),
    (
        gc.UsageApplied,
        {"status": "usage_applied", "budget_id": "b", "soft_breach": {"dimension": "d", "current": 1}},
        "soft_breach.limit",
    ),
]


@pytest.mark.parametrize(("kind", "value", "field"), PLACES, ids=lambda part: str(part)[:40])
def test_the_refusal_names_the_place(kind: Any, value: Any, field: str) -> None:
    error = refused(lambda: wire.from_json(kind, value))
    assert error.field == field
    assert str(error).startswith(f"invalid_input: {field} must be ")


def test_places_in_mappings_and_pairs() -> None:
    status: dict[str, Any] = {
        "budget_id": "b",
        "hard_limits": {},
        "soft_limits": {},
        "usage": {},
        "next_reset_at_ms": None,
    }
    spent = {**status, "by_execution": {"a": {"tokens": 1, "calls": -1}}}
    assert refused(lambda: wire.from_json(gc.BudgetStatus, spent)).field == "by_execution[a][calls]"
    counts: Any = wire.to_json(gc.GrantEngine(clock=gc.ManualClock()).stats())
    strange = {**counts, "executions_by_phase": {"gone": 1}}
    assert refused(lambda: wire.from_json(gc.EngineStats, strange)).field == "executions_by_phase"


@pytest.mark.parametrize(
    ("credit", "place"),
    [
        ([["main"]], "[0]"),
        ([["main", 1, 2]], "[0]"),
        ([["a", 1], ["main", 2**53]], "[1]"),
        ([["main", True]], "[0]"),
        ([[1, 1]], "[0]"),
        ("main", ""),
    ],
)
def test_credits_are_lanes_with_a_number_that_may_be_negative(credit: Any, place: str) -> None:
    grant = gc.GrantRecord("a", gc.GrantKind.CLAIM, "w", "i", "main", None, None, None, 0, 1)
    told = events.GrantIssued(1, 1, None, "a", "main", None, None, None, None, grant, (("main", -5),))
    written: Any = wire.to_json(told)
    assert written["lane_credits"] == [["main", -5]]
    error = refused(lambda: wire.from_json(events.GrantIssued, {**written, "lane_credits": credit}))
    assert error.field == f"lane_credits{place}"
    halves: Any = (("main",),)
    broken = attrs.evolve(told, lane_credits=halves)
    assert refused(lambda: wire.dumps(broken)).field == "lane_credits[0]"


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [([5], "worker:non_string_token"), ([""], "worker:empty_token"), (["a"] * 257, "worker:too_many_tokens")],
    ids=lambda part: str(part)[:30],
)
def test_malformed_capabilities_keep_their_own_refusal(tokens: list[object], reason: str) -> None:
    """SPEC 6: they fail closed, counted as they were given."""
    body = {
        "worker_id": "w",
        "worker_instance_id": "w-1",
        "lane_id": "main",
        "grant_ttl_ms": 1,
        "worker_capabilities": tokens,
    }
    with pytest.raises(gc.InvalidCapabilities) as caught:
        wire.from_json(gc.IssueClaimGrantRequest, body)
    assert caught.value.reason == reason


@pytest.mark.parametrize("blob", ["AP8", "AP8=\n", "AP9=", "A P8=", "é", "AP8==", 5, "\ud800", "_-8="])
def test_only_the_one_way_of_base64(blob: object) -> None:
    """Other spellings of the same bytes are refused, so a value has one text."""
    form = wire._form(bytes)
    assert form.read("AP8=") == b"\x00\xff"
    assert refused(lambda: wire._judged(form.read, blob)).field == "value"


# -- kinds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        None,
        5,
        "Lease",
        object,
        type,
        list,
        tuple,
        tuple[()],
        tuple[str],
        tuple[str, int],
        tuple[object, ...],
        types.GenericAlias(tuple, (5, ...)),
        list[gc.Lease],
        dict[str, int],
        float,
        gc.GrantEngine,
        gc.ManualClock,
        Exception,
        gc.Lease | int,
        gc.Lease | gc.Fence,
        gc.Lease | events.Event,
        gc.GrantRecord | gc.ClaimGrant,
        gc.Moved | events.Completed,
    ],
    ids=str,
)
def test_kinds_without_a_form(kind: Any) -> None:
    assert refused(lambda: wire.from_json(kind, {})).field == "kind"


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        (gc.Moved, gc.Completed("a"), "value"),
        (gc.Moved | gc.Completed, gc.Delayed("a", 1), "value"),
        (gc.Moved | None, gc.Delayed("a", 1), "value"),
        (gc.ClaimGrant, gc.ResumeGrant("a", 1, "main"), "value"),
        (gc.Granted, gc.ReclaimGrant("a", 1, "main"), "value"),
        (gc.Partition, gc.ClaimGrant("a", 1), "value"),
        (gc.StaleLease, gc.LanePaused("x"), "value"),
        (gc.RetryPolicy, gc.Fixed(), "value"),
        (gc.Phase, gc.GrantKind.CLAIM, "value"),
        (tuple[gc.Moved, ...], [gc.Moved("a")], "value"),
        (tuple[gc.Moved, ...], gc.Moved("a"), "value"),
        (tuple[gc.Moved, ...], (gc.Moved("a"), gc.Completed("a")), "[1]"),
    ],
    ids=str,
)
def test_a_value_of_another_kind_is_not_written(kind: Any, value: object, field: str) -> None:
    assert refused(lambda: wire.dumps(value, kind)).field == field


@pytest.mark.parametrize("bound", ["max_bytes", "max_values"])
@pytest.mark.parametrize("value", [None, -1, True, 1.5, 2**60])
def test_a_bound_is_a_number(bound: str, value: Any) -> None:
    assert refused(lambda: wire.loads(gc.Moved, b"{}", **{bound: value})).field == bound


# -- writing what no reader would take -----------------------------------------------------------


class Text(str):
    """Not exactly a str."""

    __slots__ = ()


def event(kind: Any, **fields: Any) -> Any:
    """An event whose other fields are well."""
    well = {"sequence": 1, "at_ms": 1, "execution_id": "a", "lane_id": "l"}
    names = {field.name for field in attrs.fields(kind)}
    return kind(**{**dict.fromkeys(names), **well, **fields})


UNWRITABLE: Final[list[tuple[Callable[[Any], object], object, str]]] = [
    (gc.Moved, 5, "execution_id"),
    (gc.Moved, Text("a"), "execution_id"),
    (gc.Moved, "\ud800", "execution_id"),
    (lambda bad: gc.ClaimGrant(bad, 1), None, "execution_id"),
    (lambda bad: gc.ClaimGrant(bad, 1), "\ud800", "execution_id"),
    (lambda bad: gc.Delayed("a", bad), 1.5, "delay_until_ms"),
    (lambda bad: gc.Delayed("a", bad), float("nan"), "delay_until_ms"),
    (lambda bad: gc.Delayed("a", bad), True, "delay_until_ms"),
    (lambda bad: gc.Delayed("a", bad), 2**53, "delay_until_ms"),
    (lambda bad: gc.Delayed("a", bad), 10**5000, "delay_until_ms"),
    (lambda bad: gc.Cancelled("a", bad), "eligible", "previous_phase"),
    (gc.Reclaimed, None, "lease"),
    (gc.Granted, None, "grant"),
    (gc.Granted, gc.ClaimGrant("a", 1), "grant"),
    (lambda bad: gc.Granted(gc.ReclaimGrant("a", 1, bad)), 5, "grant.lane_id"),
    (lambda bad: gc.LeaseLost("a", bad), ValueError(), "error"),
    (lambda bad: gc.LeaseLost("a", bad), gc.StaleLease("no epoch"), "error.current_epoch"),
    (lambda bad: gc.ExecutionsPage(bad, None), [], "entries"),
    (lambda bad: gc.ExecutionsPage(bad, None), None, "entries"),
    (lambda bad: gc.ExecutionsPage((bad,), None), None, "entries[0]"),
    (lambda bad: gc.Registration("n", "w", "i", (bad,), (), 1, None, 1, 1, 1), 5, "lanes[0]"),
    (lambda bad: gc.Duplicate("a", bad), "luck", "matched"),
    (lambda bad: gc.AdvanceReport(1, bad), 1, "more"),
    (lambda bad: event(events.TagsChanged, tags=bad), 5, "tags"),
    (lambda bad: event(events.TagsChanged, tags=bad), {"a.b": 5}, "tags[a.b]"),
    (lambda bad: event(events.TagsChanged, tags=bad), {5: "c"}, "tags"),
    (lambda bad: event(events.Completed, result=bad), "text", "result"),
    (lambda bad: event(events.Completed, result=bad), "AP8=", "result"),
    (lambda bad: event(events.GrantIssued, grant=bad, lane_credits=()), None, "grant"),
    (lambda bad: gc.Partition(0, bad), "lane", "family"),
    (gc.Partition, 256, "index"),
]


@pytest.mark.parametrize(("make", "bad", "field"), UNWRITABLE, ids=lambda part: type(part).__name__)
def test_a_value_with_a_wrong_part_is_not_written(
    make: Callable[[Any], object], bad: object, field: str
) -> None:
    assert refused(lambda: wire.dumps(make(bad))).field == field


def test_tokens_that_nothing_has_judged_are_not_written() -> None:
    worker = gc.Worker("w", "i", ["a"])
    for bad, field in ((["a"], "capabilities"), (frozenset({5}), "capabilities")):
        object.__setattr__(worker, "capabilities", bad)
        assert refused(lambda: wire.dumps(worker)).field == field


@pytest.mark.parametrize("value", [None, object(), 1.0, [1], {"a": 1}, gc.ManualClock()], ids=type)
def test_what_is_no_public_value_is_not_written(value: object) -> None:
    assert refused(lambda: wire.dumps(value)).field == "kind"


# -- bugs are not hidden -------------------------------------------------------------------------


@pytest.mark.parametrize("bug", [RecursionError, MemoryError, ZeroDivisionError])
def test_what_is_no_refusal_is_raised_as_it_was(bug: type[Exception]) -> None:
    """SPEC 11: the end of the caller's stack or memory passes through, and a bug shows."""
    raised = bug("inside")

    def broken(_value: object) -> Never:
        raise raised

    with pytest.raises(bug) as caught:
        wire._judged(Form(broken, broken).read, 1)
    assert caught.value is raised


def test_the_notes_of_others_are_no_places() -> None:
    def noted(_value: object) -> Never:
        problem = gc.InvalidInput("pct must be small", field="pct")
        problem.add_note("seen by a debugger")
        raise problem

    assert str(refused(lambda: wire._judged(noted, 1))) == "invalid_input: pct must be small"


def test_a_bug_deep_inside_a_value_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> Never:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("grantcore.model.leases.checks.instant", broken)
    with pytest.raises(ZeroDivisionError, match="inside"):
        wire.from_json(gc.ExpiredLeasesPage, page(LEASE))


def test_every_kind_of_the_table_is_tried_above() -> None:
    assert set(KINDS) == set(table.TABLE)
