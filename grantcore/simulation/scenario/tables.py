"""Tables of keys, and arrays of them: what a scenario file is built of. ``keys`` builds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

import attrs

from grantcore.simulation.scenario.errors import below, refusal, unknown
from grantcore.simulation.scenario.forms import Choice, Form

Leaves = Iterator[tuple[str, Form]]


@attrs.frozen
class Entry:
    """One key of a table: what its value may be, and what it says."""

    form: Form | Table | Kinds | Array
    says: str = ""

    @property
    def allowed(self) -> str:
        """What is allowed, in words that follow "must be"."""
        return self.form.allowed if isinstance(self.form, Form) else "a table"


@attrs.frozen
class Table:
    """A table whose keys are the fields of a class; an absent key has the default of its field.

    Attributes:
        make: the class.
        entries: by the name of the field.
        required: the fields that have no default.
    """

    make: Callable[..., object]
    entries: Mapping[str, Entry]
    required: tuple[str, ...] = ()

    def read(self, where: str, value: object) -> object:
        """Judge every key; O(their number)."""
        table = _table(where, value)
        for name, found in table.items():
            if name not in self.entries:
                raise unknown(below(where, name), str(name), found, self.entries)
        for name in self.required:
            if name not in table:
                raise refusal(below(where, name), None, self.entries[name].allowed)
        fields = {
            name: entry.form.read(below(where, name), table[name])
            for name, entry in self.entries.items()
            if name in table
        }
        return self.make(**fields)

    def plain(self, value: object) -> object:
        """Give the table for an object of the class; what is none, as it is."""
        if type(value) is not self.make:
            return value
        return {name: entry.form.plain(getattr(value, name)) for name, entry in self.entries.items()}

    def leaves(self, where: str, plain: object) -> Leaves:
        """Name the values in it, each with its form."""
        table = _table(where, plain)
        for name, entry in self.entries.items():
            if isinstance(entry.form, (Table, Kinds, Array)):
                yield from entry.form.leaves(below(where, name), table[name])
            else:
                yield below(where, name), entry.form


@attrs.frozen
class Kinds:
    """A table of one of several kinds; its key ``kind`` says which."""

    kind: Choice
    tables: Mapping[str, Table]

    def read(self, where: str, value: object) -> object:
        """Judge the kind, then the keys that this kind has."""
        table = dict(_table(where, value))
        kind = table.pop("kind", self.kind.options[0])
        return self._of(where, kind).read(where, table)

    def plain(self, value: object) -> object:
        """Give the table for an object of one of the classes; what is none, as it is."""
        for kind, table in self.tables.items():
            if type(value) is table.make:
                return {"kind": kind} | cast("dict[str, object]", table.plain(value))
        return value

    def leaves(self, where: str, plain: object) -> Leaves:
        """Name the values in it, each with its form; the kind is none of them."""
        yield from self._of(where, _table(where, plain)["kind"]).leaves(where, plain)

    def _of(self, where: str, kind: object) -> Table:
        """Give the table of a kind."""
        return self.tables[str(self.kind.read(below(where, "kind"), kind))]


@attrs.frozen
class Array:
    """An array of tables that are alike."""

    table: Table
    high: int

    def read(self, where: str, value: object) -> object:
        """Judge one after the other."""
        rows = _rows(value)
        if not 1 <= len(rows) <= self.high:
            raise refusal(where, value, f"an array of 1 to {self.high:,} tables")
        return tuple(self.table.read(below(where, number), row) for number, row in enumerate(rows))

    def plain(self, value: object) -> object:
        """Give the array for a tuple of objects; what is none, as it is."""
        if type(value) is not tuple:
            return value
        return [self.table.plain(row) for row in cast("tuple[object, ...]", value)]

    def leaves(self, where: str, plain: object) -> Leaves:
        """Name the values in it, each with its form."""
        for number, row in enumerate(cast("list[object]", plain)):
            yield from self.table.leaves(below(where, number), row)


def _rows(value: object) -> list[object]:
    return cast("list[object]", value) if type(value) is list else []


def _table(where: str, value: object) -> dict[str, object]:
    if type(value) is not dict:
        raise refusal(where or "the scenario", value, "a table")
    return cast("dict[str, object]", value)
