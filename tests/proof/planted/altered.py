"""Import modules of ``grantcore`` from altered source: nothing is written to disk, nothing is cached.

Imports nothing of ``grantcore`` itself: that must come after :func:`install`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

_SPEC: Final = find_spec("grantcore")
assert _SPEC is not None
assert _SPEC.origin is not None
PACKAGE: Final = Path(_SPEC.origin).parent
"""Where it is, the work tree or an installation."""

Sources = Mapping[str, str]
"""Source by path below ``grantcore``."""


def original(path: str) -> str:
    """The source of a module as it is."""
    return (PACKAGE / path).read_text()


class _Loader(SourceFileLoader):
    """Loads a module from a text instead of its file."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        """Compile the text."""
        code: CodeType = compile(self._source, self.get_filename(fullname), "exec", dont_inherit=True)
        return code


class _Finder:
    """Finds the altered modules before anybody else does."""

    def __init__(self, sources: Sources) -> None:
        self._sources = {module_of(path): source for path, source in sources.items()}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of an altered module; None: it is not altered."""
        spec = PathFinder.find_spec(name, path, target) if name in self._sources else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(name, spec.origin, self._sources[name])
        return spec


def module_of(path: str) -> str:
    """The name of the module at a path below ``grantcore``.

    >>> module_of("rules/fencing.py")
    'grantcore.rules.fencing'
    """
    return "grantcore." + path.removesuffix(".py").replace("/", ".")


def install(sources: Sources) -> None:
    """Have these modules imported from these texts, from now on."""
    assert not any(name.split(".")[0] == "grantcore" for name in sys.modules), "grantcore is imported already"
    sys.meta_path.insert(0, _Finder(sources))
