"""The model: grantcore once more, so plain that one can see it is right.

It is the second source of truth, an oracle for the engine, and can be read as a specification. It offers
the same public calls and answers with the same values and refusals, but shares no rule, index or record
with the engine: it was written from SPEC and the reference. Nothing in it is fast. What is asked is found
by going through everything; at every call all deadlines are written down anew and the earliest is applied
until none is due; nothing is derived once and kept.

Its chapters, each on top of those before:

1.  ``forms``: what arguments look like.
2.  ``records``: what there is.
3.  ``world``: the state, and how things are found in it.
4.  ``vector``: FlowFabric's state vector, read off an execution.
5.  ``endings``: how attempts and executions end, pause and are lost.
6.  ``admission``: what keeps an execution back.
7.  ``passing``: time.
8.  ``executions``: creating and changing.
9.  ``grants``: who may take a lease next.
10. ``taking``: taking one.
11. ``holding``: keeping it and letting it go.
12. ``suspending``: waiting for something outside.
13. ``operating``: who may what others may not.
14. ``looking``: what is shown.
15. ``registry``: workers.
16. ``metering``: lanes, quota policies, budgets.
17. ``scheduling``: choosing, and explaining.
18. ``batches``: the calls on many.

A refusal has the engine's class and attributes; its text is nobody's contract and left out. Events are told
as name, instant and subject (``story``).
"""

from __future__ import annotations

from grantcore.testing.model.batches import Batches
from grantcore.testing.model.looking import Looking
from grantcore.testing.model.operating import ModelOperator
from grantcore.testing.model.scheduling import ModelScheduler
from grantcore.testing.model.suspending import Suspending


class Model(Batches, Suspending, Looking):
    """The calls of :class:`grantcore.GrantEngine`, save those about the whole state and observers.

    >>> from grantcore import IssueClaimGrantRequest, ManualClock
    >>> from grantcore.testing import Model, SeededIds
    >>> model = Model(clock=ManualClock(), ids=SeededIds())
    >>> model.create_execution(lane_id="main", execution_id="job-1")
    Created(execution_id='job-1', public_state='waiting')
    >>> request = IssueClaimGrantRequest(
    ...     worker_id="w", worker_instance_id="w-1", lane_id="main", grant_ttl_ms=1000)
    >>> model.issue_claim_grant("job-1", request)
    ClaimGrant(execution_id='job-1', expires_at_ms=1000)
    """

    def operator(self, identity: str) -> ModelOperator:
        """The powers that override."""
        return ModelOperator(self, identity)

    def scheduler(self) -> ModelScheduler:
        """What :class:`grantcore.Scheduler` is to an engine."""
        return ModelScheduler(self)

    def restored(self, epoch_floor: int) -> None:
        """What ``restore`` changes: the floor of later epochs (SPEC 11)."""
        self._enter()
        self._given_floor = max(self._given_floor, epoch_floor)


__all__ = ["Model", "ModelOperator", "ModelScheduler"]
