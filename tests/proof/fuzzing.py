"""Every public call with hostile values among legal ones (I-40, I-63; hostile-inputs section 1).

The generator looks at the state, so that the legal half of its arguments leads deep: a lease goes to the
execution that is held, a grant to the one it is for. After each call: a documented result, or a refusal
that is a ``GrantError``, short, and has changed nothing. Cheaply at each call, by the number of the last
event; at times by the digest, and, where things fell due in the refused call, against a restored twin in
which nothing but time passed.
"""

from __future__ import annotations

import inspect
import random
import typing
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Final

import attrs

import grantcore as gc
from grantcore.model.errors import BugError
from grantcore.model.ids import MintedIds
from grantcore.testing.comparing import SMALL, shortest
from grantcore.testing.ids import SeededIds
from grantcore.testing.pair import Dial
from grantcore.testing.proposing import BEHAVIORS, CODES, LANES, ORDERS, POLICIES, TOKENS, WORKERS
from grantcore.testing.steps import Absent, Ref, Step, resolved
from tests.proof.hostility import HOSTILE, LABELS, Hostile, Its
from tests.robustness import inside

MAX_MS: Final = 2**53 - 1
ROOT: Final = "root"
NAMES: Final = tuple(f"e{n}" for n in range(14))
FEW: Final = 7
MANY: Final = 14
TTLS: Final = (1, 3, 20, 50, 50)
LOST: Final = (gc.Phase.LEASE_EXPIRED, gc.Phase.LEASE_REVOKED)
ENDED: Final = (gc.Phase.SUCCEEDED, gc.Phase.FAILED, gc.Phase.CANCELLED, gc.Phase.EXPIRED)
DIGEST_EVERY: Final = 200
TWIN_EVERY: Final = 16
"""Of the refused calls in which something was due."""

ARENA_STEPS: Final = 2_000
"""So long an engine is used: what fails must be told shortly."""


class Foul(AssertionError):
    """A call did what no call may do."""


# -- what can be called ----------------------------------------------------------------------------------

VALUES_OF_OURS: Final = (
    gc.IssueClaimGrantRequest,
    gc.IssueReclaimGrantRequest,
    gc.ExecutionPolicy,
    gc.RetryPolicy,
    gc.Fixed,
    gc.Exponential,
    gc.EngineConfig,
    gc.Worker,
    gc.Fence,
    gc.ManualClock,
    gc.FenceGuard,
    gc.GrantEngine,
    gc.Scheduler,
)
SELDOM: Final = {"restore": 40, "snapshot": 40, "digest": 40, "check": 40, "GrantEngine": 20, "subscribe": 4}
"""What is dear is called only once in so many times."""

OFTEN: Final = {
    "create_execution": 5,
    "issue_claim_grant": 4,
    "issue_resume_grant": 3,
    "issue_reclaim_grant": 3,
    "take": 4,
    "claim_execution": 3,
    "claim_resumed_execution": 2,
    "reclaim_execution": 2,
    "operator.issue_grant_and_claim": 2,
    "operator.resume_lane": 2,
    "scheduler.claim_for_worker": 2,
}
"""What leads deep is called more often than the rest."""

_FACES: Final = (
    ("", gc.GrantEngine),
    ("operator.", gc.Operator),
    ("scheduler.", gc.Scheduler),
    ("guard.", gc.FenceGuard),
)


@attrs.frozen
class Target:
    """A public callable: its parameters, those among them that must be given, and the results it may give."""

    call: str
    parameters: tuple[str, ...]
    needed: frozenset[str]
    by_position: frozenset[str]
    results: tuple[type, ...]


def _target(call: str, of: Callable[..., object], results: tuple[type, ...]) -> Target:
    parameters = [p for p in inspect.signature(of).parameters.values() if p.name != "self"]
    return Target(
        call,
        tuple(p.name for p in parameters),
        frozenset(p.name for p in parameters if p.default is p.empty),
        frozenset(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY),
        results,
    )


def _results(hint: object) -> tuple[type, ...]:
    """The classes that an annotation of a result names."""
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        return tuple(kind for part in typing.get_args(hint) for kind in _results(part))
    kind = typing.get_origin(hint) or hint
    assert isinstance(kind, type), hint
    return (kind,)


@cache
def targets() -> dict[str, Target]:
    """All of them, by name."""
    found = {
        face + name: _target(face + name, method, _results(typing.get_type_hints(method)["return"]))
        for face, owner in _FACES
        for name, method in inspect.getmembers(owner, callable)
        if not name.startswith("_") and name != "writing"
    }
    return found | {kind.__name__: _target(kind.__name__, kind, (kind,)) for kind in VALUES_OF_OURS}


# -- an engine under fire --------------------------------------------------------------------------------


@attrs.frozen
class Setting:
    """What the seed does not say, and a script needs."""

    config: gc.EngineConfig
    minted: bool = False
    observed: bool = False
    start_ms: int = 1_000


SETTINGS: Final = (
    Setting(gc.EngineConfig(retention_ms=400), minted=True),
    Setting(SMALL, observed=True),
    Setting(SMALL, minted=True),
    Setting(gc.EngineConfig(threadsafe=False), start_ms=MAX_MS - 40_000, observed=True),
)


class Arena:
    """An engine, its faces, a guard, and the judgement of every call on them.

    Args:
        seed: of the ids, and of the setting.
        strict: whether every call is judged by the digest.
    """

    def __init__(self, seed: int, *, strict: bool = False) -> None:
        self.setting = SETTINGS[seed % len(SETTINGS)]
        self.strict = strict
        self.dial = Dial(self.setting.start_ms)
        self.now = self.setting.start_ms
        ids = MintedIds(f"{seed % 16**20:020x}") if self.setting.minted else SeededIds(seed)
        self.engine = gc.GrantEngine(clock=self.dial, ids=ids, config=self.setting.config)
        self.faces: dict[str, object] = {
            "": self.engine,
            "operator": self.engine.operator(ROOT),
            "scheduler": gc.Scheduler(self.engine),
            "guard": gc.FenceGuard(max_executions=9),
        }
        self.told = 0
        self.gaps = 0
        if self.setting.observed:
            self.engine.subscribe(self._hear)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.twins = 0

    def _hear(self, event: gc.events.Event) -> None:
        self.told += 1
        self.gaps += event.sequence != self.told

    def call(self, number: int, call: str, *args: object, **kwargs: object) -> object:
        """Make a call and judge it.

        Raises:
            Foul: it did what no call may do.
        """
        if call == "at":
            self.dial.reading = self.now = typing.cast("int", args[0])
            return None
        if call == "misread":
            return self._misread(args[0])
        by_digest = self.strict or number % DIGEST_EVERY == 0
        due = inside.something_is_due(self.engine, self.now)
        if due and (by_digest or number % TWIN_EVERY == 0):
            return self._judge_beside_a_twin(call, args, kwargs)
        if due:
            self.engine.advance()
        before = self.engine.digest() if by_digest else None
        events = inside.event_number(self.engine)
        answer, refused = self._ask(call, args, kwargs)
        if refused:
            stamped = isinstance(answer, gc.CapabilityMismatch)
            if inside.event_number(self.engine) - events != stamped:
                raise Foul(f"{call}: refused with {answer!r}, but something happened")
            if before is not None and not stamped and self.engine.digest() != before:
                raise Foul(f"{call}: refused with {answer!r}, but the state changed")
        if by_digest:
            self.engine.check()
        return answer

    def _judge_beside_a_twin(
        self, call: str, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> object:
        """Things are due in this very call: a refusal leaves what ``advance()`` would leave (I-40)."""
        twin = inside.copied(self.engine, clock=Dial(self.now), config=self.setting.config)
        answer, refused = self._ask(call, args, kwargs)
        if refused and not isinstance(answer, gc.CapabilityMismatch):
            self.twins += 1
            twin.advance()
            if self.engine.digest() != twin.digest():
                raise Foul(f"{call}: refused with {answer!r}, but more than time passed")
        return answer

    def _ask(self, call: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> tuple[object, bool]:
        """The result, or what was raised: the refusal, or what the caller's own object raises."""
        try:
            result = self._method(call)(*args, **kwargs)
        except Its as its:
            return self._note(call, its)
        except BugError as bug:
            raise Foul(f"{call}: {bug}") from bug
        except gc.GrantError as refusal:
            if len(str(refusal)) > 300:
                raise Foul(f"{call}: {type(refusal).__name__} tells too much") from refusal
            return self._note(call, refusal)
        except BaseException as foreign:
            raise Foul(f"{call}: {type(foreign).__name__}: {str(foreign)[:200]}") from foreign
        if not isinstance(result, targets()[call].results):
            raise Foul(f"{call}: a {type(result).__name__} is no documented result")
        if isinstance(result, gc.Subscription):
            result.close()
        self.outcomes[call, ""] += 1
        return result, False

    def _note(self, call: str, raised: Exception) -> tuple[Exception, bool]:
        self.outcomes[call, type(raised).__name__] += 1
        return raised, True

    def _method(self, call: str) -> Callable[..., object]:
        face, _, name = call.rpartition(".")
        owner = gc if not face and name[0].isupper() else self.faces[face]
        method: Callable[..., object] = getattr(owner, name)
        return method

    def data(self, spoilt: int | None = None) -> bytes:
        """A snapshot, as it is or with one byte changed; nothing lapses for the asking."""
        data = bytearray(inside.bare_snapshot(self.engine))
        if spoilt is not None:
            data[spoilt % len(data)] ^= 1 + spoilt % 255
        return bytes(data)

    def own(self, name: str) -> object:
        """A part of the arena."""
        return {"clock": self.dial, "engine": self.engine, "hear": id}[name]

    def _misread(self, reading: object) -> object:
        """The clock itself is hostile: the call is refused, nothing changes; or it is right after all."""
        before, events = self.engine.digest() if self.strict else None, inside.event_number(self.engine)
        self.dial.reading = reading
        try:
            self.engine.now_ms()
        except gc.ClockError:
            if events != inside.event_number(self.engine):
                raise Foul("misread: something happened") from None
        except BaseException as foreign:
            raise Foul(f"misread: {type(foreign).__name__}") from foreign
        self.dial.reading = self.now
        if before is not None and before != self.engine.digest():
            raise Foul("misread: the state changed")
        return None


# -- steps -----------------------------------------------------------------------------------------------


@attrs.frozen(repr=False)
class Snapshot:
    """The engine's own snapshot, in a step; with one byte changed, or whole."""

    spoilt: int | None = None

    def __repr__(self) -> str:
        return f"arena.data({self.spoilt})"


@attrs.frozen(repr=False)
class Own:
    """Something that the arena has and no literal names."""

    name: str

    def __repr__(self) -> str:
        return f"arena.own({self.name!r})"


def value_of(arena: Arena, value: object, results: Mapping[int, object]) -> object:
    """What stands for an argument of a step."""
    if isinstance(value, Hostile):
        return HOSTILE[value.name]()
    if isinstance(value, Snapshot):
        return arena.data(value.spoilt)
    if isinstance(value, Own):
        return arena.own(value.name)
    return resolved(value, results)


def make(arena: Arena, step: Step, results: dict[int, object]) -> object:
    """Make the call of a step, unless what it refers to is gone."""
    try:
        args = [value_of(arena, value, results) for value in step.args]
        kwargs = {name: value_of(arena, value, results) for name, value in step.kwargs.items()}
    except Absent:
        return None
    return arena.call(step.number, step.call, *args, **kwargs)


# -- choosing --------------------------------------------------------------------------------------------

_HELD: Final = (gc.Phase.LEASED,)
WANTED: Final[Mapping[str, tuple[gc.Phase, ...]]] = {
    "issue_claim_grant": (gc.Phase.ELIGIBLE,),
    "issue_resume_grant": (gc.Phase.ELIGIBLE,),
    "issue_reclaim_grant": LOST,
    "change_priority": (gc.Phase.ELIGIBLE,),
    "replay_execution": ENDED,
    "purge_execution": ENDED,
    "promote_blocked_to_eligible": (gc.Phase.BLOCKED,),
    "resume_execution": (gc.Phase.SUSPENDED,),
    "claim_execution": (gc.Phase.ELIGIBLE,),
    "claim_resumed_execution": (gc.Phase.ELIGIBLE,),
    "reclaim_execution": LOST,
    "operator.block": (gc.Phase.ELIGIBLE,),
    "operator.unblock": (gc.Phase.BLOCKED,),
    "operator.issue_grant_and_claim": (gc.Phase.ELIGIBLE,),
    "operator.complete": _HELD,
    "operator.fail": _HELD,
    "operator.revoke_lease": _HELD,
}
"""The phases in which a call makes sense; those with a lease want LEASED."""

MISREADINGS: Final = tuple(
    label for label in LABELS if not (type(value := HOSTILE[label]()) is int and 0 <= value <= MAX_MS)
)


class Fuzzer:
    """Proposes steps, seeing the arena they are for."""

    def __init__(self, seed: int, arena: Arena) -> None:
        self._random = random.Random(seed)
        self._arena = arena
        self._grants: dict[str, Ref] = {}
        self._leases: dict[str, Ref] = {}
        self._cursors: list[Ref] = []
        self._calls = [call for call in targets() for _ in range(OFTEN.get(call, 1))]
        self._about = ""
        self.seeing: dict[str, Callable[[Target], object]] = {
            "execution_id": self._execution_id,
            "request": self._request,
            "lease": self._lease,
            "leases": self._leases_of_many,
            "grant": self._grant,
            "worker_id": self._worker_id,
            "after": lambda _: self._cursors[0] if self._cursors else None,
            "data": lambda _: Snapshot(self._random.choice((None, None, self._random.randrange(4_000)))),
            **dict.fromkeys(
                ("delay_until_ms", "deadline_at_ms", "timeout_at_ms", "as_of_ms"), lambda _: self._soon()
            ),
        }

    def step(self, number: int) -> Step:
        """The next call; now and then time passes, or the clock shows nonsense."""
        if self._odds(6):
            return self._time(number)
        target = self._choose()
        self._about = self._execution(target)
        arguments = self._arguments(target)
        names = list(arguments)
        first = [name for name in names if name in target.by_position]
        positional = first[: self._random.randrange(len(first) + 1)] if self._in_order(target, first) else []
        return Step(
            number,
            target.call,
            tuple(arguments[name] for name in positional),
            {name: arguments[name] for name in names if name not in positional},
        )

    def learn(self, step: Step, answer: object) -> object:
        """Remember grants, leases and cursors; answer what a later step may refer to."""
        thing = getattr(answer, "grant", None) or getattr(answer, "lease", None) or answer
        if isinstance(thing, gc.Lease):
            self._leases[thing.execution_id] = Ref(step.number)
        elif isinstance(thing, (gc.ClaimGrant, gc.ResumeGrant, gc.ReclaimGrant)):
            self._grants[thing.execution_id] = Ref(step.number)
        elif getattr(thing, "next", None) is not None:
            self._cursors = [Ref(step.number, "next")]
        return thing

    def _odds(self, one_in: int) -> bool:
        return self._random.randrange(one_in) == 0

    def _time(self, number: int) -> Step:
        if self._odds(9):
            return Step(number, "misread", (Hostile(self._random.choice(MISREADINGS)),))
        ahead = self._random.choice((0, 1, 1, 2, 5, 5, 30, 200))
        return Step(number, "at", (min(self._arena.now + ahead, MAX_MS),))

    def _choose(self) -> Target:
        while True:
            call = self._random.choice(self._calls)
            crowd = len(inside.executions(self._arena.engine))
            if crowd < FEW and self._odds(3):
                call = "create_execution"
            elif crowd > MANY and call == "create_execution":
                continue
            if self._odds(SELDOM.get(call, 1)):
                return targets()[call]

    def _execution(self, target: Target) -> str:
        """Whom the call is about."""
        records = inside.executions(self._arena.engine)
        wanted = WANTED.get(target.call, _HELD if "lease" in target.needed else ())
        if target.call in {"take", "withdraw_grant"} or "grant" in target.needed:
            fit = [name for name, record in records.items() if record.grant is not None]
        else:
            fit = [name for name, record in records.items() if record.phase in wanted]
        if fit and not self._odds(6):
            return self._random.choice(fit)
        return self._random.choice(NAMES if self._odds(6) or not records else list(records))

    def _arguments(self, target: Target) -> dict[str, object]:
        """Half of the calls are legal throughout; most of the others but for one argument."""
        chance = self._random
        names = [name for name in target.parameters if name in target.needed or chance.random() < 0.25]
        if not names or chance.random() < 0.5:
            hostile: set[str] = set()
        elif chance.random() < 0.7:
            hostile = {chance.choice(names)}
        else:
            hostile = {name for name in names if chance.random() < 0.5}
        return {
            name: Hostile(chance.choice(LABELS)) if name in hostile else self._legal(target, name)
            for name in names
        }

    def _in_order(self, target: Target, first: Sequence[str]) -> bool:
        """Whether these may be given by position: none before them is left out."""
        return list(first) == list(target.parameters[: len(first)])

    # -- legal arguments -----------------------------------------------------------------------------

    def _legal(self, target: Target, name: str) -> object:
        if name in self.seeing:
            return self.seeing[name](target)
        choices = LEGAL.get(f"{target.call}.{name}") or LEGAL[name]
        return self._random.choice(choices)

    def _execution_id(self, target: Target) -> object:
        if target.call == "create_execution":
            return self._random.choice(NAMES)
        return self._about

    def _request(self, target: Target) -> object:
        records = inside.executions(self._arena.engine)
        lost = target.call == "issue_reclaim_grant"
        if target.call == "scheduler.would_grant" and self._about in records:
            lost = records[self._about].phase in LOST
        kind = gc.IssueReclaimGrantRequest if lost else gc.IssueClaimGrantRequest
        lane = records[self._about].spec.lane_id if self._about in records else "a"
        worker_id, instance_id = self._random.choice(WORKERS)
        return kind(
            worker_id=worker_id,
            worker_instance_id=instance_id,
            lane_id=lane,
            grant_ttl_ms=self._random.choice(TTLS),
            worker_capabilities=() if self._odds(6) else TOKENS,
        )

    def _lease(self, _: Target) -> object:
        return self._leases.get(self._about) or gc.Fence(self._about, "l", 1, "a")

    def _leases_of_many(self, _: Target) -> object:
        return list(self._leases.values())[-4:]

    def _grant(self, _: Target) -> object:
        return self._grants.get(self._about) or gc.ClaimGrant(self._about, self._arena.now + 5)

    def _worker_id(self, _: Target) -> object:
        """Whose the grant is, mostly."""
        record = inside.executions(self._arena.engine).get(self._about)
        if record is not None and record.grant is not None and not self._odds(6):
            return inside.grantee(record)
        return self._random.choice(WORKERS)[0]

    def _soon(self) -> int:
        return min(max(self._arena.now + self._random.choice((-1, 0, 1, 5, 20, 60)), 0), MAX_MS)


# -- what is legal and does not depend on the state --------------------------------------------------------

_TEXTS: Final = ("", "because", "tired")
_TOKEN_SETS: Final = ((), ("cpu",), ["gpu", "cpu"], TOKENS)
_COUNTS: Final = (0, 1, 3)
_SIZES: Final = (1, 5, 900)

LEGAL: Final[Mapping[str, Sequence[object]]] = {
    "lane_id": LANES,
    "worker_instance_id": tuple(instance for _, instance in WORKERS),
    "identity": (ROOT, "me"),
    "observer": (Own("hear"),),
    "limit": (None, 1, 2, 1000),
    "list_executions.limit": (1, 2, 1000),
    "list_expired_leases.limit": (1, 1000),
    "list_workers.limit": (1, 1000),
    "scheduler.peek.limit": (1, 3),
    "phase": (None, *gc.Phase),
    "namespace": ("default", "default", "other"),
    "priority": (0, 1, 9000, 9001, -5),
    "new_priority": (0, 5, 9001),
    "required_capabilities": _TOKEN_SETS,
    "worker_capabilities": _TOKEN_SETS,
    "capabilities": _TOKEN_SETS,
    "policy": POLICIES,
    "payload": (None, b"load"),
    "result": (None, b"", b"r"),
    "tags": ({}, {"a.b": "c"}),
    "execution_kind": ("", "kind"),
    "creator_identity": ("", "me"),
    "idempotency_key": (None, "k0", "k1"),
    "quota_policy_id": ("q0", "q1"),
    "create_execution.quota_policy_id": (None, None, "q0", "q1"),
    "budget_ids": ((), ("b0",), ["b0", "b1"]),
    "budget_id": ("b0", "b1"),
    "requested_by": _TEXTS,
    "reason": _TEXTS,
    "operator.block.reason": ORDERS,
    "category": ("", "flaky", "timeout"),
    "cancelled_by": _TEXTS,
    "trigger": _TEXTS,
    "detail": _TEXTS,
    "message": (None, "half"),
    "pct": (None, 0, 50, 100),
    "expected_reason": (None, *ORDERS),
    "expected_lease_id": (None, "", "another"),
    "reason_code": CODES,
    "timeout_behavior": BEHAVIORS,
    "resume_delay_ms": (0, 0, 5),
    "lease_ttl_ms": TTLS,
    "grant_ttl_ms": TTLS,
    "liveness_ttl_ms": (50, 300),
    "attempt_timeout_ms": (None, 7, 50),
    "ms": (0, 5, 50),
    "max_leases": (None, 2, 5),
    "aging_ms_per_point": (None, 1, 20),
    "window_ms": (20, 60),
    "max_requests_per_window": (0, 5),
    "max_concurrent": (0, 2),
    "hard_limits": ({}, {"usd": 40}, {"usd": 30, "io": 0}),
    "soft_limits": ({}, {"usd": 2}),
    "deltas": ({}, {"usd": 1}, {"usd": 4, "io": 1}),
    "reset_interval_ms": (None, 10, 40),
    "dedup_key": (None, "d0", "d1"),
    "lanes": (LANES, ["a"], {"a": 1, "b": 3}),
    "register_worker.lanes": (LANES, ["a"]),
    "worker": ("i1", "i2", gc.Worker("w1", "i1", TOKENS), gc.Worker("w2", "i3", ())),
    "reclaim": (True, False),
    "n": (1, 2, 9),
    "clock": (None, Own("clock")),
    "ids": (None,),
    "config": (gc.EngineConfig(), SMALL),
    "epoch_floor": (0, 5),
    "engine": (Own("engine"),),
    "capability_hash": (None, "hash"),
    "route_snapshot_json": (None, "{}"),
    "admission_summary": (None, "fine"),
    "retry": (None, gc.RetryPolicy()),
    "max_reclaim_count": _COUNTS,
    "max_replay_count": _COUNTS,
    "max_retries": _COUNTS,
    "backoff": (gc.Fixed(), gc.Exponential()),
    "retryable_categories": ((), frozenset({"flaky"})),
    "delay_ms": _COUNTS,
    "initial_delay_ms": _COUNTS,
    "max_delay_ms": _COUNTS,
    "multiplier_permille": (1000, 2500),
    "jitter": (True, False),
    "start_ms": _COUNTS,
    "max_grant_ttl_ms": _SIZES,
    "max_lease_ttl_ms": _SIZES,
    "retention_ms": (None, *_COUNTS),
    "idempotency_window_ms": _COUNTS,
    "lease_history_limit": _SIZES,
    "max_executions": (None, *_SIZES),
    "max_payload_bytes": _SIZES,
    "max_text_bytes": _SIZES,
    "max_route_snapshot_bytes": _SIZES,
    "max_tags": _COUNTS,
    "max_shelves_per_lane": _SIZES,
    "threadsafe": (True, False),
    "lease_id": (None, "", "l"),
    "lease_epoch": (None, 1),
    "attempt_id": (None, "a"),
}
"""By the name of a parameter, or CALL.PARAMETER."""


# -- a run -----------------------------------------------------------------------------------------------


@attrs.frozen
class Failure(Exception):
    """A call did what no call may do."""

    seed: int
    steps: tuple[Step, ...]
    reason: str

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.reason}\n\n{script(self.seed, self.steps)}\n"


def script(seed: int, steps: Sequence[Step]) -> str:
    """The steps as a script that can be pasted and run; the last line is the foul."""
    lines = (repr(step).replace("pair.call(", f"arena.call({step.number}, ") for step in steps)
    return "\n".join(
        [
            "from grantcore import *",
            "from grantcore.testing.steps import altered",
            "from tests.proof.fuzzing import Arena",
            "from tests.proof.hostility import HOSTILE",
            "",
            f"arena = Arena({seed}, strict=True)",
            *lines,
        ]
    )


def fuzz(seed: int, steps: int = ARENA_STEPS, *, strict: bool = False) -> Counter[tuple[str, str]]:
    """Take so many steps with one engine; most are calls.

    Returns:
        How often each call ended how: in a result (""), or in an exception of this name.

    Raises:
        Failure: with the shortest list of calls found that shows it.
    """
    arena = Arena(seed, strict=strict)
    fuzzer = Fuzzer(seed, arena)
    run: list[Step] = []
    results: dict[int, object] = {}
    for number in range(steps):
        step = fuzzer.step(number)
        run.append(step)
        try:
            results[number] = fuzzer.learn(step, make(arena, step, results))
        except Exception as error:
            raise failure(seed, run, error) from error
    if arena.gaps:
        raise Foul(f"seed {seed}: events with gaps")
    return arena.outcomes


def failure(seed: int, steps: Sequence[Step], error: Exception) -> Failure:
    """The shortest way to fail alike."""
    kept = shortest(steps, lambda some: _about(_replayed(seed, some)) == _about(error))
    again = _replayed(seed, kept)
    return Failure(seed, tuple(kept), f"not again: {error}" if again is None else str(again))


def _replayed(seed: int, steps: Sequence[Step]) -> Exception | None:
    """How these steps fail; every call is judged by the digest."""
    arena, results = Arena(seed, strict=True), dict[int, object]()
    for step in steps:
        try:
            answer = make(arena, step, results)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            return error
        results[step.number] = getattr(answer, "grant", None) or getattr(answer, "lease", None) or answer
    return None


def _about(error: Exception | None) -> str:
    """What fails: the call, and how, as far as the values do not matter."""
    return "" if error is None else str(error).partition(":")[0]
