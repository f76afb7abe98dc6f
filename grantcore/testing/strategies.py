"""Strategies for ``hypothesis``: values that an engine under its usual limits accepts.

Each is a function, so that what your test needs to be fixed can be given; all shrink towards the shortest and
the smallest. Where ``hypothesis`` finds entry points, ``from_type`` draws the classes too.

>>> from hypothesis import given, settings
>>> from grantcore import GrantEngine, ManualClock
>>> @settings(max_examples=5, derandomize=True, database=None)
... @given(claim_requests(lane_id="main"), policies())
... def somebody_gets_it(request, policy):
...     engine = GrantEngine(clock=ManualClock())
...     engine.create_execution(lane_id="main", execution_id="e", policy=policy)
...     assert engine.issue_claim_grant("e", request).expires_at_ms == request.grant_ttl_ms
>>> somebody_gets_it()
"""

from __future__ import annotations

from functools import partial
from typing import Final, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from grantcore import (
    AttemptType,
    ClaimGrant,
    EngineConfig,
    ExecutionPolicy,
    Exponential,
    Fence,
    Fixed,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    LeaseKind,
    ReclaimGrant,
    ResumeGrant,
    RetryPolicy,
    Worker,
)
from grantcore.model.config import MAX_TTL_MS
from grantcore.model.policy import MAX_COUNT, MAX_PERMILLE
from grantcore.model.time import MAX_MS

_USUAL: Final = EngineConfig()
_ASCII: Final = "".join(map(chr, range(0x20, 0x7F)))
_PRINTED: Final = "".join(filter(str.isprintable, map(chr, range(0x21, 0x250))))
"""Named one by one: to ask for categories reads the whole of Unicode first, which takes a second."""

T = TypeVar("T")


def ids() -> SearchStrategy[str]:
    """Names of executions, workers, instances, leases and attempts: printable, without blanks (SPEC 9)."""
    return st.text(_PRINTED, min_size=1, max_size=8)


def lanes() -> SearchStrategy[str]:
    """Names of lanes: printable ASCII (SPEC 9)."""
    return st.text(_ASCII, min_size=1, max_size=8)


def tokens() -> SearchStrategy[str]:
    """Capability tokens: printable, without blanks and commas (SPEC 6)."""
    return ids().map(lambda text: text.replace(",", "."))


def capability_sets() -> SearchStrategy[frozenset[str]]:
    """What a worker has or an execution requires; none at all is among them."""
    return st.frozensets(tokens(), max_size=4)


def instants() -> SearchStrategy[int]:
    """Instants in milliseconds, all there are (SPEC 3)."""
    return st.integers(0, MAX_MS)


def grant_ttls() -> SearchStrategy[int]:
    """Times to live of a grant in milliseconds, up to the usual ``max_grant_ttl_ms``."""
    return st.integers(1, _USUAL.max_grant_ttl_ms)


def lease_ttls() -> SearchStrategy[int]:
    """Times to live of a lease in milliseconds, up to the usual ``max_lease_ttl_ms``."""
    return st.integers(1, _USUAL.max_lease_ttl_ms)


# -- policies --------------------------------------------------------------------------------------


def fixed_backoffs() -> SearchStrategy[Fixed]:
    """The same wait before each retry."""
    return st.builds(Fixed, st.integers(0, MAX_TTL_MS))


def exponential_backoffs() -> SearchStrategy[Exponential]:
    """Longer waits each time; shorter ones too, as the class allows."""
    delays = st.integers(0, MAX_TTL_MS)
    return st.builds(Exponential, delays, delays, st.integers(0, MAX_PERMILLE), st.booleans())


def retry_policies() -> SearchStrategy[RetryPolicy]:
    """How often and when, for which categories of failure."""
    backoffs = fixed_backoffs() | exponential_backoffs()
    return st.builds(RetryPolicy, st.integers(0, MAX_COUNT), backoffs, st.frozensets(ids(), max_size=3))


def policies() -> SearchStrategy[ExecutionPolicy]:
    """Policies of executions."""
    return st.builds(
        ExecutionPolicy,
        retry=st.none() | retry_policies(),
        attempt_timeout_ms=st.none() | st.integers(1, MAX_TTL_MS),
        max_reclaim_count=st.integers(0, MAX_COUNT),
        max_replay_count=st.integers(0, MAX_COUNT),
    )


# -- workers and what they ask for -----------------------------------------------------------------


def workers(*, capabilities: SearchStrategy[frozenset[str]] | None = None) -> SearchStrategy[Worker]:
    """Workers; ``capabilities`` draws what they have."""
    return st.builds(Worker, ids(), ids(), capability_sets() if capabilities is None else capabilities)


def claim_requests(*, lane_id: str | None = None) -> SearchStrategy[IssueClaimGrantRequest]:
    """Requests for an execution that waits; in ``lane_id``, or in any lane."""
    return _requests(IssueClaimGrantRequest, lane_id)


def reclaim_requests(*, lane_id: str | None = None) -> SearchStrategy[IssueReclaimGrantRequest]:
    """Requests for one whose lease was lost; in ``lane_id``, or in any lane."""
    return _requests(IssueReclaimGrantRequest, lane_id)


def _requests(kind: type[T], lane_id: str | None) -> SearchStrategy[T]:
    audit = st.none() | st.text(_PRINTED, max_size=8)
    return st.builds(
        kind,
        worker_id=ids(),
        worker_instance_id=ids(),
        lane_id=lanes() if lane_id is None else st.just(lane_id),
        grant_ttl_ms=grant_ttls(),
        capability_hash=audit,
        route_snapshot_json=audit,
        admission_summary=audit,
        worker_capabilities=capability_sets(),
    )


# -- grants, leases, fences: values, of no engine ------------------------------------------------


def claim_grants() -> SearchStrategy[ClaimGrant]:
    """Grants that no engine has issued: well formed, and refused."""
    return st.builds(ClaimGrant, ids(), instants())


def resume_grants() -> SearchStrategy[ResumeGrant]:
    """As :func:`claim_grants`."""
    return st.builds(ResumeGrant, ids(), instants(), lanes())


def reclaim_grants() -> SearchStrategy[ReclaimGrant]:
    """As :func:`claim_grants`."""
    return st.builds(ReclaimGrant, ids(), instants(), lanes())


def leases() -> SearchStrategy[Lease]:
    """Leases that no engine has given."""
    return st.builds(
        Lease,
        execution_id=ids(),
        lane_id=lanes(),
        lease_id=ids(),
        lease_epoch=st.integers(0, MAX_MS),
        attempt_id=ids(),
        attempt_index=st.integers(0, MAX_MS),
        attempt_type=st.sampled_from(AttemptType),
        kind=st.sampled_from(LeaseKind),
        worker_id=ids(),
        worker_instance_id=ids(),
        acquired_at_ms=instants(),
        expires_at_ms=instants(),
        renewal_deadline_ms=instants(),
    )


def fences() -> SearchStrategy[Fence]:
    """Fences; any part but the execution may be missing."""
    return st.builds(Fence, ids(), st.none() | ids(), st.none() | st.integers(0, MAX_MS), st.none() | ids())


# -- engines -----------------------------------------------------------------------------------------


def configs() -> SearchStrategy[EngineConfig]:
    """Limits of engines, from narrow to about the usual."""
    up_to = partial(st.integers, 1)
    return st.builds(
        EngineConfig,
        max_grant_ttl_ms=up_to(_USUAL.max_grant_ttl_ms),
        max_lease_ttl_ms=up_to(_USUAL.max_lease_ttl_ms),
        retention_ms=st.none() | st.integers(0, MAX_TTL_MS),
        idempotency_window_ms=st.integers(0, MAX_TTL_MS),
        lease_history_limit=up_to(_USUAL.lease_history_limit),
        max_executions=st.none() | up_to(1_000_000),
        max_payload_bytes=st.integers(0, _USUAL.max_payload_bytes),
        max_text_bytes=up_to(_USUAL.max_text_bytes),
        max_route_snapshot_bytes=st.integers(0, _USUAL.max_route_snapshot_bytes),
        max_tags=st.integers(0, _USUAL.max_tags),
        max_shelves_per_lane=up_to(_USUAL.max_shelves_per_lane),
        threadsafe=st.booleans(),
    )
