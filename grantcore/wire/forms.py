"""How the type of a field is written and read: one :class:`Form` per kind of type.

Reading is strict: exact JSON types (``true`` is not 1), the whole of a type and nothing beside it.
Writing is lenient, because what was written is always read back: whatever is not of its type is passed
on as it is, and the reading refuses it, naming the place.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import NoneType, UnionType
from typing import Final, Literal, Union, cast, get_args, get_origin

import attrs

from grantcore.model.time import MAX_MS
from grantcore.model.values import FrozenDict
from grantcore.wire.refusals import Unwanted, at, entry_note


@attrs.frozen
class Form:
    """Both ways of one kind of value; ``read`` raises :class:`Unwanted`."""

    read: Callable[[object], object]
    write: Callable[[object], object]


Classes = Callable[[tuple[object, ...]], Form]
"""Knows the form of a value of one of these classes of ours."""


def same(value: object) -> object:
    """Write a value that is its own JSON."""
    return value


def form_of(hint: object, classes: Classes) -> Form:
    """The form of a field, from its type."""
    if isinstance(hint, type):
        return _form_of_class(hint, classes)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _literal(arguments)
    if origin in (UnionType, Union):
        return _union(arguments, classes)
    if origin in CONTAINERS and arguments:
        return CONTAINERS[origin](*(form_of(part, classes) for part in arguments if part is not ...))
    return classes((hint,))


def _form_of_class(kind: type[object], classes: Classes) -> Form:
    if kind in PLAIN:
        return PLAIN[kind]
    return _members(kind) if issubclass(kind, StrEnum) else classes((kind,))


# -- single values -------------------------------------------------------------------------------


def text(value: object) -> str:
    """Read text that has UTF-8, so no lone surrogates."""
    if type(value) is not str or not (value.isascii() or _encodes(value)):
        raise Unwanted("a text without lone surrogates")
    return value


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integers(least: int) -> Form:
    def read(value: object) -> int:
        if type(value) is not int or not least <= value <= MAX_MS:
            raise Unwanted(f"an integer in {least}..{MAX_MS}")
        return value

    return Form(read, same)


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise Unwanted("true or false")
    return value


def _blob(value: object) -> bytes:
    """Read base64 (RFC 4648, section 4) in the one way in which it is written."""
    try:
        read = base64.b64decode(text(value), validate=True)
    except (Unwanted, ValueError):
        raise Unwanted("a text in base64") from None
    if _written_blob(read) != value:
        raise Unwanted("a text in base64, as short as it can be")
    return read


def _written_blob(value: object) -> object:
    return binascii.b2a_base64(value, newline=False).decode() if type(value) is bytes else value


def _members(kind: type[StrEnum]) -> Form:
    """A member of an enum, by its value."""
    values = {member.value: member for member in kind}

    def read(value: object) -> object:
        if type(value) is not str or value not in values:
            raise Unwanted(f"one of {', '.join(sorted(values))}")
        return values[value]

    return Form(read, lambda value: value.value if isinstance(value, kind) else value)


def _literal(allowed: tuple[object, ...]) -> Form:
    def read(value: object) -> object:
        if type(value) is not str or value not in allowed:
            raise Unwanted(f"one of {', '.join(map(str, allowed))}")
        return value

    return Form(read, same)


PERMILLE: Final = 1000
MAX_MULTIPLIER: Final = 1000


def _permille(value: object) -> int:
    """Read a factor as thousandths; exact, because ``n / 1000`` is the double that JSON's text names."""
    if type(value) in (int, float):
        factor = cast("float", value)
        if 0 <= factor <= MAX_MULTIPLIER and (thousandths := round(factor * PERMILLE)) / PERMILLE == factor:
            return thousandths
    raise Unwanted(f"a number in 0..{MAX_MULTIPLIER} of at most three decimal places")


def _factor(value: object) -> object:
    return value / PERMILLE if type(value) is int else value


COUNT: Final = _integers(0)
SIGNED: Final = _integers(-MAX_MS)
TEXT: Final = Form(text, same)
MULTIPLIER: Final = Form(_permille, _factor)


# -- several values ------------------------------------------------------------------------------


def listed(value: object) -> list[object]:
    """Read a JSON array."""
    if type(value) is not list:
        raise Unwanted("an array")
    return cast("list[object]", value)


def fields_of(value: object) -> dict[str, object]:
    """Read a JSON object; the keys are texts."""
    if type(value) is not dict:
        raise Unwanted("an object")
    for key in cast("dict[object, object]", value):
        text(key)
    return cast("dict[str, object]", value)


def _tuple(part: Form, *rest: Form) -> Form:
    """A tuple of any length, or of these very parts."""
    return _pair(part, *rest) if rest else _sequence(part)


def _sequence(part: Form) -> Form:
    def read(value: object) -> object:
        return tuple(at(entry_note(place), part.read, found) for place, found in enumerate(listed(value)))

    def write(value: object) -> object:
        if type(value) is not tuple:
            return value
        return [part.write(one) for one in cast("tuple[object, ...]", value)]

    return Form(read, write)


def _pair(*parts: Form) -> Form:
    """A lane and where it stands in a round robin: the one number that may be negative."""
    signed = [SIGNED if part is COUNT else part for part in parts]

    def read(value: object) -> object:
        if len(given := listed(value)) != len(signed):
            raise Unwanted(f"an array of {len(signed)}")
        return tuple(at(entry_note(n), part.read, given[n]) for n, part in enumerate(signed))

    def write(value: object) -> object:
        return list(cast("tuple[object, ...]", value)) if type(value) is tuple else value

    return Form(read, write)


def _mapping(key: Form, part: Form) -> Form:
    def read(value: object) -> object:
        given = fields_of(value)
        return FrozenDict(
            {key.read(name): at(entry_note(name), part.read, found) for name, found in given.items()}
        )

    def write(value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        given = cast("Mapping[object, object]", value)
        return {key.write(name): part.write(found) for name, found in given.items()}

    return Form(read, write)


def _sorted(value: object) -> object:
    return sorted(cast("frozenset[str]", value)) if type(value) is frozenset else value


TOKENS: Final = Form(listed, _sorted)
"""A set that its class reads from what was given, entry by entry, with refusals of its own."""


def _union(kinds: tuple[object, ...], classes: Classes) -> Form:
    """One of several classes, or something that may be null."""
    present = tuple(kind for kind in kinds if kind is not NoneType)
    form = form_of(present[0], classes) if len(present) == 1 else classes(present)
    return form if len(present) == len(kinds) else nullable(form)


def nullable(form: Form) -> Form:
    """The same, or null for None."""
    return Form(
        lambda value: None if value is None else form.read(value),
        lambda value: None if value is None else form.write(value),
    )


PLAIN: Final[Mapping[object, Form]] = {
    str: TEXT,
    int: COUNT,
    bool: Form(_flag, same),
    bytes: Form(_blob, _written_blob),
}

CONTAINERS: Final[Mapping[object, Callable[..., Form]]] = {
    tuple: _tuple,
    Mapping: _mapping,
}
