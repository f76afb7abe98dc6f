"""The API pages: every public module has one, every public object a docstring (style, habit 3)."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

import docs
from docs.__main__ import main


@pytest.mark.uncovered
def test_the_pages_are_whole(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    assert all((tmp_path / page).is_file() for page in docs.pages().values())


def test_what_has_no_docstring_is_named() -> None:
    bare = ModuleType("bare")
    exec("class Thing:\n    def act(self): pass\ndef run(): pass", vars(bare))  # noqa: S102 - planted
    vars(bare)["Thing"].__module__ = vars(bare)["run"].__module__ = "bare"
    assert set(docs.undocumented(bare)) == {"bare", "bare.Thing", "bare.Thing.act", "bare.run"}


def test_a_missing_page_and_raw_markup_are_named(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert docs._faults("page", page) == ["page has no page"]
    page.write_text("see :class:`Lease`")
    assert docs._faults("page", page) == ["the page of page shows raw :class:"]
