"""How to get an execution into each phase, in as many ways as leave different records behind.

The recipes are built on each other: every way to wait for a worker, taken, is a way to be leased; every
way to be leased, lapsed, is a way to have lost the lease; and so on. ``RECIPES[phase]`` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

from grantcore import ExecutionPolicy, Phase
from tests.life.stage import (
    ATTEMPT_MS,
    BACKOFF_MS,
    DELAY_MS,
    GRANT_TTL_MS,
    JOB,
    LEASE_TTL_MS,
    RETRYING,
    STRICT,
    Stage,
    reclaim_request,
)

Act = Callable[[Stage], object]


@attrs.frozen
class Recipe:
    """One way into a phase, under one policy."""

    name: str
    phase: Phase | None
    acts: tuple[Act, ...]
    policy: ExecutionPolicy

    def build(self, *, deadline_at_ms: int | None = None) -> Stage:
        """Play it, beside a bystander whose lease ends one millisecond after the last act."""
        stage = self._played(Stage(policy=self.policy, deadline_at_ms=deadline_at_ms))
        assert stage.phase() is self.phase, f"{self.name} led to {stage.phase()}"
        job = (stage.granted, stage.held)
        stage.create("bystander", deadline_at_ms=None)
        stage.claim("bystander", worker="other", ttl_ms=1)
        stage.granted, stage.held = job
        return stage

    def _played(self, stage: Stage) -> Stage:
        for act in self.acts:
            act(stage)
        return stage


# -- waiting for a worker ------------------------------------------------------------------------


def due(stage: Stage) -> None:
    stage.create(delay_until_ms=stage.now + DELAY_MS)
    stage.wait(DELAY_MS)


def retried(stage: Stage) -> None:
    stage.create()
    stage.claim()
    stage.fail()
    stage.wait(BACKOFF_MS)


def timed_out_and_retried(stage: Stage) -> None:
    stage.create()
    stage.claim()
    stage.wait(ATTEMPT_MS)
    stage.wait(BACKOFF_MS)


def interrupted(stage: Stage) -> None:
    stage.create()
    stage.claim()
    stage.delay()
    stage.wait(DELAY_MS)


def released(stage: Stage) -> None:
    stage.create()
    stage.engine.release_execution(stage.claim())
    stage.engine.advance()


def children_done(stage: Stage) -> None:
    stage.create()
    stage.claim()
    stage.await_children()
    stage.engine.promote_blocked_to_eligible(JOB)


def resumed(stage: Stage) -> None:
    stage.create()
    stage.claim()
    stage.suspend(LEASE_TTL_MS)
    stage.resume()


def resumed_after_a_delay(stage: Stage) -> None:
    stage.create()
    stage.claim()
    stage.suspend()
    stage.resume(delay_ms=DELAY_MS)
    stage.wait(DELAY_MS)


def resumed_by_timeout(stage: Stage) -> None:
    stage.create()
    stage.claim()
    stage.suspend(DELAY_MS, "auto_resume")
    stage.wait(DELAY_MS)


def unblocked(stage: Stage) -> None:
    stage.create()
    stage.operator.block(JOB)
    stage.operator.unblock(JOB)


def replayed(stage: Stage) -> None:
    stage.create()
    stage.claim()
    stage.complete()
    stage.replay()


def replayed_before_any_attempt(stage: Stage) -> None:
    stage.create()
    stage.cancel()
    stage.replay()


def grant_lapsed(stage: Stage) -> None:
    stage.create()
    stage.issue()
    stage.wait(GRANT_TTL_MS)


def create_required(stage: Stage) -> None:
    stage.create(required_capabilities=("gpu", "cuda"), priority=7, payload=b"in", tags={"a.b": "c"})


def required_interrupted(stage: Stage) -> None:
    create_required(stage)
    stage.engine.release_execution(stage.claim())
    stage.engine.advance()


WAITING: Final[Mapping[str, Act]] = {
    "fresh": Stage.create,
    "due": due,
    "retried": retried,
    "timed out and retried": timed_out_and_retried,
    "interrupted": interrupted,
    "released": released,
    "children done": children_done,
    "resumed": resumed,
    "resumed after a delay": resumed_after_a_delay,
    "resumed by timeout": resumed_by_timeout,
    "unblocked": unblocked,
    "replayed": replayed,
    "replayed before any attempt": replayed_before_any_attempt,
    "grant lapsed": grant_lapsed,
    "required": create_required,
    "required, interrupted": required_interrupted,
}
SUSPENSION_MS: Final = 900
BEHAVIORS: Final = (
    "fail",
    "cancel",
    "expire",
    "auto_resume",
    "auto_resume_with_timeout_signal",
    "escalate",
)
NEEDS_RETRY: Final = frozenset({"retried", "timed out and retried"})

# -- acts on what is there -----------------------------------------------------------------------


def reclaim(stage: Stage) -> None:
    stage.issue(worker="heir")
    stage.take(worker="heir")


def lapse_and_reclaim(stage: Stage) -> None:
    stage.lapse()
    reclaim(stage)


def revoke_and_reclaim(stage: Stage) -> None:
    stage.revoke()
    reclaim(stage)


def complete_by_operator(stage: Stage) -> None:
    stage.operator.complete(JOB, result=b"by hand")


def cancel_by_id(stage: Stage) -> None:
    stage.engine.cancel_execution(JOB, reason="enough", cancelled_by="ann")


def cancel_by_holder(stage: Stage) -> None:
    stage.engine.cancel_execution(JOB, reason="enough", lease=stage.lease)


def create_delayed(stage: Stage) -> None:
    stage.create(delay_until_ms=stage.now + LEASE_TTL_MS)


def long_delay(stage: Stage) -> None:
    stage.delay(LEASE_TTL_MS)


def exhaust(stage: Stage) -> None:
    """Ask once more than the policy's cap allows (D-05)."""
    reclaim(stage)
    stage.lapse()
    stage.engine.issue_reclaim_grant(JOB, reclaim_request())


def pass_deadline(stage: Stage) -> None:
    stage.engine.cancel_execution(JOB, reason="old life")
    stage.engine.replay_execution(JOB, deadline_at_ms=stage.now + 1)
    stage.wait(1)


def _suspend(behavior: str) -> Act:
    """Suspend with a timeout that nothing else comes before."""
    return lambda stage: stage.suspend(SUSPENSION_MS, behavior)


def _suspension_over(behavior: str) -> tuple[Act, ...]:
    return (_suspend(behavior), lambda stage: stage.wait(SUSPENSION_MS))


def escalated(stage: Stage) -> None:
    stage.suspend(1, "escalate")
    stage.wait(1)


def _block_for(reason: str) -> Act:
    return lambda stage: stage.operator.block(JOB, reason=reason, detail="why")


# -- the phases ----------------------------------------------------------------------------------

Way = tuple[str, tuple[Act, ...]]


def _waiting() -> Iterator[Way]:
    for name, act in WAITING.items():
        yield name, (act,)
        yield f"{name}, granted", (act, Stage.issue)


def _leased() -> Iterator[Way]:
    for name, act in WAITING.items():
        yield name, (act, Stage.claim)
        yield f"{name}, by the operator", (act, Stage.operator_claim)
    yield "renewed", (Stage.create, Stage.claim, Stage.renew)
    yield "reclaimed after a lapse", (Stage.create, Stage.claim, lapse_and_reclaim)
    yield "reclaimed after a revocation", (interrupted, Stage.claim, revoke_and_reclaim)


def _then(ways: Iterator[Way], how: str, *acts: Act) -> Iterator[Way]:
    for name, before in ways:
        yield f"{name}, {how}", (*before, *acts)


def _delayed() -> Iterator[Way]:
    yield "created delayed", (create_delayed,)
    yield from _then(_leased(), "delayed", long_delay)
    yield from _then(_leased(), "failed (retry)", Stage.fail)
    yield from _then(_leased(), "resumed later", Stage.suspend, lambda stage: stage.resume(delay_ms=DELAY_MS))


def _blocked() -> Iterator[Way]:
    for reason in (
        "waiting_for_budget",
        "waiting_for_quota",
        "waiting_for_capable_worker",
        "paused_by_operator",
        "paused_by_policy",
    ):
        yield f"fresh, {reason}", (Stage.create, _block_for(reason))
    yield from _then(_waiting(), "blocked", _block_for("paused_by_operator"))
    yield from _then(_leased(), "waiting for children", Stage.await_children)


def _lost(how: str, *lose: Act) -> Iterator[Way]:
    yield from _then(_leased(), how, *lose)
    yield "fresh, granted, " + how, (Stage.create, Stage.claim, *lose, Stage.issue)


def _suspended() -> Iterator[Way]:
    yield from _then(_leased(), "suspended", Stage.suspend)
    for behavior in BEHAVIORS:
        yield from _then(_few(), f"suspended, {behavior}", _suspend(behavior))
    yield from _then(_few(), "escalated", escalated)
    yield "suspended again", (resumed, Stage.claim, _suspend("fail"))


def _few() -> Iterator[Way]:
    yield "fresh", (Stage.create, Stage.claim)
    yield "resumed", (resumed, Stage.claim)


def _failed() -> Iterator[Way]:
    yield from _then(_few(), "suspension failed", *_suspension_over("fail"))
    yield from _then(_leased(), "failed (strict)", Stage.fail)
    yield "cap reached (strict)", (Stage.create, Stage.claim, Stage.revoke, exhaust)


def _cancelled() -> Iterator[Way]:
    yield from _then(_few(), "suspended, cancelled", Stage.suspend, cancel_by_id)
    yield from _then(_few(), "suspension cancelled", *_suspension_over("cancel"))
    yield from _then(_waiting(), "cancelled", cancel_by_id)
    yield from _then(_leased(), "cancelled by its holder", cancel_by_holder)
    yield from _then(_leased(), "revoked, cancelled", Stage.revoke, Stage.cancel)
    yield "delayed, cancelled", (create_delayed, cancel_by_id)
    yield "blocked, cancelled", (Stage.create, _block_for("paused_by_policy"), cancel_by_id)


def _expired() -> Iterator[Way]:
    yield from _then(_few(), "suspension expired", *_suspension_over("expire"))
    yield from _then(_waiting(), "deadline", pass_deadline)
    yield "attempt timed out (strict)", (Stage.create, Stage.claim, lambda stage: stage.wait(ATTEMPT_MS))
    yield (
        "attempt timed out after a lapse (strict)",
        (Stage.create, Stage.claim, Stage.lapse, lambda stage: stage.wait(ATTEMPT_MS)),
    )


def _succeeded() -> Iterator[Way]:
    yield from _then(_leased(), "completed", Stage.complete)
    yield from _then(_leased(), "completed by the operator", complete_by_operator)


def _absent() -> Iterator[Way]:
    yield "never there", ()
    yield "purged", (Stage.create, Stage.cancel, lambda stage: stage.engine.purge_execution(JOB))


_WAYS: Final[Mapping[Phase | None, Callable[[], Iterator[Way]]]] = {
    None: _absent,
    Phase.DELAYED: _delayed,
    Phase.ELIGIBLE: _waiting,
    Phase.BLOCKED: _blocked,
    Phase.LEASED: _leased,
    Phase.LEASE_EXPIRED: lambda: _lost("lapsed", Stage.lapse),
    Phase.LEASE_REVOKED: lambda: _lost("revoked", Stage.revoke),
    Phase.SUSPENDED: _suspended,
    Phase.SUCCEEDED: _succeeded,
    Phase.FAILED: _failed,
    Phase.CANCELLED: _cancelled,
    Phase.EXPIRED: _expired,
}


def _policies(name: str) -> tuple[ExecutionPolicy, ...]:
    """The policies a recipe works under."""
    if "(strict)" in name:
        return () if any(name.startswith(need) for need in NEEDS_RETRY) else (STRICT,)
    if "(retry)" in name or any(name.startswith(need) for need in NEEDS_RETRY):
        return (RETRYING,)
    return (RETRYING, STRICT)


def _recipes(phase: Phase | None) -> tuple[Recipe, ...]:
    return tuple(
        Recipe(name, phase, acts, policy) for name, acts in _WAYS[phase]() for policy in _policies(name)
    )


RECIPES: Final[Mapping[Phase | None, tuple[Recipe, ...]]] = {phase: _recipes(phase) for phase in _WAYS}
