"""Frozen values.

A frozen attrs class stores each field through ``object.__setattr__``; on the calls of a scheduler's
inner loop that costs more than the work itself. So the few values that are made there have a *layout*,
a base class with their slots, and beside the frozen class an open one of the same layout: it is filled by
plain stores and then becomes the frozen one, by setting its ``__class__``.

A :class:`FrozenDict` is the mapping that values hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


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
