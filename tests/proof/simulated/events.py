"""What must follow from the events: order, edges of the table, ends of grants and leases. O(1) each."""

from __future__ import annotations

from collections import Counter
from typing import Final

from grantcore import EngineStats, Phase
from grantcore.events import (
    Created,
    Event,
    ExecutionEvent,
    GrantIssued,
    GrantLapsed,
    GrantWithdrawn,
    LeaseAcquired,
    LeaseLapsed,
    LeaseReclaimed,
    LeaseRenewed,
    Purged,
)
from grantcore.model.life import LIFE
from tests.proof.simulated.leases import Violation

EDGES: Final = frozenset(
    (source, event, target)
    for source, ways in LIFE.items()
    for event, targets in ways.items()
    for target in targets
)


class Events:
    """The auditor of events."""

    def __init__(self) -> None:
        self.sequence = self.at_ms = self.floor = 0
        self.phases: dict[str, Phase] = {}
        self.epochs: dict[str, int] = {}
        self.expires: dict[str, int] = {}
        self.counts: Counter[type[Event]] = Counter()
        self.ends: Counter[str] = Counter()
        self.edges: set[tuple[Phase | None, type[Event], Phase | None]] = set()

    def hear(self, event: Event) -> None:
        """Judge the next event."""
        if event.sequence != self.sequence + 1 or event.at_ms < self.at_ms:
            raise Violation(f"I-65: after number {self.sequence} at {self.at_ms} came {event}")
        self.sequence, self.at_ms = event.sequence, event.at_ms
        self.counts[type(event)] += 1
        if isinstance(event, ExecutionEvent):
            self._of_execution(type(event), event)

    def _of_execution(self, kind: type[ExecutionEvent], event: ExecutionEvent) -> None:
        name, phase = event.execution_id, event.phase
        edge = (self.phases.get(name), kind, phase)
        if edge not in EDGES:
            raise Violation(f"I-33: {edge[0]} does not go to {phase} by {event}")
        self.edges.add(edge)
        if event.voided_grant is not None:
            self.ends[_ended_by(kind)] += 1
        if isinstance(event, (LeaseAcquired, LeaseReclaimed)):
            self._acquired(event)
        elif isinstance(event, LeaseRenewed):
            self.expires[name] = event.lease.expires_at_ms
        elif isinstance(event, LeaseLapsed) and event.at_ms != self.expires[name]:
            raise Violation(f"I-55: lapsed at {event.at_ms}, not at {self.expires[name]}: {event}")
        if phase is not None:
            self.phases[name] = phase
        elif isinstance(event, Purged):
            self._purged(event)

    def _acquired(self, event: LeaseAcquired | LeaseReclaimed) -> None:
        name, epoch = event.execution_id, event.lease.lease_epoch
        if epoch != self.epochs.get(name, self.floor) + 1:
            raise Violation(f"I-02: after epoch {self.epochs.get(name, self.floor)} came {event}")
        self.epochs[name] = epoch
        self.expires[name] = event.lease.expires_at_ms
        if event.voided_grant is not None and event.at_ms >= event.voided_grant.expires_at_ms:
            raise Violation(f"I-14: {event}")

    def _purged(self, event: Purged) -> None:
        name = event.execution_id
        if event.epoch_floor < max(self.floor, self.epochs.get(name, 0)):
            raise Violation(f"I-02: the floor falls: {event}")
        self.floor = event.epoch_floor
        for known in (self.phases, self.epochs, self.expires):
            known.pop(name, None)

    def balance(self, stats: EngineStats) -> None:
        """I-21, I-39: what came is there or went."""
        by_phase = Counter(self.phases.values())
        if any(by_phase[phase] != count for phase, count in stats.executions_by_phase.items()):
            raise Violation(f"I-39: events {by_phase}, engine {stats.executions_by_phase}")
        created, purged = self.counts[Created], self.counts[Purged]
        if created - purged != len(self.phases) or stats.events != self.sequence:
            raise Violation(f"I-39: {created} created, {purged} purged, {len(self.phases)} there")
        gone = sum(self.ends.values())
        if self.counts[GrantIssued] != gone + stats.live_grants:
            raise Violation(f"I-21: {self.counts[GrantIssued]} issued, {self.ends}, {stats.live_grants} live")


def _ended_by(kind: type[ExecutionEvent]) -> str:
    if kind is GrantLapsed:
        return "lapsed"
    if kind is GrantWithdrawn:
        return "withdrawn"
    return "consumed" if kind in {LeaseAcquired, LeaseReclaimed} else "voided"
