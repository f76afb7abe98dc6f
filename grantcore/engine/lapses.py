"""Many leases that are due at once, one after the other: what a commit does to each, with nothing else.

A stall of the host, or one of everybody's workers, makes all leases due at the same look. While they are
plain (nobody observes, one attempt, no timeout, nothing metered) a lapse is four stores; the indexes move
once for a whole run of them.
"""

from __future__ import annotations

from typing import Final

from grantcore.index.indexes import Indexes
from grantcore.model.deadlines import LEASE
from grantcore.model.phases import LEASE_EXPIRED, LEASED
from grantcore.model.records import Execution, Spec, Store
from grantcore.model.time import NEVER

MAX_RUN: Final = 2_048
"""So many records stay in the processor's cache until the indexes follow."""


def lapse_leases(
    store: Store, indexes: Indexes, run: list[Execution], until_ms: int, limit: int | None
) -> None:
    """Lapse the plain leases at the head of the time index, and list them in ``run``.

    Stops at the first deadline that is after ``until_ms``, of another kind, not plain or not confirmed. To be
    listed is the first store of each lapse: whoever finishes an interrupted run finds there how far it came.
    O(1) each.
    """
    head = indexes.deadlines.head
    until_ms = min(until_ms, head.last_ms)  # what counts no longer may be filed after that
    sequence, spec, priority, alike = store.sequence, None, 0, run
    groups: dict[tuple[Spec, int], list[Execution]] = {}
    for record in head.soonest(MAX_RUN if limit is None else min(limit, MAX_RUN)):
        expires_at_ms = record.expires_at_ms
        if (
            record.filed_as != LEASE
            or record.filed_ms != expires_at_ms
            or expires_at_ms > until_ms
            or record.phase is not LEASED
            or record.rare is not None
            or record.past is not None
        ):
            break
        if record.spec is not spec or record.priority != priority:
            spec, priority = record.spec, record.priority
            if not spec.is_plain:
                break
            alike = groups.setdefault((spec, priority), [])
        run.append(record)
        sequence += 1
        record.lost_sequence = sequence
        record.last_mutation_at_ms = expires_at_ms
        record.phase = LEASE_EXPIRED
        record.filed_ms = NEVER
        alike.append(record)
    if run:
        store.sequence = sequence
        indexes.lapsed(run, groups.values())
