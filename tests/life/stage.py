"""A stage to play one execution's life on: an engine, a clock moved by hand, ids that tell their number.

The execution is called ``job`` unless a story needs several. The stage remembers the last grant and the
last lease of it, so that a story reads as the list of what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import pytest

from grantcore import (
    ClaimGrant,
    Created,
    EngineConfig,
    ExecutionPolicy,
    ExecutionSnapshot,
    Fence,
    Fixed,
    Granted,
    GrantEngine,
    GrantError,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    ManualClock,
    Operator,
    Phase,
    ReclaimGrant,
    ResumeGrant,
    RetryPolicy,
)
from grantcore.events import ExecutionEvent
from tests.observing import of_executions

START_MS: Final = 1_000_000
LANE: Final = "main"
JOB: Final = "job"

GRANT_TTL_MS: Final = 5_000
LEASE_TTL_MS: Final = 200_000
ATTEMPT_MS: Final = 50_000
BACKOFF_MS: Final = 500
DELAY_MS: Final = 700
TOKENS: Final = ("cuda", "gpu", "more")
"""What the workers of these stories have, unless told otherwise."""

RETRYING: Final = ExecutionPolicy(
    retry=RetryPolicy(max_retries=9, backoff=Fixed(BACKOFF_MS)), attempt_timeout_ms=ATTEMPT_MS
)
"""Every failure is retried."""

STRICT: Final = ExecutionPolicy(attempt_timeout_ms=ATTEMPT_MS, max_reclaim_count=1)
"""No failure is retried, and one reclaim is all there is."""

Grant = ClaimGrant | ResumeGrant | ReclaimGrant
Error = TypeVar("Error", bound=GrantError)


class NumberedIds:
    """An id source whose ids tell what they are and their number."""

    def __init__(self, used: int = 0) -> None:
        self.used = used

    def _next(self, kind: str) -> str:
        self.used += 1
        return f"{kind}{self.used}"

    def execution_id(self, lane_id: str) -> str:
        return self._next(f"{lane_id}-execution-")

    def lease_id(self) -> str:
        return self._next("lease-")

    def attempt_id(self) -> str:
        return self._next("attempt-")

    def suspension_id(self) -> str:
        return self._next("suspension-")


def claim_request(
    worker: str = "w", ttl_ms: int = GRANT_TTL_MS, capabilities: Iterable[str] = TOKENS, lane_id: str = LANE
) -> IssueClaimGrantRequest:
    return IssueClaimGrantRequest(
        worker_id=worker,
        worker_instance_id=f"{worker}-1",
        lane_id=lane_id,
        grant_ttl_ms=ttl_ms,
        worker_capabilities=capabilities,
    )


def reclaim_request(
    worker: str = "w", ttl_ms: int = GRANT_TTL_MS, capabilities: Iterable[str] = TOKENS, lane_id: str = LANE
) -> IssueReclaimGrantRequest:
    return IssueReclaimGrantRequest(
        worker_id=worker,
        worker_instance_id=f"{worker}-1",
        lane_id=lane_id,
        grant_ttl_ms=ttl_ms,
        worker_capabilities=capabilities,
    )


class Stage:
    """One engine and what a story does with it."""

    def __init__(
        self,
        *,
        policy: ExecutionPolicy = RETRYING,
        config: EngineConfig | None = None,
        start_ms: int = START_MS,
        deadline_at_ms: int | None = None,
    ) -> None:
        self.clock = ManualClock(start_ms)
        self.ids = NumberedIds()
        self.engine = GrantEngine(clock=self.clock, ids=self.ids, config=config or EngineConfig())
        self.policy = policy
        self.deadline_at_ms = deadline_at_ms
        self.told: list[ExecutionEvent] = []
        self.engine.subscribe(of_executions(self.told.append))
        self.granted: Grant | None = None
        self.held: Lease | None = None

    # -- looking -------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self.clock()

    @property
    def operator(self) -> Operator:
        return self.engine.operator("boss")

    def look(self, execution_id: str = JOB) -> ExecutionSnapshot:
        snapshot = self.engine.describe_execution(execution_id)
        assert snapshot is not None
        return snapshot

    def phase(self, execution_id: str = JOB) -> Phase | None:
        snapshot = self.engine.describe_execution(execution_id)
        return None if snapshot is None else snapshot.phase

    def events_of(self, execution_id: str = JOB) -> list[str]:
        return [type(event).__name__ for event in self.told if event.execution_id == execution_id]

    def lines(self, execution_id: str = JOB) -> list[tuple[str, str | None]]:
        return [(line.event, line.reason) for line in self.engine.lease_history(execution_id)]

    @property
    def grant(self) -> Grant:
        assert self.granted is not None
        return self.granted

    @property
    def lease(self) -> Lease:
        assert self.held is not None
        return self.held

    # -- time ----------------------------------------------------------------------------------

    def wait(self, ms: int) -> None:
        """Let time pass; what is due happens."""
        self.clock.advance(ms)
        self.engine.advance()

    def wait_until(self, at_ms: int) -> None:
        self.clock.set(at_ms)
        self.engine.advance()

    def until_due(self) -> None:
        """Go to the very next deadline."""
        at_ms = self.engine.next_deadline_ms()
        assert at_ms is not None
        self.wait_until(max(at_ms, self.now))

    # -- what happens to the job ---------------------------------------------------------------

    def create(self, execution_id: str = JOB, **given: Any) -> None:
        given = {"lane_id": LANE, "policy": self.policy, "deadline_at_ms": self.deadline_at_ms, **given}
        assert type(self.engine.create_execution(execution_id=execution_id, **given)) is Created

    def issue(
        self,
        execution_id: str = JOB,
        *,
        worker: str = "w",
        ttl_ms: int = GRANT_TTL_MS,
        capabilities: Iterable[str] = TOKENS,
    ) -> Grant:
        """Have a grant of the kind that fits."""
        state = self.look(execution_id)
        request = claim_request(worker, ttl_ms, capabilities)
        if state.phase is not Phase.ELIGIBLE:
            answer = self.engine.issue_reclaim_grant(
                execution_id, reclaim_request(worker, ttl_ms, capabilities)
            )
            assert type(answer) is Granted
            self.granted = answer.grant
        elif state.attempt_state == "attempt_interrupted":
            self.granted = self.engine.issue_resume_grant(execution_id, request)
        else:
            self.granted = self.engine.issue_claim_grant(execution_id, request)
        return self.granted

    def take(self, *, worker: str = "w", ttl_ms: int = LEASE_TTL_MS, timeout_ms: int | None = None) -> Lease:
        """Use the last grant."""
        self.held = self.engine.take(
            self.grant,
            worker_id=worker,
            worker_instance_id=f"{worker}-1",
            lease_ttl_ms=ttl_ms,
            attempt_timeout_ms=timeout_ms,
        )
        return self.held

    def claim(
        self,
        execution_id: str = JOB,
        *,
        worker: str = "w",
        ttl_ms: int = LEASE_TTL_MS,
        timeout_ms: int | None = None,
        capabilities: Iterable[str] = TOKENS,
    ) -> Lease:
        """Have a grant and use it."""
        self.issue(execution_id, worker=worker, capabilities=capabilities)
        return self.take(worker=worker, ttl_ms=ttl_ms, timeout_ms=timeout_ms)

    def operator_claim(self, execution_id: str = JOB) -> Lease:
        self.held = self.operator.issue_grant_and_claim(
            execution_id, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=LEASE_TTL_MS
        )
        return self.held

    def renew(self, ttl_ms: int = LEASE_TTL_MS) -> Lease:
        self.held = self.engine.renew_lease(self.lease, lease_ttl_ms=ttl_ms)
        return self.held

    def lapse(self) -> None:
        """Let the lease run out before anything else ends."""
        self.renew(1_000)
        self.wait(1_000)

    def revoke(self, execution_id: str = JOB) -> None:
        self.operator.revoke_lease(execution_id, reason="sent away")

    def complete(self) -> None:
        self.engine.complete_execution(self.lease, result=b"done")

    def fail(self, reason: str = "broken", category: str = "") -> None:
        self.engine.fail_execution(self.lease, reason=reason, category=category)

    def delay(self, ms: int = DELAY_MS) -> None:
        self.engine.delay_execution(self.lease, delay_until_ms=self.now + ms)

    def await_children(self) -> None:
        self.engine.move_to_waiting_children(self.lease)

    def suspend(self, timeout_ms: int | None = None, behavior: str = "fail") -> None:
        timeout_at_ms = None if timeout_ms is None else self.now + timeout_ms
        self.engine.suspend_execution(
            self.lease,
            reason_code="waiting_for_approval",
            timeout_at_ms=timeout_at_ms,
            timeout_behavior=behavior,
        )

    def resume(self, execution_id: str = JOB, delay_ms: int = 0) -> None:
        self.engine.resume_execution(execution_id, trigger="approved", resume_delay_ms=delay_ms)

    def cancel(self, execution_id: str = JOB) -> None:
        self.operator.cancel(execution_id, reason="enough")

    def replay(self, execution_id: str = JOB) -> None:
        self.engine.replay_execution(
            execution_id, requested_by="ann", reason="again", deadline_at_ms=self.deadline_at_ms
        )

    # -- refusals ------------------------------------------------------------------------------

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nothing is written and nothing is told meanwhile, beside what time does (I-40)."""
        self.engine.advance()
        digest, told = self.engine.digest(), len(self.told)
        yield
        assert self.engine.digest() == digest
        assert len(self.told) == told

    def refuses(self, error: type[Error], call: Callable[[], object]) -> Error:
        """The call is refused with exactly this error, and nothing changes."""
        with self.unchanged(), pytest.raises(error) as raised:
            call()
        assert type(raised.value) is error
        return raised.value


def bare_fence(lease: Lease) -> Fence:
    """The fence of a lease and nothing else of it."""
    return Fence(lease.execution_id, lease.lease_id, lease.lease_epoch, lease.attempt_id)
