"""Types as a host sees them: right code passes, wrong code fails at the marked lines and no others."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

import grantcore as gc
from grantcore import aio, threads
from tests.typing import checkers
from tests.typing.passes import protocols

pytestmark = pytest.mark.uncovered

HERE: Final = Path(__file__).parent
PASSES: Final = sorted((HERE / "passes").glob("*.py"))
FAILS: Final = [path for path in sorted((HERE / "fails").glob("*.py")) if path.name != "__init__.py"]

Check = Callable[[Iterable[Path], Path], checkers.Found]
CHECKERS: Final = {"mypy": checkers.mypy, "pyright": checkers.pyright}


@pytest.fixture(params=CHECKERS)
def tool(request: pytest.FixtureRequest) -> str:
    """Both checkers come with the extra `dev`; on a further Python the answer would be the same."""
    name = str(request.param)
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed here: one Python is enough")
    return name


def test_exactly_the_marked_lines_are_wrong(tool: str, tmp_path: Path) -> None:
    files = [*PASSES, *FAILS]
    assert not checkers.marked(tool, PASSES)
    assert checkers.marked(tool, FAILS)
    assert CHECKERS[tool](files, tmp_path) == checkers.marked(tool, files)


def test_a_wrong_mark_is_found(tool: str, tmp_path: Path) -> None:
    """The harness can fail: a mark at a right line, an error without one."""
    planted = tmp_path / "planted.py"
    planted.write_text("right: int = 1  # wrong: mypy[assignment] pyright[reportX]\nwrong: int = ''\n")
    said, announced = CHECKERS[tool]([planted], tmp_path), checkers.marked(tool, [planted])
    assert {line for _, line, _ in said} == {2}
    assert {line for _, line, _ in announced} == {1}


# -- every public call is among them ---------------------------------------------------------------

FACES: Final = {
    "engine": gc.GrantEngine,
    "operator": gc.Operator,
    "scheduler": gc.Scheduler,
    "guard": gc.FenceGuard,
    "loop_driver": aio.Driver,
    "thread_driver": threads.Driver,
}


def _asserted(source: str) -> Iterator[tuple[str, str]]:
    """(variable, method) of calls whose result type is asserted, or that stand alone and give None."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(ast.Call(ast.Name("assert_type"), [told, _])):
                value = told.value if isinstance(told, ast.Await) else told
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), method)) as value):
                if inspect.signature(getattr(FACES.get(name), method, len)).return_annotation != "None":
                    continue
            case ast.withitem(value):
                pass
            case _:
                continue
        match value:
            case ast.Call(ast.Attribute(ast.Name(name), method)):
                yield name, method


def test_every_public_call_has_its_result_type() -> None:
    public = {
        (name, method)
        for name, face in FACES.items()
        for method, _ in inspect.getmembers(face, inspect.isroutine)
        if not method.startswith("_")
    }
    asserted = set(_asserted((HERE / "passes" / "calls.py").read_text(encoding="utf-8")))
    assert public - asserted == set()


def test_a_call_without_its_result_type_is_found() -> None:
    assert set(_asserted("engine.stats()\nengine.check()\nassert_type(engine.digest(), str)")) == {
        ("engine", "check"),
        ("engine", "digest"),
    }


# -- what only the run can tell --------------------------------------------------------------------


def test_a_text_for_texts_is_refused_when_it_runs() -> None:
    with pytest.raises(gc.InvalidCapabilities):
        protocols.a_text_is_texts_to_a_checker(gc.GrantEngine())
