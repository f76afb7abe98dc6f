"""What chance seldom meets, asked of engine and model together: every answer is compared (SPEC 7, 8)."""

from __future__ import annotations

from grantcore import (
    AlreadySatisfied,
    ConcurrencyLimitExceeded,
    GrantNotFound,
    IssueClaimGrantRequest,
    NotReclaimable,
    ReclaimGrant,
)
from grantcore.testing.pair import Pair


def test_an_instance_that_is_full_gets_no_grant_by_id() -> None:
    """SPEC 7: the ceiling of a worker instance counts what it holds."""
    pair = Pair()
    pair.call("register_worker", "w", "w-1", lanes=["a"], capabilities=[], liveness_ttl_ms=50, max_leases=1)
    for name in ("e1", "e2"):
        pair.call("create_execution", lane_id="a", execution_id=name)
    request = IssueClaimGrantRequest(
        worker_id="w", worker_instance_id="w-1", lane_id="a", grant_ttl_ms=9, worker_capabilities=[]
    )
    pair.call("issue_claim_grant", "e1", request)
    refusal = pair.call("issue_claim_grant", "e2", request)
    assert isinstance(refusal, ConcurrencyLimitExceeded)
    assert refusal.scope == "worker"


def test_a_usage_that_is_reported_twice_counts_once() -> None:
    """SPEC 7: within the window of its key."""
    pair = Pair()
    pair.call("create_budget", "b", hard_limits={"usd": 9})
    pair.call("report_usage", "b", {"usd": 2}, dedup_key="k")
    assert isinstance(pair.call("report_usage", "b", {"usd": 2}, dedup_key="k"), AlreadySatisfied)


def test_a_clock_that_shows_the_past_is_as_if_it_stood_still() -> None:
    """I-51: a pair reads the past only in the past of its own; beyond that, it reads what it read."""
    pair = Pair()
    pair.call("at", 7)
    pair.call("misread", 3)
    pair.call("misread", 20)
    assert pair.call("now_ms") == 7


def test_a_reclaim_of_what_is_not_lost_is_answered() -> None:
    """SPEC 5: the refusal of the phase is an answer of ``reclaim_execution``, not an exception."""
    pair = Pair()
    pair.call("create_execution", lane_id="a", execution_id="e1")
    grant = ReclaimGrant("e1", 9, "a")
    answer = pair.call("reclaim_execution", grant, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=9)
    assert answer == NotReclaimable("e1", "execution_not_reclaimable")


def test_a_reclaim_without_a_grant_is_answered() -> None:
    """SPEC 9: a grant that is not there is an answer of ``reclaim_execution``, too."""
    pair = Pair()
    pair.call("create_execution", lane_id="a", execution_id="e1")
    taker = {"worker_id": "w", "worker_instance_id": "w-1", "lease_ttl_ms": 9}
    pair.call("operator.issue_grant_and_claim", "e1", **taker)
    pair.call("at", 9)
    assert pair.call("reclaim_execution", ReclaimGrant("e1", 20, "a"), **taker) == GrantNotFound("e1")
