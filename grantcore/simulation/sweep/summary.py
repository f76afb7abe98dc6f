"""Results by setting: mean, least and most of every measure over the seeds."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

import attrs

from grantcore.simulation.measures import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from grantcore.simulation.sweep.plan import Setting
    from grantcore.simulation.sweep.runner import Finished

OBJECTIVES: Final = ("recovery_p95_ms", "wasted_share", "renewals_per_hour")
"""What a time to live trades: how late a lost job goes on, what is done twice, the load of heartbeats."""


@attrs.frozen
class Spread:
    """One measure of one setting, over its seeds."""

    mean: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Sum up at least one value; the order of the values does not matter.

        >>> Spread.of([1, 2, 6])
        Spread(mean=3.0, least=1, most=6)
        """
        return cls(fmean(values), min(values), max(values))


@attrs.frozen
class Summary:
    """What came of one setting.

    Attributes:
        setting: which.
        seeds: those that have a result.
        spreads: by name of the measure (``METRICS``).
        violations: that the auditor found, over all seeds.
    """

    setting: Setting
    seeds: tuple[int, ...]
    spreads: Mapping[str, Spread]
    violations: int

    def cost(self, metric: str) -> float:
        """Give the mean of a measure, negated where more is better."""
        mean = self.spreads[metric].mean
        return -mean if METRICS[metric].better == "higher" else mean

    def costs(self, metrics: Iterable[str]) -> tuple[float, ...]:
        """Give the place of the setting among others: less is better, in every coordinate."""
        return tuple(self.cost(metric) for metric in metrics)


def summaries(finished: Iterable[Finished]) -> list[Summary]:
    """Sum up each setting that has a result, in the order in which they come. O(runs * measures)."""
    rows: dict[str, list[Finished]] = {}
    for one in finished:
        rows.setdefault(one.run.setting.label, []).append(one)
    return [_summary(row) for row in rows.values()]


def _summary(row: Sequence[Finished]) -> Summary:
    return Summary(
        row[0].run.setting,
        tuple(one.run.seed for one in row),
        {name: Spread.of([one.result.measures[name] for one in row]) for name in METRICS},
        sum(one.result.violations for one in row),
    )
