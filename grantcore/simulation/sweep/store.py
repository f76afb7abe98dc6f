"""Finished runs, each a file, so that a sweep that was interrupted goes on where it stopped.

The name of a file is the digest of everything that decides the run (``plan.Run.digest``); the file says what
was run, what came of it, and a digest of itself. It appears whole or not at all: it is written beside, then
renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Final, cast

import attrs

from grantcore.simulation.sweep.work import Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORM: Final = 1
"""Of the files; another one is not read."""


class NotThisRun(ValueError):
    """A file in the place of a run is damaged, or not of that run."""


def canonical(data: Mapping[str, object]) -> str:
    """Write data as JSON in the one form that is digested.

    >>> canonical({"b": 1, "a": [0.5, None]})
    '{"a":[0.5,null],"b":1}'
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(data: Mapping[str, object]) -> str:
    """Give the SHA-256 of data, in hexadecimal."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


@attrs.frozen
class Store:
    """The folder of a sweep's finished runs; it is made when the first one is kept."""

    folder: Path

    def path(self, digest: str) -> Path:
        """Tell where the run of this digest is kept."""
        return self.folder / f"{digest}.json"

    def keep(self, digest: str, work: Mapping[str, object], result: Result) -> None:
        """Keep a finished run. All of the file or none of it is there at any instant.

        Raises:
            OSError: it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"form": FORM, "run": digest, "work": dict(work), "result": result.as_data()}
        beside = self.folder / f".{digest}.{os.getpid()}.part"
        try:
            with beside.open("w", encoding="utf-8") as file:
                file.write(canonical({**content, "sha256": digest_of(content)}) + "\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path(digest))
        finally:
            beside.unlink(missing_ok=True)

    def find(self, digest: str) -> Result | None:
        """Give what came of the run of this digest; None: it is not here.

        Raises:
            NotThisRun: the file is damaged, of another form, or of another run; the text says which.
            OSError: it cannot be read.
        """
        path = self.path(digest)
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        content = _content(text, path.name)
        if content.pop("sha256", None) != digest_of(content):
            raise NotThisRun(f"{path.name} is damaged: its digest is not that of its content")
        if content.get("form") != FORM:
            raise NotThisRun(f"{path.name} has form {content.get('form')!r}, not {FORM}")
        if content.get("run") != digest:
            raise NotThisRun(f"{path.name} is of another run: {content.get('run')!r}")
        try:
            return Result.from_data(cast("Mapping[str, object]", content["result"]))
        except ValueError as problem:
            raise NotThisRun(f"{path.name} is of no use: {problem}") from problem


def _content(text: bytes, name: str) -> dict[str, object]:
    """Read the JSON object of a file."""
    try:
        content: object = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        raise NotThisRun(f"{name} is damaged: {problem}") from problem
    if not isinstance(content, dict):
        raise NotThisRun(f"{name} is damaged: it is no JSON object")
    return cast("dict[str, object]", content)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
