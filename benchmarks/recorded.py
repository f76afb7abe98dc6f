"""What the last recorded run measured: ``recorded.json``, and what is written from it.

``python -m benchmarks --record`` writes the file, ``RESULTS.md`` from it, and README.md's two tables of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from benchmarks.guard import Ratios
from benchmarks.peers.everyone import ALL_LACK, PEERS
from benchmarks.rows import HEADINGS, Group, Row

HERE: Final = Path(__file__).parent
RECORDED: Final = HERE / "recorded.json"
RESULTS: Final = HERE / "RESULTS.md"
WRITTEN: Final = (
    "Written by `python -m benchmarks --record`; do not edit. One run; what is compared takes turns; medians "
    "of repeats; processor time."
)


@dataclass(frozen=True)
class Recorded:
    """One run of everything.

    Attributes:
        about: the machine, its Python, the command.
        groups: all rows.
        guard: the ratios that the guard compares with.
    """

    about: dict[str, str]
    groups: tuple[Group, ...]
    guard: Ratios

    def save(self, path: Path = RECORDED) -> None:
        """Write it as data."""
        path.write_text(json.dumps(self.data(), indent=1) + "\n", encoding="utf-8")

    def data(self) -> dict[str, object]:
        """For JSON."""
        return {"about": self.about, "groups": [group.data() for group in self.groups], "guard": self.guard}


def load(path: Path = RECORDED) -> Recorded:
    """Read what was saved."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Recorded(data["about"], tuple(_group(group) for group in data["groups"]), data["guard"])


def _group(data: dict[str, Any]) -> Group:
    return Group(data["name"], data["says"], tuple(_row(row) for row in data["rows"]), tuple(data["skipped"]))


def _row(data: dict[str, Any]) -> Row:
    values: dict[str, Any] = {field.name: data[field.name] for field in fields(Row)}
    values["measured"] = tuple(values["measured"])
    return Row(**values)


# -- as text ---------------------------------------------------------------------------------------


def markdown(recorded: Recorded) -> str:
    """Write RESULTS.md: every row of every group."""
    parts = [
        "# Recorded results",
        WRITTEN,
        "\n".join(f"* {name}: {value}" for name, value in recorded.about.items()),
    ]
    for group in recorded.groups:
        rows = [(f"{row.what}: {row.says}", *row.cells()) for row in group.rows]
        parts += [f"## {group.name}", group.says, _table((group.name, *HEADINGS), rows)]
        parts += [f"Skipped: {what}." for what in group.skipped]
    guarded = [(name, f"{ratio:.2f} x floor") for name, ratio in recorded.guard.items()]
    parts += ["## guard", "What `--guard` compares with.", _table(("guarded", "recorded"), guarded)]
    return "\n\n".join(parts) + "\n"


def goals(recorded: Recorded | None = None) -> str:
    """The rows with a goal, for the README."""
    recorded = recorded or load()
    rows = [
        (group.name, f"{row.what}: {row.says}", *row.cells())
        for group in recorded.groups
        for row in group.rows
        if row.goal is not None
    ]
    return f"{_about(recorded)}\n\n{_table(('group', 'what', *HEADINGS), rows)}"


def _about(recorded: Recorded) -> str:
    about = recorded.about
    return f"Measured on {about['python']}, {about['machine']}, {about['date']}; sizes: {about['sizes']}."


def peers(recorded: Recorded | None = None) -> str:
    """The peers, with what each can and what it lacks, for the README."""
    recorded = recorded or load()
    measured = {row.what: row for group in recorded.groups if group.name == "peers" for row in group.rows}
    rows = [
        (peer.name, *(_cost(measured.get(peer.name))), peer.does, peer.strength, peer.lacks) for peer in PEERS
    ]
    table = _table(("peer", "a lifecycle", "ratio", "of these calls", "what it can", "what it lacks"), rows)
    return f"{table}\n\n{ALL_LACK}"


def _cost(row: Row | None) -> tuple[str, str]:
    return ("not measured", "") if row is None else (row.cells()[2], row.cells()[3])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
