"""For the test suites of hosts, and grantcore's own: a model of the engine, and tools that compare."""

from grantcore.testing.ids import SeededIds
from grantcore.testing.model import Model, ModelOperator

__all__ = ["Model", "ModelOperator", "SeededIds"]
