"""``python -m tests.proof FOLDER [--nightly] [--record]``: what the parts of a run reached together.

``--record`` writes the table that the README shows into ``tests/proof/RESULTS.md``.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from tests.proof.figures import FIGURES, missing, read

RESULTS: Final = Path(__file__).parent / "RESULTS.md"


def table(reached: Counter[str]) -> str:
    """One row per figure."""
    rows = [
        f"| {figure.told} | {reached[name]:,} | {figure.ci:,} | {figure.nightly:,} |"
        for name, figure in FIGURES.items()
    ]
    return "\n".join(
        ["| what | reached | wanted in `.ci/run` | wanted at night |", "|---|---|---|---|", *rows]
    )


def main(arguments: list[str]) -> int:
    """Print the table; the exit code is 1 if a figure was not reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nightly", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args(arguments)
    reached = read(options.folder)
    print(table(reached))
    lacking = missing(reached, nightly=options.nightly)
    for sentence in lacking:
        print(f"too few: {sentence}")
    if options.record and not lacking:
        made = f"`pytest -m proof` on CPython {platform.python_version()}, {platform.system()}."
        RESULTS.write_text(f"# What the last recorded run reached\n\n{made}\n\n{table(reached)}\n")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
