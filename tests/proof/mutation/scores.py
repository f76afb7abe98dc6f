"""The recorded score of a sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tests.proof.mutation.trials import Score

SCORE: Final = Path(__file__).parent / "score.json"


def keep(score: Score, seed: int) -> None:
    """Record a score."""
    kept = {"seed": seed, "tried": dict(score.tried), "killed": dict(score.killed)}
    SCORE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def recorded() -> Score:
    """The score that was recorded."""
    kept = json.loads(SCORE.read_text())
    score = Score()
    score.tried.update(kept["tried"])
    score.killed.update(kept["killed"])
    return score
