"""Who finds bugs, from cheap to dear. Each looks with some seeds and raises when something is wrong.

What a look needs is imported when it is made: most bugs are found by the first, in a process of their own.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).parents[3]
TRACES: Final = ROOT / "tests/conformance/traces"

Seed = int | str
"""Of a run; of what is fixed, the name."""


@attrs.frozen
class Detector:
    """One way to look.

    Attributes:
        name: for the table.
        told: what it does.
        seeds: it looks once with each.
        look: raises if something is wrong.
    """

    name: str
    told: str
    seeds: Sequence[Seed]
    look: Callable[[Seed], object]


def _compare(seed: Seed) -> None:
    from grantcore.testing.comparing import compare

    compare(int(seed), 500)


def _compare_longer(seed: Seed) -> None:
    from grantcore.testing.comparing import compare

    compare(int(seed), 1_500)


def _story(_name: Seed) -> None:
    """The bytes of the state are a format: another one is another version."""
    from tests.life.digest_story import outcome
    from tests.life.test_digests import GOLDEN

    told = outcome()
    assert told["restored"] == told["digest"], "a restored engine has another digest"
    for part, golden in GOLDEN.items():
        assert told[part] == golden, f"another {part}"


def _walk(seed: Seed) -> None:
    from tests.life.cast import Settings
    from tests.life.walk import Walk

    settings = Settings(minted=int(seed) % 2 == 1)
    Walk(int(seed), settings, check_every=1, sample=0.2, probe_every=25).go(500)


def _replay(name: Seed) -> None:
    from tests.conformance.runner import replay_file

    for mismatch in replay_file(TRACES / str(name)).mismatches:
        raise AssertionError(str(mismatch))


def run_tests(path: Seed) -> None:
    """Run tests in this process, until one fails."""
    import pytest

    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = pytest.main(
            ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=line", str(ROOT / str(path))]
        )
    assert code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED), output.getvalue()[-1_500:]


TESTS: Final = (
    "tests/life/test_decisions_d01_to_d17.py",
    "tests/life/test_decisions_d20_to_d33.py",
    "tests/life/test_time.py",
    "tests/metering",
    "tests/life/test_limits.py",
    "tests/robustness/test_hostile_clock.py",
    "tests/robustness/test_epochs.py",
    "tests/robustness/test_atomic_inner.py",
    "tests/life/test_digests.py",
    "tests/life/test_seldom_met.py",
    "tests/robustness/test_lapses.py",
    "tests/test_runs.py",
    "tests/test_batches.py",
)

DETECTORS: Final = (
    Detector("model", "engine and model side by side, 500 calls", range(4), _compare),
    Detector("story", "the golden digest of a fixed story", ("golden",), _story),
    Detector(
        "tests", "tests of what state and answers do not show, or chance seldom meets", TESTS, run_tests
    ),
    Detector("walk", "check() after each of 500 calls, all tokens tried, events folded", range(4), _walk),
    Detector(
        "traces",
        "a trace of FlowFabric, kept in the repository, eager and lazy",
        sorted(path.name for path in TRACES.glob("*.jsonl")),
        _replay,
    ),
    Detector("longer", "engine and model side by side, 1,500 calls", range(4, 12), _compare_longer),
)

Look = tuple[Detector, Seed]


def looks(first: Sequence[tuple[str, Seed]]) -> Iterator[Look]:
    """Who looks with which seed: some that are to be asked first, then all."""
    by_name = {detector.name: detector for detector in DETECTORS}
    for name, seed in first:
        yield by_name[name], seed
    for detector in DETECTORS:
        for seed in detector.seeds:
            yield detector, seed


def leave_failures_long() -> None:
    """Save the time it takes to shorten the calls of a failing run."""
    from grantcore.testing import comparing

    comparing.shortest = lambda steps, fails: list(steps)  # noqa: ARG005 - as it is called
