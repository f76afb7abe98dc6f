"""What the value of a key may be that holds several: words, capabilities, weights."""

from __future__ import annotations

from typing import Final, cast

import attrs

from grantcore.model import capabilities, checks
from grantcore.simulation.scenario.errors import below
from grantcore.simulation.scenario.forms import Form, Real, number

MAX_WEIGHTS: Final = 1_000
WEIGHT: Final = Real(0, 1e9)


@attrs.frozen
class Choices(Form):
    """Several of a few words, each once, or none of them; in the order of the options."""

    options: tuple[str, ...]

    def plain(self, value: object) -> object:
        """Give an array."""
        return _array(value)

    def words(self, text: str) -> object:
        """Take words with blanks between them."""
        return text.split()

    def _allowed(self) -> str:
        return f"an array of some of {', '.join(self.options)}, each once"

    def _read(self, where: str, value: object) -> tuple[str, ...]:
        words = _list(where, value)
        chosen = tuple(option for option in self.options if option in words)
        if len(chosen) != len(words):
            raise ValueError(where)
        return chosen


class Tokens(Form):
    """Capabilities: merged and sorted, as the engine does."""

    def plain(self, value: object) -> object:
        """Give an array."""
        return _array(value)

    def words(self, text: str) -> object:
        """Take capabilities with blanks between them."""
        return text.split()

    def _allowed(self) -> str:
        return "an array of capabilities: texts without blanks, commas and control characters"

    def _read(self, where: str, value: object) -> tuple[str, ...]:
        return capabilities.read("required", cast("list[str]", _list(where, value)))


@attrs.frozen
class Weights(Form):
    """A table of weights by lane, or by priority; sorted."""

    by: Form

    def plain(self, value: object) -> object:
        """Give a table; what would lose a pair in one is given as an array, to be refused."""
        if type(value) is not tuple:
            return value
        pairs = cast("tuple[object, ...]", value)
        table: dict[object, object] = {}
        for pair in pairs:
            name, weight = _pair(pair)
            table[self.by.plain(name)] = weight
        return table if len(table) == len(pairs) else list(pairs)

    def words(self, text: str) -> object:
        """Take ``q0:1 q1:2.5``."""
        pairs = [word.rpartition(":") for word in text.split()]
        return {name: number(weight) for name, _, weight in pairs}

    def _allowed(self) -> str:
        return f"a table of 1 to {MAX_WEIGHTS:,} weights, not all 0; by {self.by.allowed}"

    def _read(self, where: str, value: object) -> tuple[tuple[object, float], ...]:
        table = cast("dict[object, object]", value) if type(value) is dict else {}
        if not 1 <= len(table) <= MAX_WEIGHTS:
            raise ValueError(where)
        weights = {
            self.by.read(below(where, name), name): cast("float", WEIGHT.read(below(where, name), weight))
            for name, weight in table.items()
        }
        if not any(weights.values()):
            raise ValueError(where)
        return tuple(sorted(weights.items(), key=lambda pair: cast("str", pair[0])))


class Lane(Form):
    """A lane, as a key of weights."""

    def _allowed(self) -> str:
        return f"a lane: 1 to {checks.MAX_LANE_BYTES} characters of printable ASCII"

    def _read(self, where: str, value: object) -> str:
        return checks.lane_id(value, where)


@attrs.frozen
class Priority(Form):
    """A priority, as a key of weights: in TOML and JSON it is a text."""

    high: int

    def plain(self, value: object) -> object:
        """Give the text."""
        return str(value) if type(value) is int else value

    def _allowed(self) -> str:
        return f"a priority: an integer of 0 to {self.high:,}"

    def _read(self, where: str, value: object) -> int:
        priority = number(value) if type(value) is str else None
        if type(priority) is not int or not 0 <= priority <= self.high or str(priority) != value:
            raise ValueError(where)
        return priority


def _list(where: str, value: object) -> list[object]:
    if type(value) is not list:
        raise ValueError(where)
    return cast("list[object]", value)


def _array(value: object) -> object:
    """Give what an array is in a file."""
    return list(cast("tuple[object, ...]", value)) if type(value) is tuple else value


def _pair(value: object) -> tuple[object, object]:
    """Take a name and its weight; for what is no pair, a name that no lane or priority has."""
    parts = list(cast("tuple[object, ...]", value) if type(value) is tuple else ())
    named = len(parts) == 2 and type(parts[0]) in {str, int}  # noqa: PLR2004
    return (parts[0], parts[1]) if named else ("", parts)
