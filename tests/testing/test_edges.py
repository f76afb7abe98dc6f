"""Edges that a random run meets rarely: each call is made on engine and model, and both refuse alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grantcore import (
    ClockError,
    EngineConfig,
    ExecutionPolicy,
    Fence,
    IssueReclaimGrantRequest,
    LimitExceeded,
)
from grantcore.testing.pair import Pair
from grantcore.testing.proposing import Proposer

MANY = [f"t{number}" for number in range(257)]


def _created(**kwargs: object) -> Callable[[Pair], object]:
    return lambda pair: pair.call("create_execution", lane_id="a", **kwargs)


def _called(call: str, *args: object, **kwargs: object) -> Callable[[Pair], object]:
    return lambda pair: pair.call(call, *args, **kwargs)


REFUSED: dict[str, tuple[Callable[[Pair], object], str, str]] = {
    "too many budgets": (_created(budget_ids=MANY[:65]), "field", "budget_ids"),
    "too many tags": (_created(tags={f"a.{name}": "" for name in MANY[:65]}), "field", "tags"),
    "too many tokens": (_created(required_capabilities=MANY), "reason", "required:too_many_tokens"),
    "too many bytes": (
        _created(required_capabilities=[f"{name}{'x' * 250}" for name in MANY[:20]]),
        "reason",
        "required:too_many_bytes",
    ),
    "a token that is no text": (_created(required_capabilities=[5]), "reason", "required:non_string_token"),
    "an empty token": (_created(required_capabilities=[""]), "reason", "required:empty_token"),
    "a comma": (_created(required_capabilities=["a,b"]), "reason", "required:comma_in_token"),
    "a blank": (_created(required_capabilities=["a b"]), "reason", "required:control_or_whitespace"),
    "a long token": (_created(required_capabilities=["ä" * 129]), "reason", "required:token_too_long"),
    "a part of a fence that is no text": (
        _called("release_execution", Fence("e", lease_id=5)),  # type: ignore[arg-type]
        "field",
        "lease.lease_id",
    ),
    "no tags": (_called("set_execution_tags", "e", {}), "field", "tags"),
    "a cursor of executions": (_called("list_executions", after="5"), "field", "after"),
    "a cursor of lost leases": (_called("list_expired_leases", after="5:x"), "field", "after"),
    "a cursor of workers": (_called("list_workers", after="9:x"), "field", "after"),
    "a cursor of workers without a length": (_called("list_workers", after="x"), "field", "after"),
    "too many dimensions": (
        _called("create_budget", "b", hard_limits=dict.fromkeys(MANY[:65], 1)),
        "field",
        "hard_limits",
    ),
    "control characters": (_called("mark_worker_dead", "i", reason="a\nb"), "field", "reason"),
    "too many lanes": (
        _called("scheduler.claim_for_worker", "i", lanes=["a"] * 10_001, grant_ttl_ms=5),
        "field",
        "lanes",
    ),
}


@pytest.mark.parametrize(("call", "attribute", "value"), REFUSED.values(), ids=REFUSED.keys())
def test_both_refuse_alike(call: Callable[[Pair], object], attribute: str, value: str) -> None:
    """Type, range, length; the field or the reason is named (SPEC 6, 11)."""
    assert getattr(call(Pair()), attribute) == value


def test_both_refuse_a_clock_that_raises() -> None:
    """SPEC 3: the clock's exception is a ClockError, and nothing changes."""
    pair = Pair()

    def broken() -> int:
        raise OSError("no clock")

    pair.model._clock = pair.engine._clock = broken
    with pytest.raises(ClockError):
        pair.engine.now_ms()
    with pytest.raises(ClockError):
        pair.model.now_ms()


def test_both_count_the_shelves_of_a_lane() -> None:
    """SPEC 11: distinct requirement sets that wait in a lane."""
    pair = Pair(config=EngineConfig(max_shelves_per_lane=1))
    pair.call("create_execution", lane_id="a", required_capabilities=["x"])
    refusal = pair.call("create_execution", lane_id="a", required_capabilities=["y"])
    assert isinstance(refusal, LimitExceeded)


def test_both_limit_what_is_used_of_a_budget() -> None:
    """SPEC 11: every sum is judged before anything is written."""
    pair = Pair()
    pair.call("create_budget", "b", hard_limits={})
    pair.call("report_usage", "b", {"x": 2**53 - 1})
    assert getattr(pair.call("report_usage", "b", {"x": 1}), "field", None) == "deltas"


def test_both_page_over_workers_of_several_namespaces() -> None:
    """SPEC 8: by (namespace, instance)."""
    pair = Pair()
    for namespace in ("default", "other"):
        pair.call(
            "register_worker", "w", "i", lanes=[], capabilities=[], liveness_ttl_ms=5, namespace=namespace
        )
    pair.call("look", 1)
    page = pair.call("list_workers", namespace="other")
    assert [worker.namespace for worker in getattr(page, "entries", ())] == ["other"]


def _lost(pair: Pair, name: str, policy: ExecutionPolicy = ExecutionPolicy()) -> None:  # noqa: B008 - frozen
    """An execution whose lease has lapsed."""
    pair.call("create_execution", lane_id="a", execution_id=name, policy=policy)
    pair.call("operator.issue_grant_and_claim", name, worker_id="w", worker_instance_id="i", lease_ttl_ms=5)


def test_both_page_over_lost_leases() -> None:
    """SPEC 8: by (ended_at_ms, sequence)."""
    pair = Pair()
    for name in ("e", "d", "f"):
        _lost(pair, name)
    pair.call("at", 5)
    pair.call("look", 1)
    page = pair.call("list_expired_leases", limit=2)
    assert [lost.execution_id for lost in getattr(page, "entries", ())] == ["d", "e"]


def test_both_say_why_nothing_can_be_reclaimed() -> None:
    """SPEC 7: would_grant names the refusal of a reclaim grant, and changes nothing."""
    pair = Pair()
    _lost(pair, "e")
    _lost(pair, "d", ExecutionPolicy(max_reclaim_count=0))

    def code(name: str, lane_id: str) -> str:
        request = IssueReclaimGrantRequest(
            worker_id="w", worker_instance_id="i", lane_id=lane_id, grant_ttl_ms=5
        )
        return str(getattr(pair.call("scheduler.would_grant", name, request), "code", None))

    assert code("e", "a") == "execution_not_reclaimable"
    pair.call("at", 5)
    assert [code("e", "b"), code("d", "a"), code("e", "a")] == [
        "execution_not_in_eligible_set",
        "execution_not_reclaimable",
        "None",
    ]


def test_both_limit_tags_that_are_merged() -> None:
    """Reference 9.4 and SPEC 11: at most config.max_tags, old ones included."""
    pair = Pair(config=EngineConfig(max_tags=1))
    pair.call("create_execution", lane_id="a", execution_id="e", tags={"a.b": ""})
    assert getattr(pair.call("set_execution_tags", "e", {"a.c": ""}), "field", None) == "tags"


def test_both_say_that_there_is_no_grant() -> None:
    """A proposal for another phase: nothing has been granted, so it only looks."""
    pair = Pair()
    pair.call("create_execution", lane_id="a", execution_id="e")
    proposer = Proposer(0, pair.model)
    call, args, kwargs = proposer._use(pair.model.executions[0])
    assert args == ("e",)
    pair.call(call, *args, **kwargs)


def test_a_call_without_arguments_becomes_one_with_nonsense() -> None:
    """There is nothing to replace in it."""
    call, args, kwargs = Proposer(0, Pair().model)._garbled(("advance", (), {}))
    assert (call, len(args), kwargs) == ("describe_execution", 1, {})
