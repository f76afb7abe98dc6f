"""How a short name finds its key, and where in the data of a scenario that key is."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, cast

from grantcore.simulation.scenario.errors import MAX_SHOWN, AmbiguousKey, UnknownKey, below, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grantcore.simulation.scenario.forms import Form

_NUMBER: Final = re.compile("[0-9]+")
_UNIT: Final = re.compile("_(ms|per_day)$")


def find(leaves: Mapping[str, Form], key: str, text: str) -> tuple[str, Form]:
    """Find the one value that a key means, by the end of its name.

    Raises:
        UnknownKey: there is none; ``text`` is what it was to be set to.
        AmbiguousKey: there are several.
    """
    found = [path for path in leaves if key in _spellings(path)]
    if len(found) == 1:
        return found[0], leaves[found[0]]
    if found:
        raise AmbiguousKey(below("", key), shown(text), ", ".join(found))
    known = dict.fromkeys(_NUMBER.sub("N", path) for path in leaves)
    raise UnknownKey(below("", key), shown(text), ", ".join(_near(key, leaves) or known))


def _spellings(path: str) -> set[str]:
    """Spell a path from any of its words on, with and without the numbers in it, and its unit."""
    ends: set[str] = set()
    for whole in (path, _UNIT.sub("", path)):
        words = whole.split(".")
        names = [word for word in words if not word.isdigit()]
        ends |= {".".join(some[start:]) for some in (words, names) for start in range(len(some))}
    return ends


def _near(key: str, leaves: Iterable[str]) -> list[str]:
    """Name the paths that look like this key, or end like it."""
    paths = {spelling: path for path in leaves for spelling in _spellings(path)}
    near = get_close_matches(key[:MAX_SHOWN], paths, n=5, cutoff=0.6)
    return list(dict.fromkeys(paths[spelling] for spelling in near))


def place(data: object, path: str, value: object) -> None:
    """Set the value of a path in plain data."""
    *steps, last = path.split(".")
    for step in steps:
        if type(data) is list:
            data = cast("list[object]", data)[int(step)]
        else:
            data = cast("dict[str, object]", data)[step]
    cast("dict[str, object]", data)[last] = value
