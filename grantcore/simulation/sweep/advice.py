"""Which setting to take, for a stated objective within stated bounds, in one sentence with its numbers.

Everything is judged by the mean over the seeds, and told with the least and the most. Of settings that are
equally good the one with the larger time to live is taken (fewer renewals, fewer leases lost to a pause),
then the one that is better in the measures that are traded, then the first by name. A setting that failed
with a seed, or in which the auditor found a violation, is not advised.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import attrs

from grantcore.simulation.measures import METRICS
from grantcore.simulation.sweep.summary import OBJECTIVES
from grantcore.simulation.sweep.wording import number, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantcore.simulation.sweep.summary import Summary

BOUND: Final = re.compile(r"\s*(\w+)\s*(<=|>=)\s*(\S+)\s*")


class AdviceError(ValueError):
    """An objective or a bound that cannot be used; the text names it and what is allowed."""


@attrs.frozen
class Bound:
    """What a measure must not exceed (``<=``) or fall short of (``>=``), in the unit of the measure."""

    metric: str
    sign: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> Bound:
        """Read ``METRIC<=NUMBER`` or ``METRIC>=NUMBER``.

        >>> str(Bound.parse("wasted_share <= 0.05"))
        'wasted_share <= 0.05'

        Raises:
            AdviceError: it is something else, or there is no such measure.
        """
        match = BOUND.fullmatch(text)
        if match is None:
            raise AdviceError(f"--subject-to {text!r}: must be METRIC<=NUMBER or METRIC>=NUMBER")
        metric, sign, limit = match.groups()
        _known("--subject-to", metric)
        try:
            value = float(limit)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise AdviceError(f"--subject-to {text!r}: {limit!r} is no finite number")
        return cls(metric, sign, value)

    def missed_by(self, summary: Summary) -> float:
        """Tell by how much a setting's mean misses it; 0: it does not."""
        excess = summary.spreads[self.metric].mean - self.limit
        return max(excess if self.sign == "<=" else -excess, 0.0)

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.limit:.15g}"


def objective(metric: str, option: str = "--objective") -> str:
    """Accept the name of a measure of which less, or more, is better.

    Raises:
        AdviceError: there is no such measure, or neither way is better.
    """
    _known(option, metric)
    if METRICS[metric].better == "neither":
        raise AdviceError(f"{option} {metric}: neither more nor less of it is better")
    return metric


def _known(option: str, metric: str) -> None:
    if metric not in METRICS:
        raise AdviceError(f"{option}: there is no measure {metric!r}; there are {', '.join(METRICS)}")


@attrs.frozen
class Advice:
    """What is advised.

    Attributes:
        objective: the measure; None: none was stated.
        bounds: that had to be kept.
        chosen: the setting; None: no objective was stated, or none satisfies the bounds.
        sentence: the answer.
    """

    objective: str | None
    bounds: tuple[Bound, ...]
    chosen: Summary | None
    sentence: str


def advise(
    found: Sequence[Summary],
    seeds: int,
    metric: str,
    bounds: Sequence[Bound] = (),
    traded: Sequence[str] = OBJECTIVES,
) -> Advice:
    """Choose among settings that were run to the end with all ``seeds`` and without a violation.

    O(settings * bounds). ``traded`` are measures that decide between equals.

    Raises:
        AdviceError: of the objective.
    """
    objective(metric)
    sound = [summary for summary in found if not summary.violations and len(summary.seeds) == seeds]
    fit = [summary for summary in sound if not any(bound.missed_by(summary) for bound in bounds)]
    chosen = min(fit, key=lambda summary: _rank(summary, metric, traded), default=None)
    if chosen is not None:
        sentence = _praise(chosen, metric, bounds, len(fit), len(found))
    elif sound:
        sentence = _regret(sound, bounds, traded)
    else:
        sentence = "No setting can be advised: none was run with every seed to its end without a violation."
    return Advice(metric, tuple(bounds), chosen, sentence)


def _rank(summary: Summary, metric: str, traded: Sequence[str]) -> tuple[float, int, tuple[float, ...], str]:
    """Order by the objective, the larger time to live, the measures that are traded, the name."""
    ttl_ms = summary.setting.scenario.leases.lease_ttl_ms
    return summary.cost(metric), -ttl_ms, summary.costs(traded), summary.setting.label


def _praise(chosen: Summary, metric: str, bounds: Sequence[Bound], fit: int, of: int) -> str:
    """Say what was chosen, and why."""
    best = "most" if METRICS[metric].better == "higher" else "least"
    among = f"the {fit} of {of} settings that satisfy {_all(bounds)}" if bounds else f"{of} settings"
    kept = "".join(f"; {_told(chosen, bound.metric)}" for bound in bounds if bound.metric != metric)
    seeds = len(chosen.seeds)
    over = f"mean and range over {seeds} seeds" if seeds > 1 else "one seed only"
    return f"Take {chosen.setting.label}: {_told(chosen, metric)}, the {best} of {among}{kept} ({over})."


def _regret(sound: Sequence[Summary], bounds: Sequence[Bound], traded: Sequence[str]) -> str:
    """Say that none satisfies the bounds, which one comes nearest, and what it misses by how much."""
    nearest = min(sound, key=lambda one: (_distance(one, bounds), _rank(one, bounds[0].metric, traded)))
    missed = [bound for bound in bounds if bound.missed_by(nearest)]
    told = " and ".join(
        f"misses {bound} by {number(bound.metric, bound.missed_by(nearest))} ({_told(nearest, bound.metric)})"
        for bound in missed
    )
    return f"No setting satisfies {_all(bounds)}. The nearest, {nearest.setting.label}, {told}."


def _told(summary: Summary, metric: str) -> str:
    return spread(metric, summary.spreads[metric])


def _distance(summary: Summary, bounds: Sequence[Bound]) -> float:
    """Add up by what share of its limit each bound is missed (of a limit of 0: by how much)."""
    return sum(bound.missed_by(summary) / (abs(bound.limit) or 1.0) for bound in bounds)


def _all(bounds: Sequence[Bound]) -> str:
    return " and ".join(str(bound) for bound in bounds)
