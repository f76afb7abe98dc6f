"""What a job becomes, and the workload that is made up."""

from __future__ import annotations

import pytest

from grantcore.simulation.chance import Chance
from grantcore.simulation.fleet import Fleet
from grantcore.simulation.job import Job, tokens
from grantcore.simulation.workload import synthetic


@pytest.mark.parametrize(
    ("processors", "size"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (128, 128), (129, 256)]
)
def test_the_size_is_the_next_power_of_two(processors: int, size: int) -> None:
    job = Job(0, 0, processors)
    assert job.size == size
    assert job.required_capabilities == (f"procs-{size}",)


@pytest.mark.parametrize("size", [1, 2, 64, 2**34])
def test_a_worker_runs_what_fits(size: int) -> None:
    assert set(Job(0, 0, size).required_capabilities) <= set(tokens(size))
    assert not set(Job(0, 0, size + 1).required_capabilities) & set(tokens(size))


@pytest.mark.parametrize("workers", [1, 3, 4, 9])
def test_every_fleet_can_run_the_largest_job(workers: int) -> None:
    fleet = Fleet(workers, 8)
    worker = fleet.hire_for(["procs-8"])
    assert worker is not None
    assert worker.size == 8


def test_small_jobs_go_to_small_workers() -> None:
    fleet = Fleet(3, 4)
    assert fleet.largest_idle() == 4
    hired = [fleet.hire_for(["procs-1"]) for _ in range(4)]
    assert [worker and worker.size for worker in hired] == [1, 2, 4, None]
    assert fleet.largest_idle() is None


def test_the_made_up_workload_depends_on_the_seed_only() -> None:
    first, again, other = (list(synthetic(Chance(seed), 300)) for seed in (5, 5, 6))
    assert first == again != other
    assert first == sorted(first, key=lambda job: job.submit_ms)
    assert {job.lane_id for job in first} == {"q0", "q1", "q2"}


def test_chance_is_the_same_everywhere() -> None:
    chance = Chance(1)
    assert [chance.below(1000) for _ in range(4)] == [134, 847, 763, 255]
    assert not chance.happens(0.0)
    assert chance.happens(1.0)
