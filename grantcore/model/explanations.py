"""Why an execution is not running now, as data and as text (SPEC 7)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from grantcore.model.grants import GrantRecord
from grantcore.model.leases import Lease
from grantcore.model.phases import OFFERED, Phase


@attrs.frozen
class Obstacle:
    """One thing in the way.

    Attributes:
        reason: FlowFabric's ``blocking_reason`` for it, or what holds the execution.
        detail: the same as a sentence.
        ends_at_ms: when time alone removes it; None: time does not.
    """

    reason: str
    detail: str
    ends_at_ms: int | None = None

    def __str__(self) -> str:
        """The detail, and until when."""
        return self.detail if self.ends_at_ms is None else f"{self.detail} (until {self.ends_at_ms})"


@attrs.frozen(kw_only=True)
class Explanation:
    """Why an execution is not running at ``at_ms``; instants in milliseconds.

    Attributes:
        execution_id: the execution.
        lane_id: its lane.
        phase: where it is in its life.
        public_state: FlowFabric's word for that.
        at_ms: the instant this is true of.
        obstacles: all that is in the way, what holds it first; empty: it waits for somebody to ask.
        lease: who works on it, or the lease that was lost.
        grant: who may take it.
        missing: the tokens that each live worker of the lane lacks, by instance; those that lack none too.
        next_change: what time will do to it next; None: nothing.
        next_change_at_ms: when.
    """

    execution_id: str
    lane_id: str
    phase: Phase
    public_state: str
    at_ms: int
    obstacles: tuple[Obstacle, ...] = ()
    lease: Lease | None = None
    grant: GrantRecord | None = None
    missing: Mapping[str, tuple[str, ...]]
    next_change: str | None = None
    next_change_at_ms: int | None = None

    def __str__(self) -> str:
        """The whole story, a line for each thing."""
        return "\n".join((self._head(), *self._body()))

    def _head(self) -> str:
        where = f"{self.execution_id} in lane {self.lane_id} is {self.phase.value} ({self.public_state})"
        return (
            f"{where} at {self.at_ms}:" if self.obstacles else f"{where} at {self.at_ms}: it may be granted"
        )

    def _body(self) -> list[str]:
        lines = [f"  {obstacle}" for obstacle in self.obstacles]
        if self.grant is None and self.phase in OFFERED:
            lines += [f"  {who} lacks {', '.join(lacks)}" for who, lacks in self.missing.items() if lacks]
        if self.next_change is not None:
            lines.append(f"  next: {self.next_change} at {self.next_change_at_ms}")
        return lines
