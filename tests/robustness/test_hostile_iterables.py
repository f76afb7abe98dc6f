"""hostile-inputs 1, bombs: capabilities, tags, names, leases, payloads, texts, cursors; I-24, I-26."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, repeat
from typing import Any, Final

import pytest

import grantcore as gc
from tests.robustness import hostile, worlds
from tests.robustness.worlds import LANE, TTL, WHO, World, new_world


def endless(entry: object = "gpu") -> Iterator[Any]:
    """A generator without end."""
    while True:
        yield entry


def refused(call: Callable[[], object]) -> gc.GrantError:
    """The refusal; its text is short."""
    with pytest.raises(gc.GrantError) as raised:
        call()
    assert len(str(raised.value)) <= 300
    return raised.value


# -- capabilities ----------------------------------------------------------------------------------------


def _joined(length: int) -> list[str]:
    """Seventeen tokens that are so long when joined by commas."""
    return [f"{n:03d}".ljust(240, "x") for n in range(16)] + ["y" * (length - 16 * 241)]


TOKENS: Final[dict[str, tuple[Callable[[], Any], str]]] = {
    "None": (lambda: None, "not_array"),
    "str": (lambda: "gpu", "not_array"),
    "bytes": (lambda: b"gpu", "not_array"),
    "bytearray": (lambda: bytearray(b"gpu"), "not_array"),
    "dict": (lambda: {"gpu": 1}, "not_array"),
    "int": (lambda: 5, "not_array"),
    "recursive": (hostile.recursive, "non_string_token"),
    "nested": (lambda: [["gpu"]], "non_string_token"),
    "range": (lambda: range(10**12), "non_string_token"),
    "bytes token": (lambda: [b"gpu"], "non_string_token"),
    "StrEnum token": (lambda: [hostile.Word.MAIN], "non_string_token"),
    "lying token": (lambda: [hostile.LyingText("gpu")], "non_string_token"),
    "surrogate": (lambda: ["\ud800"], "control_or_whitespace"),
    "empty": (lambda: ["gpu", ""], "empty_token"),
    "comma": (lambda: ["a,b"], "comma_in_token"),
    "blank": (lambda: ["a b"], "control_or_whitespace"),
    "NUL": (lambda: ["a\x00"], "control_or_whitespace"),
    "CR LF": (lambda: ["a\r\n"], "control_or_whitespace"),
    "DEL": (lambda: ["a\x7f"], "control_or_whitespace"),
    "257 bytes": (lambda: ["x" * 257], "token_too_long"),
    "ten million": (lambda: [hostile.LONG], "token_too_long"),
    "129 umlauts": (lambda: ["\xe4" * 129], "token_too_long"),
    "257 tokens": (lambda: [f"t{n}" for n in range(257)], "too_many_tokens"),
    "10^6 duplicates": (lambda: ["gpu"] * 10**6, "too_many_tokens"),
    "endless": (endless, "too_many_tokens"),
    "count": (lambda: map(str, count()), "too_many_tokens"),
    "repeat": (lambda: repeat("gpu"), "too_many_tokens"),
    "4097 bytes": (lambda: _joined(4097), "too_many_bytes"),
    "element before count": (lambda: ["gpu"] * 256 + ["a,b"], "comma_in_token"),
}


def _require(world: World, tokens: object) -> object:
    create: Any = world.engine.create_execution
    return create(lane_id=LANE, required_capabilities=tokens)


def _have(_: World, tokens: object) -> object:
    request: Any = gc.IssueClaimGrantRequest
    return request(**WHO, lane_id=LANE, grant_ttl_ms=5, worker_capabilities=tokens)


def _have_back(_: World, tokens: object) -> object:
    request: Any = gc.IssueReclaimGrantRequest
    return request(**WHO, lane_id=LANE, grant_ttl_ms=5, worker_capabilities=tokens)


def _peek(world: World, tokens: object) -> object:
    peek: Any = gc.Scheduler(world.engine).peek
    return peek(LANE, tokens)


@pytest.mark.parametrize("label", TOKENS)
def test_malformed_capabilities_fail_closed(label: str) -> None:
    """I-24, I-26, SPEC 6, D-22, D-26: one rule for every set, elements in order first, then the counts."""
    make, code = TOKENS[label]
    world = new_world()
    digest = world.engine.digest()
    for use, side in ((_require, "required"), (_have, "worker"), (_have_back, "worker"), (_peek, "worker")):
        refusal = refused(partial(use, world, make()))
        assert type(refusal) is gc.InvalidCapabilities
        assert refusal.reason == f"{side}:{code}"
    assert world.engine.digest() == digest


@pytest.mark.parametrize(
    "tokens",
    [
        [f"t{n}" for n in range(256)],
        ["gpu"] * 256,
        ["x" * 256],
        ["\xe4" * 128],
        _joined(4096),
        ["a=b", "{0.__class__}", "\U0001f600", "\u202e", "\x80"],
    ],
)
def test_the_limits_are_inclusive(tokens: list[str]) -> None:
    """SPEC 6: 256 tokens, 256 bytes each, 4,096 bytes joined; no character is forbidden that is not named."""
    world = new_world()
    for use in (_require, _have, _have_back, _peek):
        use(world, iter(tokens))


def test_reading_stops_at_the_257th() -> None:
    """SPEC 6: bounded before anything is copied."""
    taken = count()
    world = new_world()
    refused(partial(_require, world, (f"t{next(taken)}" for _ in endless())))
    assert next(taken) == 257


def test_what_a_foreign_iterable_raises_passes_through() -> None:
    """SPEC 11: as it is, and before the first write."""
    world = new_world()
    digest = world.engine.digest()

    def broken() -> Iterator[str]:
        yield "gpu"
        raise ZeroDivisionError

    for call in (
        partial(_require, world, broken()),
        partial(world.engine.create_execution, lane_id=LANE, budget_ids=broken()),
        partial(world.engine.renew_leases, broken(), lease_ttl_ms=5),  # type: ignore[arg-type]
    ):
        with pytest.raises((ZeroDivisionError, gc.InvalidInput)):
            call()
    assert world.engine.digest() == digest


# -- tags ----------------------------------------------------------------------------------------------

TAGS: Final[dict[str, Any]] = {
    "None": None,
    "list of pairs": [("a.b", "c")],
    "str": "a.b",
    "key of int": {5: "c"},
    "value of int": {"a.b": 5},
    "value of bytes": {"a.b": b"c"},
    "value None": {"a.b": None},
    "lying key": {hostile.LyingText("a.b"): "c"},
    "surrogate value": {"a.b": "\ud800"},
    "surrogate key": {"a.\ud800": "c"},
    "long value": {"a.b": "x" * 4097},
    "huge value": {"a.b": hostile.LONG},
    "huge key": {"a." + hostile.LONG: "c"},
    "65 tags": {f"a.b{n}": "" for n in range(65)},
    "nested": {"a.b": {"c": "d"}},
}

TAG_KEYS: Final = ("", " ", "a", ".a", "a.", "A.b", "1.b", "a-b.c", "a..b", "\xe4.b", "_a.b", "a\n.b")


@pytest.mark.parametrize("label", TAGS)
def test_malformed_tags_are_refused(label: str) -> None:
    """hostile-inputs section 1: size, type and number; ``InvalidInput`` naming the field."""
    world = new_world()
    worlds.waiting(world)
    digest = world.engine.digest()
    create: Any = world.engine.create_execution
    for call in (
        partial(create, lane_id=LANE, tags=TAGS[label]),
        partial(world.engine.set_execution_tags, "e", TAGS[label]),
    ):
        refusal = refused(call)
        assert type(refusal) is gc.InvalidInput
        assert refusal.field == "tags"
    assert world.engine.digest() == digest


@pytest.mark.parametrize("key", TAG_KEYS)
def test_malformed_tag_names_are_refused_by_key(key: str) -> None:
    """SPEC 5: ``invalid_tag_key`` comes after existence; one bad name among good ones writes nothing."""
    world = new_world()
    worlds.waiting(world)
    digest = world.engine.digest()
    tags = {"a.b": "c", key: "d"}
    for call in (
        partial(world.engine.create_execution, lane_id=LANE, tags=tags),
        partial(world.engine.set_execution_tags, "e", tags),
    ):
        refusal = refused(call)
        assert type(refusal) is gc.InvalidTagKey
        assert refusal.key == key
    assert type(refused(partial(world.engine.set_execution_tags, "x", tags))) is gc.ExecutionNotFound
    assert world.engine.digest() == digest


def test_tags_add_up_to_the_limit() -> None:
    """SPEC 11: max_tags counts what there would be, and what is replaced only once."""
    world = new_world()
    worlds.waiting(world)
    world.engine.set_execution_tags("e", {f"a.b{n}": "1" for n in range(64)})
    world.engine.set_execution_tags("e", {"a.b0": "2"})
    refusal = refused(partial(world.engine.set_execution_tags, "e", {"a.new": "1"}))
    assert isinstance(refusal, gc.InvalidInput)


def test_the_callers_mapping_is_copied() -> None:
    """I-62: changing it afterwards changes nothing."""
    world, tags = new_world(), {"a.b": "c"}
    world.engine.create_execution(lane_id=LANE, execution_id="e", tags=tags)
    digest = world.engine.digest()
    tags["a.b"] = "d"
    assert world.engine.digest() == digest


# -- names, leases, bytes, cursors ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [None, "b", b"b", {"b": 1}, 5, [5], [""], ["\ud800"], ["x" * 257], endless("b"), ["b"] * 65]
)
def test_malformed_budget_ids(names: Any) -> None:
    """hostile-inputs section 1: a bounded iterable of texts."""
    refusal = refused(partial(new_world().engine.create_execution, lane_id=LANE, budget_ids=names))
    assert type(refusal) is gc.InvalidInput
    assert refusal.field == "budget_ids"


@pytest.mark.parametrize("leases", [None, "lease", b"lease", {"e": 1}, 5, [None], [5], [object()]])
def test_malformed_batches_of_leases(leases: Any) -> None:
    """SPEC 5: the form of every fence is judged before anything is renewed."""
    world = new_world()
    worlds.held(world)
    digest = world.engine.digest()
    batch = [world.leases["e"], *leases] if isinstance(leases, list) else leases
    refusal = refused(partial(world.engine.renew_leases, batch, lease_ttl_ms=5))
    assert type(refusal) is gc.InvalidInput
    assert refusal.field.startswith("leases")
    assert world.engine.digest() == digest


def test_an_endless_batch_of_leases_is_refused() -> None:
    """hostile-inputs section 1: bounded iteration."""
    world = new_world()
    worlds.held(world)
    refusal = refused(partial(world.engine.renew_leases, endless(world.leases["e"]), lease_ttl_ms=5))
    assert isinstance(refusal, gc.InvalidInput)
    assert refusal.field == "leases"


@pytest.mark.parametrize("extra", [0, 1])
def test_payload_and_result_are_bounded(extra: int) -> None:
    """SPEC 11: max_payload_bytes, inclusive; opaque, never walked."""
    world = new_world(gc.EngineConfig(max_payload_bytes=1000))
    worlds.held(world)
    data = b"\x80" * (1000 + extra)
    create = partial(world.engine.create_execution, lane_id=LANE, execution_id="p", payload=data)
    complete = partial(world.engine.complete_execution, world.leases["e"], result=data)
    if not extra:
        create()
        complete()
        assert world.engine.read_payload("p") == world.engine.read_result("e") == data
        return
    for call, field in ((create, "payload"), (complete, "result")):
        refusal = refused(call)
        assert isinstance(refusal, gc.InvalidInput)
        assert refusal.field == field


def test_audit_texts_are_bounded_by_the_engine() -> None:
    """SPEC 11: a request is built once; the limits of each engine are compared when it is used."""
    world = new_world(gc.EngineConfig(max_text_bytes=10, max_route_snapshot_bytes=20, max_grant_ttl_ms=30))
    worlds.waiting(world)
    good = {**WHO, "lane_id": LANE, "grant_ttl_ms": 30, "capability_hash": "\xe4" * 5}
    for field, value in (
        ("capability_hash", "\xe4" * 6),
        ("admission_summary", "x" * 11),
        ("route_snapshot_json", "x" * 21),
        ("grant_ttl_ms", 31),
    ):
        request: Any = gc.IssueClaimGrantRequest
        refusal = refused(partial(world.engine.issue_claim_grant, "e", request(**{**good, field: value})))
        assert isinstance(refusal, gc.InvalidInput)
        assert refusal.field == field
    world.engine.issue_claim_grant("e", gc.IssueClaimGrantRequest(**good))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cursor", ["", ":", "5", "5:", ":e", "-1:e", "0x5:e", "\u0665:e", "9" * 17 + ":e", "5:e:f", "5:\ud800"]
)
def test_foreign_cursors(cursor: str) -> None:
    """SPEC 9: opaque; what is no cursor is refused, what might be one starts somewhere and tears nothing."""
    world = new_world()
    worlds.lapsed(world)
    worlds.waiting(world, "f")
    for page in (world.engine.list_executions, world.engine.list_expired_leases):
        try:
            assert page(after=cursor).next is None
        except gc.InvalidInput as refusal:
            assert refusal.field == "after"
    world.engine.check()


def test_lease_ttl_is_bounded_by_the_engine() -> None:
    """SPEC 11: max_lease_ttl_ms."""
    world = new_world(gc.EngineConfig(max_lease_ttl_ms=TTL))
    worlds.held(world, ttl_ms=TTL)
    refusal = refused(partial(world.engine.renew_lease, world.leases["e"], lease_ttl_ms=TTL + 1))
    assert isinstance(refusal, gc.InvalidInput)
    assert refusal.field == "lease_ttl_ms"
