"""Bugs to plant in the engine, one line each: a comparing run must find every one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from grantcore.engine import choosing
from grantcore.model import capabilities, vector
from grantcore.model.records import Execution
from grantcore.rules import admission, ending, granting, holding, lapsing, pausing, registering, replaying

Plant = Callable[[pytest.MonkeyPatch], None]


def _before(module: Any, name: str, meddle: Callable[..., None]) -> Plant:
    """Do something before a function runs."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        original = getattr(module, name)

        def meddled(*args: Any, **kwargs: Any) -> Any:
            meddle(*args)
            return original(*args, **kwargs)

        patch.setattr(module, name, meddled)

    return plant


def _after(module: Any, name: str, meddle: Callable[..., Any]) -> Plant:
    """Change what a function gives: ``meddle(result, *args)``."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        original = getattr(module, name)

        def meddled(*args: Any, **kwargs: Any) -> Any:
            return meddle(original(*args, **kwargs), *args)

        patch.setattr(module, name, meddled)

    return plant


def _instead(module: Any, name: str, other: Callable[..., Any]) -> Plant:
    return lambda patch: patch.setattr(module, name, other)


def _forget_count(record: Execution, *_: object) -> None:
    if record.past is not None:
        record.past.retry_count = 0


def _stamp_transition(record: Execution, at_ms: int, *_: object) -> None:
    record.last_transition_at_ms = at_ms


def _swap(module: Any, name: str, table: object) -> Plant:
    return lambda patch: patch.setattr(module, name, table)


PLANTED: dict[str, Plant] = {
    "a mismatch names one token only (I-23)": _after(
        capabilities, "missing", lambda lacking, *_: lacking[:1]
    ),
    "a retry waits one millisecond longer (SPEC 9)": _after(
        ending, "_retry_at", lambda at_ms, *_: None if at_ms is None else at_ms + 1
    ),
    "retries are not counted (I-31)": _before(ending, "fail", _forget_count),
    "a lapse counts as a transition (reference 2.3)": _before(lapsing, "touch", _stamp_transition),
    "what is left of an attempt is one millisecond more (SPEC 5)": _after(
        pausing, "rest_of", lambda rest, *_: None if rest is None else rest + 1
    ),
    "the cap is one more (D-05)": _after(granting, "cap", lambda _change, *_: None),
    "a paused lane closes nothing (SPEC 7)": _instead(admission, "paused", lambda _spec: None),
    "ceilings are not asked (SPEC 8)": _instead(admission, "refusal", lambda *_: None),
    "a replay keeps the tags only (D-17)": _after(
        replaying, "_new_life", lambda rare, *_: attrs.evolve(rare, payload=None)
    ),
    "a holder's call counts as a renewal (I-08)": _before(
        holding, "held", lambda record, *_: setattr(record, "renewed_at_ms", record.renewed_at_ms + 1)
    ),
    "a heartbeat does nothing (SPEC 8)": _after(
        registering, "refresh", lambda note, *_: (*note[:3], lambda *_: None, note[4])
    ),
    "lost ones go last (SPEC 7)": _after(
        choosing, "rank", lambda place, *_: (place[0], not place[1], *place[2:])
    ),
    "the vector says waiting (D-08)": _swap(
        vector, "ORDERS", {name: (pair[0], "waiting") for name, pair in vector.ORDERS.items()}
    ),
    "lanes get no credit (SPEC 7)": _instead(choosing, "_by_weight", choosing._in_order),
}
