"""What a run has visited: edges of the life cycle, (phase, call, outcome) triples, refusals.

A test suite that never renews late, never loses an answer and never reaches the cap proves little about a
scheduler. :class:`Visits` counts where its runs have been, shows what is missing, and asserts it.

* an *edge* is (phase, event, phase after), as in ``grantcore/model/life.py``; the engine's observers tell it;
* a *triple* is (phase, call, outcome): the phase of the execution that a call is about, as the call finds it;
  the call, ``operator.NAME`` and ``scheduler.NAME`` included; the class of its result, or the refusal's code;
* a *refusal* is a code.

Calls are noted by thin recorders in place of the engine and the scheduler, edges by a subscription: only
the public API is used, and nothing is asked of the engine that the run does not ask itself. (An engine
that is observed takes its general way; what it answers is the same.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final, cast

import attrs

from grantcore import (
    AlreadySatisfied,
    Duplicate,
    ExecutionSnapshot,
    GrantEngine,
    GrantError,
    InvalidClaimGrant,
    LeaseLost,
    NotReclaimable,
    Phase,
    Refused,
    Scheduler,
    events,
)
from grantcore.model.life import CAUSES, LIFE

Edge = tuple["Phase | None", str, "Phase | None"]
"""A phase, the name of an event, the phase after it; None: no execution."""

Triple = tuple["Phase | None", str, str]
"""The phase that a call found, the call, its outcome."""

NONE: Final = "none"
"""How None, the phase of what does not exist, is written."""

EDGES: Final[frozenset[Edge]] = frozenset(
    (phase, event.__name__, after)
    for phase, ways in LIFE.items()
    for event, targets in ways.items()
    for after in targets
)
"""All there are."""


def codes_below(kind: type[GrantError]) -> Iterator[str]:
    """The codes of our own errors below a class; what groups them has none."""
    for below in kind.__subclasses__():
        if below.__module__ == GrantError.__module__:
            yield from codes_below(below)
            if not below.__subclasses__():
                yield below.code


CODES: Final[frozenset[str]] = frozenset(codes_below(GrantError))
"""All refusals there are (SPEC 11)."""


def outcome(answer: object) -> str:
    """The outcome of a call, for a triple: a code, or a class with what tells its kinds apart.

    >>> outcome(AlreadySatisfied("already_revoked")), outcome(None), outcome(True)
    ('AlreadySatisfied:already_revoked', 'None', 'True')
    """
    match answer:
        case LeaseLost(error=error) | Refused(error=error):
            return outcome(error)
        case InvalidClaimGrant(reason=reason):
            return f"{InvalidClaimGrant.code}:{reason}"
        case GrantError():
            return answer.code
        case NotReclaimable(detail=detail):
            return f"NotReclaimable:{detail.partition(':')[0]}"
        case AlreadySatisfied(reason=reason) | Duplicate(matched=reason):
            return f"{type(answer).__name__}:{reason}"
        case None | bool():
            return str(answer)
        case _:
            return type(answer).__name__


@attrs.define
class Visits:
    """Counts of what was visited, over as many engines as one likes.

    Attributes:
        edges: by (phase, event, phase after).
        triples: by (phase, call, outcome).
        refusals: by code.
    """

    edges: Counter[Edge] = attrs.field(factory=Counter[Edge])
    triples: Counter[Triple] = attrs.field(factory=Counter[Triple])
    refusals: Counter[str] = attrs.field(factory=Counter[str])

    def note(self, phase: Phase | None, call: str, answer: object) -> None:
        """Count a call on one execution."""
        self.triples[phase, call, outcome(answer)] += 1

    def missing_edges(self) -> list[Edge]:
        """Edges of the life cycle that were not visited, in its order."""
        return sorted(EDGES - self.edges.keys(), key=_order)

    def missing_triples(self, wanted: Collection[Triple]) -> list[Triple]:
        """Those of ``wanted`` that were not visited, by call."""
        return sorted(set(wanted) - self.triples.keys(), key=lambda triple: (triple[1], _order(triple)))

    def strange_triples(self, possible: Collection[Triple]) -> list[Triple]:
        """What was visited and is not among ``possible``."""
        return sorted(self.triples.keys() - set(possible), key=lambda triple: (triple[1], _order(triple)))

    def assert_visited(
        self, *, edges: Collection[Edge] = (), triples: Collection[Triple] = (), codes: Collection[str] = ()
    ) -> None:
        """Demand that all of these were visited; :data:`EDGES` is all edges there are.

        Raises:
            AssertionError: something is missing; the text names it, a line for each.
        """
        missed = [f"edge {_told(edge)}" for edge in sorted(set(edges) - self.edges.keys(), key=_order)]
        missed += [f"triple {_told(triple)}" for triple in self.missing_triples(triples)]
        missed += [f"refusal {code}" for code in sorted(set(codes) - self.refusals.keys())]
        if missed:
            raise AssertionError("\n".join([f"not visited: {len(missed)}", *missed]))

    def report(self) -> str:
        """The counts as text: each edge of the life cycle, each triple that was seen, each refusal."""
        lines = [f"edges: {len(self.edges)} of {len(EDGES)}"]
        lines += [f"  {self.edges[edge]:>9,} {_told(edge)}" for edge in sorted(EDGES, key=_order)]
        lines += [f"triples: {len(self.triples)}"]
        lines += [
            f"  {self.triples[triple]:>9,} {_told(triple)}" for triple in sorted(self.triples, key=_order)
        ]
        lines += [f"refusals: {len(self.refusals)}"]
        lines += [f"  {count:>9,} {code}" for code, count in sorted(self.refusals.items())]
        return "\n".join(lines)


def _order(place: Edge | Triple) -> tuple[int, str, str]:
    phases = list(LIFE)
    return (phases.index(place[0]), place[1], place[2] or NONE)


def _told(place: Edge | Triple) -> str:
    return f"{place[0] or NONE} {place[1]} {place[2] or NONE}"


# -- recording -------------------------------------------------------------------------------------


class Watched:
    """An engine whose calls and events are counted.

    Attributes:
        engine: to be used in place of the engine; its operators are recorded, too.
        scheduler: to be used in place of ``Scheduler(engine)``.
        visits: what was counted.

    >>> from grantcore import ManualClock
    >>> watched = Watched(GrantEngine(clock=ManualClock()))
    >>> _ = watched.engine.create_execution(lane_id="main", execution_id="job-1")
    >>> _ = watched.engine.operator("ida").cancel("job-1", reason="whim")
    >>> sorted(call for _, call, _ in watched.visits.triples)
    ['create_execution', 'operator.cancel']
    >>> watched.visits.assert_visited(triples=[(Phase.CANCELLED, "replay_execution", "Replayed")])
    Traceback (most recent call last):
        ...
    AssertionError: not visited: 1
    triple cancelled replay_execution Replayed
    """

    engine: GrantEngine
    scheduler: Scheduler

    def __init__(self, engine: GrantEngine, visits: Visits | None = None) -> None:
        """Watch ``engine`` from now on.

        Args:
            engine: may have executions already.
            visits: where to count; None: a new one.
        """
        self.visits = Visits() if visits is None else visits
        self._phases: dict[str, Phase] = {each.execution_id: each.phase for each in _everything(engine)}
        self._causes: frozenset[type[events.Event]] = frozenset()
        self._before: dict[str, Phase | None] = {}
        self._capped: list[Phase | None] = []
        engine.subscribe(self._hear)
        self.engine = cast("GrantEngine", Recorder(engine, "", self))
        self.scheduler = cast("Scheduler", Recorder(Scheduler(engine), "scheduler.", self))

    def _hear(self, event: events.Event) -> None:
        if not isinstance(event, events.ExecutionEvent):
            return
        before = self._phases.get(event.execution_id)
        name = type(event).__name__
        self.visits.edges[before, name, event.phase] += 1
        if type(event) in self._causes:
            self._before[event.execution_id] = before
        if isinstance(event, events.ReclaimCapReached):
            self._capped.append(before)
        if event.phase is None:
            del self._phases[event.execution_id]
        else:
            self._phases[event.execution_id] = event.phase

    # What a call finds is what the lapses before it have left: the phase before the call's own event, or,
    # if it caused none, the phase after it.

    def begin(self, call: str) -> None:
        """A call begins."""
        self._causes = CAUSES.get(call, frozenset())
        self._before.clear()
        self._capped.clear()

    def refused(self, call: str, subject: str | None, refusal: GrantError) -> None:
        """A call was refused."""
        self.visits.refusals[refusal.code] += 1
        self.visits.note(self._phases.get(subject or ""), call, refusal)

    def answered(self, call: str, subject: str | None, answer: object, batch: Iterable[object]) -> None:
        """A call gave an answer; to each of a batch, if it is a batch."""
        if call in _BATCHES:
            self._answered_batch(call, batch, cast("tuple[object, ...]", answer))
            return
        if call in _OF_MANY:
            self._answered_many(call, answer)
            return
        name = _subject_of(answer) or subject or ""
        self.visits.note(self._found(name), call, answer)

    def _answered_batch(self, call: str, batch: Iterable[object], answers: tuple[object, ...]) -> None:
        names = [
            _subject_of(answer) or _subject_of(item) for item, answer in zip(batch, answers, strict=True)
        ]
        often = Counter(names)
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, Refused):
                self.visits.refusals[answer.error.code] += 1
            if name is None or often[name] == 1:
                self.visits.note(None if name is None else self._found(name), call, answer)

    def _answered_many(self, call: str, answer: object) -> None:
        each = cast("tuple[object, ...]", answer) if isinstance(answer, tuple) else (answer,)
        for one in each:
            name = _subject_of(one)
            if isinstance(one, LeaseLost):
                self.visits.refusals[one.error.code] += 1
            self.visits.note(None if name is None else self._found(name), call, one)
        for phase in self._capped if call.startswith("scheduler.") else ():
            self.visits.triples[phase, call, "ReclaimCapReached"] += 1

    def _found(self, name: str) -> Phase | None:
        return self._before[name] if name in self._before else self._phases.get(name)


_BATCHES: Final = {
    "create_executions": "executions",
    "issue_claim_grants": "execution_ids",
    "claim_many": "grants",
    "complete_many": "leases",
    "fail_many": "leases",
}
"""Each item of their first argument, which is called so, has an answer of its own."""

_OF_MANY: Final = frozenset(
    {
        "renew_leases",
        "operator.revoke_leases_of",
        "scheduler.claim_for_worker",
        "scheduler.claim_many_for_worker",
    }
)
"""Each part of their answers is about another execution."""

_ABOUT_ONE: Final = frozenset(
    {
        *(call for call in CAUSES if call != "advance"),
        "describe_execution",
        "describe_grant",
        "attempts",
        "read_payload",
        "read_result",
        "lease_history",
        "explain",
        "scheduler.claim_for_worker",
        "scheduler.claim_many_for_worker",
        "scheduler.would_grant",
    }
)
"""Calls about executions; others have no triples, only refusals."""


class Recorder:
    """In place of an engine, operator or scheduler: passes every call on, and tells what became of it."""

    def __init__(self, face: GrantEngine | Scheduler | object, prefix: str, watched: Watched) -> None:
        """Stand in front of ``face``."""
        self._face = face
        self._prefix = prefix
        self._watched = watched

    def __getattr__(self, name: str) -> object:
        """A method, recorded; anything else as it is."""
        member: object = getattr(self._face, name)
        call = f"{self._prefix}{name}"
        if call == "operator":
            return self._operator
        if call not in _ABOUT_ONE or not callable(member):
            return member
        return _recorded(member, call, self._watched)

    def _operator(self, identity: str) -> Recorder:
        engine = cast("GrantEngine", self._face)
        return Recorder(engine.operator(identity), "operator.", self._watched)


def _recorded(method: Callable[..., object], call: str, watched: Watched) -> Callable[..., object]:
    def recorded(*args: object, **kwargs: object) -> object:
        watched.begin(call)
        batch = args[0] if args else kwargs.get(_BATCHES.get(call, ""))
        if call in _BATCHES and isinstance(batch, Iterator):
            batch = list(cast("Iterator[object]", batch))
            args, kwargs = (
                (batch, *args[1:]),
                {name: kwargs[name] for name in kwargs if name != _BATCHES[call]},
            )
        subject = _subject(call, args, kwargs)
        try:
            answer = method(*args, **kwargs)
        except GrantError as refusal:
            watched.refused(call, subject, refusal)
            raise
        watched.answered(call, subject, answer, cast("Iterable[object]", batch))
        return answer

    return recorded


def _subject(call: str, args: tuple[object, ...], kwargs: dict[str, object]) -> str | None:
    """The id of the execution a call names, by itself or by a grant or lease."""
    if call in _OF_MANY or call in _BATCHES:
        return None
    given = (*args[:1], *(kwargs.get(name) for name in ("execution_id", "grant", "lease")))
    return next((name for one in given if (name := _subject_of(one)) is not None), None)


def _subject_of(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = cast("Mapping[str, object]", value).get("execution_id")
    name = value if isinstance(value, str) else _name(value)
    return name if isinstance(name, str) else None


def _name(value: object) -> object:
    """The id in a grant, a lease, or an outcome that has one of these."""
    for part in (value, getattr(value, "grant", None), getattr(value, "lease", None)):
        name: object = getattr(part, "execution_id", None)
        if name is not None:
            return name
    return None


def _everything(engine: GrantEngine) -> Iterator[ExecutionSnapshot]:
    page = engine.list_executions()
    yield from page.entries
    while page.next is not None:
        page = engine.list_executions(after=page.next)
        yield from page.entries
