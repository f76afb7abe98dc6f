"""The rule that makes a job of a line of a log."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantcore.simulation.job import Job
from grantcore.simulation.scenario.model import CapabilityRule, LaneRule, SwfLog
from grantcore.simulation.sizes import carried
from grantcore.simulation.workloads.mapping import LANES, TOKENS, mapped
from grantcore.simulation.workloads.swf import SwfJob

LINE = SwfJob(7, 20, -1, 60, 8, -1, -1, -1, -1, -1, 1, 31, 32, 33, 34, 35, -1, -1)
LOG = SwfLog(path=Path("a.swf"))
JOB = Job(20_000, 60_000, "q34", 0, ("procs-8",), 7)


def made(log: SwfLog = LOG, **fields: Any) -> Job:
    return mapped(log)(attrs.evolve(LINE, **fields))


def log(**rule: Any) -> SwfLog:
    return attrs.evolve(LOG, **rule)


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({}, {}),
        ({"submit_time": -1}, {"submit_ms": 0}),
        ({"run_time": -1}, {"run_ms": 0}),
        ({"run_time": 0}, {"run_ms": 0}),
        ({"queue": -1}, {"lane_id": "default"}),
        ({"queue": 0}, {"lane_id": "q0"}),
        ({"allocated_processors": -1, "requested_processors": 4}, {"required_capabilities": ("procs-4",)}),
        ({"allocated_processors": -1}, {"required_capabilities": ("procs-1",)}),
        ({"allocated_processors": 0}, {"required_capabilities": ("procs-1",)}),
        ({"allocated_processors": 10**10}, {"required_capabilities": (f"procs-{2**34}",)}),
        ({"job_number": -1}, {"number": None}),
        ({"preceding_job": 3, "think_time": 1.5}, {"after": 3, "think_ms": 1_500}),
        ({"preceding_job": 7}, {"after": None}),
        ({"preceding_job": 3, "think_time": -1.0}, {"after": 3}),
    ],
)
def test_fields_of_a_line_become_those_of_a_job(fields: dict[str, Any], changed: dict[str, Any]) -> None:
    assert made(**fields) == attrs.evolve(JOB, **changed)


@pytest.mark.parametrize(
    ("rule", "field", "lane"),
    [
        ("queue", "queue", "q34"),
        ("partition", "partition", "partition-35"),
        ("user", "user", "user-31"),
        ("group", "group", "group-32"),
    ],
)
def test_the_rule_says_which_field_names_the_lane(rule: LaneRule, field: str, lane: str) -> None:
    assert made(log(lane=rule)).lane_id == lane
    assert made(log(lane=rule), **{field: -1}).lane_id == "default"
    assert made(log(lane="single")).lane_id == "default"


def test_the_rule_says_which_fields_are_required() -> None:
    everything = log(capabilities=("processors", "partition", "queue", "executable"))
    assert made(everything).required_capabilities == ("executable-33", "partition-35", "procs-8", "queue-34")
    unknown = made(everything, partition=-1, queue=-1, executable=-1)
    assert unknown.required_capabilities == ("procs-8",)
    assert made(log(capabilities=())).required_capabilities == ()


def test_every_word_of_the_rules_is_known() -> None:
    assert set(LANES) == set(get_args(LaneRule))
    assert set(TOKENS) == set(get_args(CapabilityRule))


def test_without_dependencies_no_job_waits_or_is_waited_for() -> None:
    job = made(log(dependencies=False), preceding_job=3, think_time=5)
    assert (job.number, job.after) == (None, None)


@pytest.mark.parametrize(
    ("processors", "size"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (128, 128), (129, 256)]
)
def test_the_size_is_the_next_power_of_two(processors: int, size: int) -> None:
    assert made(allocated_processors=processors).required_capabilities == (f"procs-{size}",)


@pytest.mark.uncovered
@given(st.integers(1, 10**10), st.integers(1, 10**10))
def test_a_worker_runs_what_fits_and_nothing_else(one: int, other: int) -> None:
    def tokens(processors: int) -> set[str]:
        return set(made(allocated_processors=processors).required_capabilities)

    fits = (one - 1).bit_length() <= (other - 1).bit_length()
    assert (tokens(one) <= set(carried(tokens(other)))) == fits


def test_other_tokens_are_carried_as_they_are() -> None:
    tokens = ("gpu", "procs-", "procs-x", "queue-4")
    assert carried(tokens) == tokens
    assert carried(("procs-0",)) == ("procs-0",)


def test_jobs_of_one_rule_share_their_texts() -> None:
    one, other = made(), made(submit_time=21)
    assert one.lane_id is other.lane_id
    assert one.required_capabilities is other.required_capabilities
