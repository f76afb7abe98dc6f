"""The numbers of a run."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantcore.simulation.measures import (
    FAULT_KINDS,
    METRICS,
    SHORT_JOB_MS,
    Measures,
    jain,
    measure,
    percentile,
    ratio,
)
from grantcore.simulation.record import LaneRecord, Record
from grantcore.simulation.scenario.model import Faults, Scenario
from tests.simulation.report import records

TIMES = st.lists(st.integers(0, 2**62), max_size=15)
NOT_PLAIN = {"ends", "refused_by_code", "faults_by_kind", "lanes"}


def record_of(**fields: int) -> Record:
    return Record(scenario=Scenario(), **fields)  # type: ignore[arg-type]


@pytest.mark.uncovered
@given(TIMES, st.integers(1, 100))
def test_a_percentile_is_the_least_time_that_so_many_percent_do_not_exceed(
    times: list[int], percent: int
) -> None:
    found = percentile(sorted(times), percent)
    enough = [each for each in times if 100 * sum(other <= each for other in times) >= percent * len(times)]
    assert found == min(enough, default=0)


@pytest.mark.uncovered
@given(TIMES)
def test_spreads_are_in_order_and_within_what_was_measured(times: list[int]) -> None:
    record = record_of()
    record.waits_ms.extend(times)
    found = measure(record)
    spread = [
        found.wait_p50_ms,
        found.wait_p90_ms,
        found.wait_p95_ms,
        found.wait_p99_ms,
        found.wait_max_ms,
    ]
    assert spread == sorted(spread)
    assert set(spread) <= set(times or [0])
    assert found.wait_max_ms == max(times, default=0)
    assert found.wait_mean_ms == (sum(times) // len(times) if times else 0)


def test_each_kind_of_duration_has_its_own_spread() -> None:
    record = record_of()
    record.waits_ms.append(1)
    record.turnarounds_ms.append(2)
    record.recoveries_ms.extend((3, 3))
    found = measure(record)
    assert (found.wait_p50_ms, found.turnaround_p50_ms, found.recovery_p50_ms) == (1, 2, 3)
    assert found.recoveries == 2


def test_work_is_shared_out() -> None:
    hour = 3_600_000
    found = measure(
        record_of(
            capacity_ms=16 * hour, busy_ms=8 * hour, useful_ms=6 * hour, wasted_ms=hour, failed_ms=hour // 2
        )
    )
    assert (found.utilisation, found.goodput, found.wasted_share) == (0.5, 0.75, 0.142857)
    hours = (
        found.capacity_hours,
        found.busy_hours,
        found.useful_hours,
        found.wasted_hours,
        found.failed_hours,
    )
    assert hours == (16.0, 8.0, 6.0, 1.0, 0.5)


def test_costs_are_per_lease_hour_job_and_grant() -> None:
    record = record_of(
        submitted=10, leases=12, renewals=30, busy_ms=7_200_000, calls=95, grants_issued=16, grants_lapsed=4
    )
    found = measure(record)
    assert (found.renewals_per_lease, found.renewals_per_hour) == (2.5, 15.0)
    assert (found.calls_per_job, found.grant_waste) == (9.5, 0.25)


def test_jobs_that_did_not_end_are_counted() -> None:
    record = record_of(submitted=10, first_submit_ms=1_000, last_end_ms=3_601_000)
    record.ends = Counter(succeeded=6, failed=1)
    found = measure(record)
    assert (found.jobs, found.jobs_ended, found.jobs_open) == (10, 7, 3)
    assert (found.makespan_ms, found.jobs_per_hour) == (3_600_000, 7.0)
    assert found.ends == (("failed", 1), ("succeeded", 6))


def test_a_run_of_nothing_has_numbers_too() -> None:
    found = measure(records.empty())
    plain = {name: found.number(name) for name in METRICS}
    assert plain.pop("lane_fairness") == 1.0
    assert set(plain.values()) == {0}
    assert found.lanes == ()


def test_every_kind_of_fault_is_shown_and_one_that_is_not_known_too() -> None:
    record = record_of()
    record.faults = Counter(crash=3, meteor=1)
    found = dict(measure(record).faults_by_kind)
    assert found == dict.fromkeys(FAULT_KINDS, 0) | {"crash": 3, "meteor": 1}
    assert measure(record).faults == 4


def test_the_kinds_of_faults_are_the_rates_of_the_scenario() -> None:
    parameters = {"restart_ms", "pause_ttls", "slow_factor", "retry_call_ms", "clock_jump_ms", "stall_ms"}
    names = {field.name for field in attrs.fields(Faults)}
    assert names - parameters - {"until_ms"} == set(FAULT_KINDS)


def test_refused_calls_are_counted_by_code() -> None:
    record = record_of()
    record.refused = Counter(stale_lease=2, lease_expired=5)
    found = measure(record)
    assert found.refused_by_code == (("lease_expired", 5), ("stale_lease", 2))
    assert found.refused == 7


@pytest.mark.uncovered
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8), st.integers(1, 1000))
def test_fairness_is_between_one_nth_and_one_and_blind_to_units(values: list[int], unit: int) -> None:
    found = jain(map(Fraction, values))
    assert 1 / len(values) - 1e-6 <= found <= 1
    assert jain(Fraction(value * unit) for value in values) == found
    assert (found == 1.0) >= (len(set(values)) == 1)


def test_lanes_that_are_slowed_alike_are_fair() -> None:
    record = record_of()
    record.lanes = {
        "b": LaneRecord(2, 0, 200_000, 600_000),
        "a": LaneRecord(1, 0, 50_000, 150_000),
        "none": LaneRecord(),
    }
    found = measure(record)
    assert found.lane_fairness == 1.0
    assert [(lane.lane_id, lane.slowdown) for lane in found.lanes] == [("a", 3.0), ("b", 3.0), ("none", 1.0)]
    record.lanes["b"].turnaround_ms *= 100
    assert measure(record).lane_fairness < 0.6


def test_short_jobs_do_not_slow_a_lane_down_without_bound() -> None:
    record = record_of()
    record.lanes = {"main": LaneRecord(4, 0, 0, 8 * SHORT_JOB_MS)}
    assert measure(record).lanes[0].slowdown == 2.0


def test_the_means_of_a_lane_are_per_job() -> None:
    record = record_of()
    record.lanes = {"main": LaneRecord(3, 10, 20, 31)}
    (lane,) = measure(record).lanes
    assert (lane.jobs, lane.wait_mean_ms, lane.run_mean_ms, lane.turnaround_mean_ms) == (3, 3, 6, 10)


@pytest.mark.uncovered
@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_a_ratio_has_few_digits_and_is_as_near_as_they_allow(part: int, whole: int) -> None:
    found = ratio(part, whole)
    assert found == round(found, 6)
    assert math.isclose(
        found, float(Fraction(part, whole)) if whole else 0.0, rel_tol=1e-12, abs_tol=5.000001e-7
    )


def test_every_plain_number_has_a_meaning_and_no_other() -> None:
    fields = [field.name for field in attrs.fields(Measures)]
    assert [name for name in fields if name not in NOT_PLAIN] == list(METRICS)
    assert {metric.better for metric in METRICS.values()} == {"higher", "lower", "neither"}
    for name, metric in METRICS.items():
        assert (metric.unit == "ms") == name.endswith("_ms")
        assert metric.says
        assert not metric.says.endswith(".")


@pytest.mark.parametrize("name", ["lanes", "number", "wait"])
def test_only_numbers_are_asked_for_by_name(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        measure(records.empty()).number(name)
