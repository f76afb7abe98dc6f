"""An engine and its model, side by side: each call is made on both, and both must agree.

Compared after each call: the answer, or the refusal with its class and attributes; the events, if the
engine is observed; the next deadline. After each call, or some calls later (``state_every``), the snapshots
of the executions that were touched since; and so (``rest_every``) whatever else is shown of them, and
counts. At times (``look``) everything that is shown of everything, and ``check()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, cast

import attrs

from grantcore import (
    EngineConfig,
    ExecutionSnapshot,
    ExecutionsPage,
    Explanation,
    Granted,
    GrantEngine,
    GrantError,
    IdSource,
    LeaseLost,
    Phase,
    Reclaimed,
    Refused,
    Scheduler,
    events,
)
from grantcore.model.ids import MintedIds
from grantcore.testing.ids import SeededIds
from grantcore.testing.model import Model
from grantcore.testing.model.forms import MAX_MS
from grantcore.testing.model.records import Told

IDENTITY: Final = "root"
"""Who the operator is."""

REST: Final = ("describe_grant", "attempts", "lease_history")
"""What is asked of an execution that was touched, beside its snapshot."""

STORED: Final = ("read_payload", "read_result", "explain")

_SUBJECTS: Final = (
    (events.ExecutionEvent, "execution_id"),
    (events.WorkerEvent, "worker_instance_id"),
    (events.QuotaEvent, "quota_policy_id"),
    (events.BudgetEvent, "budget_id"),
    (events.LaneEvent, "lane_id"),
)
"""What an event of each kind is about."""


class Disagreement(AssertionError):
    """Engine and model do not agree.

    Attributes:
        about: what was asked, and the fields that differ.
    """

    def __init__(self, question: str, differences: Mapping[str, str]) -> None:
        """Tell each difference on a line of its own."""
        self.about = (question, *differences)
        super().__init__("\n".join([question, *(f"  {name}: {told}" for name, told in differences.items())]))


class Page(Protocol):
    """What pages have in common."""

    @property
    def entries(self) -> tuple[object, ...]:
        """Some of them."""
        ...

    @property
    def next(self) -> str | None:
        """Where the next page begins."""
        ...


@attrs.define
class Dial:
    """A clock that shows what it is set to, even nonsense, and counts who looks at it."""

    reading: object
    looks: int = 0

    def __call__(self) -> int:
        """The present instant, or nonsense."""
        self.looks += 1
        return cast("int", self.reading)


class Pair:
    """An engine and a model with the same clock, config, and ids.

    Args:
        seed: of the ids.
        config: of both.
        start_ms: the first instant.
        observed: whether an observer listens: engines have a shorter way when none does.
        minted: whether the ids are of the engine's own kind: for these it has a shorter way, too.
        state_every: after how many calls the snapshots of what was touched are compared.
        rest_every: after how many the rest is. Neither is part of ``setting``, so that a pasted script
            compares all of it after each call.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        config: EngineConfig = EngineConfig(),  # noqa: B008 - frozen
        start_ms: int = 0,
        observed: bool = False,
        minted: bool = False,
        state_every: int = 1,
        rest_every: int = 1,
    ) -> None:
        """Build both."""
        self.setting = (
            f"Pair({seed}, config={config}, start_ms={start_ms}, observed={observed}, minted={minted})"
        )
        self.dial = Dial(start_ms)
        self.answer: object = None
        """What the last call answered, as it is."""
        self._config = config
        self._observed = observed

        def ids() -> IdSource:
            return MintedIds(f"{seed % 16**20:020x}") if minted else SeededIds(seed)

        self._ids = ids()
        self.model = Model(clock=self.dial, ids=ids(), config=config)
        self._told: list[Told] = []
        self._state_every, self._rest_every = state_every, rest_every
        self._calls = 0
        self._unshown: dict[str, None] = {}
        """Touched since snapshots were compared last."""
        self._touched: dict[str, None] = {}
        """Since the rest was compared last."""
        self._keep(GrantEngine(clock=self.dial, ids=self._ids, config=config))

    def _keep(self, engine: GrantEngine) -> None:
        self.engine = engine
        if self._observed:
            engine.subscribe(lambda event: self._told.append(_told(event)))

    # -- calls -------------------------------------------------------------------------------------

    def call(self, call: str, *args: object, **kwargs: object) -> object:
        """Make one call on both and compare; the grant or lease in an outcome is taken out of it.

        Raises:
            Disagreement: they do not agree.
        """
        own: dict[str, Callable[..., None]] = {
            "at": self._at,
            "misread": self._misread,
            "restart": self._restart,
            "look": self._look,
        }
        if call in own:
            own[call](*args, **kwargs)
            return None
        self.answer = self._ask(call, *args, **kwargs)
        self._compare_touched(args, kwargs)
        return _core(self.answer)

    def check(self) -> None:
        """Compare what time has done until now, and let the engine check itself.

        Raises:
            Disagreement: they do not agree.
            InvariantBroken: the engine does not agree with itself.
        """
        self._ask("now_ms")
        self._compare_touched((), {})
        self._compare_state()
        self._compare_rest()
        self.engine.check()

    def _at(self, ms: object) -> None:
        """Set the clock."""
        self.dial.reading = ms

    def _misread(self, reading: object) -> None:
        """One call during which the clock shows something else: nonsense, or the past; never the future."""
        before = self.dial.reading
        if type(reading) is int and type(before) is int and before < reading <= MAX_MS:
            reading = before
        self.dial.reading = reading
        try:
            self._ask("now_ms")
        finally:
            self.dial.reading = before

    def _restart(self, epoch_floor: int = 0) -> None:
        """Go on with a restored engine (SPEC 11)."""
        data = self.engine.snapshot()
        digest = self.engine.digest()
        engine = GrantEngine.restore(
            data, clock=self.dial, ids=self._ids, config=self._config, epoch_floor=epoch_floor
        )
        self._keep(engine)
        self.model.restored(epoch_floor)
        if epoch_floor == 0:
            _agree("digest()", engine.digest(), digest)
        self._compare_events()

    def _ask(self, call: str, *args: object, **kwargs: object) -> object:
        ours = _answer(_method(self.engine, call), args, kwargs)
        theirs = _answer(_method(self.model, call), args, kwargs)
        _agree(call, ours, theirs)
        return ours

    # -- comparing ---------------------------------------------------------------------------------

    def _compare_touched(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        touched: dict[str, None] = dict.fromkeys(told.subject for told in self.model.story)
        for value in (*args, *kwargs.values()):
            name = value if type(value) is str else getattr(value, "execution_id", None)
            if type(name) is str:
                touched[name] = None
        self._compare_events()
        self._ask("next_deadline_ms")
        self._unshown |= touched
        self._touched |= touched
        self._calls += 1
        if self._calls % self._state_every == 0:
            self._compare_state()
        if self._calls % self._rest_every == 0:
            self._compare_rest()

    def _compare_state(self) -> None:
        for execution_id in self._known(self._unshown):
            self._ask("describe_execution", execution_id)
        self._unshown.clear()

    def _compare_rest(self) -> None:
        for execution_id in self._known(self._touched):
            for question in REST:
                self._ask(question, execution_id)
        self._touched.clear()
        self._ask("stats")

    def _known(self, names: Iterable[str]) -> list[str]:
        """Those of them that are names of executions."""
        known = {execution.execution_id for execution in self.model.executions}
        return [name for name in names if name in known]

    def _compare_events(self) -> None:
        if self._observed:
            _agree("events", self._told, self.model.story)
        self._told.clear()
        self.model.story.clear()

    def _look(self, limit: int = 1000) -> None:
        """Compare everything that is shown, by pages of ``limit``; and let the engine check itself."""
        self._pages("list_executions", limit)
        self._pages("list_expired_leases", limit)
        self._pages("list_workers", limit)
        self._ask("leases")
        self._ask("leases_expiring_within", limit)
        for execution in self.model.executions:
            for question in ("describe_execution", *REST, *STORED):
                self._ask(question, execution.execution_id)
        tokens = sorted({token for execution in self.model.executions for token in execution.required})
        for lane_id in sorted({execution.lane_id for execution in self.model.executions}):
            self._ask("scheduler.peek", lane_id, tokens)
            self._ask("scheduler.unmatched", lane_id)
        for budget in self.model.budgets:
            self._ask("describe_budget", budget.budget_id)
        self._ask("next_deadline_ms")
        self._ask("stats")
        self.engine.check()

    def _pages(self, call: str, limit: int) -> None:
        after: str | None = None
        while True:
            page = cast("Page", self._ask(call, limit=limit, after=after))
            after = page.next
            if after is None:
                return


def _method(owner: object, call: str) -> Callable[..., object]:
    """A method of an engine or a model, of its operator, or of its scheduler."""
    face, _, name = call.rpartition(".")
    if face == "operator":
        owner = cast("GrantEngine | Model", owner).operator(IDENTITY)
    elif face == "scheduler":
        owner = Scheduler(owner) if isinstance(owner, GrantEngine) else cast("Model", owner).scheduler()
    method: Callable[..., object] = getattr(owner, name)
    return method


def _answer(method: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
    try:
        return method(*args, **kwargs)
    except GrantError as refusal:
        return refusal


def _agree(question: str, ours: object, theirs: object) -> None:
    if type(ours) is type(theirs) and ours == theirs:
        return
    ours, theirs = _comparable(ours), _comparable(theirs)
    if type(ours) is not type(theirs) or ours != theirs:
        raise Disagreement(question, _differences(ours, theirs))


def _differences(ours: object, theirs: object) -> dict[str, str]:
    """Only the fields that differ, where both are of one kind."""
    if type(ours) is type(theirs) and attrs.has(type(ours)):
        pairs = {
            field.name: (getattr(ours, field.name), getattr(theirs, field.name)) for field in _fields(ours)
        }
        return {name: f"engine {one!r}, model {two!r}" for name, (one, two) in pairs.items() if one != two}
    return {"engine": repr(ours), "model": repr(theirs)}


def _fields(value: object) -> tuple[attrs.Attribute[object], ...]:
    fields: tuple[attrs.Attribute[object], ...] = attrs.fields(type(value))  # type: ignore[arg-type]
    return fields


def _comparable(value: object) -> object:
    """Leave out texts, which are nobody's contract: refusals as class and attributes, wherever they are."""
    if isinstance(value, GrantError):
        return (type(value), {name: told for name, told in vars(value).items() if name != "detail"})
    if isinstance(value, Refused):
        return (Refused, _comparable(value.error))
    if isinstance(value, LeaseLost):
        return (LeaseLost, value.execution_id, _comparable(value.error))
    if isinstance(value, ExecutionSnapshot) and value.phase is Phase.ELIGIBLE:
        return attrs.evolve(value, blocking_detail=None)  # of its shelf: a text
    if isinstance(value, ExecutionsPage):
        return (value.next, *map(_comparable, value.entries))
    if isinstance(value, Explanation):
        shown = [(obstacle.reason, obstacle.ends_at_ms) for obstacle in value.obstacles]
        return (attrs.evolve(value, obstacles=(), next_change=None), shown)
    if type(value) is tuple:
        return tuple(map(_comparable, cast("tuple[object, ...]", value)))
    return value


def _core(answer: object) -> object:
    if isinstance(answer, Granted):
        return answer.grant
    return answer.lease if isinstance(answer, Reclaimed) else answer


def _told(event: events.Event) -> Told:
    name = next(name for kind, name in _SUBJECTS if isinstance(event, kind))
    return Told(event.sequence, type(event).__name__, event.at_ms, str(getattr(event, name)))
