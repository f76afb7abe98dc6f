"""``python -m grantcore``: the command line, if its extra is installed."""

from __future__ import annotations

import sys
from typing import Final

NEEDED: Final = ("click", "rich")


def main() -> None:
    """Run the command line; without click and rich, say what to install and exit with code 2."""
    try:
        from grantcore.simulation.command import cli
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in NEEDED:
            raise
        sys.stderr.write("grantcore: the command line needs: pip install 'grantcore[simulation]'\n")
        raise SystemExit(2) from None
    cli(prog_name="grantcore")


if __name__ == "__main__":
    main()
