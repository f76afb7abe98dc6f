"""Public calls about workers: registering, staying alive, being dead (SPEC 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final, cast

import attrs

from grantcore.engine.core import Core
from grantcore.model import capabilities, checks
from grantcore.model.config import MAX_TTL_MS
from grantcore.model.errors import invalid
from grantcore.model.outcomes import Marked, NotRegistered, Refreshed, Registered, WorkersPage
from grantcore.model.time import MAX_MS
from grantcore.model.workers import DEFAULT_NAMESPACE, Registration
from grantcore.rules import registering

MAX_NAMESPACE_BYTES: Final = 256
MAX_LANES: Final = 1_000
MAX_PAGE: Final = 100_000
MAX_REASON_BYTES: Final = 256


class Workers(Core):
    """Workers: who says that it is alive, and what it can do.

    Liveness and leases are independent: the leases of a dead worker end by their own TTL, or at once by
    the operator's ``revoke_leases_of``.
    """

    def register_worker(
        self,
        worker_id: str,
        worker_instance_id: str,
        *,
        lanes: Iterable[str],
        capabilities: Iterable[str],
        liveness_ttl_ms: int,
        namespace: str = DEFAULT_NAMESPACE,
        max_leases: int | None = None,
    ) -> Registered | Refreshed:
        """Say that a worker instance is alive, where it works and what it can do.

        Args:
            worker_id: the identity that grants are matched against.
            worker_instance_id: the process.
            lanes: lanes it works in, at most 1,000.
            capabilities: tokens it has (SPEC 6).
            liveness_ttl_ms: it is alive for so many milliseconds, unless it says so again.
            namespace: an instance is known in one; whoever asks by instance alone means ``default``.
            max_leases: the most it may hold, live grants included; None: no ceiling.

        Returns:
            :class:`Registered`, or :class:`Refreshed` if it was alive; what it says now counts.

        Raises:
            InstanceReassigned: it is alive under another worker_id (D-21).
            InvalidInput, InvalidCapabilities: an argument is malformed.

        O(log n). SPEC 8; reference 12.
        """
        worker = Registration(
            _namespace(namespace),
            checks.identity("worker_id", worker_id),
            checks.identity("worker_instance_id", worker_instance_id),
            _lanes(lanes),
            _tokens(capabilities),
            checks.integer("liveness_ttl_ms", liveness_ttl_ms, 1, MAX_TTL_MS),
            None if max_leases is None else checks.integer("max_leases", max_leases, 1, MAX_MS),
            0,
            0,
            0,
        )
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            known = self._worker(worker_instance_id, namespace)
            self._commit_note(registering.register(self._store, now, worker))
            expires_at_ms = now + liveness_ttl_ms
            if known is None:
                return Registered(worker_instance_id, expires_at_ms)
            return Refreshed(worker_instance_id, liveness_ttl_ms, expires_at_ms)
        finally:
            lock.release()

    def heartbeat_worker(
        self, worker_instance_id: str, *, namespace: str = DEFAULT_NAMESPACE
    ) -> Refreshed | NotRegistered:
        """Say that a worker instance is still alive, for another TTL from now.

        Raises:
            InvalidInput: an argument is malformed.

        O(log n). SPEC 8; reference 12.
        """
        checks.identity("worker_instance_id", worker_instance_id)
        _namespace(namespace)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            worker = self._worker(worker_instance_id, namespace)
            if worker is None:
                return NotRegistered(worker_instance_id)
            self._commit_note(registering.refresh(self._store, now, worker))
            return Refreshed(worker_instance_id, worker.liveness_ttl_ms, now + worker.liveness_ttl_ms)
        finally:
            lock.release()

    def mark_worker_dead(
        self, worker_instance_id: str, *, reason: str, namespace: str = DEFAULT_NAMESPACE
    ) -> Marked | NotRegistered:
        """Say that a worker instance is dead; its leases stay until they end.

        Args:
            worker_instance_id: the process.
            reason: why; at most 256 bytes, no control characters.
            namespace: where it registered.

        Raises:
            InvalidInput: an argument is malformed.

        O(log n). SPEC 8; reference 12.
        """
        checks.identity("worker_instance_id", worker_instance_id)
        checks.text("reason", reason, MAX_REASON_BYTES)
        if any(ord(character) < ord(" ") or character == "\x7f" for character in reason):
            raise invalid("reason", "a text without control characters")
        _namespace(namespace)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            now = self._begin()
            worker = self._worker(worker_instance_id, namespace)
            if worker is None:
                return NotRegistered(worker_instance_id)
            self._commit_note(registering.mark_dead(self._store, now, worker, reason))
            return Marked(worker_instance_id)
        finally:
            lock.release()

    def list_workers(
        self, *, namespace: str | None = None, after: str | None = None, limit: int = 1000
    ) -> WorkersPage:
        """Live worker instances by (namespace, instance).

        Args:
            namespace: only these; None: all.
            after: ``next`` of the page before.
            limit: at most so many, 1..100,000.

        Raises:
            InvalidInput: an argument is malformed.

        O(n log n) of all live ones. SPEC 8.
        """
        if namespace is not None:
            _namespace(namespace)
        cursor = _cursor(after)
        checks.integer("limit", limit, 1, MAX_PAGE)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            self._begin()
            names = sorted(
                name
                for name in self._store.workers
                if name > cursor and (namespace is None or name[0] == namespace)
            )
            found = tuple(attrs.evolve(self._store.workers[name]) for name in islice(names, limit))
        finally:
            lock.release()
        following = None
        if len(names) > limit:
            following = f"{len(found[-1].namespace)}:{found[-1].namespace}{found[-1].worker_instance_id}"
        return WorkersPage(found, following)

    def _worker(self, worker_instance_id: str, namespace: str) -> Registration | None:
        return self._store.workers.get((namespace, worker_instance_id))


def _namespace(namespace: str) -> str:
    return checks.text("namespace", namespace, MAX_NAMESPACE_BYTES)


def _tokens(tokens: Iterable[str]) -> tuple[str, ...]:
    return capabilities.read("worker", tokens)


def _lanes(lanes: object) -> tuple[str, ...]:
    """Read a bounded set of lanes, sorted and merged."""
    if isinstance(lanes, (str, bytes, Mapping)) or not isinstance(lanes, Iterable):
        raise invalid("lanes", "an iterable of lanes")
    names = [checks.lane_id(name, "lanes") for name in islice(cast("Iterable[object]", lanes), MAX_LANES + 1)]
    if len(names) > MAX_LANES:
        raise invalid("lanes", f"at most {MAX_LANES}")
    return tuple(sorted(set(names)))


def _cursor(after: object) -> tuple[str, str]:
    """Read what a page gave as ``next``: the length of a namespace, it, and an instance."""
    if after is None:
        return ("", "")
    if type(after) is str:
        number, _, rest = after.partition(":")
        if number.isascii() and number.isdigit() and len(number) <= 3 and int(number) < len(rest):  # noqa: PLR2004 - of 256 bytes
            return rest[: int(number)], rest[int(number) :]
    raise invalid("after", "the next of a page")
