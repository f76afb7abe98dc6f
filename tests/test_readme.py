"""README.md tells what the code does: its generated blocks are current, its examples run."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from grantcore import EngineConfig, GrantError, Phase, events
from grantcore.model.life import LIFE
from tests import readme

EMPTY: Final = "\n\n".join(f"<!-- generated: {name} -->\n<!-- end -->" for name in readme.BLOCKS)


def text() -> str:
    return readme.README.read_text(encoding="utf-8")


# -- the file itself -----------------------------------------------------------------------------


def test_every_generated_block_is_current() -> None:
    assert readme.rewrite(text()) == text(), "run: python -m tests.readme"


@pytest.fixture
def patient() -> Iterator[None]:
    """Let hypothesis take its time: its first draw builds tables, which a busy machine is slow at."""
    settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("patient")
    yield
    settings.load_profile("default")


@pytest.mark.usefixtures("patient")
def test_the_examples_run() -> None:
    found = doctest.testfile(str(readme.README), module_relative=False)
    assert found.failed == 0
    assert found.attempted > 0


def test_every_python_block_is_an_example_that_runs() -> None:
    """Style, habit 8: no code in the README that nothing executes."""
    blocks = re.findall(r"^```(?:python|pycon)\n(.*?)^```", text(), flags=re.DOTALL | re.MULTILINE)
    assert blocks
    assert all(block.lstrip().startswith(">>> ") for block in blocks)


# -- the generator -------------------------------------------------------------------------------


def without(phase: Phase, event: type[events.ExecutionEvent]) -> readme.Life:
    """The table less one row."""
    ways = {known: targets for known, targets in LIFE[phase].items() if known is not event}
    return MappingProxyType({**LIFE, phase: ways})


def test_another_table_gives_another_text() -> None:
    other = without(Phase.LEASED, events.LeaseLapsed)
    assert readme.diagram(other) != readme.diagram()
    assert readme.life_table(other) != readme.life_table()
    blocks = {**readme.BLOCKS, "life-cycle table": lambda: readme.life_table(other)}
    assert readme.rewrite(EMPTY, blocks) != readme.rewrite(EMPTY)


def test_generating_twice_changes_nothing() -> None:
    once = readme.rewrite(EMPTY)
    assert once != EMPTY
    assert readme.rewrite(once) == once


@pytest.mark.parametrize("name", readme.BLOCKS)
def test_a_missing_block_is_told(name: str) -> None:
    broken = EMPTY.replace(f"generated: {name} ", "generated: something else ")
    with pytest.raises(readme.BlockMissing, match=name):
        readme.rewrite(broken)


def test_the_diagram_shows_every_edge_between_two_phases() -> None:
    """Each arrow is drawn once, from the phase or from the node that stands for it."""
    drawn = set(re.findall(r"^    (\S+) --> (\S+): (.*)$", readme.diagram(), flags=re.MULTILINE))
    told = {(source, target, name) for source, target, names in drawn for name in names.split(", ")}
    for source, target, event in readme._edges(LIFE):
        nodes = {readme._node(source), "ENDED", "NOT_ENDED"}
        assert any((node, readme._node(target), event.__name__) in told for node in nodes)
    assert len(told) == len({(target, name, source) for source, target, name in told})


def test_what_all_phases_share_is_drawn_once() -> None:
    """A phase that cannot be cancelled any more brings the other arrows back."""
    assert "ELIGIBLE --> CANCELLED" not in readme.diagram()
    assert "ELIGIBLE --> CANCELLED: Cancelled" in readme.diagram(without(Phase.LEASED, events.Cancelled))


def test_the_table_has_every_phase_and_event() -> None:
    table = readme.life_table()
    assert all(phase.name in table for phase in Phase)
    assert all(event.__name__ in table for ways in LIFE.values() for event in ways)


def test_the_errors_are_those_of_the_specification() -> None:
    """SPEC 11: one class table."""
    rows = [row.strip("| ").split(" | ") for row in readme.error_table().splitlines()[2:]]
    told = {code.strip("`"): (kind, also) for kind, also, codes in rows for code in codes.split(", ")}
    assert told["stale_lease"] == ("terminal", "-")
    assert told["lane_draining"] == ("cooperative", "-")
    assert told["execution_not_found"] == ("terminal", "`LookupError`")
    assert told["invalid_input"] == ("terminal", "`ValueError`")
    assert told["invariant_broken"] == ("bug", "`RuntimeError`, `AssertionError`")
    assert told["grant_already_exists"] == ("retryable", "-")
    assert len(told) == 40


def test_only_our_own_errors_are_listed() -> None:
    class SomebodyElses(GrantError):
        pass

    assert "somebody_elses" not in readme.error_table()
    assert SomebodyElses.code == "somebody_elses"


def test_the_limits_and_their_docstring_agree() -> None:
    """The docstring's table names every setting, with the default that is in force."""
    documented = readme._documented(EngineConfig.__doc__ or "")
    rows = [row.strip("| ").split(" | ") for row in readme.limit_table().splitlines()[2:]]
    spelled = {"1 MiB": "1,048,576", "64 KiB": "65,536"}
    assert set(documented) - {"setting"} == {name.strip("`") for name, *_ in rows}
    for name, default, *_ in rows:
        told = documented[name.strip("`")][0]
        assert spelled.get(told, told) == default


# -- the command ---------------------------------------------------------------------------------


def test_the_command_checks_and_rewrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "README.md"
    path.write_text(EMPTY, encoding="utf-8")
    assert readme.main(["--check"], path) == 1
    assert path.read_text(encoding="utf-8") == EMPTY
    assert readme.main([], path) == 0
    assert readme.main(["--check"], path) == 0
    assert "is current" in capsys.readouterr().out
    assert readme.main(["--what"], path) == 2
