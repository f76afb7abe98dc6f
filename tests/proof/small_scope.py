"""Every sequence of calls on one execution by two workers, to a depth, as a search of the graph of states.

Three deadlines (grant, lease, execution), and those of a delay, a suspension and an attempt; time goes to the
next deadline, or to one millisecond before it.

What is covered. ``whole`` is every call that can change one execution, and is searched to a lesser depth than
``reduced``, its core; the tests pin both depths and counts. Not in it: calls on lanes, workers, quotas and
budgets, the scheduler, other executions, the named forms of ``take``, other values of arguments. Of the
tokens and grants there ever were only the last is used in calls: in each state all are tried on a copy, and
those that are refused lead to the same state. An attempt's deadline is set by ``issue_grant_and_claim`` only,
so that the others go the engine's shorter ways. To a lesser depth each call is made on the model, too.

What is merged. Two sequences go on as one if their states are the same but for

- a renaming of minted ids and of the two workers (I-50), a shift of all instants (I-56), numbers of events;
- what is due but has not been applied: the next call would do it first (I-48);
- fields that are written and shown only (``SHOWN``): no guard and no rule reads them to decide, for what is
  here. A test searches with and without them and finds the same states but for these.

Calls that are refused are made, must leave the digest as it was (I-40), and are not followed.

How it goes on. Calls are made on twins of a state: copies of its records, with indexes built anew. The first
time a state is found, all calls that lead to it are made once more on a new engine, whose indexes have
followed each of them; it must come to the same records, and it is the one that is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from operator import attrgetter
from typing import Any, Final

import attrs

from grantcore import (
    ClaimGrant,
    ExecutionPolicy,
    Fence,
    Fixed,
    Granted,
    GrantEngine,
    GrantError,
    GrantKind,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    ReclaimGrant,
    ResumeGrant,
    RetryPolicy,
)
from grantcore.engine.snapshots import EXECUTION
from grantcore.model.ids import MintedIds, rendered
from grantcore.model.leases import PREFIX
from grantcore.model.records import Execution, Past, Rare, Store, spec_fields
from grantcore.model.time import NEVER
from grantcore.model.views import Attempt
from grantcore.rules.fencing import attempt_id_of
from grantcore.testing.pair import Dial, Disagreement, Pair
from grantcore.testing.steps import Ref, Step, resolved
from grantcore.testing.steps import script as steps_script

NAME: Final = "e"
WORKERS: Final = ("w1", "w2")
POLICY: Final = ExecutionPolicy(retry=RetryPolicy(1, Fixed(0)), max_reclaim_count=1, max_replay_count=1)
FIRST_NOW: Final = 10
ISSUES: Final = ("issue_claim_grant", "issue_resume_grant", "issue_reclaim_grant")
TAKES: Final = ("take", "operator.issue_grant_and_claim")
PAIRED: Final[Any] = {"start_ms": FIRST_NOW, "minted": True}
I_40: Final = "I-40: a refused call changes nothing"
GRANTS: Final = (ClaimGrant, ResumeGrant, ReclaimGrant)


# -- one way through -----------------------------------------------------------------------------------


class Broken(AssertionError):
    """Something that must hold does not; the text begins with its number."""


def hold(rule: str, *, true: bool) -> None:
    """Break off unless it is true."""
    if not true:
        raise Broken(rule)


class Scope:
    """An engine, what it has handed out, and what must hold.

    Args:
        looking: whether everything is looked at after each call.
    """

    def __init__(self, *, looking: bool = True) -> None:
        self.dial = Dial(FIRST_NOW)
        self.ids = MintedIds("0" * 20)
        self.engine = GrantEngine(clock=self.dial, ids=self.ids)
        self.tokens: list[Fence] = []
        self.grants: list[Any] = []
        self.dead: frozenset[Fence] = frozenset()
        self._looking = looking

    @property
    def now(self) -> int:
        """The present instant."""
        return self.dial()

    @property
    def events(self) -> int:
        """How many there were."""
        return self.engine._store.sequence

    def twin(self) -> Scope:
        """Another one in the same state, which goes on by itself."""
        twin = Scope(looking=False)
        twin.dial.reading = self.now
        twin.ids.count = self.ids.count
        twin.tokens, twin.grants, twin.dead = [*self.tokens], [*self.grants], self.dead
        _become(twin.engine, self.engine)
        return twin

    def call(self, call: str, *args: Any, **kwargs: Any) -> Any:
        """Make a call of the engine, or ``at``; a refusal gives None, a grant is taken out."""
        before = (self.events, self.engine.digest()) if self._looking else None
        answer = self._call(call, args, kwargs)
        if before is not None and call != "at" and self.events == before[0]:
            hold(I_40, true=self.engine.digest() == before[1])
        if type(answer) is Granted:
            answer = answer.grant
        if call in TAKES and answer is not None:
            self.tokens.append(
                Fence(answer.execution_id, answer.lease_id, answer.lease_epoch, answer.attempt_id)
            )
        elif isinstance(answer, GRANTS):
            self.grants.append(answer)
        if self._looking:
            self.look()
        return answer

    def _call(self, call: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if call == "at":
            self.dial.reading = args[0]
            self.engine.advance()
            return None
        face, _, name = call.rpartition(".")
        try:
            return getattr(self.engine.operator("root") if face else self.engine, name)(*args, **kwargs)
        except GrantError:
            return None

    # -- what must hold ------------------------------------------------------------------------------------

    def look(self) -> None:
        """All that must hold in one state (I-03, I-05, I-13 to I-15, I-40, I-43, I-48; SPEC 3)."""
        due = self.engine.next_deadline_ms()
        hold("SPEC 3: what is due has happened", true=due is None or due > self.now)
        try:
            self.engine.check()
        except GrantError as error:
            raise Broken(f"check: {error}") from error
        data = self.engine.snapshot()
        restored = GrantEngine.restore(data, clock=self.dial, ids=MintedIds("f" * 20))
        hold("I-43: restored as it was", true=restored.digest() == self.engine.digest())
        self._try_tokens(restored)
        looked = self._try_grants()
        if due is not None:
            swept = self.twin()
            looked.dial.reading = swept.dial.reading = due
            looked.engine.describe_execution(NAME)
            swept.engine.advance()
            hold("I-48: by a sweep or by a look", true=stored(looked.engine) == stored(swept.engine))

    def _try_tokens(self, restored: GrantEngine) -> None:
        refused = frozenset(token for token in self.tokens if not _renews(restored, token))
        passed = frozenset(self.tokens) - refused
        hold("I-03: at most one token passes", true=len(passed) <= 1)
        hold("I-05: none that was refused passes again", true=not passed & self.dead)
        self.dead |= refused

    def _try_grants(self) -> Scope:
        """All there ever were, by each worker; a grant is a lookup key, its kind counts (I-12, I-16).

        Returns a twin on which they were refused.
        """
        twin, taken = self.twin(), set[tuple[type, str]]()
        for grant in dict.fromkeys(self.grants):
            for worker in WORKERS:
                try:
                    twin.engine.take(grant, worker_id=worker, worker_instance_id=worker, lease_ttl_ms=3)
                except GrantError:
                    continue
                taken.add((type(grant), worker))
                twin = self.twin()
        shown = self.engine.describe_execution(NAME)
        alive = None if shown is None else self.engine.describe_grant(NAME)
        wanted = set() if alive is None else {(GRANTS[list(GrantKind).index(alive.kind)], alive.worker_id)}
        hold("I-15: the live grant is taken by its worker, and no other", true=taken == wanted)
        return twin


def _become(engine: GrantEngine, other: GrantEngine) -> None:
    """Put an engine into the state of another, ids as they were minted; indexes are built anew."""
    store = _copied(other._store)
    engine._keep(store)
    engine._specs = {spec_fields(record.spec): record.spec for record in store.records.values()}
    engine._last_ms = other._last_ms
    engine._indexes.rebuild()
    engine._choose_way()


def _copied(store: Store) -> Store:
    """Another store with all that the calls of the alphabets write."""
    twin = Store(sequence=store.sequence, epoch_floor=store.epoch_floor)
    for name in store.records:
        twin.records[name] = record = copy(store.records[name])
        record.spec = attrs.evolve(record.spec, lane=twin.lane(record.spec.lane_id))
        record.rare, record.past = copy(record.rare), copy(record.past)
        if record.past is not None:
            record.past.attempts = {n: copy(attempt) for n, attempt in record.past.attempts.items()}
            record.past.history = dict(record.past.history)
    return twin


_FIELDS: Final = {
    cls: attrgetter(*(field.name for field in attrs.fields(cls) if field.name not in derived))
    for cls, derived in (
        (Store, ("records", "lanes")),
        (Execution, ("spec", "filed_ms", "filed_as", "queued", "rare", "past")),
        (Rare, ()),
        (Past, ("attempts",)),
        (Attempt, ()),
    )
}
"""All that is stored of each, but for its parts and for what is derived."""


def stored(engine: GrantEngine) -> object:
    """What the digest is over, for engines with the same ids; at a fraction of its price."""
    return [*_parts(engine._store)]


def _parts(store: Store) -> Iterator[object]:
    yield _FIELDS[Store](store)
    yield [lane for lane in store.lanes if store.lanes[lane].is_set_up]
    for record in store.records.values():
        past = record.past
        attempts = () if past is None else past.attempts.values()
        for part in (record, record.rare, past, *attempts):
            yield None if part is None else _FIELDS[type(part)](part)
        yield spec_fields(record.spec)


def _renews(engine: GrantEngine, token: Fence) -> bool:
    try:
        engine.renew_lease(token, lease_ttl_ms=3)
    except GrantError:
        return False
    return True


# -- what can be said ----------------------------------------------------------------------------------

Said = tuple[str, tuple[object, ...], dict[str, object]]


@attrs.frozen
class Node:
    """A state: the calls that lead to it, and what they handed out last.

    Args:
        scope: is there, and stays; calls are made on its twins.
    """

    scope: Scope = attrs.field(factory=lambda: Scope(looking=False))
    steps: tuple[Step, ...] = ()
    token: Ref | None = None
    grant: Ref | None = None

    @property
    def now(self) -> int:
        """The present instant."""
        return self.scope.now


def arrived(steps: Sequence[Step]) -> Scope:
    """Make all these calls on a new engine."""
    scope, results = Scope(looking=False), dict[int, object]()
    for step in steps:
        make(scope, step, results)
    return scope


def make(scope: Scope, step: Step, results: dict[int, object]) -> None:
    """Make a call whose arguments may be what earlier ones gave."""
    args = [resolved(value, results) for value in step.args]
    results[step.number] = scope.call(step.call, *args, **step.kwargs)


def _say(call: str, *args: object, **kwargs: object) -> Said:
    return call, args, kwargs


def reduced(node: Node) -> Iterator[Said]:
    """The core of the alphabet: what is granted, taken, kept, lost and ended."""
    yield _say(
        "create_execution", lane_id="a", execution_id=NAME, policy=POLICY, deadline_at_ms=node.now + 40
    )
    for worker in WORKERS:
        who: dict[str, Any] = {"worker_id": worker, "worker_instance_id": worker}
        for call in ISSUES:
            kind = IssueReclaimGrantRequest if "reclaim" in call else IssueClaimGrantRequest
            yield _say(call, NAME, kind(**who, lane_id="a", grant_ttl_ms=5))
        if node.grant is not None:
            yield _say("take", node.grant, **who, lease_ttl_ms=9)
    if node.token is not None:
        yield _say("renew_lease", node.token, lease_ttl_ms=12)
        yield _say("complete_execution", node.token)
        yield _say("fail_execution", node.token, reason="r")
        yield _say("release_execution", node.token)
    yield _say("operator.revoke_lease", NAME, reason="r")
    yield _say("cancel_execution", NAME, reason="r")
    yield _say("replay_execution", NAME)


def whole(node: Node) -> Iterator[Said]:
    """Every call that can change one execution."""
    yield from reduced(node)
    if node.token is not None:
        yield from _by_holder(node.token, node.now)
    for worker in WORKERS:
        who: dict[str, Any] = {"worker_id": worker, "worker_instance_id": worker}
        yield _say(
            "operator.issue_grant_and_claim", NAME, **who, lease_ttl_ms=9, attempt_timeout_ms=7
        )  # the attempt's deadline comes first
        if node.grant is not None:
            yield _say("withdraw_grant", node.grant, worker_id=worker)
    yield _say("resume_execution", NAME)
    yield _say("resume_execution", NAME, resume_delay_ms=4)
    yield _say("promote_blocked_to_eligible", NAME)
    yield _say("change_priority", NAME, 5)
    yield _say("set_execution_tags", NAME, {"a.b": "c"})
    yield _say("purge_execution", NAME)
    for call in ("block", "unblock", "complete"):
        yield _say(f"operator.{call}", NAME)
    for call in ("cancel", "fail"):
        yield _say(f"operator.{call}", NAME, reason="r")


Alphabet = Callable[[Node], Iterator[Said]]


def _by_holder(token: Ref, now: int) -> Iterator[Said]:
    """What the holder can do beside the core."""
    yield _say("delay_execution", token, delay_until_ms=now + 4)
    yield _say("move_to_waiting_children", token)
    yield _say("update_progress", token, pct=50)
    yield _say("cancel_execution", NAME, reason="r", lease=token)
    for behavior in ("fail", "auto_resume", "escalate"):
        yield _say(
            "suspend_execution", token, reason_code="r", timeout_at_ms=now + 6, timeout_behavior=behavior
        )


# -- the search ----------------------------------------------------------------------------------------


@attrs.frozen
class Failure(Exception):
    """Something does not hold after these calls; breadth first, so there are no fewer."""

    steps: tuple[Step, ...]
    reason: str
    paired: bool = False
    """Whether it takes the model to see it."""

    @property
    def pasted(self) -> str:
        """A script that fails alike."""
        return steps_script(self.steps, Pair(**PAIRED).setting) if self.paired else script(self.steps)

    def __str__(self) -> str:
        return f"no seed: {self.reason}\n\n{self.pasted}\n"


def compare(steps: Sequence[Step], refused: Sequence[Step] = ()) -> None:
    """Make the calls on engine and model, then those that are refused.

    Raises:
        Failure: they do not agree.
    """
    pair, results, made = Pair(**PAIRED), dict[int, object](), list[Step]()
    for step in (*steps, *refused):
        made.append(step)
        args = [resolved(value, results) for value in step.args]
        try:
            results[step.number] = pair.call(step.call, *args, **step.kwargs)
        except Disagreement as difference:
            raise Failure(tuple(made), str(difference), paired=True) from difference


def script(steps: Sequence[Step]) -> str:
    """The calls as a script that can be pasted and run in the root of the repository."""
    calls = [repr(step).replace("pair.call(", "scope.call(", 1) for step in steps]
    return "\n".join(
        [
            "from grantcore import *",
            "from tests.proof.small_scope import Scope",
            "",
            "scope = Scope()",
            *calls,
        ]
    )


class Search:
    """Breadth first, to a depth; counts states and calls.

    Args:
        alphabet: ``reduced`` or ``whole``.
        depth: how many calls.
        modelled: the depth to which each call is made on the model, too.
        merged: gives the same for two states that go on as one.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        depth: int,
        *,
        modelled: int = 0,
        merged: Callable[[Scope], object] | None = None,
    ) -> None:
        self.depth = depth
        self.nodes = 1
        self.edges = 0
        self._alphabet = alphabet
        self._modelled = modelled
        self._form = merged or form
        self.seen: set[object] = set()

    def go(self) -> None:
        """Make every call in every state, and look at each state once.

        Raises:
            Failure: with the shortest way there.
        """
        level = [Node()]
        for left in reversed(range(self.depth)):
            # The states of the last level are looked at, and dropped.
            level = [found for node in level for found in self._next(node) if left]

    def _next(self, node: Node) -> Iterator[Node]:
        scope, quiet, moved = node.scope.twin(), list[Step](), list[tuple[Step, Scope, object]]()
        results = self._results(scope, node)
        for call, args, kwargs in self._said(node, scope):
            self.edges += 1
            step = Step(len(node.steps) + 1, call, args, kwargs)
            number = scope.events
            try:
                make(scope, step, results)
            except Exception as error:
                raise Failure((*node.steps, step), repr(error)) from error
            if call == "at" or scope.events != number:
                moved.append((step, scope, results[step.number]))
                scope = node.scope.twin()
            else:
                quiet.append(step)
        self._refused(node, quiet)
        if len(node.steps) < self._modelled:
            for step, _, _ in moved:
                compare((*node.steps, step))
            compare(node.steps, quiet)
        for step, there, answer in moved:
            yield from self._visit(node, there, step, answer)

    def _said(self, node: Node, scope: Scope) -> Iterator[Said]:
        """All calls, and time."""
        due = scope.engine.next_deadline_ms() or 0
        yield from self._alphabet(node)
        yield from (_say("at", ms) for ms in (due - 1, due) if ms > node.now)

    def _results(self, scope: Scope, node: Node) -> dict[int, object]:
        """What the references of calls in this state mean."""
        results: dict[int, object] = {}
        if node.token is not None:
            results[node.token.number] = scope.tokens[-1]
        if node.grant is not None:
            results[node.grant.number] = scope.grants[-1]
        return results

    def _refused(self, node: Node, quiet: Sequence[Step]) -> None:
        """None of them changes anything (I-40); only if they do together, each is asked."""
        if self._changes(node, quiet):
            for step in quiet:
                if self._changes(node, [step]):
                    raise Failure((*node.steps, step), I_40)
            raise Failure((*node.steps, *quiet), I_40)

    def _changes(self, node: Node, steps: Sequence[Step]) -> bool:
        scope = node.scope.twin()
        before, results = scope.engine.digest(), self._results(scope, node)
        for step in steps:
            make(scope, step, results)
        return scope.engine.digest() != before

    def _visit(self, node: Node, scope: Scope, step: Step, answer: object) -> Iterator[Node]:
        scope.engine.advance()  # what is due already: a delay of nothing
        key = self._form(scope)
        if key in self.seen:
            return
        self.seen.add(key)
        self.nodes += 1
        steps = (*node.steps, step)
        there = _looked_at(steps, scope)
        taken = Ref(step.number) if step.call in TAKES and answer is not None else node.token
        granted = Ref(step.number) if isinstance(answer, GRANTS) else node.grant
        yield Node(there, steps, taken, granted)


def _looked_at(steps: tuple[Step, ...], twin: Scope) -> Scope:
    """Go there on a new engine, and look."""
    scope = arrived(steps)
    scope.engine.advance()
    scope.dead = twin.dead
    try:
        hold("a twin goes the same way", true=stored(scope.engine) == stored(twin.engine))
        scope.look()
    except Broken as error:
        raise Failure(steps, str(error)) from error
    return scope


# -- the same but for names and instants ---------------------------------------------------------------

_TAKING: Final = (
    *("lane_id", "lease_epoch", "attempt_index", "attempt_type", "kind"),
    *("worker_id", "worker_instance_id", "prefix"),
)
_GRANT: Final = ("kind", "issued_at_ms", "expires_at_ms", "terms")
_CARGO: Final = ("payload", "result", "tags")
_NAMED: Final = {
    "lease_id": "id",
    "attempt_id": "id",
    "worker_id": "w",
    "worker_instance_id": "w",
    "terms": "w",
}
_DURATIONS: Final = ("attempt_rest_ms",)
SHOWN: Final = frozenset(
    (
        *("created_at_ms", "last_mutation_at_ms", "acquired_at_ms", "renewed_at_ms", "started_at_ms"),
        *("progress_pct", "progress_updated_at_ms", "failure_reason", "cancellation_reason", "cancelled_by"),
        *("tags", "history", "noted"),
    )
)
"""Fields that are written, checked and shown; but for the order of several executions, and for the number of
lines of history, far from here, at which the oldest is dropped, nothing is decided by them. Not
``completed_at_ms`` and ``last_transition_at_ms``: deadlines are (``due_of``)."""


class _Form:
    """Ids are numbered as they appear, instants count from now."""

    def __init__(self, now: int, left_out: frozenset[str]) -> None:
        self._now = now
        self._left_out = left_out | {"lost_sequence"}  # of one execution alone
        self._names: dict[object, int] = {}

    def of(self, name: str, value: Any) -> object:
        """Of a field."""
        kind = type(value)
        if kind is int:
            is_instant = name.endswith("_ms") and name not in _DURATIONS and value != NEVER
            return value - self._now if is_instant else value
        if kind is str and name in _NAMED:
            return self._names.setdefault((_NAMED[name], value), len(self._names))
        if kind is dict:
            left_out = self._left_out
            formed = [(key, self.of(key, part)) for key, part in value.items() if key not in left_out]
            return tuple(part for part in formed if part[1] is not None)
        if kind is list:
            names = {"taking": _TAKING, "grant": _GRANT, "cargo": _CARGO}.get(name, (name,) * len(value))
            parts = zip(names, value, strict=True)
            told = tuple(self.of(*part) for part in parts if part[0] not in self._left_out)
            return None if name == "cargo" and not any(told) else told
        return value


def form(scope: Scope, left_out: frozenset[str] = SHOWN) -> object:
    """What decides all that can happen next: the record, and what was handed out."""
    form, store = _Form(scope.now, left_out), scope.engine._store
    record = store.records.get(NAME)
    return (
        None if record is None else form.of("", _written(record)),
        store.epoch_floor,
        tuple(
            (
                form.of("lease_id", t.lease_id),
                t.lease_epoch,
                form.of("attempt_id", t.attempt_id),
                t in scope.dead,
            )
            for t in scope.tokens
        ),
        tuple((type(grant), max(grant.expires_at_ms - scope.now, 0)) for grant in scope.grants[-1:]),
        frozenset(map(type, scope.grants)),  # of the others ``take`` reads no more
    )


def _written(record: Execution) -> dict[str, object]:
    """The record with ids as texts."""
    written: dict[str, object] = EXECUTION.write(record)
    if record.taking is not None and record.lease_id is not None:
        written["lease_id"] = rendered(record.taking[PREFIX], record.lease_id)
    if record.attempt_id is not None:
        written["attempt_id"] = attempt_id_of(record)
    return written
