"""Frozen values that are cheap to make.

A frozen attrs class stores each field through ``object.__setattr__``; on the calls of a scheduler's
inner loop that costs more than the work itself. :func:`thawed` gives a constructor that fills an
unfrozen twin of the same layout with plain stores and then turns it into the frozen class. (At the very
end of the stack that comparison of layouts fails and says ``TypeError``; the layouts are equal, so nothing
else can.)

A :class:`FrozenDict` is the mapping such values hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar, cast

import attrs

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

_TWIN = """
class Twin(*frozen.__bases__):
    __slots__ = {slots!r}

def make({parameters}):
    value = new(Twin)
{stores}
    try:
        value.__class__ = frozen
    except TypeError:
        raise RecursionError("no room on the stack to make a value") from None
    return value
"""


def thawed(frozen: Callable[P, T]) -> Callable[P, T]:
    """Make the fast constructor of a slotted, frozen attrs class: same fields, same order, no defaults."""
    fields: tuple[attrs.Attribute[object], ...] = attrs.fields(cast("type[Any]", frozen))
    return twin_of(frozen, tuple(field.name for field in fields))


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


class FrozenDict(Mapping[K, V]):
    """A mapping that cannot change; it copies, pickles and hashes as a value.

    >>> FrozenDict({"a": 1})
    FrozenDict({'a': 1})
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[K, V] = MappingProxyType({})) -> None:
        """Copy ``items``."""
        self._items: Mapping[K, V] = MappingProxyType(dict(items))

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"FrozenDict({dict(self._items)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return (FrozenDict, (dict(self._items),))
