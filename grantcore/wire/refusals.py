"""From what went wrong inside a value to one typed refusal that names the place (SPEC 11).

A form that meets something else raises :class:`Unwanted`, saying what it takes; the classes and lists
around it note where they were (cattrs' notes); :func:`refusal` reads the notes from the outside in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeVar

from cattrs import (
    AttributeValidationNote,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)

from grantcore.model.errors import InvalidInput, invalid

T = TypeVar("T")

MAX_SHOWN: Final = 64
"""Characters of a sender's key that a refusal repeats."""


class Unwanted(ValueError):
    """A value is not what its form takes; the text says what that is."""


def in_field(name: str, judge: Callable[[object], T], value: object) -> T:
    """Judge the value of a field; what goes wrong in it notes its place."""
    return _noting(AttributeValidationNote("", name, None), judge, value)


def in_entry(place: int | str, judge: Callable[[object], T], value: object) -> T:
    """Judge an entry of a list or a mapping; what goes wrong in it notes its place."""
    return _noting(IterableValidationNote("", place, None), judge, value)


def _noting(note: str, judge: Callable[[object], T], value: object) -> T:
    try:
        return judge(value)
    except Exception as problem:
        problem.add_note(note)
        raise


def exactly(fields: Mapping[str, object], wanted: Iterable[str]) -> None:
    """Refuse fields that are missing or too many."""
    for name in sorted({*wanted} ^ fields.keys()):
        in_field(shown(name), _absent if name in fields else _given, None)


def _absent(_value: object) -> None:
    raise Unwanted("absent")


def _given(_value: object) -> None:
    raise Unwanted("given")


def shown(key: object) -> str:
    """A key as far as it can be repeated: short, ASCII, printable."""
    return ascii(key[:MAX_SHOWN])[1:-1][:MAX_SHOWN] if type(key) is str else "(a key)"


def refusal(problem: Exception, root: str, wire_names: Mapping[str, str]) -> Exception:
    """Make the refusal; what is no refusal (a bug, an exhausted stack) is given back as it is.

    Args:
        problem: what the reading raised.
        root: how the whole value is called.
        wire_names: fields that JSON calls otherwise.
    """
    places: list[str] = []
    while isinstance(problem, ClassValidationError):
        places += _places(problem, wire_names)
        problem = problem.exceptions[0]
    places += _places(problem, wire_names)
    return _refusal(problem, places, root)


def _places(problem: Exception, wire_names: Mapping[str, str]) -> Iterator[str]:
    """The notes of one exception, the outermost first."""
    notes: list[str] = getattr(problem, "__notes__", [])
    for note in reversed(notes):
        if isinstance(note, AttributeValidationNote):
            yield f".{wire_names.get(note.name, note.name)}"
        elif isinstance(note, IterableValidationNote):
            yield f"[{note.index if type(note.index) is int else shown(note.index)}]"


def _refusal(problem: Exception, places: list[str], root: str) -> Exception:
    match problem:
        case Unwanted():
            return invalid(_path(places) or root, str(problem))
        case KeyError():
            return invalid(_path(places), "given")
        case ForbiddenExtraKeysError():
            unknown = min(map(shown, problem.extra_fields))
            return invalid(_path([*places, f".{unknown}"]), "absent")
        case InvalidInput():
            allowed = problem.detail.removeprefix(f"{problem.field} must be ")
            return invalid(_path([*places, f".{problem.field}"]), allowed)
        case _:
            return problem


def _path(places: list[str]) -> str:
    return "".join(places).lstrip(".")
