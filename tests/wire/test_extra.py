"""Who does not speak JSON needs no cattrs; who does without it is told what to install (SPEC 1, 9)."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from grantcore import wire


@pytest.mark.uncovered
@pytest.mark.every_python
@pytest.mark.parametrize(("module", "imported"), [("grantcore", "False"), ("grantcore.wire", "True")])
def test_only_the_json_forms_import_cattrs(module: str, imported: str) -> None:
    code = f"import sys, {module}; print('cattrs' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == imported


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cattrs", None)
    with pytest.raises(ImportError, match=r"pip install 'grantcore\[wire\]'") as missing:
        importlib.reload(wire)
    assert missing.value.name == "cattrs"
