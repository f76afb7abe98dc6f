"""The fixtures that pytest finds by itself, each run in a small suite of a host."""

from __future__ import annotations

import subprocess
import sys

import pytest

import grantcore.testing
from grantcore.testing.plugin import __all__ as fixtures

USES = """
from grantcore import GrantEngine, ManualClock

def test_the_engine_is_on_the_clock(grant_clock, grant_engine):
    assert type(grant_clock) is ManualClock and type(grant_engine) is GrantEngine
    grant_clock.advance(5)
    assert grant_engine.now_ms() == 5
    grant_engine.create_execution(lane_id="main", execution_id="e")

def test_each_test_has_its_own(grant_clock, grant_engine):
    assert grant_clock() == 0
    assert grant_engine.describe_execution("e") is None
"""

BREAKS = """
def test_it_breaks(grant_engine):
    grant_engine.create_execution(lane_id="main", execution_id="e")
    del grant_engine._records["e"]
"""


def run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    """As in a suite of a host; named here, so that it need not be installed."""
    pytester.makepyfile(source)
    plugins = ["no:grantcore", "grantcore.testing.plugin", "no:cacheprovider", "no:xdist", "no:cov"]
    return pytester.runpytest_inprocess(*(f"-p{plugin}" for plugin in plugins))


def test_the_fixtures(pytester: pytest.Pytester) -> None:
    run(pytester, USES).assert_outcomes(passed=2)


def test_a_broken_invariant_fails_the_test(pytester: pytest.Pytester) -> None:
    result = run(pytester, BREAKS)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*InvariantBroken*"])


def test_every_fixture_is_told_with_its_docstring(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("")
    told = pytester.runpytest_inprocess("-pno:grantcore", "-pgrantcore.testing.plugin", "--fixtures")
    told.stdout.fnmatch_lines(
        ["grant_clock*", "*A clock at instant 0*", "grant_engine*", "*every invariant*"]
    )
    assert fixtures == ["grant_clock", "grant_engine"]


def test_the_plugin_imports_nothing_heavy() -> None:
    """It is imported in every run of every suite on the machine."""
    code = "import sys, grantcore.testing.plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert {"grantcore", "grantcore.testing", "grantcore.testing.plugin"} <= imported
    mine = {name for name in imported if name.startswith("grantcore.testing.")}
    assert mine == {"grantcore.testing.plugin"}
    heavy = {"hypothesis", "cattrs", "click", "matplotlib", "opentelemetry", "rich", "asyncio"}
    assert not heavy & imported


def test_the_package_imports_what_it_names_when_asked() -> None:
    """All of it resolves, is listed, and a slip is an ``AttributeError`` as for any module."""
    for name in grantcore.testing.__all__:
        value = getattr(grantcore.testing, name)
        assert value.__name__ == name
        assert vars(grantcore.testing)[name] is value
    with pytest.raises(AttributeError, match=r"'grantcore\.testing' has no attribute 'Modle'"):
        getattr(grantcore.testing, "Modle")  # noqa: B009 - the checkers know that there is none
