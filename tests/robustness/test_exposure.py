"""hostile-inputs section 6: import has no side effects; no file, socket, process is touched; short texts."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Final

import pytest

import grantcore as gc
from grantcore.model import errors
from tests.robustness import hostile, worlds
from tests.robustness.worlds import new_world

CHILD: Final = str(Path(__file__).with_name("exposure_child.py"))
ROOT: Final = str(Path(gc.__file__).parent.parent)

HEAVY: Final = {
    "asyncio",
    "cattrs",
    "click",
    "concurrent.futures",
    "http",
    "hypothesis",
    "importlib.metadata",
    "multiprocessing",
    "pytest",
    "requests",
    "rich",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "unittest",
    "uuid",
    "yaml",
    "grantcore.simulation",
    "grantcore.testing",
}


def _child(*arguments: str) -> list[str]:
    environment = {"PYTHONPATH": ROOT, "PYTHONDONTWRITEBYTECODE": "1", "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-W", "error", CHILD, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=60,
    )
    assert ran.stderr == ""
    return ran.stdout.split("\n")[:-1]


def test_nothing_outside_is_touched() -> None:
    """An audit hook over import and use: nothing opened for writing, no socket, no process, no thread."""
    assert _child() in ([], [""])


def test_the_audit_hook_sees_a_planted_socket() -> None:
    """The test above can fail."""
    assert "socket.__new__" in _child("--plant")


def test_import_is_light() -> None:
    """Runtime dependencies are attrs and sortedcontainers; nothing heavy comes with them."""
    (line,) = _child("--list")
    loaded = line.split()
    assert "grantcore.engine.facade" in loaded
    assert not HEAVY & set(loaded)
    foreign = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign <= {"grantcore", "attr", "attrs", "sortedcontainers"}


@pytest.mark.uncovered
@pytest.mark.every_python
def test_import_is_silent() -> None:
    """No output, no warning (``-W error``), from the package or its command module."""
    for module in ("grantcore", "grantcore.events", "grantcore.scheduler"):
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", f"import {module}"],
            capture_output=True,
            check=True,
            env={"PYTHONPATH": ROOT, "PATH": ""},
            timeout=60,
        )
        assert (ran.stdout, ran.stderr) == (b"", b"")


def test_an_engine_leaves_no_warning_behind() -> None:
    """No ResourceWarning when engines, observers and snapshots go away."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        world = new_world()
        world.listen()
        worlds.busy(world)
        world.engine.snapshot()
        del world


@pytest.mark.parametrize("secret", ["secret-reason", "secret-\u202e", "s" * 4000])
def test_refusals_name_codes_and_ids_only(secret: str) -> None:
    """hostile-inputs section 6, SPEC 11: no payload, reason or message stands in an error's text."""
    world = new_world()
    world.engine.create_execution(lane_id="main", execution_id="e", payload=secret.encode())
    world.operator.block("e", detail=secret)
    calls = (
        lambda: world.engine.issue_claim_grant("e", worlds.asking()),
        lambda: world.operator.unblock("e", expected_reason=secret),
        lambda: world.operator.block("e", reason=secret),
        lambda: world.engine.change_priority("e", 5),
        lambda: world.engine.promote_blocked_to_eligible("e"),
        lambda: world.engine.complete_execution(gc.Fence("e", secret, 5, secret), result=secret.encode()),
    )
    for call in calls:
        with pytest.raises(gc.GrantError) as raised:
            call()
        assert secret[:10] not in str(raised.value)
        assert secret[:10] not in repr(raised.value)
        assert len(str(raised.value)) < 300


def test_a_revocations_reason_is_an_attribute_not_a_text() -> None:
    """SPEC 11: details are attributes."""
    world = new_world()
    worlds.held(world)
    world.operator.revoke_lease("e", reason="secret-reason")
    with pytest.raises(gc.LeaseRevoked) as raised:
        world.engine.complete_execution(world.lease())
    assert raised.value.reason == "secret-reason"
    assert "secret" not in str(raised.value)


def test_every_text_of_an_invalid_input_is_bounded() -> None:
    """SPEC 11: the text says what is allowed, never what was given."""
    for value in (hostile.LONG, hostile.HUGE):
        with pytest.raises(gc.InvalidInput) as raised:
            gc.ManualClock(value)  # type: ignore[arg-type]
        assert str(raised.value) == str(errors.invalid("start_ms", f"an int in 0..{2**53 - 1}"))
