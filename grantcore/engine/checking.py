"""``check()``: every invariant marked S in the specification that can be seen in the state at rest.

Each function yields what is wrong, citing the invariant. The derivations (attempts and history of a
first lease, every index and count) are compared with the records they come from.
"""

from __future__ import annotations

from collections.abc import Iterator

from grantcore.index import tallies
from grantcore.index.indexes import Indexes
from grantcore.index.lazy import SLACK
from grantcore.index.lines import rank
from grantcore.index.rolls import created
from grantcore.index.waiting import Key, Shelf, key_of
from grantcore.model import capabilities
from grantcore.model.errors import InvalidCapabilities
from grantcore.model.grants import EXPIRES_AT_MS, ISSUED_AT_MS, KIND, GrantKind
from grantcore.model.leases import AttemptType, Lease
from grantcore.model.past import lease_of, past_of
from grantcore.model.phases import (
    ACTIVE,
    BLOCKED,
    DELAYED,
    ELIGIBLE,
    LEASE_EXPIRED,
    LEASE_REVOKED,
    LEASED,
    LOST,
    RUNNABLE,
    SUCCEEDED,
    SUSPENDED,
    Phase,
)
from grantcore.model.records import (
    FIRST,
    INTERRUPTED,
    NOTHING,
    REPLAY,
    RETRY,
    WAITING_FOR_CHILDREN,
    WAITING_FOR_RESUME_DELAY,
    Execution,
    Past,
    Store,
)
from grantcore.model.time import MAX_MS, NEVER
from grantcore.model.vector import ORDERS
from grantcore.model.views import Attempt
from grantcore.model.workers import Registration
from grantcore.rules.fencing import attempt_id_of
from grantcore.rules.suspending import BEHAVIORS, REASONS

Wrong = Iterator[str]

_LAST_LINES = {
    LEASED: ("acquired", "reclaimed"),
    LEASE_EXPIRED: ("expired",),
    LEASE_REVOKED: ("revoked",),
}
_REASONS: dict[Phase | None, set[str]] = {
    BLOCKED: {*ORDERS, WAITING_FOR_CHILDREN},
    SUSPENDED: {*REASONS.values()},
}
_FIRST_OF_A_LIFE = {AttemptType.INITIAL, AttemptType.REPLAY}
_OPEN = {"started"}
_ENDED = {"ended_success", "ended_failure", "ended_cancelled", "interrupted_reclaimed"}


def broken(store: Store, indexes: Indexes, now: int, history_limit: int) -> Wrong:
    """Everything that is wrong with the truth; when it is sound, with what is derived. O(n log n)."""
    wrong = list(untrue(store, now, history_limit))
    return iter(wrong) if wrong else astray(store, indexes, now)


def untrue(store: Store, now: int, history_limit: int) -> Wrong:
    """Everything that is wrong with the truth: indexes are built of a sound one only. O(n)."""
    yield from _records(store, now, history_limit)
    yield from _meters(store, now)


def _records(store: Store, now: int, history_limit: int) -> Wrong:
    if max(store.epoch_floor, store.restored_floor) > MAX_MS:
        yield "I-52: an epoch floor out of range"
    for execution_id, record in store.records.items():
        if execution_id != record.execution_id:
            yield f"{execution_id}: stored under another id"
        for text in _record(record, store, now, history_limit):
            yield f"{execution_id}: {text}"


def _meters(store: Store, now: int) -> Wrong:
    """Workers, lanes, quota policies and budgets, and what executions say of them."""
    for (namespace, instance_id), worker in store.workers.items():
        if (namespace, instance_id) != (worker.namespace, worker.worker_instance_id):
            yield f"{instance_id}: a worker under another name"
        if not worker.registered_at_ms <= worker.last_heartbeat_ms <= now < worker.expires_at_ms:
            yield f"{instance_id}: I-54: a worker outside its time"
    for quota_policy_id, quota in store.quotas.items():
        issued = list(quota.issued)
        if issued != sorted(issued) or any(at_ms > now for _, at_ms in issued):
            yield f"{quota_policy_id}: I-51: grants out of order in the window"
        if len(issued) > quota.max_requests_per_window:
            yield f"{quota_policy_id}: more grants in the window than allowed"
    for budget_id, budget in store.budgets.items():
        if max(budget.counted_from_ms, budget.used_at_ms) > now:
            yield f"{budget_id}: I-51: a budget of the future"
    for spec in {record.spec for record in store.records.values()}:
        if spec.lane is not store.lanes.get(spec.lane_id):
            yield f"{spec.lane_id}: executions of another lane of this name"
        if spec.quota_policy_id is not None and spec.quota_policy_id not in store.quotas:
            yield f"{spec.quota_policy_id}: executions of a quota policy that does not exist"
        if not store.budgets.keys() >= set(spec.budget_ids):
            yield f"{spec.lane_id}: executions of a budget that does not exist"


def _record(record: Execution, store: Store, now: int, limit: int) -> Wrong:
    if type(record.phase) is not Phase:
        yield "no phase"
        return
    if not _has_whole_lease(record):
        yield "I-01: a lease without its fence or worker"
        return
    if record.phase in ACTIVE and (record.phase is LEASE_REVOKED) is not (_revoked_at(record) is not None):
        yield "I-09: a mark of revocation in the wrong phase"
        return
    past = past_of(record)
    yield from _instants(record, now)
    yield from _lease(record, store, now)
    yield from _grant(record, now)
    yield from _waiting(record)
    yield from _suspension(record, past)
    yield from _attempts(record, past, now)
    yield from _history(record, past, limit, now)
    yield from _limits(record, past)


def _has_whole_lease(record: Execution) -> bool:
    """Whether there are all parts of the last lease, or none; its attempt may be named by the past alone."""
    if record.taking is None:
        return record.lease_id is None and record.attempt_id is None and record.phase not in ACTIVE
    return record.lease_id is not None and (record.attempt_id is not None or record.past is not None)


def _instants(record: Execution, now: int) -> Wrong:
    stamps = (record.last_mutation_at_ms, record.started_at_ms or 0)
    if not all(0 <= stamp <= now for stamp in stamps):
        yield "I-51: a stamp of the future"
    if not 0 <= record.created_at_ms <= record.last_transition_at_ms <= record.last_mutation_at_ms:
        yield "stamps out of order"
    if record.phase is SUCCEEDED and record.taking is None:
        yield "I-33: success without a lease"
    if record.lease_epoch > MAX_MS:
        yield "I-52: an epoch out of range"


def _lease(record: Execution, store: Store, now: int) -> Wrong:
    if record.phase not in ACTIVE:
        return
    if record.taking is None or record.attempt_id is None:
        yield "I-01: a lease without its fence or worker"
        return
    if record.lease_epoch < 1:
        yield "I-02: a lease without an epoch"
    if not record.acquired_at_ms <= record.renewed_at_ms < record.expires_at_ms <= MAX_MS:
        yield "I-52: the instants of the lease are out of order"
    if record.phase is LEASED and record.expires_at_ms <= now:
        yield "I-54: a lease past its end"
    if record.phase in LOST and not 0 < record.lost_sequence <= store.sequence:
        yield "a lost lease without the event that told it"
    acquired_at_ms = record.acquired_at_ms
    if record.rare is not None and record.rare.attempt_timeout_at_ms <= acquired_at_ms:
        yield "I-51: an attempt that timed out before it began"
    if not acquired_at_ms <= (_revoked_at(record) or acquired_at_ms) <= now:
        yield "I-51: a revocation out of order"


def _revoked_at(record: Execution) -> int | None:
    return None if record.rare is None else record.rare.lease_revoked_at_ms


def _grant(record: Execution, now: int) -> Wrong:
    grant = record.grant
    if grant is None:
        return
    if record.phase in LOST:
        fits = grant[KIND] is GrantKind.RECLAIM
    else:
        wanted = GrantKind.RESUME if record.origin is INTERRUPTED else GrantKind.CLAIM
        fits = record.phase is ELIGIBLE and grant[KIND] is wanted
    if not fits:
        yield "I-17: a grant whose precondition does not hold"
    if not grant[ISSUED_AT_MS] <= now < grant[EXPIRES_AT_MS]:
        yield "I-54: a grant outside its time"


def _waiting(record: Execution) -> Wrong:
    if record.phase in RUNNABLE:
        fresh = (FIRST, REPLAY) if record.taking is None else (RETRY, REPLAY, INTERRUPTED)
        if record.origin not in fresh:
            yield "I-30: the next attempt does not follow from the last"
    reason = None if record.rare is None else record.rare.blocking_reason
    if record.phase in _REASONS:
        if reason not in _REASONS[record.phase]:
            yield "I-32: blocked for no reason"
    elif reason is not None and not _resumes_later(record, reason):
        yield "I-32: a blocking reason in the wrong phase"
    if record.phase is DELAYED and (record.rare is None or record.rare.delay_until_ms is None):
        yield "I-32: delayed until no instant"
    try:
        if capabilities.read("required", record.spec.required) != record.spec.required:
            yield "I-24: required tokens out of order"
    except InvalidCapabilities as error:
        yield f"I-24: {error}"


def _resumes_later(record: Execution, reason: str) -> bool:
    return record.phase is DELAYED and record.interrupted and reason == WAITING_FOR_RESUME_DELAY


def _suspension(record: Execution, past: Past) -> Wrong:
    rare = record.rare or NOTHING
    timeout_at_ms, behavior = rare.suspension_timeout_at_ms, rare.suspension_behavior
    if record.phase is not SUSPENDED:
        if timeout_at_ms is not None or behavior:
            yield "I-32: a suspension's timeout in the wrong phase"
        return
    attempt = past.attempts.get(record.attempt_count - 1)
    state = None if attempt is None or attempt.suspension_id is None else attempt.attempt_state
    if not record.interrupted or state != "suspended":
        yield "I-28: suspended without a suspended attempt"
    if timeout_at_ms is not None and behavior not in BEHAVIORS:
        yield "D-19: a timeout that does nothing known"


def _attempts(record: Execution, past: Past, now: int) -> Wrong:
    attempts = past.attempts
    if len(attempts) != record.attempt_count or any(n not in attempts for n in range(len(attempts))):
        yield "I-27: attempts are not dense"
        return
    for index, attempt in attempts.items():
        if attempt.attempt_index != index or attempt.execution_id != record.execution_id:
            yield f"I-27: attempt {index} is another's"
        if (attempt.attempt_state in _ENDED) is not (attempt.ended_at_ms is not None):
            yield f"I-29: attempt {index} has half an end"
        latest = (attempt.started_at_ms, attempt.ended_at_ms, attempt.suspended_at_ms, attempt.resumed_at_ms)
        if any(stamp is not None and not attempt.created_at_ms <= stamp <= now for stamp in latest):
            yield f"I-29: attempt {index} has a stamp out of order"
        if (attempt.attempt_type is AttemptType.INITIAL) and index != 0:
            yield f"I-30: attempt {index} is initial"
    started = [index for index, attempt in attempts.items() if attempt.attempt_state in _OPEN]
    if started != ([record.attempt_count - 1] if record.phase in ACTIVE else []):
        yield "I-28: the wrong attempts are open"
    yield from _life(record, past)
    if record.attempt_count:
        yield from _current(record, past)


def _current(record: Execution, past: Past) -> Wrong:
    attempt = past.attempts[record.attempt_count - 1]
    lease = lease_of(record)
    if lease.lane_id != record.spec.lane_id:
        yield "I-01: a lease of another lane"
    if _lease_told(attempt) != _lease_held(lease):
        yield "I-01: the attempt's lease is not the record's"
    if attempt.attempt_type is not lease.attempt_type:
        yield "I-30: the attempt's type is not the record's"
    if record.attempt_id is not None and attempt.attempt_id != attempt_id_of(record):
        yield "I-01: the attempt's id is not the record's"
    if record.attempt_id is None and record.origin not in (RETRY, REPLAY):
        yield "I-01: the record has forgotten its attempt"


def _lease_told(attempt: Attempt) -> tuple[object, ...]:
    taken_at_ms = attempt.started_at_ms if attempt.resumed_at_ms is None else attempt.resumed_at_ms
    return (
        attempt.lease_id,
        attempt.lease_epoch,
        attempt.worker_id,
        attempt.worker_instance_id,
        taken_at_ms,
    )


def _lease_held(lease: Lease) -> tuple[object, ...]:
    return (
        lease.lease_id,
        lease.lease_epoch,
        lease.worker_id,
        lease.worker_instance_id,
        lease.acquired_at_ms,
    )


def _life(record: Execution, past: Past) -> Wrong:
    """The stored instant at which this life began is that of its first attempt."""
    attempts = [past.attempts[index] for index in range(record.attempt_count)]
    began = [a.started_at_ms for a in attempts if a.attempt_type in _FIRST_OF_A_LIFE]
    if record.started_at_ms is None:
        pending = not began or record.origin is REPLAY
        if not pending or record.phase in ACTIVE:
            yield "I-28: an attempt that has not begun"
    elif [record.started_at_ms] != began[-1:]:
        yield "I-30: a life that began with another attempt"


def _history(record: Execution, past: Past, limit: int, now: int) -> Wrong:
    kept = past.noted - past.first
    numbers = range(past.first, past.first + len(past.history))
    if kept != len(past.history) or any(number not in past.history for number in numbers):
        yield "D-25: the history has gaps"
        return
    if record.past is not None and kept > limit:
        yield "D-25: the history is too long"
        return
    if not past.noted:
        if record.phase in ACTIVE:
            yield "I-02: a lease without a line of history"
        return
    last = past.history[past.noted - 1]
    wanted = _LAST_LINES.get(record.phase) if record.phase else None
    if wanted is not None and last.event not in wanted:
        yield "I-33: the last line of history tells another phase"
    stamps = [past.history[number].at_ms for number in sorted(past.history)]
    if stamps != sorted(stamps) or stamps[-1] > now:
        yield "I-51: history goes back in time"


def _limits(record: Execution, past: Past) -> Wrong:
    policy = record.spec.policy
    retries = policy.retry.max_retries if policy.retry else 0
    if past.retry_count > retries:
        yield "I-31: more retries than allowed"
    if past.reclaim_count > policy.max_reclaim_count:
        yield "I-31: more reclaims than allowed"
    if past.replay_count > policy.max_replay_count:
        yield "I-31: more replays than allowed"


# -- indexes -----------------------------------------------------------------------------------


def astray(store: Store, indexes: Indexes, now: int) -> Wrong:
    """Everything that is wrong with what is derived. O(n log n)."""
    records = store.records.values()
    phases = [record.phase for record in records]
    if {phase: phases.count(phase) for phase in Phase} != indexes.counts.by_phase():
        yield "I-35: counts by phase are wrong"
    if sum(record.grant is not None for record in records) != indexes.live_grants:
        yield "I-12: the count of live grants is wrong"
    counted = tallies.counted(records, indexes.liveness, watching=indexes.tallies.watching)
    for tally in ("by_quota", "by_lane", "by_instance"):
        if getattr(indexes.tallies, tally) != getattr(counted, tally):
            yield f"the slots in use are wrong: {tally}"
    if tallies.has_ceiling(store) and not indexes.tallies.watching:
        yield "a ceiling that nobody counts for"
    if sorted(indexes.liveness.known(), key=_name) != sorted(store.workers.values(), key=_name):
        yield "I-34: the live workers are others"
    if indexes.liveness.next_ms() < indexes.deadlines.next_ms:
        yield "I-54: a worker that lapses before the next deadline"
    yield from _deadlines(store, indexes, now)
    yield from _shelves(store, indexes)
    yield from _lists(store, indexes)


def _name(worker: Registration) -> tuple[str, str]:
    return (worker.namespace, worker.worker_instance_id)


def _deadlines(store: Store, indexes: Indexes, now: int) -> Wrong:
    filed = indexes.deadlines.confirmed()
    for record in store.records.values():
        due_ms, _ = indexes.deadlines.due(record)
        if due_ms <= now and record.last_mutation_at_ms < now:
            yield f"{record.execution_id}: I-54: due and not applied"
        if due_ms != NEVER and filed.get(record.execution_id, NEVER) > due_ms:
            yield f"{record.execution_id}: I-34: not filed under its deadline"
        if due_ms < indexes.deadlines.next_ms:
            yield f"{record.execution_id}: I-54: due before the next deadline"
    if indexes.deadlines.entries > 2 * len(store.records) + SLACK:
        yield "I-64: too many unconfirmed deadlines"


def _shelves(store: Store, indexes: Indexes) -> Wrong:
    waiting = indexes.waiting
    offered = {record for record in store.records.values() if record.offered}
    members = waiting.members()
    if len(members) != len(offered) or set(members) != offered:
        yield "I-34: the shelves hold others than those that wait"
    for lane_id, aisle in waiting.aisles.items():
        for key, shelf in aisle.shelves.items():
            yield from _shelf(lane_id, key, shelf)
    for (spec, priority), line in waiting.lines.items():
        named = waiting.shelf_of(spec, GrantKind.CLAIM)
        if named is None or named.lines.get(priority) is not line:
            yield "I-34: a shortcut to a line that is gone"
    entries = sum(len(line) for shelf in waiting.shelves() for line in shelf.lines.values())
    if not entries <= waiting.entries <= 2 * len(store.records) + SLACK:
        yield "I-64: too many unconfirmed entries on shelves"


def _shelf(lane_id: str, key: Key, shelf: Shelf) -> Wrong:
    members = list(shelf.members())
    order = [rank(record, shelf.aging_ms) for record in members]
    if order != sorted(order):
        yield "I-36: a shelf is out of order"
    if not shelf.tells_its_lines():
        yield "I-36: a line that nobody comes to"
    if any(
        record.spec.lane_id != lane_id or key_of(record.spec, record.next_kind) != key for record in members
    ):
        yield "I-34: an execution on a shelf of another lane, kind or requirements"


def _lists(store: Store, indexes: Indexes) -> Wrong:
    records = store.records.values()
    held = {record.execution_id for record in records if record.phase is LEASED}
    if {record.execution_id for record in indexes.holders.all()} != held:
        yield "I-34: the holders hold others than the leased"
    lost = sorted(record.lost_sequence for record in records if record.phase in LOST)
    if [record.lost_sequence for record in indexes.losses.after(None)] != lost:
        yield "I-34: the list of losses is wrong"
    if [record.execution_id for record in indexes.roll.after(None)] != [
        record.execution_id for record in sorted(records, key=created)
    ]:
        yield "I-35: the roll of executions is wrong"
