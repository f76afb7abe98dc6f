"""Counters of events and the engine's own gauges, as one snapshot.

Counters only rise: how often each event was told since the observer was subscribed. Gauges are
``engine.stats()`` of the instant of the snapshot: one table of counts that the engine keeps anyway, so there
is no second bookkeeping here that could disagree.

What cannot be seen: refusals. A call that is refused changes nothing and so is no event (SPEC 10); the one
exception is a capability mismatch (X18). Whoever wants to count refusals counts ``GrantError.code`` where
the calls are made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import attrs

from grantcore.events import Event
from grantcore.model.outcomes import EngineStats
from grantcore.model.values import FrozenDict


@attrs.frozen
class MetricsSnapshot:
    """What was counted until now, and what there is now."""

    events: Mapping[str, int]
    gauges: EngineStats

    @property
    def lapses(self) -> int:
        """Leases that ran out."""
        return self._count("LeaseLapsed")

    @property
    def grant_lapses(self) -> int:
        """Grants that nobody used in time."""
        return self._count("GrantLapsed")

    @property
    def reclaims(self) -> int:
        """Lost leases that somebody took over."""
        return self._count("LeaseReclaimed")

    @property
    def ended(self) -> Mapping[str, int]:
        """Ends of executions by their event: Completed, Failed, Cancelled, and so on."""
        names = ("Completed", "Failed", "ReclaimCapReached", "Cancelled", "DeadlinePassed")
        return FrozenDict({name: self._count(name) for name in names})

    def _count(self, name: str) -> int:
        return self.events.get(name, 0)


class Metrics:
    """An observer that counts.

    >>> from grantcore import GrantEngine, Phase
    >>> engine, metrics = GrantEngine(), Metrics()
    >>> with engine.subscribe(metrics):
    ...     for _ in range(3):
    ...         _ = engine.create_execution(lane_id="main")
    >>> snapshot = metrics.snapshot(engine.stats())
    >>> snapshot.events, snapshot.gauges.executions_by_phase[Phase.ELIGIBLE]
    (FrozenDict({'Created': 3}), 3)
    """

    def __init__(self) -> None:
        """Begin to count at zero."""
        self._counts: Counter[str] = Counter()

    def __call__(self, event: Event) -> None:
        """Count an event. O(1)."""
        self._counts[type(event).__name__] += 1

    def snapshot(self, gauges: EngineStats) -> MetricsSnapshot:
        """The counts, beside what ``engine.stats()`` says now.

        ``gauges`` is an argument because an observer may not call the engine, and has none. O(kinds).
        """
        return MetricsSnapshot(FrozenDict(self._counts.copy()), gauges)
