"""All that was found by a sweep: what tables, files and pictures are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from grantcore.simulation.sweep.advice import Advice, AdviceError, Bound, advise, objective
from grantcore.simulation.sweep.front import front
from grantcore.simulation.sweep.summary import OBJECTIVES, Summary, summaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantcore.simulation.sweep.runner import Outcome

DIMENSIONS = 3


@attrs.frozen(kw_only=True)
class Question:
    """What is asked of a sweep.

    Attributes:
        trade_off: the three measures that settings trade, for the front and the picture: the upright axis, the
            level axis, and the size of the marks.
        objective: the measure by which a setting is advised.
        bounds: what must be kept.
    """

    trade_off: tuple[str, str, str] = OBJECTIVES
    objective: str = OBJECTIVES[0]
    bounds: tuple[Bound, ...] = ()

    @classmethod
    def parse(cls, trade_off: str, metric: str, bounds: Sequence[str]) -> Question:
        """Read what the options say.

        Raises:
            AdviceError: a measure that is not known or has no better way, or a bound that is none.
        """
        names = tuple(objective(name.strip(), "--trade-off") for name in trade_off.split(","))
        if len(names) != DIMENSIONS or len(set(names)) < DIMENSIONS:
            raise AdviceError(f"--trade-off {trade_off!r}: must be three different measures")
        return cls(
            trade_off=(names[0], names[1], names[2]),
            objective=objective(metric),
            bounds=tuple(Bound.parse(bound) for bound in bounds),
        )

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that are shown: all that are asked for, each once."""
        bounded = (bound.metric for bound in self.bounds)
        return tuple(dict.fromkeys((*self.trade_off, self.objective, *bounded)))


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
        return cls(
            outcome, question, found, front(points), advise(found, question.objective, question.bounds)
        )

    @property
    def violations(self) -> int:
        """How many violations the auditor found, in all runs."""
        return sum(summary.violations for summary in self.summaries)

    def mark(self, place: int) -> str:
        """Say of a setting whether it is advised, or on the front."""
        if self.summaries[place] is self.advice.chosen:
            return "take"
        return "front" if place in self.front else ""
