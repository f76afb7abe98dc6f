"""hostile-inputs section 5: a snapshot is untrusted bytes: truncated, flipped, newer, or well-made and wrong.

The answer is ``SnapshotInvalid`` (I-69), or an engine in which every invariant holds.
"""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import pytest

import grantcore as gc
from grantcore.engine import snapshots
from tests.robustness import hostile, worlds
from tests.robustness.worlds import LANE, World, new_world

restore = gc.GrantEngine.restore
VERSION: Final = str(snapshots.VERSION).encode()


def _full() -> World:
    """Executions of every phase, with tags, keys and payloads."""
    world = new_world()
    worlds.busy(world)
    world.engine.create_execution(
        lane_id=LANE,
        execution_id="rich",
        tags={"a.b": "c"},
        payload=b"p",
        idempotency_key="k",
        policy=gc.ExecutionPolicy(retry=gc.RetryPolicy(backoff=gc.Exponential(jitter=True))),
    )
    world.engine.issue_claim_grant("rich", worlds.asking())
    return world


def _small() -> bytes:
    world = new_world()
    worlds.held(world)
    return world.engine.snapshot()


def sealed(body: bytes, version: bytes = VERSION, magic: bytes = b"grantcore-snapshot") -> bytes:
    """A body with the head that fits it."""
    return b" ".join((magic, version, hashlib.sha256(body).hexdigest().encode())) + b"\n" + body


def document_of(data: bytes) -> Any:
    return json.loads(data.partition(b"\n")[2])


def sealed_json(document: object) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sealed(text.encode("utf-8", "surrogatepass"))


def invalid_or_whole(data: bytes) -> bool:
    """Whether the bytes are refused; if they are not, what they made must be whole."""
    try:
        engine = restore(data, clock=gc.ManualClock(0))
    except gc.SnapshotInvalid as refusal:
        assert len(str(refusal)) <= 2_000
        return True
    engine.check()
    engine.advance()
    engine.list_executions()
    assert restore(engine.snapshot(), clock=gc.ManualClock(0)).digest() == engine.digest()
    return False


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Fail instead of hanging; no measure of speed. Seconds of the processor."""

    def late(*_: object) -> None:
        raise TimeoutError("a number in a snapshot decides how long it takes to read it")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def test_truncated_at_every_byte() -> None:
    """I-69: never a wrong state served."""
    data = _small()
    assert all(invalid_or_whole(data[:length]) for length in range(len(data)))
    assert not invalid_or_whole(data)


def test_every_bit_flipped() -> None:
    """I-69: detected, all of them; the digest covers the document and the head is compared."""
    data = bytearray(_small())
    for position in range(len(data)):
        for bit in range(8):
            data[position] ^= 1 << bit
            assert invalid_or_whole(bytes(data)), (position, bit)
            data[position] ^= 1 << bit


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"grantcore-snapshot",
        b"\x80\x04K\x05.",
        sealed(b""),
        sealed(b"{}"),
        sealed(b"[]"),
        sealed(b"null"),
        sealed(b"NaN"),
        sealed(b'{"engine":{},"state":{}}'),
        sealed(b"{" * 100_000),
        sealed(b"[" * 100_000),
        sealed(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        sealed(b"1" * 10_000),
        sealed(b'{"engine":' + b"9" * 5_000 + b"}"),
        sealed(b"\xff\xfe"),
        sealed(b'{"a":1,"a":2}'),
    ],
    ids=range(17),
)
def test_no_snapshot_at_all(data: bytes) -> None:
    """hostile-inputs section 5: no RecursionError, no ValueError of ``int``, no MemoryError."""
    assert invalid_or_whole(data)


@pytest.mark.parametrize("label", hostile.VALUES)
def test_no_bytes_at_all(label: str) -> None:
    """I-63: exact type; lying subclasses are refused too."""
    anything: Any = hostile.VALUES[label]
    with pytest.raises((gc.SnapshotInvalid, gc.InvalidInput)):
        restore(anything)


@pytest.mark.parametrize("version", [b"0", b"1", b"3", b"02", b"99999999999999999999", b"", b"x"])
def test_another_format_is_refused_by_name(version: bytes) -> None:
    """I-72: a newer format is refused by name."""
    body = _small().partition(b"\n")[2]
    with pytest.raises(gc.SnapshotInvalid, match=r"format|no snapshot"):
        restore(sealed(body, version))


def test_the_old_bytes_are_never_lost() -> None:
    """hostile-inputs section 5: reading a snapshot changes neither it nor another engine."""
    world = _full()
    data = world.engine.snapshot()
    kept, digest = bytes(data), world.engine.digest()
    assert not invalid_or_whole(data)
    with pytest.raises(gc.SnapshotInvalid):
        restore(data[:-1])
    assert (data, world.engine.digest()) == (kept, digest)


# -- well-made and wrong: the digest fits, the content does not ----------------------------------------

BAD: Final[tuple[object, ...]] = (
    None,
    True,
    -1,
    0,
    1,
    1.5,
    2**53,
    2**63,
    10**400,
    "",
    "x",
    "\ud800",
    "leased",
    [],
    [1],
    [["a", "b"]],
    {},
    {"x": 1},
)

Path = tuple[str | int, ...]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place of a document."""
    yield path
    steps: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, dict):
        steps = iter(value.items())
    elif isinstance(value, list):
        steps = iter(enumerate(value))
    for step, entry in steps:
        yield from places(entry, (*path, step))


def changed(document: Any, path: Path, change: Callable[[Any, Any], None]) -> bytes:
    """The document with something done to the container of a place."""
    document = json.loads(json.dumps(document))
    container = document
    for step in path[:-1]:
        container = container[step]
    change(container, path[-1])
    return sealed_json(document)


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _put(value: object, container: Any, step: Any) -> None:
    container[step] = value


def _drop(container: Any, step: Any) -> None:
    del container[step]


def _double(container: Any, step: Any) -> None:
    if isinstance(container, list):
        container.append(container[step])
    else:
        container[f"{step}_"] = container[step]


def test_sealed_again_as_it_was() -> None:
    """The head made here is the one the engine reads, so what is refused below is refused for its content."""
    assert not invalid_or_whole(sealed_json(document_of(_full().engine.snapshot())))


def test_every_place_with_every_bad_value() -> None:
    """I-69: whatever stands at whatever place: refused, or harmless; never another exception."""
    document = document_of(_full().engine.snapshot())
    everywhere = [path for path in places(document) if path]
    random.Random(5).shuffle(everywhere)
    everywhere = everywhere[:320]
    refused = total = 0
    for number, path in enumerate(everywhere):
        value = BAD[number % len(BAD)]
        refused += invalid_or_whole(changed(document, path, partial(_put, value)))
        total += 1
    assert total > 300
    assert refused > total * 0.7


@pytest.mark.parametrize("change", [_drop, _double])
def test_every_place_missing_or_doubled(change: Callable[[Any, Any], None]) -> None:
    """I-69: fields that are absent, unknown, or elements that come twice."""
    document = document_of(_full().engine.snapshot())
    everywhere = [path for path in places(document) if path][:: 3 if change is _drop else 4]
    refused = sum(invalid_or_whole(changed(document, path, change)) for path in everywhere)
    assert len(everywhere) > 80
    assert refused > len(everywhere) * 0.5


def test_a_count_out_of_all_proportion() -> None:
    """hostile-inputs section 5: a number in a snapshot must not decide how much memory is taken."""
    document = document_of(_full().engine.snapshot())
    numbers = [path for path in places(document) if path and isinstance(_at(document, path), int)]
    assert len(numbers) > 100
    with at_most(20):
        for path in numbers:
            invalid_or_whole(changed(document, path, partial(_put, 2**52)))


@pytest.mark.nightly
def test_every_place_with_each_bad_value() -> None:
    """I-69, all of it."""
    document = document_of(_full().engine.snapshot())
    for path in (path for path in places(document) if path):
        for value in BAD:
            invalid_or_whole(changed(document, path, partial(_put, value)))


_CHILD: Final = """
import sys
import grantcore
for line in sys.stdin:
    try:
        grantcore.GrantEngine.restore(bytes.fromhex(line))
    except grantcore.SnapshotInvalid:
        pass
"""


def test_contradictions_without_assertions() -> None:
    """I-63, I-69: ``python -O`` refuses by the same name an execution whose parts contradict one another."""
    document = document_of(_full().engine.snapshot())
    parts = ("taking", "lease_id", "attempt_id", "past", "rare", "grant")
    tampered: list[bytes] = []
    for number in range(len(document["state"]["executions"])):
        place = ("state", "executions", number)
        tampered += [changed(document, (*place, "phase"), partial(_put, phase.value)) for phase in gc.Phase]
        tampered += [changed(document, (*place, part), partial(_put, None)) for part in parts]
    lines = "\n".join(data.hex() for data in tampered)
    child = [sys.executable, "-O", "-c", _CHILD]
    ran = subprocess.run(child, input=lines, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_refusals_do_not_repeat_what_they_found() -> None:
    """hostile-inputs section 6: the text names the place, and is bounded, even if the place's name is not."""
    document = document_of(_full().engine.snapshot())
    number = next(i for i, e in enumerate(document["state"]["executions"]) if e["execution_id"] == "rich")
    secret = "secret" * 100_000
    for path, bad in (
        (("state", "executions", number, "cargo", 2), {secret: 5}),
        (("state", "executions", number, "cargo", 2), secret),
        (("state", "executions", number, "execution_id"), secret),
        (("state", "executions", number), {secret: 1}),
        (("state", "specs", 0, "policy"), {secret: 1}),
    ):
        with pytest.raises(gc.SnapshotInvalid) as raised:
            restore(changed(document, path, partial(_put, bad)))
        assert len(str(raised.value)) <= 2_000


def test_what_goes_on_counting_and_what_is_no_base64() -> None:
    """I-69: a count has room for all that follow, and what an execution carries is bytes."""
    document = document_of(_full().engine.snapshot())
    number = next(i for i, e in enumerate(document["state"]["executions"]) if e["execution_id"] == "rich")
    for path, bad, told in (
        (("state", "sequence"), snapshots.MAX_COUNT + 1, "sequence must be an int in 0.."),
        (("state", "executions", number, "cargo", 0), "no base64!", "base64"),
    ):
        with pytest.raises(gc.SnapshotInvalid, match=told):
            restore(changed(document, path, partial(_put, bad)))


# -- valid ones ---------------------------------------------------------------------------------------------


def test_a_snapshot_of_another_configuration() -> None:
    """SPEC 9: EngineConfig is not part of the state; a stored state is taken as it is."""
    world = _full()
    data = world.engine.snapshot()
    for config in (
        gc.EngineConfig(retention_ms=None),
        gc.EngineConfig(max_executions=1, max_shelves_per_lane=1, max_tags=0, max_payload_bytes=0),
        gc.EngineConfig(max_grant_ttl_ms=1, max_lease_ttl_ms=1, max_text_bytes=1),
        gc.EngineConfig(threadsafe=False),
    ):
        restored = restore(data, clock=world.clock, config=config)
        restored.check()
        assert restored.digest() == world.engine.digest()


@pytest.mark.parametrize(("saved_under", "restored_under"), [(1_000, 2), (2, 1_000), (1, 1), (1, 3)])
def test_another_history_limit(saved_under: int, restored_under: int) -> None:
    """D-25: a longer history than the new limit allows is no reason to refuse a good snapshot."""
    world = new_world(gc.EngineConfig(lease_history_limit=saved_under))
    worlds.lapsed_again(world)
    worlds.done(world, "d")
    world.engine.check()
    restored = restore(
        world.engine.snapshot(),
        clock=world.clock,
        config=gc.EngineConfig(lease_history_limit=restored_under),
    )
    restored.check()
    restored.operator("op").cancel("e", reason="r")
    restored.check()
    assert len(restored.lease_history("e")) <= restored_under
    assert len(restored.lease_history("d")) <= restored_under
