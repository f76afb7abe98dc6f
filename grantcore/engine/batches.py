"""Batches: the same call on many, the lock taken once, the clock read once.

A batch is its single calls in order at one instant: the same results, state and events
(``tests/test_batches.py``). What the call would refuse is answered with :class:`Refused` for that item, and
the others go on. Items are committed in order, so an interrupted batch leaves a prefix (SPEC 11). The lock is
held until the last: who shares the engine with others keeps batches small.

Everything that may run foreign code is done before the lock is taken: the iterable is read to its end, then
its items are judged. So what the caller's generator raises passes through, and nothing was written.
What is wrong with the batch itself, or with an argument that all items share, is raised then, too.
Errors that tell of a bug (:class:`BugError`) are nobody's answer, and raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from typing import Any, Final, ParamSpec, TypeVar, cast

import attrs

from grantcore.engine import runs
from grantcore.engine.core import Alike
from grantcore.engine.executions import NO_POLICY, Own
from grantcore.engine.inner import InnerLoop
from grantcore.engine.leases import MAX_BATCH
from grantcore.model import checks
from grantcore.model.errors import BugError, GrantError, invalid
from grantcore.model.grants import KIND_OF, ClaimGrant, Grant, ReclaimGrant, ResumeGrant
from grantcore.model.leases import Fenced, Held, Lease, read_fence
from grantcore.model.outcomes import Completed, Created, Duplicate, Refused, RetryScheduled, TerminalFailed
from grantcore.model.policy import ExecutionPolicy
from grantcore.model.records import NO_TAGS
from grantcore.model.requests import NEW_EXECUTION, IssueClaimGrantRequest, NewExecution
from grantcore.rules import ending
from grantcore.rules.creating import MAX_PRIORITY

NOTHING: Final[Mapping[str, object]] = {}
"""What an execution has of its own that is only one more of its kind."""

R = TypeVar("R")
P = ParamSpec("P")

Run = Callable[[int, Iterator[object], list[Any]], object]
"""Does the plain items that come next, and gives back the one after them (``engine/runs.py``)."""


@attrs.frozen
class Special:
    """What an execution of a batch has of its own that is not plain."""

    execution_id: str | None
    idempotency_key: str | None
    own: Own


NOTHING_OF_ITS_OWN: Final[runs.Plain] = (None, 0, None)


class Batches(InnerLoop):
    """The calls on many executions, grants and leases; each item answers for itself."""

    def create_executions(
        self,
        executions: Iterable[NewExecution],
        *,
        lane_id: str,
        required_capabilities: Iterable[str] = (),
        policy: ExecutionPolicy = NO_POLICY,
        namespace: str = "default",
        execution_kind: str = "",
        creator_identity: str = "",
        quota_policy_id: str | None = None,
        budget_ids: Iterable[str] = (),
    ) -> tuple[Created | Duplicate | Refused, ...]:
        """Create many executions that are alike but for what each has of its own.

        >>> from grantcore import GrantEngine, ManualClock
        >>> engine = GrantEngine(clock=ManualClock())
        >>> for answer in engine.create_executions(
        ...     [{"execution_id": "a", "priority": 5}, {"execution_id": "a"}], lane_id="main"
        ... ):
        ...     print(answer)
        Created(execution_id='a', public_state='waiting')
        Duplicate(execution_id='a', matched='execution_id')

        Args:
            executions: at most 100,000 mappings: ``execution_id``, ``priority``, ``delay_until_ms``,
                ``deadline_at_ms``, ``payload``, ``tags``, ``idempotency_key``, as far as one has them.
            lane_id: as for one, like all that follow; shared by the batch.
            required_capabilities: as for one.
            policy: as for one.
            namespace: as for one.
            execution_kind: as for one.
            creator_identity: as for one.
            quota_policy_id: as for one.
            budget_ids: as for one.

        Returns:
            For each what :meth:`create_execution` answers, or :class:`Refused`.

        Raises:
            InvalidInput, InvalidCapabilities: the batch, or what is shared, is malformed; nothing is created.

        O(executions), and as for one. SPEC 5, 11.
        """
        given = _listed("executions", executions)
        spec = self._spec(
            Alike(
                lane_id,
                required_capabilities,
                namespace,
                execution_kind,
                creator_identity,
                policy,
                quota_policy_id,
                budget_ids,
            )
        )
        items = [NOTHING_OF_ITS_OWN if one == NOTHING else _answer(self._judge_new, one) for one in given]

        def create(now: int, item: runs.Plain | Special) -> Created | Duplicate:
            if isinstance(item, Special):
                return self._create_now(now, spec, item.execution_id, item.idempotency_key, item.own)
            execution_id, priority, cargo = item
            return self._create_now(now, spec, execution_id, None, (priority, None, None, cargo))

        return self._each(items, create, partial(runs.create, self, spec))

    def _judge_new(self, execution: object) -> runs.Plain | Special:
        """Judge what an execution has of its own."""
        if not isinstance(execution, Mapping):
            raise invalid("execution", f"a mapping, with {', '.join(NEW_EXECUTION)}")
        given = cast("Mapping[str, object]", execution)
        own = dict(islice(given.items(), len(NEW_EXECUTION) + 1))
        if not own.keys() <= NEW_EXECUTION.keys():
            raise invalid("execution", f"a mapping, with {', '.join(NEW_EXECUTION)}")
        new = cast("NewExecution", own)
        execution_id, key = new.get("execution_id"), new.get("idempotency_key")
        rest = (
            new.get("priority", 0),
            new.get("delay_until_ms"),
            new.get("deadline_at_ms"),
            new.get("payload"),
            new.get("tags", NO_TAGS),
        )
        judged = self._judge_own(execution_id, key, rest)
        priority, delay_until_ms, deadline_at_ms, cargo = judged
        if (key, delay_until_ms, deadline_at_ms) == (None, None, None) and 0 <= priority <= MAX_PRIORITY:
            return (execution_id, priority, cargo)
        return Special(execution_id, key, judged)

    def issue_claim_grants(
        self, execution_ids: Iterable[str], request: IssueClaimGrantRequest
    ) -> tuple[ClaimGrant | Refused, ...]:
        """Give a worker the right to take a fresh attempt of each of many waiting executions.

        Args:
            execution_ids: at most 100,000 executions.
            request: who asks, for how long, with which capabilities; the same for all.

        Returns:
            For each the grant, or :class:`Refused` with the refusal of :meth:`issue_claim_grant`.

        Raises:
            InvalidInput: the batch or the request is malformed; nothing is granted.

        O(executions). SPEC 5, 11.
        """
        given = _listed("execution_ids", execution_ids)
        self._check_request(request, IssueClaimGrantRequest)
        items = [name if type(name) is str else _answer(checks.execution_id, name) for name in given]

        def issue(now: int, name: str) -> ClaimGrant:
            return self._issue(now, name, request)

        return self._each(items, issue, partial(runs.issue, self, request))

    def claim_many(
        self,
        grants: Iterable[ClaimGrant | ResumeGrant | ReclaimGrant],
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
    ) -> tuple[Lease | Refused, ...]:
        """Use many grants of any kind, such as ``claim_many_for_worker`` gives; each becomes a lease.

        Args:
            grants: at most 100,000 grants.
            worker_id: must be the one they were issued to.
            worker_instance_id: the process; informational, stands in the leases.
            lease_ttl_ms: 1..config.max_lease_ttl_ms milliseconds.
            attempt_timeout_ms: as for :meth:`take`.

        Returns:
            For each the lease, or :class:`Refused` with the refusal of :meth:`take`.

        Raises:
            InvalidInput: the batch, or what is shared, is malformed; no grant is used.

        O(grants). SPEC 5, 11.
        """
        given = _listed("grants", grants)
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        items = [grant if type(grant) in KIND_OF else _answer(_no_grant, grant) for grant in given]

        def take(now: int, grant: Grant) -> Lease:
            return self._take(now, grant, taker, None)

        return self._each(items, take, partial(runs.claim, self, taker))

    def complete_many(
        self, leases: Iterable[Fenced], *, results: Iterable[bytes | None] | None = None
    ) -> tuple[Completed | Refused, ...]:
        """End many executions with success.

        Args:
            leases: at most 100,000 leases, or anything with their fences.
            results: for each lease opaque bytes, at most config.max_payload_bytes, or None; None: no results.

        Returns:
            For each :class:`Completed`, or :class:`Refused` with the refusal of :meth:`complete_execution`.

        Raises:
            InvalidInput: the batch is malformed, or there is not one result for each lease; nothing ends.

        O(leases). SPEC 5, 11.
        """
        given = _listed("leases", leases)
        if results is not None:
            return self._complete_with(given, _listed("results", results))
        items = _held(given)

        def complete(now: int, fence: Held) -> Completed:
            return self._complete_now(now, fence, None)

        return self._each(items, complete, partial(runs.complete, self))

    def _complete_with(self, leases: list[object], results: list[object]) -> tuple[Completed | Refused, ...]:
        """The same, each with its result."""
        if len(results) != len(leases):
            raise invalid("results", "one for each lease")

        def judge(lease: object, result: object) -> tuple[Held, bytes | None]:
            return read_fence(lease), checks.blob("result", result, self._config.max_payload_bytes)

        items = [_answer(judge, lease, result) for lease, result in zip(leases, results, strict=True)]
        return self._each(items, lambda now, item: self._complete_now(now, *item))

    def fail_many(
        self, leases: Iterable[Fenced], *, reason: str, category: str = ""
    ) -> tuple[RetryScheduled | TerminalFailed | Refused, ...]:
        """End many attempts with failure, for one reason; each policy decides whether there is another.

        Args:
            leases: at most 100,000 leases, or anything with their fences.
            reason: free text.
            category: compared with the policies' retryable_categories.

        Returns:
            For each what :meth:`fail_execution` answers, or :class:`Refused`.

        Raises:
            InvalidInput: the batch, or what is shared, is malformed; nothing fails.

        O(leases). SPEC 5, 9, 11.
        """
        given = _listed("leases", leases)
        checks.text("reason", reason, self._config.max_text_bytes)
        checks.text("category", category, self._config.max_text_bytes)

        def fail(now: int, fence: Held) -> RetryScheduled | TerminalFailed:
            return self._fail(ending.fail(self._held_by(fence), now, fence, reason, category))

        return self._each(_held(given), fail)

    def _each(
        self, items: Iterable[object], do: Callable[[int, Any], R], run: Run = runs.nothing
    ) -> tuple[R | Refused, ...]:
        """Do the call on each item that is not refused already, all at one instant.

        What the item before has set may be due at once: it lapses if there is a next one, as by a next call.
        """
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry(2)
        lock.acquire()
        try:
            now = self._begin()
            answers: list[Any] = []
            rest: Iterator[object] = iter(items)
            while True:
                if now >= self._deadlines.next_ms:
                    following = next(rest, None)
                    if following is None:
                        return tuple(answers)
                    self._lapse(now)
                    rest = chain((following,), rest)
                item = run(now, rest, answers)
                if item is None:
                    return tuple(answers)
                answers.append(item if isinstance(item, Refused) else _answer(do, now, item))
        finally:
            lock.release()


def _answer(do: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | Refused:
    """What a call answers: its result, or its refusal, which keeps no frames alive."""
    try:
        return do(*args, **kwargs)
    except BugError:
        raise
    except GrantError as refusal:
        return Refused(refusal.with_traceback(None))


def _listed(field: str, batch: object) -> list[object]:
    """Read a batch, of any iterable that is neither a text nor a mapping, to its end."""
    if isinstance(batch, (str, bytes, bytearray, Mapping)) or not isinstance(batch, Iterable):
        raise invalid(field, "an iterable")
    items = list(islice(cast("Iterable[object]", batch), MAX_BATCH + 1))
    if len(items) > MAX_BATCH:
        raise invalid(field, f"at most {MAX_BATCH} of them")
    return items


def _held(leases: list[object]) -> list[Held | Refused]:
    """Read fences; a lease of our own is one as it is, if nobody has left its parts out."""
    return [
        lease if type(lease) is Lease and hasattr(lease, "tenure") else _answer(read_fence, lease)
        for lease in leases
    ]


def _no_grant(_grant: object) -> Grant:
    raise invalid("grant", "a ClaimGrant, ResumeGrant or ReclaimGrant")
