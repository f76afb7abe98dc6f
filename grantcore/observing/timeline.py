"""Who held what, when: the intervals of leases, by worker and by execution, and a picture of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Literal

import attrs

from grantcore.events import Event
from grantcore.model import checks
from grantcore.model.errors import invalid
from grantcore.observing import tenures
from grantcore.observing.tenures import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Interval", "Lines", "Timeline"]

LIMIT: Final = 10_000
MAX_LIMIT: Final = 10_000_000

Lines = Literal["worker", "execution"]


OF: Final[dict[str, Callable[[Interval], str]]] = {
    "worker": lambda interval: interval.worker_instance_id,
    "execution": lambda interval: interval.execution_id,
}


class Timeline:
    """An observer that records; it forgets the oldest when it has ``limit`` that have ended.

    >>> from grantcore import GrantEngine, ManualClock
    >>> clock, timeline = ManualClock(), Timeline()
    >>> engine = GrantEngine(clock=clock)
    >>> _ = engine.subscribe(timeline)
    >>> _ = engine.create_execution(lane_id="main", execution_id="job-1")
    >>> _ = engine.operator("op").issue_grant_and_claim(
    ...     "job-1", worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=5_000)
    >>> _ = clock.advance(8_000)
    >>> _ = engine.advance()
    >>> [(i.worker_instance_id, i.began_at_ms, i.ended_at_ms, i.end) for i in timeline.intervals()]
    [('ann-1', 0, 5000, 'LeaseLapsed')]
    """

    def __init__(self, *, limit: int = LIMIT) -> None:
        """Begin with nothing.

        Args:
            limit: how many ended leases are kept, 1..10,000,000; the current ones are kept beside.

        Raises:
            InvalidInput: ``limit`` is malformed.
        """
        self._ended: deque[Interval] = deque(maxlen=checks.integer("limit", limit, 1, MAX_LIMIT))
        self._current: dict[tenures.Key, Interval] = {}

    def __call__(self, event: Event) -> None:
        """Record a beginning or an end. O(1)."""
        begun, ended = tenures.begun(event), tenures.ended(event)
        if begun is not None:
            self._current[tenures.key(begun)] = Interval(
                begun.execution_id,
                begun.lane_id,
                begun.worker_id,
                begun.worker_instance_id,
                begun.lease_epoch,
                begun.acquired_at_ms,
                None,
                None,
            )
        elif ended is not None:
            interval = self._current.pop(tenures.key(ended), None)
            if interval is not None:
                end = type(event).__name__
                self._ended.append(attrs.evolve(interval, ended_at_ms=event.at_ms, end=end))

    def intervals(
        self, *, worker_instance_id: str | None = None, execution_id: str | None = None
    ) -> tuple[Interval, ...]:
        """What is known, of one worker or execution or of all: the ended ones first, in order of their ends.

        O(intervals).
        """
        return tuple(
            interval
            for interval in (*self._ended, *self._current.values())
            if worker_instance_id in {None, interval.worker_instance_id}
            and execution_id in {None, interval.execution_id}
        )

    def draw(self, *, now_ms: int, by: Lines = "worker", ax: Axes | None = None) -> Axes:
        """Draw the intervals as bars, one line per worker instance or execution (extra ``plot``).

        Colours tell how a lease ended. Seconds run from the first beginning.

        Args:
            now_ms: how far to draw what goes on; ``engine.now_ms()``.
            by: what has a line, ``"worker"`` or ``"execution"``.
            ax: where to draw; default new axes, on a figure that no window shows.

        Returns:
            The axes; ``axes.figure.savefig("leases.png")`` writes a picture.

        Raises:
            InvalidInput: an argument is malformed.
            ImportError: matplotlib is not installed.

        O(intervals).
        """
        checks.instant("now_ms", now_ms)
        if by not in OF:
            raise invalid("by", '"worker" or "execution"')
        from grantcore.observing.drawing import draw  # noqa: PLC0415 - an extra

        return draw(lines(self.intervals(), OF[by]), now_ms, by, ax)


def lines(intervals: Iterable[Interval], name_of: Callable[[Interval], str]) -> dict[str, list[Interval]]:
    """Intervals by the name of their line, in order of the first beginning. O(n log n)."""
    grouped: dict[str, list[Interval]] = {}
    for interval in sorted(intervals, key=lambda interval: interval.began_at_ms):
        grouped.setdefault(name_of(interval), []).append(interval)
    return grouped
