"""What came of a simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping


@attrs.frozen(kw_only=True)
class Outcome:
    """The numbers of one run; the same settings and jobs give the same ones.

    Args:
        jobs: how many were submitted.
        succeeded: how many of them succeeded.
        failed: how many failed for good (retries or reclaims used up).
        makespan_ms: from the first submission to the last end, in virtual milliseconds.
        waits_ms: from submission to first lease, one per job that got one, sorted.
        leases: taken, of any kind.
        renewals: accepted.
        retries: attempts that failed and were given another.
        crashes: workers that vanished with a lease.
        stalls: workers that slept past the end of their lease.
        reclaims: lost leases that another attempt took over.
        refused: calls of workers that were refused, by code.
        events: of the world, each a call or a few of them.
        checks: how often every invariant was checked on the whole state.
        violations: what the audit found wrong; empty is right.
        digest: of the engine's state at the end.
    """

    jobs: int
    succeeded: int
    failed: int
    makespan_ms: int
    waits_ms: tuple[int, ...]
    leases: int
    renewals: int
    retries: int
    crashes: int
    stalls: int
    reclaims: int
    refused: Mapping[str, int]
    events: int
    checks: int
    violations: tuple[str, ...]
    digest: str
