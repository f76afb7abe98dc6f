"""Events for ``logging``: one record per event, with its fields as data.

The message is short and the same for all: ``LeaseLapsed job-1``. What a formatter or handler may want is in
``extra``, as attributes of the record:

* ``event``: the name of the class; ``sequence``, ``at_ms``, ``operator``;
* ``subject``: the id of what changed, an execution, worker instance, lane, quota policy or budget;
* ``details``: everything else as plain data, less payloads and results.

Levels (:data:`LEVELS`): ERROR where work has failed for good; WARNING where somebody was late, sent away
or refused, or time cut something short; DEBUG for what happens many times in a healthy life; INFO else. An
event whose level the logger does not show costs nothing but that question.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, cast

import attrs

from grantcore import events
from grantcore.events import Event

LEVELS: Final[Mapping[type[Event], int]] = MappingProxyType(
    {
        **dict.fromkeys((events.Failed, events.ReclaimCapReached), logging.ERROR),
        **dict.fromkeys(
            (
                events.AttemptTimedOut,
                events.CapabilityMismatched,
                events.DeadlinePassed,
                events.GrantLapsed,
                events.LeaseLapsed,
                events.LeaseRevoked,
                events.RetryScheduled,
                events.SuspensionTimedOut,
                events.WorkerLapsed,
                events.WorkerMarkedDead,
            ),
            logging.WARNING,
        ),
        **dict.fromkeys(
            (
                events.BecameDue,
                events.GrantIssued,
                events.LeaseRenewed,
                events.ProgressReported,
                events.Purged,
                events.SpendRecorded,
                events.TagsChanged,
                events.UsageReported,
                events.WorkerRefreshed,
            ),
            logging.DEBUG,
        ),
    }
)
"""The level of an event, where it is not INFO."""

SUBJECTS: Final[Mapping[type[Event], str]] = MappingProxyType(
    {
        events.ExecutionEvent: "execution_id",
        events.WorkerEvent: "worker_instance_id",
        events.LaneEvent: "lane_id",
        events.QuotaEvent: "quota_policy_id",
        events.BudgetEvent: "budget_id",
    }
)
"""The field that names what changed."""

_COMMON: Final = frozenset({"sequence", "at_ms", "operator"})


def level_of(event: Event) -> int:
    """The level of an event. O(1)."""
    return LEVELS.get(type(event), logging.INFO)


def subject_of(event: Event) -> str:
    """The id of what changed. O(1)."""
    return next(str(getattr(event, field)) for kind, field in SUBJECTS.items() if isinstance(event, kind))


def details_of(event: Event) -> dict[str, object]:
    """The other fields as plain data, less what ``repr`` hides too: payloads and results. O(fields)."""
    shown = attrs.asdict(event, filter=lambda field, _: bool(field.repr), value_serializer=_plain)
    return {name: value for name, value in shown.items() if name not in _COMMON}


def _plain(_owner: object, _field: object, value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    return sorted(cast("frozenset[str]", value)) if isinstance(value, frozenset) else value


class EventLog:
    """An observer that logs.

    >>> import sys
    >>> from grantcore import GrantEngine
    >>> engine, logger = GrantEngine(), logging.getLogger("example")
    >>> logger.addHandler(logging.StreamHandler(sys.stdout))
    >>> logger.setLevel(logging.INFO)
    >>> with engine.subscribe(EventLog(logger)):
    ...     _ = engine.create_execution(lane_id="main", execution_id="job-1")
    Created job-1
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        """Log to ``logger``; default the one named ``grantcore.events``."""
        self._logger = logging.getLogger("grantcore.events") if logger is None else logger

    def __call__(self, event: Event) -> None:
        """Log an event. O(fields) if its level is shown, else O(1)."""
        level = level_of(event)
        if not self._logger.isEnabledFor(level):
            return
        name, subject = type(event).__name__, subject_of(event)
        extra = {
            "event": name,
            "sequence": event.sequence,
            "at_ms": event.at_ms,
            "operator": event.operator,
            "subject": subject,
            "details": details_of(event),
        }
        self._logger.log(level, "%s %s", name, subject, extra=extra)
