"""For the test suites of hosts, and grantcore's own: a model of the engine, and tools that compare both.

What it names is imported when it is first used: ``pytest`` imports this package at its start, for the
fixtures of :mod:`grantcore.testing.plugin`, in runs that use none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from grantcore.testing.faults import AnswerLost, Crashed, Faults, UnluckyWorker
    from grantcore.testing.ids import SeededIds
    from grantcore.testing.model import Model, ModelOperator, ModelScheduler
    from grantcore.testing.visits import Visits, Watched
else:
    _HOMES: Final = {
        "AnswerLost": "faults",
        "Crashed": "faults",
        "Faults": "faults",
        "Model": "model",
        "ModelOperator": "model",
        "ModelScheduler": "model",
        "SeededIds": "ids",
        "UnluckyWorker": "faults",
        "Visits": "visits",
        "Watched": "visits",
    }

    def __getattr__(name: str) -> object:
        """Import the module that has it; from then on it is an attribute like any other."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value


__all__ = [
    "AnswerLost",
    "Crashed",
    "Faults",
    "Model",
    "ModelOperator",
    "ModelScheduler",
    "SeededIds",
    "UnluckyWorker",
    "Visits",
    "Watched",
]
