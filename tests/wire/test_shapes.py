"""FlowFabric's shapes, field for field (SPEC 9)."""

from __future__ import annotations

import json
from typing import Any, Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grantcore as gc
from grantcore import wire
from grantcore.wire import table

ID: Final = "{fp:7}:0b7e"
KEY: Final = f"ff:exec:{{fp:7}}:{ID}:claim_grant"

RECLAIM_BODY: Final = {
    "worker_id": "bob",
    "worker_instance_id": "bob-1",
    "lane_id": "main",
    "grant_ttl_ms": 5000,
    "capability_hash": None,
    "route_snapshot_json": '{"a": 1}',
    "admission_summary": None,
    "worker_capabilities": ["gpu", "ssd"],
}
GRANTED: Final = {
    "status": "granted",
    "execution_id": ID,
    "partition_key": "{fp:7}",
    "grant_key": KEY,
    "expires_at_ms": 5000,
    "lane_id": "main",
}
CLAIMED: Final = {
    "execution_id": ID,
    "partition_key": "{fp:7}",
    "grant_key": KEY,
    "expires_at_ms": 5000,
}
CLAIMED_OLDER: Final = {
    "execution_id": ID,
    "partition_family": "flow",
    "partition_index": 7,
    "grant_key": KEY,
    "expires_at_ms": 5000,
}
POLICY: Final = {
    "retry_policy": {
        "max_retries": 2,
        "backoff": {
            "type": "exponential",
            "initial_delay_ms": 100,
            "max_delay_ms": 60000,
            "multiplier": 2.5,
            "jitter": True,
        },
        "retryable_categories": ["io", "timeout"],
    },
    "attempt_timeout_ms": None,
    "max_reclaim_count": 100,
    "max_replay_count": 10,
}

REQUEST: Final = gc.IssueReclaimGrantRequest(
    worker_id="bob",
    worker_instance_id="bob-1",
    lane_id="main",
    grant_ttl_ms=5000,
    route_snapshot_json='{"a": 1}',
    worker_capabilities=["ssd", "gpu"],
)

SHAPES: Final[dict[str, tuple[Any, object]]] = {
    "reclaim body": (REQUEST, RECLAIM_BODY),
    "granted": (gc.Granted(gc.ReclaimGrant(ID, 5000, "main")), GRANTED),
    "not reclaimable": (
        gc.NotReclaimable(ID, "lane_mismatch: b"),
        {"status": "not_reclaimable", "execution_id": ID, "detail": "lane_mismatch: b"},
    ),
    "cap exceeded": (
        gc.ReclaimCapExceeded(ID, 100),
        {"status": "reclaim_cap_exceeded", "execution_id": ID, "reclaim_count": 100},
    ),
    "claim answer": (gc.ClaimGrant(ID, 5000), CLAIMED),
    "resume answer": (gc.ResumeGrant(ID, 5000, "main"), {**CLAIMED, "lane_id": "main"}),
    "policy": (
        gc.ExecutionPolicy(
            retry=gc.RetryPolicy(
                max_retries=2,
                backoff=gc.Exponential(100, 60_000, 2500, jitter=True),
                retryable_categories=frozenset({"timeout", "io"}),
            )
        ),
        POLICY,
    ),
    "fixed": (gc.Fixed(10), {"type": "fixed", "delay_ms": 10}),
    "partition": (gc.Partition(7), {"partition_key": "{fp:7}"}),
    "fence": (
        gc.Fence(ID, "l", 1, "a"),
        {"execution_id": ID, "lease_id": "l", "lease_epoch": 1, "attempt_id": "a"},
    ),
    "refusal": (
        gc.LeaseLost(ID, gc.StaleLease("another lease is current", current_epoch=3)),
        {
            "status": "lease_lost",
            "execution_id": ID,
            "error": {
                "code": "stale_lease",
                "error_class": "terminal",
                "detail": "another lease is current",
                "current_epoch": 3,
            },
        },
    ),
    "bytes": (
        gc.events.Completed(1, 2, None, ID, "main", gc.Phase.SUCCEEDED, None, None, None, b"\x00\xff"),
        {
            "event": "completed",
            "sequence": 1,
            "at_ms": 2,
            "operator": None,
            "execution_id": ID,
            "lane_id": "main",
            "phase": "succeeded",
            "voided_grant": None,
            "released_lease": None,
            "closed_attempt": None,
            "result": "AP8=",
        },
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    value, shape = SHAPES[name]
    assert wire.to_json(value) == shape
    assert wire.to_json(wire.from_json(type(value), shape)) == shape


def test_the_reclaim_answer_is_told_by_its_status() -> None:
    answer = gc.Granted | gc.NotReclaimable | gc.ReclaimCapExceeded
    for name in ("granted", "not reclaimable", "cap exceeded"):
        value, shape = SHAPES[name]
        assert wire.from_json(answer, shape) == value


def test_grants_have_a_kind_where_they_are_one_of_several_only() -> None:
    grant, several = gc.ClaimGrant(ID, 5000), gc.ClaimGrant | gc.ResumeGrant | gc.ReclaimGrant
    assert wire.to_json(grant, several) == {"kind": "claim", **CLAIMED}
    assert wire.to_json(grant, gc.ClaimGrant | None) == CLAIMED
    with pytest.raises(gc.InvalidInput, match="kind must be absent"):
        wire.from_json(gc.ClaimGrant, {"kind": "claim", **CLAIMED})


def test_a_lease_of_many_says_that_it_is_one() -> None:
    """``renew_leases`` answers with leases and with those that were lost."""
    fields = (ID, "main", "l", 1, "a", 0, gc.AttemptType.INITIAL, gc.LeaseKind.FRESH, "w", "w-1", 0, 9, 6)
    lease = gc.Lease(*fields)
    written: Any = wire.to_json(lease)
    assert list(written) == [field.name for field in attrs.fields(gc.Lease)]
    assert wire.to_json(lease, gc.Lease | gc.LeaseLost) == {"status": "lease", **written}


def test_a_grant_of_many_says_of_which_kind_it_is_and_a_refusal_that_it_is_one() -> None:
    """``issue_claim_grants`` answers with grants and with what was refused."""
    kind = gc.ClaimGrant | gc.Refused
    assert wire.to_json(gc.ClaimGrant(ID, 5000), kind) == {"kind": "claim", **CLAIMED}
    written: Any = wire.to_json(gc.Refused(gc.LanePaused()), kind)
    assert (written["status"], written["error"]["code"]) == ("refused", "lane_paused")
    with pytest.raises(gc.InvalidInput, match="kind must be one of"):
        wire.from_json(kind, CLAIMED)


def test_a_snapshot_has_its_fields_and_nothing_else() -> None:
    engine = gc.GrantEngine(clock=gc.ManualClock())
    engine.create_execution(lane_id="main", execution_id=ID, tags={"a.b": "c"}, required_capabilities=["x"])
    shown = engine.describe_execution(ID)
    assert shown is not None
    written: Any = wire.to_json(shown)
    assert list(written) == [field.name for field in attrs.fields(type(shown))]
    part = ("lifecycle_phase", "public_state", "phase", "tags", "required_capabilities", "created_at_ms")
    assert [written[name] for name in part] == ["runnable", "waiting", "eligible", {"a.b": "c"}, ["x"], 0]


# -- partitions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["flow", "execution"])
def test_the_older_form_reads_two_families_and_writes_one(family: str) -> None:
    grant = wire.from_json(gc.ClaimGrant, {**CLAIMED_OLDER, "partition_family": family})
    assert grant == gc.ClaimGrant(ID, 5000)
    assert wire.to_json(grant, older=True) == CLAIMED_OLDER
    assert json.loads(wire.dumps(grant, older=True)) == CLAIMED_OLDER
    granted = gc.Granted(gc.ReclaimGrant(ID, 5000, "main"))
    assert wire.from_json(gc.Granted, wire.to_json(granted, older=True)) == granted
    assert wire.from_json(gc.Partition, wire.to_json(gc.Partition(7), older=True)) == gc.Partition(7)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"partition_family": "lane"}, "partition_family"),
        ({"partition_family": None}, "partition_family"),
        ({"partition_family": ["flow"]}, "partition_family"),
        ({"partition_index": 8}, "partition_index"),
        ({"partition_index": None}, "partition_index"),
        ({"partition_index": True}, "partition_index"),
        ({"partition_index": 7.0}, "partition_index"),
        ({"partition_index": -1}, "partition_index"),
        ({"partition_index": 256}, "partition_index"),
        ({"partition_key": "{fp:7}"}, "partition_key"),
        ({"grant_key": "another"}, "grant_key"),
        ({"grant_key": None}, "grant_key"),
        ({"execution_id": "{fp:8}:0b7e"}, "partition_index"),
    ],
    ids=str,
)
def test_a_grant_that_contradicts_itself_is_refused(changed: dict[str, object], field: str) -> None:
    with pytest.raises(gc.InvalidInput) as refused:
        wire.from_json(gc.ClaimGrant, {**CLAIMED_OLDER, **changed})
    assert refused.value.field == field


@pytest.mark.parametrize(
    "given", [CLAIMED, CLAIMED_OLDER, {"status": "granted", **CLAIMED_OLDER, "lane_id": "main"}]
)
def test_a_grant_needs_a_whole_partition(given: dict[str, object]) -> None:
    kind = gc.Granted if "status" in given else gc.ClaimGrant
    assert wire.from_json(kind, given)
    for name in ("partition_key", "partition_family", "partition_index"):
        if name in given:
            with pytest.raises(gc.InvalidInput, match=name):
                wire.from_json(kind, {key: part for key, part in given.items() if key != name})


@pytest.mark.parametrize(
    "key", ["{fp:07}", "{fp:256}", "{fp:-1}", "{p:7}", "fp:7", "{fp:7} ", "", 7, None, "\ud800"]
)
def test_a_malformed_partition_key_is_refused(key: object) -> None:
    with pytest.raises(gc.InvalidInput) as refused:
        wire.from_json(gc.Partition, {"partition_key": key})
    assert refused.value.field == "partition_key"


@pytest.mark.parametrize("value", [gc.Completed("a"), gc.Fence("a"), (gc.Partition(1),)], ids=str)
def test_what_has_no_partition_has_no_older_form(value: object) -> None:
    kind = tuple[gc.Partition, ...] if isinstance(value, tuple) else None
    with pytest.raises(gc.InvalidInput) as refused:
        wire.to_json(value, kind, older=True)
    assert refused.value.field == "older"


# -- the multiplier ------------------------------------------------------------------------------


@given(st.integers(0, 1_000_000))
@settings(deadline=None)
def test_every_permille_is_one_number_and_back(permille: int) -> None:
    """Integers inside, a number at the border, exactly (SPEC 9)."""
    policy = gc.Exponential(multiplier_permille=permille)
    data = wire.dumps(policy)
    assert wire.loads(gc.Exponential, data) == policy
    text = f'"multiplier":{permille // 1000}.{permille % 1000:03}'.encode()
    spelt_out = data.replace(f'"multiplier":{permille / 1000!r}'.encode(), text)
    assert text in spelt_out
    assert wire.loads(gc.Exponential, spelt_out) == policy


@pytest.mark.parametrize(
    "multiplier",
    [
        0.0001,
        1.0005,
        1000.001,
        -0.001,
        -1,
        1001,
        1e300,
        10**400,
        float("nan"),
        float("inf"),
        True,
        "2.0",
        None,
    ],
)
def test_no_other_multiplier_is_taken(multiplier: object) -> None:
    with pytest.raises(gc.InvalidInput) as refused:
        wire.from_json(gc.Exponential, {"type": "exponential", "multiplier": multiplier})
    assert refused.value.field == "multiplier"


@pytest.mark.parametrize(("multiplier", "permille"), [(2, 2000), (0, 0), (0.001, 1), (1000, 1_000_000)])
def test_whole_multipliers_may_be_integers(multiplier: float, permille: int) -> None:
    read = wire.from_json(gc.Exponential, {"type": "exponential", "multiplier": multiplier})
    assert read.multiplier_permille == permille


# -- what may be absent --------------------------------------------------------------------------


def test_a_field_with_a_default_may_be_absent() -> None:
    assert wire.from_json(gc.ExecutionPolicy, {}) == gc.ExecutionPolicy()
    assert wire.from_json(gc.EngineConfig, {"max_tags": 3}) == gc.EngineConfig(max_tags=3)


def test_the_table_is_as_the_classes_are_called() -> None:
    assert table.members(gc.ClaimGrant | gc.ResumeGrant) == ()
    assert table.members(object) == ()
    assert gc.StaleLease in table.members(gc.GrantError)
    assert table.members(gc.events.LaneEvent) == tuple(
        kind for kind in table.EVENTS if issubclass(kind, gc.events.LaneEvent)
    )
