"""The scheduler: what a worker is granted next, what it could be granted, what nobody can run (SPEC 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, cast

from grantcore.engine import choosing, explaining
from grantcore.engine.choosing import Lanes, Seeker
from grantcore.engine.core import TIDYING
from grantcore.engine.facade import GrantEngine
from grantcore.model import capabilities, checks
from grantcore.model.errors import GrantError, WorkerNotFound, invalid
from grantcore.model.grants import ClaimGrant, ReclaimGrant, ResumeGrant
from grantcore.model.requests import REQUEST_TYPES, GrantRequest
from grantcore.model.workers import DEFAULT_NAMESPACE, Worker

_NOBODY: Final = ("", "", None, None, None)

MAX_PEEK: Final = 100_000
MAX_GRANTS: Final = 100_000
MAX_LANES: Final = 10_000
MAX_REMEMBERED: Final = 64
MAX_WEIGHT: Final = 1_000_000


class Scheduler:
    """A view of an engine: all its state, the position of the round robin too, is the engine's.

    >>> from grantcore import GrantEngine, ManualClock, Worker
    >>> engine = GrantEngine(clock=ManualClock())
    >>> for number, priority in enumerate([0, 5]):
    ...     _ = engine.create_execution(lane_id="main", execution_id=f"job-{number}", priority=priority)
    >>> scheduler = Scheduler(engine)
    >>> ann = Worker("ann", "ann-1", capabilities=["gpu"])
    >>> scheduler.claim_for_worker(ann, lanes=["main"], grant_ttl_ms=1000)
    ClaimGrant(execution_id='job-1', expires_at_ms=1000)
    """

    __slots__ = ("_engine", "_lanes", "_tokens")

    def __init__(self, engine: GrantEngine) -> None:
        """Look at ``engine``."""
        self._engine = checks.instance("engine", engine, GrantEngine)
        # What callers gave and was accepted, by identity; it comes again in most calls.
        self._lanes: dict[int, tuple[str, ...]] = {}
        self._tokens: tuple[object, tuple[str, ...]] = ((), ())

    def claim_for_worker(
        self,
        worker: str | Worker,
        *,
        lanes: Sequence[str] | Mapping[str, int],
        grant_ttl_ms: int,
        reclaim: bool = True,
    ) -> ClaimGrant | ResumeGrant | ReclaimGrant | None:
        """Grant a worker the best execution there is for it; ``engine.take`` uses the grant.

        The best is the head of highest priority, then one whose lease was lost, then the oldest, over all
        open shelves that the worker satisfies. What it cannot run, or a quota, a budget, a ceiling or a
        pause keeps back, hides nothing. Executions that were taken over too often end on the way (D-05).

        Args:
            worker: a live registered instance (of namespace ``default``), or who asks, with what tokens.
            lanes: in order; or weights, at least 1: smooth weighted round robin (``engine/choosing.py``).
            grant_ttl_ms: time to live in milliseconds, 1..config.max_grant_ttl_ms.
            reclaim: whether lost leases are offered as well.

        Returns:
            A grant of the kind the execution needs, or None if there is nothing for this worker now.

        Raises:
            WorkerNotFound: no live worker instance has this id.
            InvalidInput: an argument is malformed.

        O(fitting shelves of the lanes), whatever waits there. SPEC 7.
        """
        engine = self._engine
        lanes = self._read_lanes(lanes)
        self._judge(worker, grant_ttl_ms, reclaim)
        lock = engine._lock
        if lock._is_owned():
            engine._refuse_entry()
        lock.acquire()
        try:
            now = engine._begin()
            seeker = self._read_worker(worker, reclaim=reclaim)
            return choosing.grant_next(engine, now, seeker, lanes, grant_ttl_ms)
        finally:
            lock.release()

    def claim_many_for_worker(
        self,
        worker: str | Worker,
        *,
        lanes: Sequence[str] | Mapping[str, int],
        grant_ttl_ms: int,
        n: int,
        reclaim: bool = True,
    ) -> tuple[ClaimGrant | ResumeGrant | ReclaimGrant, ...]:
        """Grant a worker the ``n`` best executions, as so many calls at one instant would.

        Args:
            worker: as for one.
            lanes: as for one.
            grant_ttl_ms: as for one.
            reclaim: as for one.
            n: at most so many, 1..100,000.

        Returns:
            The grants, best first: fewer than ``n`` if there is no more. Each is a commit of its own.

        Raises: as :meth:`claim_for_worker`.

        O(n · fitting shelves). SPEC 7.
        """
        engine = self._engine
        lanes = self._read_lanes(lanes)
        checks.integer("n", n, 1, MAX_GRANTS)
        self._judge(worker, grant_ttl_ms, reclaim)
        lock = engine._lock
        if lock._is_owned():
            engine._refuse_entry()
        lock.acquire()
        try:
            now = engine._begin()
            seeker = self._read_worker(worker, reclaim=reclaim)
            granted: list[ClaimGrant | ResumeGrant | ReclaimGrant] = []
            while len(granted) < n:
                grant = choosing.grant_next(engine, now, seeker, lanes, grant_ttl_ms)
                if grant is None:
                    break
                granted.append(grant)
            return tuple(granted)
        finally:
            lock.release()

    def _judge(self, worker: object, grant_ttl_ms: object, reclaim: object) -> None:
        """Judge the form of what both calls take."""
        checks.integer("grant_ttl_ms", grant_ttl_ms, 1, self._engine._config.max_grant_ttl_ms)
        checks.flag("reclaim", reclaim)
        if type(worker) is not Worker:
            checks.identity("worker", worker)

    def _read_lanes(self, lanes: object) -> Lanes:
        """Judge the lanes; a tuple is judged once."""
        known = self._lanes.get(id(lanes))
        if known is not None and known is lanes:
            return known
        if isinstance(lanes, (str, bytes)) or not isinstance(lanes, (Sequence, Mapping)):
            raise invalid("lanes", "a sequence of lanes, or a mapping of lanes to weights")
        given = cast("Sequence[object] | Mapping[object, object]", lanes)
        names = tuple(checks.lane_id(name, "lanes") for name in islice(given, MAX_LANES + 1))
        if len(names) > MAX_LANES:
            raise invalid("lanes", f"at most {MAX_LANES}")
        if isinstance(given, Mapping):
            return {name: checks.integer("lanes", given[name], 1, MAX_WEIGHT) for name in names}
        if type(given) is tuple:
            names = cast("tuple[str, ...]", given)
            if len(self._lanes) == MAX_REMEMBERED:
                self._lanes.clear()
            self._lanes[id(names)] = names
        return names

    def _read_worker(self, worker: str | Worker, *, reclaim: bool) -> Seeker:
        """Who seeks work, under the lock: a registration may just have lapsed."""
        kinds = choosing.KINDS if reclaim else choosing.WAITING
        if isinstance(worker, str):
            known = self._engine._store.workers.get((DEFAULT_NAMESPACE, worker))
            if known is None:
                raise WorkerNotFound("no live worker instance has this id")
            terms = (known.worker_id, known.worker_instance_id, None, None, None)
            return Seeker(terms, known.capabilities, kinds)
        terms = (worker.worker_id, worker.worker_instance_id, None, None, None)
        return Seeker(terms, worker.capabilities, kinds)

    def peek(self, lane_id: str, capabilities: Iterable[str], limit: int = 100) -> tuple[str, ...]:
        """Ids of waiting executions a worker with these capabilities could be granted now, best first.

        Granted executions are not shown (I-20), nor those on closed shelves, nor lost leases
        (``engine.list_expired_leases``).

        Args:
            lane_id: the lane.
            capabilities: what the worker has.
            limit: at most so many, 1..100,000.

        Raises:
            InvalidInput, InvalidCapabilities: an argument is malformed.

        O(fitting shelves + limit). SPEC 7.
        """
        engine = self._engine
        checks.lane_id(lane_id)
        seeker = Seeker(_NOBODY, self._read_tokens(capabilities), choosing.WAITING)
        checks.integer("limit", limit, 1, MAX_PEEK)
        lock = engine._lock
        if lock._is_owned():
            engine._refuse_entry()
        lock.acquire()
        try:
            now = engine._begin()
            engine._pending = TIDYING
            best = choosing.first(engine, now, seeker, lane_id, limit)
            found = tuple(record.execution_id for record in best)
            engine._pending = None
            return found
        finally:
            lock.release()

    def _read_tokens(self, tokens: Iterable[str]) -> tuple[str, ...]:
        """Judge what a worker has; a tuple is judged once."""
        last, read = self._tokens
        if tokens is last:
            return read
        read = capabilities.read("worker", tokens)
        if type(tokens) is tuple:
            self._tokens = (tokens, read)
        return read

    def would_grant(self, execution_id: str, request: GrantRequest) -> GrantError | None:
        """The refusal that issuing this grant would give now, changing nothing; None: it would be issued.

        Args:
            execution_id: the execution.
            request: of a claim grant (for an interrupted attempt: of a resume grant), or of a reclaim grant.

        Returns:
            The refusal; what ``issue_reclaim_grant`` answers without raising is ``ExecutionNotReclaimable``,
            ``ExecutionNotInEligibleSet`` or ``CapabilityMismatch`` here.

        Raises:
            ExecutionNotFound: no such execution.
            InvalidInput: an argument is malformed.

        O(1). SPEC 7.
        """
        engine = self._engine
        if type(request) not in REQUEST_TYPES:
            raise invalid("request", "an IssueClaimGrantRequest or IssueReclaimGrantRequest")
        engine._check_request(request, type(request))
        lock = engine._lock
        if lock._is_owned():
            engine._refuse_entry()
        lock.acquire()
        try:
            now = engine._begin()
            record = engine._find(execution_id)
            return choosing.would_refuse(engine, record, now, request)
        finally:
            lock.release()

    def unmatched(self, lane_id: str) -> tuple[str, ...]:
        """Ids of everything in a lane that no live worker registered for it can, alone, run, best first.

        Empty where no worker is registered for the lane: whoever asks for work there says what it has.

        Raises:
            InvalidInput: the lane is malformed.

        O(shelves · workers + answer). SPEC 7; I-60.
        """
        engine = self._engine
        checks.lane_id(lane_id)
        lock = engine._lock
        if lock._is_owned():
            engine._refuse_entry()
        lock.acquire()
        try:
            engine._begin()
            engine._pending = TIDYING
            found = tuple(record.execution_id for record in explaining.unmatched(engine, lane_id))
            engine._pending = None
            return found
        finally:
            lock.release()
