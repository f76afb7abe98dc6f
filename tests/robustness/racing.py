"""Threads that race for the same executions, and an account of who got what."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grantcore as gc
from tests.robustness.worlds import SeededIds

Work = Callable[[int], None]


@contextmanager
def frequent_switches() -> Iterator[None]:
    """Switch threads as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def run_together(count: int, work: Work) -> None:
    """Run ``work(number)`` in so many threads, all starting at once; what one raises is raised here."""
    barrier, raised = threading.Barrier(count), []

    def run(number: int) -> None:
        barrier.wait(30)
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - handed on
            raised.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    with frequent_switches():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    if raised:
        raise raised[0]


class YieldingIds(SeededIds):
    """Lets other threads run between the last guard and the first write, where a race would show."""

    def __init__(self) -> None:
        super().__init__()
        self.calling: set[int] = set()
        """Threads that are making a call."""

        self.contended = 0
        """How often a thread was between guard and write while another one wanted in."""

    def attempt_id(self) -> str:
        time.sleep(1e-5)
        self.contended += len(self.calling) > 1
        return super().attempt_id()


def answer(call: Callable[[], object]) -> object:
    """What a call answers, or the class of its refusal (of a failed assertion, if a race is planted)."""
    try:
        return call()
    except (gc.GrantError, AssertionError) as refusal:
        return type(refusal)
