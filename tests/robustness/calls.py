"""Every public call, in the situations that make it take its different ways."""

from __future__ import annotations

from typing import Any, Final

import attrs

import grantcore as gc
from tests.robustness import worlds as w
from tests.robustness.worlds import LANE, TTL, WHO, Build, Call, World, asking, asking_back

STALE: Final = gc.Fence("e", "lease-999999", 7, "attempt-999999")


@attrs.frozen
class Scenario:
    """A call (the name of the method), the situation it meets, and how it is made."""

    call: str
    build: Build
    make: Call
    situation: str
    config: gc.EngineConfig = gc.EngineConfig()  # noqa: RUF009 - frozen

    def unlocked(self) -> Scenario:
        """The same on an engine without a lock."""
        return attrs.evolve(self, config=attrs.evolve(self.config, threadsafe=False))

    def __str__(self) -> str:
        return f"{self.call}-{self.situation}"


def _case(call: str, build: Build, make: Call, situation: str = "", **config: Any) -> Scenario:
    name = situation or getattr(build, "__name__", "").strip("_")
    return Scenario(call, build, make, name, gc.EngineConfig(**config))


# -- ways of calling -----------------------------------------------------------------------------------


def _on_engine(method: str, *args: object, **kwargs: object) -> Call:
    return lambda world: getattr(world.engine, method)(*args, **kwargs)


def _by_holder(method: str, **kwargs: object) -> Call:
    return lambda world: getattr(world.engine, method)(world.leases["e"], **kwargs)


def _by_operator(method: str, *args: object, **kwargs: object) -> Call:
    return lambda world: getattr(world.operator, method)(*args, **kwargs)


def _with_grant(method: str, **kwargs: object) -> Call:
    return lambda world: getattr(world.engine, method)(world.grants["e"], **WHO, lease_ttl_ms=TTL, **kwargs)


def _create(**kwargs: object) -> Call:
    return _on_engine("create_execution", lane_id=LANE, policy=w.POLICY, **kwargs)


def _withdraw(worker_id: str) -> Call:
    return lambda world: world.engine.withdraw_grant(world.grants["e"], worker_id=worker_id)


def _cancel_with_lease(world: World) -> object:
    return world.engine.cancel_execution("e", reason="r", lease=world.leases["e"])


def _renew_many(world: World) -> object:
    return world.engine.renew_leases([world.leases["e"], STALE, world.leases["f"]], lease_ttl_ms=9)


NEW: Final = (
    {"execution_id": "e", "payload": b"p", "tags": {"a.b": "c"}},
    {"priority": "high"},
    {"execution_id": "f", "delay_until_ms": 2**40},
    {"priority": 5},
)


def _complete_many(world: World) -> object:
    leases: list[gc.Fenced] = [world.leases["e"], STALE, world.leases["f"]]
    return world.engine.complete_many(leases, results=[None, b"r", b"r"])


def _fail_many(world: World) -> object:
    return world.engine.fail_many([world.leases["e"], STALE, world.leases["f"]], reason="r")


def _claim_many(world: World) -> object:
    grants = [world.grants["e"], gc.ClaimGrant("nobody", 2**40), world.grants["f"]]
    return world.engine.claim_many(grants, **WHO, lease_ttl_ms=TTL)


def _peek(world: World) -> object:
    return gc.Scheduler(world.engine).peek(LANE, ["gpu"], limit=5)


def _by_scheduler(method: str, *args: object, **kwargs: object) -> Call:
    return lambda world: getattr(gc.Scheduler(world.engine), method)(*args, **kwargs)


ANN: Final = gc.Worker("ann", "ann-1", ["gpu"])


# -- situations of their own -------------------------------------------------------------------------


def _two_held(world: World) -> None:
    w.held(world, "e")
    w.retried(world, "f")


def _two_granted(world: World) -> None:
    w.granted(world, "e")
    w.reclaimable(world, "f")


def _two_waiting(world: World) -> None:
    w.waiting(world, "e")
    w.picky(world, "p")
    w.waiting(world, "f")


def _keyed(world: World) -> None:
    _create(idempotency_key="key")(world)


def _replayed(world: World) -> None:
    w.done(world)
    world.engine.replay_execution("e", requested_by="me", reason="again")


def _expired_keys(world: World) -> None:
    """So many keys whose window is over that the next one makes room."""
    for number in range(64):
        _create(execution_id="e" if number == 0 else f"e-{number}", idempotency_key=f"k-{number}")(world)
    for number in range(1, 64):
        world.engine.cancel_execution(f"e-{number}", reason="")
        world.engine.purge_execution(f"e-{number}")
    world.clock.advance(10)


def _full_lane(world: World) -> None:
    """A lane with as many shelves as it may have, one of them of somebody who left."""
    for name in ("a", "b"):
        _create(execution_id=name, required_capabilities=(name,))(world)
    w.waiting(world)
    world.engine.cancel_execution("a", reason="")


def _register(instance: str = "new", worker: str = "w", max_leases: int | None = None) -> Call:
    return _on_engine(
        "register_worker",
        worker,
        instance,
        lanes=[LANE],
        capabilities=["gpu"],
        liveness_ttl_ms=TTL,
        max_leases=max_leases,
    )


def _paused(world: World) -> None:
    w.waiting(world)
    world.operator.pause_lane("aside")


def _gone_from_the_front(world: World) -> None:
    """A shelf whose head and whose strays are no members any more."""
    for name in ("c", "b", "a", "e"):
        w.waiting(world, name)
        world.engine.change_priority(name, 5)
    w.picky(world, "p")
    for name in ("a", "c"):
        world.engine.cancel_execution(name, reason="")


def _out_of_order(world: World) -> None:
    """Created in one millisecond against the order of ids: the roll is sorted when somebody looks."""
    for name in ("z", "y", "x"):
        w.waiting(world, name)


def _several_lanes(world: World) -> None:
    """Work in three lanes, one of which gave something out before."""
    for lane, name in (("main", "e"), ("side", "f"), ("side", "g"), ("third", "h")):
        world.engine.create_execution(lane_id=lane, execution_id=name, policy=w.POLICY)
    gc.Scheduler(world.engine).claim_for_worker(ANN, lanes={"main": 1, "side": 3}, grant_ttl_ms=TTL)


def _capped_before_others(world: World) -> None:
    """The best of the shelf was taken over as often as it may be."""
    w.capped(world)
    w.lapsed_again(world, "f")
    w.waiting(world, "g")


def _retention_over(world: World) -> None:
    w.done(world, "e")
    w.failed(world, "f")
    world.clock.advance(10)


# -- the tables -----------------------------------------------------------------------------------------

RICH: Final = {
    "execution_id": "e",
    "delay_until_ms": 2**40,
    "deadline_at_ms": 2**41,
    "tags": {"a.b": "c"},
    "payload": b"p",
    "idempotency_key": "k",
}

SEEK: Final[dict[str, Any]] = {"lanes": (LANE,), "grant_ttl_ms": TTL}

WRITES: Final = (
    _case("create_execution", w.bystanders, _create()),
    _case("create_execution", w.bystanders, _create(**RICH), "rich"),
    _case("create_execution", _keyed, _create(idempotency_key="key"), "duplicate"),
    _case("create_execution", _expired_keys, _create(idempotency_key="n"), idempotency_window_ms=10),
    _case("create_execution", _full_lane, _create(required_capabilities=("c",)), max_shelves_per_lane=3),
    _case("create_executions", w.bystanders, _on_engine("create_executions", NEW, lane_id=LANE)),
    _case("change_priority", w.waiting, _on_engine("change_priority", "e", 7)),
    _case("change_priority", w.done, _on_engine("change_priority", "e", 7)),
    _case("set_execution_tags", w.waiting, _on_engine("set_execution_tags", "e", {"a.b": "c"})),
    _case("replay_execution", w.done, _on_engine("replay_execution", "e", reason="r")),
    _case("replay_execution", w.failed, _on_engine("replay_execution", "e")),
    _case("purge_execution", w.done, _on_engine("purge_execution", "e")),
    _case("issue_claim_grant", w.waiting, _on_engine("issue_claim_grant", "e", asking())),
    _case("issue_claim_grant", w.picky, _on_engine("issue_claim_grant", "e", asking())),
    _case("issue_claim_grant", w.held, _on_engine("issue_claim_grant", "e", asking())),
    _case("issue_claim_grants", _two_waiting, _on_engine("issue_claim_grants", ["e", "p", "f"], asking())),
    _case("issue_resume_grant", w.released, _on_engine("issue_resume_grant", "e", asking())),
    _case("issue_reclaim_grant", w.lapsed, _on_engine("issue_reclaim_grant", "e", asking_back())),
    _case("issue_reclaim_grant", w.capped, _on_engine("issue_reclaim_grant", "e", asking_back())),
    _case("withdraw_grant", w.granted, _withdraw("w")),
    _case("withdraw_grant", w.reclaimable, _withdraw("w")),
    _case("withdraw_grant", w.resumable, _withdraw("other")),
    _case("claim_execution", w.granted, _with_grant("claim_execution", attempt_timeout_ms=900)),
    _case("claim_execution", w.held, _with_grant("claim_execution")),
    _case("claim_resumed_execution", w.resumable, _with_grant("claim_resumed_execution")),
    _case("reclaim_execution", w.reclaimable, _with_grant("reclaim_execution")),
    _case("take", w.granted, _with_grant("take")),
    _case("take", w.reclaimable, _with_grant("take")),
    _case("claim_many", _two_granted, _claim_many),
    _case("renew_lease", w.held, _by_holder("renew_lease", lease_ttl_ms=9)),
    _case("renew_lease", w.revoked, _by_holder("renew_lease", lease_ttl_ms=9)),
    _case("renew_leases", _two_held, _renew_many),
    _case("update_progress", w.held, _by_holder("update_progress", pct=5, message="m")),
    _case("complete_execution", w.held, _by_holder("complete_execution")),
    _case("complete_execution", w.retried, _by_holder("complete_execution", result=b"r")),
    _case("complete_many", _two_held, _complete_many),
    _case("fail_many", _two_held, _fail_many),
    _case("fail_execution", w.held, _by_holder("fail_execution", reason="r")),
    _case("fail_execution", w.retried, _by_holder("fail_execution", reason="r", category="c")),
    _case("delay_execution", w.held, _by_holder("delay_execution", delay_until_ms=2**40)),
    _case("release_execution", w.retried, _by_holder("release_execution")),
    _case("move_to_waiting_children", w.held, _by_holder("move_to_waiting_children")),
    _case("promote_blocked_to_eligible", w.parent, _on_engine("promote_blocked_to_eligible", "e")),
    _case("suspend_execution", w.held, _by_holder("suspend_execution", reason_code="r")),
    _case("suspend_execution", w.retried, _by_holder("suspend_execution", reason_code="r", timeout_at_ms=1)),
    _case("suspend_execution", w.revoked, _by_holder("suspend_execution", reason_code="r")),
    _case("resume_execution", w.suspended, _on_engine("resume_execution", "e")),
    _case("resume_execution", w.suspended, _on_engine("resume_execution", "e", resume_delay_ms=5), "later"),
    _case("cancel_execution", w.suspended, _on_engine("cancel_execution", "e", reason="r")),
    _case("cancel_execution", w.granted, _on_engine("cancel_execution", "e", reason="r")),
    _case("cancel_execution", w.lapsed_again, _cancel_with_lease),
    _case("operator.cancel", w.held, _by_operator("cancel", "e", reason="r")),
    _case("operator.complete", w.held, _by_operator("complete", "e", result=b"r")),
    _case("operator.fail", w.retried, _by_operator("fail", "e", reason="r")),
    _case("operator.revoke_lease", w.held, _by_operator("revoke_lease", "e", reason="r")),
    _case("operator.revoke_lease", w.lapsed, _by_operator("revoke_lease", "e", reason="r")),
    _case("operator.revoke_leases_of", _two_held, _by_operator("revoke_leases_of", "w-1", reason="r")),
    _case(
        "operator.issue_grant_and_claim",
        _replayed,
        _by_operator("issue_grant_and_claim", "e", **WHO, lease_ttl_ms=TTL),
    ),
    _case("operator.block", w.granted, _by_operator("block", "e", detail="d")),
    _case("operator.unblock", w.blocked, _by_operator("unblock", "e")),
    _case("scheduler.claim_for_worker", w.picky, _by_scheduler("claim_for_worker", ANN, **SEEK)),
    _case("scheduler.claim_for_worker", w.released, _by_scheduler("claim_for_worker", ANN, **SEEK)),
    _case(
        "scheduler.claim_for_worker", _capped_before_others, _by_scheduler("claim_for_worker", ANN, **SEEK)
    ),
    _case(
        "scheduler.claim_for_worker",
        _several_lanes,
        _by_scheduler("claim_for_worker", ANN, lanes={"main": 2, "side": 3, "third": 1}, grant_ttl_ms=TTL),
    ),
    _case(
        "scheduler.claim_many_for_worker",
        _gone_from_the_front,
        _by_scheduler("claim_many_for_worker", ANN, **SEEK, n=3),
    ),
    _case("issue_claim_grant", w.rationed, _on_engine("issue_claim_grant", "e", asking())),
    _case("complete_execution", w.rationed_and_held, _by_holder("complete_execution")),
    _case("register_worker", w.held, _register(), "new"),
    _case("register_worker", w.held, _register(max_leases=3), "ceiling"),
    _case("register_worker", w.metered, _register("alive", "other"), "again"),
    _case("heartbeat_worker", w.metered, _on_engine("heartbeat_worker", "alive")),
    _case("mark_worker_dead", w.metered, _on_engine("mark_worker_dead", "alive", reason="r")),
    _case("configure_lane", w.held, _on_engine("configure_lane", LANE, max_leases=2)),
    _case("configure_lane", w.waiting, _on_engine("configure_lane", LANE, aging_ms_per_point=5)),
    _case("create_quota_policy", w.bystanders, _on_engine("create_quota_policy", "new")),
    _case("create_quota_policy", w.metered, _on_engine("create_quota_policy", "q")),
    _case("create_budget", w.bystanders, _on_engine("create_budget", "new", hard_limits={"usd": 5})),
    _case("report_usage", w.metered, _on_engine("report_usage", "b", {"usd": 5}, dedup_key="k")),
    _case("report_usage", w.metered, _on_engine("report_usage", "b", {"usd": 500}), "too_much"),
    _case("record_spend", w.metered, _on_engine("record_spend", "b", "e", {"usd": 5})),
    _case("release_budget", w.metered, _on_engine("release_budget", "b", "e")),
    _case("reset_budget", w.metered, _on_engine("reset_budget", "b")),
    _case("operator.pause_lane", w.waiting, _by_operator("pause_lane", LANE)),
    _case("operator.drain_lane", w.waiting, _by_operator("drain_lane", LANE)),
    _case("operator.resume_lane", _paused, _by_operator("resume_lane", "aside")),
    _case("advance", w.missed, _on_engine("advance")),
    _case("advance", w.bystanders, _on_engine("advance"), "idle"),
    _case("advance", w.falling_due, _on_engine("advance")),
    _case("advance", w.falling_due, _on_engine("advance", limit=2), "a_slice"),
    _case("advance", _retention_over, _on_engine("advance"), retention_ms=10),
)
"""Calls that write, by the names of ``grantcore.model.life.CAUSES`` and ``OTHER_CAUSES``."""

READS: Final = (
    _case("list_workers", w.metered, _on_engine("list_workers", limit=1)),
    _case("describe_budget", w.metered, _on_engine("describe_budget", "b")),
    _case("now_ms", w.held, _on_engine("now_ms")),
    _case("next_deadline_ms", w.busy, _on_engine("next_deadline_ms")),
    _case("describe_execution", w.revoked, _on_engine("describe_execution", "e")),
    _case("describe_grant", w.granted, _on_engine("describe_grant", "e")),
    _case("attempts", w.held, _on_engine("attempts", "e")),
    _case("read_payload", w.waiting, _on_engine("read_payload", "e")),
    _case("read_result", w.done, _on_engine("read_result", "e")),
    _case("list_executions", _out_of_order, _on_engine("list_executions", lane_id=LANE, limit=2)),
    _case("leases", w.busy, _on_engine("leases")),
    _case("leases", w.held, _on_engine("leases", worker_instance_id="w-1")),
    _case("leases_expiring_within", _two_held, _on_engine("leases_expiring_within", 2 * TTL)),
    _case("list_expired_leases", w.busy, _on_engine("list_expired_leases", limit=2)),
    _case("lease_history", w.held, _on_engine("lease_history", "e")),
    _case("stats", w.held, _on_engine("stats")),
    _case("check", w.retried, _on_engine("check")),
    _case("digest", w.held, _on_engine("digest")),
    _case("snapshot", w.held, _on_engine("snapshot")),
    _case("subscribe", w.held, _on_engine("subscribe", print)),
    _case("explain", w.waiting, _on_engine("explain", "e")),
    _case("explain", w.revoked, _on_engine("explain", "e")),
    _case("scheduler.would_grant", w.lapsed, _by_scheduler("would_grant", "e", asking_back())),
    _case("scheduler.unmatched", w.picky, _by_scheduler("unmatched", LANE)),
    _case("scheduler.peek", _gone_from_the_front, _peek),
)
"""Calls that only look, or tidy an index on the way."""

SCENARIOS: Final = (*WRITES, *READS)


def named(call: str, situation: str) -> Scenario:
    """One of the table."""
    (found,) = [s for s in SCENARIOS if (s.call, s.situation) == (call, situation)]
    return found


def methods() -> set[str]:
    """The names of all public calls there are."""
    kinds = {"": gc.GrantEngine, "operator.": gc.Operator, "scheduler.": gc.Scheduler}
    return {
        prefix + name
        for prefix, kind in kinds.items()
        for name in dir(kind)
        if not name.startswith("_") and callable(getattr(kind, name))
    }
