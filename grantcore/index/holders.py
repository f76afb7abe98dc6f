"""What each worker instance holds: appended to when a lease is taken, filtered when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from grantcore.index.lazy import room
from grantcore.model.leases import WORKER_INSTANCE_ID, Taking
from grantcore.model.phases import LEASED
from grantcore.model.records import Execution

NOT_TAKEN: Taking = ("", 0, 0, "", "", "", "", "")
"""Like no taking there is."""


class Holding:
    """What one instance has taken lately, and how it took a first lease last: the next is taken alike."""

    __slots__ = ("records", "taking")

    def __init__(self) -> None:
        self.records: list[Execution] = []
        self.taking = NOT_TAKEN


class Holders:
    """Current leases by worker instance."""

    __slots__ = ("_records", "entries", "held", "room")

    def __init__(self, records: Mapping[str, Execution]) -> None:
        self._records = records
        self.room = room(len(records))
        self.held: dict[str, Holding] = {}
        self.entries = 0

    def add(self, record: Execution) -> None:
        """Note a lease that was taken. O(1)."""
        assert record.taking is not None
        self.enter(record.taking[WORKER_INSTANCE_ID]).records.append(record)
        self.entries += 1
        if self.entries > self.room:
            self.tidy()

    def enter(self, worker_instance_id: str) -> Holding:
        """The place of an instance, made if it is not there. O(1)."""
        holding = self.held.get(worker_instance_id)
        if holding is None:
            holding = self.held[worker_instance_id] = Holding()
        return holding

    def of(self, worker_instance_id: str) -> list[Execution]:
        """What an instance holds; O(what it has taken lately)."""
        holding = self.held.get(worker_instance_id)
        if holding is None:
            return []
        return [record for record in dict.fromkeys(holding.records) if _confirms(worker_instance_id, record)]

    def all(self) -> Iterator[Execution]:
        """Everything that is held by anybody."""
        for worker_instance_id in self.held:
            yield from self.of(worker_instance_id)

    def tidy(self) -> None:
        """Forget what has ended when it outnumbers the records."""
        self.room = room(len(self._records))
        if self.entries > self.room:
            self.rebuild()

    def rebuild(self) -> None:
        """Build anew; O(n)."""
        self.held = {}
        self.room = room(len(self._records))
        self.entries = 0
        for record in self._records.values():
            if record.phase is LEASED:
                self.add(record)


def _confirms(worker_instance_id: str, record: Execution) -> bool:
    taking = record.taking
    return record.phase is LEASED and taking is not None and taking[WORKER_INSTANCE_ID] == worker_instance_id
