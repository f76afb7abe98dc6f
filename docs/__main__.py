"""``python -m docs FOLDER``: write the pages of the API; the exit code is 1 if one of them has a fault."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from docs import build


def main(arguments: list[str]) -> int:
    """Write the pages into a folder."""
    parser = argparse.ArgumentParser(prog="python -m docs")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wrong = build(folder)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
