"""Workers: who asks for work, and who has registered to do it (SPEC 8)."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from grantcore.model import capabilities, checks

DEFAULT_NAMESPACE = "default"


def _tokens(value: Iterable[str]) -> frozenset[str]:
    """Read the worker's tokens; the type of the parameter is that of the constructor."""
    return frozenset(capabilities.read("worker", value))


@attrs.frozen
class Worker:
    """Who asks for work: an identity, a process of it, and what it can do.

    Args:
        worker_id: the identity grants are matched against.
        worker_instance_id: the process.
        capabilities: tokens it has.

    Raises:
        InvalidInput, InvalidCapabilities: a field is malformed.
    """

    worker_id: str
    worker_instance_id: str
    capabilities: frozenset[str] = attrs.field(converter=_tokens)

    def __attrs_post_init__(self) -> None:
        """Judge the ids."""
        checks.identity("worker_id", self.worker_id)
        checks.identity("worker_instance_id", self.worker_instance_id)


@attrs.frozen(weakref_slot=False)
class Registration:
    """A live worker instance. A value: a heartbeat stores another one, in one store."""

    namespace: str
    worker_id: str
    worker_instance_id: str
    lanes: tuple[str, ...]
    capabilities: tuple[str, ...]
    liveness_ttl_ms: int
    max_leases: int | None
    registered_at_ms: int
    last_heartbeat_ms: int
    expires_at_ms: int
