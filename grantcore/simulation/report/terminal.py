"""A report in the terminal: rich tables, or plain aligned text where nobody sees colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.table import Table
from rich.text import Text

from grantcore.simulation.report import sections, setting, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from grantcore.simulation.measures import LaneMeasures, Measures
    from grantcore.simulation.record import Record

SHOWN_VIOLATIONS: Final = 10
SHOWN_LANES: Final = 12
LONGEST_NAME: Final = 24
LEAST_WIDTH: Final = 9

Cells = tuple[str, ...]


@attrs.frozen(kw_only=True)
class Block:
    """A table in words.

    Attributes:
        title: over it.
        heads: of the columns after the first; empty: none.
        rows: a name and its cells.
        notes: sentences under it.
        prose: cells are texts and not numbers.
        narrow: may stand beside others.
        alarming: shown in red.
    """

    title: str
    heads: Cells = ()
    rows: tuple[Cells, ...] = ()
    notes: tuple[str, ...] = ()
    prose: bool = False
    narrow: bool = False
    alarming: bool = False


def show(record: Record, measures: Measures, console: Console, *, wall_s: float | None = None) -> None:
    """Print the report: tables if the console is a terminal, plain text if not.

    Args:
        record: what came of the run.
        measures: of it.
        console: where to.
        wall_s: how long it took, in seconds of the wall clock; None: nobody looked.
    """
    shown = blocks(record, measures, wall_s)
    if not console.is_terminal:
        console.print(Text(plain(shown)), soft_wrap=True)
        return
    console.print(_table(shown[0]))
    console.print(Columns([_table(block) for block in shown if block.narrow], padding=(0, 3)))
    for block in shown[1:]:
        if not block.narrow:
            console.print(_table(block))


def blocks(record: Record, measures: Measures, wall_s: float | None = None) -> tuple[Block, ...]:
    """List what is shown, in order: what was run first, the verdict of the auditor last."""
    return (
        Block(title="Run", rows=tuple(setting.lines(record.scenario)), prose=True),
        *(_section(section) for section in sections.sections(measures)),
        _times(measures),
        *_lanes(measures.lanes),
        _audit(record, wall_s),
    )


def plain(shown: Sequence[Block]) -> str:
    """Align the cells of each block; an empty line between blocks.

    >>> print(plain([Block(title="Time", heads=("p50",), rows=(("wait", "1:02:05"),))]))
    Time          p50
      wait    1:02:05
    """
    return "\n\n".join("\n".join(_plain_lines(block)) for block in shown)


def _plain_lines(block: Block) -> Iterator[str]:
    """Write a block: heads beside its title, names on the left, numbers on the right."""
    rows = [(block.title, *block.heads), *(("  " + name, *cells) for name, *cells in block.rows)]
    widths = [max(map(len, column)) for column in _columns(rows)]
    for name, *cells in rows:
        line = [name.ljust(widths[0])]
        for cell, width in zip(cells, widths[1:], strict=False):
            line.append(cell if block.prose else cell.rjust(max(width, LEAST_WIDTH)))
        yield "  ".join(line).rstrip()
    for note in block.notes:
        yield "  " + note


def _columns(rows: Sequence[Cells]) -> list[list[str]]:
    """Turn rows, some of them short, into columns."""
    return [
        [row[index] for row in rows if index < len(row)] for index in range(max(len(row) for row in rows))
    ]


def _table(block: Block) -> Table:
    """Draw a block."""
    columns = len(_columns([("", *block.heads), *block.rows]))
    drawn = Table(
        box=SIMPLE_HEAD,
        title=Text(block.title, style="bold"),
        title_justify="left",
        caption=Text("\n".join(block.notes), style="bold red" if block.alarming else "dim")
        if block.notes
        else None,
        caption_justify="left",
        show_header=bool(block.heads),
        show_edge=False,
        pad_edge=False,
    )
    for index in range(columns):
        head = block.heads[index - 1] if 0 < index <= len(block.heads) else ""
        drawn.add_column(
            Text(head), justify="left" if block.prose or index == 0 else "right", overflow="fold"
        )
    for row in block.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn


def _section(section: sections.Section) -> Block:
    """Show the rows of a section; their labels say the unit."""
    rows = tuple((row.label, row.text) for row in section.rows)
    return Block(title=section.title, rows=rows, narrow=True)


def _times(measures: Measures) -> Block:
    """Show the percentiles of the durations."""
    rows = tuple((what, *(row.text for row in sections.spread(measures, what))) for what in sections.SPREADS)
    return Block(title="Time", heads=sections.SPREAD_COLUMNS, rows=rows)


def _lanes(lanes: Sequence[LaneMeasures]) -> Iterator[Block]:
    """Show the lanes with the most jobs."""
    if not lanes:
        return
    busiest = sections.busiest(lanes, SHOWN_LANES)
    rows = tuple(
        (words.safe(lane.lane_id, LONGEST_NAME), *(row.text for row in sections.lane_rows(lane)))
        for lane in busiest
    )
    hidden = len(lanes) - len(busiest)
    yield Block(
        title="Lanes, means",
        heads=tuple(row.label for row in sections.lane_rows(busiest[0])),
        rows=rows,
        notes=(f"{hidden:,} more lanes: see the JSON",) if hidden else (),
    )


def _audit(record: Record, wall_s: float | None) -> Block:
    """Give the verdict of the auditor, the first violations in full, and the digests."""
    count = record.found
    verdict = f"{count:,} violations" if count else "clean"
    digests = (
        ("event digest", words.safe(record.event_digest)),
        ("state digest", words.safe(record.state_digest)),
    )
    wall = () if wall_s is None else (("wall time", f"{wall_s:.1f} s"),)
    return Block(
        title="Verdict",
        rows=(("audit", verdict), *digests, *wall),
        notes=tuple(words.safe(text) for text in record.violations[:SHOWN_VIOLATIONS]),
        prose=True,
        alarming=bool(count),
    )
