"""Snapshots that somebody has tampered with and sealed again: right magic, right digest, wrong content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from grantcore import GrantEngine, GrantError, ManualClock, Scheduler
from tests.life.stage import Stage, claim_request, reclaim_request

Json = Any
Path = tuple["str | int", ...]


def opened(data: bytes) -> Json:
    """The document of a snapshot."""
    return json.loads(data.partition(b"\n")[2])


def sealed(document: Json, *, raw: str | None = None) -> bytes:
    """A snapshot of a document, with a digest that fits."""
    body = (json.dumps(document) if raw is None else raw).encode("utf-8", "surrogatepass")
    return f"grantcore-snapshot 2 {hashlib.sha256(body).hexdigest()}\n".encode() + body


# -- places --------------------------------------------------------------------------------------


def paths(document: Json, path: Path = ()) -> Iterator[Path]:
    """Every place in a document."""
    yield path
    if isinstance(document, dict):
        for key, value in document.items():
            yield from paths(value, (*path, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from paths(value, (*path, index))


def kinds_of_places(document: Json) -> list[Path]:
    """One place of each kind: positions in lists do not tell kinds apart, save in pairs."""
    seen: dict[tuple[object, ...], Path] = {}
    for path in paths(document):
        shape = tuple("*" if type(part) is int else part for part in path)
        seen.setdefault((shape, type(at(document, path))), path)
    return list(seen.values())


def at(document: Json, path: Path) -> Json:
    for part in path:
        document = document[part]
    return document


def changed(document: Json, path: Path, change: Callable[[Json, Any], None]) -> Json:
    """A copy in which ``change(parent, key)`` was made at the place."""
    copy = json.loads(json.dumps({"top": document}))
    change(at(copy, ("top", *path)[:-1]), ("top", *path)[-1])
    return copy["top"]


VALUES: Final[tuple[Json, ...]] = (
    *(None, True, False, 0, 1, -1, 7, 2**31, 2**52, 2**53 - 1, 2**53, 2**53 + 1, 10**30, 1.5, 1e308),
    *("", "x", "\ud800", "\x00", "a b", "nan", "0", "x" * 5_000, "eligible", "leased", "initial", "claim"),
    *([], [[]], [1], ["x"], {}, {"x": 1}, [["x", 1]], [[0, {}]], {"type": "fixed"}),
)


def replacements(document: Json, path: Path) -> Iterator[Json]:
    """The document with another value at the place."""
    for value in VALUES:
        yield changed(document, path, lambda parent, key, value=value: parent.__setitem__(key, value))  # type: ignore[misc]


def removals(document: Json, path: Path) -> Iterator[Json]:
    """The document without the place, with it twice, with something unknown beside it."""
    if not path:
        return
    yield changed(document, path, lambda parent, key: parent.__delitem__(key))
    if type(path[-1]) is int:
        yield changed(document, path, lambda parent, key: parent.append(parent[key]))
        yield changed(document, path, lambda parent, _key: parent.reverse())
    else:
        yield changed(document, path, lambda parent, key: parent.__setitem__(f"{key}_", parent[key]))
        yield changed(document, path, lambda parent, _key: parent.__setitem__("unknown", 1))


def exchanges(document: Json, places: list[Path]) -> Iterator[Json]:
    """The document with what stands at one place put at another of the same type."""
    for i, path in enumerate(places):
        for other in places[i + 1 :: 7]:
            if path and other and type(at(document, path)) is type(at(document, other)):
                value = at(document, other)
                yield changed(document, path, lambda parent, key, value=value: parent.__setitem__(key, value))  # type: ignore[misc]


# -- a state with something of everything ---------------------------------------------------------


def museum() -> Stage:
    """One engine with an execution in every phase, and every kind of thing hanging off a record."""
    stage = Stage()
    create = stage.create
    create("delayed", delay_until_ms=stage.now + 900, idempotency_key="key", payload=b"in", tags={"a.b": "c"})
    create("plain", required_capabilities=("gpu",), priority=5)
    create("granted", deadline_at_ms=stage.now + 9_000)
    stage.engine.issue_claim_grant("granted", claim_request())
    create("blocked")
    stage.operator.block("blocked", detail="why")
    _tour(stage)
    create("revoked")
    stage.claim("revoked")
    stage.revoke("revoked")
    stage.issue("revoked")
    create("succeeded")
    stage.claim("succeeded")
    stage.complete()
    create("cancelled")
    stage.cancel("cancelled")
    create("held")
    stage.claim("held", timeout_ms=20_000)
    stage.engine.update_progress(stage.lease, pct=3, message="so far")
    return stage


def _tour(stage: Stage) -> None:
    """An execution that has been through nearly everything and has lost its lease; one of each rest."""
    stage.create("lapsed")
    stage.claim("lapsed")
    stage.fail()
    stage.until_due()
    stage.claim("lapsed")
    stage.delay(1)
    stage.until_due()
    stage.claim("lapsed")
    stage.complete()
    stage.replay("lapsed")
    stage.claim("lapsed")
    stage.lapse()
    stage.create("children")
    stage.claim("children")
    stage.await_children()
    stage.create("suspended")
    stage.claim("suspended", timeout_ms=20_000)
    stage.suspend(9_000, "escalate")
    stage.create("escalated")
    stage.claim("escalated")
    stage.suspend(-1, "escalate")
    stage.engine.advance()
    stage.create("resumed")
    stage.claim("resumed")
    stage.suspend()
    stage.resume("resumed", delay_ms=9_000)
    stage.create("failing")
    stage.claim("failing")
    stage.fail()


# -- is it harmless? -----------------------------------------------------------------------------


def poke(engine: GrantEngine, clock: ManualClock) -> None:
    """Do everything to everything: only typed refusals may come of it, and every invariant holds.

    Raises:
        Exception: whatever is no ``GrantError``, or a broken invariant.
    """
    engine.check()
    assert GrantEngine.restore(engine.snapshot(), clock=clock).digest() == engine.digest()
    for ms in (0, 3_000):
        clock.advance(ms)
        for entry in engine.list_executions().entries:
            for call in _pokes(engine, entry.execution_id, clock()):
                try:
                    call()
                except GrantError as error:
                    assert error.error_class != "bug", error
        engine.check()
    clock.advance(10**9)
    engine.check()
    engine.digest()


def _pokes(engine: GrantEngine, name: str, now: int) -> Iterator[Callable[[], object]]:
    shown = engine.describe_execution(name)
    if shown is None:
        return
    boss = engine.operator("boss")
    wide = ("cuda", "gpu", "more", *shown.required_capabilities)
    who: dict[str, Any] = {"worker_id": "w", "worker_instance_id": "w-1", "lease_ttl_ms": 500}
    for read in ("describe_grant", "attempts", "read_payload", "read_result", "lease_history"):
        yield lambda read=read: getattr(engine, read)(name)  # type: ignore[misc]
    yield lambda: (engine.leases(), engine.list_expired_leases(), engine.stats(), engine.next_deadline_ms())
    yield lambda: (Scheduler(engine).peek(shown.lane_id, wide), engine.leases_expiring_within(10**6))
    yield lambda: engine.set_execution_tags(name, {"p.q": "r"})
    yield lambda: engine.change_priority(name, 3)
    yield lambda: boss.unblock(name)
    yield lambda: engine.promote_blocked_to_eligible(name)
    yield lambda: engine.resume_execution(name)
    asking = claim_request("w", 900, wide, shown.lane_id)
    yield lambda: engine.take(engine.issue_claim_grant(name, asking), **who)
    yield lambda: engine.take(engine.issue_resume_grant(name, asking), **who)
    yield lambda: _reclaim(engine, name, wide, shown.lane_id, who)
    yield lambda: boss.issue_grant_and_claim(name, **who)
    yield lambda: [engine.renew_lease(lease, lease_ttl_ms=700) for lease in engine.leases()]
    yield lambda: boss.fail(name, reason="poked")
    yield lambda: boss.revoke_lease(name, reason="poked")
    yield lambda: boss.cancel(name, reason="poked") if now % 2 else None
    yield lambda: engine.replay_execution(name)


def _reclaim(engine: GrantEngine, name: str, wide: tuple[str, ...], lane: str, who: dict[str, Any]) -> None:
    answer = engine.issue_reclaim_grant(name, reclaim_request("w", 900, wide, lane))
    grant = getattr(answer, "grant", None)
    if grant is not None:
        engine.take(grant, **who)
