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

    from grantcore.simulation.life import Life
    from grantcore.simulation.world.hands import Hand


@attrs.define(eq=False)
class Crew:
    """Workers that can run the same.

    Attributes:
        capabilities: their tokens.
        idle: who is idle; who has been so longest goes first.
        lanes: how much there is for them, by lane; the one that served them last is last.
        hopes: something turned up since they were offered nothing.
    """

    capabilities: tuple[str, ...]
    idle: deque[Hand] = attrs.field(factory=deque["Hand"])
    lanes: dict[str, int] = attrs.field(factory=dict[str, int])
    hopes: bool = True

    def served(self, lane_id: str) -> None:
        """They were granted something of this lane: the others come first now."""
        number = self.lanes.pop(lane_id, 0)
        if number:
            self.lanes[lane_id] = number


class Board:
    """The crews, and what there is for each.

    Attributes:
        crews: those with the fewest tokens first, so that workers that can run much are kept for it.
        ring: called when somebody idle may find something.
    """

    def __init__(self, token_sets: Iterable[tuple[str, ...]], *, asks_often: bool) -> None:
        """Begin with nothing to do; crews are told apart by their tokens."""
        ordered = sorted(set(token_sets), key=lambda tokens: (len(tokens), tokens))
        self._by_tokens = {tokens: Crew(tokens) for tokens in ordered}
        self.crews = tuple(self._by_tokens.values())
        self.ring: Callable[[], None] = _silence
        self._able: dict[tuple[str, ...], tuple[Crew, ...]] = {}
        self._asks_often = asks_often

    def offer(self, life: Life) -> None:
        """Something can be granted now. O(crews that can run it)."""
        if life.offered:
            return
        life.offered = True
        lane_id = life.job.lane_id
        rings = False
        for crew in self._able_for(life.job.required_capabilities):
            crew.lanes[lane_id] = crew.lanes.get(lane_id, 0) + 1
            crew.hopes = True
            rings = rings or bool(crew.idle)
        if rings or self._asks_often:
            self._ring()

    def withdraw(self, life: Life) -> None:
        """It is granted, or gone. O(crews that can run it)."""
        if not life.offered:
            return
        life.offered = False
        lane_id = life.job.lane_id
        for crew in self._able_for(life.job.required_capabilities):
            number = crew.lanes[lane_id] - 1
            if number:
                crew.lanes[lane_id] = number
            else:
                del crew.lanes[lane_id]

    def rest(self, hand: Hand) -> None:
        """A worker is idle. O(1)."""
        crew = self._by_tokens[hand.capabilities]
        crew.idle.append(hand)
        if self._asks_often or (crew.hopes and crew.lanes):
            self._ring()

    def _ring(self) -> None:
        if self._asks_often:
            for crew in self.crews:
                crew.hopes = True
        self.ring()

    def _able_for(self, required: tuple[str, ...]) -> tuple[Crew, ...]:
        able = self._able.get(required)
        if able is None:
            able = tuple(crew for crew in self.crews if set(required).issubset(crew.capabilities))
            self._able[required] = able
        return able


def _silence() -> None:
    """Nobody listens yet."""
