"""``check()`` can fail: every sentence it has is provoked by spoiling a sound state in one place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from grantcore import (
    ClaimGrant,
    ExecutionPolicy,
    Fixed,
    Granted,
    GrantEngine,
    InvariantBroken,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    ManualClock,
    ReclaimGrant,
    RetryPolicy,
)
from grantcore.engine import checking
from grantcore.model.grants import GrantKind
from grantcore.model.ids import MintedIds
from grantcore.model.leases import ATTEMPT_TYPE, LANE_ID, LEASE_EPOCH, WORKER_ID, LeaseKind
from grantcore.model.past import past_of
from grantcore.model.phases import Phase
from grantcore.model.records import FIRST, INTERRUPTED, Execution, Past, Store, rare_of

if TYPE_CHECKING:
    from collections.abc import Callable

CLAIM: Final = IssueClaimGrantRequest(
    worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=1_000
)
RECLAIM: Final = IssueReclaimGrantRequest(
    worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=1_000
)
RETRY: Final = RetryPolicy(max_retries=9, backoff=Fixed(delay_ms=5_000))


class World:
    """One execution ``e`` in some phase, and another that only waits."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_000)
        self.engine = GrantEngine(clock=self.clock, ids=MintedIds("0123456789abcdef0123"))
        for name in ("e", "other"):
            self.engine.create_execution(
                lane_id="main", execution_id=name, policy=ExecutionPolicy(retry=RETRY, max_reclaim_count=9)
            )

    @property
    def e(self) -> Execution:
        return self.engine._store.records["e"]

    @property
    def store(self) -> Store:
        return self.engine._store

    def worker(self, **spoilt: Any) -> None:
        workers = self.store.workers
        workers["default", "w-1"] = attrs.evolve(workers["default", "w-1"], **spoilt)

    def lease(self) -> Lease:
        return self.take(self.engine.issue_claim_grant("e", CLAIM))

    def take(self, grant: ClaimGrant | ReclaimGrant) -> Lease:
        return self.engine.take(grant, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=10_000)

    def set(self, field: str, value: object) -> None:
        setattr(self.e, field, value)

    def taking(self, place: int, value: object) -> None:
        taking: Any = list(self.e.taking or ())
        taking[place] = value
        self.e.taking = tuple(taking)


def waiting() -> World:
    return World()


def metered() -> World:
    """A worker with a ceiling, and an execution that holds a slot of a quota policy and has a budget."""
    world = World()
    engine = world.engine
    engine.register_worker("w", "w-1", lanes=["main"], capabilities=[], liveness_ttl_ms=5_000, max_leases=3)
    engine.create_quota_policy("q", max_requests_per_window=5, max_concurrent=5)
    engine.create_budget("b", hard_limits={"usd": 5})
    engine.create_execution(lane_id="main", execution_id="m", quota_policy_id="q", budget_ids=["b"])
    engine.issue_claim_grant("m", CLAIM)
    return world


def rename_worker(world: World) -> None:
    workers = world.store.workers
    workers["default", "w-2"] = workers.pop(("default", "w-1"))


def granted() -> World:
    world = World()
    world.engine.issue_claim_grant("e", CLAIM)
    return world


def leased() -> World:
    world = World()
    world.lease()
    return world


def revoked() -> World:
    world = leased()
    world.engine.operator("op").revoke_lease("e", reason="r")
    return world


def lapsed() -> World:
    world = leased()
    world.clock.advance(10_000)
    world.engine.advance()
    return world


def reclaimed() -> World:
    world = lapsed()
    answer = world.engine.issue_reclaim_grant("e", RECLAIM)
    assert type(answer) is Granted
    world.take(answer.grant)
    return world


def retrying() -> World:
    world = World()
    world.engine.fail_execution(world.lease(), reason="r")
    return world


def succeeded() -> World:
    world = World()
    world.engine.complete_execution(world.lease())
    return world


def blocked() -> World:
    world = World()
    world.engine.operator("op").block("e")
    return world


def suspended() -> World:
    world = World()
    world.engine.suspend_execution(world.lease(), reason_code="r", timeout_at_ms=9_000)
    return world


def spoil_line(world: World) -> None:
    (line,) = world.engine._indexes.waiting.lines.values()
    line.arrivals.reverse()


def spoil_requirement(world: World) -> None:
    shelves = world.engine._indexes.waiting.aisles["main"].shelves
    ((key, shelf),) = shelves.items()
    del shelves[key]
    shelves[key[0], ("gpu",), *key[2:]] = shelf


def lose_a_shortcut(world: World) -> None:
    ((name, line),) = world.engine._indexes.waiting.lines.items()
    world.engine._indexes.waiting.lines[name[0], 7] = line


def lose_a_line(world: World) -> None:
    (shelf,) = world.engine._indexes.waiting.shelves()
    shelf._order.clear()


def forget_attempts(world: World) -> None:
    past_of(world.e).attempts.clear()


def spoil_attempt(field: str, value: object) -> Callable[[World], None]:
    def spoil(world: World) -> None:
        setattr(past_of(world.e).attempts[0], field, value)

    return spoil


def spoil_past(field: str, value: int) -> Callable[[World], None]:
    def spoil(world: World) -> None:
        setattr(past_of(world.e), field, value)

    return spoil


def spoil_rare(field: str, value: object) -> Callable[[World], None]:
    def spoil(world: World) -> None:
        setattr(rare_of(world.e), field, value)

    return spoil


def no_lease(world: World) -> None:
    world.e.taking = world.e.lease_id = world.e.attempt_id = None


def no_history(world: World) -> None:
    past = past_of(world.e)
    past.history.clear()
    past.noted = past.first = 0


def long_history(world: World) -> None:
    past = past_of(world.e)
    line = past.history[0]
    for number in range(past.noted, past.noted + 1_000):
        past.history[number] = line
    past.noted += 1_000


def another_grant(world: World) -> None:
    assert world.e.grant is not None
    world.e.grant = (GrantKind.RESUME, *world.e.grant[1:])


def old_grant(world: World) -> None:
    assert world.e.grant is not None
    world.e.grant = (*world.e.grant[:2], 1, world.e.grant[3])


def spoil_last_line(field: str, value: object) -> Callable[[World], None]:
    def spoil(world: World) -> None:
        past = past_of(world.e)
        object.__setattr__(past.history[past.noted - 1], field, value)

    return spoil


Spoiler = tuple["Callable[[], World]", "Callable[[World], object]", str]

SPOILERS: Final[list[Spoiler]] = [
    (waiting, lambda w: w.engine._store.records.update(x=w.engine._store.records.pop("e")), "another id"),
    (waiting, lambda w: setattr(w.engine._store, "epoch_floor", 2**53), "an epoch floor out of range"),
    (waiting, lambda w: w.set("phase", None), "no phase"),
    (waiting, lambda w: w.set("last_mutation_at_ms", 9_999), "a stamp of the future"),
    (waiting, lambda w: w.set("created_at_ms", -1), "stamps out of order"),
    (succeeded, no_lease, "success without a lease"),
    (leased, lambda w: w.taking(LEASE_EPOCH, 2**53), "an epoch out of range"),
    (leased, lambda w: w.set("attempt_id", None), "without its fence or worker"),
    (leased, lambda w: w.set("lease_id", None), "without its fence or worker"),
    (waiting, lambda w: w.set("lease_id", "l"), "without its fence or worker"),
    (leased, lambda w: w.taking(LANE_ID, "other"), "a lease of another lane"),
    (retrying, lambda w: w.taking(LANE_ID, "other"), "a lease of another lane"),
    (leased, lambda w: w.taking(LEASE_EPOCH, 0), "a lease without an epoch"),
    (leased, lambda w: w.set("renewed_at_ms", 1), "instants of the lease are out of order"),
    (leased, lambda w: w.set("expires_at_ms", 1_000), "a lease past its end"),
    (lapsed, lambda w: w.set("lost_sequence", 0), "without the event that told it"),
    (leased, spoil_rare("attempt_timeout_at_ms", 1), "timed out before it began"),
    (revoked, spoil_rare("lease_revoked_at_ms", 1), "a revocation out of order"),
    (leased, spoil_rare("lease_revoked_at_ms", 1_000), "a mark of revocation in the wrong phase"),
    (revoked, spoil_rare("lease_revoked_at_ms", None), "a mark of revocation in the wrong phase"),
    (revoked, lambda w: w.set("rare", None), "a mark of revocation in the wrong phase"),
    (granted, another_grant, "a grant whose precondition does not hold"),
    (granted, old_grant, "a grant outside its time"),
    (waiting, lambda w: w.set("origin", INTERRUPTED), "the next attempt does not follow"),
    (retrying, lambda w: w.set("origin", FIRST), "the next attempt does not follow"),
    (blocked, spoil_rare("blocking_reason", "mood"), "blocked for no reason"),
    (waiting, spoil_rare("blocking_reason", "paused_by_operator"), "a blocking reason in the wrong phase"),
    (suspended, spoil_rare("blocking_reason", "waiting_for_quota"), "blocked for no reason"),
    (retrying, spoil_rare("blocking_reason", "waiting_for_resume_delay"), "reason in the wrong phase"),
    (retrying, spoil_rare("suspension_timeout_at_ms", 9_000), "a suspension's timeout in the wrong phase"),
    (retrying, spoil_rare("suspension_behavior", "fail"), "timeout in the wrong phase"),
    (suspended, spoil_attempt("suspension_id", None), "suspended without a suspended attempt"),
    (suspended, lambda w: w.set("origin", FIRST), "without a suspended attempt"),
    (suspended, spoil_attempt("attempt_state", "started"), "without a suspended attempt"),
    (suspended, forget_attempts, "suspended without a suspended"),
    (suspended, spoil_rare("suspension_behavior", ""), "a timeout that does nothing known"),
    (retrying, spoil_rare("delay_until_ms", None), "delayed until no instant"),
    (waiting, lambda w: object.__setattr__(w.e.spec, "required", ("b", "a")), "required tokens out of order"),
    (waiting, lambda w: object.__setattr__(w.e.spec, "required", ("",)), "I-24: invalid_capabilities"),
    (retrying, forget_attempts, "attempts are not dense"),
    (retrying, spoil_attempt("attempt_index", 7), "is another's"),
    (retrying, spoil_attempt("ended_at_ms", None), "has half an end"),
    (retrying, spoil_attempt("ended_at_ms", 1), "has a stamp out of order"),
    (
        reclaimed,
        lambda w: setattr(past_of(w.e).attempts[1], "attempt_type", "initial"),
        "type is not the record's",
    ),
    (reclaimed, spoil_attempt("attempt_state", "started"), "the wrong attempts are open"),
    (reclaimed, lambda w: w.taking(LEASE_EPOCH, 9), "the attempt's lease is not the record's"),
    (reclaimed, lambda w: w.taking(WORKER_ID, "x"), "the attempt's lease is not the record's"),
    (reclaimed, lambda w: w.set("acquired_at_ms", 1_000), "the attempt's lease is not the record's"),
    (retrying, lambda w: w.set("acquired_at_ms", 999), "the attempt's lease is not the record's"),
    (reclaimed, lambda w: w.set("attempt_id", "x"), "the attempt's id is not the record's"),
    (reclaimed, lambda w: setattr(past_of(w.e), "started_at_ms", None), "an attempt that has not begun"),
    (reclaimed, spoil_past("started_at_ms", 1_001), "a life that began with another attempt"),
    (waiting, lambda w: w.set("past", Past({}, {}, 0, started_at_ms=1_000)), "began with another attempt"),
    (reclaimed, lambda w: w.set("attempt_id", None), "has forgotten its attempt"),
    (retrying, spoil_past("first", 1), "the history has gaps"),
    (retrying, long_history, "the history is too long"),
    (reclaimed, no_history, "a lease without a line of history"),
    (reclaimed, spoil_last_line("event", "expired"), "tells another phase"),
    (reclaimed, spoil_last_line("at_ms", 1), "history goes back in time"),
    (retrying, spoil_past("retry_count", 10), "more retries than allowed"),
    (retrying, spoil_past("reclaim_count", 10), "more reclaims than allowed"),
    (retrying, spoil_past("replay_count", 11), "more replays than allowed"),
    (metered, rename_worker, "a worker under another name"),
    (metered, lambda w: w.worker(expires_at_ms=1), "a worker outside its time"),
    (metered, lambda w: w.store.quotas["q"].issued.append((0, 0)), "grants out of order in the window"),
    (metered, lambda w: setattr(w.store.quotas["q"], "max_requests_per_window", 0), "more grants in the"),
    (metered, lambda w: setattr(w.store.budgets["b"], "used_at_ms", 9_999), "a budget of the future"),
    (metered, lambda w: w.store.lanes.pop("main"), "executions of another lane of this name"),
    (metered, lambda w: w.store.quotas.clear(), "executions of a quota policy that does not exist"),
    (metered, lambda w: w.store.budgets.clear(), "executions of a budget that does not exist"),
    (metered, lambda w: w.engine._indexes.tallies.by_quota.clear(), "the slots in use are wrong"),
    (metered, lambda w: setattr(w.engine._indexes.tallies, "watching", False), "a ceiling that nobody"),
    (metered, lambda w: w.engine._indexes.liveness.remove("w-1", "default"), "the live workers are others"),
    (metered, lambda w: setattr(w.engine._deadlines, "next_ms", 2**53), "a worker that lapses before"),
    (waiting, lambda w: w.engine._indexes.counts.add(Phase.LEASED, 1), "counts by phase are wrong"),
    (waiting, lambda w: setattr(w.engine._indexes, "live_grants", 1), "the count of live grants is wrong"),
    (retrying, spoil_rare("delay_until_ms", 1_500), "due before"),
    (leased, lambda w: setattr(w.e, "filed_ms", 99_999), "not filed under its deadline"),
    (leased, lambda w: setattr(w.engine._deadlines, "entries", 999), "too many unconfirmed deadlines"),
    (waiting, lambda w: w.set("queued", None), "the shelves hold others"),
    (waiting, spoil_line, "a shelf is out of order"),
    (waiting, spoil_requirement, "on a shelf of another lane, kind or requirements"),
    (waiting, lose_a_shortcut, "a shortcut to a line that is gone"),
    (waiting, lose_a_line, "a line that nobody comes to"),
    (waiting, lambda w: setattr(w.engine._indexes.waiting, "entries", 999), "unconfirmed entries on shelves"),
    (leased, lambda w: w.engine._indexes.holders.held.clear(), "the holders hold others"),
    (lapsed, lambda w: w.engine._indexes.losses.sequences.clear(), "the list of losses is wrong"),
    (waiting, lambda w: setattr(w.engine._indexes.roll, "_all", {}), "the roll of executions is wrong"),
]


@pytest.mark.parametrize(("build", "spoil", "told"), SPOILERS, ids=[told for *_, told in SPOILERS])
def test_check_sees_it(build: Callable[[], World], spoil: Callable[[World], object], told: str) -> None:
    """Every invariant marked S: the state is sound, is spoilt, and check() says what is wrong."""
    world = build()
    world.engine.check()
    spoil(world)
    engine = world.engine
    found = list(checking.broken(engine._store, engine._indexes, world.clock(), 1_000))
    assert any(told in text for text in found), found
    with pytest.raises(InvariantBroken, match="please report"):
        engine._check(world.clock())


def test_an_attempt_out_of_its_place_is_seen() -> None:
    """I-30: only the first attempt is initial."""
    world = reclaimed()
    past_of(world.e).attempts[1].attempt_type = past_of(world.e).attempts[0].attempt_type
    world.taking(ATTEMPT_TYPE, "initial")
    found = list(checking.broken(world.engine._store, world.engine._indexes, world.clock(), 1_000))
    assert any("attempt 1 is initial" in text for text in found)
    assert LeaseKind.RECLAIMED.value in (world.e.taking or ())


def test_what_is_due_and_not_applied_is_seen() -> None:
    """I-54: checked with a later instant than the one everything was applied for."""
    world = retrying()
    found = list(checking.broken(world.engine._store, world.engine._indexes, 99_999, 1_000))
    assert any("due and not applied" in text for text in found)


def test_every_sentence_is_provoked() -> None:
    """The list above is complete: as many spoilers as ``yield``s, less the two tests of their own."""
    source = Path(checking.__file__).read_text(encoding="utf-8")
    sentences = re.findall(r'yield f?"(.*?)"', source)
    own = ("is initial", "due and not applied")
    told = [*own, *(text for *_, text in SPOILERS)]
    missing = [
        s for s in sentences if not any(_plain(text) in _plain(s) or _plain(s) in text for text in told)
    ]
    assert not missing


def _plain(text: str) -> str:
    return re.sub(r"\{.*?\}", "", text).removeprefix(": ").strip()
