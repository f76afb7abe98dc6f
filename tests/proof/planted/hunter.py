"""The other end of :func:`tests.proof.planted.hunting.hunt`: an order on stdin, an answer on stdout."""

from __future__ import annotations

import json
import signal
import sys
import time
from types import FrameType
from typing import Any, Final

from tests.proof.planted import detectors
from tests.proof.planted.altered import install

LOOK_SECONDS: Final = 20
"""Of the processor, for one look: the longest takes about three. What takes longer does not end."""


class Endless(BaseException):
    """A look did not come to an end. Nobody takes it for an error of a clock or an observer."""


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise Endless(f"no end after {LOOK_SECONDS} s")


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """Alter what is ordered, then look."""
    install(order["sources"])
    signal.signal(signal.SIGVTALRM, _give_up)
    if not order["told"]:
        detectors.leave_failures_long()
    for detector, seed in detectors.looks(order["first"]):
        signal.setitimer(signal.ITIMER_VIRTUAL, LOOK_SECONDS, 1)  # and again, should anybody keep it
        try:
            detector.look(seed)
        except (Exception, Endless) as error:  # noqa: BLE001 - whatever is raised, the bug has been found
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            return {"detector": detector.name, "seed": seed, "told": f"{type(error).__name__}: {error}"}
    return {"detector": None, "seed": None, "told": ""}


def main() -> None:
    """Answer one order; what the detectors print goes to stderr."""
    out, sys.stdout = sys.stdout, sys.stderr
    found = answer(json.load(sys.stdin))
    print(json.dumps({**found, "seconds": time.process_time()}), file=out)


if __name__ == "__main__":
    main()
