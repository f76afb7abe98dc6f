"""The five calls that a scheduler's inner loop is made of, with their plain case unrolled.

Creating, granting, claiming, renewing and completing an execution, when nothing else is going on: no
observer, no earlier attempt, no timeout, delay, deadline or admission. That is most of what most hosts
do, and going through a rule, a change, the commit and the indexes costs it twice as much as the work itself.
So each of these calls does the same in its own body: look, fill the slot, store, move the indexes, clear the
slot.

They decide nothing. Whatever is not plain, a refusal above all, goes the general way (``_create``,
``_issue``, ``_take``, ``_renew``, ``_complete``), with the one rule that knows. Nothing is plain while
``_plain_ids`` is None. An interruption is finished by the general writers: see the ``_finish_...``
functions at the end.
``tests/test_inner.py`` runs the same commands both ways (an observer makes every call take the general way)
and compares results, state and digest.

Every statement here was weighed (``benchmarks/``). The entry of a call (``Core._begin``) is written out five
times because a Python call costs as much as the whole entry. The results are made by plain stores and then
frozen (``model/values.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from grantcore.engine.core import Alike, Core, clock_raised
from grantcore.engine.executions import NO_POLICY, Executions
from grantcore.engine.grants import Grants
from grantcore.engine.leases import Leases
from grantcore.model import checks
from grantcore.model.config import MAX_TTL_MS
from grantcore.model.deadlines import STAGED
from grantcore.model.errors import invalid
from grantcore.model.grants import (
    KIND,
    KIND_OF,
    TERMS,
    WORKER_ID,
    ClaimGrant,
    GrantKind,
    HeldGrant,
    OpenClaimGrant,
    ReclaimGrant,
    ResumeGrant,
)
from grantcore.model.ids import LOW
from grantcore.model.lanes import OPEN
from grantcore.model.leases import (
    EXECUTION_ID,
    LANE_ID,
    LEASE_EPOCH,
    TAKING,
    Fenced,
    Lease,
    OpenLease,
    read_fence,
)
from grantcore.model.leases import WORKER_ID as WORKER
from grantcore.model.outcomes import Completed, Created, Duplicate, OpenCompleted, OpenCreated
from grantcore.model.phases import ELIGIBLE, LEASED, SUCCEEDED
from grantcore.model.policy import ExecutionPolicy
from grantcore.model.records import FIRST, INTERRUPTED, NO_TAGS, Execution, with_result
from grantcore.model.requests import IssueClaimGrantRequest
from grantcore.model.time import NEVER
from grantcore.rules.claiming import first_taking, write_first_lease
from grantcore.rules.creating import MAX_PRIORITY
from grantcore.rules.ending import write_success
from grantcore.rules.granting import write_grant
from grantcore.rules.holding import write_renewal

_CLAIM: Final = GrantKind.CLAIM


class InnerLoop(Executions, Grants, Leases):
    """The calls about executions, grants and leases: the five hottest, and ``take``, which may be one."""

    def create_execution(  # noqa: PLR0912, PLR0915 - unrolled
        self,
        *,
        lane_id: str,
        execution_id: str | None = None,
        priority: int = 0,
        required_capabilities: Iterable[str] = (),
        delay_until_ms: int | None = None,
        deadline_at_ms: int | None = None,
        policy: ExecutionPolicy = NO_POLICY,
        payload: bytes | None = None,
        tags: Mapping[str, str] = NO_TAGS,
        namespace: str = "default",
        execution_kind: str = "",
        creator_identity: str = "",
        idempotency_key: str | None = None,
        quota_policy_id: str | None = None,
        budget_ids: Iterable[str] = (),
    ) -> Created | Duplicate:
        """Create an execution; it waits in its lane, or is delayed first.

        Args:
            lane_id: the queue, 1..64 characters of printable ASCII.
            execution_id: an id of your own; None: the engine mints one.
            priority: high first; clamped to 0..9000.
            required_capabilities: tokens a worker must have (SPEC 6).
            delay_until_ms: not before this instant, in milliseconds; a past one means now (D-13).
            deadline_at_ms: ends as expired at this instant, whatever its phase.
            policy: retries, attempt timeout, limits.
            payload: opaque bytes, at most config.max_payload_bytes.
            tags: names like ``team.name`` and texts.
            namespace: where the idempotency key counts.
            execution_kind: free text.
            creator_identity: free text.
            idempotency_key: the same key in the same namespace answers :class:`Duplicate`
                for config.idempotency_window_ms, whatever becomes of the execution.
            quota_policy_id: the quota it counts for.
            budget_ids: the budgets it draws from.

        Returns:
            :class:`Created`, or :class:`Duplicate` for a known key or id; nothing else is compared.

        Raises:
            InvalidInput, InvalidCapabilities, InvalidTagKey: malformed, whether or not a duplicate (D-28).
            QuotaPolicyNotFound, BudgetNotFound: no such quota policy or budget.
            LaneDraining: the lane takes no new executions.
            LimitExceeded: the store is full, or the lane has too many distinct requirement sets.

        O(1), and O(log n) for an id of your own among others of the same millisecond. SPEC 5; reference 3.
        """
        last = self._last_alike
        if (
            lane_id is last.lane_id
            and required_capabilities is last.required_capabilities
            and policy is last.policy
            and namespace is last.namespace
            and execution_kind is last.execution_kind
            and creator_identity is last.creator_identity
            and quota_policy_id is last.quota_policy_id
            and budget_ids is last.budget_ids
        ):
            spec = last.spec
        else:
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
        if (
            delay_until_ms is not None
            or deadline_at_ms is not None
            or idempotency_key is not None
            or type(priority) is not int
            or not 0 <= priority <= MAX_PRIORITY
        ):
            given = (priority, delay_until_ms, deadline_at_ms, payload, tags)
            return self._create(spec, execution_id, idempotency_key, given)
        if execution_id is not None:
            checks.execution_id(execution_id)
        cargo = None if payload is None and tags is NO_TAGS else self._judge_cargo(payload, tags)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            clock = self._clock
            try:
                now = clock()
            except Exception as error:
                raise clock_raised() from error
            if now is not self._last_ms or now >= self._deadlines.next_ms or self._pending is not None:
                now = self._catch_up(now)
            ids = self._plain_ids
            records = self._records
            if (
                ids is None
                or not spec.is_shelved
                or spec.lane.state is not OPEN
                or self._is_bounded
                or (execution_id is not None and execution_id in records)
            ):
                return self._create_now(now, spec, execution_id, None, (priority, None, None, cargo))
            if execution_id is None:
                count = ids.count + 1
                head = ids.heads.get(spec.lane_id)
                if head is not None and count >> 8 == ids.high:
                    ids.count = count
                    execution_id = head + LOW[count & 255]
                else:
                    execution_id = ids.execution_id(spec.lane_id)
                if execution_id in records:
                    self._refuse_used(execution_id)
            record = Execution()
            record.execution_id = execution_id
            record.spec = spec
            record.phase = ELIGIBLE
            record.priority = priority
            record.created_at_ms = record.last_transition_at_ms = record.last_mutation_at_ms = now
            record.origin = FIRST
            record.grant = record.taking = record.lease_id = record.attempt_id = record.queued = None
            record.acquired_at_ms = record.expires_at_ms = record.renewed_at_ms = record.lost_sequence = 0
            record.cargo = cargo
            record.rare = record.past = None
            record.filed_ms = NEVER
            record.filed_as = 0
            store = self._store
            sequence = store.sequence + 1
            self._pending = (_finish_creation, sequence, record, None)
            records[execution_id] = record
            self._indexes.waiting.staged.append(record)
            store.sequence = sequence
            self._pending = None
            created = OpenCreated()
            created.execution_id = execution_id
            created.public_state = "waiting"
            created.__class__ = Created  # type: ignore[assignment]
            return created  # type: ignore[return-value]
        finally:
            lock.release()

    def issue_claim_grant(self, execution_id: str, request: IssueClaimGrantRequest) -> ClaimGrant:
        """Give a worker the right to take a fresh attempt of a waiting execution.

        It stays ELIGIBLE, is not offered again while the grant lives, and has its old place back when it
        lapses unused (I-20).

        Args:
            execution_id: the execution.
            request: who asks, for how long, with which capabilities.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotEligible: it is not ELIGIBLE.
            UseClaimResumedExecution: its attempt was interrupted.
            ExecutionNotInEligibleSet: it waits in another lane.
            LanePaused: its lane is paused.
            GrantAlreadyExists: a live grant is out.
            CapabilityMismatch: the worker lacks ``missing`` tokens; the instant is noted (X18).
            BudgetExceeded, RateLimitExceeded, ConcurrencyLimitExceeded: there is no room (SPEC 7).
            InvalidInput: an argument is malformed, or the TTL over config.max_grant_ttl_ms.

        O(1). SPEC 5; reference 4.1.
        """
        if request is not self._last_request:
            self._check_request(request, IssueClaimGrantRequest)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            clock = self._clock
            try:
                now = clock()
            except Exception as error:
                raise clock_raised() from error
            if now is not self._last_ms or now >= self._deadlines.next_ms or self._pending is not None:
                now = self._catch_up(now)
            record = self._records.get(execution_id) if type(execution_id) is str else None
            if (
                record is None
                or record.phase is not ELIGIBLE
                or record.grant is not None
                or record.origin is INTERRUPTED
                or self._plain_ids is None
            ):
                return self._issue(now, execution_id, request)
            spec = record.spec
            expires_at_ms = now + request.grant_ttl_ms
            if (
                not spec.is_plain
                or spec.lane.state is not OPEN
                or request.lane_id != spec.lane_id
                or (spec.required and not request.worker_capabilities.issuperset(spec.required))
            ):
                return self._issue(now, execution_id, request)
            grant = (_CLAIM, now, expires_at_ms, request.terms)
            store = self._store
            sequence = store.sequence + 1
            self._pending = (_finish_issue, sequence, record, grant)
            record.grant = grant
            self._indexes.live_grants += 1
            if expires_at_ms <= record.filed_ms:
                deadlines = self._deadlines
                record.filed_ms = expires_at_ms
                if record.filed_as is not STAGED:
                    record.filed_as = STAGED
                    deadlines.staged.append(record)
                if expires_at_ms < deadlines.next_ms:  # noqa: PLR1730 - a third of the price of min()
                    deadlines.next_ms = expires_at_ms
            store.sequence = sequence
            self._pending = None
            granted = OpenClaimGrant()
            granted.execution_id = execution_id
            granted.expires_at_ms = expires_at_ms
            granted.__class__ = ClaimGrant  # type: ignore[assignment]
            return granted  # type: ignore[return-value]
        finally:
            lock.release()

    def claim_execution(  # noqa: PLR0912, PLR0915 - unrolled
        self,
        grant: ClaimGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
        lane_id: str | None = None,
    ) -> Lease:
        """Use a claim grant: a new attempt begins under a new lease, epoch + 1.

        Args:
            grant: the grant; only its execution and type count, the engine believes its own record.
            worker_id: must be the one the grant was issued to.
            worker_instance_id: the process; informational, stands in the lease.
            lease_ttl_ms: 1..config.max_lease_ttl_ms milliseconds.
            attempt_timeout_ms: of this attempt, in milliseconds; None: the policy's.
            lane_id: if given, must be the execution's.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotLeaseable: it is not ELIGIBLE.
            InvalidClaimGrant: no such grant for this worker: ``reason``. The grant stays with its owner.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5; reference 4.2.
        """
        if type(grant) is not ClaimGrant:
            raise invalid("grant", "a ClaimGrant")
        if worker_id is not self._last_worker_id or worker_instance_id is not self._last_instance_id:
            self._check_worker(worker_id, worker_instance_id)
        if lease_ttl_ms is not self._last_ttl_ms:
            self._last_ttl_ms = checks.integer("lease_ttl_ms", lease_ttl_ms, 1, self._max_lease_ttl_ms)
        if attempt_timeout_ms is not None:
            checks.integer("attempt_timeout_ms", attempt_timeout_ms, 1, MAX_TTL_MS)
        if lane_id is not None:
            checks.lane_id(lane_id)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            clock = self._clock
            try:
                now = clock()
            except Exception as error:
                raise clock_raised() from error
            if now is not self._last_ms or now >= self._deadlines.next_ms or self._pending is not None:
                now = self._catch_up(now)
            ids = self._plain_ids
            indexes = self._indexes
            try:
                record = self._records.get(grant.execution_id)
            except (AttributeError, TypeError):
                record = None
            if (
                ids is None
                or record is None
                or (held := record.grant) is None
                or held[KIND] is not _CLAIM
                or held[TERMS][WORKER_ID] != worker_id
                or record.taking is not None
                or record.rare is not None
                or record.past is not None
                or not (spec := record.spec).is_plain
                or attempt_timeout_ms is not None
                or lane_id is not None
            ):
                taker = (worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
                return self._take(now, grant, taker, lane_id)
            store = self._store
            epoch = store.epoch_floor + 1
            holders = indexes.holders
            holding = holders.held.get(worker_instance_id) or holders.enter(worker_instance_id)
            taking = holding.taking
            if taking[LEASE_EPOCH] != epoch or taking[WORKER] != worker_id or taking[LANE_ID] != spec.lane_id:
                taking = first_taking(spec.lane_id, epoch, worker_id, worker_instance_id, ids.prefix)
                holding.taking = taking
            ids.count = lease_id = ids.count + 1
            expires_at_ms = now + lease_ttl_ms
            lease = OpenLease()
            lease.tenure = (record.execution_id, lease_id, lease_id, now, taking)
            lease.expires_at_ms = expires_at_ms
            lease.basis_ms = now
            lease.__class__ = Lease  # type: ignore[assignment]
            sequence = store.sequence + 1
            self._pending = (_finish_claim, sequence, record, lease)
            record.grant = None
            record.taking = taking
            record.lease_id = record.attempt_id = lease_id
            record.expires_at_ms = expires_at_ms
            record.acquired_at_ms = record.renewed_at_ms = now
            record.last_transition_at_ms = record.last_mutation_at_ms = now
            record.phase = LEASED
            indexes.live_grants -= 1
            indexes.counts.leased += 1
            if holders.entries < holders.room:
                holding.records.append(record)
                holders.entries += 1
            else:
                holders.add(record)
            if expires_at_ms <= record.filed_ms:
                self._deadlines.stage(record, expires_at_ms)
            store.sequence = sequence
            self._pending = None
            return lease  # type: ignore[return-value]
        finally:
            lock.release()

    def take(
        self,
        grant: ClaimGrant | ResumeGrant | ReclaimGrant,
        *,
        worker_id: str,
        worker_instance_id: str,
        lease_ttl_ms: int,
        attempt_timeout_ms: int | None = None,
    ) -> Lease:
        """Use a grant of any kind; refusals are exceptions.

        Args: as :meth:`claim_execution`; a resume grant takes no timeout, its attempt has one.

        Raises:
            ExecutionNotFound: no such execution.
            ExecutionNotLeaseable, ExecutionNotReclaimable: it is in another phase.
            InvalidClaimGrant: no such grant for this worker: ``reason``.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5, 9.
        """
        if type(grant) is ClaimGrant:
            if self._lock._is_owned():
                self._refuse_entry()
            return self.claim_execution(
                grant,
                worker_id=worker_id,
                worker_instance_id=worker_instance_id,
                lease_ttl_ms=lease_ttl_ms,
                attempt_timeout_ms=attempt_timeout_ms,
            )
        if type(grant) not in KIND_OF:
            raise invalid("grant", "a ClaimGrant, ResumeGrant or ReclaimGrant")
        taker = self._taker(worker_id, worker_instance_id, lease_ttl_ms, attempt_timeout_ms)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            return self._take(self._begin(), grant, taker, None)
        finally:
            lock.release()

    def renew_lease(self, lease: Fenced, *, lease_ttl_ms: int) -> Lease:
        """Keep a lease alive until ``now + lease_ttl_ms``, which may be sooner than before.

        The fence stays the same: the lease object of before still completes (I-08).

        Args:
            lease: the lease, or anything with its fence.
            lease_ttl_ms: 1..config.max_lease_ttl_ms milliseconds, from now.

        Raises:
            ExecutionNotFound: no such execution.
            FenceRequired, PartialFenceTriple: parts of the fence are missing.
            ExecutionNotActive: it has ended or waits; the attributes tell whose doing that was.
            LeaseRevoked: you were sent away. LeaseExpired: you are late. StaleLease: you were replaced.
            InvalidInput: an argument is malformed.

        O(1). SPEC 5; reference 5.1.
        """
        if lease_ttl_ms is not self._last_ttl_ms:
            self._last_ttl_ms = checks.integer("lease_ttl_ms", lease_ttl_ms, 1, self._max_lease_ttl_ms)
        if type(lease) is not Lease:
            return self._renew(read_fence(lease), lease_ttl_ms)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            clock = self._clock
            try:
                now = clock()
            except Exception as error:
                raise clock_raised() from error
            if now is not self._last_ms or now >= self._deadlines.next_ms or self._pending is not None:
                now = self._catch_up(now)
            try:
                tenure = lease.tenure
                taking = tenure[TAKING]
                record = self._records.get(tenure[EXECUTION_ID])
            except (AttributeError, TypeError, IndexError):
                return self._renew_now(now, read_fence(lease), lease_ttl_ms)
            expires_at_ms = now + lease_ttl_ms
            if (
                record is None
                or record.taking is not taking
                or record.phase is not LEASED
                or self._plain_ids is None
            ):
                return self._renew_now(now, read_fence(lease), lease_ttl_ms)
            renewed = OpenLease()
            renewed.tenure = tenure
            renewed.expires_at_ms = expires_at_ms
            renewed.basis_ms = now
            renewed.__class__ = Lease  # type: ignore[assignment]
            store = self._store
            sequence = store.sequence + 1
            self._pending = (_finish_renewal, sequence, record, renewed)
            record.expires_at_ms = expires_at_ms
            record.renewed_at_ms = record.last_mutation_at_ms = now
            if expires_at_ms <= record.filed_ms:
                self._deadlines.stage(record, expires_at_ms)
            store.sequence = sequence
            self._pending = None
            return renewed  # type: ignore[return-value]
        finally:
            lock.release()

    def complete_execution(self, lease: Fenced, *, result: bytes | None = None) -> Completed:
        """End the execution with success.

        Args:
            lease: the lease, or anything with its fence.
            result: opaque bytes, at most config.max_payload_bytes.

        Raises:
            ExecutionNotFound, FenceRequired, PartialFenceTriple, ExecutionNotActive, LeaseRevoked,
                LeaseExpired, StaleLease, InvalidInput: as :meth:`renew_lease`.

        O(1). SPEC 5; reference 6.1.
        """
        if type(lease) is not Lease:
            return self._complete(lease, result)
        if result is not None:
            result = checks.blob("result", result, self._config.max_payload_bytes)
        lock = self._lock
        if lock._is_owned():
            self._refuse_entry()
        lock.acquire()
        try:
            clock = self._clock
            try:
                now = clock()
            except Exception as error:
                raise clock_raised() from error
            if now is not self._last_ms or now >= self._deadlines.next_ms or self._pending is not None:
                now = self._catch_up(now)
            try:
                tenure = lease.tenure
                taking = tenure[TAKING]
                record = self._records.get(tenure[EXECUTION_ID])
            except (AttributeError, TypeError, IndexError):
                return self._complete_now(now, read_fence(lease), result)
            if (
                record is None
                or record.taking is not taking
                or record.phase is not LEASED
                or record.past is not None
                or record.rare is not None
                or not record.spec.is_plain
                or self._plain_ids is None
            ):
                return self._complete_now(now, read_fence(lease), result)
            store = self._store
            sequence = store.sequence + 1
            if result is None:
                self._pending = (_finish_success, sequence, record, now)
            else:
                self._pending = (_finish_result, sequence, record, (now, result))
                record.cargo = with_result(record.cargo, result)
            record.last_transition_at_ms = record.last_mutation_at_ms = now
            record.phase = SUCCEEDED
            counts = self._indexes.counts
            counts.leased -= 1
            counts.succeeded += 1
            if now + self._retention_ms <= record.filed_ms:
                self._deadlines.file(record)
            store.sequence = sequence
            self._pending = None
            completed = OpenCompleted()
            completed.execution_id = record.execution_id
            completed.__class__ = Completed  # type: ignore[assignment]
            return completed  # type: ignore[return-value]
        finally:
            lock.release()


def _finish_creation(core: Core, sequence: int, record: Execution, _nothing: None) -> None:
    """Put the new record into the store, where it may be already."""
    core._records[record.execution_id] = record
    _finish(core, sequence)


def _finish_issue(core: Core, sequence: int, record: Execution, grant: HeldGrant) -> None:
    write_grant(record, 0, (grant, (), (), None))
    _finish(core, sequence)


def _finish_claim(core: Core, sequence: int, record: Execution, lease: Lease) -> None:
    write_first_lease(record, lease.acquired_at_ms, (lease, None, False))
    record.phase = LEASED
    _finish(core, sequence)


def _finish_renewal(core: Core, sequence: int, record: Execution, lease: Lease) -> None:
    write_renewal(record, lease.basis_ms, (lease,))
    _finish(core, sequence)


def _finish_success(core: Core, sequence: int, record: Execution, at_ms: int) -> None:
    write_success(record, at_ms, (None,))
    record.phase = SUCCEEDED
    _finish(core, sequence)


def _finish_result(core: Core, sequence: int, record: Execution, end: tuple[int, bytes]) -> None:
    at_ms, result = end
    record.cargo = with_result(record.cargo, result)
    _finish_success(core, sequence, record, at_ms)


def _finish(core: Core, sequence: int) -> None:
    core._store.sequence = sequence
    core._indexes.rebuild()
