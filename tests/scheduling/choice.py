"""The choice of the scheduler, written once more: lists and full scans, no shelf, no index (SPEC 7, 8).

It knows executions as rows of a table and asks each row by itself whether it may be granted; the best one is
found by sorting. It shares no code with the engine, and knows of the rest of a life only what the choice
depends on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

CLAIM: Final = "ClaimGrant"
RESUME: Final = "ResumeGrant"
RECLAIM: Final = "ReclaimGrant"

Refused = tuple[str, int | None]
"""The code of a refusal, and when time alone heals it."""


@dataclass(eq=False)
class Row:
    """An execution."""

    name: str
    lane: str
    priority: int
    created_ms: int
    required: frozenset[str]
    quota: str | None
    budgets: tuple[str, ...]
    max_retries: int
    max_reclaims: int
    state: str = "waiting"  # delayed, waiting, leased, lost
    due_ms: int = 0
    interrupted: bool = False
    retries: int = 0
    reclaims: int = 0
    grant: tuple[str, str, str, int] | None = None
    """Kind, worker, instance, end."""

    lease: tuple[str, int] = ("", 0)
    """Instance, end."""

    @property
    def kind(self) -> str:
        if self.state == "lost":
            return RECLAIM
        return RESUME if self.interrupted else CLAIM

    @property
    def offered(self) -> bool:
        return self.state in ("waiting", "lost") and self.grant is None

    @property
    def holder(self) -> str | None:
        """The instance whose slot it takes."""
        if self.grant is not None:
            return self.grant[2]
        return self.lease[0] if self.state == "leased" else None


@dataclass
class LaneRow:
    state: str = "open"
    max_leases: int | None = None
    aging_ms: int | None = None
    credit: int = 0


@dataclass
class QuotaRow:
    window_ms: int
    rate: int
    cap: int
    issued: list[int] = field(default_factory=list)


@dataclass
class BudgetRow:
    hard: dict[str, int]
    interval_ms: int | None
    began_ms: int
    usage: dict[str, int] = field(default_factory=dict)
    spent: dict[str, dict[str, int]] = field(default_factory=dict)

    def look(self, now: int) -> None:
        """Begin the period it is in."""
        if self.interval_ms is not None:
            missed = (now - self.began_ms) // self.interval_ms
            if missed:
                self.began_ms += missed * self.interval_ms
                self.usage.clear()

    def next_reset_ms(self) -> int | None:
        return None if self.interval_ms is None else self.began_ms + self.interval_ms

    def used_up(self, now: int) -> bool:
        self.look(now)
        return any(hard > 0 and self.usage.get(name, 0) >= hard for name, hard in self.hard.items())

    def breaks(self, deltas: Mapping[str, int], now: int) -> bool:
        self.look(now)
        return any(
            self.hard.get(name, 0) > 0 and self.usage.get(name, 0) + amount > self.hard[name]
            for name, amount in deltas.items()
        )

    def add(self, deltas: Mapping[str, int], name: str | None = None) -> None:
        for dimension, amount in deltas.items():
            self.usage[dimension] = self.usage.get(dimension, 0) + amount
            if name is not None:
                ledger = self.spent.setdefault(name, {})
                ledger[dimension] = ledger.get(dimension, 0) + amount

    def release(self, name: str, now: int) -> None:
        self.look(now)
        for dimension, amount in self.spent.pop(name, {}).items():
            self.usage[dimension] = max(0, self.usage.get(dimension, 0) - amount)


@dataclass
class WorkerRow:
    worker: str
    lanes: tuple[str, ...]
    has: frozenset[str]
    ttl_ms: int
    ends_ms: int
    max_leases: int | None


class Choice:
    """All rows, and what the scheduler must answer."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.lanes: dict[str, LaneRow] = {}
        self.quotas: dict[str, QuotaRow] = {}
        self.budgets: dict[str, BudgetRow] = {}
        self.workers: dict[str, WorkerRow] = {}

    def lane(self, name: str) -> LaneRow:
        return self.lanes.setdefault(name, LaneRow())

    # -- time --------------------------------------------------------------------------------

    def settle(self, now: int) -> None:
        """Everything that time has done."""
        for row in self.rows.values():
            if row.grant is not None and row.grant[3] <= now:
                row.grant = None
            if row.state == "leased" and row.lease[1] <= now:
                row.state = "lost"
            if row.state == "delayed" and row.due_ms <= now:
                row.state = "waiting"
        self.workers = {name: worker for name, worker in self.workers.items() if now < worker.ends_ms}

    def next_deadline_ms(self, now: int) -> int | None:
        return min(self._deadlines(now), default=None)

    def _deadlines(self, now: int) -> Iterator[int]:
        yield from (worker.ends_ms for worker in self.workers.values())
        for row in self.rows.values():
            if row.grant is not None:
                yield row.grant[3]
            if row.state == "leased":
                yield row.lease[1]
            if row.state == "delayed":
                yield row.due_ms
            if row.offered and (opens := self._opens_ms(row, now)) is not None:
                yield opens

    def _opens_ms(self, row: Row, now: int) -> int | None:
        """When time alone opens the shelf of a row: all that closes it must end by time."""
        closed = list(self._closed(row, now, ceiling=False))
        if not closed or self.lane(row.lane).state == "paused" or not self.runnable(row):
            return None
        ends = [at_ms for _, at_ms in closed]
        return None if None in ends else max(at_ms for at_ms in ends if at_ms is not None)

    # -- admission ---------------------------------------------------------------------------

    def runnable(self, row: Row) -> bool:
        """Whether a live worker of the lane can, alone, run it; not asked where none is registered."""
        here = [worker for worker in self.workers.values() if row.lane in worker.lanes]
        return not here or any(row.required <= worker.has for worker in here)

    def _closed(self, row: Row, now: int, *, ceiling: bool = True) -> Iterator[Refused]:
        """All that keeps a row back, whoever asks, after the pause; in the order of SPEC 5."""
        if row.kind != RESUME:
            used_up = [self.budgets[name] for name in row.budgets if self.budgets[name].used_up(now)]
            for budget in used_up:
                yield "budget_exceeded", budget.next_reset_ms()
        if row.quota is not None:
            yield from self._quota_full(row, self.quotas[row.quota], now)
        most = self.lane(row.lane).max_leases
        if ceiling and most is not None and self._held(lane=row.lane) >= most:
            yield "concurrency_limit_exceeded", None

    def _quota_full(self, row: Row, quota: QuotaRow, now: int) -> Iterator[Refused]:
        quota.issued = [at_ms for at_ms in quota.issued if now < at_ms + quota.window_ms]
        if row.kind == CLAIM and quota.rate and len(quota.issued) >= quota.rate:
            opening = quota.issued[len(quota.issued) - quota.rate]
            yield "rate_limit_exceeded", opening + quota.window_ms
        if quota.cap and self._held(quota=row.quota) >= quota.cap:
            yield "concurrency_limit_exceeded", None

    def _held(self, *, lane: str | None = None, quota: str | None = None, instance: str | None = None) -> int:
        return sum(
            row.holder is not None
            and (lane is None or row.lane == lane)
            and (quota is None or row.quota == quota)
            and (instance is None or row.holder == instance)
            for row in self.rows.values()
        )

    def refusal(self, row: Row, instance: str, now: int) -> str | None:
        """What admission says to a grant for this instance."""
        if self.lane(row.lane).state == "paused":
            return "lane_paused"
        for code, _ in self._closed(row, now):
            return code
        worker = self.workers.get(instance)
        full = worker is not None and worker.max_leases is not None
        if full and self._held(instance=instance) >= (worker.max_leases or 0):  # type: ignore[union-attr]
            return "concurrency_limit_exceeded"
        return None

    def open(self, row: Row, now: int) -> bool:
        return self.lane(row.lane).state != "paused" and not list(self._closed(row, now))

    # -- order -------------------------------------------------------------------------------

    def rank(self, row: Row) -> tuple[int, bool, int, str]:
        aging_ms = self.lane(row.lane).aging_ms
        first = -row.priority if aging_ms is None else row.created_ms - row.priority * aging_ms
        return (first, row.state != "lost", row.created_ms, row.name)

    def in_order(self, rows: Iterator[Row]) -> list[Row]:
        return sorted(rows, key=self.rank)

    def peek(self, lane: str, has: frozenset[str], now: int) -> list[str]:
        fitting = (
            row
            for row in self.rows.values()
            if row.offered and row.state == "waiting" and row.lane == lane and row.required <= has
        )
        return [row.name for row in self.in_order(fitting) if self.open(row, now)]

    def unmatched(self, lane: str) -> list[str]:
        rows = (r for r in self.rows.values() if r.offered and r.lane == lane and not self.runnable(r))
        return [row.name for row in self.in_order(rows)]

    # -- the choice --------------------------------------------------------------------------

    def grant_next(
        self,
        worker: tuple[str, str, frozenset[str]],
        lanes: Sequence[str] | Mapping[str, int],
        *,
        ends_ms: int,
        reclaim: bool,
        now: int,
    ) -> tuple[str, str] | None:
        """Grant, and answer kind and name."""
        worker_id, instance, has = worker
        while (row := self._pick(instance, has, lanes, reclaim=reclaim, now=now)) is not None:
            if row.kind == RECLAIM and row.reclaims >= row.max_reclaims:
                del self.rows[row.name]
                continue
            if isinstance(lanes, Mapping):
                self._pay(instance, has, lanes, reclaim=reclaim, now=now)
            self.issue(row, worker_id, instance, ends_ms, now)
            return row.kind, row.name
        return None

    def issue(self, row: Row, worker_id: str, instance: str, ends_ms: int, now: int) -> None:
        if row.kind == CLAIM and row.quota is not None:
            self.quotas[row.quota].issued.append(now)
        row.grant = (row.kind, worker_id, instance, ends_ms)

    def _head(self, lane: str, instance: str, has: frozenset[str], *, reclaim: bool, now: int) -> Row | None:
        fitting = (
            row
            for row in self.rows.values()
            if row.offered
            and row.lane == lane
            and row.required <= has
            and (reclaim or row.state == "waiting")
            and self.refusal(row, instance, now) is None
        )
        return min(fitting, key=self.rank, default=None)

    def _pick(
        self,
        instance: str,
        has: frozenset[str],
        lanes: Sequence[str] | Mapping[str, int],
        *,
        reclaim: bool,
        now: int,
    ) -> Row | None:
        heads = [row for lane in lanes if (row := self._head(lane, instance, has, reclaim=reclaim, now=now))]
        if not isinstance(lanes, Mapping):
            return heads[0] if heads else None
        return max(heads, key=lambda row: self.lane(row.lane).credit + lanes[row.lane], default=None)

    def _pay(
        self, instance: str, has: frozenset[str], lanes: Mapping[str, int], *, reclaim: bool, now: int
    ) -> None:
        """Smooth weighted round robin: everybody with work gains its weight, the winner pays for all."""
        heads = [row for lane in lanes if (row := self._head(lane, instance, has, reclaim=reclaim, now=now))]
        for row in heads:
            self.lane(row.lane).credit += lanes[row.lane]
        winner = max(heads, key=lambda row: self.lane(row.lane).credit)
        self.lane(winner.lane).credit -= sum(lanes[row.lane] for row in heads)
