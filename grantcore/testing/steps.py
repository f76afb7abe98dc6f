"""Calls as data: they can be run again, shortened, and pasted as a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, cast

import attrs

from grantcore import Fence

NO_KEYWORDS: Final[Mapping[str, object]] = {}


class Absent(LookupError):
    """A step asks for the result of one that is not there any more."""


@attrs.frozen(repr=False)
class Ref:
    """What step ``number`` gave, or a part of it: ids that were minted are not the same in a shorter run."""

    number: int
    part: str | None = None

    def __repr__(self) -> str:
        return f"r{self.number}" if self.part is None else f"r{self.number}.{self.part}"


@attrs.frozen(repr=False)
class Altered:
    """The fence of what a step gave, with other parts."""

    ref: Ref
    parts: Mapping[str, object]

    def __repr__(self) -> str:
        return f"altered({self.ref}, {_keywords(self.parts)})"


@attrs.frozen(repr=False, eq=False)
class Step:
    """One call of :class:`grantcore.testing.pair.Pair`.

    Args:
        number: tells its result apart from others.
        call: the name of an engine's method, ``operator.NAME``, ``scheduler.NAME``, or one of the pair's own:
            ``at``, ``misread``, ``restart``, ``look``.
        args: its arguments.
        kwargs: those by keyword.
    """

    number: int
    call: str
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = NO_KEYWORDS

    def __repr__(self) -> str:
        given = [repr(self.call), *map(_literal, self.args)]
        if self.kwargs:
            given.append(_keywords(self.kwargs))
        return f"r{self.number} = pair.call({', '.join(given)})"


def altered(given: object, **parts: object) -> Fence:
    """The fence of a lease, with other parts.

    >>> altered(Fence("job-1", "lease-1", 1, "attempt-1"), lease_epoch=2)
    Fence(execution_id='job-1', lease_id='lease-1', lease_epoch=2, attempt_id='attempt-1')
    """
    names = ("execution_id", "lease_id", "lease_epoch", "attempt_id")
    return Fence(**{name: parts[name] if name in parts else getattr(given, name, None) for name in names})  # type: ignore[arg-type]  # it may be malformed on purpose


def resolved(value: object, results: Mapping[int, object]) -> object:
    """Put results where an argument refers to them.

    Raises:
        Absent: there is no such result.
    """
    if isinstance(value, Ref):
        if value.number not in results:
            raise Absent(value.number)
        result = results[value.number]
        return result if value.part is None else getattr(result, value.part)
    if isinstance(value, Altered):
        return altered(resolved(value.ref, results), **value.parts)
    if type(value) is list:
        return [resolved(element, results) for element in cast("list[object]", value)]
    return value


def script(steps: Sequence[Step], setting: str) -> str:
    """The steps as a script that can be pasted and run; the last line is where both part."""
    lines = [
        "from grantcore import *",
        "from grantcore.testing.pair import Pair",
        "from grantcore.testing.steps import altered",
        "",
        f"pair = {setting}",
        *map(repr, steps),
    ]
    return "\n".join(lines)


def _keywords(kwargs: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={_literal(value)}" for name, value in kwargs.items())


def _literal(value: object) -> str:
    """The source of a value."""
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)
