"""The pages of the API, made from the docstrings by pdoc.

Public is what :data:`MODULES` names, with the names these modules list or define. ``python -m docs FOLDER``
writes one page for each, and fails at a page that is missing, at markup that would show raw, and at any
warning. That every public object has a docstring is the business of :func:`undocumented`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import pdoc.doc
import pdoc.render

WIRE: Final = ("grantcore.wire",) if importlib.util.find_spec("grantcore.wire") else ()

MODULES: Final = (
    "grantcore",
    "grantcore.events",
    "grantcore.aio",
    "grantcore.threads",
    "grantcore.observing",
    "grantcore.observing.logs",
    "grantcore.observing.metrics",
    "grantcore.observing.spans",
    "grantcore.observing.timeline",
    "grantcore.testing",
    "grantcore.testing.strategies",
    *WIRE,
)

_RAW: Final = re.compile(r":(?:class|meth|func|data|mod|attr|exc):|<code>~|``")


def undocumented(module: ModuleType) -> Iterator[str]:
    """Name what is public in a module and has no docstring: itself, a class, a function, a method.

    Fields of values are told in the docstring of their class.
    """
    if not module.__doc__:
        yield module.__name__
    for name, item in _public(module):
        if not (inspect.isclass(item) or inspect.isfunction(item)):
            continue
        if not item.__doc__:
            yield f"{module.__name__}.{name}"
        if inspect.isclass(item):
            yield from (f"{module.__name__}.{name}.{method}" for method in _bare(item))


def _public(module: ModuleType) -> Iterator[tuple[str, object]]:
    """The names it lists, or those that it defines itself."""
    listed: Iterable[str] | None = getattr(module, "__all__", None)
    for name, item in vars(module).items():
        own = getattr(item, "__module__", None) == module.__name__ and not name.startswith("_")
        if own if listed is None else name in listed:
            yield name, item


def _bare(owner: type) -> Iterator[str]:
    """Its public methods and properties without a docstring; an inherited one counts."""
    for name, item in inspect.getmembers_static(owner):
        method = isinstance(item, (classmethod, staticmethod, property)) or inspect.isfunction(item)
        if method and not name.startswith("_") and not inspect.getdoc(getattr(owner, name)):
            yield name


def pages(modules: Iterable[str] = MODULES) -> dict[str, Path]:
    """The page of each module, below the folder they are written to."""
    return {name: Path(*name.split(".")).with_suffix(".html") for name in modules}


def build(folder: Path, modules: Iterable[str] = MODULES) -> list[str]:
    """Write the pages; the answer is what is wrong with them, as sentences."""
    modules = tuple(modules)
    pdoc.render.configure(docformat="google", show_source=False, search=False)
    shown = {name: pdoc.doc.Module(_module(name)) for name in modules}
    for name, page in pages(modules).items():
        path = folder / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pdoc.render.html_module(shown[name], shown), encoding="utf-8")
    (folder / "index.html").write_text(pdoc.render.html_index(shown), encoding="utf-8")
    wrong = [f"{name} has no docstring" for each in modules for name in undocumented(_module(each))]
    for name, page in pages(modules).items():
        wrong += _faults(name, folder / page)
    return wrong


def _module(name: str) -> ModuleType:
    """Import it, and what it imports only when somebody asks."""
    module = importlib.import_module(name)
    for listed in getattr(module, "__all__", ()):
        getattr(module, listed)
    return module


def _faults(name: str, page: Path) -> list[str]:
    if not page.is_file():
        return [f"{name} has no page"]
    raw = sorted(set(_RAW.findall(page.read_text(encoding="utf-8"))))
    return [f"the page of {name} shows raw {markup}" for markup in raw]
