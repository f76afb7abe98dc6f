"""What a simulated fleet calls, by chance: no model of the engine, only handles on what it gave.

The faults need no machinery. There are so many places for leases and for grants; what comes to lie in a
place pushes out what was there, and that is a worker that crashed. What lies there for long is a worker that
pauses beyond its lease and goes on as if nothing had happened. Who is refused tries again now and then, and
who was answered repeats the call, as if the answer was lost. The clock steps back, the process restarts.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from grantcore import Lease
from tests.proof.simulated.leases import Grant
from tests.proof.simulated.site import Site

NAMES: Final = 48
HANDLES: Final = 24
BUSY: Final = 12
"""With fewer leases than these most workers go on with what they have."""
TTLS: Final = (10, 30, 90, 300)
ROUTE: Final = (0, 1, 2, 3) + (1, 4, 5, 1, 4, 5) * 2
"""Where to look for work: mostly in one lane."""
KINDS: Final = (0, 0, 0, 0, 1, 1, 2, 2)
"""Which grant to ask for by id: mostly one that fits."""
WHOLE_EVERY: Final = 5_000
RESTART_EVERY: Final = 20_000


class Workload:
    """A seed's sequence of calls; each move makes one call, or a few."""

    def __init__(self, seed: int, site: Site, calls: Any = None) -> None:
        """``calls`` makes the calls of the site in its place: a recorder."""
        self._random = random.Random(seed).random
        self._site = site
        self._do: Site = site if calls is None else calls
        self._named = site.setting.named
        self._names: list[str] = []
        self._lanes: dict[str, int] = {}
        self._leases: list[Lease] = []
        self._grants: list[tuple[Grant, int]] = []
        self._moves = self._table()
        self.made = 0

    def _table(self) -> tuple[Callable[[], object], ...]:
        """256 places, filled by weight."""
        weights: tuple[tuple[int, Callable[[], object]], ...] = (
            (14, self._create),
            (8, self._claim),
            (16, self._issue),
            (18, self._take),
            (134, self._renew),
            (23, self._complete),
            (9, self._let_go),
            (6, self._again),
            (9, self._of_execution),
            (7, self._order),
            (6, self._purge),
            (2, self._fleet),
            (2, self._meter),
            (2, self._look),
        )
        assert sum(weight for weight, _ in weights) == 256
        return tuple(move for weight, move in weights for _ in range(weight))

    def go(self, moves: int) -> None:
        """Make so many moves."""
        roll, table, do, hear = self._random, self._moves, self._do, self._site.hear
        for _ in range(moves):
            self.made = made = self.made + 1
            dice = int(roll() * 1024)
            if dice & 3 == 0:
                self._tick(roll())
            table[dice >> 2]()
            hear()
            if made % WHOLE_EVERY == 0:
                do.whole()
                if made % RESTART_EVERY == 0:
                    do.restart()

    def _tick(self, dice: float) -> None:
        """Mostly a little; at times beyond every lease; at times back."""
        now = self._site.now
        if dice < 0.98:
            self._do.at(now + 1 + int(dice * 4))
        elif dice < 0.99:
            self._do.at(now + int((dice - 0.98) * 20_000))
        else:
            self._do.at(max(now - 7, 0))
            self._do.now_is()

    # -- handles -----------------------------------------------------------------------------------

    def _below(self, end: int) -> int:
        return int(self._random() * end)

    def _name(self) -> str | None:
        names = self._names
        return names[int(self._random() * len(names))] if names else None

    def _place(self) -> int:
        """Where a lease lies; -1: there is none."""
        leases = self._leases
        return int(self._random() * len(leases)) if leases else -1

    def _keep(self, lease: Lease | None) -> None:
        if lease is None:
            return
        if len(self._leases) < HANDLES:
            self._leases.append(lease)
        else:
            self._leases[int(self._random() * HANDLES)] = lease

    def _drop(self, place: int) -> None:
        """Mostly whoever was refused or is done forgets its lease."""
        if self._random() < 0.5:
            leases = self._leases
            leases[place] = leases[-1]
            leases.pop()

    # -- moves -------------------------------------------------------------------------------------

    def _create(self) -> None:
        if len(self._names) >= NAMES:
            self._purge()
            return
        dice = self._below(1 << 12)
        lane = dice % 3
        name = f"e{dice % (2 * NAMES)}" if self._named else None
        created = self._do.create(
            name,
            lane,
            (lane + (dice >> 2)) & 3 if lane else 0,
            (dice >> 4) % 3,
            (dice >> 6) & 3 if lane == 1 else 0,
            (dice >> 8) if dice & 15 == 1 else 0,
            200 + (dice >> 4) if dice & 15 == 2 else 0,
        )
        if created is not None and created not in self._names:
            self._names.append(created)
            self._lanes[created] = lane

    def _purge(self) -> None:
        if self._names:
            place = self._below(len(self._names))
            name = self._names[place]
            seen = self._site.leases.seen
            if name not in seen or self._do.purge(name):
                del self._lanes[name]
                self._names[place] = self._names[-1]
                self._names.pop()
            elif self._below(40) == 0:
                self._do.replay(name)

    def _claim(self) -> None:
        dice = self._below(64)
        worker = (dice & 7) % 5 if dice & 32 else 0
        ask = self._do.claim_known if dice % 5 == 0 else self._do.claim
        self._hold_grant(ask(worker, ROUTE[dice & 15]), worker)

    def _issue(self) -> None:
        name = self._name()
        if name is not None:
            dice = self._below(256)
            worker = (dice & 7) % 5 if dice & 8 else 0
            lane = self._lanes[name] if dice > 32 else dice % 3
            self._hold_grant(self._do.issue(name, worker, lane, KINDS[(dice >> 4) & 7]), worker)

    def _hold_grant(self, grant: Grant | None, worker: int) -> None:
        if grant is None:
            return
        if len(self._grants) < HANDLES:
            self._grants.append((grant, worker))
        else:
            self._grants[self._below(HANDLES)] = (grant, worker)

    def _take(self) -> None:
        if not self._grants:
            self._claim()
            return
        dice = self._below(256)
        place = self._below(len(self._grants)) if dice & 3 == 0 else -1
        grant, worker = self._grants[place]
        if dice < 4:
            worker = (worker + 1) % 5
        if dice >= 248:
            self._do.withdraw(grant, worker)
            return
        take = self._do.take_kind if dice & 4 else self._do.take
        self._keep(take(grant, worker, TTLS[dice >> 6]))
        if dice & 15:
            self._grants[place] = self._grants[-1]
            self._grants.pop()

    def _renew(self) -> None:
        leases = self._leases
        if not leases:
            return
        dice = int(self._random() * (len(leases) << 6))
        place, dice = dice >> 6, dice & 63
        lease = leases[place]
        if dice == 0:
            self._do.renew_both(lease, leases[0], TTLS[2])
        elif dice < 4:
            self._do.progress(lease, dice)
        elif (renewed := self._do.renew(lease, TTLS[dice & 3])) is None:
            self._drop(place)
        elif dice & 4:
            leases[place] = renewed

    def _goes_on(self) -> bool:
        """Whether a worker stays with what it has."""
        return len(self._leases) < BUSY and self._below(4) > 0

    def _complete(self) -> None:
        place = self._place()
        if place < 0:
            return
        if self._goes_on():
            self._renew()
            return
        lease = self._leases[place]
        done = self._do.complete(lease)
        self._drop(place)
        if done and self._below(4):
            self._do.purge(lease.execution_id)

    def _let_go(self) -> None:
        place = self._place()
        if place < 0:
            return
        if self._goes_on():
            self._renew()
            return
        lease = self._leases[place]
        dice = self._below(64)
        how = dice & 7
        if how < 3:
            self._do.fail(lease)
        elif how == 3:
            self._do.release(lease)
        elif how == 4:
            self._do.delay(lease, dice)
        elif how == 5:
            self._do.children(lease)
        elif how == 6:
            self._do.suspend(lease, (dice >> 3) % 5, dice & 56)
        else:
            self._do.give_up(lease)
        self._drop(place)

    def _again(self) -> None:
        """The answer was lost: the same once more."""
        place = self._place()
        if place >= 0:
            lease = self._leases[place]
            if self._below(2):
                self._do.renew(lease, TTLS[1])
                self._do.renew(lease, TTLS[1])
            else:
                self._do.complete(lease)
                self._do.complete(lease)

    def _of_execution(self) -> None:
        name = self._name()
        if name is None:
            return
        dice = self._below(128)
        how = dice & 7
        if how < 3:
            self._do.promote(name)
        elif how < 5:
            self._do.resume(name, dice >> 3 if dice & 8 else 0)
        elif how == 5:
            self._do.priority(name, dice)
        elif how == 6:
            self._do.tag(name, dice)
        else:
            self._do.cancel(name)

    def _order(self) -> None:
        name = self._name()
        if name is None:
            return
        dice = self._below(64)
        how = dice & 15
        if how < 2:
            self._do.order_complete(name)
        elif how == 2:
            self._do.order_fail(name)
        elif how == 3:
            self._do.order_cancel(name)
        elif how < 7:
            self._do.revoke(name)
        elif how == 7:
            self._do.revoke_of((dice >> 4) & 3)
        elif how < 10:
            self._keep(self._do.order_claim(name, dice & 3, TTLS[dice >> 4]))
        elif how < 12:
            self._do.block(name)
        else:
            self._do.unblock(name)

    def _fleet(self) -> None:
        dice = self._below(256)
        how, worker = dice & 7, (dice >> 3) % 5
        if how < 3:
            self._do.register(worker, 30 + dice)
        elif how < 5:
            self._do.beat(worker)
        elif how == 5:
            self._do.bury(worker)
        elif how == 6:
            self._do.turn(worker % 3, 0 if dice & 32 else (dice >> 6) & 3)
        else:
            self._do.shape(worker % 3, 0 if dice & 32 else 8, 0 if dice & 64 else 5)

    def _meter(self) -> None:
        name = self._name()
        dice = self._below(32)
        if name is None or dice < 12:
            self._do.use(dice & 7)
        elif dice < 22:
            self._do.spend(name, dice & 7)
        elif dice < 28:
            self._do.refund(name)
        else:
            self._do.refill()

    def _look(self) -> None:
        name = self._name()
        if name is not None:
            self._do.look(self._below(7), name)
