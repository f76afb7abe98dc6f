"""One OpenTelemetry span per lease, from taking it to its end (extra ``otel``: the API alone).

A span begins at ``acquired_at_ms`` and ends at the instant of the event that ends the lease: an engine's
instants are milliseconds since the epoch when its clock is a ``SystemClock``. Its attributes name the
execution, lane, worker, instance, epoch and attempt; renewals and progress are span events; the attribute
``grantcore.end`` is the name of the event that ended it. The status is OK for a completed lease, ERROR
where the lease was lost or the attempt failed, unset where the work was only put off.

Leases taken before the observer was subscribed have no span.
"""

from __future__ import annotations

from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from grantcore import events
from grantcore.events import Event
from grantcore.model.leases import Lease
from grantcore.observing import tenures

NS_PER_MS: Final = 1_000_000

FAILURES: Final = (events.RetryScheduled, events.Failed)


class LeaseSpans:
    """An observer that traces; holds as many spans as there are leases.

    >>> from grantcore import GrantEngine
    >>> subscription = GrantEngine().subscribe(LeaseSpans())
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        """Trace with ``tracer``; default one named ``grantcore`` of the global provider."""
        self._tracer = trace.get_tracer("grantcore") if tracer is None else tracer
        self._open: dict[tenures.Key, Span] = {}

    def __call__(self, event: Event) -> None:
        """Begin, note or end a span. O(1)."""
        begun, ended = tenures.begun(event), tenures.ended(event)
        if begun is not None:
            self._begin(begun)
        elif ended is not None:
            self._end(ended, event)
        elif isinstance(event, events.LeaseRenewed):
            self._renewed(event)

    def _begin(self, lease: Lease) -> None:
        self._open[tenures.key(lease)] = self._tracer.start_span(
            f"lease {lease.lane_id}",
            kind=SpanKind.CONSUMER,
            attributes={
                "grantcore.execution_id": lease.execution_id,
                "grantcore.lane_id": lease.lane_id,
                "grantcore.lease_id": lease.lease_id,
                "grantcore.lease_epoch": lease.lease_epoch,
                "grantcore.lease_kind": lease.kind.value,
                "grantcore.attempt_index": lease.attempt_index,
                "grantcore.attempt_type": lease.attempt_type.value,
                "grantcore.worker_id": lease.worker_id,
                "grantcore.worker_instance_id": lease.worker_instance_id,
            },
            start_time=lease.acquired_at_ms * NS_PER_MS,
        )

    def _renewed(self, event: events.LeaseRenewed) -> None:
        span = self._open.get(tenures.key(event.lease))
        if span is not None:
            until = {"grantcore.expires_at_ms": event.lease.expires_at_ms}
            span.add_event("renewed", until, timestamp=event.at_ms * NS_PER_MS)

    def _end(self, lease: Lease, event: Event) -> None:
        # A lost lease that is let go of later has had its end already.
        span = self._open.pop(tenures.key(lease), None)
        if span is not None:
            span.set_attribute("grantcore.end", type(event).__name__)
            if event.operator is not None:
                span.set_attribute("grantcore.operator", event.operator)
            span.set_status(_status(event))
            span.end(event.at_ms * NS_PER_MS)


def _status(event: Event) -> Status:
    if isinstance(event, events.Completed):
        return Status(StatusCode.OK)
    if isinstance(event, (*tenures.TAKEN, *FAILURES)):
        return Status(StatusCode.ERROR, getattr(event, "reason", type(event).__name__))
    return Status(StatusCode.UNSET)
