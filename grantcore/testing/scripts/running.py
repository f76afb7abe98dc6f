"""Running a script, comparing its answers, and writing them anew."""

from __future__ import annotations

import difflib
from pathlib import Path

from grantcore.testing.scripts.around import answer
from grantcore.testing.scripts.stage import Stage
from grantcore.testing.scripts.text import Exchange, Part, ScriptError, parse, written
from grantcore.testing.scripts.words import Misspelt


class WrongAnswer(AssertionError):
    """A script has another answer than the engine gives; the text is the difference."""


def run(text: str, name: str = "script") -> str:
    r"""Run a script on a fresh engine, with a clock that only the script moves, and seeded ids.

    After every answer the engine checks its invariants.

    Args:
        text: the script.
        name: of its file, for errors.

    Returns:
        The script, with the answers that the engine gives.

    Raises:
        ScriptError: it cannot be run; the text names file and line.

    >>> print(run("create job-1\n----\n"), end="")
    create job-1
    ----
    Created job-1 public_state=waiting
    """
    stage = Stage()
    return written(tuple(_answered(stage, part, name) for part in parse(text, name)))


def _answered(stage: Stage, part: Part, name: str) -> Part:
    if not isinstance(part, Exchange):
        return part
    lines: list[str] = []
    for offset, line in enumerate(part.commands):
        try:
            lines += answer(stage, line)
        except Misspelt as error:
            raise ScriptError(name, part.number + offset, str(error)) from error
    stage.engine.check()
    return Exchange(part.number, part.commands, tuple(lines))


def check(path: Path) -> None:
    """Run the script in a file and compare.

    Raises:
        WrongAnswer: an answer is another one; the text shows both.
        ScriptError: it cannot be run.
    """
    text = path.read_text(encoding="utf-8")
    given = run(text, str(path))
    if given != text:
        lines = difflib.unified_diff(
            text.splitlines(), given.splitlines(), str(path), "the engine", lineterm=""
        )
        raise WrongAnswer("\n".join(lines))


def rewrite(path: Path) -> bool:
    """Run the script in a file and write the engine's answers into it; whether that changed it.

    Raises:
        ScriptError: it cannot be run; the file is as it was.
    """
    text = path.read_text(encoding="utf-8")
    given = run(text, str(path))
    if given != text:
        path.write_text(given, encoding="utf-8")
    return given != text
