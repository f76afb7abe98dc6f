"""Same seed, same digest: under any hash seed, on every Python of this machine (I-42; figure "digests")."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from tests.proof import digest_run
from tests.proof.figures import Part

pytestmark = [pytest.mark.uncovered, pytest.mark.every_python]

ROOT: Final = Path(__file__).parents[2]
SEED: Final = 3
MOVES: Final = 8_000
OLDEST: Final = (3, 11)


def run(python: str, hash_seed: str, moves: int, *more: str) -> dict[str, Any]:
    """One run in a process of its own; its Python finds the two dependencies where this one does."""
    found = [find_spec(name) for name in ("attrs", "sortedcontainers")]
    sites = sorted({str(Path(spec.origin).parents[1]) for spec in found if spec and spec.origin})
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sites]),
        "PYTHONHASHSEED": hash_seed,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    process = subprocess.run(
        [python, "-m", "tests.proof.digest_run", str(SEED), str(moves), *more],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=300,
    )
    told: dict[str, Any] = json.loads(process.stdout)
    return told


@functools.cache
def pythons() -> dict[str, str]:
    """Every CPython from 3.11 on that is found here, by version; this one first."""
    here = ".".join(map(str, sys.version_info[:3]))
    candidates = [shutil.which(f"python3.{minor}") for minor in range(11, 20)]
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates += [str(path) for path in sorted(versions.glob("3.*/bin/python"))]
    found = {here: sys.executable}
    for python in filter(None, candidates):
        version = _version(python)
        if version is not None:
            found.setdefault(version, python)
    return found


def _version(python: str) -> str | None:
    asked = "import sys; print(sys.implementation.name, *sys.version_info[:3])"
    answer = subprocess.run([python, "-c", asked], capture_output=True, check=False, text=True, timeout=60)
    name, _, numbers = answer.stdout.strip().partition(" ")
    version = tuple(map(int, numbers.split()))
    return ".".join(map(str, version)) if name == "cpython" and version >= OLDEST else None


def compare(hash_seeds: tuple[str, ...], moves: int, seconds: float) -> None:
    """Each hash seed on each Python: all outcomes are one."""
    print("Pythons:", *pythons())
    expected: dict[str, Any] | None = None
    with Part("digests", wanted=len(hash_seeds) * len(pythons()), seconds=seconds) as part:
        for version, python in pythons().items():
            for hash_seed in hash_seeds:
                told = run(python, hash_seed, moves)
                assert ".".join(map(str, told.pop("python"))) == version
                expected = expected or told
                again = f"PYTHONHASHSEED={hash_seed} python -m tests.proof.digest_run {SEED} {moves}"
                assert told == expected, f"Python {version}: {again}"
                part.count()


@pytest.mark.proof
def test_one_digest() -> None:
    compare(("0", "1", "random"), MOVES, seconds=600)


@pytest.mark.nightly
def test_one_digest_under_many_hash_seeds() -> None:
    compare((*map(str, range(17)), "random", "random", "random"), 10 * MOVES, seconds=3_600)


@pytest.mark.proof
def test_order_of_a_set_in_the_state_is_found() -> None:
    """The planted bug: one digest would show that the harness looks at nothing."""
    one, other = (run(sys.executable, hash_seed, 100, "--plant") for hash_seed in ("0", "1"))
    assert one["digest"] != other["digest"]
    assert one["snapshot"] != other["snapshot"]
    assert one["events"] != other["events"]


def test_a_little_here_and_elsewhere() -> None:
    here = digest_run.outcome(SEED, 400)
    assert here == run(sys.executable, "1", 400)
    assert isinstance(here["heard"], int)
    assert here["heard"] > 100
    assert here["digest"] != digest_run.outcome(SEED, 400, plant=True)["digest"]
