"""An outcome as a table: a rich one on a terminal, plain aligned text elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantcore.simulation.outcome import Outcome

SHOWN_VIOLATIONS: Final = 10
MINUTE_MS: Final = 60_000

Row = tuple[str, str]


def rows(outcome: Outcome, wall_s: float) -> list[Row]:
    """List what is reported: a name and a text each."""
    return [
        ("jobs", f"{outcome.jobs:,}"),
        ("  succeeded", f"{outcome.succeeded:,}"),
        ("  failed", f"{outcome.failed:,}"),
        ("makespan", duration(outcome.makespan_ms)),
        *_waits(outcome.waits_ms),
        ("leases", f"{outcome.leases:,}"),
        ("  renewals", f"{outcome.renewals:,}"),
        ("  reclaims", f"{outcome.reclaims:,}"),
        ("retries", f"{outcome.retries:,}"),
        ("worker crashes", f"{outcome.crashes:,}"),
        ("workers late", f"{outcome.stalls:,}"),
        ("refused stale calls", f"{sum(outcome.refused.values()):,}"),
        *((f"  {code}", f"{times:,}") for code, times in outcome.refused.items()),
        ("events", f"{outcome.events:,}"),
        ("invariants checked", f"{outcome.checks:,} times"),
        *_audit(outcome.violations),
        ("digest", outcome.digest),
        ("wall time", f"{wall_s:.1f} s"),
    ]


def _waits(waits_ms: Sequence[int]) -> Iterator[Row]:
    """Sum up how long jobs waited."""
    mean_ms = sum(waits_ms) // max(len(waits_ms), 1)
    yield "wait, mean", duration(mean_ms)
    for percent in (50, 95):
        yield f"wait, p{percent}", duration(percentile(waits_ms, percent))
    yield "wait, max", duration(percentile(waits_ms, 100))


def _audit(violations: Sequence[str]) -> Iterator[Row]:
    """Say what the audit found, the first few in full."""
    yield "audit", f"{len(violations):,} violations" if violations else "clean"
    for violation in violations[:SHOWN_VIOLATIONS]:
        yield "  violation", violation


def percentile(ordered: Sequence[int], percent: int) -> int:
    """Give the nearest-rank percentile, 1..100, of sorted numbers; 0 of none.

    >>> percentile([1, 2, 3, 4], 50), percentile([1, 2, 3, 4], 95), percentile([], 50)
    (2, 4, 0)
    """
    rank = -(-percent * len(ordered) // 100)
    return ordered[rank - 1] if ordered else 0


def duration(ms: int) -> str:
    """Write milliseconds for people.

    >>> duration(950), duration(3_725_000), duration(90_061_001)
    ('0.950 s', '1:02:05', '1 d 1:01:01')
    """
    if ms < MINUTE_MS:
        return f"{ms // 1000}.{ms % 1000:03d} s"
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (f"{days:,} d " if days else "") + f"{hours}:{minutes:02d}:{seconds:02d}"


def plain(lines: Sequence[Row]) -> str:
    """Align the names; one line a row.

    >>> print(plain([("jobs", "2"), ("makespan", "9.000 s")]))
    jobs      2
    makespan  9.000 s
    """
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:{width}}  {text}" for name, text in lines)


def table(lines: Sequence[Row]) -> Table:
    """Draw the same rows for a terminal."""
    drawn = Table(show_header=False, title="grantcore simulate")
    drawn.add_column(style="bold")
    drawn.add_column(overflow="fold")
    for name, text in lines:
        drawn.add_row(name, text)
    return drawn
