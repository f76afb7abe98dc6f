"""Every limit of EngineConfig, at its edge and one beyond (SPEC 11); retention, keys, history: D-25, D-27."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
import pytest

from grantcore import (
    Duplicate,
    EngineConfig,
    ExecutionNotFound,
    ExecutionNotTerminal,
    ExecutionPolicy,
    Fixed,
    InvalidInput,
    IssueClaimGrantRequest,
    LimitExceeded,
    Phase,
    RetryPolicy,
)
from tests.life.stage import JOB, LANE, START_MS, Stage, claim_request

WHO: Final[dict[str, Any]] = {"worker_id": "w", "worker_instance_id": "w-1"}
END_MS: Final = 2**53 - 1


def staged(**config: Any) -> Stage:
    return Stage(config=EngineConfig(**config))


def field_of(stage: Stage, call: Callable[[], object]) -> str:
    return stage.refuses(InvalidInput, call).field


# -- the settings themselves -----------------------------------------------------------------------

TEN_YEARS_MS: Final = 10 * 366 * 86_400_000
RANGES: Final = {
    "max_grant_ttl_ms": (1, TEN_YEARS_MS),
    "max_lease_ttl_ms": (1, TEN_YEARS_MS),
    "retention_ms": (0, TEN_YEARS_MS),
    "idempotency_window_ms": (0, TEN_YEARS_MS),
    "lease_history_limit": (1, 2**31 - 1),
    "max_executions": (1, 2**31 - 1),
    "max_payload_bytes": (0, 2**30),
    "max_text_bytes": (1, 2**30),
    "max_route_snapshot_bytes": (0, 2**30),
    "max_tags": (0, 2**31 - 1),
    "max_shelves_per_lane": (1, 2**31 - 1),
}


def test_every_setting_is_here() -> None:
    assert {*RANGES, "threadsafe"} == {field.name for field in attrs.fields(EngineConfig)}


@pytest.mark.parametrize(("name", "least", "most"), [(name, *ends) for name, ends in RANGES.items()])
def test_a_setting_in_and_out_of_range(name: str, least: int, most: int) -> None:
    for value in (least, most):
        setting: dict[str, Any] = {name: value}
        assert getattr(EngineConfig(**setting), name) == value
    for bad in (least - 1, most + 1, True, 1.0, "5", 2**70):
        with pytest.raises(InvalidInput) as refusal:
            EngineConfig(**{name: bad})  # type: ignore[arg-type]
        assert refusal.value.field == name


def test_what_may_be_none() -> None:
    for name in RANGES:
        if name in ("retention_ms", "max_executions"):
            assert getattr(EngineConfig(**{name: None}), name) is None  # type: ignore[arg-type]
        else:
            with pytest.raises(InvalidInput):
                EngineConfig(**{name: None})  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        EngineConfig(threadsafe=1)  # type: ignore[arg-type]


# -- times to live -------------------------------------------------------------------------------


def test_the_longest_grant() -> None:
    stage = staged(max_grant_ttl_ms=50)
    stage.create()
    assert (
        field_of(stage, lambda: stage.engine.issue_claim_grant(JOB, claim_request(ttl_ms=51)))
        == "grant_ttl_ms"
    )
    assert stage.issue(ttl_ms=50).expires_at_ms == stage.now + 50


def test_the_longest_lease() -> None:
    stage = staged(max_lease_ttl_ms=50)
    stage.create()
    grant = stage.issue()
    assert field_of(stage, lambda: stage.engine.take(grant, **WHO, lease_ttl_ms=51)) == "lease_ttl_ms"
    lease = stage.take(ttl_ms=50)
    assert field_of(stage, lambda: stage.engine.renew_lease(lease, lease_ttl_ms=51)) == "lease_ttl_ms"
    assert field_of(stage, lambda: stage.engine.renew_leases([lease], lease_ttl_ms=51)) == "lease_ttl_ms"
    stage.engine.release_execution(lease)
    stage.engine.advance()
    call = stage.operator.issue_grant_and_claim
    assert field_of(stage, lambda: call(JOB, **WHO, lease_ttl_ms=51)) == "lease_ttl_ms"


def test_no_instant_is_beyond_the_last_one() -> None:
    """I-52: every sum is checked before any write."""
    stage = Stage(start_ms=END_MS - 100, policy=ExecutionPolicy(retry=RetryPolicy(1, Fixed(500))))
    stage.create()
    assert (
        field_of(stage, lambda: stage.engine.issue_claim_grant(JOB, claim_request(ttl_ms=101)))
        == "grant_ttl_ms"
    )
    stage.issue(ttl_ms=100)
    assert field_of(stage, lambda: stage.take(ttl_ms=101)) == "lease_ttl_ms"
    lease = stage.engine.take(stage.grant, **WHO, lease_ttl_ms=100, attempt_timeout_ms=100)
    assert lease.expires_at_ms == END_MS
    assert field_of(stage, lambda: stage.engine.renew_lease(lease, lease_ttl_ms=101)) == "lease_ttl_ms"
    assert (
        field_of(stage, lambda: stage.engine.delay_execution(lease, delay_until_ms=END_MS + 1))
        == "delay_until_ms"
    )
    stage.engine.fail_execution(lease, reason="late")
    assert stage.look().delay_until_ms == END_MS
    stage.engine.check()


def test_an_attempt_timeout_that_ends_beyond_the_last_instant_is_refused() -> None:
    stage = Stage(start_ms=END_MS - 100)
    stage.create()
    stage.issue(ttl_ms=100)
    assert field_of(stage, lambda: stage.take(ttl_ms=50, timeout_ms=101)) == "attempt_timeout_ms"


# -- retention and purge ---------------------------------------------------------------------------


def test_ended_executions_are_kept_for_the_retention_and_no_longer() -> None:
    stage = staged(retention_ms=100)
    stage.create(idempotency_key="k")
    stage.cancel()
    stage.clock.advance(99)
    assert stage.phase() is Phase.CANCELLED
    assert stage.engine.next_deadline_ms() == START_MS + 100
    stage.clock.advance(1)
    assert stage.phase() is None
    assert (type(stage.told[-1]).__name__, stage.told[-1].at_ms) == ("Purged", START_MS + 100)
    assert stage.engine.list_executions().entries == ()


def test_no_retention_and_endless_retention() -> None:
    stage = staged(retention_ms=0)
    stage.create()
    stage.cancel()
    assert stage.phase() is None
    stage = staged(retention_ms=None)
    stage.create()
    stage.cancel()
    stage.clock.advance(10**12)
    assert stage.phase() is Phase.CANCELLED
    assert stage.engine.next_deadline_ms() is None


def test_a_replay_stops_the_retention() -> None:
    stage = staged(retention_ms=100)
    stage.create()
    stage.cancel()
    stage.clock.advance(99)
    stage.replay()
    stage.clock.advance(10**6)
    assert stage.phase() is Phase.ELIGIBLE


def test_purge_forgets_at_once_what_has_ended() -> None:
    stage = Stage()
    stage.create()
    stage.refuses(ExecutionNotTerminal, lambda: stage.engine.purge_execution(JOB))
    stage.cancel()
    stage.engine.purge_execution(JOB)
    stage.refuses(ExecutionNotFound, lambda: stage.engine.purge_execution(JOB))
    for read in ("attempts", "read_payload", "read_result", "lease_history", "describe_grant"):
        stage.refuses(ExecutionNotFound, lambda read=read: getattr(stage.engine, read)(JOB))  # type: ignore[misc]


def test_an_epoch_is_never_issued_twice_for_an_id() -> None:
    """SPEC 11: a purge raises the floor; the namesake's holder cannot be mistaken for the old one."""
    stage = Stage()
    stage.create()
    epochs = []
    for _ in range(3):
        epochs.append(stage.claim().lease_epoch)
        stage.revoke()
        stage.cancel()
        stage.engine.purge_execution(JOB)
        stage.create()
    assert epochs == [1, 2, 3]


def test_a_purge_leaves_the_epochs_of_others_alone() -> None:
    """I-02, I-49: plus one exactly, whatever was purged meanwhile; those that begin later begin above it."""
    stage = Stage()
    stage.create("other")
    assert stage.claim("other").lease_epoch == 1
    stage.revoke("other")
    stage.create()
    for _ in range(5):
        stage.claim()
        stage.delay(0)
    stage.cancel()
    stage.engine.purge_execution(JOB)
    assert stage.claim("other").lease_epoch == 2
    stage.create("new")
    assert stage.claim("new").lease_epoch == 6


# -- idempotency keys ------------------------------------------------------------------------------


def test_a_key_answers_for_its_window_whatever_becomes_of_its_execution() -> None:
    stage = staged(idempotency_window_ms=100, retention_ms=0)
    stage.create(idempotency_key="k")
    stage.cancel()
    stage.clock.advance(99)
    assert stage.phase() is None
    again = stage.engine.create_execution(lane_id=LANE, execution_id="x", idempotency_key="k")
    assert again == Duplicate(JOB, "idempotency_key")
    stage.clock.advance(1)
    stage.create("x", idempotency_key="k")


def test_a_window_of_nothing_remembers_nothing() -> None:
    stage = staged(idempotency_window_ms=0)
    stage.create("x", idempotency_key="k")
    stage.create("y", idempotency_key="k")


def test_a_duplicate_renews_no_window_and_leaves_no_key() -> None:
    """Reference 3: the new key is not remembered when the id is known."""
    stage = staged(idempotency_window_ms=100)
    stage.create(idempotency_key="k")
    stage.clock.advance(60)
    again = {"lane_id": LANE, "execution_id": JOB}
    assert stage.engine.create_execution(**again, idempotency_key="other") == Duplicate(JOB, "execution_id")  # type: ignore[arg-type]
    assert stage.engine.create_execution(**again, idempotency_key="k") == Duplicate(JOB, "idempotency_key")  # type: ignore[arg-type]
    stage.create("x", idempotency_key="other")
    stage.clock.advance(40)
    stage.create("y", idempotency_key="k")


def test_many_expired_keys_are_forgotten() -> None:
    """I-64: the engine does not grow by keys that answer nobody."""
    stage = staged(idempotency_window_ms=10, retention_ms=0)
    for i in range(1_000):
        stage.create(f"x{i}", idempotency_key=f"k{i}")
        stage.cancel(f"x{i}")
        stage.clock.advance(5)
    assert len(stage.engine._store.keys) < 200


# -- history -------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7])
def test_the_history_keeps_exactly_its_last_lines(limit: int) -> None:
    """D-25, at every moment of a life, whether its past is stored or follows from the record."""
    whole, short = staged(), staged(lease_history_limit=limit)
    for stage in (whole, short):
        stage.create()
    acts = (Stage.claim, Stage.lapse, Stage.issue, Stage.take, Stage.renew, Stage.fail, Stage.until_due)
    ending = (Stage.claim, Stage.revoke, Stage.issue, Stage.take, Stage.complete, Stage.replay, Stage.claim)
    for act in (*acts, *ending):
        for stage in (whole, short):
            act(stage)
            stage.engine.check()
        assert short.engine.lease_history(JOB) == whole.engine.lease_history(JOB)[-limit:]


# -- counts and sizes ------------------------------------------------------------------------------


def test_a_full_store() -> None:
    stage = staged(max_executions=2, retention_ms=50)
    stage.create("a")
    stage.create("b")
    error = stage.refuses(LimitExceeded, lambda: stage.create("c"))
    assert (error.limit, error.error_class) == ("max_executions", "retryable")
    assert stage.engine.create_execution(lane_id=LANE, execution_id="a") == Duplicate("a", "execution_id")
    stage.cancel("a")
    stage.refuses(LimitExceeded, lambda: stage.create("c"))
    stage.clock.advance(50)
    stage.create("c")


def test_payload_and_result() -> None:
    stage = staged(max_payload_bytes=4)
    assert field_of(stage, lambda: stage.create(payload=b"12345")) == "payload"
    stage.create(payload=b"1234")
    lease = stage.claim()
    assert field_of(stage, lambda: stage.engine.complete_execution(lease, result=b"12345")) == "result"
    assert field_of(stage, lambda: stage.operator.complete(JOB, result=b"12345")) == "result"
    stage.engine.complete_execution(lease, result=b"1234")


def test_texts_are_measured_in_bytes() -> None:
    stage = staged(max_text_bytes=4)
    stage.create(tags={"a.b": "four"})
    lease = stage.claim()
    long = "ééé"
    calls: dict[str, Callable[[], object]] = {
        "tags": lambda: stage.engine.set_execution_tags(JOB, {"a.b": long}),
        "message": lambda: stage.engine.update_progress(lease, message=long),
        "reason": lambda: stage.engine.fail_execution(lease, reason=long),
        "category": lambda: stage.engine.fail_execution(lease, reason="", category=long),
        "cancelled_by": lambda: stage.engine.cancel_execution(JOB, reason="", lease=lease, cancelled_by=long),
        "detail": lambda: stage.operator.block(JOB, detail=long, reason="four"),
        "requested_by": lambda: stage.engine.replay_execution(JOB, requested_by=long),
    }
    for field, call in calls.items():
        assert field_of(stage, call) == field
    stage.engine.fail_execution(lease, reason="éé", category="four")


@pytest.mark.parametrize("field", ["capability_hash", "admission_summary", "route_snapshot_json"])
def test_texts_of_a_request(field: str) -> None:
    stage = staged(max_text_bytes=4, max_route_snapshot_bytes=4)
    stage.create()

    def request(text: str) -> IssueClaimGrantRequest:
        return IssueClaimGrantRequest(**WHO, lane_id=LANE, grant_ttl_ms=9, **{field: text})

    assert field_of(stage, lambda: stage.engine.issue_claim_grant(JOB, request("12345"))) == field
    stage.engine.issue_claim_grant(JOB, request("1234"))
    grant = stage.engine.describe_grant(JOB)
    assert getattr(grant, field) == "1234"


def test_tags() -> None:
    stage = staged(max_tags=2)
    three = {"a.a": "", "b.b": "", "c.c": ""}
    assert field_of(stage, lambda: stage.create(tags=three)) == "tags"
    stage.create(tags={"a.a": ""})
    assert field_of(stage, lambda: stage.engine.set_execution_tags(JOB, {"b.b": "", "c.c": ""})) == "tags"
    stage.engine.set_execution_tags(JOB, {"a.a": "x", "b.b": "y"})
    assert stage.look().tags == {"a.a": "x", "b.b": "y"}


def test_shelves_of_a_lane() -> None:
    stage = staged(max_shelves_per_lane=2)
    stage.create("a", required_capabilities=["x"])
    stage.create("b", required_capabilities=["y"])
    error = stage.refuses(LimitExceeded, lambda: stage.create("c", required_capabilities=["z"]))
    assert error.limit == "max_shelves_per_lane"
    stage.create("d", required_capabilities=["y", "y"])
    stage.create("e", required_capabilities=["z"], lane_id="other")
    stage.cancel("a")
    stage.create("c", required_capabilities=["z"])
    stage.engine.check()


def test_an_engine_without_a_lock_does_the_same() -> None:
    digests = []
    for threadsafe in (True, False):
        stage = staged(threadsafe=threadsafe)
        stage.create()
        stage.claim()
        stage.lapse()
        digests.append(stage.engine.digest())
    assert digests[0] == digests[1]
