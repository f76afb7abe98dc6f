"""Small promises that no other test keeps."""

from __future__ import annotations

import copy
import hashlib
import pickle
from typing import Final
from weakref import WeakSet

import pytest

from grantcore import (
    BudgetNotFound,
    ClaimGrant,
    EngineConfig,
    ExecutionPolicy,
    Fixed,
    Forked,
    GrantEngine,
    InvalidInput,
    IssueClaimGrantRequest,
    Lease,
    ManualClock,
    Partition,
    ReclaimGrant,
    ResumeGrant,
    RetryPolicy,
    SnapshotInvalid,
    SystemClock,
)
from grantcore.engine import processes
from grantcore.model.ids import MintedIds
from grantcore.model.values import FrozenDict

REQUEST: Final = IssueClaimGrantRequest(
    worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=1_000
)


def taken(engine: GrantEngine, grant: ClaimGrant | ResumeGrant) -> Lease:
    return engine.take(grant, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=9)


class Ids:
    """A source that gives what it is told to."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def execution_id(self, _lane_id: str) -> str:
        return self.texts.pop(0)

    def lease_id(self) -> str:
        return self.texts.pop(0)

    attempt_id = lease_id
    suspension_id = lease_id


def test_an_attempt_that_goes_on_after_a_restore_keeps_its_id() -> None:
    """SPEC 5, 9: though whoever mints has another prefix now."""
    engine = GrantEngine(clock=ManualClock(0), ids=MintedIds("a" * 20))
    name = engine.create_execution(lane_id="main").execution_id
    lease = taken(engine, engine.issue_claim_grant(name, REQUEST))
    engine.release_execution(lease)
    other = GrantEngine.restore(engine.snapshot(), clock=ManualClock(0), ids=MintedIds("b" * 20))
    again = taken(other, other.issue_resume_grant(name, REQUEST))
    assert again.attempt_id == lease.attempt_id
    assert again.lease_id != lease.lease_id
    other.check()


def test_budgets_may_be_named_in_a_tuple() -> None:
    """SPEC 9: any iterable; each has to exist."""
    engine = GrantEngine(clock=ManualClock(0))
    with pytest.raises(BudgetNotFound):
        engine.create_execution(lane_id="main", budget_ids=("b",))
    engine.create_budget("b", hard_limits={"usd": 1})
    shown = engine.describe_execution(engine.create_execution(lane_id="main", budget_ids=("b",)).execution_id)
    assert shown is not None
    assert shown.budget_ids == ("b",)


@pytest.mark.parametrize("execution_id", ["{fp:7}:a-b", "{fp:999}:a", "{fp:07}:a", "plain"])
def test_partition_and_key_follow_from_the_id(execution_id: str) -> None:
    """SPEC 9: ``{fp:N}:`` names the partition, else it is the CRC of the id."""
    grant = ReclaimGrant(execution_id, 5, "main")
    if execution_id == "{fp:7}:a-b":
        assert grant.partition == Partition(7, "flow")
    assert 0 <= grant.partition.index < 256
    key = f"ff:exec:{grant.partition.partition_key}:{execution_id}:claim_grant"
    assert grant.grant_key == ClaimGrant(execution_id, 9).grant_key == key


def test_ids_in_use_are_refused() -> None:
    """SPEC 9: an id already in use is invalid_input, and nothing is written."""
    ids = Ids("e", "e", "a", "l", "a", "b", "l", "b", "m")
    engine = GrantEngine(clock=ManualClock(), ids=ids)
    policy = ExecutionPolicy(retry=RetryPolicy(backoff=Fixed(delay_ms=0)))
    engine.create_execution(lane_id="main", policy=policy)
    with pytest.raises(InvalidInput) as refused:
        engine.create_execution(lane_id="main")
    assert refused.value.field == "ids.execution_id"
    engine.fail_execution(taken(engine, engine.issue_claim_grant("e", REQUEST)), reason="r")
    grant = engine.issue_claim_grant("e", REQUEST)
    digest = engine.digest()
    for field in ("ids.attempt_id", "ids.lease_id"):
        with pytest.raises(InvalidInput) as refused:
            taken(engine, grant)
        assert refused.value.field == field
        assert engine.digest() == digest
    assert taken(engine, grant).lease_id == "m"


@pytest.mark.parametrize("names", ["timeout", {"timeout": 1}, 5, [f"c{n}" for n in range(257)], [5]])
def test_categories_are_a_bounded_set_of_texts(names: object) -> None:
    """hostile-inputs 1: a plain str or a mapping is no set of names."""
    with pytest.raises(InvalidInput) as refused:
        RetryPolicy(retryable_categories=names)
    assert refused.value.field == "retryable_categories"


def test_at_least_one_tag() -> None:
    """Reference 9.4: no tags are no call."""
    engine = GrantEngine(clock=ManualClock())
    engine.create_execution(lane_id="main", execution_id="e")
    with pytest.raises(InvalidInput) as refused:
        engine.set_execution_tags("e", {})
    assert refused.value.field == "tags"


def test_a_frozen_dict_is_a_value() -> None:
    """Hostile-inputs 4: it copies, pickles, hashes and compares as what it holds."""
    tags = FrozenDict({"a.b": "c"})
    assert tags == {"a.b": "c"} == copy.deepcopy(tags) == pickle.loads(pickle.dumps(tags))
    assert hash(tags) == hash(FrozenDict({"a.b": "c"}))
    assert repr(tags) == "FrozenDict({'a.b': 'c'})"
    assert len(tags) == 1


def test_an_inherited_engine_is_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """SPEC 11: what a fork's child is told; run here, where the coverage of a child would be lost."""
    monkeypatch.setattr(processes, "_engines", WeakSet())
    engine = GrantEngine(config=EngineConfig(retention_ms=None))
    processes.disown()
    with pytest.raises(Forked):
        engine.now_ms()
    processes.FOREIGN.acquire()
    processes.FOREIGN.release()
    assert GrantEngine().now_ms() > 0


def test_the_system_clock_goes_on() -> None:
    """SPEC 3: whole milliseconds since the epoch, never back."""
    clock = SystemClock()
    readings = [clock() for _ in range(100)]
    assert readings == sorted(readings)
    assert readings[0] > 1_600_000_000_000


def test_a_cursor_of_lost_leases_has_a_number_that_there_may_be() -> None:
    """SPEC 8: sixteen digits are those of 2**53, and more are no cursor of ours."""
    engine = GrantEngine(clock=ManualClock())
    assert engine.list_expired_leases(after="5:" + "1" * 16).entries == ()
    with pytest.raises(InvalidInput) as refused:
        engine.list_expired_leases(after="5:" + "1" * 17)
    assert refused.value.field == "after"


def test_a_snapshot_that_is_whole_but_no_document() -> None:
    """SPEC 9: its digest fits, and still there is nothing to be read."""
    body = b"{"
    header = f"grantcore-snapshot 2 {hashlib.sha256(body).hexdigest()}\n".encode()
    with pytest.raises(SnapshotInvalid, match="no JSON document"):
        GrantEngine.restore(header + body, clock=ManualClock())


def test_the_refusal_of_a_time_to_live_says_what_is_allowed() -> None:
    """SPEC 11: from one millisecond."""
    engine = GrantEngine(clock=ManualClock())
    engine.create_execution(lane_id="main", execution_id="e")
    request = IssueClaimGrantRequest(worker_id="w", worker_instance_id="i", lane_id="main", grant_ttl_ms=5)
    grant = engine.issue_claim_grant("e", request)
    with pytest.raises(InvalidInput, match=r"lease_ttl_ms must be an int in 1\.\."):
        engine.take(grant, worker_id="w", worker_instance_id="i", lease_ttl_ms=0)
