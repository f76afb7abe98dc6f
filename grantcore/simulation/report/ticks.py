"""Where an axis of time has its ticks, and what stands there: from milliseconds to years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TICKS: Final = 9
MOST_LOG_TICKS: Final = 12

_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1))

_STEPS_MS: Final = tuple(
    count * unit_ms
    for unit_ms, counts in (
        (1, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
        (1_000, (1, 2, 5, 10, 15, 30)),
        (60_000, (1, 2, 5, 10, 15, 30)),
        (3_600_000, (1, 2, 3, 6, 12)),
        (86_400_000, (1, 2, 5, 7, 14)),
    )
    for count in counts
)
"""Steps of a linear axis; longer ones are ``_LONG_STEPS_MS``."""

_LONG_STEPS_MS: Final = tuple(
    count * 10**power * 86_400_000 for power in range(1, 12) for count in (2, 3, 5, 10)
)


def _logarithmic(counts_of_units: Sequence[tuple[int, Sequence[int]]]) -> tuple[int, ...]:
    """Give ticks of a logarithmic axis, in order, in milliseconds."""
    return tuple(unit_ms * count for unit_ms, counts in counts_of_units for count in counts)


def _decades(*counts: int) -> tuple[int, ...]:
    """Repeat counts in every power of ten."""
    return tuple(count * 10**power for power in range(12) for count in counts)


_LOG_TICKS_MS: Final = (
    _logarithmic(
        (
            (
                1,
                (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400, 500, 600, 800),
            ),
            (1_000, (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)),
            (60_000, (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)),
            (3_600_000, (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 21)),
            (86_400_000, (1, 2, 3, 4, 5, 6, 8, *_decades(10, 12, 15, 20, 25, 30, 40, 50, 60, 80))),
        )
    ),
    _logarithmic(
        (
            (1, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
            (1_000, (1, 2, 3, 5, 10, 15, 20, 30, 45)),
            (60_000, (1, 2, 3, 5, 10, 15, 20, 30, 45)),
            (3_600_000, (1, 2, 3, 4, 6, 8, 12, 18)),
            (86_400_000, _decades(1, 2, 3, 5)),
        )
    ),
    _logarithmic(
        (
            (1, (1, 3, 10, 30, 100, 300)),
            (1_000, (1, 3, 10, 30)),
            (60_000, (1, 3, 10, 30)),
            (3_600_000, (1, 3, 8)),
            (86_400_000, _decades(1, 3)),
        )
    ),
    _logarithmic(
        (
            (1, (1, 10, 100)),
            (1_000, (1, 10)),
            (60_000, (1, 10)),
            (3_600_000, (1,)),
            (86_400_000, _decades(1)),
        )
    ),
    _logarithmic(
        ((1, (1,)), (1_000, (1,)), (60_000, (1,)), (3_600_000, (1,)), (86_400_000, (1, 100, 10**5)))
    ),
)
"""Ticks of a logarithmic axis, the finest first."""


def short(ms: int) -> str:
    """Write a duration in as few letters as it takes, rounded down to its largest unit or the next one.

    >>> short(300_000), short(90_000), short(93_784_000), short(3_600_000), short(0)
    ('5 min', '1 min 30 s', '1 d 2 h', '1 h', '0')
    """
    for place, (unit, unit_ms) in enumerate(_UNITS):
        whole, rest_ms = divmod(ms, unit_ms)
        if whole:
            text = f"{whole:,} {unit}"
            if unit == "ms" or whole >= 10:  # noqa: PLR2004
                return text
            smaller, smaller_ms = _UNITS[place + 1]
            more = rest_ms // smaller_ms
            return f"{text} {more} {smaller}" if more else text
    return "0"


def linear(span_ms: int) -> tuple[int, ...]:
    """Choose ticks from 0 to a span: whole units, at most ``MOST_TICKS``.

    >>> [short(tick) for tick in linear(200_000_000)]
    ['0', '12 h', '1 d', '1 d 12 h', '2 d']
    """
    steps = (*_STEPS_MS, *_LONG_STEPS_MS)
    step_ms = next(step for step in steps if span_ms // step < MOST_TICKS)
    return tuple(range(0, span_ms + 1, step_ms))


def logarithmic(low_ms: float, high_ms: float) -> tuple[int, ...]:
    """Choose ticks between two durations: the finest set that has at most ``MOST_LOG_TICKS`` there.

    >>> [short(tick) for tick in logarithmic(900, 4_000_000)]
    ['1 s', '3 s', '10 s', '30 s', '1 min', '3 min', '10 min', '30 min', '1 h']
    """
    inside = [tuple(tick for tick in ticks if low_ms <= tick <= high_ms) for ticks in _LOG_TICKS_MS]
    return next((ticks for ticks in inside if len(ticks) <= MOST_LOG_TICKS), inside[-1])
