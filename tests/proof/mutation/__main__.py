"""``python -m tests.proof.mutation [--files PATH...] [--sample N] [--seed S] [--record]``: try mutants.

``--files`` are modules below ``grantcore``, all by default, or single mutants (``rules/fencing.py:7``);
``--record`` keeps the score.
"""

from __future__ import annotations

import argparse
import sys

from tests.proof.mutation.mutants import Mutant, modules, mutant
from tests.proof.mutation.scores import keep
from tests.proof.mutation.trials import Score, drawn, trials
from tests.proof.planted.hunting import Found


def _row(tried: Mutant, found: Found) -> str:
    who = f"{found.detector} {found.seed}" if found.detector else "SURVIVES"
    return f"| {tried.name} | {tried.line} | `{tried.told}` | {who} | {found.seconds:.1f} |"


def main(arguments: list[str]) -> int:
    """Try a sample, tell each, and the score."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.mutation")
    parser.add_argument("--files", nargs="*", default=modules())
    parser.add_argument("--sample", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args(arguments)
    single = [name.split(":") for name in options.files if ":" in name]
    paths = [name for name in options.files if ":" not in name]
    mutants = [mutant(path, int(number)) for path, number in single]
    mutants += drawn(paths, options.sample, options.seed)
    score = Score()
    for tried, found in trials(mutants, options.workers):
        score.add(tried, found)
        print(_row(tried, found), flush=True)
        if options.record:
            keep(score, options.seed)
    for layer, number in sorted(score.tried.items()):
        print(f"{layer}: {score.killed[layer]} of {number} killed")
    print(f"all: {score.killed.total()} of {score.tried.total()} killed, {score.share:.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
