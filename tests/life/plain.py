"""Answers, events and records as plain nested values, so that two runs can be compared.

Errors compare by class and attributes, values by class and fields. A ``mend`` may replace what a field
holds: that is how runs under other names or at other times are brought to one form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

import attrs

from grantcore import GrantEngine, GrantError

Mend = Callable[[str, "int | str"], "int | str"]
"""Given the name of the field and what it holds."""


def as_is(_field: str, value: int | str) -> int | str:
    return value


def plain(value: object, mend: Mend = as_is, field: str = "") -> object:
    """Take a value apart, down to numbers and texts."""
    if isinstance(value, Enum):
        return value.value
    if type(value) in (int, str):
        return mend(field, value)  # type: ignore[arg-type]
    if isinstance(value, GrantError):
        return (value.code, plain(value.__dict__, mend))
    kind = type(value)
    if attrs.has(kind):
        names = [at.name for at in attrs.fields(kind)]
        return (kind.__name__, *((name, plain(getattr(value, name), mend, name)) for name in names))
    if isinstance(value, Mapping):
        return tuple((plain(key, mend), plain(value[key], mend, str(key))) for key in sorted(value))
    if isinstance(value, (tuple, list, frozenset)):
        entries = sorted(value) if type(value) is frozenset else value
        return tuple(plain(entry, mend, field) for entry in entries)
    return value


# -- mending -------------------------------------------------------------------------------------

_INSTANT: Final = re.compile(r"(^|_)at_ms$|until_ms$|deadline_ms$|^now_ms$")
_TIME_IN_TEXT: Final = re.compile(r"(?<=until )\d+|(?<=timeout at )\d+|^\d+(?=:)")
_TEXTS_WITH_TIME: Final = frozenset({"blocking_detail", "next"})


def earlier(ms: int) -> Mend:
    """Bring a run that began ``ms`` later back to the times of the other."""

    def mend(field: str, value: int | str) -> int | str:
        if type(value) is int:
            return value - ms if _INSTANT.search(field) else value
        if field in _TEXTS_WITH_TIME:
            return _TIME_IN_TEXT.sub(lambda at: str(int(at[0]) - ms), str(value))
        return value

    return mend


def unnamed(prefix: str) -> Mend:
    """Take a prefix off every text; what is derived from the text of ids is left out."""

    def mend(field: str, value: int | str) -> int | str:
        if field in ("partition_id", "grant_key"):
            return ""
        return value.replace(prefix, "") if type(value) is str else value

    return mend


# -- whole executions ----------------------------------------------------------------------------


def story(engine: GrantEngine, execution_id: str, mend: Mend = as_is) -> object:
    """Everything the engine shows of one execution."""
    shown = engine.describe_execution(execution_id)
    if shown is None:
        return None
    parts = (
        shown,
        engine.describe_grant(execution_id),
        engine.attempts(execution_id),
        engine.read_payload(execution_id),
        engine.read_result(execution_id),
        engine.lease_history(execution_id),
    )
    return plain(parts, mend)


def stories(engine: GrantEngine, mend: Mend = as_is) -> dict[str, object]:
    """Everything it shows of all executions."""
    return {
        shown.execution_id: story(engine, shown.execution_id, mend)
        for shown in engine.list_executions(limit=100_000).entries
    }
