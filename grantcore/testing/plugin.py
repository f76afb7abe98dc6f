"""Fixtures for ``pytest``, there as soon as grantcore is installed: ``grant_clock`` and ``grant_engine``.

The plugin itself imports ``grantcore`` and ``pytest``; neither the model nor ``hypothesis``. A run that wants
neither fixture can leave it out: ``pytest -p no:grantcore``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from grantcore import GrantEngine, ManualClock


@pytest.fixture
def grant_clock() -> ManualClock:
    """A clock at instant 0 that stands still until the test moves it."""
    from grantcore import ManualClock

    return ManualClock()


@pytest.fixture
def grant_engine(grant_clock: ManualClock) -> Iterator[GrantEngine]:
    """An engine on ``grant_clock``; at the end every invariant is checked: a broken one fails the test."""
    from grantcore import GrantEngine

    engine = GrantEngine(clock=grant_clock)
    yield engine
    engine.check()


__all__ = ["grant_clock", "grant_engine"]
