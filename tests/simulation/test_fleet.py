"""The fleet: who carries what, and how workers are shared out over the work."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation.fleet import Member, Work, muster, share_out
from grantcore.simulation.scenario.model import Group
from grantcore.simulation.sizes import carried

TOKENS = st.sampled_from(("gpu", "ssd", "arm", "procs-1", "procs-4", "procs-8"))
SETS = st.frozensets(TOKENS, max_size=3).map(lambda tokens: tuple(sorted(tokens)))
WORK = st.dictionaries(SETS, st.integers(0, 3) | st.integers(0, 10**15), max_size=6)
COUNTS = st.integers(1, 8) | st.integers(1, 1_000)


def test_workers_are_named_by_their_group() -> None:
    groups = [Group(name="fast", count=2, capabilities=("gpu",), speed=2.5), Group(name="slow", count=1)]
    assert muster(groups, {("ssd",): 1}) == [
        Member("fast-0", ("gpu",), 2_500),
        Member("fast-1", ("gpu",), 2_500),
        Member("slow-0", ("ssd",), 1_000),
    ]


def test_nobody_stands_still() -> None:
    (member,) = muster([Group(count=1, speed=0.0001)], {})
    assert member.speed_permille == 1


def test_a_group_of_a_size_carries_the_smaller_sizes() -> None:
    (member,) = muster([Group(count=1, capabilities=("procs-32", "gpu"))], {("procs-1",): 1})
    assert member.capabilities == ("gpu", "procs-1", "procs-16", "procs-2", "procs-32", "procs-4", "procs-8")


def test_without_work_workers_carry_nothing() -> None:
    assert share_out(3, {}) == [((), 3)]


def test_jobs_that_take_no_time_share_the_workers_evenly() -> None:
    assert share_out(5, {("a",): 0, ("b",): 0}) == [(("a",), 3), (("b",), 2)]


def carriers(work: Mapping[tuple[str, ...], int]) -> Work:
    """Work by what carries it."""
    shares: Work = {}
    for required, work_ms in work.items():
        shares[carried(required)] = shares.get(carried(required), 0) + work_ms
    return shares


@pytest.mark.uncovered
@given(COUNTS, WORK)
@settings(max_examples=50)
def test_all_are_shared_out_and_every_job_has_a_worker(count: int, work: Work) -> None:
    shares = share_out(count, work)
    assert sum(number for _, number in shares) == count
    assert all(number >= 1 for _, number in shares)
    assert [tokens for tokens, _ in shares] == sorted({tokens for tokens, _ in shares})
    assert all(any(set(tokens).issuperset(required) for tokens, _ in shares) for required in work)


@pytest.mark.uncovered
@given(COUNTS, WORK.filter(lambda work: sum(work.values()) > 0))
@settings(max_examples=50)
def test_where_there_are_enough_each_has_one_and_the_rest_by_the_largest_remainder(
    count: int, work: Work
) -> None:
    due = carriers(work)
    count += len(due)
    found = dict(share_out(count, work))
    total, free = sum(due.values()), count - len(due)
    quota = {tokens: Fraction(free * share, total) for tokens, share in due.items()}
    extra = {tokens: found[tokens] - 1 - int(quota[tokens]) for tokens in due}
    assert found.keys() == due.keys()
    assert set(extra.values()) <= {0, 1}
    given_one = [quota[tokens] % 1 for tokens in due if extra[tokens]]
    given_none = [quota[tokens] % 1 for tokens in due if not extra[tokens]]
    assert not given_one or not given_none or min(given_one) >= max(given_none)


@pytest.mark.uncovered
@given(COUNTS, WORK)
@settings(max_examples=50)
def test_the_order_of_the_work_changes_nothing(count: int, work: Work) -> None:
    assert share_out(count, dict(reversed(work.items()))) == share_out(count, work)


@pytest.mark.uncovered
@pytest.mark.parametrize("unit", [3, 1_000])
@given(COUNTS, WORK)
@settings(max_examples=15)
def test_the_unit_of_the_work_changes_nothing(unit: int, count: int, work: Work) -> None:
    scaled = {tokens: work_ms * unit for tokens, work_ms in work.items()}
    assert share_out(count, scaled) == share_out(count, work)


def test_the_least_work_joins_the_nearest_set() -> None:
    work = {("a",): 9, ("a", "b"): 5, ("c", "d"): 7, ("a", "c"): 1}
    assert share_out(3, work) == [(("a", "b"), 1), (("a", "c"), 1), (("c", "d"), 1)]
