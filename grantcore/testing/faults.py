"""Faults for the test suites of schedulers: seeded, counted, the same again from the seed.

A scheduler that was only tested on good days has not been tested. :class:`Faults` decides, from a seed, what
goes wrong and when; :class:`UnluckyWorker` is a worker process to which it goes wrong. Between a scheduler's
code and the engine stands the worker's own engine, which makes the calls and lets them suffer:

* ``crash``: the worker dies instead of the call: :class:`Crashed`. The scheduler's loop catches it where it
  would notice a dead process, and may :meth:`UnluckyWorker.restart` it, under the same ids;
* ``crash after``: the same, but the call was made;
* ``pause``: the worker stands still past the end of the lease it is about to use, and then goes on;
* ``late renewal``: the same before a renewal only;
* ``lost answer``: the call was made, its answer got lost: :class:`AnswerLost`; who repeats a call that is not
  repeatable is refused by the engine, and must bear that;
* ``repeated call``: the call is made twice, as a retrying transport does; the second answer counts.

And it watches. A worker that goes on with a lease after a refusal that says *stop* (``error_class`` is
``terminal``), or uses one that another life of it took, is found, whatever the engine makes of it:
:attr:`Faults.found`. ``act`` marks where the worker touches the world outside; acting without the lease is
found, too.

Code of one's own has further points: ``if faults.happens("disk full"): ...``.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, cast

from grantcore import Fenced, GrantEngine, GrantError, Lease, ManualClock, Reclaimed

CRASH: Final = "crash"
CRASH_AFTER: Final = "crash after"
PAUSE: Final = "pause"
LATE_RENEWAL: Final = "late renewal"
LOST_ANSWER: Final = "lost answer"
REPEATED_CALL: Final = "repeated call"

USUAL: Final[Mapping[str, int]] = {
    CRASH: 20,
    CRASH_AFTER: 20,
    PAUSE: 30,
    LATE_RENEWAL: 50,
    LOST_ANSWER: 30,
    REPEATED_CALL: 30,
}
"""In a thousand chances each."""

_THOUSAND: Final = 1_000

LEASE_CALLS: Final = frozenset(
    {
        "renew_lease",
        "update_progress",
        "complete_execution",
        "fail_execution",
        "delay_execution",
        "release_execution",
        "move_to_waiting_children",
        "suspend_execution",
    }
)
"""What a holder calls, with its lease first."""

WORKER_CALLS: Final = LEASE_CALLS | {
    "take",
    "claim_execution",
    "claim_resumed_execution",
    "reclaim_execution",
    "withdraw_grant",
    "heartbeat_worker",
}
"""What may go wrong: calls that a worker makes itself."""

Held = tuple[str, "str | None", "int | None"]
"""Execution, lease id, epoch."""


class Crashed(Exception):
    """The worker's process is dead; what it had in memory is gone."""


class AnswerLost(Exception):
    """The call was made, and nobody knows what came of it."""


class Faults:
    """What goes wrong, decided by a seed.

    Each kind of fault has a stream of chances of its own: a new point of one kind moves no other.

    Args:
        seed: the same seed and the same run give the same faults.
        rates: by kind, in how many of a thousand chances it happens; kinds that are not named never do.

    Attributes:
        happened: how often, by kind.
        asked: how many chances there were, by kind.
        found: what a worker did that no worker may do, as sentences.

    >>> faults = Faults(7, {"disk full": 300})
    >>> [faults.happens("disk full") for _ in range(6)]
    [True, False, False, True, False, False]
    >>> faults.happens("sunshine"), dict(faults.happened), dict(faults.asked)
    (False, {'disk full': 2, 'sunshine': 0}, {'disk full': 6, 'sunshine': 1})
    """

    def __init__(self, seed: int, rates: Mapping[str, int] = USUAL) -> None:
        """Nothing has happened yet."""
        self.seed = seed
        self.happened: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.found: list[str] = []
        self._rates = dict(rates)
        self._streams: dict[str, random.Random] = {}

    def happens(self, kind: str) -> bool:
        """Whether a fault of this kind happens here and now. O(1)."""
        if kind not in self._streams:
            self._streams[kind] = random.Random(f"{self.seed}: {kind}")
        self.asked[kind] += 1
        happens = self._streams[kind].randrange(_THOUSAND) < self._rates.get(kind, 0)
        self.happened[kind] += happens
        return happens

    def worker(
        self, engine: GrantEngine, clock: ManualClock, worker_id: str, worker_instance_id: str
    ) -> UnluckyWorker:
        """A worker process to which these faults happen."""
        return UnluckyWorker(self, engine, clock, worker_id, worker_instance_id)

    def report(self) -> str:
        """The seed; how often each kind happened; what was found."""
        lines = [f"seed {self.seed}"]
        lines += [
            f"  {self.happened[kind]:>7,} of {self.asked[kind]:,} {kind}" for kind in sorted(self.asked)
        ]
        return "\n".join([*lines, *(f"found: {sentence}" for sentence in self.found)])

    def assert_nothing_found(self) -> None:
        """Demand that no worker did what no worker may do.

        Raises:
            AssertionError: one did; the text is the report, with the seed.
        """
        if self.found:
            raise AssertionError(self.report())


class UnluckyWorker:
    """A worker process; a scheduler's code uses its :attr:`engine`.

    Attributes:
        worker_id: the identity that grants are matched against.
        worker_instance_id: the process; the same after a restart.
        engine: in place of the engine; calls that a worker makes may suffer here, all others pass.
        life: how often it was started.

    >>> from grantcore import IssueClaimGrantRequest
    >>> clock = ManualClock()
    >>> engine = GrantEngine(clock=clock)
    >>> _ = engine.create_execution(lane_id="main", execution_id="job-1")
    >>> faults = Faults(7, {PAUSE: 1_000})
    >>> ann = faults.worker(engine, clock, "ann", "ann-1")
    >>> grant = engine.issue_claim_grant("job-1", IssueClaimGrantRequest(
    ...     worker_id="ann", worker_instance_id="ann-1", lane_id="main", grant_ttl_ms=1_000))
    >>> lease = ann.engine.take(grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=5_000)
    >>> for _ in range(2):                              # a bug: it does not stop when it is told to
    ...     try:
    ...         _ = ann.engine.complete_execution(lease)
    ...     except GrantError as refusal:
    ...         print(refusal)
    lease_expired: the lease has ended
    lease_expired: the lease has ended
    >>> print(faults.report())
    seed 7
            0 of 3 crash
            0 of 1 crash after
            0 of 1 lost answer
            2 of 2 pause
            0 of 3 repeated call
    found: at 5000 ann-1 calls complete_execution on job-1 after lease_expired
    """

    def __init__(
        self,
        faults: Faults,
        engine: GrantEngine,
        clock: ManualClock,
        worker_id: str,
        worker_instance_id: str,
    ) -> None:
        """Its first life begins; use :meth:`Faults.worker`."""
        self.worker_id = worker_id
        self.worker_instance_id = worker_instance_id
        self.life = 1
        self._faults = faults
        self._real = engine
        self._clock = clock
        self._taken: dict[Held, int] = {}
        self._refused: dict[Held, str] = {}
        self.engine = self._front()

    def restart(self) -> None:
        """The process is back, with the same ids and nothing in memory; :attr:`engine` is a new one."""
        self.life += 1
        self.engine = self._front()

    def act(self, lease: Fenced) -> None:
        """The worker touches the world outside, in the name of this lease."""
        current = (_held(held) for held in self._real.leases())
        if _held(lease) not in current:
            self._tell("acts", lease, "without the lease")

    def _front(self) -> GrantEngine:
        return cast("GrantEngine", _Front(self, self.life))

    # -- one call ----------------------------------------------------------------------------------

    def call(self, life: int, name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
        """Make a call of a worker's, and let it suffer."""
        happens = self._faults.happens
        if happens(CRASH):
            raise Crashed(name)
        lease = cast("Fenced", args[0] if args else kwargs["lease"]) if name in LEASE_CALLS else None
        if lease is not None:
            self._watch(life, name, lease)
            self._stall(name, lease)
        answer = self._made(life, name, args, kwargs, lease)
        self._keep(life, answer)
        if happens(CRASH_AFTER):
            raise Crashed(name)
        if happens(LOST_ANSWER):
            raise AnswerLost(name)
        return answer

    def _stall(self, name: str, lease: Fenced) -> None:
        """Stand still until the lease has ended, if it has not."""
        happens = self._faults.happens
        if happens(PAUSE) or (name == "renew_lease" and happens(LATE_RENEWAL)):
            ends = [held.expires_at_ms for held in self._real.leases() if _held(held) == _held(lease)]
            self._clock.set(max([self._clock(), *ends]))

    def _made(
        self,
        life: int,
        name: str,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
        lease: Fenced | None,
    ) -> object:
        method: Callable[..., object] = getattr(self._real, name)
        repeats = self._faults.happens(REPEATED_CALL)
        try:
            answer = method(*args, **kwargs)
            if repeats:
                self._keep(life, answer)
                answer = method(*args, **kwargs)
        except GrantError as refusal:
            if lease is not None and refusal.error_class == "terminal":
                self._refused.setdefault(_held(lease), refusal.code)
            raise
        return answer

    def _keep(self, life: int, answer: object) -> None:
        """Remember in which life a lease was taken."""
        lease = answer.lease if isinstance(answer, Reclaimed) else answer
        if isinstance(lease, Lease):
            self._taken.setdefault(_held(lease), life)

    def _watch(self, life: int, name: str, lease: Fenced) -> None:
        """Find a worker that does not stop, or that uses what it cannot have."""
        held = _held(lease)
        if held in self._refused:
            self._tell(f"calls {name}", lease, f"after {self._refused[held]}")
        if self._taken.get(held, life) != life:
            self._tell(f"calls {name}", lease, f"with a lease of its life {self._taken[held]}")

    def _tell(self, what: str, lease: Fenced, why: str) -> None:
        where = f"at {self._clock()} {self.worker_instance_id}"
        self._faults.found.append(f"{where} {what} on {lease.execution_id} {why}")


class _Front:
    """In place of an engine, in one life of a worker."""

    def __init__(self, worker: UnluckyWorker, life: int) -> None:
        self._worker = worker
        self._life = life

    def __getattr__(self, name: str) -> object:
        if name not in WORKER_CALLS:
            return getattr(self._worker._real, name)  # noqa: SLF001 - one idea, two objects

        def call(*args: object, **kwargs: object) -> object:
            return self._worker.call(self._life, name, args, kwargs)

        return call


def _held(lease: Fenced) -> Held:
    return (lease.execution_id, lease.lease_id, lease.lease_epoch)
