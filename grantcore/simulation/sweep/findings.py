"""All that was found by a sweep: what tables, files and pictures are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from grantcore.simulation.sweep.advice import Advice, AdviceError, Bound, advise, objective
from grantcore.simulation.sweep.front import front
from grantcore.simulation.sweep.summary import OBJECTIVES, Summary, summaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantcore.simulation.sweep.runner import Outcome

DIMENSIONS: Final = 3


@attrs.frozen(kw_only=True)
class Question:
    """What is asked of a sweep.

    Attributes:
        trade_off: the three measures that settings trade, for the front and the picture: the upright axis,
            the level axis, and the size of the marks.
        objective: the measure by which a setting is advised; None: none is.
        bounds: what must be kept.
    """

    trade_off: tuple[str, str, str] = OBJECTIVES
    objective: str | None = None
    bounds: tuple[Bound, ...] = ()

    @classmethod
    def parse(cls, trade_off: str, metric: str | None, bounds: Sequence[str]) -> Question:
        """Read what the options say.

        Raises:
            AdviceError: a measure that is not known or has no better way, a bound that is none, or bounds
                without an objective.
        """
        names = tuple(objective(name.strip(), "--trade-off") for name in trade_off.split(","))
        if len(names) != DIMENSIONS or len(set(names)) < DIMENSIONS:
            raise AdviceError(f"--trade-off {trade_off!r}: must be three different measures")
        if bounds and metric is None:
            raise AdviceError(f"--subject-to {bounds[0]!r}: needs an --objective")
        return cls(
            trade_off=(names[0], names[1], names[2]),
            objective=None if metric is None else objective(metric),
            bounds=tuple(Bound.parse(bound) for bound in bounds),
        )

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that are shown: all that are asked for, each once."""
        asked = (self.objective, *(bound.metric for bound in self.bounds))
        return tuple(dict.fromkeys((*self.trade_off, *filter(None, asked))))


@attrs.frozen
class Findings:
    """The answer.

    Attributes:
        outcome: the runs.
        question: what was asked.
        summaries: of the settings, in the order of the plan.
        front: the places of those that no other one beats.
        advice: which to take.
    """

    outcome: Outcome
    question: Question
    summaries: tuple[Summary, ...]
    front: frozenset[int]
    advice: Advice

    @classmethod
    def of(cls, outcome: Outcome, question: Question) -> Findings:
        """Find front and advice. O(settings^2) at worst."""
        found = tuple(summaries(outcome.finished))
        points = [summary.costs(question.trade_off) for summary in found]
        unbeaten = front(points)
        return cls(outcome, question, found, unbeaten, _advice(outcome, question, found, len(unbeaten)))

    @property
    def violations(self) -> int:
        """How many violations the auditor found, in all runs."""
        return sum(summary.violations for summary in self.summaries)

    def mark(self, place: int) -> str:
        """Say of a setting whether it is advised, or on the front."""
        if self.summaries[place] is self.advice.chosen:
            return "take"
        return "front" if place in self.front else ""


def _advice(outcome: Outcome, question: Question, found: Sequence[Summary], unbeaten: int) -> Advice:
    """Advise, if an objective was stated."""
    if question.objective is not None:
        return advise(found, len(outcome.plan.seeds), question.objective, question.bounds, question.trade_off)
    traded = ", ".join(question.trade_off)
    return Advice(
        None,
        (),
        None,
        f"{unbeaten} of {len(found)} settings are on the front ({traded}). "
        "State an objective to be advised: --objective METRIC, --subject-to 'METRIC<=NUMBER'.",
    )
