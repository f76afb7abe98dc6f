"""Conformance: every trace, driven and lazily, without a difference (SPEC 13)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.kept import CORPUS, kept, others
from tests.conformance.runner import replay_file
from tests.conformance.trace_reader import Trace

GROUPS = 8
MAX_BYTES = 5_000_000


def _walk_or_uncovered(path: Path) -> object:
    """What the walks go through is as much of the engine as all traces do."""
    marks = () if path.stem.startswith("walk-") else (pytest.mark.uncovered, pytest.mark.every_python)
    return pytest.param(path, marks=marks, id=path.stem)


@pytest.mark.parametrize("path", [_walk_or_uncovered(path) for path in kept()])
def test_kept_trace(path: Path) -> None:
    assert not [str(mismatch) for mismatch in replay_file(path).mismatches]


@pytest.mark.nightly  # .ci/run replays the whole corpus by the command
@pytest.mark.skipif(not CORPUS.is_dir(), reason="the whole corpus is not here")
@pytest.mark.parametrize("group", range(GROUPS))
def test_all_other_traces(group: int) -> None:
    reports = [replay_file(path) for path in others()[group::GROUPS]]
    assert not [str(mismatch) for report in reports for mismatch in report.mismatches]


def answers(path: Path) -> set[tuple[str, str, str | None]]:
    return {(step.op, step.result["status"], step.result["code"]) for step in Trace.open(path)}


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the whole corpus is not here")
def test_every_answer_of_the_corpus_occurs_in_the_kept_traces() -> None:
    everywhere = set().union(*map(answers, others()))
    assert everywhere <= set().union(*map(answers, kept()))


def test_the_kept_traces_are_small() -> None:
    assert 0 < sum(path.stat().st_size for path in kept()) <= MAX_BYTES
