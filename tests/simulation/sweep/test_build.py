"""What is kept of a sweep is of the grantcore that would run it again (issue 6, sweeps resume)."""

from __future__ import annotations

from pathlib import Path

from grantcore import __version__
from grantcore.simulation.sweep import build


def test_a_build_is_a_version_and_its_source() -> None:
    version, plus, digest = build.build().partition("+")
    assert (version, plus, digest) == (__version__, "+", build._digest(build.PACKAGE))
    assert (build.PACKAGE / "simulation" / "sweep" / "build.py").exists()


def test_any_change_of_the_source_is_another_build(tmp_path: Path) -> None:
    seen: list[str] = [build._digest(tmp_path)]
    for name, text in [("a.py", b"x = 1\n"), ("a.py", b"x = 2\n"), ("b/a.py", b""), ("b/c.py", b"")]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text)
        seen.append(build._digest(tmp_path))
    assert len(set(seen)) == len(seen)


def test_line_ends_and_other_files_are_no_change(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 1\ny = 2\n")
    before = build._digest(tmp_path)
    (tmp_path / "a.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    (tmp_path / "a.pyc").write_bytes(b"x")
    assert build._digest(tmp_path) == before
