"""The life of an execution, as one table (SPEC 4).

How to read it
==============

``LIFE[phase][event]`` is the set of phases the event may lead to. What is not in the table cannot
happen: every committed change passes through one place (``engine/commit.py``) that looks its event up
here, and the diagram and the table in the README are drawn from it.

1.  There is one :class:`Phase` per execution and nothing beside it. FlowFabric's seven state
    dimensions are *derived* from the phase and a few fields by a second table (``model/vector.py``),
    so no two of them can disagree.

2.  ``None`` is the phase of an execution that does not exist: before :class:`Created`, after
    :class:`Purged`.

3.  A grant is no phase. An execution with a live grant stays where it is (ELIGIBLE, LEASE_EXPIRED or
    LEASE_REVOKED) and is only not offered again; whatever moves it elsewhere voids the grant (D-04).

4.  LEASE_EXPIRED and LEASE_REVOKED are two phases, because the one who lost the lease must be told
    which it was: "you are late" or "you were sent away".

5.  An event that leads to its own phase changes fields, not the phase.

What does not fit
=================

Which of several phases an event leads to is decided by the rule that causes it (a failure by the
retry policy, a timeout likewise, a creation or a resumption by its delay, the end of a suspension by its
behaviour). Whether a BLOCKED execution waits for an
order or for children is a field of the record: the table allows both ways out, the rules tell them
apart (``unblock`` lifts orders, ``promote_blocked_to_eligible`` waiting for children).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from grantcore.model.events import (
    AttemptTimedOut,
    BecameDue,
    Blocked,
    BudgetCreated,
    BudgetReleased,
    BudgetReset,
    Cancelled,
    CapabilityMismatched,
    ChildrenAwaited,
    ChildrenDone,
    Completed,
    Created,
    DeadlinePassed,
    Delayed,
    Event,
    ExecutionEvent,
    Failed,
    GrantIssued,
    GrantLapsed,
    GrantWithdrawn,
    LaneConfigured,
    LaneDrained,
    LanePaused,
    LaneResumed,
    LeaseAcquired,
    LeaseLapsed,
    LeaseReclaimed,
    LeaseRenewed,
    LeaseRevoked,
    PriorityChanged,
    ProgressReported,
    Purged,
    QuotaPolicyCreated,
    ReclaimCapReached,
    Replayed,
    Resumed,
    RetryScheduled,
    SpendRecorded,
    Suspended,
    SuspensionTimedOut,
    TagsChanged,
    Unblocked,
    UsageReported,
    WorkerLapsed,
    WorkerMarkedDead,
    WorkerRefreshed,
    WorkerRegistered,
)
from grantcore.model.phases import (
    BLOCKED,
    CANCELLED,
    DELAYED,
    ELIGIBLE,
    EXPIRED,
    FAILED,
    LEASE_EXPIRED,
    LEASE_REVOKED,
    LEASED,
    SUCCEEDED,
    SUSPENDED,
    TERMINAL,
    Phase,
)

EventType = type[ExecutionEvent]
Ways = dict[EventType, frozenset["Phase | None"]]


def _to(*phases: Phase | None) -> frozenset[Phase | None]:
    return frozenset(phases)


def _granting(here: Phase) -> Ways:
    """Issue, lose and refuse grants without leaving the phase."""
    return dict.fromkeys((GrantIssued, GrantLapsed, GrantWithdrawn, CapabilityMismatched), _to(here))


_LOST: Ways = {
    LeaseReclaimed: _to(LEASED),
    ReclaimCapReached: _to(FAILED),
    AttemptTimedOut: _to(DELAYED, EXPIRED),
}

_ENDED: Ways = {
    Replayed: _to(ELIGIBLE),
    Purged: _to(None),
}

_OWN: Mapping[Phase, Ways] = {
    DELAYED: {
        BecameDue: _to(ELIGIBLE),
    },
    ELIGIBLE: {
        **_granting(ELIGIBLE),
        PriorityChanged: _to(ELIGIBLE),
        LeaseAcquired: _to(LEASED),
        Blocked: _to(BLOCKED),
    },
    BLOCKED: {
        Unblocked: _to(ELIGIBLE),
        ChildrenDone: _to(ELIGIBLE),
        Blocked: _to(BLOCKED),
    },
    LEASED: {
        LeaseRenewed: _to(LEASED),
        ProgressReported: _to(LEASED),
        Completed: _to(SUCCEEDED),
        RetryScheduled: _to(DELAYED),
        Failed: _to(FAILED),
        Delayed: _to(DELAYED),
        ChildrenAwaited: _to(BLOCKED),
        Suspended: _to(SUSPENDED),
        LeaseLapsed: _to(LEASE_EXPIRED),
        LeaseRevoked: _to(LEASE_REVOKED),
        AttemptTimedOut: _to(DELAYED, EXPIRED),
    },
    LEASE_EXPIRED: {**_granting(LEASE_EXPIRED), **_LOST},
    LEASE_REVOKED: {**_granting(LEASE_REVOKED), **_LOST},
    SUSPENDED: {
        Resumed: _to(ELIGIBLE, DELAYED),
        SuspensionTimedOut: _to(FAILED, CANCELLED, EXPIRED, ELIGIBLE, SUSPENDED),
    },
    **dict.fromkeys((SUCCEEDED, FAILED, CANCELLED, EXPIRED), _ENDED),
}


def _complete(phase: Phase, ways: Ways) -> Mapping[EventType, frozenset[Phase | None]]:
    """Add what may happen everywhere, and everywhere but at the end."""
    everywhere: Ways = {TagsChanged: _to(phase)}
    alive: Ways = {Cancelled: _to(CANCELLED), DeadlinePassed: _to(EXPIRED)}
    return MappingProxyType({**ways, **({} if phase in TERMINAL else alive), **everywhere})


LIFE: Final[Mapping[Phase | None, Mapping[EventType, frozenset[Phase | None]]]] = MappingProxyType(
    {
        None: MappingProxyType({Created: _to(ELIGIBLE, DELAYED)}),
        **{phase: _complete(phase, ways) for phase, ways in _OWN.items()},
    }
)
"""``phase -> event -> phases``: the programme."""

TIME_DRIVEN: Final = frozenset(
    {BecameDue, GrantLapsed, LeaseLapsed, AttemptTimedOut, SuspensionTimedOut, DeadlinePassed}
)
"""What time alone causes; after the retention also :class:`Purged`."""

CAUSES: Final[Mapping[str, frozenset[EventType]]] = MappingProxyType(
    {
        call: frozenset(events)
        for call, events in {
            "create_execution": (Created,),
            "create_executions": (Created,),
            "change_priority": (PriorityChanged,),
            "set_execution_tags": (TagsChanged,),
            "replay_execution": (Replayed,),
            "purge_execution": (Purged,),
            "issue_claim_grant": (GrantIssued, CapabilityMismatched),
            "issue_claim_grants": (GrantIssued, CapabilityMismatched),
            "issue_resume_grant": (GrantIssued, CapabilityMismatched),
            "issue_reclaim_grant": (GrantIssued, CapabilityMismatched, ReclaimCapReached),
            "withdraw_grant": (GrantWithdrawn,),
            "claim_execution": (LeaseAcquired,),
            "claim_resumed_execution": (LeaseAcquired,),
            "reclaim_execution": (LeaseReclaimed,),
            "take": (LeaseAcquired, LeaseReclaimed),
            "claim_many": (LeaseAcquired, LeaseReclaimed),
            "renew_lease": (LeaseRenewed,),
            "renew_leases": (LeaseRenewed,),
            "update_progress": (ProgressReported,),
            "complete_execution": (Completed,),
            "complete_many": (Completed,),
            "fail_execution": (RetryScheduled, Failed),
            "fail_many": (RetryScheduled, Failed),
            "delay_execution": (Delayed,),
            "release_execution": (Delayed,),
            "move_to_waiting_children": (ChildrenAwaited,),
            "promote_blocked_to_eligible": (ChildrenDone,),
            "suspend_execution": (Suspended,),
            "resume_execution": (Resumed,),
            "cancel_execution": (Cancelled,),
            "operator.cancel": (Cancelled,),
            "operator.complete": (Completed,),
            "operator.fail": (RetryScheduled, Failed),
            "operator.revoke_lease": (LeaseRevoked,),
            "operator.revoke_leases_of": (LeaseRevoked,),
            "operator.issue_grant_and_claim": (LeaseAcquired,),
            "operator.block": (Blocked,),
            "operator.unblock": (Unblocked,),
            "advance": (*TIME_DRIVEN, Purged),
        }.items()
    }
)
"""Which call may cause which events, itself; every call also applies what ``advance`` would."""

SCHEDULER_CAUSES: Final[Mapping[str, frozenset[EventType]]] = MappingProxyType(
    dict.fromkeys(
        ("scheduler.claim_for_worker", "scheduler.claim_many_for_worker"),
        frozenset({GrantIssued, ReclaimCapReached}),
    )
)
"""The same for the scheduler; its calls may cause many, of several executions."""

OTHER_CAUSES: Final[Mapping[str, frozenset[type[Event]]]] = MappingProxyType(
    {
        call: frozenset(told)
        for call, told in {
            "register_worker": (WorkerRegistered, WorkerRefreshed),
            "heartbeat_worker": (WorkerRefreshed,),
            "mark_worker_dead": (WorkerMarkedDead,),
            "configure_lane": (LaneConfigured,),
            "create_quota_policy": (QuotaPolicyCreated,),
            "create_budget": (BudgetCreated,),
            "report_usage": (UsageReported,),
            "record_spend": (SpendRecorded,),
            "release_budget": (BudgetReleased,),
            "reset_budget": (BudgetReset,),
            "operator.pause_lane": (LanePaused,),
            "operator.drain_lane": (LaneDrained,),
            "operator.resume_lane": (LaneResumed,),
            "advance": (WorkerLapsed,),
        }.items()
    }
)
"""The same for what happens to workers, lanes, quota policies and budgets."""
