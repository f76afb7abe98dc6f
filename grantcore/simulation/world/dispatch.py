"""The scheduler's loop: hands out grants when something has changed, or in its interval, unless it is stalled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    import simpy

    from grantcore.simulation.world.board import Board
    from grantcore.simulation.world.desk import Desk


class Dispatcher:
    """One loop for all lanes and workers. A look costs O(crews + grants)."""

    def __init__(self, env: simpy.Environment, desk: Desk, board: Board, interval_ms: int) -> None:
        """Begin with nothing to do."""
        self._env = env
        self._desk = desk
        self._board = board
        self._interval_ms = interval_ms
        self._start_ms = int(env.now)
        self._stalled_until_ms = 0
        self._bell = env.event()
        board.ring = self._ring

    def stall(self, ms: int) -> None:
        """Do nothing for so long."""
        self._stalled_until_ms = int(self._env.now) + ms

    def run(self) -> Generator[simpy.Event, object, None]:
        """Run as a process."""
        env = self._env
        while True:
            yield self._bell
            if self._interval_ms:
                yield env.timeout((self._start_ms - int(env.now)) % self._interval_ms)
            while (wait_ms := self._stalled_until_ms - int(env.now)) > 0:
                yield env.timeout(wait_ms)
            self._bell = env.event()
            self._look()

    def _ring(self) -> None:
        if not self._bell.triggered:
            self._bell.succeed()

    def _look(self) -> None:
        """Ask for every crew that may find something, until it finds nothing."""
        board = self._board
        ask = self._desk.ask
        for crew in board.crews.values():
            idle = crew.idle
            while crew.hopes and idle and board.lanes:
                hand = idle[0]
                grant = ask(hand.worker, board.lanes)
                if grant is None:
                    crew.hopes = False
                else:
                    idle.popleft()
                    hand.inbox.succeed(grant)
