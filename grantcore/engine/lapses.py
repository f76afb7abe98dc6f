"""Many leases that are due at once, one after the other: what a commit does to each, with nothing else.

A stall of the host, or one of everybody's workers, makes all leases due at the same look. While they are
plain (nobody observes, one attempt, no timeout, nothing metered) a lapse is six stores; the indexes move
once for all of them.
"""

from __future__ import annotations

from grantcore.index.deadlines import KIND_BITS
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
    records = head.records
    losses = indexes.losses
    ended, lost, sequences = losses.ended, losses.records, losses.sequences
    first, sequence = len(lost), store.sequence
    for order, _, number in reversed(head.ready if limit is None else head.ready[-limit:]):
        record = records[number]
        due_ms = record.expires_at_ms
        if (
            due_ms << KIND_BITS | LEASE != order
            or due_ms > until_ms
            or record.phase is not LEASED
            or record.filed_as is not LEASE
            or record.filed_ms != due_ms
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
    indexes.lapsed(head, lost[first:])
    return len(lost) - first
