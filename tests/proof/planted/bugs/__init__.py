"""Bugs made by hand, over `model`, `rules`, `index` and `engine`."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.bugs.calls import CALLS
from tests.proof.planted.bugs.core import CORE
from tests.proof.planted.bugs.ending import ENDING
from tests.proof.planted.bugs.index import INDEX
from tests.proof.planted.bugs.lapses import LAPSES
from tests.proof.planted.bugs.model import MODEL
from tests.proof.planted.bugs.plain import PLAIN
from tests.proof.planted.bugs.runs import RUNS
from tests.proof.planted.bugs.taking import TAKING

BUGS: Final = (*MODEL, *TAKING, *ENDING, *INDEX, *CORE, *CALLS, *PLAIN, *RUNS, *LAPSES)
