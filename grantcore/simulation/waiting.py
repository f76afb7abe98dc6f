"""A progress bar for what takes longer than two seconds, on a terminal; elsewhere nothing."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from types import TracebackType

AFTER_S: Final = 2.0


class Bar:
    """Shows how far something is, on stderr; it appears after two seconds and goes when all is over.

    >>> with Bar("simulating") as bar:  # not a terminal: nothing is shown
    ...     bar.tell(0.5)
    """

    def __init__(self, what: str) -> None:
        """Name what goes on."""
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(what, total=1.0)
        self._timer = threading.Timer(AFTER_S, self._progress.start)
        self._timer.daemon = True
        self._seen = sys.stderr.isatty()

    def __enter__(self) -> Self:
        """Begin to wait for the two seconds."""
        if self._seen:
            self._timer.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        if self._seen:
            self._timer.cancel()
            self._timer.join()
            self._progress.stop()

    def tell(self, share: float, what: str | None = None) -> None:
        """Show that this share, 0..1, is done, and what goes on now."""
        if self._seen:
            self._progress.update(self._task, completed=share, description=what)
