"""Chapter 3: the state, and how things are found in it."""

from __future__ import annotations

from collections.abc import Callable

from grantcore import (
    EngineConfig,
    ExecutionNotFound,
    IdSource,
    Phase,
    Registration,
)
from grantcore.testing.model import forms
from grantcore.testing.model.records import Budget, Execution, Key, Lane, Quota, Told


class World:
    """All there is, in lists."""

    def __init__(
        self,
        *,
        clock: Callable[[], int],
        ids: IdSource,
        config: EngineConfig = EngineConfig(),  # noqa: B008
    ) -> None:
        """An empty world."""
        self._clock = clock
        self._ids = ids
        self._config = config
        self._now = 0
        self._standing = False
        self._clamped: int = 0
        self._sequence = 0
        self.executions: list[Execution] = []
        self.keys: list[Key] = []
        self.lanes: list[Lane] = []
        self.quotas: list[Quota] = []
        self.budgets: list[Budget] = []
        self.workers: list[Registration] = []
        self._purged_epoch = 0
        """The highest epoch of any execution that is forgotten."""
        self._given_floor = 0
        """What ``restored`` was told."""
        self.story: list[Told] = []
        """The events since somebody emptied it."""

    def _tell(self, name: str, subject: str, at_ms: int) -> int:
        """Something has changed: give it its number."""
        self._sequence += 1
        self.story.append(Told(self._sequence, name, at_ms, subject))
        return self._sequence

    def _find(self, execution_id: object) -> Execution:
        known = self._known(forms.execution_id(execution_id))
        if known is None:
            raise ExecutionNotFound
        return known

    def _known(self, execution_id: str) -> Execution | None:
        return next((e for e in self.executions if e.execution_id == execution_id), None)

    def _lane(self, lane_id: str) -> Lane:
        for lane in self.lanes:
            if lane.lane_id == lane_id:
                return lane
        self.lanes.append(Lane(lane_id))
        return self.lanes[-1]

    def _by_end(self) -> list[Execution]:
        """Those that somebody works on, by the end of their lease and id."""

        def end(execution: Execution) -> tuple[int, str]:
            assert execution.lease is not None
            return (execution.lease.expires_at_ms, execution.execution_id)

        return sorted([e for e in self.executions if e.phase is Phase.LEASED], key=end)

    def _move(self, execution: Execution, phase: Phase, at_ms: int) -> None:
        """Enter a phase; a grant issued for the one before is void (D-04)."""
        execution.phase = phase
        execution.grant = None
        execution.last_transition_at_ms = execution.last_mutation_at_ms = at_ms
