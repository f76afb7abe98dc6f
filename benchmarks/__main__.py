"""``python -m benchmarks``: measure, print, and fail if a goal is missed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks import driver, finding, memory
from benchmarks.rows import table
from benchmarks.sizes import FULL, QUICK
from benchmarks.speed import Speed, mass_lapse

if TYPE_CHECKING:
    from benchmarks.rows import Row
    from benchmarks.sizes import Sizes


def measure(sizes: Sizes) -> list[Row]:
    """Measure everything; memory first, while the process holds little."""
    held = memory.rows(sizes)
    speed = Speed(sizes)
    return [*speed.rows(), mass_lapse(sizes), *finding.rows(sizes), driver.longest_stretch(sizes), *held]


def about() -> dict[str, str]:
    """Say what it was measured on."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "load before": _load(),
    }


def _load() -> str:
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def main() -> int:
    """Answer 1 if a goal is missed; small sizes are held against none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What grantcore costs.")
    parser.add_argument("--json", action="store_true", help="print the rows as data")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, no more")
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL
    described = about()
    rows = measure(sizes)
    if options.quick:
        rows = [replace(row, goal=None) for row in rows]
    if options.json:
        print(json.dumps({"about": described, "rows": [row.data() for row in rows]}, indent=2))
    else:
        print("\n".join(f"{name}: {value}" for name, value in described.items()), table(rows), sep="\n\n")
    return int(any(row.ok is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
