"""Workers: each is one process that takes grants, works, renews, writes, and ends what it holds.

A worker knows only what it was told. While it is asleep, or its heartbeat is late, its lease may be taken
over; it goes on as if nothing had happened, writes with its old epoch, calls with its old fence, and must be
refused. Then it gives up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

from grantcore.model.time import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import simpy

    from grantcore import Lease
    from grantcore.simulation.life import Life
    from grantcore.simulation.recorder import Recorder
    from grantcore.simulation.scenario.model import Leases
    from grantcore.simulation.world.board import Board
    from grantcore.simulation.world.chronicle import Chronicle
    from grantcore.simulation.world.desk import Desk
    from grantcore.simulation.world.faults import Hazards
    from grantcore.simulation.world.hands import Hand
    from grantcore.simulation.world.resource import Resource
    from grantcore.simulation.world.terms import Grant

    Steps = Generator[simpy.Event, object, None]


@attrs.define(eq=False)
class Attempt:
    """A worker's view of what it is doing.

    Attributes:
        lease: as it was last told.
        execution_id: whose it is.
        epoch: with which it writes.
        life: the execution, as the world knows it.
        begin_ms: when it took the lease.
        end_ms: when the work is done; a pause moves it.
        renew_ms: when it renews next.
        beat_ms: between two renewals.
        strike: what befalls it; None: nothing (any more).
        strike_ms: when.
        asleep_ms: of its time, so much was pause.
    """

    lease: Lease
    execution_id: str
    epoch: int
    life: Life
    begin_ms: int
    end_ms: int
    renew_ms: int
    beat_ms: int
    strike: str | None
    strike_ms: int
    asleep_ms: int = 0


class Workers:
    """What all workers share, and their processes."""

    def __init__(
        self,
        env: simpy.Environment,
        desk: Desk,
        board: Board,
        chronicle: Chronicle,
        recorder: Recorder,
        resource: Resource,
        hazards: Hazards,
        leases: Leases,
        delivery_ms: int,
    ) -> None:
        """Nobody works yet."""
        self.busy = 0
        self.when_idle: Callable[[], None] = _nothing
        self._env = env
        self._desk = desk
        self._board = board
        self._chronicle = chronicle
        self._recorder = recorder
        self._record = recorder.record
        self._resource = resource
        self._hazards = hazards
        self._beat_ms = leases.renews_after_ms
        self._lease_ttl_ms = leases.lease_ttl_ms
        self._delivery_ms = delivery_ms

    def run(self, hand: Hand) -> Steps:
        """Run a worker, as a process: wait for a grant, use it, and be idle again."""
        env = self._env
        while True:
            self._board.rest(hand)
            grant = cast("Grant", (yield hand.inbox))
            hand.inbox = env.event()
            self.busy += 1
            self._recorder.idles(-1)
            is_alive = yield from self._use(hand, grant)
            self.busy -= 1
            self.when_idle()
            if not is_alive:
                self._recorder.down(hand.worker_id)
                yield env.timeout(self._hazards.faults.restart_ms)
                self._recorder.back(hand.worker_id)
                hand.start_again()
            self._recorder.idles(1)

    def _use(  # noqa: PLR0912 - the whole of a tenure, in order
        self, hand: Hand, grant: Grant
    ) -> Generator[simpy.Event, object, bool]:
        """Use a grant; tell whether the worker is still alive after that."""
        env = self._env
        if self._delivery_ms:
            yield env.timeout(self._delivery_ms)
        lease = self._desk.take(hand.worker, grant)
        life = self._chronicle.lives.get(grant.execution_id)
        if self._hazards.answer_is_lost():
            self._befall(lease, life)
            yield self._again()
            lease = self._desk.take(hand.worker, grant)
        if isinstance(lease, str) or life is None:
            return True
        attempt = self._attempt(hand, lease, life)
        while True:
            at_ms = min(attempt.strike_ms, attempt.end_ms, attempt.renew_ms)
            wait_ms = at_ms - env.now
            if wait_ms > 0:
                yield env.timeout(wait_ms)
            if at_ms == attempt.strike_ms:
                attempt.strike_ms = NEVER
                if attempt.strike == "poison" or (attempt.strike == "crash" and self._begins(attempt)):
                    self._vanish(attempt)
                    return False
                if attempt.strike == "pause" and self._begins(attempt):
                    yield from self._sleep(attempt)
                elif attempt.strike == "fail" and self._begins(attempt):
                    return (yield from self._end(attempt, self._desk.fail, "failed"))
            elif at_ms == attempt.end_ms:
                return (yield from self._end(attempt, self._desk.complete, "useful"))
            elif not self._is_slow(attempt):
                self._write(attempt)
                renewed = self._desk.renew(attempt.lease)
                if self._hazards.answer_is_lost():
                    yield self._again()
                    renewed = self._desk.renew(attempt.lease)
                if isinstance(renewed, str):
                    self._worked(attempt, "wasted")
                    return True
                attempt.lease = renewed
                attempt.renew_ms = int(env.now) + attempt.beat_ms

    def _attempt(self, hand: Hand, lease: Lease, life: Life) -> Attempt:
        """Begin to work, and draw what will befall the lease."""
        now = int(self._env.now)
        run_ms = life.job.run_ms * 1000 // hand.speed_permille
        fate, moment = (life.fate, life.moment) if lease.attempt_index == 0 else self._hazards.lease()
        strike = "poison" if life.poisoned else self._hazards.strike(fate)
        comes = strike is not None and strike != "slow_heartbeat"
        attempt = Attempt(
            lease,
            lease.execution_id,
            lease.lease_epoch,
            life,
            begin_ms=now,
            end_ms=now + run_ms,
            renew_ms=now + self._beat_ms,
            beat_ms=self._beat_ms,
            strike=strike,
            strike_ms=now + int(moment * run_ms) if comes else NEVER,
        )
        self._write(attempt)
        return attempt

    def _begins(self, attempt: Attempt) -> bool:
        """Tell whether what is to befall the lease may begin now."""
        assert attempt.strike is not None, "nobody else is struck"
        return self._hazards.begins(attempt.strike)

    def _again(self) -> simpy.Event:
        """The time until a call whose answer was lost is made again.

        Who does not know that it has a lease finds its grant used then; the lease lapses.
        """
        return self._env.timeout(self._hazards.faults.retry_call_ms)

    def _is_slow(self, attempt: Attempt) -> bool:
        """Tell whether the renewal that is due now will come late, and move it."""
        if attempt.strike != "slow_heartbeat":
            return False
        is_slow = self._begins(attempt)
        attempt.strike = None
        if is_slow:
            self._befall(attempt.lease, attempt.life)
            slow_ms = int(attempt.beat_ms * self._hazards.faults.slow_factor)
            attempt.renew_ms += slow_ms - attempt.beat_ms
            attempt.beat_ms = slow_ms
        return is_slow

    def _end(
        self, attempt: Attempt, call: Callable[[Lease], str | None], outcome: str
    ) -> Generator[simpy.Event, object, bool]:
        """Write and make the last call; who hears no answer calls again, and then any answer will do."""
        self._write(attempt)
        refusal = call(attempt.lease)
        self._worked(attempt, outcome if refusal is None else "wasted")
        if self._hazards.answer_is_lost():
            yield self._again()
            call(attempt.lease)
        return True

    def _vanish(self, attempt: Attempt) -> None:
        """Crash: nothing is called."""
        if attempt.strike == "poison":
            self._hazards.spread("poison")
        self._befall(attempt.lease, attempt.life)
        self._worked(attempt, "wasted")

    def _sleep(self, attempt: Attempt) -> Steps:
        """Stop as a collection of garbage would stop it, and know nothing of it afterwards."""
        self._befall(attempt.lease, attempt.life)
        asleep_ms = int(self._hazards.faults.pause_ttls * self._lease_ttl_ms)
        yield self._env.timeout(asleep_ms)
        attempt.asleep_ms += asleep_ms
        attempt.end_ms += asleep_ms

    def _befall(self, lease: Lease | str, life: Life | None) -> None:
        """Note when what will cost this lease began, if it is one and is not lost already."""
        if life is None or isinstance(lease, str):
            return
        if life.epoch == lease.lease_epoch and life.fault_ms is None:
            life.fault_ms = int(self._env.now)

    def _worked(self, attempt: Attempt, outcome: str) -> None:
        busy_ms = int(self._env.now) - attempt.begin_ms
        self._recorder.worked(busy_ms, busy_ms - attempt.asleep_ms, outcome)

    def _write(self, attempt: Attempt) -> None:
        """Write to the resource, with the epoch."""
        record = self._record
        record.effects += 1
        if not self._resource.write(attempt.execution_id, attempt.epoch):
            record.effects_refused += 1


def _nothing() -> None:
    """Nobody waits for a worker to be idle."""
