"""Hostile values by name, so that a run that fails can be written down (hostile-inputs section 1).

Those of ``tests/robustness/hostile.py``, and objects whose own methods raise, lie or never end. What such an
object raises is :class:`Its`: it may pass through the engine, and nothing else foreign may.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn

import attrs

import grantcore as gc
from tests.robustness import hostile


class Its(Exception):
    """Raised by the caller's own object."""


def _raise(*_: object, **__: object) -> NoReturn:
    raise Its


def _raising(*names: str) -> Callable[[], object]:
    """An object whose methods of these names raise."""
    return type("Raising", (), dict.fromkeys(names, _raise))


class Whole:
    """Like an int of a numerical library: an index, equal to the int, comparable; and no int."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value

    __int__ = __index__

    def __eq__(self, other: object) -> bool:
        return other == self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: int) -> bool:
        return self.value < other

    def __le__(self, other: int) -> bool:
        return self.value <= other


class Endless(Mapping[str, Any]):
    """A mapping of which there is ever more."""

    def __getitem__(self, _: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return map("k{}".format, itertools.count())

    def __len__(self) -> int:
        return 0


class Broken(Endless):
    """A mapping that breaks after its first entry."""

    def __iter__(self) -> Iterator[str]:
        yield "usd"
        raise Its


class Denier:
    """Denies to be of any class."""

    @property  # type: ignore[misc]  # typing does not foresee it
    def __class__(self) -> type:
        raise Its


def _breaking() -> Iterator[str]:
    yield "gpu"
    raise Its


def _deep() -> tuple[object, ...]:
    """Of tuples, as the other large ones are: the collector stops looking at them."""
    nested: tuple[object, ...] = ()
    for _ in range(10**5):
        nested = (nested,)
    return nested


_LISTS: Final[dict[str, object]] = {
    "257 tokens": [f"t{n}" for n in range(257)],
    "10^6 duplicates": ("gpu",) * 10**6,
    "4097 bytes of tokens": [f"{n:03d}".ljust(241, "x") for n in range(17)],
    "surrogate token": ["\ud800"],
    "comma token": ["a,b"],
    "lying token": [hostile.LyingText("gpu")],
    "deep": _deep(),
    "lying key": {hostile.LyingText("usd"): 1},
    "surrogate key": {"\ud800": 1},
    "bad tag": {"Bad.tag": "x"},
    "True as amount": {"usd": True},
    "negative amount": {"usd": -1},
    "huge amount": {"usd": 2**53},
    "lying amount": {"usd": hostile.LyingNumber(5)},
    "weight 0": {"a": 0},
    "set": {"a"},
    "fence of nothing": gc.Fence("e0"),
    "fence of numbers": gc.Fence(1, 2, "3", 4),  # type: ignore[arg-type]
    "fence of lies": gc.Fence("e0", hostile.LyingText("l"), hostile.LyingNumber(1), "a"),
    "fence of surrogates": gc.Fence("e0", "\ud800", 1, "\udfff"),
    "fence of far epochs": gc.Fence("e0", "l", 2**63, "a"),
    "strange grant": gc.ClaimGrant("\ud800", -1),
    "grant of lies": gc.ClaimGrant(hostile.LyingText("e0"), hostile.LyingNumber(1)),
    "not a snapshot": b"grantcore-snapshot 2 00\n{}",
}

_MADE: Final[dict[str, Callable[[], object]]] = {
    "endless": lambda: itertools.repeat("gpu"),
    "count": lambda: map(str, itertools.count()),
    "breaking": _breaking,
    "endless mapping": Endless,
    "broken mapping": Broken,
    "numerical": lambda: Whole(5),
    "denier": Denier,
    "raises at iter": _raising("__iter__"),
    "raises at next": _raising("__iter__", "__next__", "__len__"),
    "raises at getattr": _raising("__getattr__"),
    "raises at eq": type("Raising", (), {"__eq__": _raise, "__hash__": lambda _: 0}),
    "raises at hash": _raising("__hash__"),
    "raises at bool": _raising("__bool__"),
    "raises at index": _raising("__index__", "__int__", "__lt__", "__le__", "__gt__", "__ge__"),
    "raises at repr": _raising("__repr__", "__str__", "__format__"),
    "raises at call": _raising("__call__"),
}


def _is(value: object) -> Callable[[], object]:
    return lambda: value


HOSTILE: Final[dict[str, Callable[[], object]]] = {
    # what prints when it is called would be heard
    **{name: _is(value) for name, value in hostile.VALUES.items() if name != "function"},
    **{name: _is(value) for name, value in _LISTS.items()},
    **_MADE,
}
"""A name, and how to make the value: some can be used only once."""

LABELS: Final = tuple(HOSTILE)


@attrs.frozen(repr=False)
class Hostile:
    """The hostile value of a name, in a step."""

    name: str

    def __repr__(self) -> str:
        return f"HOSTILE[{self.name!r}]()"
