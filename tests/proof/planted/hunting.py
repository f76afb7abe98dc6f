"""Hunting a bug in a process of its own: altered source in, what was found out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from tests.proof.planted.altered import Sources
from tests.proof.planted.detectors import Seed

ROOT: Final = Path(__file__).parents[3]

ENVIRONMENT: Final = {"PYTHONHASHSEED": "0", "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""The same answer every time; and tests that run here need no plugins."""

HANGS: Final = "time"
"""In place of a detector: it did not come to an end."""

IMPORT: Final = "import"
"""In place of a detector: there is no programme."""


@attrs.frozen
class Found:
    """What a hunt came to.

    Attributes:
        detector: who found it; None: nobody did.
        seed: with which seed.
        seconds: of the processor, with the start of the process: on an idle machine, how long that took.
        told: the failure: for a compared run, the shortest list of calls as a script.
    """

    detector: str | None
    seed: Seed | None
    seconds: float
    told: str


def hunt(
    sources: Sources,
    *,
    seconds: float,
    first: Sequence[tuple[str, Seed]] = (),
    told: bool = False,
) -> Found:
    """Ask the detectors about altered source.

    Args:
        sources: the altered modules.
        seconds: after so many, by the clock, it is given up.
        first: detectors and their seeds that are to be asked before all others.
        told: whether a compared run is to be shortened; that takes time.
    """
    order = {"sources": sources, "first": first, "told": told}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.proof.planted.hunter"],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(json.dumps(order), timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return Found(HANGS, None, seconds, "")
    if process.returncode:
        return Found(IMPORT, None, 0, err[-2_000:])
    return Found(**json.loads(out.splitlines()[-1]))
