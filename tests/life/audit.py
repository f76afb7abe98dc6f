"""An auditor: it hears every event of a walk and holds the engine to the rules no state can show.

Written from the specification alone; it knows nothing of how the engine keeps things.
"""

from __future__ import annotations

from collections import Counter

import attrs

from grantcore import Fence, GrantEngine, GrantError, Lease, Phase, events
from grantcore.events import ExecutionEvent
from grantcore.model.life import LIFE, TIME_DRIVEN

Token = tuple[str, str, int, str]


def token_of(lease: Lease) -> Token:
    return (lease.execution_id, lease.lease_id, lease.lease_epoch, lease.attempt_id)


@attrs.define
class Auditor:
    """What was heard so far."""

    sequence: int = 0
    at_ms: int = 0
    floor: int = 0
    phases: dict[str, Phase] = attrs.field(factory=dict)
    leases: dict[str, Lease] = attrs.field(factory=dict)
    epochs: dict[str, int] = attrs.field(factory=dict)
    grants: dict[str, object] = attrs.field(factory=dict)
    tokens: dict[Token, None] = attrs.field(factory=dict)
    refused: set[Token] = attrs.field(factory=set)
    counts: Counter[str] = attrs.field(factory=Counter)
    edges: Counter[tuple[Phase | None, str, Phase | None]] = attrs.field(factory=Counter)

    def __call__(self, event: ExecutionEvent) -> None:
        self._order(event)
        self._edge(event)
        self._grant(event)
        self._lease(event)
        if event.phase is None:
            self._forget(event)
        else:
            self.phases[event.execution_id] = event.phase

    def _order(self, event: ExecutionEvent) -> None:
        """I-65: gap-free numbers, time never falls."""
        assert event.sequence == self.sequence + 1, event
        assert event.at_ms >= self.at_ms, event
        self.sequence, self.at_ms = event.sequence, event.at_ms
        self.counts[type(event).__name__] += 1
        if type(event) in TIME_DRIVEN:
            assert event.operator is None, event

    def _edge(self, event: ExecutionEvent) -> None:
        """I-33: every step is an edge of the table."""
        source = self.phases.get(event.execution_id)
        assert event.phase in LIFE[source].get(type(event), ()), f"{source}: {event}"
        self.edges[source, type(event).__name__, event.phase] += 1

    def _grant(self, event: ExecutionEvent) -> None:
        """I-12 to I-21: one grant at a time, used once, by its worker, or gone."""
        name, live = event.execution_id, self.grants.get(event.execution_id)
        if isinstance(event, events.GrantIssued):
            assert live is None, event
            assert event.grant.expires_at_ms > event.at_ms, event
            self.grants[name] = event.grant
            return
        if event.voided_grant is not None:
            assert event.voided_grant == live, event
            del self.grants[name]
            self.counts["grants ended"] += 1
        moved = event.phase is not self.phases.get(name)
        assert not (moved and name in self.grants), f"D-04: a grant outlived its phase: {event}"
        if isinstance(event, (events.LeaseAcquired, events.LeaseReclaimed)):
            self._used(event)

    def _used(self, event: events.LeaseAcquired | events.LeaseReclaimed) -> None:
        grant = event.voided_grant
        if isinstance(event, events.LeaseAcquired) and event.admission_skipped:
            assert grant is None, event
            assert event.operator is not None, event
            return
        assert grant is not None, f"I-18: {event}"
        assert grant.worker_id == event.lease.worker_id, f"I-15: {event}"
        assert event.at_ms < grant.expires_at_ms, f"I-14: {event}"

    def _lease(self, event: ExecutionEvent) -> None:
        """I-01 to I-10: one lease at a time; epochs rise by one; lost at its own end, not before."""
        name, current = event.execution_id, self.leases.get(event.execution_id)
        if isinstance(event, (events.LeaseAcquired, events.LeaseReclaimed)):
            known = self.epochs.get(name, self.floor)
            assert event.lease.lease_epoch == known + 1, f"I-02: {event}"
            assert token_of(event.lease) not in self.tokens, event
            self.epochs[name] = event.lease.lease_epoch
            self.tokens[token_of(event.lease)] = None
            self.leases[name] = event.lease
        elif isinstance(event, events.LeaseRenewed):
            assert current is not None, event
            assert token_of(current) == token_of(event.lease), f"I-08: {event}"
            self.leases[name] = event.lease
        elif isinstance(event, events.LeaseLapsed):
            assert current is not None, event
            assert event.at_ms == current.expires_at_ms == event.lease.expires_at_ms, f"I-55: {event}"
        if event.released_lease is not None:
            assert current is not None, event
            assert token_of(event.released_lease) == token_of(current), event
            del self.leases[name]

    def _forget(self, event: ExecutionEvent) -> None:
        assert isinstance(event, events.Purged), event
        assert event.epoch_floor >= self.epochs.get(event.execution_id, 0), event
        self.floor = event.epoch_floor
        for known in (self.phases, self.epochs, self.leases):
            known.pop(event.execution_id, None)

    # -- the whole ------------------------------------------------------------------------------

    def balance(self, engine: GrantEngine) -> None:
        """I-21, I-35, I-39: what came is there or went."""
        stats = engine.stats()
        created, purged = self.counts["Created"], self.counts["Purged"]
        assert created - purged == sum(stats.executions_by_phase.values()) == len(self.phases)
        assert self.counts["GrantIssued"] - self.counts["grants ended"] == stats.live_grants
        assert stats.live_grants == len(self.grants)
        assert stats.events == self.sequence
        assert stats.current_leases == sum(phase is Phase.LEASED for phase in self.phases.values())

    def probe(self, engine: GrantEngine) -> None:
        """I-03 to I-05: of all tokens there ever were, only the current ones pass, and none comes back.

        ``engine`` is a copy made for this: a token that passes renews its lease.
        """
        for token in self.tokens:
            passes = self._passes(engine, token)
            current = self.leases.get(token[0])
            held = self.phases.get(token[0]) is Phase.LEASED
            assert passes is (held and current is not None and token_of(current) == token), token
            if not passes:
                self.refused.add(token)
            assert not (passes and token in self.refused), f"I-05: {token}"

    @staticmethod
    def _passes(engine: GrantEngine, token: Token) -> bool:
        try:
            engine.renew_lease(Fence(*token), lease_ttl_ms=1_000)
        except GrantError:
            return False
        return True
