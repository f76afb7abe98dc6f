"""The same commands give the same digest: in any process, under any hash seed, on any Python (I-42)."""

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

from grantcore import GrantEngine
from tests.life import digest_story
from tests.life.digest_story import Story

GOLDEN: Final = {
    "digest": "3690ff885d21c26e1c8a9b09fefac80e2b821ae3421b094e01225963b930c43e",
    "events": "63bea6573229f58b35862ea4f5c5235590a378769699a24d4f4f6e58dd6b44ea",
}
"""Of the story, whatever runs it. Another format of the state is another version of the snapshot."""

ROOT: Final = Path(__file__).parents[2]
HASH_SEEDS: Final = ("0", "1", "4242", "random")
PYTHONS: Final = ("python3.11", "python3.12", "python3.13", "python3.14", "python3.15")


def _environment(hash_seed: str) -> dict[str, str]:
    """This environment, in which another Python finds grantcore and its two dependencies."""
    found = [find_spec(name) for name in ("attrs", "sortedcontainers")]
    sites = {str(Path(spec.origin).parents[1]) for spec in found if spec and spec.origin}
    path = os.pathsep.join([str(ROOT), *sorted(sites)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}


def told_by(python: str, hash_seed: str) -> dict[str, Any]:
    """Have the story told in a process of its own."""
    process = subprocess.run(
        [python, str(Path(digest_story.__file__))],
        env=_environment(hash_seed),
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    told: dict[str, Any] = json.loads(process.stdout)
    return told


@functools.cache
def here() -> dict[str, Any]:
    """The story as this process tells it."""
    return digest_story.outcome()


def _same(told: dict[str, Any]) -> None:
    for part in ("digest", "events", "snapshot", "restored", "phases"):
        assert told[part] == here()[part]


def test_the_story_has_something_of_everything() -> None:
    """What is compared is worth comparing."""
    assert set(here()["phases"]) >= {"eligible", "delayed", "blocked", "leased", "cancelled", "failed"}
    assert here()["restored"] == here()["digest"]


def test_the_digest_is_the_golden_one() -> None:
    assert {part: here()[part] for part in GOLDEN} == GOLDEN


@pytest.mark.uncovered
@pytest.mark.every_python
@pytest.mark.parametrize("hash_seed", HASH_SEEDS)
def test_any_process_and_hash_seed(hash_seed: str) -> None:
    told = told_by(sys.executable, hash_seed)
    assert told["python"] == list(sys.version_info[:2])
    _same(told)


@pytest.mark.uncovered
@pytest.mark.every_python
@pytest.mark.parametrize("name", PYTHONS)
def test_any_python(name: str) -> None:
    python = shutil.which(name)
    if python is None:
        pytest.skip(f"{name} is not here")
    usable = subprocess.run(
        [python, "-c", "import attrs, sortedcontainers"],
        env=_environment("0"),
        capture_output=True,
        check=False,
        timeout=60,
    )
    if usable.returncode:
        pytest.skip(f"{name} does not run here with attrs and sortedcontainers")
    told = told_by(python, "7")
    assert told["python"] == [int(part) for part in name.removeprefix("python").split(".")]
    _same(told)


# -- same state, same digest -----------------------------------------------------------------------


def test_different_ways_to_one_state_give_one_digest() -> None:
    """Same state <=> same digest: order of creation, of tags and of tokens, are no state."""
    digests = set()
    for names, tags, tokens in (("ab", ("x.y", "z.w"), ["p", "q"]), ("ba", ("z.w", "x.y"), ["q", "p", "q"])):
        story = Story()
        for name in names:
            story.engine.create_execution(
                lane_id="main", execution_id=name, tags=dict.fromkeys(tags, "v"), required_capabilities=tokens
            )
        digests.add(story.engine.digest())
    assert len(digests) == 1


def test_every_difference_that_is_shown_is_in_the_digest() -> None:
    changes = {
        "lane_id": "other",
        "priority": 1,
        "required_capabilities": ["x"],
        "delay_until_ms": 2**52,
        "deadline_at_ms": 2**52,
        "policy": digest_story.POLICIES[1],
        "payload": b"x",
        "tags": {"a.b": ""},
        "namespace": "other",
        "execution_kind": "x",
        "creator_identity": "x",
        "idempotency_key": "x",
    }
    digests = {_digest_with()}
    for name, value in changes.items():
        digests.add(_digest_with(**{name: value}))
    assert len(digests) == 1 + len(changes)


def _digest_with(**given: Any) -> str:
    story = Story()
    story.engine.create_execution(**{"lane_id": "main", "execution_id": "a", **given})
    return story.engine.digest()


def test_what_is_no_state_is_not_in_the_digest() -> None:
    """SPEC 9: neither incarnation nor last clock reading nor clamp count, nor observers."""
    story = Story()
    story.tell()
    before = story.engine.digest()
    restored = GrantEngine.restore(story.engine.snapshot(), clock=lambda: 5)
    restored.subscribe(print)
    assert restored.digest() == before
    assert restored.stats().clock_clamped > 1
