"""What was measured, and the goal it is held against, as a table or as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEADINGS: Final = ("what", "goal", "measured", "ratio", "ok")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: what was measured, per what.
        measured: the number.
        unit: of that number.
        ratio: to the median of ``base`` in the same run; None where nothing is compared.
        base: what the ratio is to.
        goal: the most that the ratio, or the number where there is none, may be.
    """

    what: str
    measured: float
    unit: str
    ratio: float | None = None
    base: str = "floor"
    goal: float | None = None

    @property
    def ok(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal is None:
            return None
        return (self.measured if self.ratio is None else self.ratio) <= self.goal

    def cells(self) -> tuple[str, ...]:
        """Its texts, in the order of the headings."""
        return (
            self.what,
            self._goal(),
            f"{self.measured:,.2f} {self.unit}",
            "" if self.ratio is None else f"{self.ratio:.2f} x {self.base}",
            {None: "", True: "yes", False: "NO"}[self.ok],
        )

    def _goal(self) -> str:
        if self.goal is None:
            return ""
        return f"<= {self.goal:g} {self.unit if self.ratio is None else f'x {self.base}'}"

    def data(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "ok": self.ok}


def table(rows: Iterable[Row]) -> str:
    """Render the rows in columns."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(_line(cells, widths) for cells in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
