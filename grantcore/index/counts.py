"""How many executions are in each phase."""

from __future__ import annotations

from collections.abc import Iterable

from grantcore.model.phases import Phase


class Counts:
    """A number per phase, under the name of the phase: ``counts.leased``."""

    __slots__ = tuple(phase.value for phase in Phase)

    delayed: int
    eligible: int
    blocked: int
    leased: int
    lease_expired: int
    lease_revoked: int
    suspended: int
    succeeded: int
    failed: int
    cancelled: int
    expired: int

    def __init__(self) -> None:
        """Count none."""
        for phase in Phase:
            setattr(self, phase.value, 0)

    def add(self, phase: Phase, number: int) -> None:
        """Count ``number`` more in a phase. O(1)."""
        setattr(self, phase.value, getattr(self, phase.value) + number)

    def of(self, phases: Iterable[Phase]) -> int:
        """How many there are in any of ``phases``."""
        return sum(getattr(self, phase.value) for phase in phases)

    def by_phase(self) -> dict[Phase, int]:
        """All numbers."""
        return {phase: self.of((phase,)) for phase in Phase}
