"""The parts of README.md that are generated from the code.

``python -m tests.readme`` rewrites what stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``;
with ``--check`` it writes nothing and answers 1 if anything is not current. Every block is a pure
function of the table it shows.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, get_args

import attrs

from benchmarks import recorded
from grantcore import EngineConfig, GrantError, Phase
from grantcore.model import errors
from grantcore.model.life import LIFE, TIME_DRIVEN, EventType
from grantcore.model.phases import TERMINAL
from tests.proof.__main__ import RESULTS

README: Final = Path(__file__).parent.parent / "README.md"

Life = Mapping["Phase | None", Mapping[EventType, frozenset["Phase | None"]]]
Arrow = tuple[str, str]

ALIVE: Final = frozenset(phase for phase in Phase if phase not in TERMINAL)
_ALIVE_NODE: Final = "NOT_ENDED"
_ENDED_NODE: Final = "ENDED"
_NODES: Final = {_ALIVE_NODE: "any phase that has not ended", _ENDED_NODE: "any phase that has ended"}


# -- the diagram ---------------------------------------------------------------------------------


def diagram(life: Life = LIFE) -> str:
    """Draw the table as a Mermaid state diagram.

    Parallel edges are merged; what leads to its own phase is left to the table; what all living (or all
    ended) phases have in common is drawn once, from a node of its own.
    """
    arrows: dict[Arrow, list[str]] = {}
    shared = {_ALIVE_NODE: _shared(life, ALIVE), _ENDED_NODE: _shared(life, TERMINAL)}
    for source, target, event in _edges(life):
        node = _source_node(source, target, event, shared)
        names = arrows.setdefault((node, _node(target)), [])
        if event.__name__ not in names:
            names.append(event.__name__)
    lines = [f'    state "{text}" as {node}' for node, text in _NODES.items() if shared[node]]
    lines += [f"    {source} --> {target}: {', '.join(names)}" for (source, target), names in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def _node(phase: Phase | None) -> str:
    return "[*]" if phase is None else phase.name


def _edges(life: Life) -> Iterable[tuple[Phase | None, Phase | None, EventType]]:
    """The edges that lead to another phase, in the order of the table."""
    order = [None, *Phase]
    for source, ways in life.items():
        for event, targets in ways.items():
            for target in sorted(targets, key=order.index):
                if target is not source:
                    yield source, target, event


def _shared(life: Life, phases: Iterable[Phase]) -> set[tuple[EventType, Phase | None]]:
    """What every one of these phases has: an event, and where it leads."""
    found = [{(event, target) for _, target, event in _edges({phase: life[phase]})} for phase in phases]
    return set.intersection(*found)


def _source_node(
    source: Phase | None,
    target: Phase | None,
    event: EventType,
    shared: Mapping[str, set[tuple[EventType, Phase | None]]],
) -> str:
    node = _ENDED_NODE if source in TERMINAL else _ALIVE_NODE
    return node if source is not None and (event, target) in shared[node] else _node(source)


# -- the tables ----------------------------------------------------------------------------------


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def life_table(life: Life = LIFE) -> str:
    """Phase by phase: what may happen, and where it leads. Phases with the same row share it."""
    rows: dict[str, list[str]] = {}
    for phase, ways in life.items():
        rows.setdefault(_row(phase, ways), []).append("(none)" if phase is None else phase.name)
    return markdown(("phase", "what may happen to it"), ((", ".join(p), row) for row, p in rows.items()))


def _row(source: Phase | None, ways: Mapping[EventType, frozenset[Phase | None]]) -> str:
    """``Event, Event → PHASE``, events that lead to the same phases together; time's are in italics."""
    together: dict[str, list[str]] = {}
    for event, targets in ways.items():
        name = f"*{event.__name__}*" if event in TIME_DRIVEN else event.__name__
        together.setdefault(_targets(source, targets), []).append(name)
    return " · ".join(f"{', '.join(names)} → {targets}" for targets, names in together.items())


def _targets(source: Phase | None, targets: frozenset[Phase | None]) -> str:
    order = [None, *Phase]
    names = ["(none)" if phase is None else phase.name for phase in sorted(targets, key=order.index)]
    return "same" if targets == {source} else ", ".join(names)


def error_table(root: type[GrantError] = GrantError) -> str:
    """Every code by its class, with the builtin exception it also is."""
    rows: dict[tuple[str, str], list[str]] = {}
    for error in _codes(root):
        rows.setdefault((error.error_class, _builtins(error)), []).append(f"`{error.code}`")
    order = sorted(rows, key=lambda row: (_KINDS.index(row[0]), row[1] != "-"))
    return markdown(("error_class", "is also", "codes"), ((*row, ", ".join(rows[row])) for row in order))


_KINDS: Final = get_args(errors.ErrorClass)


def _codes(root: type[GrantError]) -> list[type[GrantError]]:
    """The classes that are raised: the leaves of our own tree, in the order they were written."""
    below = [child for child in root.__subclasses__() if child.__module__ == errors.__name__]
    return [leaf for child in below for leaf in _codes(child)] if below else [root]


def _builtins(error: type[GrantError]) -> str:
    """The nearest builtin parents beside ``Exception``."""
    own = [base for base in error.__mro__ if base.__module__ == "builtins"]
    nearest = [
        base
        for base in own
        if base not in (Exception, BaseException, object)
        and not any(other is not base and issubclass(other, base) for other in own)
    ]
    return ", ".join(f"`{base.__name__}`" for base in nearest) or "-"


def limit_table(config: type[EngineConfig] = EngineConfig) -> str:
    """Every setting with its default; maximum and meaning are those of the docstring."""
    documented = _documented(config.__doc__ or "")
    rows = []
    for field in attrs.fields(config):
        _, maximum, meaning = documented[field.name]
        default = f"{field.default:,}" if type(field.default) is int else str(field.default)
        rows.append((f"`{field.name}`", default, maximum, meaning))
    return markdown(("setting", "default", "maximum", "meaning"), rows)


def _documented(docstring: str) -> dict[str, tuple[str, str, str]]:
    """Read the table in the docstring: setting -> default, maximum, meaning."""
    rows = (re.split(r"\s{2,}", line.strip(), maxsplit=3) for line in docstring.splitlines())
    return {row[0]: (row[1], row[2], row[3]) for row in rows if len(row) == 4}


def proof_table(results: Path = RESULTS) -> str:
    """What the last recorded run of the proof reached: the table of its file."""
    return "\n".join(line for line in results.read_text(encoding="utf-8").splitlines() if line[:1] == "|")


# -- the file ------------------------------------------------------------------------------------

BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "life-cycle diagram": diagram,
    "life-cycle table": life_table,
    "errors": error_table,
    "limits": limit_table,
    "proof": proof_table,
    "speed": recorded.goals,
    "peers": recorded.peers,
}


class BlockMissing(Exception):
    """README.md has no such block, or more than one."""


def rewrite(text: str, blocks: Mapping[str, Callable[[], str]] = BLOCKS) -> str:
    """The text with every generated block made current.

    Raises:
        BlockMissing: the markers of a block are not there exactly once.
    """
    for name, make in blocks.items():
        pattern = rf"(<!-- generated: {re.escape(name)} -->\n).*?(\n?<!-- end -->)"
        found = re.findall(pattern, text, flags=re.DOTALL)
        if len(found) != 1:
            raise BlockMissing(f"README.md must have one block 'generated: {name}', it has {len(found)}")
        block = f"{found[0][0]}\n{make()}\n\n<!-- end -->"
        text = re.sub(pattern, block.replace("\\", r"\\"), text, flags=re.DOTALL)
    return text


def main(arguments: list[str], readme: Path = README) -> int:
    """Rewrite the file, or only tell whether it is current."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m tests.readme [--check]", file=sys.stderr)
        return 2
    text = readme.read_text(encoding="utf-8")
    current = rewrite(text)
    if arguments:
        print(
            "README.md is current" if text == current else "README.md is not current: python -m tests.readme"
        )
        return int(text != current)
    readme.write_text(current, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
