"""Frozen values that are cheap to make.

A frozen attrs class stores each field through ``object.__setattr__``; on the calls of a scheduler's
inner loop that costs more than the work itself. :func:`thawed` gives a constructor that fills an
unfrozen twin of the same layout with plain stores and then turns it into the frozen class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import attrs

P = ParamSpec("P")
T = TypeVar("T")

_TWIN = """
class Twin(*bases):
    __slots__ = {slots!r}
    def __init__(self, {parameters}):
{stores}
        self.__class__ = frozen
"""


def thawed(frozen: Callable[P, T]) -> Callable[P, T]:
    """Make the fast constructor of a slotted, frozen attrs class: same fields, same order, no defaults."""
    names = tuple(field.name for field in attrs.fields(frozen))  # type: ignore[arg-type]
    scope: dict[str, Any] = {"frozen": frozen, "bases": frozen.__bases__}  # type: ignore[attr-defined]
    exec(  # noqa: S102 - the text holds nothing but the names of our own fields
        _TWIN.format(
            slots=names,
            parameters=", ".join(names),
            stores="\n".join(f"        self.{name} = {name}" for name in names),
        ),
        scope,
    )
    twin: Callable[P, T] = scope["Twin"]
    return twin
