"""What was measured, the goal it is held against, and both as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

OK: Final = {None: "", True: "met", False: "MISSED"}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: what was measured, in a few words.
        says: what exactly, in a sentence.
        measured: the number, or one for each of the group's sizes.
        unit: of the numbers.
        ratio: of the last number to ``base``, in the same run; None where nothing is compared.
        base: what the ratio is to.
        goal: what is wanted of the ratio, or of the number where there is none.
        stretch: what would be better still.
        wanted: whether ``goal`` is the most or the least there may be.
        of: whether goals are about the ratio or about the number.
        slope: of the cost over the sizes: it grows as ``size ** slope``.
    """

    what: str
    says: str
    measured: tuple[float, ...]
    unit: str
    ratio: float | None = None
    base: str = "floor"
    goal: float | None = None
    stretch: float | None = None
    wanted: Literal["<=", ">="] = "<="
    of: Literal["ratio", "number"] = "ratio"
    slope: float | None = None

    @property
    def ok(self) -> bool | None:
        """Whether the goal is met; None without one."""
        return None if self.goal is None else self._reaches(self.goal)

    def _reaches(self, goal: float) -> bool:
        number = self.measured[-1] if self._by_number else self.ratio
        assert number is not None
        return number <= goal if self.wanted == "<=" else number >= goal

    @property
    def _by_number(self) -> bool:
        return self.of == "number" or self.ratio is None

    def cells(self) -> tuple[str, ...]:
        """Its texts: goal, stretch, measured, ratio, and whether the goal is met."""
        unit = self.unit if self._by_number else f"x {self.base}"
        goal = "" if self.goal is None else f"{self.wanted} {self.goal:g} {unit}"
        stretch = "" if self.stretch is None else f"{self.stretch:g}"
        numbers = " / ".join(_short(number) for number in self.measured)
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} x {self.base}"
        if self.slope is not None:
            ratio += f", slope {self.slope:+.3f}"
        return goal, stretch, f"{numbers} {self.unit}", ratio, self._verdict()

    def _verdict(self) -> str:
        better = self.stretch is not None and self._reaches(self.stretch)
        return "met, and the stretch" if better else OK[self.ok]

    def data(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "ok": self.ok}


def _short(number: float) -> str:
    """Three digits that count, and no exponent."""
    digits = 0 if number >= 100 else 1 if number >= 10 else 2  # noqa: PLR2004 - as the sentence says
    return f"{number:,.{digits}f}"


@dataclass(frozen=True)
class Group:
    """The rows of one group.

    Attributes:
        name: as on the command line.
        says: what its numbers are, in a sentence or two.
        rows: what was measured.
        skipped: what could not be, and why.
    """

    name: str
    says: str
    rows: tuple[Row, ...]
    skipped: tuple[str, ...] = ()

    def data(self) -> dict[str, object]:
        """For JSON."""
        rows = [row.data() for row in self.rows]
        return {"name": self.name, "says": self.says, "rows": rows, "skipped": list(self.skipped)}


HEADINGS: Final = ("goal", "stretch", "measured", "ratio", "")


def text(group: Group) -> str:
    """Render a group in columns."""
    lines: list[tuple[str, ...]] = [
        (group.name, *HEADINGS),
        *((row.what, *row.cells()) for row in group.rows),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, tuple("-" * width for width in widths))
    table = "\n".join(_padded(cells, widths) for cells in lines)
    return "\n".join([table, *(f"skipped: {what}" for what in group.skipped)])


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
