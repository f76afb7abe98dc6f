"""The (phase, call, outcome) triples that are possible, as one table.

How to read it
==============

A line without indent names calls that behave alike; the lines below it name phases and, for each of
them, what such a call may come to: the class of its result (``Class:kind`` where a class has kinds), or the
code of its refusal. Groups of phases:

* ``any``: every phase, and ``none``: no such execution;
* ``there``: every phase;
* ``lost``: lease_expired, lease_revoked; ``ended``: succeeded, failed, cancelled, expired;
* ``other``: what the lines above, of the same call, do not name by its name or by ``lost`` or ``ended``.

What is not in the table cannot happen. It leaves out what no execution has a part in: ``clock_error``,
``reentrant`` and ``forked`` may meet every call. Of batches, ``revoke_leases_of`` and the scheduler each part
of the answer is a triple of its own, in a batch those of executions that stand in it once; a scheduler that
ends an execution at its cap on the way comes to ``ReclaimCapReached``. A malformed call is refused before
anything is looked up (SPEC 5), which is why ``invalid_input`` stands nearly everywhere.
Sources: SPEC 5, 7 and 9; D-01 to D-33.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from grantcore import Phase
from grantcore.testing.visits import Triple

TABLE: Final = """
create_execution
    any            invalid_input invalid_capabilities invalid_tag_key Duplicate:idempotency_key
    none           Created quota_policy_not_found budget_not_found lane_draining limit_exceeded
    there          Duplicate:execution_id

create_executions
    any            invalid_input invalid_tag_key Duplicate:idempotency_key
    none           Created quota_policy_not_found budget_not_found lane_draining limit_exceeded
    none           invalid_capabilities
    there          Duplicate:execution_id

describe_execution
    none           None invalid_input
    there          ExecutionSnapshot

describe_grant
    none           execution_not_found invalid_input
    eligible lost  GrantRecord None
    other          None

attempts lease_history
    none           execution_not_found invalid_input
    there          tuple

explain
    none           execution_not_found invalid_input
    there          Explanation

read_payload
    none           execution_not_found invalid_input
    there          bytes None

read_result
    none           execution_not_found invalid_input
    succeeded      bytes None
    other          None

change_priority
    any            invalid_input
    none           execution_not_found
    eligible       PriorityChanged
    other          execution_not_eligible

set_execution_tags
    any            invalid_input
    none           execution_not_found
    there          None invalid_tag_key

replay_execution
    any            invalid_input
    none           execution_not_found
    ended          Replayed max_replays_exhausted
    other          execution_not_terminal

purge_execution
    none           execution_not_found invalid_input
    ended          None
    other          execution_not_terminal

promote_blocked_to_eligible
    none              execution_not_found invalid_input
    blocked           None not_blocked_by_deps
    delayed eligible  not_blocked_by_deps
    other             not_runnable

resume_execution
    any            invalid_input
    none           execution_not_found
    suspended      Resumed
    other          execution_not_suspended

issue_claim_grant
    any            invalid_input
    none           execution_not_found
    eligible       ClaimGrant use_claim_resumed_execution execution_not_in_eligible_set lane_paused
    eligible       grant_already_exists capability_mismatch
    eligible       budget_exceeded rate_limit_exceeded concurrency_limit_exceeded
    other          execution_not_eligible

issue_claim_grants
    none           execution_not_found invalid_input
    eligible       ClaimGrant use_claim_resumed_execution execution_not_in_eligible_set lane_paused
    eligible       grant_already_exists capability_mismatch invalid_input
    eligible       budget_exceeded rate_limit_exceeded concurrency_limit_exceeded
    other          execution_not_eligible

issue_resume_grant
    any            invalid_input
    none           execution_not_found
    eligible       ResumeGrant not_a_resumed_execution execution_not_in_eligible_set lane_paused
    eligible       grant_already_exists capability_mismatch
    eligible       concurrency_limit_exceeded
    other          execution_not_eligible

issue_reclaim_grant
    any            invalid_input
    none           execution_not_found
    lost           Granted ReclaimCapExceeded lane_paused grant_already_exists
    lost           NotReclaimable:lane_mismatch NotReclaimable:capability_mismatch
    lost           budget_exceeded concurrency_limit_exceeded
    other          NotReclaimable:execution_not_reclaimable

withdraw_grant
    any            invalid_input
    none           execution_not_found
    eligible lost  True False
    other          False

claim_execution claim_resumed_execution
    any            invalid_input
    none           execution_not_found
    eligible       Lease
    eligible       invalid_claim_grant:absent invalid_claim_grant:lapsed
    eligible       invalid_claim_grant:other_worker invalid_claim_grant:other_kind
    other          execution_not_leaseable

reclaim_execution
    any            invalid_input
    none           execution_not_found
    lost           Reclaimed GrantNotFound
    other          NotReclaimable:execution_not_reclaimable

take
    any            invalid_input
    none           execution_not_found
    eligible       Lease execution_not_reclaimable
    eligible       invalid_claim_grant:absent invalid_claim_grant:lapsed
    eligible       invalid_claim_grant:other_worker invalid_claim_grant:other_kind
    lost           Lease execution_not_leaseable
    lost           invalid_claim_grant:absent invalid_claim_grant:lapsed invalid_claim_grant:other_worker
    other          execution_not_leaseable execution_not_reclaimable

claim_many
    none           execution_not_found invalid_input
    eligible       Lease execution_not_reclaimable invalid_input
    eligible       invalid_claim_grant:absent invalid_claim_grant:lapsed
    eligible       invalid_claim_grant:other_worker invalid_claim_grant:other_kind
    lost           Lease execution_not_leaseable invalid_input
    lost           invalid_claim_grant:absent invalid_claim_grant:lapsed invalid_claim_grant:other_worker
    other          execution_not_leaseable execution_not_reclaimable

renew_lease
    any            invalid_input
    none           execution_not_found
    there          fence_required partial_fence_triple
    leased         Lease stale_lease
    lease_expired  lease_expired
    lease_revoked  lease_revoked
    other          execution_not_active

renew_leases
    none           execution_not_found invalid_input
    there          fence_required partial_fence_triple
    leased         Lease stale_lease invalid_input
    lease_expired  lease_expired
    lease_revoked  lease_revoked
    other          execution_not_active

update_progress
    any            invalid_input
    none           execution_not_found
    there          fence_required partial_fence_triple
    leased         None stale_lease
    lease_expired  lease_expired
    lease_revoked  lease_revoked
    other          execution_not_active

complete_execution complete_many
    any            invalid_input
    none           execution_not_found
    there          fence_required partial_fence_triple
    leased         Completed stale_lease
    lease_expired  lease_expired
    lease_revoked  lease_revoked
    other          execution_not_active

fail_execution fail_many
    any            invalid_input
    none           execution_not_found
    there          fence_required partial_fence_triple
    leased         RetryScheduled TerminalFailed stale_lease
    lease_expired  lease_expired
    lease_revoked  lease_revoked
    other          execution_not_active

delay_execution release_execution
    any            invalid_input
    none           execution_not_found
    there          fence_required partial_fence_triple
    leased         Delayed stale_lease
    lease_expired  lease_expired
    lease_revoked  lease_revoked
    other          execution_not_active

move_to_waiting_children
    any            invalid_input
    none           execution_not_found
    there          fence_required partial_fence_triple
    leased         Moved stale_lease
    lease_expired  lease_expired
    lease_revoked  lease_revoked
    other          execution_not_active

suspend_execution
    any            invalid_input
    none           execution_not_found
    there          fence_required partial_fence_triple
    leased         Suspended stale_lease
    lease_expired  lease_expired
    lease_revoked  lease_revoked
    other          execution_not_active

cancel_execution
    any            invalid_input
    none           execution_not_found
    leased         Cancelled stale_lease fence_required partial_fence_triple
    lease_expired  Cancelled stale_lease
    lease_revoked  Cancelled lease_revoked
    ended          execution_not_active
    other          Cancelled stale_lease

operator.cancel
    any            invalid_input
    none           execution_not_found
    ended          execution_not_active
    other          Cancelled

operator.complete
    any            invalid_input
    none           execution_not_found
    leased         Completed
    lease_expired  lease_expired
    lease_revoked  lease_revoked
    other          execution_not_active

operator.fail
    any            invalid_input
    none           execution_not_found
    leased         RetryScheduled TerminalFailed
    lease_expired  lease_expired
    lease_revoked  lease_revoked
    other          execution_not_active

operator.revoke_lease
    any            invalid_input
    none           execution_not_found
    leased         Revoked stale_lease
    lease_expired  AlreadySatisfied:already_expired
    lease_revoked  AlreadySatisfied:already_revoked
    other          execution_not_active

operator.revoke_leases_of
    none           invalid_input
    leased         Revoked

operator.issue_grant_and_claim
    any            invalid_input
    none           execution_not_found
    eligible       Lease grant_already_exists
    other          execution_not_eligible

operator.block
    any            invalid_input
    none           execution_not_found
    eligible       Blocked invalid_blocking_reason
    blocked        Blocked invalid_blocking_reason execution_not_eligible
    ended          execution_not_active
    other          execution_not_eligible

operator.unblock
    any            invalid_input
    none           execution_not_found
    blocked        Unblocked execution_not_eligible
    other          execution_not_eligible

scheduler.claim_for_worker
    none           None worker_not_found invalid_input
    eligible       ClaimGrant ResumeGrant
    lost           ReclaimGrant ReclaimCapReached

scheduler.claim_many_for_worker
    none           worker_not_found invalid_input
    eligible       ClaimGrant ResumeGrant
    lost           ReclaimGrant ReclaimCapReached

scheduler.would_grant
    any            invalid_input
    none           execution_not_found
    eligible       None execution_not_in_eligible_set lane_paused grant_already_exists capability_mismatch
    eligible       budget_exceeded rate_limit_exceeded concurrency_limit_exceeded execution_not_reclaimable
    lost           None execution_not_in_eligible_set lane_paused grant_already_exists capability_mismatch
    lost           budget_exceeded concurrency_limit_exceeded execution_not_reclaimable execution_not_eligible
    other          execution_not_eligible execution_not_reclaimable
"""

_LOST: Final = (Phase.LEASE_EXPIRED, Phase.LEASE_REVOKED)
_ENDED: Final = (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED)
_WIDE: Final[dict[str, tuple[Phase | None, ...]]] = {
    "any": (None, *Phase),
    "there": tuple(Phase),
    "none": (None,),
}


def read(table: str) -> frozenset[Triple]:
    r"""The triples of a table in the form of :data:`TABLE`.

    >>> sorted(phase for phase, _, _ in read("purge_execution\n  succeeded failed  None"))
    [<Phase.FAILED: 'failed'>, <Phase.SUCCEEDED: 'succeeded'>]
    """
    return frozenset(_triples(table))


def _triples(table: str) -> Iterator[Triple]:
    calls: list[str] = []
    named: set[Phase | None] = set()
    for line in filter(str.strip, table.splitlines()):
        if not line.startswith(" "):
            calls, named = line.split(), set()
            continue
        groups, _, outcomes = line.strip().partition("  ")
        for group in groups.split():
            phases = _phases(group, named)
            named.update(() if group in _WIDE or group == "other" else phases)
            yield from (
                (phase, call, told) for phase in phases for call in calls for told in outcomes.split()
            )


def _phases(group: str, named: set[Phase | None]) -> tuple[Phase | None, ...]:
    if group == "other":
        return tuple(phase for phase in Phase if phase not in named)
    narrow = {"lost": _LOST, "ended": _ENDED}
    return _WIDE.get(group) or narrow.get(group) or (Phase(group),)


POSSIBLE: Final = read(TABLE)
"""All of them."""
