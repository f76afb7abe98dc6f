"""Live worker instances: when each is next missed, and which registrations an instance has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol, cast

from sortedcontainers import SortedList

from grantcore.index.lazy import room
from grantcore.model.time import NEVER
from grantcore.model.workers import Registration

Workers = Mapping[tuple[str, str], Registration]

_Entry = tuple[int, str, str]
"""Instant, instance, namespace: the order in which instances lapse at one instant."""


class _Entries(Protocol):
    """The part of ``SortedList`` that is used here; the library ships no types."""

    def add(self, entry: _Entry) -> None: ...
    def pop(self, index: int) -> _Entry: ...
    def __getitem__(self, index: int) -> _Entry: ...
    def __len__(self) -> int: ...


_new_entries: Final = cast("Callable[[Iterable[_Entry]], _Entries]", SortedList)


class Liveness:
    """All registrations by the end of their liveness; a heartbeat leaves a stale entry behind."""

    __slots__ = ("_entries", "_instances", "_workers")

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._entries = _new_entries(map(_entry, workers.values()))
        self._instances: dict[str, dict[str, Registration]] = {}
        for registration in workers.values():
            self._of(registration)[registration.namespace] = registration

    def _of(self, registration: Registration) -> dict[str, Registration]:
        return self._instances.setdefault(registration.worker_instance_id, {})

    def add(self, registration: Registration) -> None:
        """Note a registration or a heartbeat. O(log n)."""
        self._of(registration)[registration.namespace] = registration
        self._entries.add(_entry(registration))
        if len(self._entries) > room(len(self._workers)):
            self._entries = _new_entries(map(_entry, self._workers.values()))

    def remove(self, worker_instance_id: str, namespace: str) -> None:
        """Forget one that is dead. O(1)."""
        registrations = self._instances[worker_instance_id]
        del registrations[namespace]
        if not registrations:
            del self._instances[worker_instance_id]

    def first(self) -> Registration | None:
        """The one that lapses first. O(log n) amortised."""
        while self._entries:
            expires_at_ms, worker_instance_id, namespace = self._entries[0]
            registration = self._workers.get((namespace, worker_instance_id))
            if registration is not None and registration.expires_at_ms == expires_at_ms:
                return registration
            self._entries.pop(0)
        return None

    def next_ms(self) -> int:
        """When that is; NEVER if nobody is registered."""
        first = self.first()
        return NEVER if first is None else first.expires_at_ms

    def ceiling(self, worker_instance_id: str) -> int | None:
        """The most an instance may hold, by any of its registrations. O(its namespaces)."""
        registrations = self._instances.get(worker_instance_id)
        if registrations is None:
            return None
        ceilings = [r.max_leases for r in registrations.values() if r.max_leases is not None]
        return min(ceilings, default=None)

    def known(self) -> Iterator[Registration]:
        """All registrations: for ``check()``."""
        for registrations in self._instances.values():
            yield from registrations.values()


def _entry(registration: Registration) -> _Entry:
    return (registration.expires_at_ms, registration.worker_instance_id, registration.namespace)
