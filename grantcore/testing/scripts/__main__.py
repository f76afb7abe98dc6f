"""``python -m grantcore.testing.scripts PATH... [--rewrite]``: run them; compare or write answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from grantcore.testing.scripts.running import WrongAnswer, check, rewrite
from grantcore.testing.scripts.text import ScriptError


def main(arguments: Sequence[str]) -> int:
    """Run the scripts; the exit code is 1 if an answer was wrong, 2 if one cannot be run."""
    parser = argparse.ArgumentParser(prog="python -m grantcore.testing.scripts")
    parser.add_argument("paths", nargs="+", type=Path, help="scripts, or folders of them")
    parser.add_argument("--rewrite", action="store_true", help="write the engine's answers into the scripts")
    options = parser.parse_args(arguments)
    worst = 0
    for path in _files(options.paths):
        worst = max(worst, _rewrite(path) if options.rewrite else _check(path))
    return worst


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.glob("*.txt")) if path.is_dir() else (path,)


def _check(path: Path) -> int:
    try:
        check(path)
    except (WrongAnswer, ScriptError) as error:
        sys.stdout.write(f"{error}\n")
        return 1 if isinstance(error, WrongAnswer) else 2
    return 0


def _rewrite(path: Path) -> int:
    try:
        changed = rewrite(path)
    except ScriptError as error:
        sys.stdout.write(f"{error}\n")
        return 2
    if changed:
        sys.stdout.write(f"{path}: rewritten\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
