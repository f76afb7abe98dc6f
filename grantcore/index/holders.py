"""What each worker instance holds: appended to when a lease is taken, filtered when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grantcore.index.lazy import crowded
from grantcore.model.leases import WORKER_INSTANCE_ID
from grantcore.model.phases import LEASED
from grantcore.model.records import Execution


class Holders:
    """Current leases by worker instance."""

    __slots__ = ("_held", "entries")

    def __init__(self) -> None:
        self._held: dict[str, list[Execution]] = {}
        self.entries = 0

    def add(self, record: Execution) -> None:
        """Note a lease that was taken. O(1)."""
        assert record.tenure is not None
        instance = record.tenure[WORKER_INSTANCE_ID]
        held = self._held.get(instance)
        if held is None:
            held = self._held[instance] = []
        held.append(record)
        self.entries += 1

    def of(self, worker_instance_id: str) -> list[Execution]:
        """What an instance holds; O(what it has taken lately)."""
        held = self._held.get(worker_instance_id, ())
        return [record for record in dict.fromkeys(held) if _confirms(worker_instance_id, record)]

    def all(self) -> Iterator[Execution]:
        """Everything that is held by anybody."""
        for worker_instance_id in self._held:
            yield from self.of(worker_instance_id)

    def tidy(self, live: int) -> None:
        """Forget what has ended when it outnumbers what is held."""
        if crowded(self.entries, live):
            self.rebuild(list(self.all()))

    def rebuild(self, records: Iterable[Execution]) -> None:
        """Build anew; O(n)."""
        self._held = {}
        self.entries = 0
        for record in records:
            if record.phase is LEASED:
                self.add(record)


def _confirms(worker_instance_id: str, record: Execution) -> bool:
    tenure = record.tenure
    return record.phase is LEASED and tenure is not None and tenure[WORKER_INSTANCE_ID] == worker_instance_id
