"""Many leases that are due at once, one after the other: what a commit does to each, with nothing else.

A stall of the host, or one of everybody's workers, makes all leases due at the same look. While they are
plain (nobody observes, one attempt, no timeout, nothing metered) a lapse is six stores; the indexes move
once for all of them.
"""

from __future__ import annotations

from grantcore.index.indexes import Indexes
from grantcore.model.deadlines import LEASE, NONE
from grantcore.model.phases import LEASE_EXPIRED, LEASED
from grantcore.model.records import Store
from grantcore.model.time import NEVER


def lapse_leases(store: Store, indexes: Indexes, until_ms: int, limit: int | None) -> int:
    """Lapse the plain leases at the head of the time index; answer how many.

    Stops at the first deadline that is after ``until_ms``, of another kind, not plain or not confirmed.
    The row in the list of losses is the first store of each lapse: whoever finishes an interrupted run
    finds there which one it was at. O(1) each.
    """
    head = indexes.deadlines.head()
    if not head.ready or head.fresh:
        return 0
    records, waiting, losses = head.records, indexes.waiting, indexes.losses
    ended, lost, sequences = losses.ended, losses.records, losses.sequences
    first, sequence = len(lost), store.sequence
    spec, priority, line, entries = None, 0, None, 0
    for due_ms, kind, _, number in reversed(head.ready if limit is None else head.ready[-limit:]):
        record = records[number]
        if (
            kind != LEASE
            or due_ms > until_ms
            or record.filed_ms != due_ms
            or record.filed_as != LEASE
            or record.expires_at_ms != due_ms
            or record.phase is not LEASED
            or record.rare is not None
            or record.past is not None
            or not record.spec.is_plain
        ):
            break
        sequence += 1
        ended.append(due_ms)
        lost.append(record)
        sequences.append(sequence)
        record.lost_sequence = sequence
        record.last_mutation_at_ms = due_ms
        record.phase = LEASE_EXPIRED
        store.sequence = sequence
        record.filed_ms = NEVER
        record.filed_as = NONE
        if line is None or record.spec is not spec or record.priority != priority:
            spec, priority, line = record.spec, record.priority, waiting.line(record)
        entries += line.add(record)
    indexes.lapsed(head, len(lost) - first, entries)
    return len(lost) - first
