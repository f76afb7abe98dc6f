"""For the test suites of hosts, and grantcore's own: a model of the engine, and tools that compare both."""

from grantcore.testing.faults import AnswerLost, Crashed, Faults, UnluckyWorker
from grantcore.testing.ids import SeededIds
from grantcore.testing.model import Model, ModelOperator, ModelScheduler
from grantcore.testing.visits import Visits, Watched

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
