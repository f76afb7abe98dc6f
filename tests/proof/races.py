"""What threads race for: each race is one call made by all of them, of which exactly one may win."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

import grantcore as gc

if TYPE_CHECKING:
    from tests.proof.contending import Ring

TTL: Final = 50_000
LAPSES_MS: Final = 10_000
"""The first of the instants at which leases lapse."""

Make = Callable[["Ring", int, int], object]


# -- races -----------------------------------------------------------------------------------------------


@attrs.frozen
class Race:
    """One chapter: what thread ``t`` does about execution ``n``; what winning is; what losers are told."""

    make: Make
    wins: tuple[type, ...]
    lost: frozenset[object]

    def won(self, got: object) -> bool:
        """Whether this answer is a win."""
        return isinstance(got, self.wins) and got is not False


def _race(make: Make, wins: type | tuple[type, ...], *lost: object) -> Race:
    return Race(make, wins if isinstance(wins, tuple) else (wins,), frozenset(lost))


def _who(thread: int) -> dict[str, Any]:
    return {"worker_id": "w", "worker_instance_id": f"w-{thread}"}


def _asks(thread: int) -> dict[str, Any]:
    return {**_who(thread), "grant_ttl_ms": TTL}


def _ask(ring: Ring, n: int, thread: int) -> object:
    request = gc.IssueClaimGrantRequest(**_asks(thread), lane_id=f"l{n}")
    return ring.engine.issue_claim_grant(f"e{n}", request)


def _ask_to_resume(ring: Ring, n: int, thread: int) -> object:
    request = gc.IssueClaimGrantRequest(**_asks(thread), lane_id=f"l{n}")
    return ring.engine.issue_resume_grant(f"e{n}", request)


def _ask_back(ring: Ring, n: int, thread: int) -> object:
    request = gc.IssueReclaimGrantRequest(**_asks(thread), lane_id=f"l{n}")
    return ring.engine.issue_reclaim_grant(f"e{n}", request)


def _seek(ring: Ring, n: int, thread: int) -> object:
    worker = gc.Worker("w", f"w-{thread}", ())
    return ring.scheduler.claim_for_worker(worker, lanes=(f"l{n}",), grant_ttl_ms=TTL)


def _use(call: str) -> Make:
    """Take the lease. It ends at an instant of its own, so that the clock can pass one after the other."""

    def make(ring: Ring, n: int, thread: int) -> object:
        method = getattr(ring.engine, call)
        return method(ring.hand[n], **_who(thread), lease_ttl_ms=ring.end_ms(n) - ring.clock())

    return make


def _withdraw_or_take(ring: Ring, n: int, thread: int) -> object:
    if thread % 2:
        return ring.engine.withdraw_grant(ring.hand[n], worker_id="w")
    return _use("take")(ring, n, thread)


def _hold(call: str, **given: Any) -> Make:
    return lambda ring, n, _: getattr(ring.engine, call)(ring.hand[n], **given)


def _lapse_or_complete(ring: Ring, n: int, thread: int) -> object:
    """The first thread lets time pass: if the others are late, the lapse wins."""
    if thread:
        return ring.engine.complete_execution(ring.hand[n])
    ring.clock.set(max(ring.clock(), ring.end_ms(n)))
    ring.engine.advance()
    snapshot = ring.engine.describe_execution(f"e{n}")
    return snapshot is not None and snapshot.phase is gc.Phase.LEASE_EXPIRED


def _end(ring: Ring, n: int, thread: int) -> object:
    """The holder's success, the holder's failure, an operator's cancellation."""
    if thread % 3 == 0:
        return ring.engine.complete_execution(ring.hand[n])
    if thread % 3 == 1:
        return ring.operator.cancel(f"e{n}", reason="r")
    return ring.engine.fail_execution(ring.hand[n], reason="r")


GRANTS: Final = (gc.ClaimGrant, gc.ResumeGrant, gc.ReclaimGrant)
TOO_LATE: Final = (gc.InvalidClaimGrant, gc.ExecutionNotLeaseable, gc.ExecutionNotReclaimable)
OVER: Final = gc.ExecutionNotActive

RACES: Final[dict[str, Race]] = {
    "issue": _race(_ask, GRANTS, gc.GrantAlreadyExists),
    "issue_resume": _race(_ask_to_resume, GRANTS, gc.GrantAlreadyExists),
    "issue_reclaim": _race(_ask_back, gc.Granted, gc.GrantAlreadyExists),
    "seek": _race(_seek, GRANTS, type(None)),
    "claim": _race(_use("claim_execution"), gc.Lease, *TOO_LATE),
    "claim_resumed": _race(_use("claim_resumed_execution"), gc.Lease, *TOO_LATE),
    "reclaim": _race(_use("reclaim_execution"), gc.Reclaimed, gc.NotReclaimable, gc.GrantNotFound, *TOO_LATE),
    "take": _race(_use("take"), gc.Lease, *TOO_LATE),
    "withdraw": _race(_withdraw_or_take, (gc.Lease, bool), bool, *TOO_LATE),
    "release": _race(_hold("release_execution"), gc.Delayed, OVER),
    "suspend": _race(_hold("suspend_execution", reason_code="r"), gc.Suspended, OVER),
    "resume": _race(
        lambda ring, n, _: ring.engine.resume_execution(f"e{n}"), gc.Resumed, gc.ExecutionNotSuspended
    ),
    "revoke": _race(
        lambda ring, n, _: ring.operator.revoke_lease(f"e{n}", reason="r"), gc.Revoked, gc.AlreadySatisfied
    ),
    "lapse": _race(_lapse_or_complete, (gc.Completed, bool), bool, gc.LeaseExpired, OVER),
    "end": _race(_end, (gc.Completed, gc.Cancelled, gc.TerminalFailed), OVER),
}

STORIES: Final[tuple[tuple[str, ...], ...]] = (
    ("seek", "claim", "end"),
    ("issue", "take", "release", "issue_resume", "claim_resumed", "end"),
    ("issue", "claim", "revoke", "issue_reclaim", "reclaim", "end"),
    ("seek", "take", "suspend", "resume", "seek", "take", "end"),
    ("seek", "claim", "lapse", "seek", "take", "end"),
    ("issue", "claim", "lapse", "issue_reclaim", "reclaim", "revoke", "issue_reclaim", "take", "end"),
    ("issue", "withdraw"),
)

SHOWN: Final[dict[type, gc.Phase]] = {
    gc.Completed: gc.Phase.SUCCEEDED,
    gc.Cancelled: gc.Phase.CANCELLED,
    gc.TerminalFailed: gc.Phase.FAILED,
    gc.Lease: gc.Phase.LEASED,
    bool: gc.Phase.ELIGIBLE,
}
"""In which phase an execution is after the last win, where that was the end of its story."""
