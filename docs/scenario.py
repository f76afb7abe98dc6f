"""``python -m docs.scenario``: write what ``docs/simulation`` says about the keys of a scenario.

``keys.md`` is a table of all keys, ``example.toml`` a scenario in which each stands with its default. Both
are made of the table by which scenarios are judged, and a test compares them with it.
"""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Final, cast

import attrs

from grantcore.simulation.scenario.forms import NONE
from grantcore.simulation.scenario.keys import KEYS, SCENARIO, WORKLOAD
from grantcore.simulation.scenario.model import Scenario
from grantcore.simulation.scenario.reading import as_data
from grantcore.simulation.scenario.tables import Array, Kinds, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantcore.simulation.scenario.keys import Key
    from grantcore.simulation.scenario.tables import Entry

FOLDER: Final = Path(__file__).parent / "simulation"
WIDTH: Final = 100

KEYS_HEAD: Final = """\
# The keys of a scenario

A scenario is a TOML file. Every key may be absent; an empty file is the default scenario, which
[example.toml](example.toml) spells out. `N` is the number of a group of workers (`[[workers]]`) or of a row
of the mix (`[[workload.requirements]]`), from 0. `workload.kind` is one of {kinds}; keys that only some
kinds have say so. `--vary` takes the end of a key that no other has, with or without its unit.

| key | default | allowed | what it says |
|---|---|---|---|
"""

EXAMPLE_HEAD: Final = """\
# A scenario with every key and its default: run it by
#
#     grantcore simulate docs/simulation/example.toml
"""


def keys_page() -> str:
    """Write the table of all keys in Markdown."""
    head = KEYS_HEAD.format(kinds=", ".join(f"`{kind}`" for kind in WORKLOAD.kind.options))
    return head + "".join(f"{_row(key)}\n" for key in KEYS.values())


def _row(key: Key) -> str:
    says = f"{', '.join(key.kinds)}: {key.says}" if key.kinds else key.says
    return f"| `{key.path}` | {_default(key)} | {key.form.allowed} | {says} |"


def _default(key: Key) -> str:
    if key.default is attrs.NOTHING:
        return "must be there"
    return f"`{toml(key.default)}`"


def example() -> str:
    """Write a scenario in which each key stands with its default."""
    return EXAMPLE_HEAD + written(Scenario())


def written(scenario: Scenario) -> str:
    """Write a scenario as a file in which every key is explained."""
    return "\n".join(_lines(SCENARIO, "", as_data(scenario))) + "\n"


def _lines(table: Table, where: str, plain: object, *, explained: bool = True) -> Iterator[str]:
    """Write the keys of a table, then the tables in it."""
    values = cast("dict[str, object]", plain)
    for name, entry in table.entries.items():
        if not isinstance(entry.form, (Table, Kinds, Array)):
            yield from _line(name, entry, values[name], explained=explained)
    for name, entry in table.entries.items():
        yield from _inner(entry, f"{where}{name}", values[name])


def _line(name: str, entry: Entry, value: object, *, explained: bool) -> Iterator[str]:
    if explained:
        yield ""
        yield from (f"# {line}" for line in wrap(f"{entry.says} ({entry.allowed})", WIDTH - 2))
    yield f"{name} = {toml(value)}"


def _inner(entry: Entry, path: str, plain: object) -> Iterator[str]:
    """Write a table, or an array of tables, of which the first is explained."""
    if isinstance(entry.form, Table):
        yield f"\n[{path}]"
        yield from _lines(entry.form, f"{path}.", plain)
    elif isinstance(entry.form, Array):
        for number, row in enumerate(cast("list[object]", plain)):
            yield f"\n[[{path}]]"
            yield from _lines(entry.form.table, f"{path}.{number}.", row, explained=not number)
    elif isinstance(entry.form, Kinds):
        kind = str(cast("dict[str, object]", plain)["kind"])
        yield f"\n[{path}]\n# {entry.form.kind.allowed}\nkind = {toml(kind)}"
        yield from _lines(entry.form.tables[kind], f"{path}.", plain)


def toml(value: object) -> str:
    """Write a value as it stands in a scenario file.

    >>> toml(300000), toml(["gpu"]), toml({"q0": 1.0}), toml(True), toml(None)
    ('300_000', '["gpu"]', '{ "q0" = 1.0 }', 'true', '"none"')
    """
    if type(value) is list:
        return f"[{', '.join(toml(part) for part in cast('list[object]', value))}]"
    if type(value) is dict:
        pairs = cast("dict[str, object]", value).items()
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml(part)}" for name, part in pairs) + " }"
    if value is None:
        return toml(NONE)
    return f"{value:_}" if type(value) is int else json.dumps(value)


def main() -> None:
    """Write both."""
    (FOLDER / "keys.md").write_text(keys_page(), "utf-8")
    (FOLDER / "example.toml").write_text(example(), "utf-8")


if __name__ == "__main__":
    main()
