"""``python -m tests.proof.planted NAME... | --record [NAME...]``: hunt planted bugs; no name means all."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.proof.planted.hunting import Found, hunt
from tests.proof.planted.plants import PLANTS
from tests.proof.planted.recorded import record, seeds_of

SECONDS = 600
WORKERS = 2


def _again(name: str) -> int:
    """Hunt one as it was found before, and tell all there is to tell."""
    plant = PLANTS[name]
    found = hunt(plant.sources(), seconds=SECONDS, first=seeds_of(name), told=True)
    print(f"# {name}: {plant.breaks}")
    for edit in plant.edits:
        print(f"# {edit.path}:\n- {edit.old.strip()}\n+ {edit.new.strip()}")
    print(f"# found by {found.detector}, seed {found.seed}, in {found.seconds:.1f} s:\n{found.told}\n")
    return found.seed is None


def _record(names: list[str]) -> int:
    """Hunt some as if nothing was known, and record who found them."""

    def one(name: str) -> Found:
        found = hunt(PLANTS[name].sources(), seconds=SECONDS)
        print(f"{name}: {found.detector}, seed {found.seed}, {found.seconds:.1f} s", flush=True)
        return found

    escaped: list[str] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for name, found in zip(names, pool.map(one, names), strict=True):
            if found.seed is None:
                escaped.append(name)
            else:
                record(name, found)
    print(f"not found: {escaped}")
    return len(escaped)


def main(arguments: list[str]) -> int:
    """Hunt; the exit code is 0 if each is found."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.planted")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args(arguments)
    return _record(options.names or list(PLANTS)) if options.record else sum(map(_again, options.names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
