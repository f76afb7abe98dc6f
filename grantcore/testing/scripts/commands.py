"""The commands about executions, grants and leases, and the table of all: each is one public call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import attrs

from grantcore import (
    ClaimGrant,
    EngineConfig,
    ExecutionPolicy,
    Exponential,
    Fixed,
    Granted,
    GrantError,
    Lease,
    Phase,
    Reclaimed,
    ReclaimGrant,
    ResumeGrant,
    RetryPolicy,
)
from grantcore.testing.scripts import answers
from grantcore.testing.scripts.stage import Stage
from grantcore.testing.scripts.words import Misspelt, Words, number

Command = Callable[[Stage, Words], object]
COMMANDS: Final[dict[str, Command]] = {}
"""By name; of two words, if the operator gives it."""


def command(name: str) -> Callable[[Command], Command]:
    """Put a function into the table."""

    def put(function: Command) -> Command:
        COMMANDS[name] = function
        return function

    return put


def answer(stage: Stage, line: str) -> list[str]:
    """Do what a command says; the lines of its answer.

    Raises:
        Misspelt: it is no command.
    """
    name, _, rest = line.partition(" ")
    if name == "operator":
        second, _, rest = rest.strip().partition(" ")
        name = f"operator {second}"
    if name not in COMMANDS:
        raise Misspelt(f"no command is called {name}")
    words = Words(rest)
    try:
        result = answers.told(COMMANDS[name](stage, words))
    except GrantError as refusal:
        result = [answers.refused(refusal)]
    words.finish()
    return result


def _or_nothing(shown: object) -> object:
    return "nothing" if shown is None else shown


# -- time ------------------------------------------------------------------------------------------


@command("at")
def _at(stage: Stage, words: Words) -> object:
    """``at MS``: the clock shows this; nobody looks at it yet."""
    given = words.next("an instant")
    if not given.isdigit():
        raise Misspelt(f"an instant is a number, not {given}")
    stage.clock.reading_ms = int(given)
    return answers.SILENT


@command("now")
def _now(stage: Stage, _words: Words) -> object:
    return stage.engine.now_ms()


@command("advance")
def _advance(stage: Stage, words: Words) -> object:
    return stage.engine.advance(limit=words.number("limit"))


@command("next-deadline")
def _next_deadline(stage: Stage, _words: Words) -> object:
    return _or_nothing(stage.engine.next_deadline_ms())


@command("limits")
def _limits(stage: Stage, words: Words) -> None:
    """``limits retention=…ms window=…ms executions=…``: a new engine with other limits."""
    config = EngineConfig()
    stage.configure(
        attrs.evolve(
            config,
            retention_ms=words.optional_ms("retention") or config.retention_ms,
            idempotency_window_ms=words.optional_ms("window") or config.idempotency_window_ms,
            max_executions=words.number("executions"),
        )
    )


@command("restart")
def _restart(stage: Stage, words: Words) -> None:
    """``restart [back_at=INSTANT] [epoch_floor=N]``: a snapshot now, restored then."""
    stage.restart(back_at_ms=words.number("back_at"), epoch_floor=words.number("epoch_floor") or 0)


# -- executions ------------------------------------------------------------------------------------


@command("create")
def _create(stage: Stage, words: Words) -> object:
    payload = words.optional("payload")
    return stage.engine.create_execution(
        execution_id=words.next("an execution"),
        lane_id=words.text("lane", "main"),
        priority=words.number("priority") or 0,
        required_capabilities=words.names("requires"),
        delay_until_ms=words.number("delay_until"),
        deadline_at_ms=words.number("deadline"),
        policy=_policy(words),
        payload=None if payload is None else payload.encode(),
        tags=_tags(words.names("tags")),
        idempotency_key=words.optional("key"),
        namespace=words.text("namespace", "default"),
        quota_policy_id=words.optional("quota"),
        budget_ids=words.names("budgets"),
    )


@command("create-all")
def _create_all(stage: Stage, words: Words) -> object:
    """``create-all ID … lane=… requires=…``: alike but for their ids."""
    return stage.engine.create_executions(
        [{"execution_id": name} for name in words.rest()],
        lane_id=words.text("lane", "main"),
        required_capabilities=words.names("requires"),
        policy=_policy(words),
    )


def _tags(pairs: Iterable[str]) -> dict[str, str]:
    return {name: text for name, _, text in (pair.partition(":") for pair in pairs)}


def _policy(words: Words) -> ExecutionPolicy:
    usual = ExecutionPolicy()
    reclaims, replays = words.number("max_reclaims"), words.number("max_replays")
    return ExecutionPolicy(
        retry=_retry(words),
        attempt_timeout_ms=words.optional_ms("attempt_timeout"),
        max_reclaim_count=usual.max_reclaim_count if reclaims is None else reclaims,
        max_replay_count=usual.max_replay_count if replays is None else replays,
    )


def _retry(words: Words) -> RetryPolicy | None:
    """``retries=3 backoff=500ms``, doubled each time up to ``most=…ms``; of these ``categories=``."""
    retries = words.number("retries")
    if retries is None:
        return None
    first, most = words.ms("backoff"), words.optional_ms("most")
    backoff = Fixed(first) if most is None else Exponential(first, most)
    return RetryPolicy(retries, backoff, frozenset(words.names("categories")))


@command("show")
def _show(stage: Stage, words: Words) -> object:
    """``show ID [FIELD …]``: its phase, or these fields, a line for each."""
    shown = stage.engine.describe_execution(words.next("an execution"))
    fields = words.rest()
    if shown is None or not fields:
        return _or_nothing(shown)
    unknown = [name for name in fields if not hasattr(shown, name)]
    if unknown:
        raise Misspelt(f"an execution has no {', '.join(unknown)}")
    return [answers.field_line(name, getattr(shown, name)) for name in fields]


@command("list")
def _list(stage: Stage, words: Words) -> object:
    phase = words.optional("phase")
    if phase is not None and phase not in list(Phase):
        raise Misspelt(f"phase is one of {', '.join(Phase)}")
    wanted = None if phase is None else Phase(phase)
    return stage.engine.list_executions(lane_id=words.optional("lane"), phase=wanted).entries


@command("priority")
def _priority(stage: Stage, words: Words) -> object:
    execution_id = words.next("an execution")
    return stage.engine.change_priority(execution_id, number("a priority", words.next("a priority")))


@command("tag")
def _tag(stage: Stage, words: Words) -> None:
    """``tag ID NAME:TEXT …``: merged into those there are."""
    execution_id = words.next("an execution")
    stage.engine.set_execution_tags(execution_id, _tags(words.rest()))


@command("replay")
def _replay(stage: Stage, words: Words) -> object:
    return stage.engine.replay_execution(
        words.next("an execution"), reason=words.text("reason", ""), deadline_at_ms=words.number("deadline")
    )


@command("purge")
def _purge(stage: Stage, words: Words) -> None:
    stage.engine.purge_execution(words.next("an execution"))


@command("children-done")
def _children_done(stage: Stage, words: Words) -> None:
    stage.engine.promote_blocked_to_eligible(words.next("an execution"))


@command("resume")
def _resume(stage: Stage, words: Words) -> object:
    return stage.engine.resume_execution(
        words.next("an execution"),
        trigger=words.text("trigger", "signal"),
        resume_delay_ms=words.optional_ms("delay") or 0,
    )


@command("cancel")
def _cancel(stage: Stage, words: Words) -> object:
    """``cancel ID reason=… [with=LEASE]``."""
    lease = words.optional("with")
    return stage.engine.cancel_execution(
        words.next("an execution"),
        reason=words.text("reason", ""),
        lease=None if lease is None else stage.lease(lease),
    )


@command("payload")
def _payload(stage: Stage, words: Words) -> object:
    return _or_nothing(stage.engine.read_payload(words.next("an execution")))


@command("result")
def _result(stage: Stage, words: Words) -> object:
    return _or_nothing(stage.engine.read_result(words.next("an execution")))


@command("attempts")
def _attempts(stage: Stage, words: Words) -> object:
    return stage.engine.attempts(words.next("an execution"))


@command("history")
def _history(stage: Stage, words: Words) -> object:
    return stage.engine.lease_history(words.next("an execution"))


@command("explain")
def _explain(stage: Stage, words: Words) -> object:
    return stage.engine.explain(words.next("an execution"))


# -- grants ----------------------------------------------------------------------------------------


@command("grant")
def _grant(stage: Stage, words: Words) -> object:
    """``grant ID to WORKER/INSTANCE ttl=…ms has=…``: a claim grant."""
    execution_id = words.next("an execution")
    name = words.optional("grant")
    grant = stage.engine.issue_claim_grant(execution_id, stage.claim_request(words, execution_id))
    stage.put(grant, name)
    return grant


@command("grant-all")
def _grant_all(stage: Stage, words: Words) -> object:
    """``grant-all to WORKER/INSTANCE ID … ttl=…ms has=… lane=…``: one request for all."""
    request = stage.claim_request(words, "nobody")
    outcomes = stage.engine.issue_claim_grants(words.rest(), request)
    for outcome in outcomes:
        if isinstance(outcome, ClaimGrant):
            stage.put(outcome)
    return outcomes


@command("grant-resume")
def _grant_resume(stage: Stage, words: Words) -> object:
    execution_id = words.next("an execution")
    name = words.optional("grant")
    grant = stage.engine.issue_resume_grant(execution_id, stage.claim_request(words, execution_id))
    stage.put(grant, name)
    return grant


@command("grant-reclaim")
def _grant_reclaim(stage: Stage, words: Words) -> object:
    execution_id = words.next("an execution")
    name = words.optional("grant")
    outcome = stage.engine.issue_reclaim_grant(execution_id, stage.reclaim_request(words, execution_id))
    if isinstance(outcome, Granted):
        stage.put(outcome.grant, name)
    return outcome


@command("withdraw")
def _withdraw(stage: Stage, words: Words) -> object:
    """``withdraw GRANT by WORKER``."""
    grant = stage.grant(words.next("a grant"))
    return stage.engine.withdraw_grant(grant, worker_id=words.next("a worker"))


@command("show-grant")
def _show_grant(stage: Stage, words: Words) -> object:
    return _or_nothing(stage.engine.describe_grant(words.next("an execution")))


# -- leases ----------------------------------------------------------------------------------------


@command("take")
def _take(stage: Stage, words: Words) -> object:
    """``take GRANT by WORKER/INSTANCE ttl=…ms [lease=NAME]``: a grant of any kind."""
    name = words.optional("lease")
    grant = stage.grant(words.next("a grant"))
    worker_id, instance_id = words.worker()
    lease = stage.engine.take(
        grant,
        worker_id=worker_id,
        worker_instance_id=instance_id,
        lease_ttl_ms=words.ms("ttl"),
        attempt_timeout_ms=words.optional_ms("timeout"),
    )
    stage.hold(lease, name)
    return lease


@command("take-all")
def _take_all(stage: Stage, words: Words) -> object:
    """``take-all by WORKER/INSTANCE GRANT … ttl=…ms``: each by itself."""
    worker_id, instance_id = words.worker()
    outcomes = stage.engine.claim_many(
        [stage.grant(name) for name in words.rest()],
        worker_id=worker_id,
        worker_instance_id=instance_id,
        lease_ttl_ms=words.ms("ttl"),
    )
    for outcome in outcomes:
        if isinstance(outcome, Lease):
            stage.hold(outcome)
    return outcomes


@command("reclaim")
def _reclaim(stage: Stage, words: Words) -> object:
    """``reclaim GRANT by WORKER/INSTANCE ttl=…ms``: as FlowFabric answers it."""
    grant = stage.grant(words.next("a grant"))
    if not isinstance(grant, ReclaimGrant):
        kind = "resume" if isinstance(grant, ResumeGrant) else "claim"
        raise Misspelt(f"that is a {kind} grant")
    worker_id, instance_id = words.worker()
    outcome = stage.engine.reclaim_execution(
        grant, worker_id=worker_id, worker_instance_id=instance_id, lease_ttl_ms=words.ms("ttl")
    )
    if isinstance(outcome, Reclaimed):
        stage.hold(outcome.lease)
    return outcome


@command("renew")
def _renew(stage: Stage, words: Words) -> object:
    """``renew LEASE ttl=…ms``."""
    return stage.engine.renew_lease(stage.lease(words.next("a lease")), lease_ttl_ms=words.ms("ttl"))


@command("renew-all")
def _renew_all(stage: Stage, words: Words) -> object:
    """``renew-all LEASE … ttl=…ms``: each by itself."""
    ttl = words.ms("ttl")
    return stage.engine.renew_leases([stage.lease(name) for name in words.rest()], lease_ttl_ms=ttl)


@command("progress")
def _progress(stage: Stage, words: Words) -> None:
    lease = stage.lease(words.next("a lease"))
    stage.engine.update_progress(lease, pct=words.number("pct"), message=words.optional("message"))


@command("complete")
def _complete(stage: Stage, words: Words) -> object:
    result = words.optional("result")
    lease = stage.lease(words.next("a lease"))
    return stage.engine.complete_execution(lease, result=None if result is None else result.encode())


@command("complete-all")
def _complete_all(stage: Stage, words: Words) -> object:
    """``complete-all LEASE …``: each by itself."""
    return stage.engine.complete_many([stage.lease(name) for name in words.rest()])


@command("fail-all")
def _fail_all(stage: Stage, words: Words) -> object:
    """``fail-all LEASE … reason=…``: each by itself."""
    leases = [stage.lease(name) for name in words.rest()]
    return stage.engine.fail_many(leases, reason=words.text("reason", ""))


@command("fail")
def _fail(stage: Stage, words: Words) -> object:
    lease = stage.lease(words.next("a lease"))
    return stage.engine.fail_execution(
        lease, reason=words.text("reason", ""), category=words.text("category", "")
    )


@command("delay")
def _delay(stage: Stage, words: Words) -> object:
    lease = stage.lease(words.next("a lease"))
    return stage.engine.delay_execution(lease, delay_until_ms=words.instant("until"))


@command("release")
def _release(stage: Stage, words: Words) -> object:
    return stage.engine.release_execution(stage.lease(words.next("a lease")))


@command("wait-for-children")
def _wait_for_children(stage: Stage, words: Words) -> object:
    return stage.engine.move_to_waiting_children(stage.lease(words.next("a lease")))


@command("suspend")
def _suspend(stage: Stage, words: Words) -> object:
    """``suspend LEASE for=REASON_CODE [timeout_at=INSTANT then=BEHAVIOUR]``."""
    return stage.engine.suspend_execution(
        stage.lease(words.next("a lease")),
        reason_code=words.text("for", "waiting_for_signal"),
        timeout_at_ms=words.number("timeout_at"),
        timeout_behavior=words.text("then", "fail"),
    )


@command("leases")
def _leases(stage: Stage, words: Words) -> object:
    return stage.engine.leases(worker_instance_id=words.optional("of"))


@command("lost")
def _lost(stage: Stage, _words: Words) -> object:
    return stage.engine.list_expired_leases().entries


@command("events")
def _events(stage: Stage, _words: Words) -> object:
    """Those since the last ``events``."""
    return [answers.event_line(event) for event in stage.heard()]
