"""Disagreements that were found, as the scripts that showed them; each is run forever.

======================================================  ====  ================================================
bug                                                     seed  command
======================================================  ====  ================================================
an empty shelf that was not yet cleared away makes      19    ``compare(19, 2000)``, when ``SMALL`` had
room beyond ``max_shelves_per_lane``                          ``max_shelves_per_lane=2``
``explain`` names an instance once that has registered  -     by hand, after a look at ``list_workers``
in two namespaces; which, a restore changes
the model waits for a window that ends after the last   3     ``compare(3, 2000)``, with ``crowd=7``
instant there is
a batch applies what its last item has made due, which  3041  ``compare(3041, 2000)``
the single call leaves to the next call
======================================================  ====  ================================================
"""

from __future__ import annotations

import pytest

from grantcore import Created, EngineConfig, IssueClaimGrantRequest, LimitExceeded
from grantcore.testing.pair import Pair


def _one_shelf_too_many(pair: Pair) -> None:
    """cpu and gpu wait; somebody without requirements has waited, in between; two sets are the most."""
    pair.call("create_execution", lane_id="b", execution_id="e1", required_capabilities=["cpu"])
    pair.call(
        "create_execution", lane_id="b", execution_id="e2", required_capabilities=["gpu"], deadline_at_ms=10
    )
    pair.call("at", 10)
    pair.call("create_execution", lane_id="b", execution_id="e3", deadline_at_ms=12)
    pair.call("at", 12)
    pair.call("replay_execution", "e2")


@pytest.mark.parametrize("name", [{"execution_id": "e4"}, {}], ids=["named", "minted"])
def test_an_empty_shelf_makes_no_room(name: dict[str, str]) -> None:
    """SPEC 3, I-43: the answer follows from the state, not from which indexes were cleared when.

    A third requirement set is over the limit, though an empty shelf of it is left; a restored engine
    refuses it, too. Without a name the engine creates on its shorter way.
    """
    pair = Pair(config=EngineConfig(max_shelves_per_lane=2), minted=True)
    _one_shelf_too_many(pair)
    refusal = pair.call("create_execution", lane_id="b", **name)
    assert isinstance(refusal, LimitExceeded)
    pair.call("restart")
    assert isinstance(pair.call("create_execution", lane_id="b", **name), LimitExceeded)


def test_a_lane_with_one_shelf_too_many_takes_more_of_those_that_wait() -> None:
    """SPEC 11: what is limited is the number of requirement sets; with room again, nothing is left over."""
    pair = Pair(config=EngineConfig(max_shelves_per_lane=2), minted=True)
    _one_shelf_too_many(pair)
    pair.call("create_execution", lane_id="b", required_capabilities=["gpu"])
    pair.call("operator.block", "e1", reason="paused_by_operator")
    assert isinstance(pair.call("create_execution", lane_id="b"), Created)
    pair.call("replay_execution", "e3")
    pair.call("operator.unblock", "e1")
    assert isinstance(pair.call("create_execution", lane_id="b"), Created)
    assert isinstance(
        pair.call("create_execution", lane_id="b", required_capabilities=["net"]), LimitExceeded
    )
    pair.call("look")


def test_a_window_that_outlasts_time_never_opens() -> None:
    """SPEC 3: the last instant is 2**53 - 1; what would come after it never comes. The model was wrong."""
    pair = Pair(start_ms=2**53 - 10)
    pair.call("create_quota_policy", "q", window_ms=60, max_requests_per_window=1, max_concurrent=0)
    pair.call("create_execution", lane_id="b", execution_id="e", quota_policy_id="q")
    request = IssueClaimGrantRequest(worker_id="w", worker_instance_id="i", lane_id="b", grant_ttl_ms=1)
    pair.call("issue_claim_grant", "e", request)
    pair.call("at", 2**53 - 9)
    pair.call("explain", "e")
    assert pair.call("next_deadline_ms") is None


def test_a_restored_engine_explains_alike() -> None:
    """I-43: a restored engine gives the same answers."""
    pair = Pair()
    pair.call("create_execution", lane_id="b", execution_id="e", required_capabilities=["cpu", "gpu"])
    for namespace, token in (("other", "cpu"), ("default", "gpu")):
        pair.call(
            "register_worker",
            "w",
            "i",
            lanes=["b"],
            capabilities=[token],
            liveness_ttl_ms=9,
            namespace=namespace,
        )
    told = pair.engine.explain("e")
    pair.call("restart")
    assert pair.engine.explain("e").missing == told.missing


def test_what_the_last_of_a_batch_makes_due_waits_for_the_next_call() -> None:
    """SPEC 3: a call applies what is due when it begins, a batch before each of its items, and no more."""
    pair = Pair(start_ms=9, observed=True)
    due = {"deadline_at_ms": 9}
    pair.call("create_executions", [due, {}, {"tags": {"Bad": "x"}}, due], lane_id="b")
    pair.call("look")
