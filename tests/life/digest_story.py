"""A fixed story, told by whatever Python runs this file: its digest must be the same everywhere (I-42).

Needs grantcore and the standard library only; ``python digest_story.py`` prints one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator

from grantcore import (
    ExecutionPolicy,
    Exponential,
    Fixed,
    GrantEngine,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Lease,
    ManualClock,
    RetryPolicy,
)
from grantcore.events import ExecutionEvent
from tests.observing import of_executions

POLICIES = (
    ExecutionPolicy(),
    ExecutionPolicy(retry=RetryPolicy(2, Fixed(30), frozenset({"net", "disk", "timeout", "gpu"}))),
    ExecutionPolicy(retry=RetryPolicy(5, Exponential(100, 900, 1_700, jitter=True)), attempt_timeout_ms=400),
)
TOKENS = ("zeta", "alpha", "éclair", "雪", "beta")


class Ids:
    """Numbered ids."""

    def __init__(self) -> None:
        self.count = 0

    def lease_id(self) -> str:
        self.count += 1
        return f"id-{self.count}"

    attempt_id = suspension_id = lease_id

    def execution_id(self, lane_id: str) -> str:
        return f"{{fp:7}}:{lane_id}-{self.lease_id()}"


class Story:
    """The engine and what happens."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_700_000_000_000)
        self.engine = GrantEngine(clock=self.clock, ids=Ids())
        self.boss = self.engine.operator("boss")
        self.told: list[str] = []
        self.engine.subscribe(of_executions(self._hear))

    def _hear(self, event: ExecutionEvent) -> None:
        self.told.append(
            f"{event.sequence} {type(event).__name__} {event.at_ms} {event.execution_id} {event.phase}"
        )

    def claim(self, name: str, ttl_ms: int = 1_000) -> Lease:
        """Take it, whatever kind of grant that needs."""
        who = {"worker_id": "w", "worker_instance_id": "w-1", "lane_id": "main", "grant_ttl_ms": 50}
        shown = self.engine.describe_execution(name)
        assert shown is not None
        if shown.lifecycle_phase == "active":
            answer = self.engine.issue_reclaim_grant(
                name,
                IssueReclaimGrantRequest(worker_capabilities=set(TOKENS), **who),  # type: ignore[arg-type]
            )
            return self._take(answer.grant, ttl_ms)  # type: ignore[union-attr]
        request = IssueClaimGrantRequest(worker_capabilities=set(TOKENS), **who)  # type: ignore[arg-type]
        interrupted = shown.attempt_state == "attempt_interrupted"
        issue = self.engine.issue_resume_grant if interrupted else self.engine.issue_claim_grant
        return self._take(issue(name, request), ttl_ms)

    def _take(self, grant: object, ttl_ms: int) -> Lease:
        return self.engine.take(
            grant,  # type: ignore[arg-type]
            worker_id="w",
            worker_instance_id="w-1",
            lease_ttl_ms=ttl_ms,
        )

    def tell(self) -> None:
        """Play it."""
        names = list(self._create())
        for i, name in enumerate(names):
            self.clock.advance(7)
            self.engine.advance()
            [self._finish, self._lose, self._pause, self._fail, self._order, self._wait][i % 6](name)
        self.clock.advance(3)
        self.engine.advance()

    def _create(self) -> Iterator[str]:
        for i in range(30):
            created = self.engine.create_execution(
                lane_id="main",
                execution_id=None if i % 3 else f"jöb-{i}",
                priority=i * 7 % 5,
                required_capabilities={token for j, token in enumerate(TOKENS) if (i >> j) & 1},
                policy=POLICIES[i // 6 % 3],
                payload=bytes(range(i)),
                tags={f"t{j}.x": f"ü{i}" for j in range(i % 4)},
                idempotency_key=f"key-{i}" if i % 2 else None,
                deadline_at_ms=self.clock() + 100_000 + i if i % 4 == 0 else None,
            )
            self.clock.advance(1)
            yield created.execution_id

    def _finish(self, name: str) -> None:
        self.engine.complete_execution(self.claim(name), result=name.encode())
        self.engine.replay_execution(name, reason="once more", requested_by="ann")

    def _lose(self, name: str) -> None:
        self.claim(name, ttl_ms=5)
        self.clock.advance(5)
        self.engine.renew_lease(self.claim(name), lease_ttl_ms=40)
        self.boss.revoke_lease(name, reason="sent away ✓")
        self.claim(name)

    def _pause(self, name: str) -> None:
        self.engine.delay_execution(self.claim(name), delay_until_ms=self.clock() + 20)
        self.clock.advance(20)
        lease = self.claim(name)
        self.engine.update_progress(lease, pct=50, message="halfway")
        self.engine.move_to_waiting_children(lease)

    def _fail(self, name: str) -> None:
        self.engine.fail_execution(self.claim(name), reason="broken", category="net")

    def _order(self, name: str) -> None:
        self.boss.block(name, reason="paused_by_policy", detail="why")

    def _wait(self, name: str) -> None:
        self.engine.change_priority(name, 42)
        self.engine.cancel_execution(name, reason="enough")


def outcome() -> dict[str, object]:
    """What is compared: state, events, bytes of the snapshot's document."""
    story = Story()
    story.tell()
    story.engine.check()
    engine = story.engine
    document = engine.snapshot().partition(b"\n")[2]
    return {
        "python": list(sys.version_info[:2]),
        "digest": engine.digest(),
        "events": hashlib.sha256("\n".join(story.told).encode()).hexdigest(),
        "snapshot": hashlib.sha256(document).hexdigest(),
        "restored": GrantEngine.restore(engine.snapshot(), clock=story.clock).digest(),
        "phases": {str(phase): count for phase, count in engine.stats().executions_by_phase.items() if count},
    }


if __name__ == "__main__":
    json.dump(outcome(), sys.stdout)
