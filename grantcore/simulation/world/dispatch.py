"""The scheduler's loop: hands out grants when something has changed, unless it is stalled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import simpy

    from grantcore.simulation.life import Life
    from grantcore.simulation.world.board import Board
    from grantcore.simulation.world.desk import Desk


class Dispatcher:
    """One loop for all lanes and workers. A look costs O(crews + grants)."""

    def __init__(
        self, env: simpy.Environment, desk: Desk, board: Board, lives: Mapping[str, Life], interval_ms: int
    ) -> None:
        """Begin with nothing to do."""
        self._env = env
        self._desk = desk
        self._board = board
        self._lives = lives
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
        """Ask for every crew that may find something, until it finds nothing.

        A look may also end executions on the way (SPEC D-05); then one asks again.
        """
        ask = self._desk.ask
        lives = self._lives
        for crew in self._board.crews:
            idle, lanes = crew.idle, crew.lanes
            while idle and lanes and crew.hopes:
                alive = len(lives)
                grant = ask(idle[0].worker, lanes)
                if grant is not None:
                    if life := lives.get(grant.execution_id):
                        crew.served(life.job.lane_id)
                    idle.popleft().inbox.succeed(grant)
                elif len(lives) == alive:
                    crew.hopes = False
