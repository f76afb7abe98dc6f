"""The stories are true, a wrong answer is found, and rewriting changes nothing that is right."""

from __future__ import annotations

import inspect
import re
import runpy
import sys
from pathlib import Path
from typing import Final

import pytest

from grantcore.testing.scripts import ScriptError, WrongAnswer, check, rewrite, run
from grantcore.testing.scripts.__main__ import main
from grantcore.testing.scripts.around import COMMANDS
from grantcore.testing.scripts.text import Exchange, parse

STORIES: Final = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    check(path)


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_has_a_title_and_says_why(path: Path) -> None:
    """And where it was decided: a section, a decision or an invariant."""
    title, empty, *lines = path.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"# [A-Z].*[^.]", title)
    assert empty == "#"
    why = " ".join(line for line in lines[: lines.index("")])
    assert re.search(r"\((SPEC \d|D-\d|I-\d|reference \d).*\)\.|\((SPEC \d|reference \d).*\)", why)


def test_there_are_many_and_they_use_every_command() -> None:
    assert len(STORIES) >= 30
    used: set[str] = set()
    for path in STORIES:
        for part in parse(path.read_text(encoding="utf-8")):
            for line in part.commands if isinstance(part, Exchange) else ():
                words = line.split()
                used.add(" ".join(words[: 2 if words[0] == "operator" else 1]))
    assert used == COMMANDS.keys()


@pytest.mark.uncovered
@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_rewriting_an_unchanged_story_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    assert not rewrite(copy)
    assert copy.read_bytes() == path.read_bytes()


# -- wrong answers ---------------------------------------------------------------------------------

RIGHT: Final = "# Why\n\ncreate job-1\n----\nCreated job-1 public_state=waiting\n"
WRONG: Final = RIGHT.replace("waiting", "delayed")


def test_a_wrong_answer_fails_and_shows_both(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text(WRONG, encoding="utf-8")
    with pytest.raises(WrongAnswer) as told:
        check(path)
    assert "-Created job-1 public_state=delayed\n+Created job-1 public_state=waiting" in str(told.value)
    assert path.read_text(encoding="utf-8") == WRONG


@pytest.mark.uncovered
@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_no_answer_of_a_story_can_be_changed_unnoticed(path: Path, tmp_path: Path) -> None:
    """Each answer, one after the other, loses its last line."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for part in parse("".join(lines)):
        if isinstance(part, Exchange) and part.answer:
            last = part.number + len(part.commands) + len(part.answer)
            copy = tmp_path / path.name
            copy.write_text("".join([*lines[: last - 1], *lines[last:]]), encoding="utf-8")
            with pytest.raises(WrongAnswer):
                check(copy)


def test_the_command_checks_and_rewrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, broken = tmp_path / "story.txt", tmp_path / "worse.txt"
    path.write_text(WRONG, encoding="utf-8")
    assert main([str(path)]) == 1
    assert main([str(tmp_path), "--rewrite"]) == 0
    assert "story.txt: rewritten" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == RIGHT
    assert main([str(path), "--rewrite"]) == 0
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == ""
    broken.write_text("create\n----\n", encoding="utf-8")
    assert main([str(tmp_path)]) == 2
    assert main([str(tmp_path), "--rewrite"]) == 2
    assert broken.read_text(encoding="utf-8") == "create\n----\n"
    assert capsys.readouterr().out.count("worse.txt:1: an execution is missing") == 2


def test_the_module_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["scripts", str(STORIES[0])])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(inspect.getfile(main), run_name="__main__")
    assert left.value.code == 0


# -- what cannot be run ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("dance", "no command is called dance"),
        ("operator dance", "no command is called operator dance"),
        ("create", "an execution is missing"),
        ("create job-1 colour=blue", "what is colour=?"),
        ("create job-1 job-2 colour=blue", "what is job-2, colour=?"),
        ("create job-1 attempt_timeout=500", "attempt_timeout is a duration: attempt_timeout=500ms"),
        ("create job-1 attempt_timeout=xms", "attempt_timeout is a number, not 'x'"),
        ("create job-1 priority=high", "priority is a number, not 'high'"),
        ("create 'job-1", "quotes do not match"),
        ("at noon", "an instant is a number, not noon"),
        ("grant job-1 to ann ttl=5ms", "a worker is WORKER/INSTANCE, not ann"),
        ("grant job-1 to ann/ann-1", "ttl is a duration: ttl=500ms"),
        ("renew job-1 ttl=5ms", "no lease is called job-1"),
        ("withdraw job-1 by ann", "no grant is called job-1"),
        ("use team usd", "an amount is NAME:AMOUNT, not usd"),
        ("priority job-1 high", "a priority is a number, not 'high'"),
        ("show here colour size", "an execution has no colour, size"),
        ("claim for ann/ann-1 lanes=a:x ttl=5ms", "lanes is a number, not 'x'"),
        ("list phase=asleep", "phase is one of delayed, eligible"),
        ("list extra", "what is extra?"),
    ],
)
def test_a_misspelt_command_is_told_with_file_and_line(line: str, why: str) -> None:
    text = f"# Why\n\nat 5\n----\n\ncreate here\n{line}\n----\n"
    with pytest.raises(ScriptError, match=rf"^stories/odd\.txt:7: {re.escape(why)}"):
        run(text, "stories/odd.txt")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# Why\ncreate job-1\n\nat 5\n----\n", "script:2: commands without ----"),
        ("\n----\nok\n", "script:2: an answer without commands"),
    ],
)
def test_a_malformed_script_is_told(text: str, why: str) -> None:
    with pytest.raises(ScriptError, match=f"^{why}"):
        run(text)


@pytest.mark.parametrize("kind", ["claim", "resume"])
def test_only_a_reclaim_grant_reclaims(kind: str) -> None:
    back = (
        "take job by a/a ttl=5ms\nrelease job\ngrant-resume job to a/a ttl=5ms\n" if kind == "resume" else ""
    )
    text = f"create job\ngrant job to a/a ttl=5ms\n{back}reclaim job by a/a ttl=5ms\n----\n"
    with pytest.raises(ScriptError, match=f"that is a {kind} grant"):
        run(text)


def test_a_refused_command_is_read_to_its_end() -> None:
    with pytest.raises(ScriptError, match="script:1: what is colour="):
        run("purge nobody colour=blue\n----\n")
