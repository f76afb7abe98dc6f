"""What must follow from the answers alone: who holds what, told beforehand for every call with a token.

An auditor in the manner of a resource that leases protect: it remembers per execution the last lease and
the last grant it saw, and when each ends. From this follows whether a call must be accepted: I-01 to I-05,
I-08, I-11 to I-15, I-19, I-22, I-38, I-55. O(1) per call.
"""

from __future__ import annotations

from typing import Final

from grantcore import ClaimGrant, GrantError, Lease, LeaseKind, ReclaimGrant, ResumeGrant

FAR: Final = 2**60
FOR_EVER: Final = frozenset({"stale_lease", "lease_expired", "lease_revoked"})
"""A token that was once refused with one of these never passes again (I-05)."""

Grant = ClaimGrant | ResumeGrant | ReclaimGrant


class Violation(AssertionError):
    """Something that must hold does not."""


class Seen:
    """What was seen of one execution."""

    __slots__ = (
        "attempt_id",
        "deadline",
        "epoch",
        "expires",
        "grant",
        "held",
        "lease",
        "lease_id",
        "refused",
        "required",
        "rest",
        "timeout",
        "timeout_at",
        "worker",
    )

    def __init__(self, required: frozenset[str], deadline: int, timeout: int) -> None:
        self.required = required
        self.deadline = deadline
        self.timeout = timeout
        self.timeout_at = FAR
        self.rest = 0
        self.epoch = 0
        self.refused = 0
        self.lease: Lease | None = None
        self.lease_id = self.attempt_id = ""
        self.held = False
        self.expires = 0
        self.grant: Grant | None = None
        self.worker = ""

    def alive(self, now: int) -> bool:
        """Whether somebody holds it."""
        return self.held and now < self.expires and now < self.deadline and now < self.timeout_at

    def granted(self, now: int) -> bool:
        """Whether a grant is out."""
        grant = self.grant
        if grant is None or now >= grant.expires_at_ms or now >= self.deadline:
            return False
        return type(grant) is not ReclaimGrant or now < self.timeout_at


class Leases:
    """The auditor of answers. ``exact``: only calls purge, so that every first epoch is known."""

    def __init__(self, *, exact: bool) -> None:
        self.seen: dict[str, Seen] = {}
        self.exact = exact
        self.floor = 0
        self.created = self.purged = 0
        self.issued = self.consumed = self.acquired = self.accepted_calls = self.refused_calls = 0

    def create(self, name: str, required: frozenset[str], deadline: int, timeout: int) -> None:
        self.created += 1
        self.seen[name] = Seen(required, deadline, timeout)

    def purge(self, name: str) -> None:
        self.purged += 1
        self.floor = max(self.floor, self.seen.pop(name).epoch)

    def issue(self, grant: Grant, worker: str, tokens: frozenset[str], now: int) -> None:
        """A grant was issued."""
        seen = self.seen[grant.execution_id]
        if seen.granted(now):
            raise Violation(f"I-12: a second grant for {grant.execution_id}")
        if seen.alive(now):
            raise Violation(f"I-17: a grant for {grant.execution_id}, which is held")
        if not seen.required <= tokens:
            raise Violation(f"I-22: {grant} for {sorted(tokens)}, needs {sorted(seen.required)}")
        self.issued += 1
        seen.grant, seen.worker = grant, worker

    def usable(self, grant: Grant, worker: str, now: int) -> bool:
        """Whether a grant of this kind is out for this worker; what is handed in is a key (SPEC 9)."""
        seen = self.seen.get(grant.execution_id)
        return (
            seen is not None
            and seen.granted(now)
            and seen.worker == worker
            and type(seen.grant) is type(grant)
        )

    def take(self, grant: Grant, worker: str, now: int, lease: Lease | None) -> None:
        """A grant was used, or refused (None)."""
        if (lease is not None) is not self.usable(grant, worker, now):
            raise Violation(f"I-13..I-15, I-19: {grant} by {worker} at {now} gave {lease}")
        if lease is not None:
            self.consumed += 1
            self.acquire(lease, now)

    def withdraw(self, grant: Grant, worker: str, now: int, *, gone: bool) -> None:
        if gone is not (self.usable(grant, worker, now) and self.seen[grant.execution_id].grant == grant):
            raise Violation(f"I-19: withdrawing {grant} by {worker} at {now} gave {gone}")
        if gone:
            self.void(grant.execution_id)

    def void(self, name: str) -> None:
        self.seen[name].grant = None

    def acquire(self, lease: Lease, now: int) -> None:
        """A lease began: the next epoch, and nobody else holds it (I-01, I-02)."""
        seen = self.seen[lease.execution_id]
        epoch = lease.lease_epoch
        if seen.alive(now):
            raise Violation(f"I-01: {lease} while {seen.lease_id} lives")
        if seen.epoch:
            if epoch != seen.epoch + 1:
                raise Violation(f"I-02: {lease} after epoch {seen.epoch}")
        elif epoch != self.floor + 1 if self.exact else epoch <= self.floor:
            raise Violation(f"I-02: {lease} is the first, the floor is {self.floor}")
        self.acquired += 1
        seen.grant = None
        seen.epoch, seen.expires, seen.held = epoch, lease.expires_at_ms, True
        seen.lease, seen.lease_id, seen.attempt_id = lease, lease.lease_id, lease.attempt_id
        if seen.timeout != FAR:
            resumed = lease.kind is LeaseKind.RESUMED
            seen.timeout_at = now + (seen.rest if resumed else seen.timeout)

    def fenced(self, lease: Lease, now: int) -> Seen | None:
        """What was seen of its execution, if the token of a lease passes the fence now (I-04)."""
        seen = self.seen.get(lease.execution_id)
        if seen is None or not seen.alive(now):
            return None
        if seen.lease is lease or (seen.epoch == lease.lease_epoch and seen.lease_id == lease.lease_id):
            return seen
        return None

    def accepted(self, lease: Lease, now: int) -> Seen:
        """A call with this lease was accepted."""
        seen = self.fenced(lease, now)
        if seen is None:
            raise Violation(f"I-03, I-04, I-11: accepted at {now}: {lease}")
        if seen.epoch <= seen.refused:
            raise Violation(f"I-05: accepted after a refusal: {lease}")
        self.accepted_calls += 1
        return seen

    def refused(self, lease: Lease, now: int, error: GrantError) -> None:
        """A call with this lease was refused."""
        if self.fenced(lease, now) is not None:
            raise Violation(f"I-55: refused at {now} with {error.code}: {lease}")
        self.refused_calls += 1
        if error.code in FOR_EVER:
            seen = self.seen.get(lease.execution_id)
            if seen is not None:
                seen.refused = max(seen.refused, lease.lease_epoch)

    def renew(self, lease: Lease, renewed: Lease, now: int, ttl: int) -> None:
        seen = self.accepted(lease, now)
        if (
            renewed.expires_at_ms != now + ttl
            or renewed.lease_epoch != seen.epoch
            or renewed.lease_id != seen.lease_id
            or renewed.attempt_id != seen.attempt_id
        ):
            raise Violation(f"I-08: {lease} became {renewed} at {now}")
        seen.expires, seen.lease = now + ttl, renewed

    def let_go(self, seen: Seen, now: int) -> None:
        """The lease is over; the attempt may go on with the rest of its time."""
        seen.held = False
        if seen.timeout_at != FAR:
            seen.rest = max(seen.timeout_at - now, 1)
            seen.timeout_at = FAR

    def overridden(self, name: str, now: int, *, done: bool) -> None:
        """The operator ended the attempt of whoever holds it, or was refused: nobody does (I-07)."""
        seen = self.seen.get(name)
        if done is not (seen is not None and seen.alive(now)):
            raise Violation(f"I-07: the operator's call for {name} at {now} gave {done}")
        if done and seen is not None:
            self.let_go(seen, now)

    def revoke(self, name: str, epoch: int, now: int) -> None:
        """The lease is over, the attempt is not: its clock goes on."""
        seen = self.seen[name]
        if not seen.alive(now) or epoch != seen.epoch:
            raise Violation(f"I-10: revoked {name} epoch {epoch} at {now}")
        seen.held = False

    def cancel(self, name: str) -> None:
        """It is over, by whoever was allowed to."""
        seen = self.seen[name]
        seen.held = False
        seen.grant = None

    def replay(self, name: str, now: int) -> None:
        seen = self.seen[name]
        if seen.alive(now):
            raise Violation(f"I-38: replayed while held: {name}")
        seen.deadline = seen.timeout_at = FAR
        seen.held = False
        seen.grant = None

    def hold(self, leases: tuple[Lease, ...], now: int) -> None:
        """All current leases, as the engine shows them, are those that were seen: nothing is lost (I-01)."""
        shown = {lease.execution_id: (lease.lease_id, lease.expires_at_ms) for lease in leases}
        known = {name: (seen.lease_id, seen.expires) for name, seen in self.seen.items() if seen.alive(now)}
        if shown != known:
            raise Violation(
                f"I-01: shown and not known, or the other way: {set(shown.items()) ^ set(known.items())}"
            )

    def live_grants(self, now: int) -> int:
        return sum(seen.granted(now) for seen in self.seen.values())
