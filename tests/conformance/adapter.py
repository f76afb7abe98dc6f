"""Drives one engine through one trace, a step at a time."""

from __future__ import annotations

from typing import Final

import grantcore
from tests.conformance import observing
from tests.conformance.compare import Observed
from tests.conformance.operations import Session, perform
from tests.conformance.recorded_views import Shelf
from tests.conformance.registry import Registry
from tests.conformance.trace_reader import Record, Step

# Traces outlast the default retention, and some grants the default limit.
CONFIG: Final = grantcore.EngineConfig(retention_ms=None, max_grant_ttl_ms=86_400_000)


class RecordedIds:
    """Hands out the ids of the current step, and keeps account of what was asked for."""

    def __init__(self) -> None:
        self.step: Record = {}
        self.minted: list[str] = []

    def execution_id(self, lane_id: str) -> str:
        """No recorded creation leaves the id to the engine."""
        raise AssertionError(f"an execution id was minted in {lane_id}")

    def lease_id(self) -> str:
        """Hand out the recorded lease id."""
        return self._recorded("lease_id")

    def attempt_id(self) -> str:
        """Hand out the recorded attempt id."""
        return self._recorded("attempt_id")

    def suspension_id(self) -> str:
        """Hand out the recorded suspension id."""
        return self._recorded("suspension_id")

    def _recorded(self, name: str) -> str:
        self.minted.append(name)
        recorded: str = self.step[name]
        return recorded


class Adapter:
    """An engine under virtual time whose clock and ids are those of a trace."""

    def __init__(self, config: Record) -> None:
        self._clock = grantcore.ManualClock(config["start_ms"])
        self._ids = RecordedIds()
        self.engine = grantcore.GrantEngine(clock=self._clock, ids=self._ids, config=CONFIG)
        self._session = Session(
            engine=self.engine,
            operator=self.engine.operator("operator"),
            registry=Registry(self.engine, self._clock),
        )
        self._instances: list[str] = config["worker_instances"]
        self._seen: dict[str, int] = {}

    def perform(self, step: Step) -> Record:
        """Move the clock, make the call, and give its answer.

        Raises:
            Unsupported: the step says something the adapter does not know.
        """
        self._clock.set(step.now_ms)
        self._ids.step, self._ids.minted = step.args, []
        return perform(self._session, step.op, step.args)

    def observe(self, step: Step, result: Record, shelves: list[Shelf]) -> Observed:
        """Look at everything that is compared; reading changes nothing (I-48)."""
        snapshots = observing.snapshots_of(self.engine)
        self._session.snapshots = snapshots
        looked_at = {*([step.touched] if step.touched else []), *(snapshots if step.last else [])}
        return Observed(
            result=result,
            states={eid: observing.state_of(self.engine, eid) for eid in looked_at},
            events=self._new_events(step),
            indexes=observing.indexes_of(self.engine, snapshots, self._instances),
            aux=self._session.registry.aux(),
            views={
                **observing.views_of(self.engine, snapshots, shelves),
                "minted by a refusal": self._ids.minted if result["status"] != "ok" else [],
            },
        )

    def _new_events(self, step: Step) -> list[Record]:
        """Give the lease events since the last look, of all executions, in the order they happened.

        No two deadlines fall on one instant, so at one instant the step's own events come last.
        """
        fresh: list[tuple[int, bool, Record]] = []
        for execution_id in self._session.snapshots:
            seen = self._seen.get(execution_id, 0)
            events = observing.history_of(self.engine, execution_id, seen)
            fresh += [(event["ts"], execution_id == step.touched, event) for event in events]
            self._seen[execution_id] = seen + len(events)
        fresh.sort(key=lambda found: found[:2])
        return [event for _, _, event in fresh]
