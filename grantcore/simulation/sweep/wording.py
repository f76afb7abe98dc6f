"""Measures as people read them: a duration in its unit, a share as it is, and the spread over seeds."""

from __future__ import annotations

from typing import Final

from grantcore.simulation.measures import METRICS
from grantcore.simulation.sweep.summary import Spread

S_MS: Final = 1_000
MINUTE_MS: Final = 60 * S_MS
HOUR_MS: Final = 60 * MINUTE_MS
WITHOUT_UNIT: Final = ("share", "index")
LONG: Final = 3
"""So many of a unit are told in it: 2 minutes are 120 s, 3 minutes are 3.00 min."""


def number(metric: str, value: float) -> str:
    """Write a value of a measure with its unit, to three digits.

    >>> number("recovery_p95_ms", 2_500.0), number("recovery_p95_ms", 15_000_000.0)
    ('2.50 s', '4.17 h')
    >>> number("wasted_share", 0.05), number("renewals_per_hour", 1234.5)
    ('0.05', '1,230 calls/h')
    """
    text, unit = _parts(metric, value, value)
    return f"{text} {unit}".rstrip()


def _parts(metric: str, value: float, scale: float) -> tuple[str, str]:
    """Write a value in the unit in which ``scale`` is written, and name the unit; empty: it has none."""
    unit = METRICS[metric].unit
    if unit != "ms":
        return digits(value), "" if unit in WITHOUT_UNIT else unit
    for name, length in (("h", HOUR_MS), ("min", MINUTE_MS), ("s", S_MS)):
        if abs(scale) >= (length if name == "s" else LONG * length):
            return _fixed(value / length), name
    return f"{value:.0f}", unit


def _fixed(value: float) -> str:
    """Write a number to three digits, without dropping zeros."""
    size = abs(value)
    return f"{value:,.{2 if size < 10 else 1 if size < 100 else 0}f}"  # noqa: PLR2004  # the places of the digits


def digits(value: float) -> str:
    """Write a number to three digits.

    >>> digits(0.0123456), digits(1_234_567), digits(2.0)
    ('0.0123', '1,230,000', '2')
    """
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if abs(rounded) >= S_MS else f"{rounded:g}"


def words(metric: str, unit: str) -> str:
    """Name a measure, and its unit if it is not empty.

    >>> words("recovery_p95_ms", "min"), words("wasted_share", "share")
    ('recovery p95 (min)', 'wasted share')
    """
    name = metric.removesuffix("_ms").replace("_", " ")
    return name if unit in WITHOUT_UNIT or not unit else f"{name} ({unit})"


def mean(metric: str, found: Spread) -> str:
    """Write the mean over seeds, in the unit in which ``span`` tells the range.

    >>> mean("recovery_p95_ms", Spread(121_000.0, 60_000, 192_000))
    '2.02 min'
    """
    text, unit = _parts(metric, found.mean, found.most)
    return f"{text} {unit}".rstrip()


def span(metric: str, found: Spread) -> str:
    """Write a range over seeds; empty: it has none that would be seen.

    >>> span("recovery_p95_ms", Spread(2_500.0, 2_000, 3_000)), span("wasted_share", Spread(0.05, 0.05, 0.05))
    ('2.00 to 3.00 s', '')
    """
    least, _ = _parts(metric, found.least, found.most)
    most, unit = _parts(metric, found.most, found.most)
    return "" if least == most else f"{least} to {most} {unit}".rstrip()


def cell(metric: str, text: str) -> str:
    """Leave a unit out that is the same in the whole column of a table: durations differ in theirs.

    >>> cell("renewals_per_hour", "7 to 12 calls/h"), cell("recovery_p95_ms", "2.50 s")
    ('7 to 12', '2.50 s')
    """
    return text.removesuffix(f" {METRICS[metric].unit}")


def spread(metric: str, found: Spread) -> str:
    """Write a measure of a setting: its name, the mean, and the range over the seeds if there is one."""
    between = span(metric, found)
    return f"{metric} {mean(metric, found)}" + (f" ({between})" if between else "")
