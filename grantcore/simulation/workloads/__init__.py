"""What comes in: jobs from logs (``swf``, ``table``) or made up (``synthetic``), read alike (``feed``)."""

from grantcore.simulation.workloads.feed import Feed, Survey, open_workload, survey
from grantcore.simulation.workloads.lines import LogError

__all__ = ["Feed", "LogError", "Survey", "open_workload", "survey"]
