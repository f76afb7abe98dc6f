"""Records as a run would leave them, made without one."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import attrs

from grantcore.simulation.record import LaneRecord, Point, Record, Tenure
from grantcore.simulation.scenario.model import Group, Leases, Scenario, SwfLog, Synthetic

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE: Final = "<script>alert('x')</script>&amp;$\\frac{$\x1b[2J\u202e\n中"
"""Acts in HTML, in TeX, on a terminal, and has no glyph in most fonts: of a log, of the engine."""

HOSTILE_NAME: Final = "<script>alert('y')</script>&amp;$\\frac{$"
"""The same, as far as the names of a scenario allow."""

DAY_MS: Final = 86_400_000


def busy(seed: int = 1, jobs: int = 2_000, days: int = 3) -> Record:
    """Make the record of a run with faults and everything there is to show."""
    chance = Random(seed)
    span_ms = days * DAY_MS
    record = Record(scenario=Scenario(seed=seed, workload=Synthetic(jobs=jobs)), submitted=jobs)
    record.last_end_ms = span_ms
    for number in range(jobs):
        wait_ms = 0 if chance.random() < 0.3 else _drawn(chance, 40_000, 1.8)
        run_ms = _drawn(chance, 200_000, 1.5)
        record.waits_ms.append(wait_ms)
        record.turnarounds_ms.append(wait_ms + run_ms)
        lane = record.lanes.setdefault(f"q{number % 3}", LaneRecord())
        lane.jobs += 1
        lane.wait_ms += wait_ms
        lane.run_ms += run_ms
        lane.turnaround_ms += wait_ms + run_ms
        record.useful_ms += run_ms
    for _ in range(jobs // 10):
        record.recoveries_ms.append(int(chance.random() * 300_000) + _drawn(chance, 20_000, 1.2))
    record.ends = Counter(succeeded=jobs - jobs // 50, failed=jobs // 50)
    record.wasted_ms, record.failed_ms = record.useful_ms // 17, record.useful_ms // 53
    record.busy_ms = record.useful_ms + record.wasted_ms + record.failed_ms + 1_000 * jobs
    record.capacity_ms = max(16 * span_ms - 90_000 * jobs // 20, record.busy_ms)
    record.leases, record.renewals = jobs + jobs // 8, jobs * 4
    record.reclaims, record.retries = jobs // 10, jobs // 45
    record.grants_issued, record.grants_used, record.grants_lapsed = jobs * 6 // 5, jobs * 9 // 8, jobs // 13
    record.refused = Counter(lease_expired=jobs // 21, stale_lease=jobs // 33, execution_not_leased=3)
    record.faults = Counter(crash=jobs // 20, pause=jobs // 19, fail=jobs // 50, stalls_per_day=6)
    record.calls, record.engine_events, record.steps, record.checks = 9 * jobs, 7 * jobs, 21 * jobs, 40
    record.event_digest, record.state_digest = "ab" * 32, "cd" * 32
    record.points = list(_points(chance, span_ms))
    record.timeline = list(_timeline(chance, DAY_MS, 14))
    return record


def empty() -> Record:
    """Make the record of a run in which nothing was submitted."""
    return Record(scenario=Scenario(workload=Synthetic(jobs=1)))


def single() -> Record:
    """Make the record of one job that waited for nothing and met no fault."""
    record = Record(scenario=Scenario(), submitted=1, first_submit_ms=5, last_end_ms=1_005)
    record.ends["succeeded"] = 1
    record.waits_ms.append(0)
    record.turnarounds_ms.append(1_000)
    record.capacity_ms, record.busy_ms, record.useful_ms = 16_000, 1_000, 1_000
    record.leases = record.grants_issued = record.grants_used = 1
    record.lanes["default"] = LaneRecord(1, 0, 1_000, 1_000)
    record.points = [Point(5, 0, 1, 15), Point(1_005, 0, 0, 16)]
    record.timeline = [Tenure("worker-0", "e-1", 1, 5, 1_005, "completed")]
    return record


def hostile() -> Record:
    """Make a record in which every text from outside tries to be more than text."""
    record = busy(jobs=60)
    record.scenario = attrs.evolve(
        record.scenario,
        workload=SwfLog(path=Path("/data/secret") / HOSTILE_NAME.replace("/", "|")),
        workers=(Group(name=HOSTILE_NAME, count=3, capabilities=(HOSTILE_NAME,)),),
    )
    record.lanes = {HOSTILE: LaneRecord(60, 1, 2, 3)}
    record.ends[HOSTILE] = record.refused[HOSTILE] = record.faults[HOSTILE] = 7
    record.violations = [f"{HOSTILE} ran twice"]
    record.event_digest = record.state_digest = HOSTILE
    record.points = record.points[::20]
    record.timeline = [
        attrs.evolve(tenure, worker_id=HOSTILE + tenure.worker_id, end=HOSTILE)
        for tenure in record.timeline[:20]
    ]
    return record


def huge() -> Record:
    """Make a record at the ends of what a run may have."""
    most = 2**62
    record = Record(scenario=Scenario(seed=2**53 - 1, leases=Leases(lease_ttl_ms=DAY_MS)), submitted=10**7)
    for times in (record.waits_ms, record.turnarounds_ms, record.recoveries_ms):
        times.extend((0, 1, most))
    record.last_end_ms = record.capacity_ms = record.busy_ms = record.useful_ms = record.wasted_ms = most
    record.leases = record.renewals = record.calls = record.steps = 10**15
    record.lanes = {f"lane-{number:03}": LaneRecord(10**9, most, 1, most) for number in range(200)}
    record.ends["succeeded"] = 10**7
    record.points = [Point(0, 0, 0, 0), Point(most, 10**9, 10**5, 10**5)]
    record.timeline = [Tenure(f"w-{n}", f"e-{n}", 10**9, 0, most, "completed") for n in range(9)]
    return record


def _drawn(chance: Random, median_ms: int, sigma: float) -> int:
    """Draw a duration, log-normal."""
    normal = math.sqrt(-2 * math.log(1 - chance.random())) * math.cos(2 * math.pi * chance.random())
    return int(median_ms * math.exp(sigma * normal))


def _points(chance: Random, span_ms: int) -> Iterator[Point]:
    """Walk through days and nights."""
    waiting = 0.0
    for step in range(800):
        at_ms = span_ms * step // 799
        load = 10 + 9 * math.sin(2 * math.pi * at_ms / DAY_MS) + 6 * (chance.random() - 0.5)
        waiting = max(waiting + (load - 15) * 0.7, 0)
        leased = min(max(int(load), 0), 16)
        yield Point(at_ms, int(waiting), leased, 16 - leased)


def _timeline(chance: Random, begin_ms: int, workers: int) -> Iterator[Tenure]:
    """Let workers take leases one after another; what one loses another takes over."""
    free_ms = [begin_ms + int(chance.random() * 300_000) for _ in range(workers)]
    lost: list[tuple[int, str, int]] = []
    tenures = list[Tenure]()
    for number in range(workers * 9):
        worker = min(range(workers), key=free_ms.__getitem__)
        start_ms = free_ms[worker]
        execution_id, epoch = f"e-{number}", 1
        if lost and lost[0][0] <= start_ms:
            _, execution_id, epoch = lost.pop(0)
        length_ms = _drawn(chance, 200_000, 0.9)
        fate = chance.random()
        end = (
            "completed"
            if fate > 0.22
            else "failed"
            if fate > 0.15
            else "lapsed"
            if fate > 0.02
            else "revoked"
        )
        end_ms = start_ms + length_ms + (300_000 if end == "lapsed" else 0)
        if end in {"lapsed", "revoked"}:
            lost.append((end_ms, execution_id, epoch + 1))
        tenures.append(Tenure(f"worker-{worker}", execution_id, epoch, start_ms, end_ms, end))
        free_ms[worker] = end_ms + int(chance.random() * 60_000)
    return iter(sorted(tenures, key=lambda tenure: tenure.begin_ms))
