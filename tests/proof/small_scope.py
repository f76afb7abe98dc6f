"""Every sequence of calls over a small scope, as a search of the graph of states.

One execution, two workers, three deadlines (grant, lease, execution); time goes to the next deadline, or to
one millisecond before it. Two sequences that lead to the same digest, instant, tokens and grants go on as
one: nothing else decides what a call does. States that differ in names of ids or in instants are not merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from grantcore import (
    ExecutionPolicy,
    Fence,
    Fixed,
    Granted,
    GrantEngine,
    GrantError,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    RetryPolicy,
)
from grantcore.model.ids import MintedIds

NAME: Final = "e"
WORKERS: Final = ("w1", "w2")
POLICY: Final = ExecutionPolicy(retry=RetryPolicy(1, Fixed(0)), max_reclaim_count=1, max_replay_count=1)
FIRST_NOW: Final = 10


@attrs.frozen
class Node:
    """A state, and what was handed out on the way to it."""

    snapshot: bytes
    now: int
    tokens: tuple[Fence, ...] = ()
    dead: frozenset[Fence] = frozenset()
    grants: tuple[tuple[Any, str], ...] = ()
    path: tuple[str, ...] = ()

    def engine(self, now: int | None = None) -> GrantEngine:
        """An engine in this state, at its instant or later."""
        at_ms = self.now if now is None else now
        ids = MintedIds(f"{len(self.tokens):020x}")
        return GrantEngine.restore(self.snapshot, clock=lambda: at_ms, ids=ids)


Call = tuple[str, Callable[[GrantEngine], object]]


def calls(node: Node) -> Iterator[Call]:
    """The alphabet: what can be said in this state, sensible or not."""
    yield (
        "create",
        lambda e: e.create_execution(
            lane_id="a", execution_id=NAME, policy=POLICY, deadline_at_ms=FIRST_NOW + 40
        ),
    )
    for worker in WORKERS:
        yield f"issue {worker}", lambda e, w=worker: _issue(e, w)  # type: ignore[misc]
        if node.grants:
            yield (
                f"take {worker}",
                lambda e, w=worker: e.take(  # type: ignore[misc]
                    node.grants[-1][0], worker_id=w, worker_instance_id=w, lease_ttl_ms=9
                ),
            )
    for n, token in enumerate(node.tokens[-2:]):
        yield f"renew {n}", lambda e, t=token: e.renew_lease(t, lease_ttl_ms=12)  # type: ignore[misc]
        yield f"complete {n}", lambda e, t=token: e.complete_execution(t)  # type: ignore[misc]
        yield f"fail {n}", lambda e, t=token: e.fail_execution(t, reason="")  # type: ignore[misc]
        yield f"release {n}", lambda e, t=token: e.release_execution(t)  # type: ignore[misc]
    yield "revoke", lambda e: e.operator("root").revoke_lease(NAME, reason="")
    yield "cancel", lambda e: e.cancel_execution(NAME, reason="")
    yield "replay", lambda e: e.replay_execution(NAME)


def _issue(engine: GrantEngine, worker: str) -> object:
    """Whatever kind of grant fits."""
    who: dict[str, Any] = {
        "worker_id": worker,
        "worker_instance_id": worker,
        "lane_id": "a",
        "grant_ttl_ms": 5,
    }
    answer = engine.issue_reclaim_grant(NAME, IssueReclaimGrantRequest(**who))
    if type(answer) is Granted:
        return answer.grant
    request = IssueClaimGrantRequest(**who)
    try:
        return engine.issue_claim_grant(NAME, request)
    except GrantError:
        return engine.issue_resume_grant(NAME, request)


class Search:
    """Breadth first, to a depth; counts nodes and edges."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.nodes = self.edges = 0
        self._seen: set[object] = set()

    def go(self) -> None:
        """Visit everything, and check each state once (I-03, I-05, I-40, I-43, I-48)."""
        start = GrantEngine(clock=lambda: FIRST_NOW)
        level = [Node(start.snapshot(), FIRST_NOW)]
        self.nodes = 1
        for _ in range(self.depth):
            level = [found for node in level for found in self._next(node)]

    def _next(self, node: Node) -> Iterator[Node]:
        engine = node.engine()
        before = engine.digest()
        for name, call in calls(node):
            self.edges += 1
            number = engine.stats().events
            try:
                answer = call(engine)
            except GrantError:
                answer = None
            if engine.stats().events != number:
                yield from self._visit(node, engine, node.now, name, answer)
                engine = node.engine()
            else:
                assert engine.digest() == before, (*node.path, name, "I-40")
        due = engine.next_deadline_ms()
        for name, at_ms in (("just before", (due or 0) - 1), ("due", due or 0)):
            if due is not None and at_ms > node.now:
                self.edges += 1
                yield from self._visit(node, _lapsed(node, at_ms), at_ms, name, None)

    def _visit(self, node: Node, engine: GrantEngine, now: int, name: str, answer: object) -> Iterator[Node]:
        tokens, grants = node.tokens, node.grants
        if hasattr(answer, "lease_id") and name.startswith("take"):
            tokens = (*tokens, _fence(answer))
        if name.startswith("issue") and hasattr(answer, "grant_key"):
            grants = ((answer, name),)
        digest = engine.digest()
        key = (digest, now, tokens, grants, node.dead)
        if key in self._seen:
            return
        self._seen.add(key)
        self.nodes += 1
        path = (*node.path, name)
        engine.check()
        found = Node(engine.snapshot(), now, tokens, node.dead, grants, path)
        assert found.engine().digest() == digest, (*path, "I-43")
        yield attrs.evolve(found, dead=found.dead | _refused(found))


def _lapsed(node: Node, at_ms: int) -> GrantEngine:
    """Time goes on; by a sweep or by a look, the state is the same (I-48)."""
    swept, looked = node.engine(at_ms), node.engine(at_ms)
    swept.advance()
    looked.describe_execution(NAME)
    assert swept.digest() == looked.digest(), (*node.path, at_ms, "I-48")
    return swept


def _fence(lease: Any) -> Fence:
    return Fence(lease.execution_id, lease.lease_id, lease.lease_epoch, lease.attempt_id)


def _refused(node: Node) -> frozenset[Fence]:
    """All tokens there ever were are tried: at most one passes, and none that was refused before."""
    refused: set[Fence] = set()
    engine = node.engine()
    for token in node.tokens:
        try:
            engine.renew_lease(token, lease_ttl_ms=3)
        except GrantError:
            refused.add(token)
    passed = set(node.tokens) - refused
    assert len(passed) <= 1, (*node.path, "I-03")
    assert not passed & node.dead, (*node.path, "I-05")
    return frozenset(refused)
