"""Chapter 17: choosing (SPEC 7). Everything that could be granted is listed, and the best is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from grantcore import (
    ClaimGrant,
    ExecutionNotInEligibleSet,
    ExecutionNotReclaimable,
    Explanation,
    GrantError,
    GrantKind,
    IssueClaimGrantRequest,
    IssueReclaimGrantRequest,
    Obstacle,
    Phase,
    ReclaimGrant,
    ResumeGrant,
    Worker,
    WorkerNotFound,
)
from grantcore.testing.model import forms, vector
from grantcore.testing.model.admission import next_kind
from grantcore.testing.model.grants import Grant, Grants, Request
from grantcore.testing.model.records import ACTIVE, LOST, TERMINAL, Execution
from grantcore.testing.model.registry import Registry

MAX_LANES = 10_000
MAX_WEIGHT = 1_000_000


class Scheduling(Grants, Registry):
    """What a worker is granted next."""

    def _ranked(self, lane_id: str, found: list[Execution]) -> list[Execution]:
        """Best first. Priority, or the age of it; then those that lost their lease; then creation, id."""
        aging = self._lane(lane_id).aging_ms_per_point

        def rank(execution: Execution) -> tuple[int, bool, int, str]:
            merit = (
                execution.priority if aging is None else execution.priority * aging - execution.created_at_ms
            )
            return (-merit, execution.phase not in LOST, execution.created_at_ms, execution.execution_id)

        return sorted(found, key=rank)

    def _grantable(
        self, lane_id: str, has: Iterable[str], instance_id: str, *, reclaim: bool
    ) -> list[Execution]:
        """All that could be granted to such a worker now, best first."""
        found = [
            execution
            for execution in self.executions
            if execution.lane_id == lane_id and execution.offered and set(execution.required) <= set(has)
            if (reclaim or execution.phase not in LOST) and self._is_admitted(execution, instance_id)
        ]
        return self._ranked(lane_id, found)

    def _choose(
        self, worker: Worker, lanes: Sequence[str] | Mapping[str, int], *, reclaim: bool
    ) -> Execution | None:
        """The first lane that has something; or smooth weighted round robin over those that have."""
        heads: dict[str, Execution] = {}
        for lane_id in lanes:
            found = self._grantable(lane_id, worker.capabilities, worker.worker_instance_id, reclaim=reclaim)
            if found:
                heads[lane_id] = found[0]
        if not heads:
            return None
        if not isinstance(lanes, Mapping):
            return next(iter(heads.values()))
        weights = {lane_id: weight for lane_id, weight in lanes.items() if lane_id in heads}
        credit = {lane_id: self._lane(lane_id).credit + weight for lane_id, weight in weights.items()}
        winner = max(credit, key=lambda lane_id: credit[lane_id])
        credit[winner] -= sum(weights.values())
        if not self._is_spent(heads[winner]):
            for lane_id, left in credit.items():
                self._lane(lane_id).credit = left
        return heads[winner]

    def _is_spent(self, execution: Execution) -> bool:
        return execution.phase in LOST and self._is_capped(execution)

    def _grant_next(
        self, worker: Worker, lanes: Sequence[str] | Mapping[str, int], ttl_ms: int, *, reclaim: bool
    ) -> Grant | None:
        """One that was taken over too often ends on the way (D-05)."""
        while True:
            chosen = self._choose(worker, lanes, reclaim=reclaim)
            if chosen is None:
                return None
            if not self._is_spent(chosen):
                return self._grant_to(chosen, worker, ttl_ms)
            self._cap(chosen, self._now)

    def _grant_to(self, execution: Execution, worker: Worker, ttl_ms: int) -> Grant:
        kind = next_kind(execution)
        request = IssueClaimGrantRequest(
            worker_id=worker.worker_id,
            worker_instance_id=worker.worker_instance_id,
            lane_id=execution.lane_id,
            grant_ttl_ms=ttl_ms,
            worker_capabilities=worker.capabilities,
        )
        ends = self._issue(execution, self._now, request, kind)
        if kind is GrantKind.CLAIM:
            return ClaimGrant(execution.execution_id, ends)
        if kind is GrantKind.RESUME:
            return ResumeGrant(execution.execution_id, ends, execution.lane_id)
        return ReclaimGrant(execution.execution_id, ends, execution.lane_id)

    def _would_refuse(self, execution: Execution, request: Request) -> None:
        """Raise what issuing would; the answers of a reclaim are refusals here."""
        if isinstance(request, IssueReclaimGrantRequest):
            kind = GrantKind.RECLAIM
            if execution.phase not in LOST:
                raise ExecutionNotReclaimable
            if request.lane_id != execution.lane_id:
                raise ExecutionNotInEligibleSet
            self._must_be_free(execution)
            if self._is_capped(execution):
                raise ExecutionNotReclaimable
        else:
            kind = GrantKind.RESUME if execution.interrupted else GrantKind.CLAIM
            self._may_start(execution, request, kind)
        self._may_issue(execution, self._now, request, kind)

    # -- explaining --------------------------------------------------------------------------------

    def explain(self, execution_id: str) -> Explanation:
        """Why it is not running; the texts are nobody's contract and left out."""
        now = self._enter()
        execution = self._find(execution_id)
        workers = [w for w in self.workers if execution.lane_id in w.lanes]
        missing = {w.worker_instance_id: _lacking(execution, w.capabilities) for w in workers}
        changes = [at_ms for at_ms, _ in self._deadlines_of(execution)]
        opens = self._opens_at(execution)
        if opens is not None:
            changes.append(opens)
        return Explanation(
            execution_id=execution_id,
            lane_id=execution.lane_id,
            phase=execution.phase,
            public_state=vector.public_state(execution, self._closed_for(execution)),
            at_ms=now,
            obstacles=tuple(self._obstacles(execution)),
            lease=execution.lease if execution.phase in ACTIVE else None,
            grant=execution.grant,
            missing={} if execution.phase in TERMINAL else missing,
            next_change_at_ms=min(changes, default=None),
        )

    def _obstacles(self, execution: Execution) -> list[Obstacle]:
        """What holds it; or all that closes its shelf."""
        if execution.phase in TERMINAL:
            return [Obstacle("ended", "")]
        if execution.phase is Phase.LEASED and execution.lease is not None:
            return [Obstacle("leased", "", execution.lease.expires_at_ms)]
        if execution.grant is not None:
            return [Obstacle("granted", "", execution.grant.expires_at_ms)]
        if not execution.offered:
            ends = execution.delay_due_ms if execution.phase is Phase.DELAYED else execution.suspension_due_ms
            return [Obstacle(vector.blocking_reason(execution, None), "", ends)]
        closers = self._closers(execution, next_kind(execution))
        obstacles = [Obstacle(reason, "", ends) for _, reason, ends, _ in closers]
        if not self._is_matched(execution):
            obstacles.append(Obstacle("waiting_for_capable_worker", ""))
        return obstacles


def _lacking(execution: Execution, has: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(execution.required) - set(has)))


class ModelScheduler:
    """The calls of :class:`grantcore.Scheduler`."""

    def __init__(self, model: Scheduling) -> None:
        """Look at a model."""
        self._model = model

    def claim_for_worker(
        self,
        worker: str | Worker,
        *,
        lanes: Sequence[str] | Mapping[str, int],
        grant_ttl_ms: int,
        reclaim: bool = True,
    ) -> Grant | None:
        """The best there is for a worker."""
        found = self.claim_many_for_worker(
            worker, lanes=lanes, grant_ttl_ms=grant_ttl_ms, n=1, reclaim=reclaim
        )
        return found[0] if found else None

    def claim_many_for_worker(
        self,
        worker: str | Worker,
        *,
        lanes: Sequence[str] | Mapping[str, int],
        grant_ttl_ms: int,
        n: int,
        reclaim: bool = True,
    ) -> tuple[Grant, ...]:
        """As ``n`` calls at one instant."""
        model = self._model
        lanes = _lanes(lanes)
        forms.integer("grant_ttl_ms", grant_ttl_ms, 1, model._config.max_grant_ttl_ms)
        forms.integer("n", n, 1, 100_000)
        forms.flag("reclaim", reclaim)
        if type(worker) is not Worker:
            forms.name("worker", worker)
        model._enter()
        who = self._known_worker(worker)
        granted: list[Grant] = []
        while len(granted) < n:
            grant = model._grant_next(who, lanes, grant_ttl_ms, reclaim=reclaim)
            if grant is None:
                break
            granted.append(grant)
        return tuple(granted)

    def _known_worker(self, worker: str | Worker) -> Worker:
        """A live instance of the namespace ``default``, or who says what it has."""
        if isinstance(worker, Worker):
            return worker
        known = self._model._registration(worker, "default")
        if known is None:
            raise WorkerNotFound
        return Worker(known.worker_id, known.worker_instance_id, known.capabilities)

    def peek(self, lane_id: str, capabilities: Iterable[str], limit: int = 100) -> tuple[str, ...]:
        """What waits for a worker with these tokens and could be granted now; not what lost its lease."""
        forms.lane_id(lane_id)
        has = forms.tokens("worker", capabilities)
        forms.integer("limit", limit, 1, forms.MAX_PAGE)
        self._model._enter()
        found = self._model._grantable(lane_id, has, "", reclaim=False)
        return tuple(execution.execution_id for execution in found)[:limit]

    def would_grant(self, execution_id: str, request: Request) -> GrantError | None:
        """The refusal that issuing would give."""
        model = self._model
        if type(request) not in (IssueClaimGrantRequest, IssueReclaimGrantRequest):
            raise forms.refused("request", "a request")
        model._judge(request, type(request))
        model._enter()
        execution = model._find(execution_id)
        try:
            model._would_refuse(execution, request)
        except GrantError as refusal:
            return refusal
        return None

    def unmatched(self, lane_id: str) -> tuple[str, ...]:
        """What no live worker registered for the lane can, alone, run."""
        model = self._model
        forms.lane_id(lane_id)
        model._enter()
        found = [e for e in model.executions if e.lane_id == lane_id and e.offered]
        lost = [execution for execution in found if not model._is_matched(execution)]
        return tuple(execution.execution_id for execution in model._ranked(lane_id, lost))


def _lanes(given: object) -> tuple[str, ...] | dict[str, int]:
    """A sequence of lanes, or their weights."""
    if isinstance(given, (str, bytes)) or not isinstance(given, (Sequence, Mapping)):
        raise forms.refused("lanes", "lanes")
    named = cast("Sequence[object] | Mapping[object, object]", given)
    names = [forms.lane_id(name, "lanes") for name in named]
    if len(names) > MAX_LANES:
        raise forms.refused("lanes", f"at most {MAX_LANES}")
    if isinstance(named, Mapping):
        return {name: forms.integer("lanes", named[name], 1, MAX_WEIGHT) for name in names}
    return tuple(names)
