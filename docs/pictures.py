"""``python -m docs.pictures SCENARIO FOLDER``: run a scenario and write its plots as SVG."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grantcore.simulation.report import plots
from grantcore.simulation.run import run
from grantcore.simulation.scenario.reading import scenario_for


def main(arguments: list[str]) -> int:
    """Write a file for each plot, named after it."""
    parser = argparse.ArgumentParser(prog="python -m docs.pictures")
    parser.add_argument("scenario", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    record = run(scenario_for(given.scenario))
    for name in plots.PLOTS:
        (given.folder / f"{name}.svg").write_text(plots.svg(record, name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
