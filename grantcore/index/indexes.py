"""All indexes and counts of one engine, moved together where a change is committed."""

from __future__ import annotations

from collections.abc import Mapping

from grantcore.index.deadlines import Deadlines
from grantcore.index.holders import Holders
from grantcore.index.rolls import Losses, Roll
from grantcore.index.waiting import Waiting
from grantcore.model.phases import ELIGIBLE, LEASED, LOST, Phase
from grantcore.model.records import Execution

Records = Mapping[str, Execution]


class Indexes:
    """Everything that can be computed from the records, kept at hand."""

    __slots__ = ("_records", "counts", "deadlines", "holders", "live_grants", "losses", "roll", "waiting")

    def __init__(self, records: Records, retention_ms: int | None) -> None:
        self._records = records
        self.deadlines = Deadlines(retention_ms)
        self.waiting = Waiting()
        self.holders = Holders()
        self.losses = Losses()
        self.roll = Roll()
        self.counts: dict[Phase, int] = dict.fromkeys(Phase, 0)
        self.live_grants = 0

    def moved(self, record: Execution, source: Phase | None, soonest: int, *, had_grant: bool) -> None:
        """Follow a committed change of one record, which was in ``source``. O(1) amortised.

        ``soonest`` is the nearest deadline the change has set; 0 lets the record be asked.
        """
        phase = record.phase
        if phase is not source:
            self._change_phase(record, source, phase)
        has_grant = record.grant is not None
        if has_grant is not had_grant:
            self.live_grants += 1 if has_grant else -1
        if phase is ELIGIBLE and not has_grant and record.queued != record.priority:
            self.waiting.offer(record)
            self.waiting.tidy(len(self._records))
        if soonest < record.filed_ms and phase is not None:
            self.deadlines.file(record)
            self.deadlines.tidy(self._records)

    def _change_phase(self, record: Execution, source: Phase | None, phase: Phase | None) -> None:
        counts = self.counts
        if source is None:
            self.roll.add(record)
        else:
            counts[source] -= 1
        if phase is None:
            self._forget(record)
        else:
            counts[phase] += 1
        if phase is LEASED:
            self.holders.add(record)
            self.holders.tidy(len(self._records))
        elif phase in LOST:
            self.losses.add(record)
            self.losses.tidy(len(self._records))

    def _forget(self, record: Execution) -> None:
        """Leave only unconfirmed entries of a purged record, and not too many."""
        record.filed_ms = -1
        live = len(self._records)
        self.roll.tidy(live)
        self.deadlines.tidy(self._records)
        self.waiting.tidy(live)
        self.holders.tidy(live)
        self.losses.tidy(live)

    @property
    def waiting_for_reclaim(self) -> int:
        """How many executions have lost their lease. O(1)."""
        return sum(self.counts[phase] for phase in LOST)

    def rebuild(self) -> None:
        """Build everything anew from the records; O(n log n)."""
        records = self._records.values()
        self.counts = dict.fromkeys(Phase, 0)
        self.live_grants = 0
        self.waiting = Waiting()
        for record in records:
            assert record.phase is not None
            self.counts[record.phase] += 1
            self.live_grants += record.grant is not None
            record.queued = None
        for record in sorted(records, key=_age):
            if record.offered:
                self.waiting.offer(record)
        self.deadlines.rebuild(records)
        self.holders.rebuild(records)
        self.losses.rebuild(records)
        self.roll.rebuild(records)


def _age(record: Execution) -> tuple[int, str]:
    return (record.created_at_ms, record.execution_id)
