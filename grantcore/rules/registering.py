"""Worker instances: who is alive, in which lanes, with which tokens (SPEC 8, reference 12)."""

from __future__ import annotations

import attrs

from grantcore.model import events
from grantcore.model.errors import InstanceReassigned, invalid
from grantcore.model.records import Store
from grantcore.model.time import MAX_MS
from grantcore.model.workers import Registration
from grantcore.rules.change import Note


def register(store: Store, now: int, wanted: Registration) -> Note:
    """Decide a registration; one that is alive keeps its worker (D-21)."""
    known = store.workers.get((wanted.namespace, wanted.worker_instance_id))
    if known is not None and known.worker_id != wanted.worker_id:
        raise InstanceReassigned("the instance is alive under another worker_id")
    event: type[events.WorkerAlive] = events.WorkerRegistered if known is None else events.WorkerRefreshed
    return _alive(event, store, now, attrs.evolve(wanted, registered_at_ms=now))


def refresh(store: Store, now: int, known: Registration) -> Note:
    """Decide that a worker instance is alive for another TTL."""
    return _alive(events.WorkerRefreshed, store, now, known)


def _alive(event: type[events.WorkerAlive], store: Store, now: int, worker: Registration) -> Note:
    expires_at_ms = now + worker.liveness_ttl_ms
    if expires_at_ms > MAX_MS:
        raise invalid("liveness_ttl_ms", "such that its end is an instant before 2**53")
    alive = attrs.evolve(worker, last_heartbeat_ms=now, expires_at_ms=expires_at_ms)
    told = (
        alive.worker_instance_id,
        alive.namespace,
        alive.worker_id,
        alive.lanes,
        alive.capabilities,
        alive.liveness_ttl_ms,
        alive.max_leases,
        expires_at_ms,
    )
    return (event, told, now, write_alive, (store, alive))


def write_alive(store: Store, worker: Registration) -> None:
    """Store a registration."""
    store.workers[worker.namespace, worker.worker_instance_id] = worker


def mark_dead(store: Store, now: int, worker: Registration, reason: str) -> Note:
    """Decide that a worker instance is dead; its leases end by their own TTL."""
    told = (worker.worker_instance_id, worker.namespace, reason)
    return (events.WorkerMarkedDead, told, now, write_dead, (store, worker))


def lapse(store: Store, worker: Registration) -> Note:
    """Decide that a worker instance was silent for too long."""
    told = (worker.worker_instance_id, worker.namespace)
    return (events.WorkerLapsed, told, worker.expires_at_ms, write_dead, (store, worker))


def write_dead(store: Store, worker: Registration) -> None:
    """Forget a registration."""
    store.workers.pop((worker.namespace, worker.worker_instance_id), None)
