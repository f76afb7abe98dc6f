"""The frame of the proof can fail: a part that is too slow, a figure that was not reached."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.proof.__main__ import main
from tests.proof.figures import FIGURES, FOLDER, Part, missing, read

pytestmark = pytest.mark.uncovered


def test_parts_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    for _ in range(2):
        with Part("fuzzed", wanted=3, seconds=60) as part:
            while part.goes_on():
                part.count(2)
    assert read(tmp_path) == Counter(fuzzed=8)


def test_too_few_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with (
        pytest.raises(AssertionError, match="fuzzed: 0 of 3 after"),
        Part("fuzzed", wanted=3, seconds=0) as part,
    ):
        while part.goes_on():
            part.count()
    assert read(tmp_path) == Counter()


def test_too_late_is_a_failure() -> None:
    with (
        pytest.raises(AssertionError, match="fuzzed: 3 of 3 after 0 s of 0"),
        Part("fuzzed", wanted=3, seconds=0) as part,
    ):
        part.count(3)


def test_what_fails_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with pytest.raises(ZeroDivisionError), Part("fuzzed", wanted=1, seconds=60) as part:
        part.count(1 // (part.reached))
    assert read(tmp_path) == Counter()


def test_a_figure_that_was_not_reached_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enough = Counter({name: figure.ci for name, figure in FIGURES.items()})
    assert missing(enough) == []
    assert main([str(tmp_path)]) == 1
    assert f"too few: compared: 0 of {FIGURES['compared'].ci:,}" in capsys.readouterr().out
