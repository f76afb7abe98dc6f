"""What was found and recorded: by whom, with which seed. These seeds are run forever, before all others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from tests.proof.planted.detectors import DETECTORS, Seed
from tests.proof.planted.hunting import Found
from tests.proof.planted.plants import PLANTS

SEEDS: Final = Path(__file__).parent / "seeds.json"
RESULTS: Final = Path(__file__).parent / "RESULTS.md"

Hit = tuple[str, Seed, float]
"""Detector, seed, seconds."""


def hits() -> dict[str, Hit]:
    """All that is recorded."""
    if not SEEDS.exists():
        return {}
    known: dict[str, Hit] = json.loads(SEEDS.read_text())
    return {name: known[name] for name in PLANTS if name in known}


def seeds_of(name: str) -> Sequence[tuple[str, Seed]]:
    """The detector and the seed that found a plant before; none for a new one."""
    known = hits()
    return (known[name][:2],) if name in known else ()


def record(name: str, found: Found) -> None:
    """Write both files anew, with one that was found now."""
    assert found.detector is not None
    assert found.seed is not None
    known = {**hits(), name: (found.detector, found.seed, round(found.seconds, 1))}
    lines = [f"{json.dumps(name)}: {json.dumps(known[name])}" for name in PLANTS if name in known]
    SEEDS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    RESULTS.write_text("\n".join(_page(hits())) + "\n")


def _page(known: Mapping[str, Hit]) -> list[str]:
    middle = median(seconds for _, _, seconds in known.values())
    return [
        "# Planted bugs, and what found them",
        "",
        f"{len(known)} of {len(PLANTS)} were found; median {middle:.1f} s of the processor, with the start",
        "of a process. What found a bug before was asked first, then all detectors in their order.",
        "`python -m tests.proof.planted NAME` hunts one again and prints the failure, with the shortest list",
        "of calls as a script. Without a bug nothing is found (`tests/proof/test_planted.py`).",
        "",
        "| detector | what it does |",
        "|---|---|",
        *(f"| {detector.name} | {detector.told} |" for detector in DETECTORS),
        "",
        "| bug | breaks | detector | seed | seconds |",
        "|---|---|---|---|---|",
        *(f"| {name} | {PLANTS[name].breaks} | {_told(hit)} |" for name, hit in known.items()),
    ]


def _told(hit: Hit) -> str:
    return " | ".join(map(str, hit))
