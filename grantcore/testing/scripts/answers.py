"""Answers as lines of text: short, the same on every run, without minted ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import attrs

from grantcore import (
    AttemptInfo,
    ClaimGrant,
    EngineStats,
    ExecutionSnapshot,
    ExpiredLease,
    Explanation,
    Granted,
    GrantError,
    GrantRecord,
    Lease,
    LeaseEvent,
    LeaseLost,
    Reclaimed,
    ReclaimGrant,
    Refused,
    Registration,
    ResumeGrant,
    events,
)

SUBJECTS: Final = ("execution_id", "worker_instance_id", "quota_policy_id", "budget_id", "id", "lane_id")
"""What an answer or event may be about: it comes first, without its name."""

UNTOLD: Final = frozenset({"lease_id", "attempt_id", "suspension_id", "new_lease_id", "new_attempt_id"})
"""What a line leaves out: minted ids, which nobody can read."""


SILENT: Final = ""
"""The answer of a command that says nothing."""


def told(answer: object) -> list[str]:
    """The lines of an answer; of None: ``ok``; of an empty list: ``none``."""
    if answer is SILENT:
        return []
    if isinstance(answer, (tuple, list)):
        each = cast("tuple[object, ...]", answer)
        return [line for one in each for line in told(one)] or ["none"]
    if isinstance(answer, Explanation):
        return str(answer).splitlines()
    return [_line(answer)]


def refused(error: GrantError) -> str:
    """The line of a refusal: its code and what it tells beside the text."""
    told = {name: value for name, value in vars(error).items() if name != "detail"}
    return f"refused: {error.code}{_fields(told)}"


def _line(answer: object) -> str:
    match answer:
        case None:
            return "ok"
        case str() | bool() | int() | bytes():
            return _value(answer)
        case Lease():
            return lease_line(answer)
        case Granted(grant=grant):
            return _line(grant)
        case ClaimGrant() | ResumeGrant() | ReclaimGrant():
            return f"{type(answer).__name__} of {answer.execution_id} until {answer.expires_at_ms}"
        case Reclaimed(lease=lease):
            return f"Reclaimed: {lease_line(lease)}"
        case LeaseLost(execution_id=name, error=error):
            return f"{name} {refused(error)}"
        case Refused(error=error):
            return refused(error)
        case GrantError():
            return refused(answer)
        case _:
            return _record(answer)


def _record(answer: object) -> str:
    """Of what has many fields, those that a reader wants."""
    match answer:
        case ExecutionSnapshot():
            return f"{answer.execution_id} {answer.phase} {answer.public_state}"
        case ExpiredLease():
            who = f"{answer.lease.worker_id}/{answer.lease.worker_instance_id}"
            return f"{answer.execution_id} {answer.cause} at {answer.ended_at_ms}, was {who}"
        case GrantRecord():
            who = f"{answer.worker_id}/{answer.worker_instance_id}"
            return f"{answer.kind} grant to {who}, {answer.created_at_ms} until {answer.expires_at_ms}"
        case AttemptInfo():
            return _attempt(answer)
        case LeaseEvent():
            told = {name: value for name, value in _all(answer).items() if name not in {"event", "at_ms"}}
            return f"{answer.at_ms} {answer.event}{_named(told)}"
        case Registration():
            who = f"{answer.worker_id}/{answer.worker_instance_id}"
            return f"{who} has {_value(answer.capabilities)} until {answer.expires_at_ms}"
        case EngineStats():
            counts = {phase: count for phase, count in answer.executions_by_phase.items() if count}
            return f"EngineStats{_fields({**_all(answer), 'executions_by_phase': counts})}"
        case _:
            return f"{type(answer).__name__}{_fields(_all(answer))}"


def lease_line(lease: Lease) -> str:
    """A lease: how it was come by, its epoch, the attempt, the holder, its end."""
    who = f"{lease.worker_id}/{lease.worker_instance_id}"
    return (
        f"Lease ({lease.kind}) of {lease.execution_id}: epoch {lease.lease_epoch}, "
        f"attempt {lease.attempt_index} ({lease.attempt_type}), {who} until {lease.expires_at_ms}"
    )


def event_line(event: events.Event) -> str:
    """An event: when, what, of whom, what that led to, by whom."""
    subject = next(str(getattr(event, name)) for name in SUBJECTS if hasattr(event, name))
    led_to = f" -> {event.phase or 'gone'}" if isinstance(event, events.ExecutionEvent) else ""
    by = "" if event.operator is None else f" by {event.operator}"
    return f"{event.at_ms} {type(event).__name__} {subject}{led_to}{by}"


def field_line(name: str, value: object) -> str:
    """One field of an execution."""
    return f"{name}: {_value(value)}"


def _attempt(attempt: AttemptInfo) -> str:
    who = f"{attempt.worker_id}/{attempt.worker_instance_id}"
    ended = "" if attempt.ended_at_ms is None else f" at {attempt.ended_at_ms}"
    why = "" if attempt.failure_reason is None else f": {attempt.failure_reason}"
    return (
        f"{attempt.attempt_index} {attempt.attempt_type} by {who} from {attempt.started_at_ms}, "
        f"{attempt.attempt_state}{ended}{why}"
    )


def _all(answer: object) -> dict[str, object]:
    fields: tuple[attrs.Attribute[object], ...] = attrs.fields(type(answer))  # type: ignore[arg-type]
    return {field.name: getattr(answer, field.name) for field in fields}


def _fields(fields: Mapping[str, object]) -> str:
    """Those that are set, the subject first and without its name."""
    subject = next((name for name in SUBJECTS if fields.get(name) is not None), "")
    first = f" {fields[subject]}" if subject else ""
    return first + _named({name: value for name, value in fields.items() if name != subject})


def _named(fields: Mapping[str, object]) -> str:
    shown = {name: value for name, value in fields.items() if value is not None and name not in UNTOLD}
    return "".join(f" {name}={_value(value)}" for name, value in shown.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value)
        return ",".join(f"{name}:{_value(amount)}" for name, amount in pairs.items()) or "none"
    if isinstance(value, (tuple, list)):
        return ",".join(map(_value, cast("tuple[object, ...]", value))) or "nothing"
    if isinstance(value, bytes):
        return repr(value)[1:]
    if attrs.has(type(value)):
        return f"{type(value).__name__}({_fields(_all(value)).strip()})"
    return str(value)
