"""Every public call with hostile values among legal ones (I-40, I-63; hostile-inputs section 1).

The generator looks at the state, so that the legal half of its arguments leads deep: a lease goes to the
execution that is held, a grant to the one it is for. After each call: a documented result, or a refusal
that is a ``GrantError``, short, and has changed nothing. Cheaply at each call, by the number of the last
event; at times by the digest, and, where things fell due in the refused call, against a restored twin in
which nothing but time passed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

import grantcore as gc
from grantcore.testing.comparing import shortest
from grantcore.testing.proposing import TOKENS, WORKERS
from grantcore.testing.steps import Absent, Ref, Step, resolved
from tests.proof.arena import MAX_MS, Arena, Foul
from tests.proof.hostility import HOSTILE, LABELS, Hostile
from tests.proof.legal import LEGAL, TTLS, Own, Snapshot
from tests.proof.targets import OFTEN, SELDOM, Target, targets
from tests.robustness import inside

NAMES: Final = tuple(f"e{n}" for n in range(14))
FEW: Final = 7
MANY: Final = 14
LOST: Final = (gc.Phase.LEASE_EXPIRED, gc.Phase.LEASE_REVOKED)
ENDED: Final = (gc.Phase.SUCCEEDED, gc.Phase.FAILED, gc.Phase.CANCELLED, gc.Phase.EXPIRED)
ARENA_STEPS: Final = 2_000
"""So long an engine is used: what fails must be told shortly."""

# -- steps -----------------------------------------------------------------------------------------------


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
    "issue_claim_grants": (gc.Phase.ELIGIBLE,),
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
            "grants": self._grants_of_many,
            "execution_ids": self._names_of_many,
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
        if target.call in {"take", "claim_many", "withdraw_grant"} or "grant" in target.needed:
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

    def _grants_of_many(self, _: Target) -> object:
        return list(self._grants.values())[-4:]

    def _names_of_many(self, _: Target) -> object:
        return [self._about, self._random.choice(NAMES)]

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
