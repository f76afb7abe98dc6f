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
class Twin(*frozen.__bases__):
    __slots__ = {slots!r}

def make({parameters}):
    value = new(Twin)
{stores}
    value.__class__ = frozen
    return value
"""


def thawed(frozen: Callable[P, T]) -> Callable[P, T]:
    """Make the fast constructor of a slotted, frozen attrs class: same fields, same order, no defaults."""
    names = tuple(field.name for field in attrs.fields(frozen))  # type: ignore[arg-type]
    return twin_of(frozen, names)


def twin_of(frozen: Callable[P, T], slots: tuple[str, ...]) -> Callable[..., T]:
    """Make a constructor that fills the slots of a frozen class by plain stores."""
    scope: dict[str, Any] = {"frozen": frozen, "new": object.__new__}
    exec(  # noqa: S102 - the text holds nothing but the names of our own fields
        _TWIN.format(
            slots=slots,
            parameters=", ".join(slots),
            stores="\n".join(f"    value.{name} = {name}" for name in slots),
        ),
        scope,
    )
    make: Callable[..., T] = scope["make"]
    return make
