"""Each line that a call executes, interrupted where it comes first, at a small price.

A world is built once for a call, and after each interruption brought back in place: :class:`Keepsake`. Each
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
from collections.abc import Callable, Iterator
from functools import partial
from itertools import compress
from operator import is_, not_
from types import FrameType
from typing import Any, Final

import attrs

import grantcore as gc
from tests.robustness import inside
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
        reached = list(_reachable(thing))
        containers = [one for one in reached if isinstance(one, tuple(_CONTAINERS))]
        self._contents = [(one, _plain(one)(one)) for one in containers]
        self._fields = [
            (one, collector.get_referents(one), [(name, getattr(one, name, _UNSET)) for name in names])
            for one in reached
            if (names := list(_slots(one)))
        ]
        self._changing = [*containers, *(one for one, _, _ in self._fields)]
        self._look = collector.get_referents(*self._changing)

    def is_as_it_was(self) -> bool:
        """Whether nothing has changed."""
        return _are_the_same(collector.get_referents(*self._changing), self._look)

    def bring_back(self) -> None:
        """Undo all changes."""
        for container, content in self._contents:
            if not _are_the_same(collector.get_referents(container), collector.get_referents(content)):
                kind = _plain(container)
                kind.clear(container)
                _CONTAINERS[kind](container, content)
        for one, values, fields in self._fields:
            if not _are_the_same(collector.get_referents(one), values):
                _set_fields(one, fields)


def _are_the_same(some: list[object], others: list[object]) -> bool:
    """By identity: the engine may tell equal instants apart by it."""
    return len(some) == len(others) and all(map(is_, some, others))


def _plain(container: Any) -> Any:
    """The built-in kind of a container: nothing that a class adds is wanted."""
    return next(kind for kind in _CONTAINERS if isinstance(container, kind))


def _set_fields(one: object, fields: list[tuple[str, object]]) -> None:
    for name, value in fields:
        if value is not _UNSET:
            object.__setattr__(one, name, value)
        elif hasattr(one, name):
            object.__delattr__(one, name)


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


def _slots(one: object) -> Iterator[str]:
    """The names of its fields that are kept in slots."""
    for kind in type(one).__mro__:
        for name, slot in vars(kind).items():
            if isinstance(slot, types.MemberDescriptorType) and kind.__flags__ & _HEAP:
                yield name


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
    """One call in one state, to be interrupted again and again."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: list[object] = []
        self._ends: list[object] = []
        self._build()

    def _build(self) -> None:
        """Have a new world."""
        self._world = self._plan.world()
        self._make: Callable[[], object] = partial(self._plan.scenario.make, self._world)
        self._all = Keepsake(self._world)
        traced(Tracer(), self._make)  # what is computed once for all, is
        self._all.bring_back()

    def lines(self) -> list[Line]:
        """Every line the call executes."""
        survey = Survey()
        traced(survey, self._make)
        self._all.bring_back()
        return list(survey.lines.values())

    def interrupt(self, line: Line, error: type[BaseException], tally: Tally) -> None:
        """Interrupt the call once, judge, and have the world as it was."""
        ambush = Ambush(line, error)
        raised = traced(ambush, self._make)
        if not ambush.where:  # what was brought back goes another way: only a new world will do
            self._build()
            raised = traced(ambush, self._make)
        assert ambush.where, f"{self._plan.scenario} does not reach {line}"
        tally.note(self._world.engine, raised, error)
        try:
            wrong = self._judged(line.at, ambush.where)
        except Exception as told:  # noqa: BLE001 - told as what is wrong
            wrong = f"{type(told).__name__}: {told}"
        if wrong:
            self._all.bring_back()
            tally.wrong.append(f"{self._plan.scenario} at point {line.at}, in {ambush.where}: {wrong}")

    def _judged(self, turn: int, where: str) -> str | None:
        plan, world = self._plan, self._world
        FIRST_CALLS[turn % len(FIRST_CALLS)](world)
        world.ids.count = plan.minted
        if self._all.is_as_it_was() and inside.is_at_rest(world.engine):
            return self._retried() if turn % RETRY_EACH == 0 else None
        wrong = self._judged_by_its_truth(turn, where)
        self._all.bring_back()
        return wrong

    def _judged_by_its_truth(self, turn: int, where: str) -> str | None:
        plan, world = self._plan, self._world
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
        look = spelled(inside.truth(self._world.engine))
        again = look in self._ends
        if not again and self._world.engine.digest() == self._plan.allowed[-1]:
            again = True
            self._ends.append(look)
        self._all.bring_back()
        return None if again else "the same call, made again, leads elsewhere"


def inject_at_every_line(plan: Plan, *errors: type[BaseException], wanted: Callable[[Line], bool]) -> Tally:
    """Interrupt the call where it first reaches each of its lines, by each error in turn."""
    bench, tally = Bench(plan), Tally()
    for line in bench.lines():
        if wanted(line):
            bench.interrupt(line, errors[line.at % len(errors)], tally)
    return tally
