"""``python -m benchmarks``: measure, print, and fail if a goal is missed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Final

from benchmarks import frequent, growth, memory, pauses, recorded, scenario, targeted
from benchmarks.guard import Guard, watch
from benchmarks.parts import batch, lapses, lifecycle, occupied
from benchmarks.peers import everyone
from benchmarks.rows import text
from benchmarks.sizes import FULL, QUICK
from benchmarks.stock import Stock
from tests import readme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.rows import Group
    from benchmarks.sizes import Sizes

GROUPS: Final[dict[str, Callable[[Sizes, Stock], Group]]] = {
    "memory": lambda sizes, _: memory.measure(sizes),
    "parts-bytes": lambda sizes, _: occupied.measure(sizes),
    "scenario": lambda sizes, _: scenario.measure(sizes),
    "parts": lambda sizes, _: lifecycle.measure(sizes),
    "parts-batched": lambda sizes, _: batch.measure(sizes),
    "peers": lambda sizes, _: everyone.measure(sizes),
    "parts-due": lambda sizes, _: lapses.measure(sizes),
    "targeted": targeted.measure,
    "frequent": frequent.measure,
    "growth": growth.measure,
    "pauses": lambda sizes, _: pauses.measure(sizes),
}
"""In this order: memory while the process holds little, then what needs no large engine, pauses last."""


def measure(names: Iterable[str], sizes: Sizes) -> Iterator[Group]:
    """Measure the named groups, one after another."""
    stock = Stock(sizes)
    for name, group in GROUPS.items():
        if name in names:
            if name == "pauses":
                stock.clear()
            yield group(sizes, stock)


def about(sizes: Sizes) -> dict[str, str]:
    """Say what it is measured on, and whether in earnest."""
    return {
        "sizes": "full" if sizes is FULL else "small: these numbers only show that it runs",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} processors",
        "load before": _load(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    """Name the processor, where Linux tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def _load() -> str:
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def main(arguments: list[str] | None = None) -> int:
    """Answer 1 if a goal is missed, or the guard fails; small sizes are held against no goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What grantcore costs.")
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; default all")
    parser.add_argument("--json", action="store_true", help="print the rows as data")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, no more")
    parser.add_argument("--record", action="store_true", help="measure all, rewrite the recorded tables")
    parser.add_argument("--guard", action="store_true", help="compare a handful of ratios with the recorded")
    options = parser.parse_args(arguments)
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    if options.record and (options.groups or options.quick or options.guard):
        parser.error("--record goes with all groups at full size")
    if options.guard:
        return int(not watch(recorded.load().guard, Guard().measure))
    return run(options.groups or list(GROUPS), QUICK if options.quick else FULL, options)


def run(names: list[str], sizes: Sizes, options: argparse.Namespace) -> int:
    """Measure, print as it goes, and record if asked to."""
    described, began_s = about(sizes), process_time()
    groups: list[Group] = []
    if not options.json:
        print("\n".join(f"{name}: {value}" for name, value in described.items()), flush=True)
    for group in measure(names, sizes):
        groups.append(_without_goals(group) if options.quick else group)
        if not options.json:
            print(f"\n{text(groups[-1])}", flush=True)
    described["processor time"] = f"{process_time() - began_s:.0f} s"
    if options.json:
        print(json.dumps({"about": described, "groups": [group.data() for group in groups]}, indent=2))
    if options.record:
        record(recorded.Recorded(described, tuple(groups), Guard().measure().ratios))
    return int(any(row.ok is False for group in groups for row in group.rows))


def _without_goals(group: Group) -> Group:
    return replace(group, rows=tuple(replace(row, goal=None, stretch=None) for row in group.rows))


def record(run: recorded.Recorded, folder: Path = recorded.HERE) -> None:
    """Rewrite the recorded data, the table and the README."""
    run.save(folder / recorded.RECORDED.name)
    (folder / recorded.RESULTS.name).write_text(recorded.markdown(run), encoding="utf-8")
    readme.main([])


if __name__ == "__main__":
    sys.exit(main())
