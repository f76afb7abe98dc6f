"""A whole world, put together: who knows whom, and when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import simpy

from grantcore import EngineConfig, ExecutionPolicy, Fixed, GrantEngine, RetryPolicy
from grantcore.model.ids import MintedIds
from grantcore.simulation.audit import Auditor
from grantcore.simulation.clock import EngineClock, keep_time
from grantcore.simulation.recorder import Recorder
from grantcore.simulation.world.board import Board
from grantcore.simulation.world.chronicle import Chronicle
from grantcore.simulation.world.desk import Desk
from grantcore.simulation.world.dispatch import Dispatcher
from grantcore.simulation.world.faults import Hazards
from grantcore.simulation.world.hands import hire
from grantcore.simulation.world.resource import Resource
from grantcore.simulation.world.submitter import Submitter
from grantcore.simulation.world.terms import Schedule, Terms
from grantcore.simulation.world.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grantcore.simulation.fleet import Member
    from grantcore.simulation.job import Job
    from grantcore.simulation.life import Life
    from grantcore.simulation.scenario.model import Policy, Scenario

CONFIG: Final = EngineConfig(retention_ms=None, threadsafe=False)
"""The desk purges what has ended (``world/desk.py``)."""


class Site:
    """One run in the making. SimPy counts whole milliseconds.

    Attributes:
        over: everything was submitted and has ended, and nobody works any more.
    """

    def __init__(
        self,
        scenario: Scenario,
        members: Sequence[Member],
        start_ms: int,
        schedule: Schedule | None = None,
        *,
        observed: bool = False,
    ) -> None:
        """Put a world together that begins at that instant."""
        self.over = False
        self.env = env = simpy.Environment(initial_time=start_ms)
        self.clock = EngineClock(env, ms_per_unit=1)
        self.engine = GrantEngine(clock=self.clock, ids=MintedIds(f"{scenario.seed:020x}"), config=CONFIG)
        self.auditor = Auditor()
        self.recorder = Recorder(env, scenario, len(members))
        record = self.recorder.record
        self.board = Board(
            (member.capabilities for member in members),
            asks_often=schedule is not None,
        )
        self.resource = Resource(self.auditor)
        self.chronicle = Chronicle(
            self.auditor, self.recorder, self.board, self.resource, scenario.policy.max_reclaim_count
        )
        terms = Terms(
            policy=policy_of(scenario.policy),
            lease_ttl_ms=scenario.leases.lease_ttl_ms,
            grant_ttl_ms=scenario.leases.grant_ttl_ms,
            delivery_ms=scenario.scheduler.delivery_ms,
            retention_ms=scenario.retention_ms,
            schedule=schedule,
            observed=observed,
        )
        self.desk = Desk(self.engine, self.clock, terms, self.chronicle, self.auditor, record)
        self.hazards = Hazards(env, scenario.faults, record, scenario.seed)
        self.submitter = Submitter(env, self.desk, self.chronicle, record, scenario.faults, scenario.seed)
        self.dispatcher = Dispatcher(
            env, self.desk, self.board, self.chronicle.lives, scenario.scheduler.interval_ms
        )
        self.workers = Workers(
            env,
            self.desk,
            self.board,
            self.chronicle,
            self.recorder,
            self.resource,
            self.hazards,
            scenario.leases,
            scenario.scheduler.delivery_ms,
        )
        self._members = members
        self.chronicle.when_ended = self._ended
        self.submitter.when_finished = self._submitted
        self.workers.when_idle = self._look

    def start(self, feed: Iterable[Job]) -> None:
        """Start all processes."""
        env = self.env
        env.process(keep_time(env, self.desk, self.clock))
        for member in self._members:
            env.process(self.workers.run(hire(env, member)))
        env.process(self.dispatcher.run())
        env.process(self.hazards.clock_jumps(self._jump))
        env.process(self.hazards.stalls(self.dispatcher.stall))
        env.process(self.submitter.run(feed))

    def _jump(self, ms: int) -> None:
        """Have the clock jump; what is due then happens at once."""
        self.clock.jump(ms)
        self.desk.wake()

    def _submitted(self) -> None:
        self.hazards.end()
        self._look()

    def _ended(self, life: Life) -> None:
        self.desk.ended(life.execution_id)
        self.submitter.ended(life.job.number)
        self._look()

    def _look(self) -> None:
        """See whether it is over."""
        self.over = not self.workers.busy and not self.chronicle.lives and self.submitter.finished


def policy_of(policy: Policy) -> ExecutionPolicy:
    """The engine's policy of every execution."""
    return ExecutionPolicy(
        retry=RetryPolicy(max_retries=policy.max_retries, backoff=Fixed(policy.retry_delay_ms)),
        attempt_timeout_ms=policy.attempt_timeout_ms,
        max_reclaim_count=policy.max_reclaim_count,
    )
