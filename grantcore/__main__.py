"""``python -m grantcore``: the command line, if its extra is installed."""

from __future__ import annotations

import sys
from typing import Final

NEEDED: Final = ("click", "rich", "simpy", "matplotlib")


def main() -> None:
    """Run the command line; without one of its libraries, say what to install and exit with code 2."""
    try:
        from grantcore.simulation.command import cli

        cli(prog_name="grantcore")
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in NEEDED:
            raise
        sys.stderr.write("grantcore: the command line needs: pip install 'grantcore[simulation]'\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
