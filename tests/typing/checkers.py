"""Runs a type checker over files whose wrong lines are marked: ``# wrong: mypy[CODE,CODE] pyright[RULE]``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import grantcore

ROOT: Final = Path(grantcore.__file__).parents[1]

Found = set[tuple[str, int, str]]
"""(file name, line, error code)"""


def marked(tool: str, files: Iterable[Path]) -> Found:
    """What the marks of this tool announce."""
    return {
        (file.name, number, code)
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        for codes in re.findall(rf"# wrong: .*?\b{tool}\[([\w,-]+)\]", line)
        for code in codes.split(",")
    }


def mypy(files: Iterable[Path], scratch: Path) -> Found:
    """What mypy finds, strict and otherwise as it comes."""
    options = ["--strict", "--config-file=", "--follow-imports=silent", "--output=json"]
    command = [sys.executable, "-m", "mypy", *options, f"--cache-dir={scratch}", *map(str, files)]
    answer = _run(command, scratch, MYPYPATH=str(ROOT))
    found = [json.loads(line) for line in answer.splitlines()]
    return {(Path(each["file"]).name, each["line"], each["code"]) for each in found if _is_error(each)}


def pyright(files: Iterable[Path], scratch: Path) -> Found:
    """What pyright finds, strict and otherwise as it comes."""
    settings = {
        "include": [os.path.relpath(file, scratch) for file in files],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "strict",
    }
    config = scratch / "pyrightconfig.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    options = ["--outputjson", f"--pythonpath={sys.executable}", f"--project={config}"]
    answer = json.loads(_run([sys.executable, "-m", "pyright", *options], scratch))
    assert answer["summary"]["filesAnalyzed"] > 0
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1, each.get("rule", ""))
        for each in answer["generalDiagnostics"]
        if _is_error(each)
    }


def _is_error(each: dict[str, Any]) -> bool:
    return each["severity"] in ("error", "warning")


def _run(command: list[str], folder: Path, **environment: str) -> str:
    """Standard output; 0 and 1 mean that the tool did its work."""
    run = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    return run.stdout
