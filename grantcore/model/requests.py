"""Requests: validated once, when built, then kept and reused for many executions (SPEC 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypedDict

import attrs

from grantcore.model import capabilities, checks
from grantcore.model.config import MAX_BYTES, MAX_TTL_MS
from grantcore.model.grants import Terms


def _tokens(value: Iterable[str]) -> frozenset[str]:
    """Read the worker's tokens; the type of the parameter is that of the constructor."""
    return frozenset(capabilities.read("worker", value))


@attrs.frozen(kw_only=True)
class _IssueGrantRequest:
    """The fields both kinds of request share; both are FlowFabric's, field for field."""

    worker_id: str
    worker_instance_id: str
    lane_id: str
    grant_ttl_ms: int
    capability_hash: str | None = None
    route_snapshot_json: str | None = None
    admission_summary: str | None = None
    worker_capabilities: frozenset[str] = attrs.field(default=frozenset(), converter=_tokens)
    terms: Terms = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        """Judge what needs no engine; the limits of its config are compared on each issue."""
        checks.identity("worker_id", self.worker_id)
        checks.identity("worker_instance_id", self.worker_instance_id)
        checks.lane_id(self.lane_id)
        checks.integer("grant_ttl_ms", self.grant_ttl_ms, 1, MAX_TTL_MS)
        for field in ("capability_hash", "route_snapshot_json", "admission_summary"):
            checks.optional_text(field, getattr(self, field), MAX_BYTES)
        terms = (
            self.worker_id,
            self.worker_instance_id,
            self.capability_hash or None,
            self.route_snapshot_json or None,
            self.admission_summary or None,
        )
        object.__setattr__(self, "terms", terms)


@attrs.frozen(kw_only=True)
class IssueClaimGrantRequest(_IssueGrantRequest):
    """Who asks for the right to take an execution, and for how long.

    Args:
        worker_id: the identity the claim will be matched against.
        worker_instance_id: the process; informational.
        lane_id: the lane the caller believes the execution waits in (D-12).
        grant_ttl_ms: time to live in milliseconds, 1..config.max_grant_ttl_ms.
        capability_hash: audit text, stored and never compared.
        route_snapshot_json: audit text, stored and never parsed.
        admission_summary: audit text.
        worker_capabilities: tokens the worker has; empty means none (SPEC 6).

    Raises:
        InvalidInput: a field is malformed.
        InvalidCapabilities: the tokens are.
    """


@attrs.frozen(kw_only=True)
class IssueReclaimGrantRequest(_IssueGrantRequest):
    """Who asks for the right to take over a lost lease; the fields of :class:`IssueClaimGrantRequest`."""


GrantRequest = IssueClaimGrantRequest | IssueReclaimGrantRequest

REQUEST_TYPES: Final = (IssueClaimGrantRequest, IssueReclaimGrantRequest)


class NewExecution(TypedDict, total=False):
    """What an execution of a batch has of its own; the engine judges it as ``create_execution`` does.

    Attributes:
        execution_id: an id of your own; without one the engine mints one.
        priority: high first.
        delay_until_ms: not before this instant, in milliseconds.
        deadline_at_ms: ends as expired at this instant.
        payload: opaque bytes.
        tags: names and texts.
        idempotency_key: the same key answers ``Duplicate``.
    """

    execution_id: str | None
    priority: int
    delay_until_ms: int | None
    deadline_at_ms: int | None
    payload: bytes | None
    tags: Mapping[str, str]
    idempotency_key: str | None


NEW_EXECUTION: Final = NewExecution.__annotations__
"""The names there are."""
