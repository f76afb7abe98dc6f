"""All planted bugs."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.bugs import BUGS
from tests.proof.planted.decisions import DECISIONS
from tests.proof.planted.plant import Plant

PLANTS: Final[dict[str, Plant]] = {plant.name: plant for plant in (*DECISIONS, *BUGS)}
"""By name."""

assert len(PLANTS) == len(DECISIONS) + len(BUGS), "two plants of one name"
