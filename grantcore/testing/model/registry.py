"""Chapter 15: workers (SPEC 8; reference 12; D-21, D-27)."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from grantcore import (
    InstanceReassigned,
    Marked,
    NotRegistered,
    Refreshed,
    Registered,
    Registration,
    WorkersPage,
)
from grantcore.testing.model import forms
from grantcore.testing.model.passing import Passing


class Registry(Passing):
    """Who says that it is alive, and what it can do."""

    def register_worker(
        self,
        worker_id: str,
        worker_instance_id: str,
        *,
        lanes: Iterable[str],
        capabilities: Iterable[str],
        liveness_ttl_ms: int,
        namespace: str = "default",
        max_leases: int | None = None,
    ) -> Registered | Refreshed:
        """Alive, from now on for the TTL; what it says now counts, save that its worker stays (D-21)."""
        forms.text("namespace", namespace, forms.MAX_NAME_BYTES)
        forms.name("worker_id", worker_id)
        forms.name("worker_instance_id", worker_instance_id)
        named = {forms.lane_id(lane, "lanes") for lane in forms.listed("lanes", lanes, 1000)}
        tokens = forms.tokens("worker", capabilities)
        forms.integer("liveness_ttl_ms", liveness_ttl_ms, 1, forms.MAX_TTL_MS)
        forms.optional_integer("max_leases", max_leases, 1, forms.MAX_MS)
        now = self._enter()
        known = self._registration(worker_instance_id, namespace)
        if known is not None and known.worker_id != worker_id:
            raise InstanceReassigned
        ends = forms.instant("liveness_ttl_ms", now + liveness_ttl_ms)
        worker = Registration(
            namespace,
            worker_id,
            worker_instance_id,
            tuple(sorted(named)),
            tokens,
            liveness_ttl_ms,
            max_leases,
            now,
            now,
            ends,
        )
        self._keep_worker(worker)
        self._tell("WorkerRegistered" if known is None else "WorkerRefreshed", worker_instance_id, now)
        if known is None:
            return Registered(worker_instance_id, ends)
        return Refreshed(worker_instance_id, liveness_ttl_ms, ends)

    def _registration(self, worker_instance_id: str, namespace: str) -> Registration | None:
        wanted = (namespace, worker_instance_id)
        return next((w for w in self.workers if (w.namespace, w.worker_instance_id) == wanted), None)

    def _keep_worker(self, worker: Registration) -> None:
        """Put it in the place of what was known."""
        known = self._registration(worker.worker_instance_id, worker.namespace)
        self.workers = [other for other in self.workers if other is not known] + [worker]

    def heartbeat_worker(
        self, worker_instance_id: str, *, namespace: str = "default"
    ) -> Refreshed | NotRegistered:
        """Alive for another TTL."""
        forms.name("worker_instance_id", worker_instance_id)
        forms.text("namespace", namespace, forms.MAX_NAME_BYTES)
        now = self._enter()
        known = self._registration(worker_instance_id, namespace)
        if known is None:
            return NotRegistered(worker_instance_id)
        ends = forms.instant("liveness_ttl_ms", now + known.liveness_ttl_ms)
        self._keep_worker(attrs.evolve(known, last_heartbeat_ms=now, expires_at_ms=ends))
        self._tell("WorkerRefreshed", worker_instance_id, now)
        return Refreshed(worker_instance_id, known.liveness_ttl_ms, ends)

    def mark_worker_dead(
        self, worker_instance_id: str, *, reason: str, namespace: str = "default"
    ) -> Marked | NotRegistered:
        """Dead from now on; its leases stay."""
        forms.name("worker_instance_id", worker_instance_id)
        forms.text("reason", reason, 256)
        if any(letter < " " or letter == "\x7f" for letter in reason):
            raise forms.refused("reason", "without control characters")
        forms.text("namespace", namespace, forms.MAX_NAME_BYTES)
        now = self._enter()
        known = self._registration(worker_instance_id, namespace)
        if known is None:
            return NotRegistered(worker_instance_id)
        self.workers = [other for other in self.workers if other is not known]
        self._tell("WorkerMarkedDead", worker_instance_id, now)
        return Marked(worker_instance_id)

    def list_workers(
        self, *, namespace: str | None = None, after: str | None = None, limit: int = 1000
    ) -> WorkersPage:
        """Live ones, by (namespace, instance)."""
        if namespace is not None:
            forms.text("namespace", namespace, forms.MAX_NAME_BYTES)
        start = _after(after)
        forms.integer("limit", limit, 1, forms.MAX_PAGE)
        self._enter()
        found = sorted(self.workers, key=_place)
        found = [w for w in found if namespace in (None, w.namespace)]
        if start is not None:
            found = [w for w in found if _place(w) > start]
        following = None
        if len(found) > limit:
            place = _place(found[limit - 1])
            following = f"{len(place[0])}:{place[0]}{place[1]}"
        return WorkersPage(tuple(found[:limit]), following)


def _place(worker: Registration) -> tuple[str, str]:
    return (worker.namespace, worker.worker_instance_id)


def _after(after: object) -> tuple[str, str] | None:
    """Read a cursor: the length of a namespace, a colon, the namespace, an instance."""
    if after is None:
        return None
    length, colon, rest = forms.text("after", after, 1024).partition(":")
    if not colon or not length.isascii() or not length.isdigit() or int(length) >= len(rest):
        raise forms.refused("after", "the next of a page")
    return rest[: int(length)], rest[int(length) :]
