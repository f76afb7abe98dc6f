"""Of many alike, a few in every run of the tests, and all with ``-m nightly``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def one_in(every: int, values: Iterable[Any]) -> list[Any]:
    """Parameters: the first of each ``every`` stands in every run, the others are marked ``nightly``.

    A value may be a tuple, for several parameters.
    """
    return [_marked(value) if i % every else value for i, value in enumerate(values)]


def _marked(value: Any) -> Any:
    values = value if isinstance(value, tuple) else (value,)
    return pytest.param(*values, marks=pytest.mark.nightly)
