"""Each line that a call executes, interrupted where it comes first, at a small price.

A world is built once for a state, and after each interruption brought back in place: :class:`Keepsake`. Each
time the first call afterwards must recover. What it leaves is judged as by ``injection.judge`` (digest,
invariants, events) if it is new. It is not new if every object refers to what it did before, or if the
truth says, field by field, what it said after another line of this call, and that was judged; then the events
are counted, and the indexes are looked at only where the first call was ``check()``, which it is at about
every seventh line. At about every fourth line after which nothing has happened the call is made again.
"""

from __future__ import annotations

import enum
import gc as collector
import types
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import compress
from operator import is_, not_
from types import FrameType
from typing import Any, Final

import attrs

import grantcore as gc
from tests.robustness import inside
from tests.robustness.calls import Scenario
from tests.robustness.injection import (
    FIRST_CALLS,
    RETRY_EACH,
    TELLING,
    Plan,
    Tally,
    Tracer,
    judge,
    misheard,
    refused_or_not,
    traced,
)

# -- worlds brought back ---------------------------------------------------------------------------------

_FIXED: Final = (type, types.ModuleType, types.FunctionType, types.CodeType, enum.Enum, gc.EngineConfig)
_ATOMS: Final = frozenset({str, int, bool, bytes, float, types.NoneType})
_CONTAINERS: Final[dict[Any, Callable[[Any, Any], None]]] = {
    dict: dict.update,
    list: list.extend,
    set: set.update,
    deque: deque.extend,
}
_UNSET: Final = object()


class Keepsake:
    """All that can change in a thing, as it is now.

    Args:
        thing: with everything that can be reached from it.
    """

    def __init__(self, thing: object) -> None:
        kept = [_Kept(one) for one in _reachable(thing)]
        changing = [one for one in kept if one.content is not None or one.fields]
        self._groups = [_Group(changing[i : i + GROUP]) for i in range(0, len(changing), GROUP)]

    def is_as_it_was(self) -> bool:
        """Whether nothing has changed."""
        return not any(group.has_changed() for group in self._groups)

    def bring_back(self) -> None:
        """Undo all changes."""
        for group in self._groups:
            if group.has_changed():
                group.bring_back()


GROUP: Final = 10
"""So many objects are looked at together: an interruption changes a few of a thousand."""


class _Group:
    """Some of the objects."""

    def __init__(self, kept: Sequence[_Kept]) -> None:
        self._kept = kept
        self._things = [one.thing for one in kept]
        self._look = collector.get_referents(*self._things)

    def has_changed(self) -> bool:
        return not _are_the_same(collector.get_referents(*self._things), self._look)

    def bring_back(self) -> None:
        for one in self._kept:
            one.bring_back()


class _Kept:
    """One object: what it refers to, as a container and by its slots."""

    __slots__ = ("_look", "content", "fields", "thing")

    def __init__(self, thing: Any) -> None:
        kind: Any = type(thing)
        self.thing = thing
        self.content = _plain(thing)(thing) if isinstance(thing, tuple(_CONTAINERS)) else None
        self.fields = [(name, getattr(thing, name, _UNSET)) for name in _slots(kind)]
        self._look = collector.get_referents(thing)

    def bring_back(self) -> None:
        if _are_the_same(collector.get_referents(self.thing), self._look):
            return
        if self.content is not None:
            kind = _plain(self.thing)
            kind.clear(self.thing)
            _CONTAINERS[kind](self.thing, self.content)
        for name, value in self.fields:
            if value is not _UNSET:
                object.__setattr__(self.thing, name, value)
            elif hasattr(self.thing, name):
                object.__delattr__(self.thing, name)


def _are_the_same(some: list[object], others: list[object]) -> bool:
    """By identity: the engine may tell equal instants apart by it."""
    return len(some) == len(others) and all(map(is_, some, others))


def _plain(container: Any) -> Any:
    """The built-in kind of a container: nothing that a class adds is wanted."""
    return next(kind for kind in _CONTAINERS if isinstance(container, kind))


def _reachable(thing: object) -> Iterator[object]:
    """Everything that belongs to a thing, each once."""
    seen, left = {id(thing)}, [thing]
    while left:
        one = left.pop()
        yield one
        own = getattr(one, "__dict__", None)
        for more in (*collector.get_referents(one), *([own] if type(own) is dict else ())):
            if id(more) not in seen and type(more) not in _ATOMS and not isinstance(more, _FIXED):
                seen.add(id(more))
                left.append(more)


@cache
def _slots(kind: type) -> list[str]:
    """The names of the fields that its objects keep in slots."""
    return [
        name
        for owner in kind.__mro__
        for name, slot in vars(owner).items()
        if isinstance(slot, types.MemberDescriptorType) and owner.__flags__ & _HEAP
    ]


_HEAP: Final = 1 << 9
"""The flag of classes that were made by a ``class`` statement."""


@attrs.frozen
class Line:
    """A line that a call executes: which point of the call reaches it first."""

    code_id: int
    number: int
    code: types.CodeType = attrs.field(eq=False)
    at: int = attrs.field(eq=False)


class _Opened(dict[type, bool]):
    """Whether a value of this type is told by what it refers to; else it can be compared as it is."""

    def __missing__(self, kind: Any) -> bool:
        is_value = attrs.has(kind) and kind.__setattr__ is _FROZEN and kind.__eq__ is not object.__eq__
        self[kind] = not (is_value or kind in _ATOMS or issubclass(kind, (tuple, frozenset, *_FIXED)))
        return self[kind]


_FROZEN: Final = Line.__setattr__
_OPENED: Final = _Opened()


def spelled(thing: object) -> list[object]:
    """All that a tree of objects says, layer by layer, whoever the objects are: equal for equal trees."""
    told: list[object] = []
    layer = [thing]
    while layer:
        told.append([len(one) for one in layer if type(one) in _CONTAINERS])  # type: ignore[arg-type]
        values = collector.get_referents(*layer)
        opened = list(map(_OPENED.__getitem__, map(type, values)))
        layer = list(compress(values, opened))
        told += opened, list(compress(values, map(not_, opened))), list(map(type, layer))
    return told


# -- lines -----------------------------------------------------------------------------------------------


class Survey(Tracer):
    """Writes down where each line comes first."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[tuple[int, int], Line] = {}

    def point(self, frame: FrameType, event: str, arg: object) -> Any:
        super().point(frame, event, arg)
        if event == self.kind:
            code, number = frame.f_code, frame.f_lineno
            self.lines.setdefault((id(code), number), Line(id(code), number, code, self.count))
        return self.point


class Ambush(Tracer):
    """Raises where one line is reached, and looks at no other code."""

    def __init__(self, line: Line, error: type[BaseException]) -> None:
        super().__init__(line.at, error)
        self._line = line

    def start(self, frame: FrameType, event: str, arg: object) -> Any:
        return super().start(frame, event, arg) if frame.f_code is self._line.code else None

    def point(self, frame: FrameType, event: str, _arg: object) -> Any:
        if event == self.kind and frame.f_lineno == self._line.number:
            self.where = frame.f_code.co_name
            raise self.error
        return self.point


# -- injections ------------------------------------------------------------------------------------------


class Bench:
    """A world in one state, in which calls are interrupted again and again.

    Args:
        setting: builds it, the same each time; its own call is not made.
    """

    def __init__(self, setting: Plan) -> None:
        self._setting = setting
        self.renew()

    def planned(self, scenario: Scenario) -> Plan:
        """Make a call of this state without interruption."""
        plan = Plan(scenario, observers=self._setting.observers)
        for note in (plan.note_before, plan.note_commits):
            note(self.world)
            self.bring_back()
        return plan

    def renew(self) -> None:
        """Have a new world."""
        self.world = self._setting.world()
        self._all = Keepsake(self.world)
        self.is_as_it_was = self._all.is_as_it_was
        self.bring_back = self._all.bring_back


class Trial:
    """One call on a bench, to be interrupted again and again.

    Args:
        plan: of the call; its worlds are those of the bench.
        bench: where it is made.
    """

    def __init__(self, plan: Plan, bench: Bench) -> None:
        self._plan = plan
        self._bench = bench
        self._known: list[object] = []
        self._ends: list[object] = []
        traced(Tracer(), self._make)  # what is computed once for all, is
        bench.bring_back()

    def _make(self) -> object:
        return self._plan.scenario.make(self._bench.world)

    def lines(self) -> list[Line]:
        """Every line the call executes."""
        survey = Survey()
        traced(survey, self._make)
        self._bench.bring_back()
        return list(survey.lines.values())

    def interrupt(self, line: Line, error: type[BaseException], tally: Tally) -> None:
        """Interrupt the call once, judge, and have the world as it was."""
        ambush = Ambush(line, error)
        raised = traced(ambush, self._make)
        if not ambush.where:  # what was brought back goes another way: only a new world will do
            self._bench.renew()
            raised = traced(ambush, self._make)
        assert ambush.where, f"{self._plan.scenario} does not reach {line}"
        tally.note(self._bench.world.engine, raised, error)
        try:
            wrong = self._judged(line.at, ambush.where)
        except Exception as told:  # noqa: BLE001 - told as what is wrong
            wrong = f"{type(told).__name__}: {told}"
        if wrong:
            self._bench.bring_back()
            tally.wrong.append(f"{self._plan.scenario} at point {line.at}, in {ambush.where}: {wrong}")

    def _judged(self, turn: int, where: str) -> str | None:
        plan, world = self._plan, self._bench.world
        FIRST_CALLS[turn % len(FIRST_CALLS)](world)
        world.ids.count = plan.minted
        if self._bench.is_as_it_was() and inside.is_at_rest(world.engine):
            return self._retried() if turn % RETRY_EACH == 0 else None
        wrong = self._judged_by_its_truth(turn, where)
        self._bench.bring_back()
        return wrong

    def _judged_by_its_truth(self, turn: int, where: str) -> str | None:
        plan, world = self._plan, self._bench.world
        truth = spelled(inside.truth(world.engine))
        if truth not in self._known or not inside.is_at_rest(world.engine):
            wrong = judge(plan, world, turn, where)
            if not wrong:
                self._known.append(truth)
            return wrong
        events = inside.event_number(world.engine) - plan.first_event
        wrong = misheard(plan, world, events, int(where == TELLING))
        if not wrong and not events and turn % RETRY_EACH == 0:
            return self._retried()
        return wrong

    def _retried(self) -> str | None:
        """Make the call again where nothing has changed."""
        refused_or_not(self._make)
        look = spelled(inside.truth(self._bench.world.engine))
        again = look in self._ends
        if not again and self._bench.world.engine.digest() == self._plan.allowed[-1]:
            again = True
            self._ends.append(look)
        self._bench.bring_back()
        return None if again else "the same call, made again, leads elsewhere"


def inject_at_every_line(
    plan: Plan, bench: Bench, *errors: type[BaseException], wanted: Callable[[Line], bool]
) -> Tally:
    """Interrupt the call where it first reaches each of its lines, by each error in turn."""
    trial, tally = Trial(plan, bench), Tally()
    for line in trial.lines():
        if wanted(line):
            trial.interrupt(line, errors[line.at % len(errors)], tally)
    return tally
