"""``python -m tests.conformance DIR...`` replays folders or files; 1 when anything differs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.runner import replay_file


def files(arguments: list[str]) -> Iterator[Path]:
    """Name the traces of the folders and files given; what is neither is named too, and will fail."""
    for path in map(Path, arguments):
        if path.is_dir():
            yield from sorted(path.rglob("*.jsonl"))
        else:
            yield path


def main(arguments: list[str]) -> int:
    """Replay, print every mismatch and a last line of totals."""
    if not arguments:
        print("usage: python -m tests.conformance DIR...", file=sys.stderr)
        return 2
    traces = steps = mismatches = 0
    for path in files(arguments):
        report = replay_file(path)
        for mismatch in report.mismatches:
            print(mismatch)
        traces += 1
        steps += report.steps
        mismatches += len(report.mismatches)
    print(f"{traces} traces, {steps} steps, {mismatches} mismatches")
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
