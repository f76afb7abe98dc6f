"""How the type of a field is written and read: one :class:`Form` per kind of type.

Both ways judge by exact type (``true`` is not 1, a subclass of ``str`` is no text) and pass nothing on:
what cannot be read back is not written.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from types import NoneType, UnionType
from typing import Final, Literal, Union, cast, get_args, get_origin

import attrs

from grantcore.model.policy import MAX_PERMILLE
from grantcore.model.time import MAX_MS
from grantcore.model.values import FrozenDict
from grantcore.wire.refusals import Unwanted, in_entry


@attrs.frozen
class Form:
    """Both ways of one kind of value; each raises :class:`Unwanted`."""

    read: Callable[[object], object]
    write: Callable[[object], object]


Classes = Callable[[tuple[object, ...]], Form]
"""Knows the form of a value of one of these classes of ours."""


def form_of(hint: object, classes: Classes) -> Form:
    """The form of a value, from its type."""
    if isinstance(hint, type):
        return _form_of_class(hint, classes)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return one_of(arguments)
    if origin in (UnionType, Union):
        return _union(arguments, classes)
    if origin is tuple and arguments[1:] == (...,):
        return sequence(form_of(arguments[0], classes))
    if origin is Mapping:
        return _mapping(*(form_of(part, classes) for part in arguments))
    return classes((hint,))


def _form_of_class(kind: type[object], classes: Classes) -> Form:
    if kind in PLAIN:
        return PLAIN[kind]
    return _members(kind) if issubclass(kind, StrEnum) else classes((kind,))


def _union(kinds: tuple[object, ...], classes: Classes) -> Form:
    """One of several classes, or something that may be null."""
    present = tuple(kind for kind in kinds if kind is not NoneType)
    form = form_of(present[0], classes) if len(present) == 1 else classes(present)
    return form if len(present) == len(kinds) else _nullable(form)


def _nullable(form: Form) -> Form:
    return Form(
        lambda value: None if value is None else form.read(value),
        lambda value: None if value is None else form.write(value),
    )


# -- single values ---------------------------------------------------------------------------------


def text(value: object) -> str:
    """Judge text: it has UTF-8, so no lone surrogates."""
    if type(value) is not str or not (value.isascii() or _encodes(value)):
        raise Unwanted("a text without lone surrogates")
    return value


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def integers(least: int, greatest: int) -> Form:
    """An integer in ``least..greatest``."""

    def judge(value: object) -> int:
        if type(value) is not int or not least <= value <= greatest:
            raise Unwanted(f"an integer in {least}..{greatest}")
        return value

    return Form(judge, judge)


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


def _written_blob(value: object) -> str:
    if type(value) is not bytes:
        raise Unwanted("bytes")
    return binascii.b2a_base64(value, newline=False).decode()


def one_of(allowed: Collection[object]) -> Form:
    """One of a few texts."""

    def judge(value: object) -> str:
        if type(value) is not str or value not in allowed:
            raise Unwanted(f"one of {', '.join(map(str, allowed))}")
        return value

    return Form(judge, judge)


def _members(kind: type[StrEnum]) -> Form:
    """A member of an enum, by its value."""
    values = one_of([member.value for member in kind])

    def write(value: object) -> str:
        if type(value) is not kind:
            raise Unwanted(f"a {kind.__name__}")
        return value.value

    return Form(lambda value: kind(cast("str", values.read(value))), write)


TEXT: Final = Form(text, text)
PLAIN: Final[Mapping[object, Form]] = {
    str: TEXT,
    int: integers(0, MAX_MS),
    bool: Form(_flag, _flag),
    bytes: Form(_blob, _written_blob),
}
"""No integer of the public API is negative, save the credits below."""


# -- several values --------------------------------------------------------------------------------


def entries_of(value: object) -> list[object]:
    """Judge a JSON array."""
    if type(value) is not list:
        raise Unwanted("an array")
    return cast("list[object]", value)


def fields_of(value: object) -> dict[str, object]:
    """Judge a JSON object; its keys are texts."""
    if type(value) is not dict:
        raise Unwanted("an object")
    for key in cast("dict[object, object]", value):
        text(key)
    return cast("dict[str, object]", value)


def _tuple_of(value: object) -> tuple[object, ...]:
    if type(value) is not tuple:
        raise Unwanted("a tuple")
    return cast("tuple[object, ...]", value)


def sequence(part: Form) -> Form:
    """A tuple of any length, as an array."""
    return Form(
        lambda value: tuple(in_entry(n, part.read, one) for n, one in enumerate(entries_of(value))),
        lambda value: [in_entry(n, part.write, one) for n, one in enumerate(_tuple_of(value))],
    )


def _mapping(key: Form, part: Form) -> Form:
    def read(value: object) -> object:
        given = fields_of(value)
        return FrozenDict({key.read(name): in_entry(name, part.read, one) for name, one in given.items()})

    def write(value: object) -> object:
        if not isinstance(value, Mapping):
            raise Unwanted("a mapping")
        given = cast("Mapping[str, object]", value)
        return {key.write(name): in_entry(name, part.write, one) for name, one in given.items()}

    return Form(read, write)


# -- fields whose type does not say it ---------------------------------------------------------------


def _written_tokens(value: object) -> list[str]:
    if type(value) is not frozenset:
        raise Unwanted("a frozenset")
    return sorted(map(text, cast("frozenset[object]", value)))


_CREDIT: Final = integers(-MAX_MS, MAX_MS)


def _credit(parts: Sequence[object]) -> tuple[object, object]:
    if len(parts) != 2:  # noqa: PLR2004 - a pair
        raise Unwanted("a lane and its credit")
    return text(parts[0]), _CREDIT.read(parts[1])


_PERMILLE: Final = 1000
_PERMILLES: Final = integers(0, MAX_PERMILLE)


def _permille(value: object) -> int:
    """Read a factor as thousandths; exact, because ``n / 1000`` is the double that JSON's text names."""
    if type(value) in (int, float):
        factor = cast("float", value)
        if (
            0 <= factor <= MAX_PERMILLE / _PERMILLE
            and (near := round(factor * _PERMILLE)) / _PERMILLE == factor
        ):
            return near
    raise Unwanted(f"a number in 0..{MAX_PERMILLE // _PERMILLE} of at most three decimal places")


def _factor(value: object) -> float:
    return cast("int", _PERMILLES.write(value)) / _PERMILLE


TOKENS: Final = Form(entries_of, _written_tokens)
"""A set that its class reads from what was given, entry by entry, with refusals of its own."""

CREDITS: Final = sequence(
    Form(lambda value: _credit(entries_of(value)), lambda value: list(_credit(_tuple_of(value))))
)
"""Where lanes stand in a round robin: the one number that may be negative."""

MULTIPLIER: Final = Form(_permille, _factor)
"""Thousandths inside, a number in JSON (SPEC 9)."""
