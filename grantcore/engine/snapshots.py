"""Snapshots: canonical bytes of the whole state, and the way back (SPEC 9, 11).

One line ``grantcore-snapshot VERSION SHA256``, then one JSON document: keys sorted, records by id,
integers in decimal, minted ids as texts, UTF-8; fields at their defaults are left out. Reading trusts
nothing: size and digest first, then a fixed schema (:data:`EXECUTION` and its parts name every field and
its kind), then every invariant. No class is looked up by name and nothing is evaluated.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final, TypeVar, cast

import attrs

from grantcore.model import checks
from grantcore.model.budgets import Budget
from grantcore.model.config import MAX_BYTES
from grantcore.model.errors import GrantError, SnapshotInvalid
from grantcore.model.grants import GrantKind
from grantcore.model.ids import attempt_rendered, rendered
from grantcore.model.lanes import Lane, LaneStatus
from grantcore.model.leases import PREFIX, AttemptType, LeaseKind, Taking
from grantcore.model.phases import Phase
from grantcore.model.policy import ExecutionPolicy, Exponential, Fixed, RetryPolicy
from grantcore.model.quotas import Quota
from grantcore.model.records import Execution, Key, Origin, Past, Rare, Spec, Store
from grantcore.model.time import NEVER, gone
from grantcore.model.values import FrozenDict
from grantcore.model.views import Attempt, LeaseEvent
from grantcore.model.workers import Registration

VERSION: Final = 2
MAGIC: Final = "grantcore-snapshot"
MAX_SNAPSHOT_BYTES: Final = 4 * MAX_BYTES
MAX_COUNT: Final = 2**53 - 2**32
"""Of what goes on counting: no engine lives to count the rest."""

MAX_DETAIL: Final = 200
"""Of what was found in a snapshot, so much is repeated in a refusal."""

Json = Any
T = TypeVar("T")


@attrs.frozen
class Kind:
    """How one kind of value is written and read; ``read(value, path)`` refuses what is none."""

    write: Callable[[Any], Json]
    read: Callable[[Json, str], Any]


def refuse(path: str, wanted: str) -> SnapshotInvalid:
    """Refuse a value, naming its place."""
    return SnapshotInvalid(f"{path[:MAX_DETAIL] or 'the document'} must be {wanted[:MAX_DETAIL]}")


# -- kinds of values -----------------------------------------------------------------------------


def _same(value: object) -> object:
    return value


def _read_int(value: Json, path: str) -> int:
    if type(value) is not int or not 0 <= value <= NEVER:
        raise refuse(path, "an int in 0..2**53")
    return value


def _read_count(value: Json, path: str) -> int:
    """Something that goes on counting after it was read."""
    if _read_int(value, path) > MAX_COUNT:
        raise refuse(path, f"an int in 0..{MAX_COUNT}")
    return int(value)


def _read_signed(value: Json, path: str) -> int:
    if type(value) is not int or not -NEVER <= value <= NEVER:
        raise refuse(path, "an int in -2**53..2**53")
    return value


def _read_text(value: Json, path: str) -> str:
    if type(value) is not str or not (value.isascii() or _has_utf8(value)):
        raise refuse(path, "a text")
    return value


def _has_utf8(value: str) -> bool:
    """Whether there are no lone surrogates in it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_flag(value: Json, path: str) -> bool:
    if type(value) is not bool:
        raise refuse(path, "true or false")
    return value


def _read_list(value: Json, path: str, wanted: str, length: int | None = None) -> list[object]:
    if type(value) is list:
        entries = cast("list[object]", value)
        if length is None or len(entries) == length:
            return entries
    raise refuse(path, wanted)


def _write_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _read_bytes(value: Json, path: str) -> bytes:
    try:
        return base64.b64decode(_read_text(value, path), validate=True)
    except (binascii.Error, ValueError) as error:
        raise refuse(path, "base64") from error


INT: Final = Kind(_same, _read_int)
COUNT: Final = Kind(_same, _read_count)
TEXT: Final = Kind(_same, _read_text)
FLAG: Final = Kind(_same, _read_flag)
BYTES: Final = Kind(_write_bytes, _read_bytes)


def optional(kind: Kind) -> Kind:
    """The kind, or None."""
    return Kind(
        lambda value: None if value is None else kind.write(value),
        lambda value, path: None if value is None else kind.read(value, path),
    )


def one_of(enum: type[StrEnum]) -> Kind:
    """A member of an enumeration, by value."""

    def read(value: Json, path: str) -> StrEnum:
        for member in enum:
            if member.value == value:
                return member
        raise refuse(path, f"one of {', '.join(enum)}")

    return Kind(lambda value: value.value, read)


def value_of(enum: type[StrEnum]) -> Kind:
    """The value of a member of an enumeration."""
    member = one_of(enum)
    return Kind(_same, lambda value, path: member.read(value, path).value)


def listed(kind: Kind, make: Callable[[list[Any]], Any], order: Callable[[Any], list[Any]]) -> Kind:
    """A list of one kind; ``order`` puts the elements in a canonical order."""

    def read(value: Json, path: str) -> object:
        entries = _read_list(value, path, "a list")
        return make([kind.read(entry, f"{path}[{i}]") for i, entry in enumerate(entries)])

    return Kind(lambda value: [kind.write(entry) for entry in order(value)], read)


def _read_object(value: Json, path: str) -> dict[str, Json]:
    if type(value) is not dict:
        raise refuse(path, "an object")
    return cast("dict[str, Json]", value)


def mapping_of(kind: Kind) -> Kind:
    """A mapping from texts to one kind."""

    def read(value: Json, path: str) -> dict[str, Any]:
        pairs = _read_object(value, path).items()
        return {_read_text(name, path): kind.read(entry, f"{path}.{name}") for name, entry in pairs}

    return Kind(lambda value: {name: kind.write(entry) for name, entry in value.items()}, read)


def _read_tags(value: Json, path: str) -> Mapping[str, str]:
    pairs = _read_object(value, path).items()
    return FrozenDict({_read_text(key, path): _read_text(entry, path) for key, entry in pairs})


TAGS: Final = Kind(dict, _read_tags)


def numbered(kind: Kind) -> Kind:
    """A mapping from numbers, written as a list of pairs in order."""

    def read(value: Json, path: str) -> dict[int, Any]:
        wanted = "a list of pairs"
        pairs = [_read_list(pair, path, wanted, 2) for pair in _read_list(value, path, wanted)]
        return {
            _read_int(number, f"{path}[{i}][0]"): kind.read(entry, f"{path}[{i}][1]")
            for i, (number, entry) in enumerate(pairs)
        }

    return Kind(lambda value: [[n, kind.write(value[n])] for n in sorted(value)], read)


def record_of(cls: type[Any], **kinds: Kind) -> Kind:
    """An attrs class, field by field; a field at its default is left out, an unknown one refused."""
    defaults = {field.name: field.default for field in attrs.fields(cls)}
    fill = getattr(cls, "__attrs_init__", cls.__init__)

    def write(value: object) -> dict[str, Json]:
        fields = ((name, kind, getattr(value, name)) for name, kind in kinds.items())
        return {name: kind.write(field) for name, kind, field in fields if field != defaults[name]}

    def read(value: Json, path: str) -> object:
        fields = _read_object(value, path)
        unknown = fields.keys() - kinds.keys()
        absent = [n for n in kinds if n not in fields and defaults[n] is attrs.NOTHING]
        if unknown or absent:
            raise refuse(
                path, f"an object of {cls.__name__}: {', '.join(sorted(unknown) or absent)} is wrong"
            )
        try:
            made = object.__new__(cls)
            fill(made, **{name: kinds[name].read(field, f"{path}.{name}") for name, field in fields.items()})
        except GrantError as error:
            raise error if type(error) is SnapshotInvalid else refuse(path, str(error)) from error
        return made

    return Kind(write, read)


def tagged(**kinds: tuple[type[Any], Kind]) -> Kind:
    """One of several classes, told apart by ``type``."""
    names = {cls: name for name, (cls, _) in kinds.items()}

    def write(value: object) -> dict[str, Json]:
        name = names[type(value)]
        return {"type": name, **kinds[name][1].write(value)}

    def read(value: Json, path: str) -> object:
        fields = dict(_read_object(value, path))
        name = fields.pop("type", None)
        if type(name) is not str or name not in kinds:
            raise refuse(f"{path}.type", f"one of {', '.join(kinds)}")
        return kinds[name][1].read(fields, path)

    return Kind(write, read)


# -- the schema ------------------------------------------------------------------------------------

TEXTS: Final = listed(TEXT, tuple, list)

BACKOFF: Final = tagged(
    fixed=(Fixed, record_of(Fixed, delay_ms=INT)),
    exponential=(
        Exponential,
        record_of(Exponential, initial_delay_ms=INT, max_delay_ms=INT, multiplier_permille=INT, jitter=FLAG),
    ),
)

RETRY_POLICY: Final = record_of(
    RetryPolicy,
    max_retries=INT,
    backoff=BACKOFF,
    retryable_categories=listed(TEXT, frozenset, sorted),
)

POLICY: Final = record_of(
    ExecutionPolicy,
    retry=optional(RETRY_POLICY),
    attempt_timeout_ms=optional(INT),
    max_reclaim_count=INT,
    max_replay_count=INT,
)

SPEC: Final = record_of(
    Spec,
    lane_id=TEXT,
    required=TEXTS,
    namespace=TEXT,
    execution_kind=TEXT,
    creator_identity=TEXT,
    policy=POLICY,
    quota_policy_id=optional(TEXT),
    budget_ids=TEXTS,
)


def sequence_of(make: Callable[..., Any], *kinds: Kind) -> Kind:
    """A tuple with a kind for each place."""

    def read(value: Json, path: str) -> object:
        parts = _read_list(value, path, f"a list of {len(kinds)}", len(kinds))
        return make(kind.read(parts[i], f"{path}[{i}]") for i, kind in enumerate(kinds))

    return Kind(lambda value: [kind.write(part) for kind, part in zip(kinds, value, strict=True)], read)


TERMS: Final = sequence_of(tuple, TEXT, TEXT, optional(TEXT), optional(TEXT), optional(TEXT))
GRANT: Final = sequence_of(tuple, one_of(GrantKind), INT, INT, TERMS)

TAKING: Final = sequence_of(
    tuple,
    TEXT,  # lane_id
    COUNT,  # lease_epoch
    INT,  # attempt_index
    value_of(AttemptType),
    value_of(LeaseKind),
    TEXT,  # worker_id
    TEXT,  # worker_instance_id
    Kind(lambda _prefix: "", _read_text),  # the ids are texts: who minted them does not count
)

CARGO: Final = sequence_of(tuple, optional(BYTES), optional(BYTES), TAGS)

RARE: Final = record_of(
    Rare,
    delay_until_ms=optional(INT),
    deadline_at_ms=optional(INT),
    deadline_due_ms=INT,
    attempt_timeout_at_ms=INT,
    attempt_rest_ms=optional(INT),
    blocking_reason=optional(TEXT),
    blocking_detail=TEXT,
    suspension_timeout_at_ms=optional(INT),
    suspension_behavior=TEXT,
    lease_revoked_at_ms=optional(INT),
    lease_revoke_reason=TEXT,
    last_capability_mismatch_at_ms=optional(INT),
    progress_pct=optional(INT),
    progress_message=optional(TEXT),
    progress_updated_at_ms=optional(INT),
    failure_reason=optional(TEXT),
    cancellation_reason=optional(TEXT),
    cancelled_by=optional(TEXT),
    pending_retry_reason=optional(TEXT),
    pending_replay_reason=optional(TEXT),
    pending_replay_requested_by=optional(TEXT),
    pending_previous_attempt_index=optional(INT),
)

ATTEMPT: Final = record_of(
    Attempt,
    execution_id=TEXT,
    attempt_id=TEXT,
    attempt_index=INT,
    attempt_type=one_of(AttemptType),
    attempt_state=TEXT,
    created_at_ms=INT,
    started_at_ms=INT,
    lease_id=TEXT,
    lease_epoch=INT,
    worker_id=TEXT,
    worker_instance_id=TEXT,
    ended_at_ms=optional(INT),
    failure_reason=optional(TEXT),
    failure_category=optional(TEXT),
    suspended_at_ms=optional(INT),
    suspension_id=optional(TEXT),
    resumed_at_ms=optional(INT),
    previous_attempt_index=optional(INT),
    retry_reason=optional(TEXT),
    reclaim_reason=optional(TEXT),
    replay_reason=optional(TEXT),
    replay_requested_by=optional(TEXT),
    replayed_from_attempt_index=optional(INT),
)

LINE: Final = record_of(
    LeaseEvent,
    event=TEXT,
    at_ms=INT,
    lease_id=optional(TEXT),
    lease_epoch=optional(INT),
    attempt_id=optional(TEXT),
    attempt_index=optional(INT),
    worker_id=optional(TEXT),
    worker_instance_id=optional(TEXT),
    reason=optional(TEXT),
    old_lease_epoch=optional(INT),
    new_lease_id=optional(TEXT),
    new_lease_epoch=optional(INT),
    new_attempt_id=optional(TEXT),
    new_attempt_index=optional(INT),
    replay_count=optional(INT),
    replay_type=optional(TEXT),
    requested_by=optional(TEXT),
)

PAST: Final = record_of(
    Past,
    attempts=numbered(ATTEMPT),
    history=numbered(LINE),
    noted=INT,
    first=INT,
    started_at_ms=optional(INT),
    retry_count=INT,
    replay_count=INT,
    reclaim_count=INT,
)

RECORD: Final = record_of(
    Execution,
    execution_id=TEXT,
    spec=Kind(lambda _spec: 0, _read_int),  # its number in the list of specs, filled in below
    phase=one_of(Phase),
    priority=INT,
    created_at_ms=INT,
    last_transition_at_ms=INT,
    last_mutation_at_ms=INT,
    origin=one_of(Origin),
    grant=optional(GRANT),
    taking=optional(TAKING),
    lease_id=optional(TEXT),  # as texts, filled in below
    attempt_id=optional(TEXT),
    acquired_at_ms=INT,
    expires_at_ms=INT,
    renewed_at_ms=INT,
    lost_sequence=INT,
    cargo=optional(CARGO),
    rare=optional(RARE),
    past=optional(PAST),
)


def _write_execution(record: Execution) -> dict[str, Json]:
    """A record and, though it follows, when it ended: the one witness to an end that nobody's lease saw."""
    written: dict[str, Json] = RECORD.write(record)
    if record.completed_at_ms is not None:
        written["completed_at_ms"] = record.completed_at_ms
    return written


def _read_execution(value: Json, path: str) -> Execution:
    fields = dict(_read_object(value, path))
    ended_at_ms = fields.pop("completed_at_ms", None)
    record: Execution = RECORD.read(fields, path)
    if (type(ended_at_ms), ended_at_ms) != (type(record.completed_at_ms), record.completed_at_ms):
        raise refuse(f"{path}.completed_at_ms", "the instant of its end, if it has ended")
    return record


EXECUTION: Final = Kind(_write_execution, _read_execution)

LANE: Final = record_of(
    Lane,
    lane_id=TEXT,
    state=one_of(LaneStatus),
    max_leases=optional(INT),
    aging_ms_per_point=optional(INT),
    credit=Kind(_same, _read_signed),
)

WORKER: Final = record_of(
    Registration,
    namespace=TEXT,
    worker_id=TEXT,
    worker_instance_id=TEXT,
    lanes=TEXTS,
    capabilities=TEXTS,
    liveness_ttl_ms=INT,
    max_leases=optional(INT),
    registered_at_ms=INT,
    last_heartbeat_ms=INT,
    expires_at_ms=INT,
)

AMOUNTS: Final = mapping_of(INT)

QUOTA: Final = record_of(
    Quota,
    quota_policy_id=TEXT,
    window_ms=INT,
    max_requests_per_window=INT,
    max_concurrent=INT,
    created_at_ms=INT,
    issued=listed(sequence_of(tuple, INT, INT), deque, list),
)

BUDGET: Final = record_of(
    Budget,
    budget_id=TEXT,
    hard_limits=AMOUNTS,
    soft_limits=AMOUNTS,
    reset_interval_ms=optional(INT),
    counted_from_ms=INT,
    usage=AMOUNTS,
    used_at_ms=INT,
    by_execution=mapping_of(AMOUNTS),
    keys=mapping_of(INT),
)

KEY: Final = record_of(Key, execution_id=TEXT, expires_at_ms=INT)


# -- the document ----------------------------------------------------------------------------------


def document(store: Store, now: int) -> dict[str, Json]:
    """The state as plain data: what the digest is over. Keys that have expired are no state."""
    records = [store.records[execution_id] for execution_id in sorted(store.records)]
    texts = {record.spec: _canonical(SPEC.write(record.spec)) for record in records}
    order = {text: number for number, text in enumerate(sorted(set(texts.values())))}
    executions: list[Json] = []
    for record in records:
        written = EXECUTION.write(record)
        written["spec"] = order[texts[record.spec]]
        if record.taking is not None and record.lease_id is not None:
            prefix = record.taking[PREFIX]
            written["lease_id"] = rendered(prefix, record.lease_id)
            if record.attempt_id is not None:
                written["attempt_id"] = attempt_rendered(prefix, record.attempt_id)
        if written.get("rare") == {}:
            del written["rare"]
        executions.append(written)
    alive = {name: key for name, key in store.keys.items() if key.expires_at_ms > now}
    return {
        "epoch_floor": store.epoch_floor,
        "restored_floor": store.restored_floor,
        "executions": executions,
        "keys": [[*name, KEY.write(alive[name])] for name in sorted(alive)],
        "lanes": [LANE.write(lane) for _, lane in sorted(store.lanes.items()) if lane.is_set_up],
        "workers": [WORKER.write(worker) for _, worker in sorted(store.workers.items())],
        "quotas": [_quota(quota, now) for _, quota in sorted(store.quotas.items())],
        "budgets": [_budget(budget, now) for _, budget in sorted(store.budgets.items())],
        "sequence": store.sequence,
        "specs": [json.loads(text) for text in order],
    }


def _quota(quota: Quota, now: int) -> Json:
    """A quota policy with the grants that count now."""
    quota.alive(now)
    return QUOTA.write(quota)


def _budget(budget: Budget, now: int) -> Json:
    """A budget as it stands in the present period; keys that have expired are no state."""
    written = BUDGET.write(budget)
    written["usage"] = AMOUNTS.write(budget.used(now))
    if not any(written["usage"].values()):
        written.pop("used_at_ms", None)
    written["keys"] = AMOUNTS.write({name: ms for name, ms in budget.keys.items() if not gone(ms, now)})
    return written


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(state: dict[str, Json]) -> str:
    """SHA-256 of the state, in hexadecimal."""
    return hashlib.sha256(_canonical(state).encode()).hexdigest()


def pack(state: dict[str, Json], engine: dict[str, int]) -> bytes:
    """The state and what an engine adds (incarnation, last clock reading, clamp count) as bytes."""
    body = _canonical({"engine": engine, "state": state}).encode()
    return f"{MAGIC} {VERSION} {hashlib.sha256(body).hexdigest()}\n".encode() + body


ENGINE_FIELDS: Final = ("clock_clamped", "incarnation", "last_ms")


def unpack(data: bytes) -> tuple[Store, dict[str, int]]:
    """Read a snapshot back.

    Raises:
        SnapshotInvalid: at the first thing that is not as it should be, naming its place.
    """
    if type(data) is not bytes or len(data) > MAX_SNAPSHOT_BYTES:
        raise SnapshotInvalid(f"data must be bytes, at most {MAX_SNAPSHOT_BYTES}")
    fields = _fields(_body(data), "", ("engine", "state"))
    engine = _fields(fields["engine"], "engine", ENGINE_FIELDS)
    numbers = {
        "last_ms": _read_int(engine["last_ms"], "engine.last_ms"),
        "clock_clamped": _read_count(engine["clock_clamped"], "engine.clock_clamped"),
        "incarnation": _read_count(engine["incarnation"], "engine.incarnation"),
    }
    return _store(fields["state"]), numbers


def _body(data: bytes) -> Json:
    head, _, body = data.partition(b"\n")
    words = head.split(b" ")
    if len(words) != 3 or words[0] != MAGIC.encode():  # noqa: PLR2004 - magic, version, digest
        raise SnapshotInvalid("this is no snapshot of a grantcore engine")
    if words[1] != str(VERSION).encode():
        raise SnapshotInvalid(f"the snapshot's format is not {VERSION}, the one this version reads")
    if words[2] != hashlib.sha256(body).hexdigest().encode():
        raise SnapshotInvalid("the snapshot is damaged: its digest does not fit")
    try:
        return json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise SnapshotInvalid("the snapshot holds no JSON document") from error


def _no_constant(name: str) -> Json:
    raise ValueError(name)


def _fields(value: Json, path: str, names: tuple[str, ...]) -> dict[str, Json]:
    fields = _read_object(value, path)
    if fields.keys() != set(names):
        raise refuse(path, f"an object of {', '.join(names)}")
    return fields


_STATE_FIELDS: Final = (
    "budgets",
    "epoch_floor",
    "executions",
    "keys",
    "lanes",
    "quotas",
    "restored_floor",
    "sequence",
    "specs",
    "workers",
)


_OTHERS: Final[tuple[tuple[str, Kind, Callable[[Any], object]], ...]] = (
    ("lanes", LANE, attrgetter("lane_id")),
    ("workers", WORKER, attrgetter("namespace", "worker_instance_id")),
    ("quotas", QUOTA, attrgetter("quota_policy_id")),
    ("budgets", BUDGET, attrgetter("budget_id")),
)


def _store(value: Json) -> Store:
    fields = _fields(value, "state", _STATE_FIELDS)
    specs: list[Spec] = listed(SPEC, list, list).read(fields["specs"], "specs")
    store = Store(
        sequence=_read_count(fields["sequence"], "sequence"),
        epoch_floor=_read_count(fields["epoch_floor"], "epoch_floor"),
        restored_floor=_read_count(fields["restored_floor"], "restored_floor"),
    )
    for name, kind, key in _OTHERS:
        things: list[Any] = listed(kind, list, list).read(fields[name], name)
        getattr(store, name).update({key(thing): thing for thing in things})
        if len(getattr(store, name)) != len(things):
            raise refuse(name, "each of its own name")
    specs = [attrs.evolve(spec, lane=store.lane(spec.lane_id)) for spec in specs]
    executions: list[Execution] = listed(EXECUTION, list, list).read(fields["executions"], "executions")
    takings: dict[Taking, Taking] = {}
    for i, record in enumerate(executions):
        path = f"executions[{i}]"
        number: int = record.spec  # type: ignore[assignment]
        if number >= len(specs):
            raise refuse(f"{path}.spec", "a number in the list of specs")
        record.spec = specs[number]
        if record.taking is not None:
            record.taking = takings.setdefault(record.taking, record.taking)
        if record.execution_id in store.records:
            raise refuse(path, "an execution of its own")
        _identify(record, path)
        store.records[record.execution_id] = record
    # The store keeps its records in the order they were created in.
    store.records = dict(sorted(store.records.items(), key=_created))
    _read_keys(fields["keys"], store)
    return store


def _created(item: tuple[str, Execution]) -> tuple[int, str]:
    execution_id, record = item
    return (record.created_at_ms, execution_id)


def _identify(record: Execution, path: str) -> None:
    try:
        checks.execution_id(record.execution_id)
        checks.lane_id(record.spec.lane_id)
    except GrantError as error:
        raise refuse(path, str(error)) from error


def _read_keys(value: Json, store: Store) -> None:
    for i, entry in enumerate(_read_list(value, "keys", "a list")):
        path = f"keys[{i}]"
        namespace, key, answer = _read_list(entry, path, "a list of namespace, key and answer", 3)
        store.keys[_read_text(namespace, path), _read_text(key, path)] = KEY.read(answer, path)
