"""Snapshots are untrusted: damaged, foreign, newer, tampered with, all are ``SnapshotInvalid`` (I-69, I-72).

Content that was changed and sealed again is refused, or the engine it gives is whole: every call on it
works, ``check()`` stays silent, and it can itself be saved and restored.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any, Final

import pytest

from grantcore import GrantEngine, ManualClock, Phase, SnapshotInvalid
from tests.life.hostile import (
    VALUES,
    Json,
    Path,
    at,
    changed,
    kinds_of_places,
    museum,
    opened,
    poke,
    removals,
    replacements,
    sealed,
)
from tests.marks import one_in

STAGE: Final = museum()
NOW_MS: Final = STAGE.clock()
DATA: Final = STAGE.engine.snapshot()
DOCUMENT: Final = opened(DATA)
PLACES: Final = kinds_of_places(DOCUMENT)


class TooLong(BaseException):
    """A snapshot kept the reader busy."""


@contextmanager
def in_time(seconds: float = 5.0) -> Iterator[None]:
    """Size limits: reading takes time in proportion to the bytes, whatever numbers stand in them."""

    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def refused(data: Any) -> SnapshotInvalid:
    with pytest.raises(SnapshotInvalid) as refusal:
        GrantEngine.restore(data, clock=ManualClock(NOW_MS))
    assert type(refusal.value) is SnapshotInvalid
    assert len(str(refusal.value)) < 2_000
    return refusal.value


def test_the_snapshot_of_these_tests_is_good() -> None:
    clock = ManualClock(NOW_MS)
    engine = GrantEngine.restore(sealed(DOCUMENT), clock=clock)
    assert engine.digest() == STAGE.engine.digest()
    poke(engine, clock)


# -- damage --------------------------------------------------------------------------------------


def test_truncated_anywhere() -> None:
    for length in (*range(120), *range(120, len(DATA), 13), len(DATA) - 1):
        refused(DATA[:length])


@pytest.mark.uncovered
def test_every_byte_flipped() -> None:
    """One bit of each byte, another one each time: the digest, or the head, tells."""
    for place in range(len(DATA)):
        damaged = bytearray(DATA)
        damaged[place] ^= 1 << (place % 8)
        refused(bytes(damaged))


def test_every_bit_of_the_head_flipped() -> None:
    for place in range(DATA.index(b"\n") + 1):
        for bit in range(8):
            damaged = bytearray(DATA)
            damaged[place] ^= 1 << bit
            refused(bytes(damaged))


def test_more_or_less_than_a_snapshot() -> None:
    for data in (
        b"",
        b"\n",
        b" ",
        DATA + b" ",
        DATA + DATA,
        b"\xef\xbb\xbf" + DATA,
        DATA[1:],
        DATA.replace(b"\n", b""),
    ):
        refused(data)


@pytest.mark.parametrize("data", [None, "text", 5, [], bytearray(DATA), memoryview(DATA), DATA.decode()])
def test_anything_but_bytes(data: object) -> None:
    refused(data)


# -- other formats -------------------------------------------------------------------------------


def _with_head(magic: bytes, version: bytes) -> bytes:
    digest = DATA.split(b"\n")[0].split(b" ")[2]
    return b" ".join((magic, version, digest)) + b"\n" + DATA.partition(b"\n")[2]


def test_the_head_is_what_it_seems() -> None:
    assert _with_head(b"grantcore-snapshot", b"2") == DATA


@pytest.mark.parametrize("version", [b"1", b"3", b"10", b"02", b"-1", b"1.0", b"", b"\xff", b"1" * 5_000])
def test_a_newer_format_is_refused_by_name(version: bytes) -> None:
    """I-72: what this version reads is told; what it was given may be anything."""
    assert "format" in str(refused(_with_head(b"grantcore-snapshot", version)))


@pytest.mark.parametrize(
    "magic", [b"grantcore-journal", b"", b"GRANTCORE-SNAPSHOT", b"PK\x03\x04", b"\x80\x04"]
)
def test_another_magic(magic: bytes) -> None:
    assert "no snapshot" in str(refused(_with_head(magic, b"2")))


# -- content that was sealed again -----------------------------------------------------------------


def harmless_or_refused(data: bytes) -> bool:
    """Whether it was refused; if it was not, the engine must be whole."""
    clock = ManualClock(NOW_MS)
    with in_time():
        try:
            engine = GrantEngine.restore(data, clock=clock)
        except SnapshotInvalid as refusal:
            assert len(str(refusal)) < 2_000
            return True
        poke(engine, clock)
    return False


def _tried(
    what: Callable[[Json, Path], Iterator[Json]], path: Path, chosen: Callable[[int], bool]
) -> Iterator[Json]:
    return (document for i, document in enumerate(what(DOCUMENT, path)) if chosen(i))


def _judge_all(documents: Iterator[Json], path: Path) -> None:
    for document in documents:
        try:
            harmless_or_refused(sealed(document))
        except BaseException as error:
            kind = type(at(document, path)) if path and path[-1] in _keys(document, path) else None
            raise AssertionError(f"{path}: {_shown(document, path)} ({kind}): {error!r}") from error


def _put(value: Json, parent: Any, key: object) -> None:
    parent[key] = value


def _keys(document: Json, path: Path) -> Any:
    parent = at(document, path[:-1])
    return parent if isinstance(parent, dict) else range(len(parent))


def _shown(document: Json, path: Path) -> str:
    return repr(at(document, path))[:60] if path and path[-1] in _keys(document, path) else "removed"


@pytest.mark.uncovered
def test_every_place_removed_doubled_renamed() -> None:
    for path in PLACES:
        _judge_all(removals(DOCUMENT, path), path)


@pytest.mark.proof
def test_every_place_with_a_hostile_value() -> None:
    """A fifth of the values at each place, another fifth at the next; all of them in the nightly run."""
    for turn, path in enumerate(PLACES):
        _judge_all(_tried(replacements, path, lambda i, turn=turn: (i + turn) % 5 == 0), path)  # type: ignore[misc]


@pytest.mark.nightly
def test_every_place_with_every_hostile_value() -> None:
    for path in PLACES:
        _judge_all(replacements(DOCUMENT, path), path)


@pytest.mark.uncovered
@pytest.mark.parametrize("seed", one_in(4, range(4)))
def test_several_places_at_once(seed: int) -> None:
    """What one change makes inconsistent, a second may hide."""
    chance = Random(seed)
    leaves = [path for path in PLACES if not isinstance(at(DOCUMENT, path), (dict, list))]
    for _ in range(120):
        document, made = DOCUMENT, []
        for path in chance.sample(leaves, 2):
            like = [value for value in VALUES if type(value) is type(at(DOCUMENT, path))]
            value = chance.choice(like or [None])
            made.append((path, value))
            document = changed(document, path, partial(_put, value))
        try:
            harmless_or_refused(sealed(document))
        except BaseException as error:
            raise AssertionError(f"{made!r}: {error!r}"[:1_000]) from error


def _executions(document: Json) -> list[Json]:
    return document["state"]["executions"]  # type: ignore[no-any-return]


def test_a_wrong_type_an_unknown_field_a_missing_field_are_refused() -> None:
    """Not only harmless: these can never be what an engine wrote."""
    for path in PLACES:
        if path and type(path[-1]) is str:
            refused(sealed(changed(DOCUMENT, path, partial(_put, 1.5))))
            refused(sealed(changed(DOCUMENT, path, partial(_put, "\ud800"))))
            if "tags" not in path:
                refused(sealed(changed(DOCUMENT, (*path[:-1], "unknown"), partial(_put, 1))))
    for field in ("execution_id", "phase", "spec", "priority", "created_at_ms"):
        place = ("state", "executions", 0, field)
        refused(sealed(changed(DOCUMENT, place, lambda parent, key: parent.pop(key))))


def test_a_duplicate_id_is_refused() -> None:
    copy = opened(DATA)
    _executions(copy).append(_executions(copy)[0])
    assert "execution" in str(refused(sealed(copy)))


NEVER_THERE: Final = {
    "held": {*Phase} - {Phase.LEASED},
    "lapsed": {*Phase} - {Phase.LEASE_EXPIRED},
    "revoked": {*Phase} - {Phase.LEASE_REVOKED},
    "granted": {*Phase} - {Phase.ELIGIBLE},
    "plain": {*Phase} - {Phase.ELIGIBLE},
    "blocked": {*Phase} - {Phase.BLOCKED},
    "children": {*Phase} - {Phase.BLOCKED},
    "succeeded": {*Phase} - {Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED},
    "cancelled": {*Phase} - {Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED},
}
"""Phases in which these records cannot be: a lease, a grant, a reason or an end says another."""


CONTRADICTIONS: Final = [(name, phase) for name, phases in NEVER_THERE.items() for phase in sorted(phases)]


@pytest.mark.parametrize(("name", "phase"), CONTRADICTIONS)
def test_a_record_in_a_phase_it_contradicts_is_refused(name: str, phase: Phase) -> None:
    copy = opened(DATA)
    record = next(record for record in _executions(copy) if record["execution_id"] == name)
    record["phase"] = phase.value
    refused(sealed(copy))


@pytest.mark.parametrize("depth", [10, 1_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_depth_bomb_is_refused(depth: int, opening: str, closing: str) -> None:
    middle = "1" if opening != "[" else ""
    refused(sealed(None, raw=opening * depth + middle + closing * depth))


@pytest.mark.parametrize(
    "raw",
    [
        *("", "null", "[]", "{}", "5", '"x"', "NaN", "Infinity", "{", "\x00", "{}{}", "1e999", "9" * 5_000),
        '{"engine": {}, "state": {}}',
        '{"engine": NaN, "state": -Infinity}',
        json.dumps(DOCUMENT).replace(str(NOW_MS), "9" * 5_000, 1),
        json.dumps(DOCUMENT).replace(str(NOW_MS), f"{NOW_MS}.0", 1),
    ],
)
def test_other_json_is_refused(raw: str) -> None:
    refused(sealed(None, raw=raw))


def test_a_key_given_twice_is_refused_or_harmless() -> None:
    """JSON lets a name stand twice: the last one counts, for reader and digest alike."""
    raw = json.dumps(DOCUMENT).replace('"priority"', '"priority": 1, "priority"', 1)
    harmless_or_refused(sealed(None, raw=raw))


def test_text_that_is_not_utf8_is_refused() -> None:
    body = DATA.partition(b"\n")[2].replace(b"boss", b"b\xffss") + b"\xff"
    import hashlib  # noqa: PLC0415 - one use

    refused(b"grantcore-snapshot 2 " + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def test_a_refused_snapshot_leaves_no_trace() -> None:
    """The bytes are the caller's, and a good one restores as before."""
    refused(DATA[:-1])
    assert GrantEngine.restore(DATA, clock=ManualClock(NOW_MS)).digest() == STAGE.engine.digest()
