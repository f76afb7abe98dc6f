"""Which process this is: a counter that a fork raises in the child (SPEC 11)."""

from __future__ import annotations

import os

generation: int = 0


def _forked() -> None:
    global generation  # noqa: PLW0603 - one per process by its nature
    generation += 1


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_forked)
