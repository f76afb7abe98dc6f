"""Where traces are: those kept here, and all of them where the corpus lies beside the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Final

KEPT: Final = Path(__file__).parent / "traces"
CORPUS: Final = Path(__file__).parents[2].parent / "shared" / "conformance"


def kept() -> list[Path]:
    """Name the traces in this repository."""
    return sorted(KEPT.glob("*.jsonl"))


def others() -> list[Path]:
    """Name the traces of the corpus that are not kept here; none when it is not there."""
    names = {path.name for path in kept()}
    return [path for path in sorted(CORPUS.glob("*/*.jsonl")) if path.name not in names]
