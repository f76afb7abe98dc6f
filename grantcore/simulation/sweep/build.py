"""Which grantcore ran: results of another one are not mixed with those of this one."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from grantcore import __version__

PACKAGE: Final = Path(__file__).parents[2]


@cache
def build() -> str:
    """Give the version, and what tells its source apart: every module of the package counts, by its text.

    Lines may end in either way. O(source), once.
    """
    return f"{__version__}+{_digest(PACKAGE)}"


def _digest(folder: Path) -> str:
    digest = sha256()
    for path in sorted(folder.rglob("*.py")):
        text = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(folder).as_posix()} {len(text)}\n".encode() + text)
    return digest.hexdigest()[:16]
