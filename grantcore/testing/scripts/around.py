"""The commands about what is around executions: operators, lanes, workers, quotas, budgets, choosing."""

from __future__ import annotations

from grantcore import Worker
from grantcore.testing.scripts.commands import COMMANDS, answer, command
from grantcore.testing.scripts.stage import Stage
from grantcore.testing.scripts.words import Words, number

__all__ = ["COMMANDS", "answer"]

# -- the operator ----------------------------------------------------------------------------------


@command("operator cancel")
def _cancel(stage: Stage, words: Words) -> object:
    return stage.operator(words).cancel(words.next("an execution"), reason=words.text("reason", ""))


@command("operator complete")
def _complete(stage: Stage, words: Words) -> object:
    result = words.optional("result")
    given = None if result is None else result.encode()
    return stage.operator(words).complete(words.next("an execution"), result=given)


@command("operator fail")
def _fail(stage: Stage, words: Words) -> object:
    return stage.operator(words).fail(
        words.next("an execution"), reason=words.text("reason", ""), category=words.text("category", "")
    )


@command("operator revoke")
def _revoke(stage: Stage, words: Words) -> object:
    return stage.operator(words).revoke_lease(words.next("an execution"), reason=words.text("reason", ""))


@command("operator revoke-all")
def _revoke_all(stage: Stage, words: Words) -> object:
    """``operator revoke-all INSTANCE reason=…``: every lease that it holds."""
    return stage.operator(words).revoke_leases_of(words.next("an instance"), reason=words.text("reason", ""))


@command("operator lease")
def _lease(stage: Stage, words: Words) -> object:
    """``operator lease ID to WORKER/INSTANCE ttl=…ms``: grant and claim at once, whatever forbids it."""
    execution_id, name = words.next("an execution"), words.optional("lease")
    worker_id, instance_id = words.worker()
    lease = stage.operator(words).issue_grant_and_claim(
        execution_id, worker_id=worker_id, worker_instance_id=instance_id, lease_ttl_ms=words.ms("ttl")
    )
    stage.hold(lease, name)
    return lease


@command("operator block")
def _block(stage: Stage, words: Words) -> object:
    return stage.operator(words).block(
        words.next("an execution"),
        reason=words.text("reason", "paused_by_operator"),
        detail=words.text("detail", ""),
    )


@command("operator unblock")
def _unblock(stage: Stage, words: Words) -> object:
    return stage.operator(words).unblock(
        words.next("an execution"), expected_reason=words.optional("expecting")
    )


# -- lanes -----------------------------------------------------------------------------------------


@command("operator pause")
def _pause(stage: Stage, words: Words) -> object:
    return stage.operator(words).pause_lane(words.next("a lane"))


@command("operator drain")
def _drain(stage: Stage, words: Words) -> object:
    return stage.operator(words).drain_lane(words.next("a lane"))


@command("operator open")
def _open(stage: Stage, words: Words) -> object:
    return stage.operator(words).resume_lane(words.next("a lane"))


@command("lane")
def _lane(stage: Stage, words: Words) -> object:
    """``lane LANE [max_leases=…] [aging=…ms]``: its ceiling, and how long one point of priority takes."""
    return stage.engine.configure_lane(
        words.next("a lane"),
        max_leases=words.number("max_leases"),
        aging_ms_per_point=words.optional_ms("aging"),
    )


# -- workers ---------------------------------------------------------------------------------------


@command("register")
def _register(stage: Stage, words: Words) -> object:
    worker_id, instance_id = words.worker()
    return stage.engine.register_worker(
        worker_id,
        instance_id,
        lanes=words.names("lanes") or ("main",),
        capabilities=words.names("has"),
        liveness_ttl_ms=words.ms("ttl"),
        max_leases=words.number("max_leases"),
    )


@command("heartbeat")
def _heartbeat(stage: Stage, words: Words) -> object:
    return stage.engine.heartbeat_worker(words.next("an instance"))


@command("dead")
def _dead(stage: Stage, words: Words) -> object:
    return stage.engine.mark_worker_dead(words.next("an instance"), reason=words.text("reason", ""))


@command("workers")
def _workers(stage: Stage, _words: Words) -> object:
    return stage.engine.list_workers().entries


# -- quotas and budgets ----------------------------------------------------------------------------


@command("quota")
def _quota(stage: Stage, words: Words) -> object:
    """``quota ID window=…ms [rate=…] [slots=…]``."""
    return stage.engine.create_quota_policy(
        words.next("a quota policy"),
        window_ms=words.ms("window"),
        max_requests_per_window=words.number("rate") or 0,
        max_concurrent=words.number("slots") or 0,
    )


@command("budget")
def _budget(stage: Stage, words: Words) -> object:
    """``budget ID hard=usd:10 [soft=usd:5] [every=…ms]``."""
    return stage.engine.create_budget(
        words.next("a budget"),
        hard_limits=words.limits("hard"),
        soft_limits=words.limits("soft"),
        reset_interval_ms=words.optional_ms("every"),
    )


@command("use")
def _use(stage: Stage, words: Words) -> object:
    """``use BUDGET usd:3 [key=…]``."""
    budget_id = words.next("a budget")
    return stage.engine.report_usage(budget_id, words.amounts(), dedup_key=words.optional("key"))


@command("spend")
def _spend(stage: Stage, words: Words) -> object:
    """``spend BUDGET ID usd:3 [key=…]``: in the name of an execution."""
    budget_id, execution_id = words.next("a budget"), words.next("an execution")
    key = words.optional("key")
    return stage.engine.record_spend(budget_id, execution_id, words.amounts(), dedup_key=key)


@command("give-back")
def _give_back(stage: Stage, words: Words) -> object:
    """``give-back BUDGET ID``: what it spent."""
    return stage.engine.release_budget(words.next("a budget"), words.next("an execution"))


@command("reset")
def _reset(stage: Stage, words: Words) -> object:
    return stage.engine.reset_budget(words.next("a budget")) or "nothing"


@command("show-budget")
def _show_budget(stage: Stage, words: Words) -> object:
    return stage.engine.describe_budget(words.next("a budget"))


# -- choosing --------------------------------------------------------------------------------------


@command("claim")
def _claim(stage: Stage, words: Words) -> object:
    """``claim for INSTANCE`` or ``WORKER/INSTANCE has=…``; ``lanes=a,b`` or ``a:3,b:1``, ``ttl=…ms``."""
    grants = stage.scheduler.claim_many_for_worker(
        _seeker(words),
        lanes=_lanes(words),
        grant_ttl_ms=words.ms("ttl"),
        n=words.number("n") or 1,
        reclaim=words.text("reclaim", "yes") == "yes",
    )
    for grant in grants:
        stage.put(grant)
    return grants


def _seeker(words: Words) -> str | Worker:
    name, slash, instance = words.next("a worker").partition("/")
    return Worker(name, instance, capabilities=words.names("has")) if slash else name


def _lanes(words: Words) -> list[str] | dict[str, int]:
    given = words.text("lanes", "main")
    if ":" not in given:
        return given.split(",")
    return {
        name: number("lanes", weight)
        for name, _, weight in (pair.partition(":") for pair in given.split(","))
    }


@command("peek")
def _peek(stage: Stage, words: Words) -> object:
    return stage.scheduler.peek(words.text("lane", "main"), words.names("has"))


@command("unmatched")
def _unmatched(stage: Stage, words: Words) -> object:
    return stage.scheduler.unmatched(words.text("lane", "main"))


@command("would-grant")
def _would_grant(stage: Stage, words: Words) -> object:
    """``would-grant ID to WORKER/INSTANCE ttl=…ms has=…``: the refusal it would meet."""
    execution_id = words.next("an execution")
    return stage.scheduler.would_grant(execution_id, stage.claim_request(words, execution_id)) or "granted"


@command("stats")
def _stats(stage: Stage, _words: Words) -> object:
    return stage.engine.stats()
