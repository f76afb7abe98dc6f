"""What there is to hand out, and which idle workers it could be for.

Idle workers with the same tokens are one *crew*. A crew that was offered nothing is not asked again until
something turns up that it could run, or, where the scheduler is a user's own, until anything changes. So a
look costs O(crews that may find work), whatever waits and however many are idle.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from grantcore.simulation.world.life import Life
    from grantcore.simulation.world.hands import Hand


@attrs.define(eq=False)
class Crew:
    """Idle workers that can run the same; who has been idle longest goes first."""

    capabilities: tuple[str, ...]
    idle: deque[Hand] = attrs.field(factory=deque["Hand"])
    hopes: bool = True


class Board:
    """The crews, and in which lanes something waits.

    Attributes:
        crews: those with the fewest tokens first, so that workers that can run much are kept for it.
        lanes: in which something can be granted, each with weight 1.
    """

    def __init__(self, token_sets: Iterable[tuple[str, ...]], *, asks_often: bool) -> None:
        """Begin with nothing to do; crews are told apart by their tokens."""
        ordered = sorted(set(token_sets), key=lambda tokens: (len(tokens), tokens))
        self.crews = {tokens: Crew(tokens) for tokens in ordered}
        self.lanes: dict[str, int] = {}
        self.ring: Callable[[], None] = _silence
        self._waiting: dict[str, int] = {}
        self._able: dict[tuple[str, ...], tuple[Crew, ...]] = {}
        self._asks_often = asks_often

    def offer(self, life: Life) -> None:
        """Something can be granted now."""
        if life.offered:
            return
        life.offered = True
        lane_id = life.job.lane_id
        waiting = self._waiting.get(lane_id, 0)
        self._waiting[lane_id] = waiting + 1
        if not waiting:
            self.lanes[lane_id] = 1
        asked = self.crews.values() if self._asks_often else self._able_for(life.job.required_capabilities)
        self._give_hope(asked)

    def withdraw(self, life: Life) -> None:
        """It is granted, or gone."""
        if not life.offered:
            return
        life.offered = False
        lane_id = life.job.lane_id
        waiting = self._waiting[lane_id] = self._waiting[lane_id] - 1
        if not waiting:
            del self.lanes[lane_id]

    def rest(self, hand: Hand) -> None:
        """A worker is idle."""
        crew = self.crews[hand.capabilities]
        crew.idle.append(hand)
        if self._asks_often:
            self._give_hope(self.crews.values())
        elif crew.hopes and self.lanes:
            self.ring()

    def _give_hope(self, crews: Iterable[Crew]) -> None:
        """Have these be asked, and say so if one of them has somebody idle."""
        rings = False
        for crew in crews:
            crew.hopes = True
            rings = rings or bool(crew.idle)
        if rings and self.lanes:
            self.ring()

    def _able_for(self, required: tuple[str, ...]) -> tuple[Crew, ...]:
        able = self._able.get(required)
        if able is None:
            able = tuple(crew for crew in self.crews.values() if set(required).issubset(crew.capabilities))
            self._able[required] = able
        return able


def _silence() -> None:
    """Nobody listens yet."""
